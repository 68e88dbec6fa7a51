//! Steps that are kept once, however many programs have them. A plan of a million steps is made of a few thousand
//! different ones: to copy, to compare and to hand over their numbers costs a tenth of what the steps would.

use std::cell::RefCell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{LazyLock, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::Step;

/// A step of which there is no other like it in this process. It is kept until that ends.
#[derive(Clone, Copy)]
pub struct Kept(&'static Numbered);

struct Numbered {
    number: u32,
    step: Step,
}

type Known = FxHashMap<Step, Kept>;

/// All that are kept.
static ALL: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

thread_local! {
    /// Those that this thread has asked for: it asks for most of them often, and others need not wait for it.
    static ASKED_FOR: RefCell<Known> = RefCell::default();
}

impl Kept {
    /// The one that is like this.
    pub fn of(step: Step) -> Self {
        ASKED_FOR.with_borrow_mut(|asked_for| *asked_for.entry(step).or_insert_with(|| Self::of_all(step)))
    }

    #[cold]
    fn of_all(step: Step) -> Self {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        let number = all.len() as u32;
        *all.entry(step).or_insert_with(|| Self(Box::leak(Box::new(Numbered { number, step }))))
    }

    /// Its number, by which it is told from the others: from 0, in the order in which they came up, which may be another
    /// in each run.
    pub(crate) const fn number(self) -> u32 {
        self.0.number
    }

    /// Puts another in its place, which differs from it in this.
    pub fn change(&mut self, change: impl FnOnce(&mut Step)) {
        let mut step = **self;
        change(&mut step);
        *self = Self::of(step);
    }
}

impl From<Step> for Kept {
    fn from(step: Step) -> Self {
        Self::of(step)
    }
}

impl Deref for Kept {
    type Target = Step;

    #[inline]
    fn deref(&self) -> &Step {
        &self.0.step
    }
}

impl PartialEq for Kept {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Kept {}

/// By its number: for tables of one run, and for nothing that is kept.
impl Hash for Kept {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.number.hash(state);
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.step.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use mapi_session_spec::event::Call;

    use super::*;
    use crate::program::Wanted;

    #[test]
    fn what_is_alike_is_kept_once_whichever_thread_asks_for_it_and_what_differs_apart() {
        let steps = || {
            let guards =
                [None, Some((0, Wanted::Success)), Some((0, Wanted::Failure)), Some((1, Wanted::Success))];
            guards.map(|after| Step { after, ..Step::call(Call::Initialize) })
        };
        let here = steps().map(Kept::of);
        let elsewhere = std::thread::spawn(move || steps().map(Kept::of)).join().expect("no panic");
        assert_eq!(here, elsewhere);
        assert_eq!(here.map(|kept| *kept), steps());
        for (place, kept) in here.iter().enumerate() {
            let alike = here.iter().filter(|other| other.number() == kept.number() || *other == kept);
            assert_eq!(alike.count(), 1, "{place}");
        }
    }

    #[test]
    fn what_is_changed_is_another_and_the_first_stays_as_it_was() {
        let step = Step::call(Call::Initialize);
        let mut kept = Kept::of(step);
        kept.change(|step| step.after = Some((7, Wanted::Failure)));
        assert_eq!(kept.after, Some((7, Wanted::Failure)));
        assert_eq!(Kept::of(step).after, None);
    }
}

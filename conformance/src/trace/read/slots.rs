//! Names of a trace, of one kind of thing: the slot that each stands for.
//!
//! A recording has any number of names, and the state has few slots: that of what is over is used again, that which has
//! been over longest first. So what is kept does not grow with the recording.

use std::collections::{HashMap, HashSet, VecDeque};

/// How many of a kind may be held at once.
const MOST: u16 = 60_000;
/// How many names are remembered whose slots were used again.
const REMEMBERED: usize = 65_536;

/// The names of one kind of thing.
#[derive(Default)]
pub(super) struct Slots {
    by_name: HashMap<String, u16>,
    names: HashMap<u16, String>,
    /// Names beyond the first.
    also: HashMap<u16, Vec<String>>,
    next: u16,
    /// The slots of what is over, and the order in which it came to be so.
    over: HashSet<u16>,
    in_order: VecDeque<u16>,
    /// The first of them that would have been used again: it stands for all whose slots were.
    stands_for_all: Option<u16>,
    gone: HashSet<String>,
    gone_in_order: VecDeque<String>,
}

impl Slots {
    /// A slot, for what has no name yet. Once more than so many are over, that of one of these. `None` where there are
    /// too many.
    pub(super) fn take(&mut self, kept: usize) -> Option<u16> {
        while self.over.len() > kept {
            let slot = self.in_order.pop_front()?;
            if !self.over.remove(&slot) {
                continue;
            }
            self.forget_the_name_of(slot);
            if self.stands_for_all.is_some() {
                return Some(slot);
            }
            self.stands_for_all = Some(slot);
        }
        self.take_unused()
    }

    /// A slot that nothing ever had.
    pub(super) fn take_unused(&mut self) -> Option<u16> {
        if self.next >= MOST {
            return None;
        }
        self.next += 1;
        Some(self.next - 1)
    }

    fn forget_the_name_of(&mut self, slot: u16) {
        let also = self.also.remove(&slot).unwrap_or_default();
        for name in self.names.remove(&slot).into_iter().chain(also) {
            self.forget(slot, name);
        }
    }

    fn forget(&mut self, slot: u16, name: String) {
        // It may be another's by now.
        if self.by_name.get(&name) != Some(&slot) {
            return;
        }
        self.by_name.remove(&name);
        if self.gone.insert(name.clone()) {
            self.gone_in_order.push_back(name);
        }
        if self.gone_in_order.len() > REMEMBERED
            && let Some(oldest) = self.gone_in_order.pop_front()
        {
            self.gone.remove(&oldest);
        }
    }

    /// What is in this slot is called so from now on.
    pub(super) fn give_name(&mut self, slot: u16, name: String) {
        self.by_name.insert(name.clone(), slot);
        self.names.insert(slot, name);
    }

    /// What is in this slot has one more name.
    pub(super) fn give_further_name(&mut self, slot: u16, name: String) {
        self.by_name.insert(name.clone(), slot);
        self.also.entry(slot).or_default().push(name);
    }

    /// The slot of what is called so, where it has one of its own.
    pub(super) fn current(&self, name: &str) -> Option<u16> {
        self.by_name.get(name).copied()
    }

    /// The slot of what is called so, or of one that is over as well, where it has been over for long.
    pub(super) fn of(&self, name: &str) -> Option<u16> {
        let long_over = || self.stands_for_all.filter(|_| self.gone.contains(name));
        self.current(name).or_else(long_over)
    }

    /// What is in this slot is over.
    pub(super) fn mark_over(&mut self, slot: u16) {
        if self.over.insert(slot) {
            self.in_order.push_back(slot);
        }
    }

    /// It is not over after all.
    pub(super) fn mark_held(&mut self, slot: u16) {
        if self.over.remove(&slot) {
            self.in_order.retain(|other| *other != slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;

    /// Names so many things, one after the other, each over before the next comes.
    fn after(things: usize, kept: usize) -> (Slots, u16) {
        let (mut slots, mut highest) = (Slots::default(), 0);
        for number in 0..things {
            let slot = slots.take(kept).expect("a slot");
            highest = highest.max(slot);
            slots.give_name(slot, format!("n{number}"));
            slots.mark_over(slot);
        }
        (slots, highest)
    }

    #[test]
    fn what_is_over_gives_its_slot_to_what_comes_later() {
        let (slots, highest) = after(200_000, 8);
        assert_eq!(highest, 9);
        assert!(slots.gone.len() <= super::REMEMBERED && slots.in_order.len() <= 9);
    }

    #[test]
    fn one_slot_stands_for_all_that_have_been_over_for_long_and_is_used_for_nothing_else() {
        let (mut slots, _) = after(100, 8);
        let (first, later) = (slots.of("n0"), slots.of("n40"));
        assert_eq!(first, Some(0));
        assert_eq!(later, Some(0));
        assert_ne!(slots.of("n99"), Some(0));
        assert_eq!(slots.of("n100"), None);
        for _ in 0..100 {
            let slot = slots.take(8).expect("a slot");
            assert_ne!(slot, 0);
            slots.mark_over(slot);
        }
    }

    #[test]
    fn what_is_not_over_keeps_its_slot() {
        let mut slots = Slots::default();
        let held = slots.take(2).expect("a slot");
        slots.give_name(held, "held".into());
        slots.mark_over(held);
        slots.mark_held(held);
        for _ in 0..100 {
            let slot = slots.take(2).expect("a slot");
            assert_ne!(slot, held);
            slots.mark_over(slot);
        }
        assert_eq!(slots.of("held"), Some(held));
    }

    #[test]
    fn a_name_that_is_used_again_is_the_later_ones() {
        let (mut slots, _) = after(20, 8);
        let slot = slots.take(8).expect("a slot");
        slots.give_name(slot, "n0".into());
        assert_eq!(slots.of("n0"), Some(slot));
    }

    #[test]
    fn too_many_held_at_once_are_refused() {
        let mut slots = Slots::default();
        for _ in 0..super::MOST {
            assert!(slots.take(4).is_some());
        }
        assert_eq!(slots.take(4), None);
    }
}

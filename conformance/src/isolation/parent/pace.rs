//! Whether the subject mostly waits, so that the rest of its programs had better be run in several processes abreast.
//!
//! The child stops at a few programs of the plan, says how long it has waited, and hears whether to go on: where it stops
//! does not depend on how fast the machine is, so that the same subject is run in the same processes each time.

use std::time::Duration;

/// After how many programs it is asked for the first time; then after four times as many, and so on.
const FIRST: usize = 256;
const TIMES: usize = 4;
/// How long the subject would wait during the rest of its programs, to be worth more processes.
const WORTH_IT: Duration = Duration::from_secs(1);

/// What comes after the programs that were allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// So many are allowed in all.
    Allowed(usize),
    /// No more in this process.
    NoMore,
}

/// How a process gets on.
#[derive(Debug)]
pub(super) struct Pace {
    programs: usize,
    allowed: usize,
    /// How many were allowed before that.
    before: usize,
}

impl Pace {
    /// Of a process that is to run so many programs, and may stop before it has run them all.
    pub(super) fn of(programs: usize, may_stop: bool) -> Self {
        Self { programs, allowed: if may_stop { programs.min(FIRST) } else { programs }, before: 0 }
    }

    /// How many programs may be run.
    pub(super) const fn allowed(&self) -> usize {
        self.allowed
    }

    /// All that were allowed have been run; the subject has waited so long in those that were allowed last.
    pub(super) fn next(&mut self, waited: Duration) -> Next {
        let (done, left) = (self.allowed - self.before, self.programs - self.allowed);
        if waited.as_nanos() * left as u128 > WORTH_IT.as_nanos() * done as u128 {
            return Next::NoMore;
        }
        self.before = self.allowed;
        self.allowed = (self.allowed * TIMES).min(self.programs);
        Next::Allowed(self.allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_busy_goes_on_and_is_asked_more_and_more_seldom() {
        let mut pace = Pace::of(5_000, true);
        let mut allowed = vec![pace.allowed()];
        while pace.allowed() < 5_000 {
            assert_eq!(pace.next(Duration::from_millis(20)), Next::Allowed(pace.allowed()));
            allowed.push(pace.allowed());
        }
        assert_eq!(allowed, [256, 1_024, 4_096, 5_000]);
        assert_eq!(Pace::of(5_000, false).allowed(), 5_000);
    }

    #[test]
    fn who_would_wait_for_more_than_a_second_in_what_is_left_is_let_run_no_more() {
        // 4744 are left, 18 and a half times as many as were run.
        assert_eq!(Pace::of(5_000, true).next(Duration::from_millis(54)), Next::NoMore);
        assert_eq!(Pace::of(5_000, true).next(Duration::from_millis(53)), Next::Allowed(1_024));
        let mut pace = Pace::of(5_000, true);
        pace.next(Duration::ZERO);
        // 3976 are left, and 768 were run since.
        assert_eq!(pace.next(Duration::from_millis(194)), Next::NoMore);
        assert_eq!(pace.next(Duration::from_millis(193)), Next::Allowed(4_096));
    }
}

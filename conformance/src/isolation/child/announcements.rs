//! How many words an announcement has: a session may tell a listener in several, from a thread of its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mapi_session_spec::flags::EventMask;

use crate::subject::Told;

/// How long the rest of an announcement is waited for once its first word is there: of a subject that has told something
/// on a thread of its own, and of one that has told all inside the Logoff so far.
const REST: Duration = Duration::from_millis(10);
const SHORT_REST: Duration = Duration::from_millis(1);
/// How long a thread that is awake is waited for where many programs wait for it.
const SHORTEST_REST: Duration = Duration::from_micros(100);
/// How often that is done where nothing has come from such a thread yet.
const STRAYS_LISTENED_FOR: u32 = 256;
/// How often one after the other in vain, before an announcement is known to have fewer words: a listener that goes away
/// after the first hears no second.
const IN_A_ROW: u32 = 5;
/// How often in vain in all: a subject that announces now so, now so is not waited for for ever.
const OFTEN: u32 = 50;

/// What the announcements of this process are like.
#[derive(Debug, Default)]
pub(super) struct Announcements {
    known: Mutex<Known>,
    have_come: AtomicBool,
    listened_for_strays: AtomicU32,
    come_from_elsewhere: AtomicBool,
}

#[derive(Debug, Default)]
struct Known {
    habits: BTreeMap<Audience, Habit>,
    in_vain: u32,
}

#[derive(Debug, Clone, Copy)]
struct Habit {
    /// The words of one announcement.
    words: u32,
    /// How often the last ones were waited for in vain.
    in_a_row: u32,
}

/// What the number of words may depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Audience {
    hears_critical: bool,
    hears_extended: bool,
    registered: u32,
    logoffs: u32,
}

impl Audience {
    const fn of(told: Told) -> Self {
        let Told { mask, registered, logoffs, words: _ } = told;
        Self {
            hears_critical: mask.has(EventMask::fnevCriticalError),
            hears_extended: mask.has(EventMask::fnevExtended),
            registered,
            logoffs,
        }
    }
}

impl Known {
    /// How many words such a sink hears. `None`: that is not known yet.
    fn expected(&self, audience: Audience) -> Option<u32> {
        let of_one = || self.habits.get(&Audience { registered: 1, logoffs: 1, ..audience });
        let of_each = || {
            of_one().map(|one| one.words.saturating_mul(audience.registered).saturating_mul(audience.logoffs))
        };
        self.habits.get(&audience).map(|habit| habit.words).or_else(of_each)
    }

    fn are_whole(&self, told: &[Told]) -> bool {
        // The first is listened to.
        let is_whole =
            |told: &Told| self.expected(Audience::of(*told)).is_some_and(|words| told.words >= words);
        self.in_vain >= OFTEN || told.iter().all(is_whole)
    }

    fn learn(&mut self, told: Told) {
        let audience = Audience::of(told);
        let expected = self.expected(audience).unwrap_or(0);
        let in_a_row = match self.habits.get(&audience) {
            _ if told.words >= expected => 0,
            Some(habit) => habit.in_a_row + 1,
            None => 1,
        };
        self.in_vain += u32::from(in_a_row > 0);
        let habit = if (1..IN_A_ROW).contains(&in_a_row) {
            Habit { words: expected, in_a_row }
        } else {
            Habit { words: told.words, in_a_row: 0 }
        };
        self.habits.insert(audience, habit);
    }
}

impl Announcements {
    /// A word has come, on a thread of the subject's own or of the client's.
    pub(super) fn come(&self, from_elsewhere: bool) {
        self.have_come.store(true, Ordering::Relaxed);
        if from_elsewhere {
            self.come_from_elsewhere.store(true, Ordering::Relaxed);
        }
    }

    /// How long it is listened for what nobody is to hear: no more, after a while, to a subject that has told all inside its
    /// calls so far.
    pub(super) fn rest_of_strays(&self) -> Duration {
        let often = self.listened_for_strays.fetch_add(1, Ordering::Relaxed) >= STRAYS_LISTENED_FOR;
        match (self.have_come.load(Ordering::Relaxed), self.come_from_elsewhere.load(Ordering::Relaxed)) {
            (false, _) => SHORT_REST,
            (true, false) if often => Duration::ZERO,
            (true, _) => SHORTEST_REST,
        }
    }

    /// How long the rest is waited for.
    pub(super) fn rest(&self) -> Duration {
        if self.come_from_elsewhere.load(Ordering::Relaxed) { REST } else { SHORT_REST }
    }

    /// Whether these are as many words as such announcements had before.
    pub(super) fn are_whole(&self, told: &[Told]) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).are_whole(told)
    }

    /// These have come, and if they are not whole, the rest was waited for in vain.
    pub(super) fn learn(&self, told: &[Told]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for told in told {
            known.learn(*told);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn told(words: u32) -> [Told; 1] {
        [Told { mask: EventMask::END_OF_SESSION, registered: 1, logoffs: 1, words }]
    }

    #[test]
    fn the_first_announcement_to_sinks_of_a_kind_is_listened_to() {
        let announcements = Announcements::default();
        assert!(!announcements.are_whole(&told(1)));
        announcements.learn(&told(1));
        assert!(announcements.are_whole(&told(1)));
        let [both] = told(1);
        let critical_alone = Told { mask: EventMask::fnevCriticalError, ..both };
        assert!(!announcements.are_whole(&[critical_alone]), "another kind of registration");
    }

    #[test]
    fn who_is_registered_twice_or_hears_of_two_logoffs_hears_twice_as_much_until_known_better() {
        let announcements = Announcements::default();
        announcements.learn(&told(2));
        let [one] = told(2);
        for audience in [Told { registered: 2, ..one }, Told { logoffs: 2, ..one }] {
            assert!(announcements.are_whole(&[Told { words: 4, ..audience }]));
            for _ in 0..IN_A_ROW {
                assert!(!announcements.are_whole(&[audience]));
                announcements.learn(&[audience]);
            }
            assert!(announcements.are_whole(&[audience]));
        }
    }

    #[test]
    fn an_announcement_is_whole_with_as_many_words_as_the_others_of_its_kind() {
        let announcements = Announcements::default();
        announcements.learn(&told(1));
        announcements.learn(&told(3));
        assert!(!announcements.are_whole(&told(2)));
        assert!(announcements.are_whole(&told(3)));
    }

    #[test]
    fn an_announcement_that_lacks_a_word_again_and_again_has_fewer() {
        let announcements = Announcements::default();
        announcements.learn(&told(3));
        for _ in 0..IN_A_ROW {
            assert!(!announcements.are_whole(&told(2)));
            announcements.learn(&told(2));
        }
        assert!(announcements.are_whole(&told(2)));
        assert!(!announcements.are_whole(&told(1)));
    }

    #[test]
    fn a_subject_that_tells_more_than_can_be_counted_is_survived() {
        let announcements = Announcements::default();
        announcements.learn(&told(u32::MAX));
        let [one] = told(1);
        let twice = Told { registered: 2, ..one };
        assert!(!announcements.are_whole(&[twice]));
        announcements.learn(&[twice]);
    }

    #[test]
    fn a_subject_that_announces_now_so_now_so_is_not_waited_for_for_ever() {
        let announcements = Announcements::default();
        for _ in 0..OFTEN {
            announcements.learn(&told(2));
            assert!(!announcements.are_whole(&told(1)));
            announcements.learn(&told(1));
        }
        announcements.learn(&told(2));
        assert!(announcements.are_whole(&told(1)));
    }
}

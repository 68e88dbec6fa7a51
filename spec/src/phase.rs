//! The four phases of a session object, and the set of those it may be in.

use std::fmt;

/// A phase of one session object. `LoggingOff` is split by the silent *commit*: a Logoff takes effect somewhere
/// between its entry and its return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// The session works.
    LoggedOn,
    /// A Logoff has been entered and has not taken effect.
    LoggingOff,
    /// A Logoff has taken effect and has not returned.
    Committed,
    /// A Logoff has returned and took effect.
    LoggedOff,
    /// The client has given back its last reference.
    Released,
}

impl Phase {
    /// Every phase, in the order of a life.
    pub const ALL: [Self; 5] =
        [Self::LoggedOn, Self::LoggingOff, Self::Committed, Self::LoggedOff, Self::Released];

    /// Whether a call that takes effect in this phase finds the session working.
    pub const fn works(self) -> bool {
        matches!(self, Self::LoggedOn | Self::LoggingOff)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LoggedOn => "LoggedOn",
            Self::LoggingOff => "LoggingOff",
            Self::Committed => "LoggingOff (taken effect)",
            Self::LoggedOff => "LoggedOff",
            Self::Released => "Released",
        })
    }
}

/// The belief about one session: the phases it may be in. Never empty.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phases(u8);

impl Phases {
    /// The session is in this phase for certain.
    pub const fn only(phase: Phase) -> Self {
        Self(phase.bit())
    }

    /// Both sets' phases.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the session may be in this phase.
    pub const fn may_be(self, phase: Phase) -> bool {
        self.0 & phase.bit() != 0
    }

    /// Whether the session is in this phase for certain.
    pub const fn is(self, phase: Phase) -> bool {
        self.0 == phase.bit()
    }

    /// The phases.
    pub fn iter(self) -> impl Iterator<Item = Phase> {
        Phase::ALL.into_iter().filter(move |phase| self.may_be(*phase))
    }

    /// How many phases remain possible.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Never: a belief holds at least one phase.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What a call that took effect within these phases found.
    pub fn standing(self) -> Standing {
        let works = self.iter().any(Phase::works);
        let dead = self.iter().any(|phase| !phase.works());
        match (works, dead) {
            (true, false) => Standing::Alive,
            (false, _) => Standing::Dead,
            (true, true) => Standing::Either,
        }
    }
}

impl fmt::Debug for Phases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Whether a call met a working session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// Throughout the call the session worked.
    Alive,
    /// Throughout the call the session had ended.
    Dead,
    /// The call overlapped the session's end: it may have met either (E-11).
    Either,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_overlaps_the_end_may_have_met_either() {
        let overlap = Phases::only(Phase::LoggingOff).or(Phases::only(Phase::Committed));
        assert_eq!(overlap.standing(), Standing::Either);
        assert_eq!(Phases::only(Phase::LoggingOff).standing(), Standing::Alive);
        assert_eq!(Phases::only(Phase::LoggedOff).standing(), Standing::Dead);
    }
}

//! Sinks, registrations, and what is owed to them.

use crate::event::{RegistrationId, SessionId, SinkId, ThreadId};
use crate::flags::EventMask;

/// A sink of the client's that was passed to `Advise`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sink {
    /// `AddRef` less `Release`, as the session called them: what the session holds.
    pub held: i32,
}

/// A registration made by `Advise`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Registration {
    /// On this session.
    pub session: SessionId,
    /// Of this sink.
    pub sink: SinkId,
    /// For these events.
    pub mask: EventMask,
    /// The connection number.
    pub connection: u64,
    /// Not yet unadvised, and its session not known to have ended.
    pub active: bool,
    /// The thread that called `Advise`.
    pub advised_on: ThreadId,
}

/// Something that must have happened by the time the subject is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owed {
    /// What.
    pub kind: OwedKind,
    /// It has happened.
    pub paid: bool,
    /// Nothing can be said any more: the one it was owed to has left before the subject settled.
    pub lapsed: bool,
}

/// How many callbacks brought each kind of end-of-session event. One callback may bring both, and what comes in one
/// today comes in two tomorrow: only the same kind twice is a repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Times {
    /// `fnevCriticalError`.
    pub critical: u8,
    /// `fnevExtended`.
    pub extended: u8,
}

impl Times {
    /// One more callback that brings these.
    pub(crate) fn count(&mut self, events: EventMask) {
        self.critical = self.critical.saturating_add(events.has(EventMask::fnevCriticalError).into());
        self.extended = self.extended.saturating_add(events.has(EventMask::fnevExtended).into());
    }

    /// How many callbacks brought the kind that came most often.
    pub fn most(self) -> u8 {
        self.critical.max(self.extended)
    }
}

/// Why somebody hears nothing of a Logoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hush {
    /// It was refused for its arguments (LOGOFF-025).
    Refused,
    /// The session had logged off before, and all that brings had come (LOGOFF-028).
    Again,
    /// The listener had logged off before, and the subject has settled since (SHARED-011).
    Left,
}

/// What can be owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OwedKind {
    /// A member of a shared session hears that another logged off with `MAPI_LOGOFF_SHARED` (SHARED-004).
    Told {
        /// Who must hear.
        listener: SessionId,
        /// Who logged off.
        leaver: SessionId,
        /// The thread of the Logoff.
        on: ThreadId,
        /// The thread of the listener's first `Advise`.
        advised_on: ThreadId,
        /// The kinds of event that came, right or wrong.
        heard: EventMask,
        /// How many callbacks brought each.
        times: Times,
        /// How many registrations of the listener's ask for them.
        registrations: u8,
    },
    /// A member hears nothing of a Logoff that announces nothing: refused, or made when the session had long ended. Who has
    /// left hears nothing of any.
    Hushed {
        /// Who must not hear.
        listener: SessionId,
        /// Whose Logoff it is.
        caller: SessionId,
        /// Why there is nothing to hear.
        why: Hush,
        /// Whether it has heard all the same.
        heard: bool,
    },
    /// A session that shares with nobody who leaves hears nothing (SHARED-011, LOGON-010). It stays owed to the end.
    Untold {
        /// Who must not hear.
        listener: SessionId,
        /// Whether it has heard all the same.
        heard: bool,
    },
    /// A sink is given back after `Unadvise` (NOTIFY-012).
    Unadvised {
        /// The registration.
        registration: RegistrationId,
        /// Its sink.
        sink: SinkId,
    },
    /// A sink is given back after its session's final Release without a Logoff (UNK-014).
    Abandoned {
        /// The session.
        session: SessionId,
        /// The sink.
        sink: SinkId,
    },
}

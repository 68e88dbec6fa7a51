//! The process-wide part of the state.

use crate::dialect::Dialect;
use crate::flags::LogonFlags;

/// What holds for the whole process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Process {
    /// `MAPIInitialize` that succeeded, less `MAPIUninitialize` (INIT-003).
    pub initialised: u8,
    /// Nothing of MAPI ran in this process before the trace, so that the first `MAPIInitialize` is the first of all.
    pub fresh: bool,
    /// The recording began in the middle: what came before is unknown, not absent.
    pub attached: bool,
    /// Before the trace, somebody in this process let go of a session without a Logoff, or never let go of it, and what
    /// is judged does not say that this ended it: a shared session may still live that the trace knows nothing of.
    pub haunted: bool,
    /// A call ended in a crash, a hang, an exit or an exception: what the client left undone after that, it may not have been
    /// able to do.
    pub broken_off: bool,
    /// `MAPIUninitialize` was called and the count stayed above zero.
    pub uninitialised_in_part: bool,
    /// Which logons have succeeded in this process.
    pub logon_worked: LogonsThatWorked,
    /// What the subject was seen to offer.
    pub dialect: Dialect,
}

impl Process {
    /// The trace shows its course from the first call to the last that could be made.
    pub const fn is_known_whole(&self) -> bool {
        !self.attached && !self.broken_off
    }
}

/// Which logons have succeeded: that one profile is known says nothing of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LogonsThatWorked {
    /// By the profile's name.
    pub by_name: bool,
    /// With `MAPI_USE_DEFAULT`.
    pub by_default: bool,
}

impl LogonsThatWorked {
    /// A logon with these flags.
    pub const fn with(self, flags: LogonFlags) -> bool {
        if flags.has(LogonFlags::MAPI_USE_DEFAULT) { self.by_default } else { self.by_name }
    }

    /// Those of both.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self { by_name: self.by_name || other.by_name, by_default: self.by_default || other.by_default }
    }

    /// Remembers a logon that named a profile, or asked for the default one.
    pub(crate) const fn remember(&mut self, flags: LogonFlags) {
        if flags.has(LogonFlags::MAPI_USE_DEFAULT) {
            self.by_default = true;
        } else {
            self.by_name = true;
        }
    }
}

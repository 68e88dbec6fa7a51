//! How a call ends: the result code, and what became of the out parameter.

use crate::event::SessionId;
use crate::hresult::HResult;

/// How control came back, or did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ending {
    /// The call returned a code. `AddRef`, `Release` and `MAPIUninitialize` count as `S_OK`: their values are never
    /// judged (UNK-009, UNK-010).
    Returned(HResult),
    /// The process died of this signal or exception code.
    Crashed(u32),
    /// The call did not return within the time the report names.
    Hung,
    /// The process left by itself with this status.
    Exited(i32),
    /// An exception crossed the interface.
    Threw,
}

/// What the call did with its out parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Out {
    /// The call has none, or it was not recorded.
    None,
    /// NULL (or zero).
    Null,
    /// What the caller had put there.
    Unchanged,
    /// Neither NULL, nor unchanged, nor anything usable.
    Rubbish,
    /// A pointer not met before.
    Object,
    /// The pointer that an earlier logon handed out.
    SameAs(SessionId),
    /// A number: a connection, an identity (hashed), a count.
    Value(u64),
}

/// What was observed of a call's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Outcome {
    /// How control came back.
    pub ending: Ending,
    /// The out parameter.
    pub out: Out,
}

impl Outcome {
    /// A plain `S_OK` without an out parameter.
    pub const OK: Self = Self { ending: Ending::Returned(HResult::S_OK), out: Out::None };

    /// The call returned `code` and left `out`.
    pub const fn returned(code: HResult, out: Out) -> Self {
        Self { ending: Ending::Returned(code), out }
    }

    /// The code, if the call returned.
    pub const fn code(&self) -> Option<HResult> {
        match self.ending {
            Ending::Returned(code) => Some(code),
            _ => None,
        }
    }

    /// The call returned.
    pub const fn came_back(&self) -> bool {
        matches!(self.ending, Ending::Returned(_))
    }

    /// The call never returns: it still runs.
    pub const fn hung(&self) -> bool {
        matches!(self.ending, Ending::Hung)
    }

    /// The call returned this very code.
    pub fn is(&self, code: HResult) -> bool {
        self.code() == Some(code)
    }

    /// The call returned a code without the severity bit.
    pub fn succeeded(&self) -> bool {
        self.code().is_some_and(HResult::succeeded)
    }

    /// The call returned a code with the severity bit.
    pub fn failed(&self) -> bool {
        self.code().is_some_and(|code| !code.succeeded())
    }

    /// It handed out a pointer, as far as was recorded.
    pub const fn may_have_given_object(&self) -> bool {
        self.gave_object() || matches!(self.out, Out::None)
    }

    /// The call handed out a pointer.
    pub const fn gave_object(&self) -> bool {
        matches!(self.out, Out::Object | Out::SameAs(_))
    }

    /// The out parameter is fit for a failure: NULL, unchanged, or there is none.
    pub const fn out_is_clean(&self) -> bool {
        matches!(self.out, Out::None | Out::Null | Out::Unchanged)
    }
}

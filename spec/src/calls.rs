//! Kinds of calls, and sets of them: what a rule is about, before it looks at anything else.

use crate::event::Call;

/// What is called, whatever its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names of the calls")]
#[repr(u8)]
pub enum CallKind {
    Initialize,
    Uninitialize,
    LogonEx,
    AllocateBuffer,
    ReadBuffer,
    FreeBuffer,
    QueryInterface,
    AddRef,
    Release,
    Method,
    OnObject,
    Advise,
    Unadvise,
    Logoff,
}

impl CallKind {
    /// How many there are.
    pub const COUNT: usize = Self::Logoff as usize + 1;

    /// The kind of this call.
    pub const fn of(call: &Call) -> Self {
        match call {
            Call::Initialize => Self::Initialize,
            Call::Uninitialize => Self::Uninitialize,
            Call::LogonEx { .. } => Self::LogonEx,
            Call::AllocateBuffer { .. } => Self::AllocateBuffer,
            Call::ReadBuffer { .. } => Self::ReadBuffer,
            Call::FreeBuffer { .. } => Self::FreeBuffer,
            Call::QueryInterface { .. } => Self::QueryInterface,
            Call::AddRef { .. } => Self::AddRef,
            Call::Release { .. } => Self::Release,
            Call::Method { .. } => Self::Method,
            Call::OnObject { .. } => Self::OnObject,
            Call::Advise { .. } => Self::Advise,
            Call::Unadvise { .. } => Self::Unadvise,
            Call::Logoff { .. } => Self::Logoff,
        }
    }
}

/// A set of kinds of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Calls(u16);

impl Calls {
    /// All of them.
    pub const ANY: Self = Self(u16::MAX);

    /// These.
    pub const fn these(kinds: &[CallKind]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < kinds.len() {
            bits |= 1 << kinds[i] as u16;
            i += 1;
        }
        Self(bits)
    }

    /// Whether this call is of one of the kinds.
    pub const fn have(self, call: &Call) -> bool {
        self.have_place(CallKind::of(call) as usize)
    }

    /// Whether the kind at that place is one of them.
    pub(crate) const fn have_place(self, kind: usize) -> bool {
        self.0 & (1 << kind) != 0
    }
}

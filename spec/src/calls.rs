//! Kinds of calls, and sets of them.

use crate::event::Call;

macro_rules! kinds {
    ($($kind:ident),*) => {
        /// What is called, whatever its arguments.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the names of the calls")]
        #[repr(u8)]
        pub enum CallKind {
            $($kind),*
        }

        impl CallKind {
            /// Every kind, in their order.
            pub const ALL: [Self; [$(Self::$kind),*].len()] = [$(Self::$kind),*];
        }
    };
}

kinds! {
    Initialize, Uninitialize, LogonEx, AllocateBuffer, ReadBuffer, FreeBuffer, QueryInterface, AddRef, Release, Method,
    OnObject, Advise, Unadvise, Logoff
}

impl CallKind {
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

    /// Whether this kind is one of them.
    pub const fn have(self, kind: CallKind) -> bool {
        self.0 & (1 << kind as u16) != 0
    }

    /// The kinds that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

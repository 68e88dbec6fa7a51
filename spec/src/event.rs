//! The alphabet: what is observable at the boundary between a client and a session.
//!
//! A trace is a sequence of [`Event`]s. Every call says beforehand which name its result will have, so that a plan,
//! a recording and a judgement speak of the same thing even when the call fails.

use crate::flags::{EventMask, LogoffFlags, LogonFlags};
use crate::outcome::Outcome;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident $letter:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u16);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($letter, "{}"), u32::from(self.0) + 1)
            }
        }
    )* };
}

names! {
    /// One session pointer that a logon handed out: `s1`, `s2`, …
    SessionId "s";
    /// One object that a session opened: `o1`, `o2`, …
    ObjectId "o";
    /// One advise sink of the client's: `k1`, `k2`, …
    SinkId "k";
    /// One registration made by `Advise`: `r1`, `r2`, …
    RegistrationId "r";
    /// One buffer from `MAPIAllocateBuffer`: `b1`, `b2`, …
    BufferId "b";
}

/// A thread of the client's process, numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ThreadId(pub u8);

/// One call or callback of a trace, numbered from 1 in the order it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u32);

/// How the profile is said to `MAPILogonEx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Profile {
    /// NULL: none, or the default one if `MAPI_USE_DEFAULT` is set.
    Null,
    /// The name given on the command line, or recorded.
    Named,
}

/// An interface asked for by `QueryInterface`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(clippy::enum_variant_names, reason = "COM's own names")]
pub enum Interface {
    /// `IID_IUnknown`.
    IUnknown,
    /// `IID_IMAPISession`.
    IMAPISession,
    /// `IID_IMAPIClientShutdown`.
    IMAPIClientShutdown,
    /// An identifier that no interface has.
    Unheard,
    /// Another, which looks like one of MAPI's own.
    UnheardOfMapi,
}

impl Interface {
    /// Every one that a rule tells apart.
    pub const ALL: [Self; 5] =
        [Self::IUnknown, Self::IMAPISession, Self::IMAPIClientShutdown, Self::Unheard, Self::UnheardOfMapi];

    /// Whether nobody has it.
    pub const fn is_unheard(self) -> bool {
        matches!(self, Self::Unheard | Self::UnheardOfMapi)
    }
}

/// A method of `IMAPISession` that opens an object or answers a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are MAPI's own")]
pub enum Method {
    GetLastError,
    GetMsgStoresTable,
    OpenMsgStore,
    OpenAddressBook,
    OpenProfileSection,
    GetStatusTable,
    OpenEntry,
    CompareEntryIDs,
    MessageOptions,
    QueryDefaultMessageOpt,
    EnumAdrTypes,
    QueryIdentity,
    SetDefaultStore,
    AdminServices,
    ShowForm,
    PrepareForm,
}

impl Method {
    /// Every method, by slot.
    pub const ALL: [Self; 16] = [
        Self::GetLastError,
        Self::GetMsgStoresTable,
        Self::OpenMsgStore,
        Self::OpenAddressBook,
        Self::OpenProfileSection,
        Self::GetStatusTable,
        Self::OpenEntry,
        Self::CompareEntryIDs,
        Self::MessageOptions,
        Self::QueryDefaultMessageOpt,
        Self::EnumAdrTypes,
        Self::QueryIdentity,
        Self::SetDefaultStore,
        Self::AdminServices,
        Self::ShowForm,
        Self::PrepareForm,
    ];

    /// MAPI's name for it.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// Whether success hands out an object that the caller must release.
    pub const fn opens(self) -> bool {
        matches!(
            self,
            Self::GetMsgStoresTable
                | Self::OpenMsgStore
                | Self::OpenAddressBook
                | Self::OpenProfileSection
                | Self::GetStatusTable
                | Self::OpenEntry
                | Self::AdminServices
        )
    }

    /// Whether success hands out an `IMAPITable`.
    pub const fn opens_table(self) -> bool {
        matches!(self, Self::GetMsgStoresTable | Self::GetStatusTable)
    }

    /// Whether the method hands out a pointer.
    pub const fn has_out(self) -> bool {
        !matches!(
            self,
            Self::MessageOptions
                | Self::SetDefaultStore
                | Self::ShowForm
                | Self::CompareEntryIDs
                | Self::PrepareForm
        )
    }
}

/// A method of an object that a session opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are MAPI's own")]
pub enum ObjectMethod {
    GetStatus,
    GetRowCount,
    QueryFastShutdown,
    NotifyProcessShutdown,
    DoFastShutdown,
}

impl ObjectMethod {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::GetStatus,
        Self::GetRowCount,
        Self::QueryFastShutdown,
        Self::NotifyProcessShutdown,
        Self::DoFastShutdown,
    ];

    /// Whether it takes part in the end of the process: what it answers says nothing of what it answers next.
    pub const fn shuts_down(self) -> bool {
        matches!(self, Self::NotifyProcessShutdown | Self::DoFastShutdown)
    }

    /// MAPI's name for it.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// Whether the answer carries the object's state, so that success shows that the object still works.
    pub const fn carries_state(self) -> bool {
        matches!(self, Self::GetStatus | Self::GetRowCount)
    }
}

/// What `IUnknown` is called on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// A session pointer.
    Session(SessionId),
    /// An opened object.
    Object(ObjectId),
}

/// A call of the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    /// `MAPIInitialize`.
    Initialize,
    /// `MAPIUninitialize`.
    Uninitialize,
    /// `MAPILogonEx`; the session it hands out is called `session`.
    LogonEx {
        /// The name of the session pointer, if one comes.
        session: SessionId,
        /// How the profile is said.
        profile: Profile,
        /// `ulFlags`.
        flags: LogonFlags,
    },
    /// `MAPIAllocateBuffer`; the client then fills the buffer with a pattern.
    AllocateBuffer {
        /// The name of the buffer.
        buffer: BufferId,
    },
    /// The client looks at its buffer: the answer is 1 if the pattern is whole. No call of MAPI's.
    ReadBuffer {
        /// The buffer.
        buffer: BufferId,
    },
    /// `MAPIFreeBuffer`.
    FreeBuffer {
        /// The buffer.
        buffer: BufferId,
    },
    /// `IUnknown::QueryInterface`.
    QueryInterface {
        /// On what.
        target: Target,
        /// What is asked for.
        interface: Interface,
        /// The name of what comes, if it is not the session itself.
        object: ObjectId,
    },
    /// `IUnknown::AddRef`.
    AddRef {
        /// On what.
        target: Target,
    },
    /// `IUnknown::Release`.
    Release {
        /// On what.
        target: Target,
    },
    /// One of the methods without a rule on the session's life.
    Method {
        /// The session.
        session: SessionId,
        /// Which one.
        method: Method,
        /// Its flags, 0 where it has none.
        flags: u32,
        /// The name of the object it opens, if it opens one.
        object: ObjectId,
    },
    /// A method of an opened object.
    OnObject {
        /// The object.
        object: ObjectId,
        /// Which one.
        method: ObjectMethod,
    },
    /// `IMAPISession::Advise` with a NULL entry identifier.
    Advise {
        /// The session.
        session: SessionId,
        /// `ulEventMask`.
        mask: EventMask,
        /// The sink.
        sink: SinkId,
        /// The name of the registration.
        registration: RegistrationId,
    },
    /// `IMAPISession::Unadvise`.
    Unadvise {
        /// The session.
        session: SessionId,
        /// The registration whose connection number is given back.
        registration: RegistrationId,
    },
    /// `IMAPISession::Logoff`.
    Logoff {
        /// The session.
        session: SessionId,
        /// `ulUIParam`.
        ui_param: u64,
        /// `ulFlags`.
        flags: LogoffFlags,
        /// `ulReserved`.
        reserved: u32,
        /// Whether the upper halves of the registers of both 32-bit words are dirty.
        dirty: bool,
    },
}

impl Call {
    /// What is remembered of the call, and so all that a rule can ask: of a window handle, whether it is one.
    #[must_use]
    pub(crate) const fn as_remembered(mut self) -> Self {
        if let Self::Logoff { ui_param, .. } = &mut self
            && *ui_param != 0
        {
            *ui_param = u64::MAX;
        }
        self
    }

    /// The session that the call is made on, if it is made on one.
    pub const fn session(&self) -> Option<SessionId> {
        match *self {
            Self::QueryInterface { target: Target::Session(session), .. }
            | Self::AddRef { target: Target::Session(session) }
            | Self::Release { target: Target::Session(session) }
            | Self::Method { session, .. }
            | Self::Advise { session, .. }
            | Self::Unadvise { session, .. }
            | Self::Logoff { session, .. } => Some(session),
            _ => None,
        }
    }

    /// The object that the call is made on, if it is made on one.
    pub const fn object(&self) -> Option<ObjectId> {
        match *self {
            Self::QueryInterface { target: Target::Object(object), .. }
            | Self::AddRef { target: Target::Object(object) }
            | Self::Release { target: Target::Object(object) }
            | Self::OnObject { object, .. } => Some(object),
            _ => None,
        }
    }

    /// MAPI's name for what is called.
    pub fn name(&self) -> String {
        match self {
            Self::Initialize => "MAPIInitialize".into(),
            Self::Uninitialize => "MAPIUninitialize".into(),
            Self::LogonEx { .. } => "MAPILogonEx".into(),
            Self::AllocateBuffer { .. } => "MAPIAllocateBuffer".into(),
            Self::ReadBuffer { .. } => "ReadBuffer".into(),
            Self::FreeBuffer { .. } => "MAPIFreeBuffer".into(),
            Self::QueryInterface { .. } => "QueryInterface".into(),
            Self::AddRef { .. } => "AddRef".into(),
            Self::Release { .. } => "Release".into(),
            Self::Method { method, .. } => method.name(),
            Self::OnObject { method, .. } => method.name(),
            Self::Advise { .. } => "Advise".into(),
            Self::Unadvise { .. } => "Unadvise".into(),
            Self::Logoff { .. } => "Logoff".into(),
        }
    }
}

/// A call of the session's to one of the client's sinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Callback {
    /// `IUnknown::QueryInterface`.
    QueryInterface,
    /// `IUnknown::AddRef`.
    AddRef,
    /// `IUnknown::Release`.
    Release,
    /// `IMAPIAdviseSink::OnNotify`, with the union of the event types it carried.
    OnNotify {
        /// The union of `ulEventType` over the notifications.
        events: EventMask,
    },
}

impl Event {
    /// The call that begins or ends here, or the callback.
    pub const fn call_id(&self) -> Option<CallId> {
        match *self {
            Self::Call { id, .. }
            | Self::Return { id, .. }
            | Self::Callback { id, .. }
            | Self::CallbackReturn { id } => Some(id),
            Self::Settled { .. } | Self::End => None,
        }
    }
}

/// One line of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The client calls.
    Call {
        /// Its number.
        id: CallId,
        /// On which thread.
        thread: ThreadId,
        /// What.
        call: Call,
    },
    /// A call ends: it returned, or it will never return.
    Return {
        /// The call that ends.
        id: CallId,
        /// How.
        outcome: Outcome,
    },
    /// The session calls a sink.
    Callback {
        /// Its number.
        id: CallId,
        /// On which thread.
        thread: ThreadId,
        /// The sink.
        sink: SinkId,
        /// What.
        callback: Callback,
    },
    /// The sink returns to the session.
    CallbackReturn {
        /// The callback that ends.
        id: CallId,
    },
    /// The tester waited and pumped until nothing more came, for so many milliseconds.
    Settled {
        /// How long nothing came.
        milliseconds: u32,
    },
    /// The trace is whole.
    End,
}

/// The call of this number, in a trace that has it.
pub fn call_with(id: CallId, events: &[Event]) -> Option<&Call> {
    events.iter().find_map(|event| match event {
        Event::Call { id: of, call, .. } if *of == id => Some(call),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_name_of_each_kind_can_be_written_too() {
        assert_eq!(SessionId(0).to_string(), "s1");
        assert_eq!(BufferId(u16::MAX).to_string(), "b65536");
    }
}

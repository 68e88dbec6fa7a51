//! Everything the specification remembers of a trace.
//!
//! Facts are what was observed, and certain; the belief is what remains possible, kept a session at a time
//! ([`Phases`]) and never as a product. Names of a trace are slots of the vectors here.

mod object;
mod process;
mod session;
mod sharing;
mod sink;

pub use object::{Object, ObjectKind};
pub use process::{LogonsThatWorked, Process};
pub use session::{Disturbance, Membership, Session, Welcome};
pub(crate) use sharing::Groups;
pub use sharing::{Group, GroupId};
pub use sink::{Hush, Owed, OwedKind, Registration, Sink, Times};

use crate::event::{BufferId, Call, CallId, ObjectId, RegistrationId, SessionId, SinkId, ThreadId};
use crate::phase::Phases;

/// A buffer from `MAPIAllocateBuffer` that the client holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Buffer {
    /// Whether the client holds it.
    pub held: bool,
}

/// A call that has begun and not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pending {
    /// Its number.
    pub id: CallId,
    /// On which thread.
    pub thread: ThreadId,
    /// What.
    pub call: Call,
    /// The phases that the call's session (or its object's session) has been through since the call began.
    pub saw: Option<Phases>,
    /// Whether another call was under way on the same session at any moment of this one.
    pub overlapped: bool,
    /// Whether the call was made from inside a callback.
    pub nested: bool,
    /// The question had been answered with success, and something had happened since that must not change the answer,
    /// when it was asked.
    pub as_before: bool,
    /// The same question, asked beside it, has failed since it began: which of the two came first, nobody knows.
    pub failed_beside: bool,
}

/// A callback that has begun and not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Running {
    /// Its number.
    pub id: CallId,
    /// On which thread.
    pub thread: ThreadId,
    /// The sink.
    pub sink: SinkId,
    /// Whether it is `OnNotify`.
    pub notify: bool,
}

/// The sessions that a recording uses and no logon in it handed out, an event at a time.
#[derive(Debug, Clone, Default)]
pub struct Before {
    born: std::collections::HashSet<SessionId>,
    used: std::collections::BTreeSet<SessionId>,
}

impl Before {
    /// One more event of the recording. The session that it is the first to use, if no logon handed that out.
    pub fn observe(&mut self, event: &crate::event::Event) -> Option<SessionId> {
        let crate::event::Event::Call { call, .. } = event else { return None };
        if let Call::LogonEx { session, .. } = call {
            self.born.insert(*session);
            return None;
        }
        call.session().filter(|session| !self.born.contains(session) && self.used.insert(*session))
    }

    /// The sessions that were there before, as far as is known.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.used.iter().copied()
    }
}

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct World {
    /// The process-wide part: initialisation, and what the subject was seen to offer.
    pub process: Process,
    /// Sessions by slot.
    pub sessions: Vec<Option<Session>>,
    /// Shared sessions by number.
    pub groups: Vec<Group>,
    /// Objects by slot.
    pub objects: Vec<Option<Object>>,
    /// Registrations by slot.
    pub registrations: Vec<Option<Registration>>,
    /// Sinks by slot.
    pub sinks: Vec<Option<Sink>>,
    /// Buffers by slot.
    pub buffers: Vec<Option<Buffer>>,
    /// Calls under way.
    pub pending: Vec<Pending>,
    /// Callbacks under way.
    pub running: Vec<Running>,
    /// What must have happened by the time the subject is settled.
    pub owed: Vec<Owed>,
}

fn slot<T>(slots: &[Option<T>], index: u16) -> Option<&T> {
    slots.get(usize::from(index)).and_then(Option::as_ref)
}

fn slot_mut<T>(slots: &mut [Option<T>], index: u16) -> Option<&mut T> {
    slots.get_mut(usize::from(index)).and_then(Option::as_mut)
}

/// Puts `value` into its slot, making room for it.
pub(crate) fn put<T>(slots: &mut Vec<Option<T>>, index: u16, value: T) {
    let index = usize::from(index);
    if slots.len() <= index {
        slots.resize_with(index + 1, || None);
    }
    slots[index] = Some(value);
}

impl World {
    /// The session of that name, if a logon handed it out.
    pub fn session(&self, id: SessionId) -> Option<&Session> {
        slot(&self.sessions, id.0)
    }

    /// The same, to change.
    pub(crate) fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        slot_mut(&mut self.sessions, id.0)
    }

    /// The object of that name, if one was handed out.
    pub fn object(&self, id: ObjectId) -> Option<&Object> {
        slot(&self.objects, id.0)
    }

    /// The same, to change.
    pub(crate) fn object_mut(&mut self, id: ObjectId) -> Option<&mut Object> {
        slot_mut(&mut self.objects, id.0)
    }

    /// The registration of that name, if `Advise` made it.
    pub fn registration(&self, id: RegistrationId) -> Option<&Registration> {
        slot(&self.registrations, id.0)
    }

    /// The same, to change.
    pub(crate) fn registration_mut(&mut self, id: RegistrationId) -> Option<&mut Registration> {
        slot_mut(&mut self.registrations, id.0)
    }

    /// The sink of that name, if it was ever passed to `Advise`.
    pub fn sink(&self, id: SinkId) -> Option<&Sink> {
        slot(&self.sinks, id.0)
    }

    /// The same, to change.
    pub(crate) fn sink_mut(&mut self, id: SinkId) -> Option<&mut Sink> {
        slot_mut(&mut self.sinks, id.0)
    }

    /// The buffer of that name, if it was ever allocated.
    pub fn buffer(&self, id: BufferId) -> Option<&Buffer> {
        slot(&self.buffers, id.0)
    }

    /// The session pointers that came to be, with their names.
    pub fn all_sessions(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.sessions.iter().enumerate().filter_map(|(i, s)| s.as_ref().map(|s| (SessionId(i as u16), s)))
    }

    /// The objects that came to be, with their names.
    pub fn all_objects(&self) -> impl Iterator<Item = (ObjectId, &Object)> {
        self.objects.iter().enumerate().filter_map(|(i, o)| o.as_ref().map(|o| (ObjectId(i as u16), o)))
    }

    /// The registrations that came to be, with their names.
    pub fn all_registrations(&self) -> impl Iterator<Item = (RegistrationId, &Registration)> {
        let slots = self.registrations.iter().enumerate();
        slots.filter_map(|(i, r)| r.as_ref().map(|r| (RegistrationId(i as u16), r)))
    }

    /// A recording begun in the middle: these sessions were there before, shared with whom nobody knows, logged off or not,
    /// and with any number of references. Others may be on that it never shows.
    pub fn attach(&mut self, before: impl IntoIterator<Item = SessionId>) {
        self.process.attached = true;
        self.process.haunted = true;
        self.process.initialised = self.process.initialised.max(1);
        for session in before {
            put(&mut self.sessions, session.0, Session::met_in_the_middle());
        }
    }

    /// Events are missing: of all that was known, only what the subject offers is certain still.
    pub fn lose_track(&mut self) {
        let dialect = self.process.dialect;
        let before: Vec<SessionId> = self.all_sessions().map(|(id, _)| id).collect();
        *self = Self::default();
        self.process.dialect = dialect;
        self.attach(before);
    }

    /// Whether the client holds something that the session opened: it may keep the session alive without a Logoff
    /// (edge cases of the survey behind this project, E-08).
    pub fn holds_an_object_of(&self, id: SessionId) -> bool {
        self.objects.iter().flatten().any(|object| object.session == id && object.is_held())
    }

    /// Whether a session was let go of without a Logoff while something that it had opened was held, and so may live on for as
    /// long as that is (E-08).
    pub fn leaves_one_that_may_be_kept(&self) -> bool {
        self.all_sessions().any(|(id, session)| session.never_logged_off && self.holds_an_object_of(id))
    }

    /// Whether a session may live on that nobody in the trace can end any more: it did not log off, and was let go of by
    /// its last Release alone where that is not taken to end it, or was never let go of. What it had opened and is still held may
    /// keep it, too: that counts for none, for most of it is what a refused Logoff leaves, and a fault that needs such a
    /// past is not shown again alone ([`Self::leaves_one_that_may_be_kept`]).
    pub fn leaves_a_ghost(&self, the_last_release_ends_it: bool) -> bool {
        self.all_sessions().any(|(_, session)| {
            let let_go = session.references == 0 && session.is_released();
            if let_go {
                session.never_logged_off && !the_last_release_ends_it
            } else {
                !session.is_logged_off()
            }
        })
    }

    /// Whether this question must be answered as it was before something happened.
    pub(crate) fn must_be_as_before(&self, call: &Call) -> bool {
        match *call {
            Call::Method { session, method, flags: 0, .. } => {
                self.session(session).is_some_and(|session| session.must_work(method))
            }
            Call::OnObject { object, method } => self
                .object(object)
                .is_some_and(|object| object.disturbed.is_some() && object.has_worked(method)),
            _ => false,
        }
    }

    /// The session on which the call's outcome rests: its own, or that of the object it is made on.
    pub fn session_of(&self, call: &Call) -> Option<SessionId> {
        call.session().or_else(|| call.object().and_then(|id| self.object(id)).map(|object| object.session))
    }

    /// The sessions that live in this shared session: certainly members, certainly logged on.
    pub fn members(&self, group: GroupId) -> impl Iterator<Item = (SessionId, &Session)> {
        self.all_sessions().filter(move |(_, session)| session.is_member_of(group) && session.is_logged_on())
    }
}

//! Names of one program, moved out of the way of another's.

use mapi_session_spec::event::{BufferId, Call, ObjectId, RegistrationId, SessionId, SinkId, Target};

use crate::program::{Action, Awaited, Place, Program, Step};

/// The first free name of each kind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Offsets {
    session: u16,
    object: u16,
    sink: u16,
    registration: u16,
    buffer: u16,
}

impl Offsets {
    /// The first names that no step of the program uses.
    pub(crate) fn after(program: &Program) -> Self {
        let mut used = Self::default();
        for step in &program.steps {
            let Action::Call(call) = step.action else { continue };
            let mut session = |id: SessionId| used.session = used.session.max(id.0 + 1);
            match call {
                Call::LogonEx { session: id, .. } => session(id),
                _ => {
                    if let Some(id) = call.session() {
                        session(id);
                    }
                }
            }
            match call {
                Call::Method { object, .. }
                | Call::QueryInterface { object, .. }
                | Call::OnObject { object, .. } => {
                    used.object = used.object.max(object.0 + 1);
                }
                Call::Advise { sink, registration, .. } => {
                    used.sink = used.sink.max(sink.0 + 1);
                    used.registration = used.registration.max(registration.0 + 1);
                }
                Call::AllocateBuffer { buffer } => used.buffer = used.buffer.max(buffer.0 + 1),
                _ => {}
            }
        }
        used
    }

    /// The step with its names moved.
    pub(crate) fn shift(&self, step: &Step) -> Step {
        let sink = |id: SinkId| SinkId(id.0.saturating_add(self.sink));
        let action = match step.action {
            Action::Call(call) => Action::Call(self.shift_call(call)),
            Action::Settle(awaited) => Action::Settle(self.shift_awaited(awaited)),
        };
        let place = match step.place {
            place @ (Place::Thread(_) | Place::Racing { .. }) => place,
            Place::Inside(id) => Place::Inside(sink(id)),
            Place::Beside(id) => Place::Beside(sink(id)),
            Place::WaitedFor(id) => Place::WaitedFor(sink(id)),
            Place::Releasing(id) => Place::Releasing(sink(id)),
        };
        Step { action, place, after: step.after }
    }

    /// What cannot be said of the new names is not said: the settling then takes its full time.
    fn shift_awaited(&self, awaited: Awaited) -> Awaited {
        let sink = |id: SinkId| id.0.checked_add(self.sink).map(SinkId);
        let session = |id: SessionId| id.0.checked_add(self.session).map(SessionId);
        awaited.renamed(sink, session).unwrap_or_default()
    }

    fn shift_call(&self, call: Call) -> Call {
        let session = |id: SessionId| SessionId(id.0 + self.session);
        let object = |id: ObjectId| ObjectId(id.0 + self.object);
        let registration = |id: RegistrationId| RegistrationId(id.0 + self.registration);
        let buffer = |id: BufferId| BufferId(id.0 + self.buffer);
        let target = |target: Target| match target {
            Target::Session(id) => Target::Session(session(id)),
            Target::Object(id) => Target::Object(object(id)),
        };
        let mut call = call;
        match &mut call {
            Call::Initialize | Call::Uninitialize => {}
            Call::LogonEx { session: id, .. } | Call::Logoff { session: id, .. } => *id = session(*id),
            Call::AllocateBuffer { buffer: id }
            | Call::ReadBuffer { buffer: id }
            | Call::FreeBuffer { buffer: id } => {
                *id = buffer(*id);
            }
            Call::QueryInterface { target: on, object: id, .. } => {
                *on = target(*on);
                *id = object(*id);
            }
            Call::Method { session: on, object: id, .. } => {
                *on = session(*on);
                *id = object(*id);
            }
            Call::AddRef { target: on } | Call::Release { target: on } => *on = target(*on),
            Call::OnObject { object: id, .. } => *id = object(*id),
            Call::Advise { session: on, sink, registration: id, .. } => {
                *on = session(*on);
                *sink = SinkId(sink.0 + self.sink);
                *id = registration(*id);
            }
            Call::Unadvise { session: on, registration: id } => {
                *on = session(*on);
                *id = registration(*id);
            }
        }
        call
    }
}

fn number<T: PartialEq + Copy>(met: &mut Vec<T>, id: T) -> u16 {
    met.iter().position(|known| *known == id).unwrap_or_else(|| {
        met.push(id);
        met.len() - 1
    }) as u16
}

/// The program with its names counted from the first, in the order in which they come to be.
pub(crate) fn compact(program: &Program) -> Program {
    let mut sessions: Vec<SessionId> = Vec::new();
    let mut objects: Vec<ObjectId> = Vec::new();
    let mut sinks: Vec<SinkId> = Vec::new();
    let mut registrations: Vec<RegistrationId> = Vec::new();
    let mut compact = program.clone();
    let mut rename = |step: &mut Step| {
        let Action::Call(call) = &mut step.action else { return };
        let mut target = |target: &mut Target| match target {
            Target::Session(id) => *id = SessionId(number(&mut sessions, *id)),
            Target::Object(id) => *id = ObjectId(number(&mut objects, *id)),
        };
        match call {
            Call::AddRef { target: on } | Call::Release { target: on } => target(on),
            Call::LogonEx { session, .. } | Call::Logoff { session, .. } => {
                *session = SessionId(number(&mut sessions, *session));
            }
            Call::QueryInterface { target: on, object, .. } => {
                target(on);
                *object = ObjectId(number(&mut objects, *object));
            }
            Call::Method { session, object, .. } => {
                *session = SessionId(number(&mut sessions, *session));
                *object = ObjectId(number(&mut objects, *object));
            }
            Call::OnObject { object, .. } => *object = ObjectId(number(&mut objects, *object)),
            Call::Advise { session, sink, registration, .. } => {
                *session = SessionId(number(&mut sessions, *session));
                *sink = SinkId(number(&mut sinks, *sink));
                *registration = RegistrationId(number(&mut registrations, *registration));
            }
            Call::Unadvise { session, registration } => {
                *session = SessionId(number(&mut sessions, *session));
                *registration = RegistrationId(number(&mut registrations, *registration));
            }
            Call::Initialize
            | Call::Uninitialize
            | Call::AllocateBuffer { .. }
            | Call::ReadBuffer { .. }
            | Call::FreeBuffer { .. } => {}
        }
    };
    compact.steps.iter_mut().for_each(|step| step.change(&mut rename));
    let known = |id: SinkId| sinks.iter().position(|known| *known == id);
    let rename = |step: &mut Step| {
        match &mut step.place {
            Place::Inside(sink) | Place::Beside(sink) | Place::WaitedFor(sink) | Place::Releasing(sink) => {
                if let Some(number) = known(*sink) {
                    *sink = SinkId(number as u16);
                }
            }
            Place::Thread(_) | Place::Racing { .. } => {}
        }
        if let Action::Settle(awaited) = &mut step.action {
            // What is left of the program need not have all of them.
            let still_there = Awaited {
                heard: those_of(awaited.heard, |sink| known(sink).is_some()),
                released: those_of(awaited.released, |sink| known(sink).is_some()),
                ..*awaited
            };
            let sink = |id: SinkId| known(id).map(|number| SinkId(number as u16));
            let session = |id: SessionId| {
                sessions.iter().position(|known| *known == id).map(|number| SessionId(number as u16))
            };
            *awaited = still_there.renamed(sink, session).unwrap_or_default();
        }
    };
    compact.steps.iter_mut().for_each(|step| step.change(rename));
    compact
}

/// The bits of those sinks that are so.
fn those_of(mask: u64, is_so: impl Fn(SinkId) -> bool) -> u64 {
    (0..64).filter(|bit| is_so(SinkId(*bit))).fold(0, |all, bit| all | (mask & (1 << bit)))
}

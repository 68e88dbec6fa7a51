//! References: who holds what, and what the last one ends. Counted from what the client was given and gave back,
//! never from the values that `AddRef` and `Release` return (UNK-009).

use crate::event::{BufferId, Interface, ObjectId, SessionId, Target};
use crate::flags::LogoffFlags;
use crate::outcome::{Out, Outcome};
use crate::phase::{Phase, Phases};
use crate::state::{Buffer, Disturbance, Object, ObjectKind, OwedKind, World, put};

impl World {
    pub(super) fn allocated(&mut self, buffer: BufferId) {
        put(&mut self.buffers, buffer.0, Buffer { held: true });
    }

    pub(super) fn freed(&mut self, buffer: BufferId) {
        put(&mut self.buffers, buffer.0, Buffer { held: false });
    }

    pub(super) fn queried(
        &mut self,
        target: Target,
        interface: Interface,
        object: ObjectId,
        outcome: Outcome,
    ) {
        if !outcome.succeeded() || !outcome.gave_object() {
            return;
        }
        let id = match target {
            Target::Session(id) => id,
            Target::Object(id) => match self.object_mut(id) {
                // It is the session by another of its interfaces.
                Some(asked) if asked.kind == ObjectKind::ClientShutdown => asked.session,
                Some(asked) if interface == Interface::IUnknown => {
                    asked.references = asked.references.saturating_add(1);
                    asked.queried = asked.queried.saturating_add(1);
                    return;
                }
                _ => return,
            },
        };
        match interface {
            Interface::IMAPIClientShutdown => {
                put(&mut self.objects, object.0, Object::new(id, ObjectKind::ClientShutdown));
            }
            Interface::IUnknown | Interface::IMAPISession => {
                if let Some(session) = self.session_mut(id) {
                    session.references = session.references.saturating_add(1);
                    session.queried = session.queried.saturating_add(1);
                }
            }
            // A pointer to an interface that nobody has heard of is used for nothing.
            Interface::Unheard | Interface::UnheardOfMapi => {}
        }
    }

    pub(super) fn added(&mut self, target: Target) {
        match target {
            Target::Session(id) => {
                if let Some(session) = self.session_mut(id) {
                    session.references = session.references.saturating_add(1);
                    session.added = session.added.saturating_add(1);
                }
            }
            Target::Object(id) => {
                if let Some(object) = self.object_mut(id) {
                    object.references = object.references.saturating_add(1);
                }
            }
        }
    }

    pub(super) fn released_session(&mut self, id: SessionId) {
        let is_counted = !self.process.attached;
        let holds_an_object = self.holds_an_object_of(id);
        let Some(session) = self.session_mut(id) else { return };
        if session.give_back_one_of_any() {
            return;
        }
        session.references = session.references.saturating_sub(1);
        if session.references > 0 {
            let by = if session.queried > 0 {
                session.queried -= 1;
                Disturbance::GaveBackQueried
            } else {
                session.added = session.added.saturating_sub(1);
                Disturbance::GaveBackAdded
            };
            self.disturb_session(id, by);
            return;
        }
        if session.phases.may_be(Phase::LoggingOff) || session.phases.may_be(Phase::Committed) {
            // A Release inside the session's own Logoff: the Logoff's return ends it.
            return;
        }
        session.never_logged_off = session.phases.may_be(Phase::LoggedOn);
        let certainly = session.is_logged_on() && is_counted && !holds_an_object;
        session.phases = Phases::only(Phase::Released);
        if certainly {
            let mine = self.registrations.iter().flatten().filter(|r| r.session == id && r.active);
            for sink in mine.map(|r| r.sink).collect::<Vec<_>>() {
                self.owe_back(OwedKind::Abandoned { session: id, sink }, sink);
            }
        }
        for registration in self.registrations.iter_mut().flatten() {
            registration.active &= registration.session != id;
        }
        self.leave_group(id);
        self.disturb_others(id, LogoffFlags(0));
    }

    pub(super) fn released_object(&mut self, id: ObjectId) {
        let Some(object) = self.object_mut(id) else { return };
        object.references = object.references.saturating_sub(1);
        if object.references > 0 {
            let by = if object.queried > 0 {
                object.queried -= 1;
                Disturbance::GaveBackQueried
            } else {
                Disturbance::GaveBackAdded
            };
            object.disturb(by);
        }
        let (session, kind) = (object.session, object.kind);
        if kind == ObjectKind::ClientShutdown {
            // It is the session by another of its interfaces: QueryInterface gave a reference, and here it comes back.
            self.disturb_session(session, Disturbance::GaveBackQueried);
        }
        for (slot, sibling) in self.objects.iter_mut().enumerate() {
            if let Some(sibling) = sibling
                && slot != usize::from(id.0)
                && sibling.session == session
                && sibling.kind == kind
                && sibling.is_held()
            {
                sibling.disturbed = Some(Disturbance::SiblingReleased);
            }
        }
    }
}

impl Out {
    /// The number, where the out parameter holds one.
    pub const fn value(self) -> Option<u64> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }
}

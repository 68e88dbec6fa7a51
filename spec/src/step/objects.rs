//! What the methods of a session, and of the objects it opened, leave behind.

use crate::event::{Call, Method, ObjectId, ObjectMethod, SessionId};
use crate::hresult::HResult;
use crate::outcome::Outcome;
use crate::phase::Standing;
use crate::state::{Disturbance, Object, ObjectKind, Pending, Session, World, put};

impl World {
    pub(super) fn answered(
        &mut self,
        pending: &Pending,
        id: SessionId,
        method: Method,
        object: ObjectId,
        outcome: Outcome,
    ) {
        if !outcome.succeeded() {
            if fails_for_good(outcome) {
                self.note_failure_beside(pending);
                if let Some(session) = self.session_mut(id) {
                    session.forget(method);
                }
            }
            return;
        }
        if method.opens() && outcome.gave_object() {
            put(&mut self.objects, object.0, Object::new(id, ObjectKind::Opened(method)));
        }
        let amid_others = !self.pending.is_empty();
        let alive = pending.saw.is_some_and(|saw| saw.standing() == Standing::Alive);
        if method != Method::GetLastError
            && let Some(session) = self.session_mut(id)
        {
            session.note_that_it_lives();
        }
        if let Some(session) = self.session_mut(id)
            && alive
            && !pending.failed_beside
        {
            session.remember(method, amid_others);
            if method == Method::QueryIdentity && outcome.is(HResult::S_OK) {
                session.identity = outcome.out.value();
            }
        }
        if method == Method::AdminServices {
            self.disturb_session(id, Disturbance::Administered);
        }
    }

    pub(super) fn answered_on_object(
        &mut self,
        pending: &Pending,
        id: ObjectId,
        method: ObjectMethod,
        outcome: Outcome,
    ) {
        if method.shuts_down() {
            if method == ObjectMethod::DoFastShutdown && outcome.succeeded() {
                // The process is to end without another call: what sessions do from now on is not judged, nor what the
                // client leaves behind.
                self.lose_track();
            }
            return;
        }
        let Some(session) = self.object(id).map(|object| object.session) else { return };
        let over = self.session(session).is_some_and(Session::is_logged_off);
        let amid_others = !self.pending.is_empty();
        if fails_for_good(outcome) && !over {
            self.note_failure_beside(pending);
        }
        let Some(object) = self.object_mut(id) else { return };
        if outcome.succeeded() {
            if !pending.failed_beside {
                object.remember(method);
            }
            object.amid |= amid_others;
            if method.carries_state() {
                // It has survived whatever happened until now.
                object.disturbed = None;
            }
        } else if fails_for_good(outcome) && !over {
            // After the end it is right to fail, and no licence to work again.
            object.forget(method);
        }
        if method == ObjectMethod::QueryFastShutdown {
            self.disturb_session(session, Disturbance::QueriedFastShutdown);
        }
    }

    /// A question has failed for good: of the same one that is being asked still, nobody can tell whether its answer came
    /// before that.
    fn note_failure_beside(&mut self, failed: &Pending) {
        let asks_the_same = |other: &Pending| match (other.call, failed.call) {
            (
                Call::Method { session, method, .. },
                Call::Method { session: its_session, method: its_method, .. },
            ) => session == its_session && method == its_method,
            (call, its_call) => call == its_call,
        };
        for other in self.pending.iter_mut().filter(|other| asks_the_same(other)) {
            other.failed_beside = true;
        }
    }
}

/// What worked and then does not is a fault once; that it goes on failing is no other.
fn fails_for_good(outcome: Outcome) -> bool {
    outcome.failed() && !outcome.code().is_some_and(HResult::is_want_of_resources)
}

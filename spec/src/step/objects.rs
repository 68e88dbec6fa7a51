//! What the methods of a session, and of the objects it opened, leave behind.

use crate::event::{Method, ObjectId, ObjectMethod, SessionId};
use crate::outcome::Outcome;
use crate::phase::Standing;
use crate::state::{Disturbance, Object, ObjectKind, Pending, World, put};

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
            return;
        }
        if method.opens() && outcome.gave_object() {
            put(&mut self.objects, object.0, Object::new(id, ObjectKind::Opened(method)));
        }
        let alive = pending.saw.is_some_and(|saw| saw.standing() == Standing::Alive);
        if let Some(session) = self.session_mut(id)
            && alive
        {
            session.remember(method);
            if method == Method::QueryIdentity && outcome.is(crate::hresult::HResult::S_OK) {
                session.identity = outcome.out.value();
            }
        }
        if method == Method::AdminServices {
            self.disturb_session(id, Disturbance::Administered);
        }
    }

    pub(super) fn answered_on_object(&mut self, id: ObjectId, method: ObjectMethod, outcome: Outcome) {
        let Some(object) = self.object_mut(id) else { return };
        let session = object.session;
        if outcome.succeeded() {
            object.remember(method);
        }
        if method == ObjectMethod::QueryFastShutdown {
            self.disturb_session(session, Disturbance::QueriedFastShutdown);
        }
    }
}

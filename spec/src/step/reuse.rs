//! Slots that are used again: what is left of the one before.

use crate::event::{RegistrationId, SessionId};
use crate::state::{Object, Owed, OwedKind, Registration, World};

impl World {
    /// Another comes in the slot of one that is long over: what was left of that is nobody's any more. What broke a rule
    /// stays.
    pub(super) fn forget_session(&mut self, id: SessionId) {
        if self.session(id).is_none() {
            return;
        }
        let its_object = |object: &Option<Object>| object.as_ref().is_some_and(|object| object.session == id);
        self.objects.iter_mut().filter(|object| its_object(object)).for_each(|object| *object = None);
        let its_own =
            |known: &Option<Registration>| known.is_some_and(|registration| registration.session == id);
        self.registrations.iter_mut().filter(|known| its_own(known)).for_each(|known| *known = None);
        self.owed.retain(|owed| !is_over_with(id, owed));
    }

    /// Another registration comes in the slot of one that has ended.
    pub(super) fn forget_registration(&mut self, id: RegistrationId) {
        self.owed.retain(|owed| {
            !matches!(owed.kind, OwedKind::Unadvised { registration, .. } if registration == id && owed.paid)
        });
    }
}

/// What is owed is nobody's concern any more once this session is over.
fn is_over_with(id: SessionId, owed: &Owed) -> bool {
    match owed.kind {
        OwedKind::Told { listener, leaver, .. } => {
            listener == id || (leaver == id && (owed.paid || owed.lapsed))
        }
        OwedKind::Hushed { listener, caller, heard, .. } => !heard && (listener == id || caller == id),
        OwedKind::Untold { listener, heard } => !heard && listener == id,
        OwedKind::Abandoned { session, .. } => session == id && owed.paid,
        OwedKind::Unadvised { .. } => false,
    }
}

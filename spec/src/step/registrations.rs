//! Registrations: made by `Advise`, given back by `Unadvise`, given up when their session ends.

use crate::event::{Call, RegistrationId, SessionId, SinkId, Target};
use crate::flags::EventMask;
use crate::outcome::Outcome;
use crate::state::{Owed, OwedKind, Pending, Registration, Sink, World, put};

/// More references than anything gives back.
const ANY: i32 = i32::MAX / 2;

impl World {
    pub(super) fn meet_sink(&mut self, sink: SinkId) {
        if self.sink(sink).is_none() {
            // References from before the recording, in any number.
            let held = if self.process.attached { ANY } else { 0 };
            put(&mut self.sinks, sink.0, Sink { held });
        }
    }

    pub(super) fn advised(
        &mut self,
        pending: &Pending,
        session: SessionId,
        mask: EventMask,
        sink: SinkId,
        registration: RegistrationId,
        outcome: Outcome,
    ) {
        if !outcome.succeeded() {
            return;
        }
        if let Some(session) = self.session_mut(session) {
            session.note_that_it_lives();
        }
        let active = self.session(session).is_some_and(|s| !s.is_logged_off() && !s.is_released());
        let connection = outcome.out.value().unwrap_or(0);
        let advised_on = pending.thread;
        let new = Registration { session, sink, mask, connection, active, advised_on };
        self.forget_registration(registration);
        put(&mut self.registrations, registration.0, new);
    }

    pub(super) fn unadvised(&mut self, id: RegistrationId, outcome: Outcome) {
        let Some(registration) = self.registration_mut(id) else { return };
        let was_active = registration.active;
        if outcome.succeeded() {
            registration.active = false;
        }
        let (sink, session) = (registration.sink, registration.session);
        // Where the session's end is under way, it may have come first, and says nothing of when the sink is given back.
        let leaves = self.pending.iter().any(|pending| {
            !matches!(pending.call, Call::Unadvise { .. })
                && self.who_gives_up_hearing_by(&pending.call) == Some(session)
        });
        // A session that has ended may keep what it was given until it is released.
        let may_keep = |id| self.session(id).is_none_or(|other| id != session && !other.is_logged_on());
        let still_used = (self.registrations.iter().flatten())
            .any(|other| other.sink == sink && (other.active || may_keep(other.session)));
        let is_counted = !self.process.attached;
        if outcome.succeeded() && was_active && !still_used && !leaves && is_counted {
            self.owe_back(OwedKind::Unadvised { registration: id, sink }, sink);
        }
    }

    /// A sink must be given back, if it has not been.
    pub(super) fn owe_back(&mut self, kind: OwedKind, sink: SinkId) {
        let paid = self.sink(sink).is_none_or(|sink| sink.held <= 0);
        self.owed.push(Owed { kind, paid, lapsed: false });
    }

    /// The session that need not be told of anything once this call has begun.
    fn who_gives_up_hearing_by(&self, call: &Call) -> Option<SessionId> {
        match *call {
            Call::Unadvise { session, .. } | Call::Logoff { session, .. } => Some(session),
            Call::Release { target: Target::Session(session) } => {
                self.session(session).filter(|s| s.references <= 1).map(|_| session)
            }
            _ => None,
        }
    }

    /// Whether a call is under way by which this session gives up hearing: its word may come too late.
    pub(super) fn is_giving_up_hearing(&self, listener: SessionId) -> bool {
        self.pending.iter().any(|pending| self.who_gives_up_hearing_by(&pending.call) == Some(listener))
    }

    /// A listener that leaves before the subject has settled can no longer be said not to have heard.
    pub(super) fn lapse_what_the_caller_gives_up(&mut self, call: &Call) {
        if matches!(call, Call::Uninitialize) && self.process.initialised <= 1 {
            for owed in &mut self.owed {
                owed.lapsed |= matches!(owed.kind, OwedKind::Told { .. }) && !owed.paid;
            }
        }
        let Some(leaving) = self.who_gives_up_hearing_by(call) else { return };
        for owed in &mut self.owed {
            if matches!(owed.kind, OwedKind::Told { listener, .. } if listener == leaving) && !owed.paid {
                owed.lapsed = true;
            }
        }
    }
}

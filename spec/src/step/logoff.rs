//! What follows from a Logoff: the commit, who is owed a word, whom it must leave as they were.

use crate::event::{SessionId, ThreadId};
use crate::flags::{EventMask, LogoffFlags};
use crate::outcome::Outcome;
use crate::phase::{Phase, Phases};
use crate::state::{Disturbance, Membership, Owed, OwedKind, Pending, Welcome, World};

impl World {
    pub(super) fn enter_logoff(&mut self, id: SessionId, flags: LogoffFlags, thread: ThreadId) {
        let Some(session) = self.session_mut(id) else { return };
        if !session.phases.may_be(Phase::LoggedOn) {
            return;
        }
        let certain = session.is_logged_on();
        session.phases = Phases::only(Phase::LoggingOff).or(Phases::only(Phase::Committed));
        let group = session.group();
        if flags.has(LogoffFlags::MAPI_LOGOFF_SHARED)
            && certain
            && let Some(group) = group
        {
            let listeners: Vec<_> = self
                .members(group)
                .filter(|(other, _)| *other != id)
                .filter_map(|(other, _)| self.advised_on(other).map(|thread| (other, thread)))
                .collect();
            self.owed.extend(listeners.into_iter().map(|(listener, advised_on)| Owed {
                kind: OwedKind::Told { listener, leaver: id, on: thread, advised_on, heard: EventMask(0) },
                paid: false,
                lapsed: false,
            }));
        }
        if certain {
            self.owe_silence(id);
        }
        self.disturb_others(id, flags);
    }

    /// Registered sessions that certainly do not share with the one that leaves must not hear of it.
    fn owe_silence(&mut self, id: SessionId) {
        let Some(own) = self.session(id).map(|session| session.membership) else { return };
        let strangers: Vec<SessionId> = self
            .all_sessions()
            .filter(|(other, session)| {
                *other != id && session.is_logged_on() && own.is_apart_from(session.membership)
            })
            .map(|(other, _)| other)
            .filter(|other| self.advised_on(*other).is_some())
            .collect();
        for listener in strangers {
            let known =
                |owed: &Owed| matches!(owed.kind, OwedKind::Untold { listener: l, .. } if l == listener);
            if !self.owed.iter().any(known) {
                let kind = OwedKind::Untold { listener, heard: false };
                self.owed.push(Owed { kind, paid: false, lapsed: false });
            }
        }
    }

    /// The thread on which the session first advised a sink that must hear of its end: one whose mask has both
    /// bits.
    fn advised_on(&self, id: SessionId) -> Option<ThreadId> {
        let mut registrations = self.all_registrations().map(|(_, registration)| registration);
        registrations
            .find(|r| r.session == id && r.active && r.mask.has(EventMask::END_OF_SESSION))
            .map(|r| r.advised_on)
    }

    pub(super) fn leave_logoff(
        &mut self,
        pending: &Pending,
        id: SessionId,
        flags: LogoffFlags,
        outcome: Outcome,
    ) {
        let another = self
            .pending
            .iter()
            .any(|other| matches!(other.call, crate::event::Call::Logoff { session, .. } if session == id));
        let Some(session) = self.session_mut(id) else { return };
        if session.is_logged_off() || session.is_released() {
            return;
        }
        if outcome.succeeded() {
            session.phases = Phases::only(Phase::LoggedOff);
            if session.references == 0 {
                session.phases = Phases::only(Phase::Released);
            }
            self.leave_group(id);
            for registration in self.registrations.iter_mut().flatten() {
                registration.active &= registration.session != id;
            }
            self.disturb_others(id, flags);
            return;
        }
        self.owed.retain(|owed| !matches!(owed.kind, OwedKind::Told { leaver, .. } if leaver == id));
        if another {
            return;
        }
        let Some(session) = self.session_mut(id) else { return };
        let cancelled = flags.has(LogoffFlags::MAPI_LOGOFF_UI)
            && outcome.code().is_some_and(crate::hresult::HResult::is_cancel);
        let refused = is_badly_argued(&pending.call);
        session.phases = match (cancelled, refused) {
            (true, _) | (_, true) => Phases::only(Phase::LoggedOn),
            _ => Phases::only(Phase::LoggedOn).or(Phases::only(Phase::LoggedOff)),
        };
        match (cancelled, refused) {
            (true, _) => self.disturb_session(id, Disturbance::CancelledLogoff),
            (_, true) => self.disturb_session(id, Disturbance::RefusedLogoff),
            _ => {}
        }
    }

    pub(super) fn leave_group(&mut self, id: SessionId) {
        let Some(Membership::Member(group, Welcome::Created)) = self.session(id).map(|s| s.membership) else {
            return;
        };
        if let Some(group) = self.groups.get_mut(usize::from(group.0)) {
            group.creator_left = true;
        }
    }

    /// Everybody else must go on as before.
    pub(super) fn disturb_others(&mut self, id: SessionId, flags: LogoffFlags) {
        let Some(own) = self.session(id).map(|session| session.membership) else { return };
        let others: Vec<(SessionId, Disturbance)> = self
            .all_sessions()
            .filter(|(other, session)| *other != id && !session.is_released())
            .map(|(other, session)| {
                let shared =
                    !own.is_apart_from(session.membership) && flags.has(LogoffFlags::MAPI_LOGOFF_SHARED);
                (other, if shared { Disturbance::MemberLogoffShared } else { Disturbance::OtherEnded })
            })
            .collect();
        for (other, by) in others {
            self.disturb_session(other, by);
        }
    }
}

/// Whether the arguments break the page's demands on the caller: unknown bits, or a reserved word that is not zero.
pub(crate) fn is_badly_argued(call: &crate::event::Call) -> bool {
    matches!(call, crate::event::Call::Logoff { flags, reserved, .. } if flags.unknown() != 0 || *reserved != 0)
}

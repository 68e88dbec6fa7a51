//! What follows from a Logoff: the commit, who is owed a word, whom it must leave as they were.

use crate::event::{Call, SessionId, ThreadId};
use crate::flags::{EventMask, LogoffFlags};
use crate::outcome::Outcome;
use crate::phase::{Phase, Phases};
use crate::state::{
    Disturbance, Hush, Membership, Owed, OwedKind, Pending, Registration, Session, Times, Welcome, World,
};

impl World {
    pub(super) fn enter_logoff(&mut self, id: SessionId, flags: LogoffFlags, thread: ThreadId) {
        let Some(session) = self.session_mut(id) else { return };
        if session.is_logged_off() && session.wound_up {
            self.owe_hush(id, Hush::Again);
        }
        let Some(session) = self.session_mut(id) else { return };
        if !session.phases.may_be(Phase::LoggedOn) {
            session.ended_twice_over |=
                session.phases.may_be(Phase::LoggingOff) || session.phases.may_be(Phase::Committed);
            if !flags.has(LogoffFlags::MAPI_LOGOFF_SHARED) {
                self.doubt_what_was_to_be_told(id);
            }
            return;
        }
        let certain = session.is_logged_on();
        let begun = Phases::only(Phase::LoggingOff).or(Phases::only(Phase::Committed));
        // It may have ended before, and this be a second Logoff.
        let over = Phases::only(Phase::LoggedOff);
        session.phases = if session.phases.may_be(Phase::LoggedOff) { begun.or(over) } else { begun };
        if flags.has(LogoffFlags::MAPI_LOGOFF_SHARED) && certain {
            let told =
                self.other_listeners(id).into_iter().map(|(listener, advised_on, registrations)| Owed {
                    kind: OwedKind::Told {
                        listener,
                        leaver: id,
                        on: thread,
                        advised_on,
                        heard: EventMask(0),
                        times: Times::default(),
                        registrations,
                    },
                    paid: false,
                    lapsed: self.is_giving_up_hearing(listener),
                });
            self.owed.extend(told.collect::<Vec<_>>());
        }
        if certain {
            self.owe_silence(id);
            self.owe_silence_to_who_has_left(id);
        }
        self.alert_others(id, flags);
    }

    /// The other members of the session's shared session that must hear of its end: each with the thread of its
    /// first registration that asks for it, and how many registrations may bring it word.
    fn other_listeners(&self, id: SessionId) -> Vec<(SessionId, ThreadId, u8)> {
        let Some(group) = self.session(id).and_then(Session::group) else { return Vec::new() };
        let others = self.members(group).filter(|(other, _)| *other != id);
        others
            .filter_map(|(other, _)| {
                Some((other, self.advised_on(other)?, self.registrations_heard_with(other)))
            })
            .collect()
    }

    /// How many registrations for the end of a session may bring a word to a sink of this session's: its own, and those
    /// of others on the same sink.
    fn registrations_heard_with(&self, id: SessionId) -> u8 {
        let asks = |r: &Registration| r.active && r.mask.has(EventMask::END_OF_SESSION);
        let registrations = || self.registrations.iter().flatten().filter(|r| asks(r));
        let mine = |r: &Registration| registrations().any(|own| own.session == id && own.sink == r.sink);
        u8::try_from(registrations().filter(|r| mine(r)).count()).unwrap_or(u8::MAX)
    }

    /// The other members must not hear of this Logoff.
    fn owe_hush(&mut self, caller: SessionId, why: Hush) {
        for (listener, ..) in self.other_listeners(caller) {
            let kind = OwedKind::Hushed { listener, caller, why, heard: false };
            if self.is_alone_in_leaving(caller, listener) {
                self.owe_once(kind);
            }
        }
    }

    /// Of all whom the listener may share with, only this one can be the reason for a word: the others are logged
    /// on, or ended long ago.
    pub(crate) fn is_alone_in_leaving(&self, leaver: SessionId, listener: SessionId) -> bool {
        self.session(listener).is_some_and(Session::is_logged_on) && self.no_other_leaves(leaver, listener)
    }

    /// The same, whether or not the listener is on.
    pub(super) fn no_other_leaves(&self, leaver: SessionId, listener: SessionId) -> bool {
        let Some(own) = self.session(listener) else { return false };
        self.all_sessions().all(|(other, session)| {
            other == leaver
                || other == listener
                || session.is_logged_on()
                || session.wound_up
                || own.membership.is_apart_from(session.membership)
        })
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

    /// Sessions that logged off long before must not hear of it, whatever became of their sinks.
    fn owe_silence_to_who_has_left(&mut self, caller: SessionId) {
        let left: Vec<SessionId> = self
            .all_sessions()
            .filter(|(other, session)| *other != caller && session.has_long_left())
            .map(|(other, _)| other)
            .collect();
        for listener in left {
            let kind = OwedKind::Hushed { listener, caller, why: Hush::Left, heard: false };
            self.owe_once(kind);
        }
    }

    fn owe_once(&mut self, kind: OwedKind) {
        if !self.owed.iter().any(|owed| owed.kind == kind) {
            self.owed.push(Owed { kind, paid: false, lapsed: false });
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
        let another = self.pending.iter().any(|other| is_logoff_of(id, &other.call));
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
            let mut registered = false;
            for registration in self.registrations.iter_mut().flatten().filter(|r| r.session == id) {
                registered |= registration.active;
                registration.active = false;
            }
            if let Some(session) = self.session_mut(id) {
                session.left_registered = registered;
            }
            self.disturb_others(id, flags);
            return;
        }
        let refused = is_badly_argued(&pending.call);
        let another_tells = self.pending.iter().any(|other| {
            matches!(other.call, Call::Logoff { session, flags, .. }
                if session == id && flags.has(LogoffFlags::MAPI_LOGOFF_SHARED))
        });
        // Where another with the flag is still under way, what is owed passes to it.
        if !another_tells {
            self.take_back_what_was_to_be_told(id, refused && !another);
        }
        if another {
            return;
        }
        let may_be_told = self.may_be_told(id);
        let Some(session) = self.session_mut(id) else { return };
        let cancelled = flags.has(LogoffFlags::MAPI_LOGOFF_UI)
            && outcome.code().is_some_and(crate::hresult::HResult::is_cancel);
        session.failed_since_told |= may_be_told && !cancelled && !refused;
        // A second Logoff is refused, too, and a dialog may be cancelled there.
        let may_have_been_over = session.phases.may_be(Phase::LoggedOff);
        session.phases = Phases::only(Phase::LoggedOn);
        if may_have_been_over || !(cancelled || refused) {
            session.phases = session.phases.or(Phases::only(Phase::LoggedOff));
            return;
        }
        match (cancelled, refused) {
            (true, _) => self.disturb_session(id, Disturbance::CancelledLogoff),
            (_, true) => self.disturb_session(id, Disturbance::RefusedLogoff),
            _ => {}
        }
    }

    /// A Logoff without the flag has overlapped one with it: either may be the one that ends the session.
    fn doubt_what_was_to_be_told(&mut self, id: SessionId) {
        for owed in &mut self.owed {
            owed.lapsed |= matches!(owed.kind, OwedKind::Told { leaver, .. } if leaver == id);
        }
    }

    /// A Logoff has failed: nobody is owed a word of it. Where it was refused, a word is one too many.
    fn take_back_what_was_to_be_told(&mut self, id: SessionId, refused: bool) {
        let (told, kept): (Vec<Owed>, Vec<Owed>) = std::mem::take(&mut self.owed)
            .into_iter()
            .partition(|owed| matches!(owed.kind, OwedKind::Told { leaver, .. } if leaver == id));
        self.owed = kept;
        for owed in told {
            if let OwedKind::Told { listener, heard, .. } = owed.kind
                && refused
                && self.is_alone_in_leaving(id, listener)
            {
                let heard = heard.0 & EventMask::END_OF_SESSION.0 != 0;
                let kind = OwedKind::Hushed { listener, caller: id, why: Hush::Refused, heard };
                self.owed.push(Owed { kind, paid: false, lapsed: owed.lapsed });
            }
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
        for (other, by) in self.others_and_what_it_is_to_them(id, flags) {
            self.disturb_session(other, by);
        }
    }

    /// Another member has logged off with `MAPI_LOGOFF_SHARED`, or is just doing it.
    fn may_be_told(&self, id: SessionId) -> bool {
        let tells = |pending: &Pending| {
            matches!(pending.call, Call::Logoff { session, flags, .. }
                if !is_badly_argued(&pending.call)
                    && self
                        .others_and_what_it_is_to_them(session, flags)
                        .contains(&(id, Disturbance::MemberLogoffShared)))
        };
        self.session(id).is_some_and(|own| own.disturbed == Some(Disturbance::MemberLogoffShared))
            || self.pending.iter().any(tells)
    }

    /// Everybody else may feel it from now on, and must go on as before once it is certain to have come.
    fn alert_others(&mut self, id: SessionId, flags: LogoffFlags) {
        for (other, by) in self.others_and_what_it_is_to_them(id, flags) {
            if let Some(session) = self.session_mut(other) {
                session.alert(by);
            }
        }
    }

    fn others_and_what_it_is_to_them(
        &self,
        id: SessionId,
        flags: LogoffFlags,
    ) -> Vec<(SessionId, Disturbance)> {
        let Some(own) = self.session(id).map(|session| session.membership) else { return Vec::new() };
        let others = self.all_sessions().filter(|(other, session)| *other != id && !session.is_released());
        others
            .map(|(other, session)| {
                let shared =
                    !own.is_apart_from(session.membership) && flags.has(LogoffFlags::MAPI_LOGOFF_SHARED);
                (other, if shared { Disturbance::MemberLogoffShared } else { Disturbance::OtherEnded })
            })
            .collect()
    }
}

pub(crate) fn is_logoff_of(id: SessionId, call: &Call) -> bool {
    matches!(call, Call::Logoff { session, .. } if *session == id)
}

/// Whether the arguments break the page's demands on the caller: unknown bits, or a reserved word that is not zero.
pub(crate) fn is_badly_argued(call: &Call) -> bool {
    matches!(call, Call::Logoff { flags, reserved, .. } if flags.unknown() != 0 || *reserved != 0)
}

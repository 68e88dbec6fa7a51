//! What a program waits for, and which arms what is owed is put to.

use mapi_session_spec::event::{Call, RegistrationId, SessionId, SinkId, ThreadId};
use mapi_session_spec::flags::EventMask;
use mapi_session_spec::rule::{Check, Moot};
use mapi_session_spec::state::{Owed, OwedKind, Registration};

use super::Draft;
use crate::program::{Action, Awaited, Place};

impl Draft<'_> {
    /// Waits for everything that is owed now, if anything is.
    pub fn settle(&mut self) {
        let mut awaited = self.awaited();
        if awaited == Awaited::default() {
            return;
        }
        self.await_what_who_leaves_when_told_brings(&mut awaited);
        self.note_owed();
        self.push(Action::Settle(awaited), Place::Thread(ThreadId(0)));
        for owed in &mut self.world.owed {
            owed.paid = true;
            if let OwedKind::Told { heard, .. } = &mut owed.kind {
                *heard = EventMask::fnevCriticalError;
            }
        }
        self.world.settle();
    }

    /// Where somebody is to hear nothing of the Logoff that was just made: a subject that tells them all the same may do so a
    /// moment later.
    pub(super) fn listen_for_strays(&mut self) {
        let was_a_logoff = self.steps.last().is_some_and(|last| {
            matches!((last.action, last.place), (Action::Call(Call::Logoff { .. }), Place::Thread(_)))
        });
        let is_silence = |owed: &Owed| {
            matches!(owed.kind, OwedKind::Untold { .. } | OwedKind::Hushed { .. }) && !owed.lapsed
        };
        if was_a_logoff && self.world.owed.iter().any(is_silence) {
            self.push(Action::Settle(Awaited::STRAYS), Place::Thread(ThreadId(0)));
        }
    }

    pub(super) fn awaited(&self) -> Awaited {
        let mut awaited = Awaited::default();
        for owed in self.world.owed.iter().filter(|owed| !owed.lapsed) {
            match owed.kind {
                OwedKind::Told { listener, leaver, .. } => {
                    let hears = |r: &&Registration| r.mask.has(EventMask::END_OF_SESSION);
                    if let Some(first) = self.registered(listener).find(hears) {
                        awaited.word(first.sink, leaver);
                        self.registered(listener).for_each(|r| awaited.may_hear(r.sink, leaver));
                    }
                }
                OwedKind::Untold { .. } | OwedKind::Hushed { .. } => {}
                OwedKind::Unadvised { sink, .. } | OwedKind::Abandoned { sink, .. } => {
                    awaited.released |= 1 << sink.0.min(63);
                }
            }
        }
        awaited
    }

    /// The registrations of a session, but for those that are given back before it is settled.
    fn registered(&self, listener: SessionId) -> impl Iterator<Item = &Registration> {
        self.world
            .all_registrations()
            .filter(move |(_, r)| r.session == listener && r.active)
            .filter(|(id, r)| !self.is_given_back_where_another_hears(*id, r.sink))
            .map(|(_, r)| r)
    }

    /// Somebody who is told logs off too: the others hear of that as well.
    fn await_what_who_leaves_when_told_brings(&self, awaited: &mut Awaited) {
        let leaves: Vec<Call> = self
            .steps
            .iter()
            .filter(|step| step.place.sink().is_some())
            .filter_map(|step| match step.action {
                Action::Call(call @ Call::Logoff { .. }) => Some(call),
                _ => None,
            })
            .collect();
        if leaves.is_empty() {
            return;
        }
        let mut then = self.clone();
        for call in &leaves {
            then.call(*call);
        }
        for owed in then.world.owed.iter().filter(|owed| !owed.lapsed) {
            if let OwedKind::Told { listener, leaver, .. } = owed.kind
                && leaves.iter().any(|call| call.session() == Some(leaver))
            {
                then.registered(listener).for_each(|r| awaited.may_hear(r.sink, leaver));
            }
        }
    }

    /// Then it may hear no more, and is not waited for.
    fn is_given_back_where_another_hears(&self, registration: RegistrationId, sink: SinkId) -> bool {
        self.steps.iter().any(|step| {
            step.place.sink().is_some_and(|hears| hears != sink)
                && matches!(step.action, Action::Call(Call::Unadvise { registration: of, .. }) if of == registration)
        })
    }

    /// Which arms what is owed is put to.
    pub(super) fn note_owed(&mut self) {
        for (i, arm) in self.brief.rules.demanded_on(self.brief.demand, Moot::Settled) {
            if let Check::Settled { bears, .. } = arm.check
                && self.world.owed.iter().any(|owed| bears(&self.world, owed))
            {
                self.aims.insert(i);
            }
        }
    }
}

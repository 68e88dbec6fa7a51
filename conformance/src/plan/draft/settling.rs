//! What a program waits for, and which arms what is owed is put to.

use mapi_session_spec::event::{Call, RegistrationId, SinkId, ThreadId};
use mapi_session_spec::flags::EventMask;
use mapi_session_spec::rule::{Check, Moot};
use mapi_session_spec::state::OwedKind;

use super::Draft;
use crate::program::{Action, Awaited, Place, Step};

impl Draft<'_> {
    /// Waits for everything that is owed now, if anything is.
    pub fn settle(&mut self) {
        let awaited = self.awaited();
        if awaited == Awaited::default() {
            return;
        }
        self.note_owed();
        self.steps.push(Step {
            action: Action::Settle(awaited),
            place: Place::Thread(ThreadId(0)),
            after: self.guard,
        });
        for owed in &mut self.world.owed {
            owed.paid = true;
            if let OwedKind::Told { heard, .. } = &mut owed.kind {
                *heard = EventMask::fnevCriticalError;
            }
        }
        self.world.settle();
    }

    pub(super) fn awaited(&self) -> Awaited {
        let mut awaited = Awaited::default();
        for owed in self.world.owed.iter().filter(|owed| !owed.lapsed) {
            match owed.kind {
                OwedKind::Told { listener, leaver, .. } => {
                    let sink = self
                        .world
                        .all_registrations()
                        .filter(|(_, r)| {
                            r.session == listener && r.active && r.mask.has(EventMask::END_OF_SESSION)
                        })
                        .filter(|(id, r)| !self.is_given_back_where_another_hears(*id, r.sink))
                        .map(|(_, r)| r.sink)
                        .next();
                    if let Some(sink) = sink {
                        awaited.word(sink, leaver);
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

//! How a program ends: it settles, observes and gives back what it holds.

use fixedbitset::FixedBitSet;
use mapi_session_spec::alphabet;
use mapi_session_spec::event::{BufferId, Call, ObjectId, RegistrationId, SessionId, Target};
use mapi_session_spec::phase::Phase;
use mapi_session_spec::state::ObjectKind;

use super::Draft;
use super::conclusions::{Conclusion, Reached};
use crate::program::{Kept, Place, Step, Wanted};

impl Draft<'_> {
    /// Ends the program. After this the state says nothing any more.
    pub(super) fn conclude(&mut self) {
        self.listen_for_strays();
        let reached = self.reached();
        if let Some(known) = reached.as_ref().and_then(|reached| self.conclusions.get(reached)) {
            self.steps.extend(known.steps.iter().map(|step| guarded(*step, self.guard)));
            self.aims.union_with(&known.aims);
            self.leaves_a_ghost |= known.leaves_a_ghost;
            return;
        }
        let none = FixedBitSet::with_capacity(self.aims.len());
        let (begin, aims_before) = (self.steps.len(), std::mem::replace(&mut self.aims, none));
        self.settle();
        self.observe();
        self.wind_down();
        self.note_owed();
        let leaves_a_ghost = self.world.leaves_a_ghost(false);
        self.leaves_a_ghost |= leaves_a_ghost;
        let aims = std::mem::replace(&mut self.aims, aims_before);
        self.aims.union_with(&aims);
        if let Some(reached) = reached {
            let steps = self.steps[begin..].iter().map(|step| guarded(*step, None)).collect();
            self.conclusions.add(reached, Conclusion { steps, aims, leaves_a_ghost });
        }
    }

    /// What the rest of the program depends on: `None` where it is more than the state.
    fn reached(&self) -> Option<Reached> {
        let has_told_sinks = self.steps.iter().any(|step| step.place.sink().is_some());
        let is_alike = !has_told_sinks && !self.racing && self.may_have_been_cancelled.is_none();
        let next = [self.next_object, self.next_session, self.next_sink];
        is_alike.then(|| Reached { world: self.world.clone(), next, thread: self.thread })
    }

    /// Gives back what is held, in the order that the documents ask for: registrations, objects, Logoff, the
    /// session, then `MAPIUninitialize`. All of it is judged like the rest.
    fn wind_down(&mut self) {
        let buffers: Vec<BufferId> = (0..self.world.buffers.len() as u16)
            .map(BufferId)
            .filter(|id| self.world.buffer(*id).is_some_and(|buffer| buffer.held))
            .collect();
        for buffer in buffers {
            self.call(Call::ReadBuffer { buffer });
            self.call(Call::FreeBuffer { buffer });
        }
        let sessions: Vec<SessionId> = self.world.all_sessions().map(|(id, _)| id).collect();
        for session in sessions {
            let Some(known) = self.world.session(session) else { continue };
            if known.phases.may_be(Phase::LoggedOn) {
                let registered = self.world.all_registrations();
                let registered: Vec<RegistrationId> =
                    registered.filter(|(_, r)| r.session == session && r.active).map(|(id, _)| id).collect();
                for registration in registered {
                    self.call(Call::Unadvise { session, registration });
                }
                self.settle();
                self.release_objects_of(session, |_| true);
                if self.world.session(session).is_some_and(|s| s.references > 0) {
                    self.call(alphabet::plain_logoff(session));
                }
            } else {
                self.release_objects_of(session, |kind| kind == ObjectKind::ClientShutdown);
                if let Some((_, step)) = self.may_have_been_cancelled.filter(|(which, _)| *which == session) {
                    let before = self.guard.replace((step, Wanted::Failure));
                    self.untracked(Place::Thread(self.thread), alphabet::plain_logoff(session));
                    self.guard = before;
                }
            }
            while self.world.session(session).is_some_and(|s| s.references > 0) {
                self.call(Call::Release { target: Target::Session(session) });
            }
        }
        self.settle();
        while self.world.process.initialised > 0 {
            self.call(Call::Uninitialize);
        }
    }

    fn release_objects_of(&mut self, session: SessionId, which: impl Fn(ObjectKind) -> bool) {
        let mine: Vec<ObjectId> = self
            .world
            .all_objects()
            .filter(|(_, object)| object.session == session && object.is_held() && which(object.kind))
            .map(|(id, _)| id)
            .collect();
        for object in mine {
            while self.world.object(object).is_some_and(mapi_session_spec::state::Object::is_held) {
                self.call(Call::Release { target: Target::Object(object) });
            }
        }
    }
}

/// The same step with this guard.
fn guarded(step: Kept, guard: Option<(u16, Wanted)>) -> Kept {
    if step.after == guard { step } else { Kept::of(Step { after: guard, ..*step }) }
}

//! The questions that show whether sessions and objects work.

use mapi_session_spec::alphabet;
use mapi_session_spec::event::{Call, ObjectId, RegistrationId, SessionId, SinkId, Target};
use mapi_session_spec::flags::EventMask;

use super::Draft;
use crate::plan::Observing;

impl Draft<'_> {
    /// Asks everything that shows whether sessions and objects work: before an edge to prepare, after it to
    /// observe. What was opened for the asking is released.
    pub fn observe(&mut self) {
        // Objects before sessions and after them: asking a session opens and releases others of the same kind.
        if self.observing == Observing::Everything {
            self.observe_objects();
        }
        self.observe_sessions();
        self.observe_objects();
    }

    fn observe_sessions(&mut self) {
        let sessions: Vec<(SessionId, bool, bool)> = self
            .world
            .all_sessions()
            .filter(|(_, session)| session.references > 0)
            .map(|(id, session)| (id, session.is_logged_on(), session.is_logged_off()))
            .collect();
        for (session, on, off) in sessions {
            if on {
                let object = self.object();
                let mut questions = alphabet::questions(session, object);
                if self.observing == Observing::Least {
                    questions.retain(alphabet::is_telling);
                }
                for question in questions {
                    self.call(question);
                    if matches!(question, Call::Method { method, .. } if method.opens()) {
                        self.release_if_there(object);
                    }
                }
            }
            if off {
                self.probe_ended(session);
            }
        }
    }

    fn observe_objects(&mut self) {
        let held: Vec<ObjectId> =
            self.world.all_objects().filter(|(_, object)| object.is_held()).map(|(id, _)| id).collect();
        for object in held {
            for question in alphabet::questions_to(&self.world, object) {
                if !matches!(question, Call::OnObject { method, .. } if !method.carries_state())
                    && self.is_worth_making(&question)
                {
                    self.call(question);
                }
            }
        }
    }

    fn release_if_there(&mut self, object: ObjectId) {
        if self.world.object(object).is_some_and(mapi_session_spec::state::Object::is_held) {
            self.call(Call::Release { target: Target::Object(object) });
        }
    }

    /// Calls on a session that has logged off, where a rule judges the answer.
    fn probe_ended(&mut self, session: SessionId) {
        let object = self.object();
        let mut calls = alphabet::methods(session, object);
        calls.retain(|call| !matches!(call, Call::Method { flags, .. } if *flags != 0));
        if self.observing == Observing::Least {
            calls.retain(alphabet::is_telling);
        }
        if self.observing == Observing::Everything {
            calls.extend(alphabet::queries(session, object));
        }
        let registration = RegistrationId(self.next_sink);
        let sink = SinkId(self.next_sink);
        calls.push(Call::Advise { session, mask: EventMask::END_OF_SESSION, sink, registration });
        calls.push(alphabet::plain_logoff(session));
        for call in calls {
            if self.is_worth_making(&call) {
                if matches!(call, Call::Advise { .. }) {
                    self.next_sink += 1;
                }
                self.call(call);
            }
        }
    }
}

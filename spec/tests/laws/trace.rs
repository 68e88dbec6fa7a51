//! Traces written by hand, call by call.

use mapi_session_spec::alphabet::way_named;
use mapi_session_spec::dialect::Sharing;
use mapi_session_spec::event::{Call, CallId, Callback, Event, RegistrationId, SessionId, SinkId, ThreadId};
use mapi_session_spec::flags::EventMask;
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::judge::Judge;
use mapi_session_spec::outcome::{Ending, Out, Outcome};
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::World;
use mapi_session_spec::{Era, Level, RequirementId};

/// The word that a member leaves.
pub const HEARD: Callback = Callback::OnNotify { events: EventMask::fnevCriticalError };

/// A trace in the making.
#[derive(Default)]
pub struct Trace {
    pub events: Vec<Event>,
    ids: u32,
}

impl Trace {
    pub fn begin(&mut self, call: Call) -> CallId {
        self.ids += 1;
        self.events.push(Event::Call { id: CallId(self.ids), thread: ThreadId(0), call });
        CallId(self.ids)
    }

    pub fn end(&mut self, id: CallId, code: HResult, out: Out) {
        self.events.push(Event::Return { id, outcome: Outcome { ending: Ending::Returned(code), out } });
    }

    pub fn call(&mut self, call: Call, out: Out) {
        let id = self.begin(call);
        self.end(id, HResult::S_OK, out);
    }

    pub fn back(&mut self, sink: u16, callback: Callback) {
        self.ids += 1;
        let id = CallId(self.ids);
        self.events.push(Event::Callback { id, thread: ThreadId(4), sink: SinkId(sink), callback });
        self.events.push(Event::CallbackReturn { id });
    }

    /// The same, and what is done inside.
    pub fn back_and_meanwhile(&mut self, sink: u16, callback: Callback, meanwhile: impl FnOnce(&mut Self)) {
        self.ids += 1;
        let id = CallId(self.ids);
        self.events.push(Event::Callback { id, thread: ThreadId(0), sink: SinkId(sink), callback });
        meanwhile(self);
        self.events.push(Event::CallbackReturn { id });
    }

    pub fn settled(&mut self) {
        self.events.push(Event::Settled { milliseconds: 0 });
    }

    /// So many members of one shared session, of whom the last listens with the sink of number 0.
    pub fn of_members(members: u16) -> Self {
        let mut trace = Self::default();
        trace.call(Call::Initialize, Out::None);
        for number in 0..members {
            let way = way_named(if number == 0 { "sharing" } else { "joining" });
            let session = SessionId(number);
            trace.call(Call::LogonEx { session, profile: way.profile, flags: way.flags }, Out::Object);
        }
        let (session, sink, registration) = (SessionId(members - 1), SinkId(0), RegistrationId(0));
        let advise =
            trace.begin(Call::Advise { session, mask: EventMask::END_OF_SESSION, sink, registration });
        trace.back(0, Callback::AddRef);
        trace.end(advise, HResult::S_OK, Out::Value(1));
        trace
    }

    fn judged(&self, level: Level) -> mapi_session_spec::judge::Verdict {
        let mut world = World::default();
        world.process.dialect.sharing = Sharing::Offered;
        let rules = Rules::documented();
        let mut judge = Judge::new(&rules, Demand { level, era: Era::FastShutdown }, world, false);
        for event in &self.events {
            judge.observe(event);
        }
        judge.verdict()
    }

    /// What the trace breaks at this level.
    pub fn broken(&self, level: Level) -> Vec<RequirementId> {
        self.judged(level).deviations.iter().map(|deviation| deviation.requirement).collect()
    }

    /// Whether something in it could not be decided at this level.
    pub fn is_inconclusive(&self, level: Level) -> bool {
        !self.judged(level).inconclusive.is_empty()
    }
}

//! Words that come late: of two who left together, one word pays, and the other may still be on its way.

use mapi_session_spec::alphabet::{logoff_with, plain_logoff, way_named};
use mapi_session_spec::dialect::Sharing;
use mapi_session_spec::event::{Call, CallId, Callback, Event, RegistrationId, SessionId, SinkId, ThreadId};
use mapi_session_spec::flags::{EventMask, LogoffFlags};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::judge::Judge;
use mapi_session_spec::outcome::{Ending, Out, Outcome};
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::World;
use mapi_session_spec::{Era, Family, Level};

const HEARD: Callback = Callback::OnNotify { events: EventMask::fnevCriticalError };

/// A trace in the making.
#[derive(Default)]
struct Trace {
    events: Vec<Event>,
    ids: u32,
}

impl Trace {
    fn begin(&mut self, call: Call) -> CallId {
        self.ids += 1;
        self.events.push(Event::Call { id: CallId(self.ids), thread: ThreadId(0), call });
        CallId(self.ids)
    }

    fn end(&mut self, id: CallId, code: HResult, out: Out) {
        self.events.push(Event::Return { id, outcome: Outcome { ending: Ending::Returned(code), out } });
    }

    fn call(&mut self, call: Call, out: Out) {
        let id = self.begin(call);
        self.end(id, HResult::S_OK, out);
    }

    fn back(&mut self, sink: u16, callback: Callback) {
        self.ids += 1;
        let id = CallId(self.ids);
        self.events.push(Event::Callback { id, thread: ThreadId(4), sink: SinkId(sink), callback });
        self.events.push(Event::CallbackReturn { id });
    }

    fn settled(&mut self) {
        self.events.push(Event::Settled { milliseconds: 0 });
    }
}

/// Members, of whom the last listens; so many of the others leave together, and one word comes at once.
fn after_leaving(leavers: u16) -> Trace {
    let mut trace = Trace::default();
    trace.call(Call::Initialize, Out::None);
    for number in 0..=leavers {
        let way = way_named(if number == 0 { "sharing" } else { "joining" });
        let session = SessionId(number);
        trace.call(Call::LogonEx { session, profile: way.profile, flags: way.flags }, Out::Object);
    }
    let (session, sink, registration) = (SessionId(leavers), SinkId(0), RegistrationId(0));
    let advise = trace.begin(Call::Advise { session, mask: EventMask::END_OF_SESSION, sink, registration });
    trace.back(0, Callback::AddRef);
    trace.end(advise, HResult::S_OK, Out::Value(1));
    for number in 0..leavers {
        trace.call(logoff_with(SessionId(number), LogoffFlags::MAPI_LOGOFF_SHARED), Out::None);
    }
    trace.back(0, HEARD);
    trace.settled();
    trace
}

/// What a word breaks that comes while one who left logs off once more.
fn broken_by_a_word_at_a_second_logoff(mut trace: Trace) -> Vec<mapi_session_spec::RequirementId> {
    let again = trace.begin(plain_logoff(SessionId(0)));
    trace.back(0, HEARD);
    trace.end(again, HResult::MAPI_E_INVALID_OBJECT, Out::None);
    trace.settled();
    let mut world = World::default();
    world.process.dialect.sharing = Sharing::Offered;
    let rules = Rules::documented();
    let demand = Demand { level: Level::Conventional, era: Era::FastShutdown };
    let mut judge = Judge::new(&rules, demand, world, false);
    for event in &trace.events {
        judge.observe(event);
    }
    judge.deviations().iter().map(|deviation| deviation.requirement).collect()
}

#[test]
fn a_word_at_a_second_logoff_is_one_too_many_where_the_first_has_been_heard() {
    let broken = broken_by_a_word_at_a_second_logoff(after_leaving(1));
    assert!(broken.contains(&Family::Logoff.id(28)), "{broken:?}");
}

#[test]
fn where_two_left_together_and_one_word_came_it_may_be_the_others() {
    assert_eq!(broken_by_a_word_at_a_second_logoff(after_leaving(2)), []);
}

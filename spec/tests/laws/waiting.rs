//! Calls that never end while a sink is being told.

use mapi_session_spec::alphabet::{logoff_with, plain_logoff};
use mapi_session_spec::event::{
    Call, CallId, Event, Method, ObjectId, RegistrationId, SessionId, SinkId, ThreadId,
};
use mapi_session_spec::flags::LogoffFlags;
use mapi_session_spec::outcome::{Ending, Out, Outcome};
use mapi_session_spec::{Family, Level, RequirementId};

use crate::trace::{HEARD, Trace};

const NOTIFY_011: RequirementId = Family::Notify.id(11);

/// Three members: the first logs off, the last is told of it on the same thread, and meanwhile this call on that thread
/// does not end. Its caller may be a sink that waits for it.
fn while_a_sink_is_told(on: ThreadId, call: Call) -> Trace {
    let mut trace = Trace::of_members(3);
    trace.begin(logoff_with(SessionId(0), LogoffFlags::MAPI_LOGOFF_SHARED));
    let (told, hung) = (CallId(1000), CallId(1001));
    trace.events.push(Event::Callback { id: told, thread: ThreadId(0), sink: SinkId(0), callback: HEARD });
    trace.events.push(Event::Call { id: hung, thread: on, call });
    trace.events.push(Event::Return { id: hung, outcome: Outcome { ending: Ending::Hung, out: Out::None } });
    trace
}

fn asks(session: u16) -> Call {
    let (session, object) = (SessionId(session), ObjectId(9));
    Call::Method { session, method: Method::QueryIdentity, flags: 0, object }
}

#[test]
fn a_call_that_a_sink_waits_for_and_that_never_ends_is_decided_at_robust_alone() {
    for call in [asks(0), asks(1), asks(2), plain_logoff(SessionId(1))] {
        let trace = while_a_sink_is_told(ThreadId(1), call);
        for level in [Level::Documented, Level::Conventional] {
            assert_eq!(trace.broken(level), [], "{call:?} at {level:?}");
            assert!(trace.is_inconclusive(level), "{call:?} at {level:?}");
        }
        assert_eq!(trace.broken(Level::Robust), [NOTIFY_011], "{call:?}");
    }
}

#[test]
fn a_call_that_gives_back_a_sink_may_wait_for_the_sinks_end() {
    let unadvise = Call::Unadvise { session: SessionId(2), registration: RegistrationId(0) };
    for call in [unadvise, plain_logoff(SessionId(2)), plain_logoff(SessionId(0))] {
        let trace = while_a_sink_is_told(ThreadId(1), call);
        assert_eq!(trace.broken(Level::Robust), [], "{call:?}");
        assert!(trace.is_inconclusive(Level::Robust), "{call:?}");
    }
}

#[test]
fn a_call_that_a_sink_itself_makes_and_that_never_ends_is_decided_at_conventional() {
    for call in [asks(1), plain_logoff(SessionId(2))] {
        let trace = while_a_sink_is_told(ThreadId(0), call);
        assert_eq!(trace.broken(Level::Documented), [], "{call:?}");
        assert!(
            !trace.is_inconclusive(Level::Documented),
            "{call:?}: no rule decides, and the client asked for it"
        );
        assert_eq!(trace.broken(Level::Conventional), [NOTIFY_011], "{call:?}");
    }
}

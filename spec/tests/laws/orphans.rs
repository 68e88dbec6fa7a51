//! What is left of a shared session when its creator has gone.

use mapi_session_spec::alphabet::{logoff_with, plain_logoff, way_named};
use mapi_session_spec::event::{Call, Callback, RegistrationId, SessionId, SinkId};
use mapi_session_spec::flags::{EventMask, LogoffFlags};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::outcome::Out;
use mapi_session_spec::{Family, Level};

use crate::trace::Trace;

/// A third client names a profile and listens, the creator being gone or not, and a member leaves without a word.
fn unheard_by_who_named_a_profile(creator_left: bool) -> Trace {
    let mut trace = Trace::of_members(2);
    if creator_left {
        trace.call(plain_logoff(SessionId(0)), Out::None);
    }
    let (session, sink, registration) = (SessionId(2), SinkId(1), RegistrationId(1));
    let way = way_named("by-name");
    trace.call(Call::LogonEx { session, profile: way.profile, flags: way.flags }, Out::Object);
    let mask = EventMask::END_OF_SESSION;
    let advise = trace.begin(Call::Advise { session, mask, sink, registration });
    trace.back(1, Callback::AddRef);
    trace.end(advise, HResult::S_OK, Out::Value(2));
    trace.call(logoff_with(SessionId(1), LogoffFlags::MAPI_LOGOFF_SHARED), Out::None);
    trace.settled();
    trace
}

#[test]
fn who_names_a_profile_is_a_member_unless_the_creator_had_left() {
    let member = Family::Shared.id(14);
    assert!(unheard_by_who_named_a_profile(false).broken(Level::Documented).contains(&member));
    for level in Level::ALL {
        assert!(!unheard_by_who_named_a_profile(true).broken(level).contains(&member), "{level}");
    }
}

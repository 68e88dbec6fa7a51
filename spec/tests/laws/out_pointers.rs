//! What a failed call leaves in its out pointer.

use mapi_session_spec::alphabet::{plain_logoff, way_named};
use mapi_session_spec::event::{Call, Interface, Method, ObjectId, RegistrationId, SessionId, SinkId};
use mapi_session_spec::flags::EventMask;
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::outcome::Out;
use mapi_session_spec::{Family, Level};

use crate::trace::Trace;

#[test]
fn whatever_fails_after_logoff_leaves_no_rubbish_behind() {
    let (session, object) = (SessionId(0), ObjectId(0));
    for call in [
        Call::Method { session, method: Method::GetStatusTable, flags: 0, object },
        mapi_session_spec::alphabet::query(session, Interface::IMAPISession, object),
        Call::Advise {
            session,
            mask: EventMask::END_OF_SESSION,
            sink: SinkId(0),
            registration: RegistrationId(0),
        },
    ] {
        for (out, broken) in
            [(Out::Null, None), (Out::Unchanged, None), (Out::Rubbish, Some(Family::Dead.id(9)))]
        {
            let mut trace = Trace::default();
            trace.call(Call::Initialize, Out::None);
            let way = way_named("apart");
            trace.call(Call::LogonEx { session, profile: way.profile, flags: way.flags }, Out::Object);
            trace.call(plain_logoff(session), Out::None);
            let asked = trace.begin(call);
            trace.end(asked, HResult::MAPI_E_INVALID_OBJECT, out);
            assert_eq!(trace.broken(Level::Documented), [], "{call:?}");
            assert_eq!(trace.broken(Level::Conventional), Vec::from_iter(broken), "{call:?}, {out:?}");
        }
    }
}

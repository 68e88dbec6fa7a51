//! Sessions that end by their last Release alone, and what may keep them.

use mapi_session_spec::alphabet::way_named;
use mapi_session_spec::event::{Call, Method, ObjectId, SessionId, Target};
use mapi_session_spec::outcome::Out;
use mapi_session_spec::{Family, Level};

use crate::trace::Trace;

/// A member with a registration opens a table and lets go of itself, and of the table before that or never.
fn let_go_of(table_first: bool) -> Trace {
    let mut trace = Trace::of_members(1);
    let (session, object) = (SessionId(0), ObjectId(0));
    trace.call(Call::Method { session, method: Method::GetStatusTable, flags: 0, object }, Out::Object);
    if table_first {
        trace.call(Call::Release { target: Target::Object(object) }, Out::None);
    }
    trace.call(Call::Release { target: Target::Session(session) }, Out::None);
    trace.settled();
    trace
}

/// Then somebody joins whom no Logoff keeps out.
fn joined(mut trace: Trace) -> Trace {
    let way = way_named("joining");
    let joiner = Call::LogonEx { session: SessionId(1), profile: way.profile, flags: way.flags };
    trace.call(joiner, Out::Object);
    trace
}

#[test]
fn a_session_that_a_held_table_keeps_alive_after_its_last_release_is_not_accused_of_it() {
    assert_eq!(joined(let_go_of(false)).broken(Level::Robust), []);
}

#[test]
fn a_session_that_nothing_keeps_ends_with_its_last_release() {
    let end = Family::Unk.id(14);
    assert_eq!(
        joined(let_go_of(true)).broken(Level::Conventional),
        [end, end],
        "its sink, and its shared session"
    );
}

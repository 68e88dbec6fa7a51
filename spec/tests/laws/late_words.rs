//! Words that come late: of two who left together, one word pays, and the other may still be on its way.

use mapi_session_spec::alphabet::{logoff_with, plain_logoff};
use mapi_session_spec::event::{Call, Callback, RegistrationId, SessionId, SinkId};
use mapi_session_spec::flags::{EventMask, LogoffFlags};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::outcome::Out;
use mapi_session_spec::{Family, Level, RequirementId};

use crate::trace::{HEARD, Trace};

/// Members, of whom the last listens; so many of the others leave together, and one word comes at once.
fn after_leaving(leavers: u16) -> Trace {
    let mut trace = Trace::of_members(leavers + 1);
    for number in 0..leavers {
        trace.call(logoff_with(SessionId(number), LogoffFlags::MAPI_LOGOFF_SHARED), Out::None);
    }
    trace.back(0, HEARD);
    trace.settled();
    trace
}

/// What a word breaks that comes while one who left logs off once more.
fn broken_by_a_word_at_a_second_logoff(mut trace: Trace) -> Vec<RequirementId> {
    let again = trace.begin(plain_logoff(SessionId(0)));
    trace.back(0, HEARD);
    trace.end(again, HResult::MAPI_E_INVALID_OBJECT, Out::None);
    trace.settled();
    trace.broken(Level::Conventional)
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

/// The one who listens leaves, and its sink hears while another member leaves later: of how many sessions it was the sink,
/// and whether all had settled in between.
fn a_word_to_who_has_left(settles: bool, listens_elsewhere: bool) -> Trace {
    let mut trace = Trace::of_members(2);
    if listens_elsewhere {
        let (sink, registration) = (SinkId(0), RegistrationId(1));
        let mask = EventMask::END_OF_SESSION;
        let advise = trace.begin(Call::Advise { session: SessionId(0), mask, sink, registration });
        trace.back(0, Callback::AddRef);
        trace.end(advise, HResult::S_OK, Out::Value(2));
    }
    trace.call(plain_logoff(SessionId(1)), Out::None);
    if settles {
        trace.settled();
    }
    the_sink_hears_while_this_one_leaves(&mut trace, 0);
    trace
}

fn the_sink_hears_while_this_one_leaves(trace: &mut Trace, leaver: u16) {
    let last = trace.begin(logoff_with(SessionId(leaver), LogoffFlags::MAPI_LOGOFF_SHARED));
    trace.back(0, HEARD);
    trace.end(last, HResult::S_OK, Out::None);
    trace.settled();
}

#[test]
fn who_logged_off_and_has_heard_all_of_before_hears_nothing_of_what_comes_later() {
    for level in Level::ALL {
        let expected = if level == Level::Documented { vec![] } else { vec![Family::Shared.id(11)] };
        assert_eq!(a_word_to_who_has_left(true, false).broken(level), expected, "{level}");
    }
}

#[test]
fn who_logged_off_may_hear_late_what_happened_before_and_what_another_session_of_its_sink_hears() {
    for (settles, listens_elsewhere) in [(false, false), (true, true)] {
        let trace = a_word_to_who_has_left(settles, listens_elsewhere);
        assert_eq!(trace.broken(Level::Robust), [], "{settles}, {listens_elsewhere}");
    }
}

/// The listener and the last of the others, of four members: first they leave who are given, then the listener, and while the
/// last leaves, the listener's sink hears.
fn a_word_to_the_listener_after_these_left(leavers: &[u16]) -> Trace {
    let mut trace = Trace::of_members(4);
    for leaver in leavers {
        trace.call(logoff_with(SessionId(*leaver), LogoffFlags::MAPI_LOGOFF_SHARED), Out::None);
    }
    trace.back(0, HEARD);
    trace.settled();
    trace.call(plain_logoff(SessionId(3)), Out::None);
    trace.settled();
    the_sink_hears_while_this_one_leaves(&mut trace, 2);
    trace
}

#[test]
fn a_word_to_who_has_left_may_be_of_one_whose_word_never_came() {
    let broken =
        |leavers: &[u16]| a_word_to_the_listener_after_these_left(leavers).broken(Level::Conventional);
    assert_eq!(broken(&[0]), [Family::Shared.id(11)]);
    assert_eq!(broken(&[0, 1]), [], "of two who left together one word came");
}

#[test]
fn a_word_to_who_has_left_may_be_of_one_whose_logoff_is_still_under_way() {
    let mut trace = Trace::of_members(3);
    let first = trace.begin(plain_logoff(SessionId(0)));
    trace.call(plain_logoff(SessionId(2)), Out::None);
    trace.settled();
    let second = trace.begin(plain_logoff(SessionId(1)));
    trace.back(0, HEARD);
    trace.end(second, HResult::S_OK, Out::None);
    trace.end(first, HResult::S_OK, Out::None);
    trace.settled();
    assert_eq!(trace.broken(Level::Robust), []);
}

#[test]
fn a_word_to_who_has_left_may_be_for_one_who_is_just_registering_the_same_sink() {
    let mut trace = Trace::of_members(3);
    trace.call(plain_logoff(SessionId(2)), Out::None);
    trace.settled();
    let (sink, registration) = (SinkId(0), RegistrationId(1));
    let mask = EventMask::END_OF_SESSION;
    let advise = trace.begin(Call::Advise { session: SessionId(1), mask, sink, registration });
    let leaves = trace.begin(logoff_with(SessionId(0), LogoffFlags::MAPI_LOGOFF_SHARED));
    trace.back(0, HEARD);
    trace.end(leaves, HResult::S_OK, Out::None);
    trace.end(advise, HResult::S_OK, Out::Value(2));
    trace.settled();
    assert_eq!(trace.broken(Level::Robust), []);
}

//! Words that come late: of two who left together, one word pays, and the other may still be on its way.

use mapi_session_spec::alphabet::{logoff_with, plain_logoff};
use mapi_session_spec::event::SessionId;
use mapi_session_spec::flags::LogoffFlags;
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

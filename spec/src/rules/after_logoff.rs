//! After a Logoff has returned: the session pointer, and what was left open.

use crate::calls::CallKind;
use crate::calls::CallKind::{Advise, FreeBuffer, OnObject, QueryInterface, ReadBuffer, Release, Unadvise};
use crate::event::{Call, Method, Target};
use crate::hresult::HResult;
use crate::level::Level::{Conventional, Documented, Robust};
use crate::moment::Moment;
use crate::outcome::{Out, Outcome};
use crate::requirement::Family;
use crate::rule::Arm;
use crate::scope::{Met, Scope};
use crate::state::{Disturbance, Session};

/// A method of the session proper: not `IUnknown`, not a second Logoff.
const SESSION_METHOD: Scope = on_the_dead(&[CallKind::Method, Advise, Unadvise]);

const fn on_the_dead(kinds: &[CallKind]) -> Scope {
    Scope::of(kinds).that_met(&[Met::Dead])
}

/// `GetLastError` may say that it knows nothing (E-03).
fn knows_nothing(m: &Moment, o: &Outcome) -> bool {
    m.method() == Some(Method::GetLastError) && o.is(HResult::S_OK) && matches!(o.out, Out::Null | Out::None)
}

fn ended_by_logoff(m: &Moment) -> bool {
    m.session().is_some_and(Session::is_logged_off)
}

fn state_call_on_orphan(m: &Moment) -> bool {
    m.asks_a_table_that_worked() && m.after_a_logoff()
}

pub(super) const ARMS: &[Arm] = &[
    Arm::on_return(
        Family::Logoff.id(1),
        Conventional,
        "a failure: Logoff has ended the session",
        ended_by_logoff,
        |m, o| !o.succeeded() || knows_nothing(m, o),
    )
    .about(SESSION_METHOD),
    Arm::on_return(
        Family::Dead.id(9),
        Conventional,
        "a failure leaves the out parameter NULL or as it was",
        |m| m.method().is_none_or(Method::has_out),
        |_, o| !o.failed() || o.out_is_clean(),
    )
    .about(on_the_dead(&[CallKind::Method, QueryInterface, Advise])),
    // The caller is to blame for making the call; a careful implementation survives it all the same.
    Arm::on_return(
        Family::Dead.id(3),
        Robust,
        "the call returns",
        |m| ended_by_logoff(m) && !is_release(m),
        |_, o| o.came_back(),
    )
    .about(Scope::ANY.that_met(&[Met::Dead])),
    Arm::on_return(
        Family::Logoff.id(13),
        Documented,
        "Release after Logoff returns: the caller's reference is still the caller's",
        |m| ended_by_logoff(m) && m.gives_back_the_last() && !m.pending.overlapped && !gave_back_queried(m),
        |_, o| o.came_back(),
    )
    .about(on_the_dead(&[Release])),
    Arm::on_return(
        Family::Dead.id(2),
        Documented,
        "Release after Logoff returns, whatever references remain",
        |m| ended_by_logoff(m) && is_release(m) && !m.gives_back_the_last() && !gave_back_queried(m),
        |_, o| o.came_back(),
    )
    .about(on_the_dead(&[Release])),
    Arm::on_return(
        Family::Unk.id(2),
        Documented,
        "Release after Logoff returns: what QueryInterface gave was given back, and the other references remain",
        |m| ended_by_logoff(m) && is_release(m) && !m.pending.overlapped && gave_back_queried(m),
        |_, o| o.came_back(),
    )
    .about(on_the_dead(&[Release]).stirred()),
    Arm::on_return(
        Family::Dead.id(5),
        Documented,
        "a failure: the object was left open and is no longer valid",
        state_call_on_orphan,
        |_, o| !o.succeeded(),
    )
    .about(on_the_dead(&[OnObject])),
    Arm::on_return(
        Family::Dead.id(6),
        Documented,
        "a failure code: the page tells the caller to expect one",
        state_call_on_orphan,
        |_, o| o.came_back(),
    )
    .about(on_the_dead(&[OnObject])),
    Arm::on_return(
        Family::Logoff.id(18),
        Documented,
        "the caller's memory is whole and can be freed",
        |_| true,
        |m, o| o.came_back() && (!matches!(m.call(), Call::ReadBuffer { .. }) || o.out == Out::Value(1)),
    )
    .about(Scope::of(&[ReadBuffer, FreeBuffer])),
];

fn gave_back_queried(m: &Moment) -> bool {
    m.disturbed() == Some(Disturbance::GaveBackQueried)
}

fn is_release(m: &Moment) -> bool {
    matches!(m.call(), Call::Release { target: Target::Session(_) })
}

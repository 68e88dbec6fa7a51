//! What must leave a working session, or an object of it, as it was.
//!
//! Each of these things happened after the very same question had been answered with success, and none of them may
//! change the answer. A want of resources excuses any call.

use crate::era::Era;
use crate::event::{Call, ObjectMethod};
use crate::hresult::HResult;
use crate::level::Level::{Conventional, Documented};
use crate::moment::Moment;
use crate::outcome::Outcome;
use crate::requirement::Family;
use crate::rule::Arm;
use crate::state::Disturbance;

/// What happened while the question was asked may have come after the answer; and a question that another on the same
/// session overlaps may have come after that one's answer.
fn still(m: &Moment, by: Disturbance) -> bool {
    m.pending.as_before && !m.pending.overlapped && m.worked_before() && m.disturbed() == Some(by)
}

/// Whether fast shutdown is supported rests on the providers that are in use now: both answers are right at any time
/// (FAST-CLIENT-005).
fn works(m: &Moment, o: &Outcome) -> bool {
    let asks_for_support = matches!(m.call(), Call::OnObject { method: ObjectMethod::QueryFastShutdown, .. });
    o.code().is_some_and(|code| {
        code.succeeded()
            || code.is_want_of_resources()
            || (asks_for_support && code == HResult::MAPI_E_NO_SUPPORT)
    })
}

macro_rules! survives {
    ($family:ident $number:literal, $level:ident, $by:ident, $demands:literal) => {
        Arm::on_return(Family::$family.id($number), $level, $demands, |m| still(m, Disturbance::$by), works)
    };
}

pub(super) const ARMS: &[Arm] = &[
    survives!(Unk 2, Documented, GaveBackQueried, "a success, as before: a reference is still held"),
    survives!(Unk 8, Documented, GaveBackAdded, "a success, as before: a reference is still held"),
    survives!(Unk 7, Documented, SiblingReleased, "a success, as before: this pointer has a reference of its own"),
    survives!(Logoff 25, Documented, RefusedLogoff, "a success, as before: a refused Logoff changes nothing"),
    survives!(Logoff 24, Documented, CancelledLogoff, "a success, as before: a cancelled Logoff changes nothing"),
    survives!(Logoff 27, Documented, QueriedFastShutdown, "a success, as before: a question was asked, no more"),
    survives!(Shared 5, Documented, MemberLogoffShared, "a success, as before: being told ends nobody")
        .in_era(Era::Classic),
    survives!(Shared 5, Conventional, MemberLogoffShared, "a success, as before: being told ends nobody")
        .in_era(Era::FastShutdown),
    survives!(Shared 12, Documented, OtherEnded, "a success, as before: another client's session ended"),
    survives!(Shared 13, Documented, OtherLogon, "a success, as before: another client logged on"),
    survives!(Init 3, Documented, Uninitialised, "a success, as before: MAPI is still initialised"),
    survives!(Sess 19, Documented, Administered, "a success, as before: changes wait for the next session"),
];

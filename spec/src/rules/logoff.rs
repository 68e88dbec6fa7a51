//! `IMAPISession::Logoff` on a session that is logged on.
//!
//! A legal Logoff answers `S_OK`. Which requirement a failure breaks depends on what was peculiar about the call:
//! a window handle that should have been ignored, both flags at once, another thread, something that happened
//! before and should not have mattered.

use crate::event::Call;
use crate::flags::LogoffFlags;
use crate::level::Level::{Conventional, Documented, Robust};
use crate::moment::Moment;
use crate::outcome::Outcome;
use crate::requirement::{Family, RequirementId};
use crate::rule::Arm;
use crate::state::{Disturbance, Membership, Welcome};

const fn logoff(number: u16) -> RequirementId {
    Family::Logoff.id(number)
}

/// What is peculiar about a legal Logoff, and must not matter: for each thing the requirement that says so.
fn peculiarities(
    m: &Moment,
    ui_param: u64,
    flags: LogoffFlags,
    dirty: bool,
) -> impl Iterator<Item = RequirementId> {
    let both = LogoffFlags::MAPI_LOGOFF_SHARED.with(LogoffFlags::MAPI_LOGOFF_UI);
    let session = m.session();
    let disturbed = session.and_then(|session| session.disturbed);
    let membership = session.map(|session| session.membership);
    let shared_flag = flags.has(LogoffFlags::MAPI_LOGOFF_SHARED);
    let joined = matches!(membership, Some(Membership::Member(_, welcome)) if welcome != Welcome::Created);
    [
        (dirty, logoff(2)),
        (ui_param != 0 && !flags.has(LogoffFlags::MAPI_LOGOFF_UI), logoff(3)),
        (flags.has(both), logoff(5)),
        (disturbed == Some(Disturbance::CancelledLogoff), logoff(24)),
        (disturbed == Some(Disturbance::RefusedLogoff), logoff(25)),
        (disturbed == Some(Disturbance::QueriedFastShutdown), logoff(27)),
        (disturbed == Some(Disturbance::GaveBackQueried), Family::Unk.id(2)),
        (disturbed == Some(Disturbance::GaveBackAdded), Family::Unk.id(8)),
        (shared_flag && membership == Some(Membership::Individual), Family::Shared.id(9)),
        (shared_flag && joined, Family::Shared.id(8)),
        (session.is_some_and(|session| session.born_on != m.pending.thread), Family::Thread.id(1)),
        (m.pending.nested, Family::Notify.id(11)),
    ]
    .into_iter()
    .filter_map(|(holds, requirement)| holds.then_some(requirement))
}

/// The requirement that a failure breaks: of the one thing that is peculiar, of combining where there are several,
/// and `LOGOFF-009` where nothing is.
fn peculiarity(m: &Moment) -> RequirementId {
    let Call::Logoff { ui_param, flags, dirty, .. } = *m.call() else { return logoff(9) };
    let mut peculiarities = peculiarities(m, ui_param, flags, dirty);
    match (peculiarities.next(), peculiarities.next()) {
        (None, _) => logoff(9),
        (Some(one), None) => one,
        (Some(_), Some(_)) => logoff(5),
    }
}

/// `S_OK`, or a cancelled dialog where the caller allowed one. A hang is left to the rule on returning.
fn succeeds(m: &Moment, o: &Outcome) -> bool {
    o.is(crate::hresult::HResult::S_OK)
        || o.hung()
        || (m.may_wait_for_a_person() && o.code().is_some_and(crate::hresult::HResult::is_cancel))
}

const OK: &str = "S_OK, the one value that the page lists (with MAPI_LOGOFF_UI also a cancelled dialog)";

macro_rules! peculiar {
    ($requirement:expr) => {
        peculiar!($requirement, Documented)
    };
    ($requirement:expr, $level:ident) => {
        Arm::on_return(
            $requirement,
            $level,
            OK,
            |m| m.legal_logoff() && peculiarity(m) == $requirement,
            succeeds,
        )
    };
}

/// Unknown flag bits, on a session that is logged on.
fn unknown_bits(m: &Moment) -> bool {
    m.first_logoff() && matches!(m.call(), Call::Logoff { flags, .. } if flags.unknown() != 0)
}

/// A reserved word that is not zero, the flags being in order.
fn reserved_word(m: &Moment) -> bool {
    m.first_logoff()
        && matches!(m.call(), Call::Logoff { flags, reserved, .. } if flags.unknown() == 0 && *reserved != 0)
}

pub(super) const ARMS: &[Arm] = &[
    peculiar!(logoff(9)),
    peculiar!(logoff(2)),
    peculiar!(logoff(3)),
    peculiar!(logoff(5)),
    peculiar!(logoff(24)),
    peculiar!(logoff(25)),
    peculiar!(logoff(27)),
    peculiar!(Family::Unk.id(2)),
    peculiar!(Family::Unk.id(8)),
    peculiar!(Family::Shared.id(8)),
    peculiar!(Family::Shared.id(9)),
    peculiar!(Family::Thread.id(1)),
    // E-19: a member that leaves as soon as it hears goes through its own transition like any other.
    peculiar!(Family::Notify.id(11), Conventional),
    // LOGOFF-016 lets a Logoff wait without a bound; a caller may still expect it to come back (conventional).
    Arm::on_return(
        logoff(9),
        Conventional,
        "the call returns",
        |m| m.legal_logoff() && !m.pending.nested && !m.may_wait_for_a_person(),
        |_, o| !o.hung(),
    ),
    // B-04, B-05: ignored or refused, never a crash.
    Arm::on_return(
        logoff(25),
        Documented,
        "S_OK and the session has ended, or a failure and nothing has changed",
        |m| unknown_bits(m) || reserved_word(m),
        |_, o| o.came_back() || o.hung(),
    ),
    Arm::on_return(
        logoff(9),
        Documented,
        "S_OK, the one success that the page lists, or a failure",
        unknown_bits,
        |_, o| !o.succeeded() || o.is(crate::hresult::HResult::S_OK),
    ),
    Arm::on_return(
        Family::Err.id(12),
        Documented,
        "S_OK, the one success that the page lists, or a failure",
        reserved_word,
        |_, o| !o.succeeded() || o.is(crate::hresult::HResult::S_OK),
    ),
    Arm::on_return(
        logoff(11),
        Conventional,
        "S_OK, MAPI_E_UNKNOWN_FLAGS or MAPI_E_INVALID_PARAMETER",
        unknown_bits,
        |m, o| refused_by_its_name(m, o) && !o.hung(),
    ),
    Arm::on_return(
        Family::Err.id(5),
        Conventional,
        "S_OK, MAPI_E_INVALID_PARAMETER or MAPI_E_UNKNOWN_FLAGS",
        reserved_word,
        |m, o| refused_by_its_name(m, o) && !o.hung(),
    ),
    Arm::on_return(
        logoff(26),
        Robust,
        "a refusal: MAPI_E_UNKNOWN_FLAGS or MAPI_E_INVALID_PARAMETER",
        |m| unknown_bits(m) || reserved_word(m),
        |_, o| !o.succeeded(),
    ),
];

/// A failure, if it is one, is one of the two that refuse arguments, or a cancelled dialog where one was allowed.
fn refused_by_its_name(m: &Moment, o: &Outcome) -> bool {
    o.code().is_none_or(|code| {
        code.succeeded() || code.is_refusal_of_arguments() || (m.may_wait_for_a_person() && code.is_cancel())
    })
}

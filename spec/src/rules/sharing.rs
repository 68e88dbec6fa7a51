//! Who hears of a Logoff with `MAPI_LOGOFF_SHARED`, and who must not.

use crate::calls::CallKind;
use crate::era::Era;
use crate::event::SessionId;
use crate::flags::EventMask;
use crate::level::Level::{self, Conventional, Documented};
use crate::moment::Moment;
use crate::requirement::{Family, RequirementId};
use crate::rule::{Arm, Demand};
use crate::scope::Met::Either;
use crate::scope::Scope;
use crate::state::{Hush, Membership, Owed, OwedKind, Welcome, World};

/// Which requirement a member's silence breaks, and from which level on: the most particular thing about the one who left,
/// or about the one who should have heard.
fn silence(world: &World, owed: &Owed) -> Option<(RequirementId, Level)> {
    let OwedKind::Told { listener, leaver, on, advised_on, heard, .. } = owed.kind else { return None };
    let is = |session: SessionId, welcome| {
        world
            .session(session)
            .is_some_and(|s| matches!(s.membership, Membership::Member(_, own) if own == welcome))
    };
    let either_is = |welcome| is(listener, welcome) || is(leaver, welcome);
    let heard_something_else = heard.0 != 0 && heard.0 & EventMask::END_OF_SESSION.0 == 0;
    if either_is(Welcome::NamedLate) {
        // What else it heard, others heard too, of whom more is certain.
        return (!heard_something_else).then_some((Family::Shared.id(14), Conventional));
    }
    let broken = if heard_something_else {
        Family::Shared.id(10)
    } else if on != advised_on && !is_owed_by_another_too(world, owed) {
        Family::Thread.id(5)
    } else if either_is(Welcome::Named) {
        Family::Shared.id(14)
    } else if is(leaver, Welcome::Recipe) {
        Family::Shared.id(8)
    } else {
        Family::Shared.id(4)
    };
    Some((broken, Documented))
}

/// The listener has heard of none of several Logoffs: the thread of one of them is not what they have in common.
fn is_owed_by_another_too(world: &World, owed: &Owed) -> bool {
    let OwedKind::Told { listener, leaver, .. } = owed.kind else { return false };
    world.owed.iter().any(|other| {
        !other.paid
            && !other.lapsed
            && matches!(other.kind, OwedKind::Told { listener: l, leaver: of, .. } if l == listener && of != leaver)
    })
}

/// A word is owed, and its lack would break this requirement, from this level on.
fn would_break(world: &World, owed: &Owed, requirement: RequirementId, from: Level) -> bool {
    let mut unheard = *owed;
    // Judged as if nothing right had come, so that a rule binds whether or not it is kept.
    unheard.paid = false;
    match silence(world, &unheard) {
        Some((broken, level)) => {
            level == from && (broken == requirement || (requirement == Family::Shared.id(10) && owed.paid))
        }
        None => false,
    }
}

macro_rules! told {
    ($family:ident $number:literal, $level:ident, $demands:literal) => {
        Arm::on_settled(
            Family::$family.id($number),
            $level,
            $demands,
            |world, owed| would_break(world, owed, Family::$family.id($number), $level),
            |_, owed| owed.paid,
        )
    };
}

/// A session that shares with nobody who left: whether it had asked to stand apart, and whether it heard.
fn stranger(world: &World, owed: &Owed) -> Option<(bool, bool)> {
    let OwedKind::Untold { listener, heard } = owed.kind else { return None };
    world.session(listener).map(|session| (session.apart, heard))
}

macro_rules! hushed {
    ($family:ident $number:literal, $level:ident, $why:ident, $demands:literal) => {
        Arm::on_settled(
            Family::$family.id($number),
            $level,
            $demands,
            |_, owed| matches!(owed.kind, OwedKind::Hushed { why: Hush::$why, .. }),
            |_, owed| !matches!(owed.kind, OwedKind::Hushed { heard: true, .. }),
        )
    };
}

/// Whether the pages leave everything about this call open, so that no rule on it is demanded: since the fast shutdown
/// one of them lets `MAPI_LOGOFF_SHARED` begin the end of every client, and says no more (SHARED-007). A Logoff that fails
/// then has decided it.
pub(crate) fn leaves_undecided(m: &Moment, demand: Demand) -> bool {
    demand.level == Documented && demand.era == Era::FastShutdown && m.was_told() && !m.failed_since_told()
}

/// A table that worked, after a Logoff of its session failed as where being told has ended that. What overlaps may have been
/// answered before.
fn is_asked_of_what_ended_when_told(m: &Moment) -> bool {
    m.failed_since_told() && !m.pending.overlapped && m.asks_a_table_that_worked()
}

pub(super) const ARMS: &[Arm] = &[
    told!(Shared 4, Documented, "an OnNotify to each other member whose mask has both end-of-session bits"),
    told!(Shared 8, Documented, "an OnNotify to each other member: any member may set the flag"),
    told!(Shared 14, Documented, "an OnNotify to each other member: a logon without MAPI_NEW_SESSION joins"),
    told!(Shared 14, Conventional, "an OnNotify to each other member: the creator's end, or a newer session's, changes nothing"),
    told!(Thread 5, Documented, "an OnNotify, on whichever thread, wherever Advise was called"),
    told!(Shared 10, Documented, "fnevCriticalError or fnevExtended as the word that a member leaves"),
    Arm::on_settled(
        Family::Shared.id(11),
        Conventional,
        "nothing: this session shares with nobody who logged off",
        |world, owed| stranger(world, owed).is_some_and(|(apart, _)| !apart),
        |world, owed| stranger(world, owed).is_none_or(|(_, heard)| !heard),
    ),
    Arm::on_settled(
        Family::Logon.id(10),
        Conventional,
        "nothing: MAPI_NEW_SESSION asked for a session apart",
        |world, owed| stranger(world, owed).is_some_and(|(apart, _)| apart),
        |world, owed| stranger(world, owed).is_none_or(|(_, heard)| !heard),
    ),
    // Who was told works as before, or has ended: one whose Logoff fails has.
    Arm::on_return(
        Family::Logoff.id(9),
        Documented,
        "a failure: a Logoff with which nothing was wrong has failed, and so the session has ended",
        is_asked_of_what_ended_when_told,
        |_, o| !o.succeeded(),
    )
    .about(Scope::of(&[CallKind::OnObject]).that_met(&[Either])),
    hushed!(Logoff 25, Documented, Refused, "nothing: the Logoff was refused, and so nobody leaves"),
    hushed!(Shared 11, Conventional, Left, "nothing: this session had logged off before, and shares with nobody any more"),
    hushed!(Logoff 28, Conventional, Again, "nothing: the session had logged off before, and that was announced then"),
];

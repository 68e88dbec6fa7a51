//! Who hears of a Logoff with `MAPI_LOGOFF_SHARED`, and who must not.

use crate::event::{Call, Callback};
use crate::flags::EventMask;
use crate::level::Level::{Conventional, Documented};
use crate::requirement::{Family, RequirementId};
use crate::rule::{Arm, Hearing};
use crate::state::{Membership, Owed, OwedKind, Session, Welcome, World};

/// Which requirement a member's silence breaks: the most particular thing about the one who left, or about the one
/// who should have heard.
fn silence(world: &World, owed: &Owed) -> Option<RequirementId> {
    let OwedKind::Told { listener, leaver, on, advised_on, heard } = owed.kind else { return None };
    let welcome = |session: Option<&Session>| match session.map(|s| s.membership) {
        Some(Membership::Member(_, welcome)) => Some(welcome),
        _ => None,
    };
    let listener = welcome(world.session(listener));
    let leaver = welcome(world.session(leaver));
    Some(if heard.0 != 0 && heard.0 & EventMask::END_OF_SESSION.0 == 0 {
        Family::Shared.id(10)
    } else if on != advised_on {
        Family::Thread.id(5)
    } else if listener == Some(Welcome::Named) || leaver == Some(Welcome::Named) {
        Family::Shared.id(14)
    } else if leaver == Some(Welcome::Recipe) {
        Family::Shared.id(8)
    } else {
        Family::Shared.id(4)
    })
}

/// A word is owed, and its lack would break this requirement.
fn would_break(world: &World, owed: &Owed, requirement: RequirementId) -> bool {
    let mut unheard = *owed;
    // Judged as if nothing right had come, so that a rule binds whether or not it is kept.
    unheard.paid = false;
    match silence(world, &unheard) {
        Some(broken) if broken == Family::Shared.id(10) => requirement == broken,
        Some(broken) => broken == requirement || (requirement == Family::Shared.id(10) && owed.paid),
        None => false,
    }
}

macro_rules! told {
    ($family:ident $number:literal, $demands:literal) => {
        Arm::on_settled(
            Family::$family.id($number),
            Documented,
            $demands,
            |world, owed| would_break(world, owed, Family::$family.id($number)),
            |_, owed| owed.paid,
        )
    };
}

fn sessions_of<'a>(h: &'a Hearing) -> impl Iterator<Item = &'a Session> {
    let mine = h.world.registrations.iter().flatten().filter(|r| r.sink == h.sink);
    mine.filter_map(|r| h.world.session(r.session))
}

/// Nobody with whom this sink's session may share has ended or is about to, nor has that session itself.
fn is_a_stranger(h: &Hearing) -> bool {
    let notifies = matches!(h.callback, Callback::OnNotify { .. });
    let mut any = false;
    let apart = sessions_of(h).all(|own| {
        any = true;
        own.is_logged_on() && !h.world.all_sessions().any(|(_, other)| may_have_ended_with(own, other))
    });
    notifies && any && apart
}

fn may_have_ended_with(own: &Session, other: &Session) -> bool {
    let together = match (own.membership, other.membership) {
        (Membership::Individual, _) | (_, Membership::Individual) => false,
        (Membership::Member(a, _), Membership::Member(b, _)) => a == b,
        _ => true,
    };
    together && !std::ptr::eq(own, other) && !other.is_logged_on()
}

/// Somebody's Logoff is under way or done: there is something to hear of.
fn somebody_leaves(h: &Hearing) -> bool {
    matches!(h.callback, Callback::OnNotify { .. })
        && (h.world.pending.iter().any(|pending| matches!(pending.call, Call::Logoff { .. }))
            || h.world.all_sessions().any(|(_, session)| !session.is_logged_on()))
}

fn asked_to_be_apart(h: &Hearing) -> bool {
    sessions_of(h).any(|session| session.apart)
}

pub(super) const ARMS: &[Arm] = &[
    told!(Shared 4, "an OnNotify to each other member whose mask has both end-of-session bits"),
    told!(Shared 8, "an OnNotify to each other member: any member may set the flag"),
    told!(Shared 14, "an OnNotify to each other member: a logon without MAPI_NEW_SESSION joins"),
    told!(Thread 5, "an OnNotify, on whichever thread, wherever Advise was called"),
    told!(Shared 10, "fnevCriticalError or fnevExtended as the word that a member leaves"),
    Arm::on_callback(
        Family::Shared.id(11),
        Conventional,
        "nothing: this session shares with nobody who logs off",
        |h| somebody_leaves(h) && !asked_to_be_apart(h),
        |h| !is_a_stranger(h),
    ),
    Arm::on_callback(
        Family::Logon.id(10),
        Conventional,
        "nothing: MAPI_NEW_SESSION asked for a session apart",
        |h| somebody_leaves(h) && asked_to_be_apart(h),
        |h| !is_a_stranger(h),
    ),
];

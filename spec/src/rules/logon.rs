//! `MAPILogonEx`.

use crate::dialect::Sharing;
use crate::era::Era;
use crate::event::{Call, Profile, SessionId};
use crate::flags::LogonFlags;
use crate::hresult::HResult;
use crate::level::Level::{Conventional, Documented};
use crate::moment::Moment;
use crate::outcome::{Out, Outcome};
use crate::requirement::Family;
use crate::rule::Arm;
use crate::state::{Disturbance, Membership, Session, Welcome};

fn logon(m: &Moment) -> Option<(Profile, LogonFlags)> {
    match *m.call() {
        Call::LogonEx { profile, flags, .. } => Some((profile, flags)),
        _ => None,
    }
}

fn initialised(m: &Moment) -> bool {
    m.world.process.initialised > 0
}

fn any_logon(m: &Moment) -> bool {
    initialised(m) && logon(m).is_some()
}

/// A logon that no other overlapped which may have changed what it met.
fn lone_logon(m: &Moment) -> bool {
    any_logon(m) && !m.pending.overlapped
}

/// A logon that says which profile it wants.
fn names_a_profile(m: &Moment) -> bool {
    lone_logon(m)
        && logon(m).is_some_and(|(profile, flags)| {
            profile == Profile::Named || flags.has(LogonFlags::MAPI_USE_DEFAULT)
        })
}

/// A logon that can only join: no profile, no default, no new session, nobody else invited (SHARED-016).
fn recipe(m: &Moment) -> bool {
    lone_logon(m)
        && logon(m).is_some_and(|(profile, flags)| {
            let own = LogonFlags::MAPI_USE_DEFAULT.0
                | LogonFlags::MAPI_NEW_SESSION.0
                | LogonFlags::MAPI_ALLOW_OTHERS.0
                | LogonFlags::MAPI_LOGON_UI.0;
            profile == Profile::Null && flags.0 & own == 0
        })
}

/// The same profile was logged on to before, in this process.
fn worked_before(m: &Moment) -> bool {
    logon(m).is_some_and(|(_, flags)| m.world.process.logon_worked.with(flags))
}

fn someone_is_on(m: &Moment) -> bool {
    m.world.all_sessions().any(|(_, session)| session.phases.iter().any(crate::phase::Phase::works))
}

/// Nobody is on, of this trace or of one before it.
fn nobody_is_on(m: &Moment) -> bool {
    !m.world.process.haunted && !someone_is_on(m)
}

/// No other logon is under way, and none ended meanwhile: all that were made came on this thread.
fn no_other_comes(m: &Moment) -> bool {
    let is_of_this_thread = |thread| thread == m.pending.thread;
    let logs_on = |call: &Call| matches!(call, Call::LogonEx { .. });
    m.world.pending.iter().filter(|other| logs_on(&other.call)).all(|other| is_of_this_thread(other.thread))
        && m.world.all_sessions().all(|(_, session)| is_of_this_thread(session.born_on))
}

/// No shared session was established in this process since it was initialised, and nothing is left of an earlier one.
fn never_shared(m: &Moment) -> bool {
    !m.world.process.haunted
        && m.world.groups.iter().all(|group| group.over)
        && m.world.all_sessions().all(|(_, session)| match session.membership {
            Membership::Individual => true,
            Membership::Member(group, _) => m.world.groups.get(usize::from(group.0)).is_some_and(|g| g.over),
            Membership::Unknown => false,
        })
}

/// It went by its last Release alone, and nothing that it opened keeps it.
fn let_go(m: &Moment, id: SessionId, session: &Session) -> bool {
    session.is_released() && session.never_logged_off && !m.world.holds_an_object_of(id)
}

/// All who shared a session are gone.
fn deserted(m: &Moment) -> bool {
    m.world.groups.iter().any(|group| !group.over)
        && m.world.all_sessions().all(|(id, session)| match session.membership {
            Membership::Individual => true,
            Membership::Member(..) => let_go(m, id, session) || session.has_logged_off(),
            Membership::Unknown => false,
        })
}

/// One of those who shared it went by its last Release alone.
fn one_let_go(m: &Moment) -> bool {
    m.world.all_sessions().any(|(id, session)| session.group().is_some() && let_go(m, id, session))
}

fn offered(m: &Moment) -> bool {
    m.world.process.dialect.sharing == Sharing::Offered
}

/// Exactly one shared session certainly lives, and sharing is offered.
fn joinable(m: &Moment) -> bool {
    offered(m) && !m.world.sharing_is_uncertain() && m.world.live_groups().count() == 1
}

/// The one live shared session has lost its creator, or a newer one came and went.
fn orphaned(m: &Moment) -> bool {
    m.world.live_groups().any(|group| m.world.is_orphaned(group))
}

/// A member has heard of a Logoff with `MAPI_LOGOFF_SHARED`: since the fast shutdown one page lets that begin the end
/// of every client, so that by the pages alone nobody is certain to be on.
fn shaken(m: &Moment) -> bool {
    m.era == Era::FastShutdown
        && m.world.all_sessions().any(|(_, s)| s.disturbed == Some(Disturbance::MemberLogoffShared))
}

/// The logon is certain to make the caller a member.
fn joins(m: &Moment) -> bool {
    logon(m).is_some_and(|(profile, flags)| {
        matches!(m.world.welcome(profile, flags), Membership::Member(_, welcome) if welcome != Welcome::Created)
    })
}

fn fails(_: &Moment, o: &Outcome) -> bool {
    o.failed()
}

/// A success; a want of resources; too many sessions where one is on; sharing refused by one who does not offer it.
fn joined(m: &Moment, o: &Outcome) -> bool {
    let allows_others = logon(m).is_some_and(|(_, flags)| flags.has(LogonFlags::MAPI_ALLOW_OTHERS));
    o.succeeded()
        || o.code().is_some_and(HResult::is_want_of_resources)
        || (o.is(HResult::MAPI_E_SESSION_LIMIT) && !nobody_is_on(m))
        || (o.is(HResult::MAPI_E_NO_SUPPORT) && allows_others && !offered(m))
}

/// It is a pointer that the client has not given back. One that it has may come again.
fn is_still_held(m: &Moment, out: Out) -> bool {
    matches!(out, Out::SameAs(earlier) if m.world.session(earlier).is_none_or(|session| !session.is_released()))
}

fn timeout_short(m: &Moment) -> bool {
    logon(m).is_some_and(|(_, flags)| flags.has(LogonFlags::MAPI_TIMEOUT_SHORT))
}

pub(super) const ARMS: &[Arm] = &[
    Arm::on_return(
        Family::Logon.id(1),
        Documented,
        "S_OK and a session pointer, or a failure",
        any_logon,
        |m, o| {
            let gives = !o.succeeded() || (o.is(HResult::S_OK) && o.may_have_given_object());
            (o.came_back() && gives) || (o.hung() && m.may_wait_for_a_person())
        },
    ),
    Arm::on_return(
        Family::Logon.id(5),
        Documented,
        "anything but MAPI_E_TIMEOUT: no other logon is under way",
        |m| names_a_profile(m) && timeout_short(m) && m.world.pending.len() == 1,
        |_, o| !o.is(HResult::MAPI_E_TIMEOUT),
    ),
    Arm::on_return(
        Family::Logon.id(15),
        Documented,
        "S_OK: the same logon succeeded before, and nobody is on now",
        |m| {
            names_a_profile(m)
                && worked_before(m)
                && !m.world.process.uninitialised_in_part
                && nobody_is_on(m)
                && no_other_comes(m)
                && !timeout_short(m)
        },
        joined,
    ),
    Arm::on_return(
        Family::Logon.id(15),
        Documented,
        "S_OK, or MAPI_E_LOGON_FAILED or MAPI_E_SESSION_LIMIT where there are too many",
        |m| names_a_profile(m) && worked_before(m) && someone_is_on(m) && !joins(m) && !timeout_short(m),
        |m, o| joined(m, o) || o.is(HResult::MAPI_E_LOGON_FAILED),
    ),
    Arm::on_return(
        Family::Init.id(3),
        Documented,
        "S_OK, as before: one of two initialisations is still there",
        |m| {
            names_a_profile(m) && worked_before(m) && m.world.process.uninitialised_in_part && nobody_is_on(m)
        },
        joined,
    ),
    Arm::on_return(
        Family::Logon.id(11),
        Documented,
        "a failure: no profile is named and no session is there to join",
        |m| recipe(m) && never_shared(m) && nobody_is_on(m),
        fails,
    ),
    Arm::on_return(
        Family::Shared.id(1),
        Documented,
        "a failure: the sessions that are on are individual, not shared",
        |m| recipe(m) && never_shared(m) && someone_is_on(m),
        fails,
    ),
    Arm::on_return(
        Family::Unk.id(14),
        Conventional,
        "a failure: the members gave back their last references, and with them left the shared session",
        |m| recipe(m) && deserted(m) && one_let_go(m),
        fails,
    ),
    Arm::on_return(
        Family::Logon.id(11),
        Conventional,
        "a failure: no profile is named, and all who shared a session have logged off",
        |m| recipe(m) && deserted(m) && !one_let_go(m) && !m.world.process.haunted,
        fails,
    ),
    Arm::on_return(
        Family::Shared.id(2),
        Documented,
        "S_OK: a shared session is there, and its creator is on",
        |m| recipe(m) && joinable(m) && !orphaned(m) && !shaken(m),
        joined,
    ),
    Arm::on_return(
        Family::Shared.id(2),
        Conventional,
        "S_OK: a shared session is there, and being told has ended nobody",
        |m| recipe(m) && joinable(m) && !orphaned(m) && shaken(m),
        joined,
    ),
    Arm::on_return(
        Family::Shared.id(17),
        Conventional,
        "S_OK: a member of the shared session is still on",
        |m| recipe(m) && joinable(m) && orphaned(m),
        joined,
    ),
    Arm::on_return(
        Family::Shared.id(14),
        Documented,
        "S_OK: a shared session is there, and MAPI_NEW_SESSION was not asked for",
        |m| names_a_profile(m) && joins(m) && !orphaned(m) && !shaken(m),
        joined,
    ),
    Arm::on_return(
        Family::Shared.id(12),
        Conventional,
        "a pointer of the caller's own",
        any_logon,
        |m, o| !o.succeeded() || !is_still_held(m, o.out),
    ),
    Arm::on_return(
        Family::Logon.id(21),
        Conventional,
        "a failed logon leaves NULL, or what was there",
        |_| true,
        |_, o| !o.failed() || o.out_is_clean(),
    ),
];

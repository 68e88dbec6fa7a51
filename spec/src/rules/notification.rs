//! Registrations on a session, and what reaches its sinks.

use crate::calls::CallKind::{Advise, Logoff, Method, OnObject, QueryInterface, Unadvise};
use crate::event::{Call, Callback, RegistrationId};
use crate::flags::{EventMask, LogoffFlags};
use crate::hresult::HResult;
use crate::level::Level::{Conventional, Documented, Robust};
use crate::moment::Moment;
use crate::outcome::Outcome;
use crate::requirement::{Family, RequirementId};
use crate::rule::{Arm, Hearing};
use crate::scope::Met::Alive;
use crate::scope::Scope;
use crate::state::{Owed, OwedKind, World};

const ADVISE: Scope = Scope::of(&[Advise]).that_met(&[Alive]);
const UNADVISE: Scope = Scope::of(&[Unadvise]).that_met(&[Alive]);

/// Another registration on this session was accepted with a mask of both end-of-session bits.
fn both_bits_accepted(m: &Moment) -> bool {
    m.world
        .registrations
        .iter()
        .flatten()
        .any(|r| Some(r.session) == m.call().session() && r.active && r.mask.has(EventMask::END_OF_SESSION))
}

fn asks_for_nothing(m: &Moment) -> bool {
    matches!(m.call(), Call::Advise { mask: EventMask(0), .. })
}

fn refused_as_entry_id(o: &Outcome) -> bool {
    o.is(HResult::MAPI_E_INVALID_ENTRYID) || o.is(HResult::MAPI_E_UNKNOWN_ENTRYID)
}

fn listed_for_advise(o: &Outcome) -> bool {
    o.code().is_some_and(|code| {
        code == HResult::S_OK || code == HResult::MAPI_E_NO_SUPPORT || code.is_want_of_resources()
    }) || refused_as_entry_id(o)
}

fn held(h: &Hearing) -> i32 {
    // What a sink of before the recording is held by, nobody knows.
    let unknown = if h.world.process.attached { i32::MAX } else { 0 };
    h.world.sink(h.sink).map_or(unknown, |sink| sink.held)
}

fn notifies(h: &Hearing) -> Option<EventMask> {
    match h.callback {
        Callback::OnNotify { events } => Some(events),
        _ => None,
    }
}

fn is_registered(h: &Hearing) -> bool {
    h.world.registrations.iter().flatten().any(|r| r.sink == h.sink)
}

fn gives_back(h: &Hearing) -> bool {
    h.callback == Callback::Release
}

fn runs_elsewhere(h: &Hearing) -> bool {
    h.world.running.iter().any(|r| r.notify && r.sink == h.sink && r.thread != h.thread)
}

/// The kinds of end-of-session event with which an earlier Logoff of the same shared session was announced.
fn announced(world: &World, owed: &Owed) -> EventMask {
    let OwedKind::Told { leaver, .. } = owed.kind else { return EventMask(0) };
    let group = world.session(leaver).and_then(crate::state::Session::group);
    let group = group.and_then(|group| world.groups.get(usize::from(group.0)));
    EventMask(group.map_or(0, |group| group.announced))
}

/// Whoever must hear can still hear: it is on, and a registration of its asks for both kinds.
fn listens(world: &World, owed: &Owed) -> bool {
    let OwedKind::Told { listener, .. } = owed.kind else { return false };
    let mut registrations = world.registrations.iter().flatten();
    world.session(listener).is_some_and(crate::state::Session::is_logged_on)
        && registrations.any(|r| r.session == listener && r.active && r.mask.has(EventMask::END_OF_SESSION))
}

/// Something was heard of what an earlier announcement lets expect.
fn comparable(world: &World, owed: &Owed) -> bool {
    announced(world, owed).0 != 0 && heard(owed).0 != 0 && listens(world, owed)
}

fn heard(owed: &Owed) -> EventMask {
    match owed.kind {
        OwedKind::Told { heard, .. } => heard,
        _ => EventMask(0),
    }
}

fn same_in(bit: EventMask, a: EventMask, b: EventMask) -> bool {
    a.has(bit) == b.has(bit)
}

/// That a call never ends which a sink makes or waits for is NOTIFY-011's alone to judge: it may be the sink that it
/// waits for.
pub(crate) fn is_not_to_judge(requirement: RequirementId, m: &Moment, o: &Outcome) -> bool {
    o.hung() && requirement != Family::Notify.id(11) && (m.pending.nested || m.may_be_waited_for_by_a_sink())
}

/// It takes nothing from a sink, and so has no reason to wait for one. What ends a registration may wait for the
/// `OnNotify` that runs.
fn has_no_reason_to_wait(m: &Moment) -> bool {
    match m.call() {
        Call::Logoff { session, flags, .. } => {
            let is_registered =
                m.world.registrations.iter().flatten().any(|r| r.active && r.session == *session);
            m.legal_logoff()
                && !flags.has(LogoffFlags::MAPI_LOGOFF_SHARED)
                && !m.may_wait_for_a_person()
                && !is_registered
        }
        _ => !m.dead(),
    }
}

/// Another call is under way that gives back the same registration, and may come first.
fn is_given_back_elsewhere(m: &Moment, registration: RegistrationId) -> bool {
    m.world.pending.iter().any(|other| {
        other.id != m.pending.id
            && matches!(other.call, Call::Unadvise { registration: own, .. } if own == registration)
    })
}

pub(super) const ARMS: &[Arm] = &[
    Arm::on_return(
        Family::Notify.id(1),
        Documented,
        "a NULL entry identifier means the session itself, and is not refused as one",
        |m| !asks_for_nothing(m),
        |_, o| !refused_as_entry_id(o),
    )
    .about(ADVISE),
    Arm::on_return(
        Family::Sess.id(14),
        Documented,
        "S_OK with a connection number that is not zero, or one of the failures that the page lists",
        |m| !asks_for_nothing(m),
        |_, o| listed_for_advise(o) && (!o.succeeded() || o.out.value().is_some_and(|number| number != 0)),
    )
    .about(ADVISE),
    Arm::on_return(
        Family::Notify.id(2),
        Documented,
        "S_OK: a session's critical errors are registered for whatever the mask",
        |m| asks_for_nothing(m) && both_bits_accepted(m),
        |_, o| o.code().is_some_and(|code| code.succeeded() || code.is_want_of_resources()),
    )
    .about(ADVISE),
    Arm::on_return(
        Family::Notify.id(15),
        Documented,
        "a connection number that no live registration has",
        |_| true,
        |m, o| {
            !o.succeeded()
                || !m.world.registrations.iter().flatten().any(|r| {
                    r.active && Some(r.session) == m.call().session() && Some(r.connection) == o.out.value()
                })
        },
    )
    .about(ADVISE),
    Arm::on_return(
        Family::Sess.id(15),
        Documented,
        "S_OK, the one value that the page lists",
        |m| {
            matches!(m.call(), Call::Unadvise { registration, .. }
                if m.world.registration(*registration).is_some_and(|r| r.active)
                    && !is_given_back_elsewhere(m, *registration))
        },
        |_, o| o.is(HResult::S_OK),
    )
    .about(UNADVISE),
    Arm::on_callback(
        Family::Notify.id(10),
        Documented,
        "nothing: the session holds no reference to this sink",
        |h| notifies(h).is_some(),
        |h| held(h) > 0,
    ),
    Arm::on_callback(
        Family::Notify.id(14),
        Documented,
        "a Release for every AddRef, and no more",
        gives_back,
        |h| held(h) > 0,
    ),
    Arm::on_callback(
        Family::Notify.id(12),
        Documented,
        "the last Release waits until OnNotify has returned",
        |h| gives_back(h) && runs_elsewhere(h),
        |h| held(h) > 1,
    ),
    Arm::on_callback(
        Family::Notify.id(3),
        Documented,
        "fnevCriticalError, fnevExtended or both: a session's registration gets nothing else",
        |h| notifies(h).is_some() && is_registered(h),
        |h| notifies(h).is_some_and(|events| events.0 & !EventMask::END_OF_SESSION.0 == 0),
    ),
    Arm::on_settled(
        Family::Notify.id(12),
        Documented,
        "Unadvise gives the sink back",
        |_, owed| matches!(owed.kind, OwedKind::Unadvised { .. }),
        |_, owed| owed.paid,
    ),
    Arm::on_settled(
        Family::Unk.id(14),
        Conventional,
        "the final Release gives the sinks back, as a Logoff would have let it",
        |_, owed| matches!(owed.kind, OwedKind::Abandoned { .. }),
        |_, owed| owed.paid,
    ),
    Arm::on_settled(
        Family::Notify.id(4),
        Robust,
        "fnevExtended if and only if an earlier Logoff of the same kind was announced with it",
        comparable,
        |world, owed| same_in(EventMask::fnevExtended, announced(world, owed), heard(owed)),
    ),
    Arm::on_settled(
        Family::Notify.id(5),
        Robust,
        "fnevCriticalError if and only if an earlier Logoff of the same kind was announced with it",
        comparable,
        |world, owed| same_in(EventMask::fnevCriticalError, announced(world, owed), heard(owed)),
    ),
    Arm::on_return(
        Family::Notify.id(11),
        Conventional,
        "a call made from inside a callback returns",
        |m| m.pending.nested,
        |_, o| !o.hung(),
    )
    .about(Scope::ANY.stirred()),
    Arm::on_return(
        Family::Notify.id(11),
        Robust,
        "a call on another thread returns while OnNotify waits for it: no lock is held over OnNotify",
        |m| has_no_reason_to_wait(m) && m.may_be_waited_for_by_a_sink(),
        |_, o| !o.hung(),
    )
    .about(Scope::of(&[Method, OnObject, QueryInterface, Logoff]).stirred()),
];

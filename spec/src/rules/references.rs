//! `IUnknown` on a session that is logged on, and on what it opened.

use crate::calls::CallKind::{AddRef, QueryInterface, Release};
use crate::event::{Call, Interface, Target};
use crate::hresult::{Facility, HResult};
use crate::level::Level::{Conventional, Documented};
use crate::moment::Moment;
use crate::outcome::Outcome;
use crate::requirement::Family;
use crate::rule::Arm;
use crate::scope::Scope;
use crate::state::{Disturbance, Session};

/// The session is asked for this interface, through its own pointer: what another of its interfaces answers, no page says.
fn query(m: &Moment, which: Interface) -> bool {
    m.object().is_none() && matches!(m.call(), Call::QueryInterface { interface, .. } if *interface == which)
}

/// It is asked through any of its interfaces, which are one object to COM.
fn asks_the_session(m: &Moment) -> bool {
    m.object().is_none() || m.on_client_shutdown()
}

const QUERY: Scope = Scope::of(&[QueryInterface]);
const COUNTING: Scope = Scope::of(&[AddRef, Release]);

fn generic(code: HResult) -> bool {
    matches!(code.facility(), Facility::NULL | Facility::RPC)
}

fn gives_itself(o: &Outcome) -> bool {
    o.is(HResult::S_OK) && o.gave_object()
}

/// `AddRef` or `Release` on what the client holds a reference to.
fn counting(m: &Moment) -> bool {
    match m.call() {
        Call::AddRef { target: Target::Object(_) } | Call::Release { target: Target::Object(_) } => {
            m.object().is_some_and(|object| object.references > 0)
        }
        _ => true,
    }
}

fn after(m: &Moment, by: Disturbance) -> bool {
    m.disturbed() == Some(by)
}

pub(super) const ARMS: &[Arm] = &[
    Arm::on_return(
        Family::Unk.id(1),
        Documented,
        "S_OK and a pointer: every MAPI object answers for IUnknown",
        |m| query(m, Interface::IUnknown),
        |_, o| gives_itself(o),
    )
    .about(QUERY),
    Arm::on_return(
        Family::Unk.id(6),
        Documented,
        "S_OK and a pointer: a session answers for IMAPISession",
        |m| query(m, Interface::IMAPISession),
        |_, o| gives_itself(o),
    )
    .about(QUERY),
    Arm::on_return(
        Family::Unk.id(6),
        Documented,
        "S_OK and a pointer, or a failure where there is no fast shutdown",
        |m| query(m, Interface::IMAPIClientShutdown),
        |_, o| gives_itself(o) || o.failed(),
    )
    .about(QUERY),
    Arm::on_return(
        Family::Unk.id(3),
        Documented,
        "MAPI_E_INTERFACE_NOT_SUPPORTED (0x80004002)",
        |m| {
            let unheard = |call: &Call| {
                matches!(call, Call::QueryInterface { interface, .. } if interface.is_unheard())
            };
            asks_the_session(m) && unheard(m.call())
        },
        |_, o| {
            o.is(HResult::MAPI_E_INTERFACE_NOT_SUPPORTED)
                // A code of another facility is the business of UNK-011.
                || o.code().is_some_and(|code| !code.succeeded() && !generic(code))
        },
    )
    .about(QUERY),
    Arm::on_return(
        Family::Unk.id(11),
        Documented,
        "a generic COM failure: FACILITY_NULL or FACILITY_RPC",
        asks_the_session,
        |_, o| o.code().is_none_or(|code| code.succeeded() || generic(code)),
    )
    .about(QUERY),
    Arm::on_return(
        Family::Unk.id(4),
        Conventional,
        "a failed QueryInterface leaves NULL, or what was there",
        asks_the_session,
        |_, o| !o.failed() || o.out_is_clean(),
    )
    .about(QUERY),
    Arm::on_return(
        Family::Unk.id(10),
        Documented,
        "AddRef and Release return, with whatever value",
        |m| {
            counting(m)
                && !after(m, Disturbance::GaveBackQueried)
                && !after(m, Disturbance::GaveBackAdded)
                && !after(m, Disturbance::SiblingReleased)
        },
        |_, o| o.came_back(),
    )
    .about(COUNTING),
    Arm::on_return(
        Family::Unk.id(2),
        Documented,
        "the reference that QueryInterface gave is still there",
        |m| counting(m) && after(m, Disturbance::GaveBackQueried),
        |_, o| o.came_back(),
    )
    .about(COUNTING.stirred()),
    Arm::on_return(
        Family::Unk.id(8),
        Documented,
        "the object lives until its last reference is given back",
        |m| counting(m) && after(m, Disturbance::GaveBackAdded),
        |_, o| o.came_back(),
    )
    .about(COUNTING.stirred()),
    Arm::on_return(
        Family::Unk.id(7),
        Documented,
        "each pointer that a method hands out carries a reference of its own",
        |m| counting(m) && after(m, Disturbance::SiblingReleased),
        |_, o| o.came_back(),
    )
    .about(COUNTING.stirred()),
];

/// The client holds the session by another of its interfaces alone: no Logoff has ended it, and its last reference was not
/// given back.
fn held_by_another_interface(m: &Moment) -> bool {
    let is_held = |session: &Session| session.is_released() && session.never_logged_off;
    m.world.process.initialised > 0
        && m.on_client_shutdown()
        && m.object()
            .is_some_and(|object| object.is_held() && m.world.session(object.session).is_some_and(is_held))
}

pub(super) const OF_ANOTHER_INTERFACE: &[Arm] = &[Arm::on_return(
    Family::Unk.id(2),
    Documented,
    "the call returns: the reference that QueryInterface gave keeps the session, whatever others were given back",
    held_by_another_interface,
    |_, o| o.came_back(),
)];

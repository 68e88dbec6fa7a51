//! What binds the client. Broken by a recorded client, it is blamed; broken by a suite on purpose, it frees the
//! subject only where a document says so.

use crate::era::Era;
use crate::event::{Call, SessionId, Target};
use crate::flags::LogoffFlags;
use crate::requirement::Family;
use crate::rule::Arm;
use crate::state::{ObjectKind, Session, World};

fn logs_off(world: &World, call: &Call) -> bool {
    matches!(call, Call::Logoff { session, .. } if world.session(*session).is_some_and(Session::is_logged_on))
}

fn on_a_session(_: &World, call: &Call) -> bool {
    call.session().is_some()
}

fn is_release(call: &Call) -> bool {
    matches!(call, Call::Release { .. })
}

/// Such a call is under way, and may have come first.
fn under_way(world: &World, is_it: impl Fn(&Call) -> bool) -> bool {
    world.pending.iter().any(|pending| is_it(&pending.call))
}

fn releases(target: Target) -> impl Fn(&Call) -> bool {
    move |call| matches!(call, Call::Release { target: of } if *of == target)
}

/// A session pointer to which the client holds a reference that nothing under way may be giving back.
fn is_kept(world: &World, id: SessionId, session: &Session) -> bool {
    session.references > 0 && !(session.references == 1 && under_way(world, releases(Target::Session(id))))
}

/// A reference to this session may just be coming.
fn comes_a_reference(world: &World, id: SessionId) -> bool {
    under_way(world, |call| match *call {
        Call::AddRef { target } | Call::QueryInterface { target, .. } => target == Target::Session(id),
        _ => false,
    })
}

pub(super) const ARMS: &[Arm] = &[
    Arm::on_client(
        Family::Dead.id(1),
        "after Logoff has returned, nothing but Release",
        on_a_session,
        |world, call, _| {
            is_release(call)
                || call.session().and_then(|id| world.session(id)).is_none_or(|session| {
                    let is_given_back = session.is_released() && session.references == 0;
                    !session.is_logged_off() && (!is_given_back || session.never_logged_off)
                })
        },
    ),
    Arm::on_client(Family::Dead.id(4), "every object released before Logoff", logs_off, |world, call, _| {
        let Call::Logoff { session, .. } = call else { return true };
        !world.all_objects().any(|(id, object)| {
            object.session == *session
                && object.is_held()
                && object.kind != ObjectKind::ClientShutdown
                && !under_way(world, releases(Target::Object(id)))
        })
    }),
    Arm::on_client(
        Family::Logoff.id(8),
        "zero as the reserved word",
        |_, call| matches!(call, Call::Logoff { .. }),
        |_, call, _| !matches!(call, Call::Logoff { reserved, .. } if *reserved != 0),
    ),
    Arm::on_client(
        Family::Shared.id(6),
        "no MAPI_LOGOFF_SHARED since the fast shutdown",
        |_, call| matches!(call, Call::Logoff { .. }),
        |_, call, era| {
            era == Era::Classic
                || !matches!(call, Call::Logoff { flags, .. } if flags.has(LogoffFlags::MAPI_LOGOFF_SHARED))
        },
    ),
    Arm::on_client(
        Family::End.id(1),
        "every registration given back before Logoff",
        logs_off,
        |world, call, _| {
            let Call::Logoff { session, .. } = call else { return true };
            !world.all_registrations().any(|(id, r)| {
                let gives_back =
                    |call: &Call| matches!(call, Call::Unadvise { registration, .. } if *registration == id);
                r.session == *session && r.active && !under_way(world, gives_back)
            })
        },
    ),
    Arm::on_client(
        Family::End.id(5),
        "no Release beyond the references held",
        |_, call| matches!(call, Call::Release { target: Target::Session(_) }),
        |world, call, _| {
            let Some(id) = call.session() else { return true };
            world.session(id).is_none_or(|s| s.references > 0) || comes_a_reference(world, id)
        },
    ),
    Arm::on_closing(
        Family::End.id(5),
        "every session pointer released by the end",
        |world| world.process.is_known_whole() && world.all_sessions().next().is_some(),
        |world| world.all_sessions().all(|(_, session)| session.is_released()),
    ),
    Arm::on_closing(
        Family::Init.id(4),
        "as many calls of MAPIUninitialize as of MAPIInitialize by the end",
        |world| world.process.is_known_whole() && !world.process.fresh,
        |world| world.process.initialised == 0,
    ),
    Arm::on_client(
        Family::Init.id(5),
        "every session pointer released before the last MAPIUninitialize",
        |world, call| {
            matches!(call, Call::Uninitialize) && world.process.initialised == 1 && !world.process.attached
        },
        |world, _, _| world.all_sessions().all(|(id, session)| !is_kept(world, id, session)),
    ),
    Arm::on_client(
        Family::Init.id(1),
        "MAPIInitialize before anything else",
        |_, call| matches!(call, Call::LogonEx { .. }),
        |world, _, _| {
            world.process.initialised > 0 || under_way(world, |call| matches!(call, Call::Initialize))
        },
    ),
    Arm::on_client(
        Family::Init.id(4),
        "no MAPIUninitialize beyond the calls of MAPIInitialize",
        |_, call| matches!(call, Call::Uninitialize),
        |world, _, _| {
            world.process.initialised > 0
                || world.process.attached
                || under_way(world, |call| matches!(call, Call::Initialize))
        },
    ),
];

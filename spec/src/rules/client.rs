//! What binds the client. Broken by a recorded client, it is blamed; broken by a suite on purpose, it frees the
//! subject only where a document says so.

use crate::era::Era;
use crate::event::{Call, Target};
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

pub(super) const ARMS: &[Arm] = &[
    Arm::on_client(
        Family::Dead.id(1),
        "after Logoff has returned, nothing but Release",
        on_a_session,
        |world, call, _| {
            is_release(call)
                || call.session().and_then(|id| world.session(id)).is_none_or(|s| !s.is_logged_off())
        },
    ),
    Arm::on_client(Family::Dead.id(4), "every object released before Logoff", logs_off, |world, call, _| {
        let Call::Logoff { session, .. } = call else { return true };
        !world.objects.iter().flatten().any(|object| {
            object.session == *session && object.is_held() && object.kind != ObjectKind::ClientShutdown
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
            !world.registrations.iter().flatten().any(|r| r.session == *session && r.active)
        },
    ),
    Arm::on_client(
        Family::End.id(5),
        "no Release beyond the references held",
        |_, call| matches!(call, Call::Release { target: Target::Session(_) }),
        |world, call, _| call.session().and_then(|id| world.session(id)).is_none_or(|s| s.references > 0),
    ),
    Arm::on_closing(
        Family::End.id(5),
        "every session pointer released by the end",
        |world| !world.process.attached && world.all_sessions().next().is_some(),
        |world| world.all_sessions().all(|(_, session)| session.is_released()),
    ),
    Arm::on_closing(
        Family::Init.id(4),
        "as many calls of MAPIUninitialize as of MAPIInitialize by the end",
        |world| !world.process.attached && !world.process.fresh,
        |world| world.process.initialised == 0,
    ),
    Arm::on_client(
        Family::Init.id(5),
        "every session pointer released before the last MAPIUninitialize",
        |world, call| matches!(call, Call::Uninitialize) && world.process.initialised == 1,
        |world, _, _| world.all_sessions().all(|(_, session)| session.references == 0),
    ),
    Arm::on_client(
        Family::Init.id(1),
        "MAPIInitialize before anything else",
        |_, call| matches!(call, Call::LogonEx { .. }),
        |world, _, _| world.process.initialised > 0,
    ),
    Arm::on_client(
        Family::Init.id(4),
        "no MAPIUninitialize beyond the calls of MAPIInitialize",
        |_, call| matches!(call, Call::Uninitialize),
        |world, _, _| world.process.initialised > 0,
    ),
];

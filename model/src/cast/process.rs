//! What a process goes through: `MAPIInitialize`, every way to log on, two sessions at most, a buffer of the client's.

use mapi_session_spec::alphabet::{self, WAYS};
use mapi_session_spec::dialect::Sharing;
use mapi_session_spec::event::{BufferId, Call, SessionId, Target};
use mapi_session_spec::requirement::{Family, RequirementId};
use mapi_session_spec::state::World;

use super::members::question;
use super::witness::{
    RELEASED_AFTER_LOGOFF, RELEASED_WITHOUT_LOGOFF, TWO_ON, UNINITIALISED_IN_PART, Witness,
};
use super::{Cast, ONE_AT_A_TIME, in_turn};
use crate::machine::{SessionModel, State};

/// Initialisation, every way to log on, and what is the client's own.
pub(super) const CAST: Cast = Cast {
    name: "process",
    keeps: KEEPS,
    witnesses: WITNESSES,
    begin: |_| begin(),
    client_calls: |model, state| in_turn(model, state, client_calls),
    ..ONE_AT_A_TIME
};

/// What binds here.
const KEEPS: &[RequirementId] = &[
    Family::Logoff.id(9),
    Family::Logoff.id(13),
    Family::Logoff.id(18),
    Family::Unk.id(10),
    Family::Unk.id(14),
    Family::Logon.id(1),
    Family::Logon.id(5),
    Family::Logon.id(11),
    Family::Logon.id(15),
    Family::Logon.id(21),
    Family::Init.id(2),
    Family::Init.id(3),
    Family::Init.id(6),
    Family::Sess.id(1),
    Family::Shared.id(1),
    Family::Shared.id(2),
    Family::Shared.id(3),
    Family::Shared.id(12),
    Family::Shared.id(13),
    Family::Shared.id(14),
    Family::Err.id(3),
    Family::Err.id(4),
    Family::Err.id(10),
];

/// What some state must show.
const WITNESSES: &[Witness] =
    &[RELEASED_AFTER_LOGOFF, RELEASED_WITHOUT_LOGOFF, TWO_ON, UNINITIALISED_IN_PART];

const MOST_SESSIONS: u16 = 2;

/// Nothing of MAPI has run in this process.
fn begin() -> State {
    let mut world = World::default();
    world.process.dialect.sharing = Sharing::Offered;
    world.process.fresh = true;
    State::new(world)
}

fn client_calls(_: &SessionModel, state: &State) -> Vec<Call> {
    let world = &state.world;
    let mut calls = Vec::new();
    if world.process.initialised < 2 {
        calls.push(Call::Initialize);
    }
    let someone_is_on = world.all_sessions().any(|(_, known)| !known.is_released());
    // What becomes of sessions when the count reaches zero is nobody's to judge.
    if world.process.initialised > u8::from(someone_is_on) {
        calls.push(Call::Uninitialize);
    }
    let next = SessionId(world.sessions.len() as u16);
    if next.0 < MOST_SESSIONS {
        calls.extend(WAYS.iter().map(|way| Call::LogonEx {
            session: next,
            profile: way.profile,
            flags: way.flags,
        }));
    }
    for (session, known) in world.all_sessions().filter(|(_, known)| known.references > 0) {
        if known.is_logged_on() {
            calls.push(question(session, world));
            calls.push(alphabet::plain_logoff(session));
        }
        calls.push(Call::Release { target: Target::Session(session) });
    }
    let buffer = BufferId(0);
    match world.buffer(buffer) {
        None if world.process.initialised > 0 => calls.push(Call::AllocateBuffer { buffer }),
        Some(known) if known.held => {
            calls.extend([Call::ReadBuffer { buffer }, Call::FreeBuffer { buffer }]);
        }
        _ => {}
    }
    calls
}

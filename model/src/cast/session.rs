//! What one client can do to one session: every flag word, references, objects, a registration.

use mapi_session_spec::alphabet::{self, Bounds, way_named};
use mapi_session_spec::dialect::Sharing;
use mapi_session_spec::event::{Call, SessionId};
use mapi_session_spec::requirement::{Family, RequirementId};
use mapi_session_spec::state::World;

use super::witness::{
    CALLED_BACK_WHILE_LOGGING_OFF, CANCELLED, REFUSED, RELEASED_AFTER_LOGOFF, RELEASED_WITHOUT_LOGOFF,
    Witness,
};
use super::{Cast, ONE_AT_A_TIME, in_turn};
use crate::machine::{SessionModel, State};

/// One session: every flag word, references 1 to 3, up to 2 open objects, a registration.
pub(super) const CAST: Cast = Cast {
    name: "session",
    keeps: KEEPS,
    witnesses: WITNESSES,
    begin,
    client_calls: |model, state| in_turn(model, state, client_calls),
    ..ONE_AT_A_TIME
};

/// What binds here.
const KEEPS: &[RequirementId] = &[
    Family::Logoff.id(1),
    Family::Logoff.id(3),
    Family::Logoff.id(5),
    Family::Logoff.id(9),
    Family::Logoff.id(11),
    Family::Logoff.id(13),
    Family::Logoff.id(24),
    Family::Logoff.id(25),
    Family::Dead.id(2),
    Family::Dead.id(5),
    Family::Dead.id(6),
    Family::Dead.id(9),
    Family::Unk.id(1),
    Family::Unk.id(2),
    Family::Unk.id(3),
    Family::Unk.id(4),
    Family::Unk.id(6),
    Family::Unk.id(7),
    Family::Unk.id(8),
    Family::Unk.id(10),
    Family::Unk.id(11),
    Family::Unk.id(14),
    Family::Sess.id(1),
    Family::Sess.id(14),
    Family::Sess.id(15),
    Family::Notify.id(1),
    Family::Notify.id(3),
    Family::Notify.id(10),
    Family::Notify.id(12),
    Family::Notify.id(14),
    Family::Shared.id(9),
    Family::Err.id(1),
    Family::Err.id(3),
    Family::Err.id(4),
    Family::Err.id(5),
    Family::Err.id(10),
    Family::Err.id(12),
];

/// What some state must show.
const WITNESSES: &[Witness] =
    &[RELEASED_AFTER_LOGOFF, RELEASED_WITHOUT_LOGOFF, CALLED_BACK_WHILE_LOGGING_OFF, CANCELLED, REFUSED];

const BOUNDS: Bounds = Bounds { references: 3, objects: 2, registrations: 1 };

pub(super) fn begin(model: &SessionModel) -> State {
    let mut state = initialised(model);
    let way = way_named("by-name");
    model.make(&mut state, Call::LogonEx { session: SessionId(0), profile: way.profile, flags: way.flags });
    state
}

/// A process that has called `MAPIInitialize`; the subject offers shared sessions.
pub(super) fn initialised(model: &SessionModel) -> State {
    let mut world = World::default();
    world.process.dialect.sharing = Sharing::Offered;
    let mut state = State::new(world);
    model.make(&mut state, Call::Initialize);
    state
}

fn client_calls(_: &SessionModel, state: &State) -> Vec<Call> {
    alphabet::client_calls(&state.world, SessionId(0), BOUNDS)
}

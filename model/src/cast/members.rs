//! What members of a shared session, and a stranger, do to each other by leaving.

use mapi_session_spec::alphabet::{self, way_named};
use mapi_session_spec::event::{
    Call, Callback, Method, ObjectId, RegistrationId, SessionId, SinkId, Target, ThreadId,
};
use mapi_session_spec::flags::{EventMask, LogoffFlags};
use mapi_session_spec::requirement::{Family, RequirementId};
use mapi_session_spec::state::World;

use super::session::initialised;
use super::witness::{
    CALLED_BACK_WHILE_LOGGING_OFF, CREATOR_LEFT, RELEASED_AFTER_LOGOFF, RELEASED_WITHOUT_LOGOFF, TOLD,
    Witness,
};
use super::{Cast, Company, ONE_AT_A_TIME, in_turn};
use crate::machine::{SessionModel, State};

/// Two members of a shared session and a stranger, leaving one after the other.
pub(super) const CAST: Cast = Cast {
    name: "shared",
    keeps: KEEPS,
    witnesses: WITNESSES,
    begin,
    client_calls: |model, state| in_turn(model, state, client_calls),
    ..ONE_AT_A_TIME
};

/// What binds here.
const KEEPS: &[RequirementId] = &[
    Family::Logoff.id(9),
    Family::Logoff.id(13),
    Family::Unk.id(10),
    Family::Unk.id(14),
    Family::Logon.id(1),
    Family::Logon.id(10),
    Family::Logon.id(11),
    Family::Logon.id(21),
    Family::Sess.id(1),
    Family::Notify.id(3),
    Family::Notify.id(10),
    Family::Notify.id(14),
    Family::Shared.id(2),
    Family::Shared.id(3),
    Family::Shared.id(4),
    Family::Shared.id(5),
    Family::Shared.id(8),
    Family::Shared.id(9),
    Family::Shared.id(10),
    Family::Shared.id(11),
    Family::Shared.id(12),
    Family::Shared.id(13),
    Family::Shared.id(17),
    Family::Err.id(3),
    Family::Err.id(4),
    Family::Err.id(10),
];

/// What some state must show.
const WITNESSES: &[Witness] =
    &[RELEASED_AFTER_LOGOFF, RELEASED_WITHOUT_LOGOFF, CALLED_BACK_WHILE_LOGGING_OFF, TOLD, CREATOR_LEFT];

/// How each client logs on: the one who makes the shared session, those who join, those who stay apart.
pub(super) fn ways(company: Company) -> impl Iterator<Item = &'static str> {
    let Company { members, outside } = company;
    let joiners = (1..members).map(|_| "joining");
    std::iter::once("sharing").chain(joiners).chain((0..outside).map(|_| "apart"))
}

fn begin(model: &SessionModel) -> State {
    let mut state = initialised(model);
    for (number, way) in (0..).zip(ways(model.company)) {
        let session = log_on(model, &mut state, way);
        // Whoever is to hear is registered before anybody leaves.
        register(model, &mut state, session, number);
    }
    state
}

/// Logs on and asks the question once, so that the same question later can show a difference.
pub(super) fn log_on(model: &SessionModel, state: &mut State, way: &str) -> SessionId {
    let session = SessionId(state.world.sessions.len() as u16);
    let way = way_named(way);
    model.make(state, Call::LogonEx { session, profile: way.profile, flags: way.flags });
    let ask = question(session, &state.world);
    model.make(state, ask);
    session
}

/// A sink of that number is registered for the end of the session.
pub(super) fn register(model: &SessionModel, state: &mut State, session: SessionId, number: u16) {
    let (sink, registration) = (SinkId(number), RegistrationId(number));
    model.make(state, Call::Advise { session, mask: EventMask::END_OF_SESSION, sink, registration });
    SessionModel::call_back(state, ThreadId(0), sink, Callback::AddRef);
}

/// The question that shows whether a session works.
pub(super) fn question(session: SessionId, world: &World) -> Call {
    let object = ObjectId(world.objects.len() as u16);
    Call::Method { session, method: Method::QueryIdentity, flags: 0, object }
}

fn client_calls(model: &SessionModel, state: &State) -> Vec<Call> {
    let world = &state.world;
    let mut calls = Vec::new();
    for (session, known) in world.all_sessions().filter(|(_, known)| known.references > 0) {
        if known.is_logged_on() {
            for flags in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
                calls.push(alphabet::logoff_with(session, flags));
            }
            // Once after each thing that must leave it as it was; more often, the answer is no rule's business.
            if known.must_work != 0 || known.worked == 0 {
                calls.push(question(session, world));
            }
        }
        calls.push(Call::Release { target: Target::Session(session) });
    }
    let next = SessionId(world.sessions.len() as u16);
    // One more comes once somebody has left: the question is what it finds then (E-10).
    if next.0 <= model.company.members + model.company.outside
        && world.all_sessions().any(|(_, known)| !known.is_logged_on())
    {
        let way = way_named("joining");
        calls.push(Call::LogonEx { session: next, profile: way.profile, flags: way.flags });
    }
    calls
}

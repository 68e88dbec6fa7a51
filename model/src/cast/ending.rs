//! A shared session comes to its end: its founder leaves with `MAPI_LOGOFF_SHARED`, whoever is told leaves too, and all
//! the while everybody may go on asking. A run need never end; what must come about at last is held against the
//! whole graph.

use mapi_session_spec::alphabet;
use mapi_session_spec::event::{Call, SessionId, SinkId, Target, ThreadId};
use mapi_session_spec::flags::{EventMask, LogoffFlags};
use mapi_session_spec::level::Level;
use mapi_session_spec::requirement::{Family, RequirementId};
use mapi_session_spec::state::Session;

use super::members::{log_on, question, register, ways};
use super::session::initialised;
use super::witness::{CREATOR_LEFT, RELEASED_AFTER_LOGOFF, TOLD, Witness};
use super::{Cast, ONE_AT_A_TIME, in_turn};
use crate::duty::Duty;
use crate::liveness::Promise;
use crate::machine::{SessionModel, State};

/// Members who leave when they are told, and a stranger.
pub(super) const CAST: Cast = Cast {
    name: "ending",
    keeps: KEEPS,
    witnesses: WITNESSES,
    promises: PROMISES,
    // Before that level nobody says that who was told goes on working.
    from: Level::Conventional,
    begin,
    client_calls: |model, state| in_turn(model, state, client_calls),
    telling_threads,
    events: &[EventMask::END_OF_SESSION],
    most_notified: u8::MAX,
    clients_remember_words: true,
    tells_only_who_is_owed: true,
    ..ONE_AT_A_TIME
};

/// What binds here.
const KEEPS: &[RequirementId] = &[
    Family::Logoff.id(9),
    Family::Logoff.id(13),
    Family::Sess.id(1),
    Family::Notify.id(10),
    Family::Notify.id(14),
    Family::Shared.id(3),
    Family::Shared.id(4),
    Family::Shared.id(5),
    Family::Shared.id(8),
    Family::Shared.id(12),
    Family::Err.id(3),
    Family::Err.id(4),
    Family::Err.id(10),
];

/// What some state must show.
const WITNESSES: &[Witness] = &[
    RELEASED_AFTER_LOGOFF,
    TOLD,
    CREATOR_LEFT,
    ("all members are told, leave and are Released", |model, state| {
        let (mut all, others) = (members(model, state), 1..model.company.members);
        all.all(|(_, session)| session.is_released()) && others.map(SinkId).all(|sink| state.has_heard(sink))
    }),
];

const PROMISES: &[Promise] = &[
    Promise {
        name: "if every client that is told obeys, all members reach Released",
        binds: |_, _| true,
        holds: |model, state| {
            members(model, state).all(|(_, session)| session.is_released()) && outside_stays(model, state)
        },
        shows: |_, _| true,
    },
    Promise {
        name: "if one ignores the word, it alone stays",
        binds: |model, duty| duty != Duty::Leave(last(model)),
        holds: |model, state| {
            members(model, state)
                .all(|(id, session)| session.is_released() || (id == last(model) && session.is_logged_on()))
                && outside_stays(model, state)
        },
        shows: |model, state| {
            let stayed = state.world.session(last(model)).is_some_and(Session::is_logged_on);
            stayed && state.heard != 0
        },
    },
];

const FOUNDER: SessionId = SessionId(0);

/// Everybody is there, and somebody else has come and gone: whoever does the same has seen the same.
fn begin(model: &SessionModel) -> State {
    let mut state = initialised(model);
    let sessions: Vec<SessionId> = ways(model.company).map(|way| log_on(model, &mut state, way)).collect();
    let passer_by = log_on(model, &mut state, "apart");
    model.make(&mut state, alphabet::plain_logoff(passer_by));
    model.make(&mut state, Call::Release { target: Target::Session(passer_by) });
    for (number, session) in (0..).zip(sessions) {
        register(model, &mut state, session, number);
    }
    state.world.settle();
    state.world.forget_what_is_over();
    state
}

/// The last to join.
fn last(model: &SessionModel) -> SessionId {
    SessionId(model.company.members - 1)
}

fn members<'a>(model: &SessionModel, state: &'a State) -> impl Iterator<Item = (SessionId, &'a Session)> {
    let last = last(model);
    state.world.all_sessions().filter(move |(id, _)| *id <= last)
}

/// Nobody outside has ended, or heard anything.
fn outside_stays(model: &SessionModel, state: &State) -> bool {
    let last = last(model);
    let passer_by = SessionId(model.company.members + model.company.outside);
    let mut outside = state.world.all_sessions().filter(|(id, _)| *id > last && *id != passer_by);
    outside.all(|(id, session)| session.is_logged_on() && !state.has_heard(SinkId(id.0)))
}

fn client_calls(model: &SessionModel, state: &State) -> Vec<Call> {
    let world = &state.world;
    let mut calls = Vec::new();
    for (session, known) in world.all_sessions().filter(|(_, known)| known.references > 0) {
        if !known.is_logged_on() {
            calls.push(Call::Release { target: Target::Session(session) });
            continue;
        }
        calls.push(question(session, world));
        if session == FOUNDER {
            calls.push(alphabet::logoff_with(session, LogoffFlags::MAPI_LOGOFF_SHARED));
        } else if session <= last(model) && state.has_heard(SinkId(session.0)) {
            calls.push(alphabet::plain_logoff(session));
            calls.push(alphabet::logoff_with(session, LogoffFlags::MAPI_LOGOFF_SHARED));
        }
    }
    calls
}

/// Inside the Logoff that tells, or later on a thread of the session's own.
fn telling_threads(state: &State) -> Vec<ThreadId> {
    const ITS_OWN: ThreadId = ThreadId(2);
    let mut threads: Vec<ThreadId> = state.leaving_threads().take(1).collect();
    threads.push(ITS_OWN);
    threads
}

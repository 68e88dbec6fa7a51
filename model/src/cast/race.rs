//! Calls that overlap: two members of a shared session on two threads, one of them told by a sink that may call back
//! in, on the thread of the Logoff or on one of the session's own.
//!
//! A third member has left before, so that it is known what one announcement brings.

use mapi_session_spec::alphabet;
use mapi_session_spec::event::{Call, Callback, RegistrationId, SessionId, SinkId, Target, ThreadId};
use mapi_session_spec::flags::{EventMask, LogoffFlags};
use mapi_session_spec::level::Level;
use mapi_session_spec::requirement::{Family, RequirementId};

use super::members::{log_on, register};
use super::session::initialised;
use super::witness::{CALLED_BACK_WHILE_LOGGING_OFF, OVERLAP, REENTRY, TOLD, TOLD_ELSEWHERE, Witness};
use super::{Cast, ONE_AT_A_TIME};
use crate::machine::{SessionModel, State};

/// Calls that overlap on two threads, and calls from inside a callback.
pub(super) const CAST: Cast = Cast {
    name: "race",
    keeps: KEEPS,
    witnesses: WITNESSES,
    from: Level::Robust,
    begin,
    client_calls,
    telling_threads,
    events: &[EventMask::fnevCriticalError, EventMask::fnevExtended, EventMask::END_OF_SESSION],
    most_notified: 2,
    callbacks_take_time: true,
    ..ONE_AT_A_TIME
};

/// What binds here.
const KEEPS: &[RequirementId] = &[
    Family::Logoff.id(1),
    Family::Logoff.id(5),
    Family::Logoff.id(9),
    Family::Logoff.id(28),
    Family::Dead.id(3),
    Family::Sess.id(15),
    Family::Notify.id(4),
    Family::Notify.id(5),
    Family::Notify.id(10),
    Family::Notify.id(11),
    Family::Notify.id(12),
    Family::Notify.id(14),
    Family::Shared.id(4),
    Family::Err.id(3),
    Family::Err.id(4),
    Family::Thread.id(1),
    Family::Thread.id(5),
    Family::Thread.id(8),
];

/// What some state must show.
const WITNESSES: &[Witness] = &[CALLED_BACK_WHILE_LOGGING_OFF, TOLD, OVERLAP, REENTRY, TOLD_ELSEWHERE];

const LEAVER: SessionId = SessionId(0);
const LISTENER: SessionId = SessionId(1);
/// Calls under way at once: a Logoff, a call from inside its callback, and one beside them.
const MOST_AT_ONCE: usize = 3;
/// The thread on which the session calls sinks when it does not do so inside a call.
const ITS_OWN: ThreadId = ThreadId(2);

fn begin(model: &SessionModel) -> State {
    let mut state = initialised(model);
    log_on(model, &mut state, "sharing");
    log_on(model, &mut state, "joining");
    let earlier = log_on(model, &mut state, "joining");
    register(model, &mut state, LEAVER, 0);
    model.make(&mut state, alphabet::logoff_with(earlier, LogoffFlags::MAPI_LOGOFF_SHARED));
    let told = Callback::OnNotify { events: EventMask::END_OF_SESSION };
    SessionModel::call_back(&mut state, ThreadId(0), SinkId(0), told);
    model.make(&mut state, Call::Release { target: Target::Session(earlier) });
    state.world.settle();
    model.make(&mut state, Call::Unadvise { session: LEAVER, registration: RegistrationId(0) });
    SessionModel::call_back(&mut state, ThreadId(0), SinkId(0), Callback::Release);
    state.world.settle();
    register(model, &mut state, LISTENER, 1);
    state
}

fn client_calls(_: &SessionModel, state: &State) -> Vec<(ThreadId, Call)> {
    let mut all = Vec::new();
    if state.world.pending.len() >= MOST_AT_ONCE {
        return all;
    }
    for thread in [ThreadId(0), ThreadId(1), ITS_OWN] {
        if state.next_call(thread).is_none() {
            continue;
        }
        let inside = state.is_called_back(thread);
        if inside {
            all.extend(from_inside().into_iter().map(|call| (thread, call)));
        } else if thread != ITS_OWN {
            all.extend(from_outside(state, thread).into_iter().map(|call| (thread, call)));
        }
    }
    all
}

/// What a client does of its own: the first thread is the leaver's, the second somebody else's.
fn from_outside(state: &State, thread: ThreadId) -> Vec<Call> {
    let world = &state.world;
    let is_held = |id| world.session(id).is_some_and(|known| known.references > 0);
    let mut calls = Vec::new();
    if is_held(LEAVER) {
        calls.push(alphabet::logoff_with(LEAVER, LogoffFlags::MAPI_LOGOFF_SHARED));
    }
    if is_held(LISTENER) && thread.0 == 1 {
        calls.push(alphabet::plain_logoff(LISTENER));
    }
    calls
}

/// What a sink does that has just been told.
fn from_inside() -> Vec<Call> {
    vec![
        alphabet::plain_logoff(LEAVER),
        alphabet::plain_logoff(LISTENER),
        Call::Unadvise { session: LISTENER, registration: RegistrationId(1) },
    ]
}

/// Inside the Logoff that tells, or on a thread of the session's own while a word is owed.
fn telling_threads(state: &State) -> Vec<ThreadId> {
    let world = &state.world;
    if !world.running.is_empty() {
        return Vec::new();
    }
    let leaving = |call: &Call| matches!(call, Call::Logoff { session: LEAVER, .. });
    let mut threads: Vec<ThreadId> =
        world.pending.iter().filter(|p| leaving(&p.call)).map(|p| p.thread).collect();
    if !world.owed.is_empty() {
        threads.push(ITS_OWN);
    }
    threads.sort_unstable();
    threads.dedup();
    threads
}

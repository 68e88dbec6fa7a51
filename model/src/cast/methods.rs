//! What one client may ask of a session, and what of it must not matter when the session ends.

use mapi_session_spec::alphabet;
use mapi_session_spec::event::{
    Call, Interface, Method, ObjectId, ObjectMethod, RegistrationId, SessionId, SinkId, Target, ThreadId,
};
use mapi_session_spec::flags::{EventMask, LogoffFlags};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::level::Level;
use mapi_session_spec::outcome::{Out, Outcome};
use mapi_session_spec::requirement::{Family, RequirementId};
use mapi_session_spec::state::ObjectKind;

use super::witness::{
    ASKED_AND_ENDED, CALLED_BACK_WHILE_LOGGING_OFF, REFUSED, RELEASED_AFTER_LOGOFF, RELEASED_WITHOUT_LOGOFF,
    Witness,
};
use super::{Cast, ONE_AT_A_TIME};
use crate::machine::{SessionModel, State};

/// The methods of one session, and what must not matter to its Logoff.
pub(super) const CAST: Cast = Cast {
    name: "methods",
    keeps: KEEPS,
    witnesses: WITNESSES,
    from: Level::Robust,
    client_calls,
    further_answers: &[Outcome::returned(HResult::MAPI_E_EXTENDED_ERROR, Out::Unchanged)],
    ..ONE_AT_A_TIME
};

/// What binds here.
const KEEPS: &[RequirementId] = &[
    Family::Logoff.id(1),
    Family::Logoff.id(2),
    Family::Logoff.id(5),
    Family::Logoff.id(9),
    Family::Logoff.id(11),
    Family::Logoff.id(13),
    Family::Logoff.id(25),
    Family::Logoff.id(26),
    Family::Logoff.id(27),
    Family::Dead.id(3),
    Family::Dead.id(9),
    Family::Unk.id(4),
    Family::Unk.id(6),
    Family::Unk.id(10),
    Family::Unk.id(11),
    Family::Unk.id(14),
    Family::Sess.id(1),
    Family::Sess.id(2),
    Family::Sess.id(14),
    Family::Sess.id(19),
    Family::Notify.id(1),
    Family::Notify.id(2),
    Family::Notify.id(3),
    Family::Notify.id(10),
    Family::Notify.id(14),
    Family::Notify.id(15),
    Family::Err.id(1),
    Family::Err.id(3),
    Family::Err.id(4),
    Family::Err.id(6),
    Family::Err.id(9),
    Family::Err.id(10),
    Family::Thread.id(1),
];

/// What some state must show.
const WITNESSES: &[Witness] = &[
    RELEASED_AFTER_LOGOFF,
    RELEASED_WITHOUT_LOGOFF,
    CALLED_BACK_WHILE_LOGGING_OFF,
    REFUSED,
    ASKED_AND_ENDED,
];

/// One of each kind of method: a table, a slot that no page describes, the error, the administrator.
const ASKED: [Method; 4] =
    [Method::GetStatusTable, Method::MessageOptions, Method::GetLastError, Method::AdminServices];

const S: SessionId = SessionId(0);

fn client_calls(_: &SessionModel, state: &State) -> Vec<(ThreadId, Call)> {
    let world = &state.world;
    if !world.pending.is_empty() {
        return Vec::new();
    }
    let Some(known) = world.session(S) else { return Vec::new() };
    if known.references == 0 {
        return Vec::new();
    }
    // What is opened here is asked nothing, and takes one slot again and again.
    let opened = ObjectId(1);
    let mut calls = vec![Call::Release { target: Target::Session(S) }];
    calls.extend(ASKED.map(|method| Call::Method { session: S, method, flags: 0, object: opened }));
    calls.push(Call::Method { session: S, method: Method::GetStatusTable, flags: 0x100, object: opened });
    let shutdown = ObjectId(0);
    match world.object(shutdown) {
        Some(object) if object.kind == ObjectKind::ClientShutdown && !known.is_logged_off() => {
            calls.push(Call::OnObject { object: shutdown, method: ObjectMethod::QueryFastShutdown });
        }
        None if known.is_logged_on() => {
            calls.push(alphabet::query(S, Interface::IMAPIClientShutdown, shutdown));
        }
        _ => {}
    }
    let next = world.registrations.len() as u16;
    if next < 2 && known.is_logged_on() {
        for mask in [EventMask::END_OF_SESSION, EventMask(0)] {
            let (sink, registration) = (SinkId(next), RegistrationId(next));
            calls.push(Call::Advise { session: S, mask, sink, registration });
        }
    }
    calls.push(alphabet::plain_logoff(S));
    calls.push(Call::Logoff { session: S, ui_param: 0, flags: LogoffFlags(0), reserved: 0, dirty: true });
    calls.push(alphabet::logoff_with(S, LogoffFlags(0x4)));
    let mut all: Vec<(ThreadId, Call)> = calls.into_iter().map(|call| (ThreadId(0), call)).collect();
    all.push((ThreadId(1), alphabet::plain_logoff(S)));
    all
}

//! What some state must show, so that a model that explored little is found out.

use mapi_session_spec::event::Call;
use mapi_session_spec::phase::Phase;
use mapi_session_spec::state::{Disturbance, OwedKind, Session};

use crate::property::{Condition, any_session, may_be};

/// A name, and what a state must show.
pub(crate) type Witness = (&'static str, Condition);

pub(super) const RELEASED_AFTER_LOGOFF: Witness =
    ("Released is reached by the last Release after Logoff", |_, state| {
        any_session(state, |session| session.is_released() && !session.never_logged_off)
    });

pub(super) const RELEASED_WITHOUT_LOGOFF: Witness =
    ("Released is reached by the last Release without a Logoff", |_, state| {
        any_session(state, |session| session.is_released() && session.never_logged_off)
    });

pub(super) const CALLED_BACK_WHILE_LOGGING_OFF: Witness =
    ("a callback comes while LoggingOff", |_, state| state.notified > 0 && may_be(state, Phase::LoggingOff));

pub(super) const CANCELLED: Witness = ("LoggedOn is reached again: a Logoff is cancelled", |_, state| {
    any_session(state, |s| s.is_logged_on() && s.disturbed == Some(Disturbance::CancelledLogoff))
});

pub(super) const REFUSED: Witness = ("LoggedOn is reached again: a Logoff is refused", |_, state| {
    any_session(state, |s| s.is_logged_on() && s.disturbed == Some(Disturbance::RefusedLogoff))
});

pub(super) const TOLD: Witness = ("a member is told", |_, state| {
    state.world.owed.iter().any(|owed| owed.paid && matches!(owed.kind, OwedKind::Told { .. }))
});

pub(super) const CREATOR_LEFT: Witness = ("the creator leaves and a member stays", |_, state| {
    state.world.live_groups().any(|group| state.world.groups[usize::from(group.0)].creator_left)
});

pub(super) const TWO_ON: Witness = ("two sessions are on at once", |_, state| {
    state.world.all_sessions().filter(|(_, session)| session.is_logged_on()).count() == 2
});

pub(super) const UNINITIALISED_IN_PART: Witness =
    ("MAPIUninitialize leaves a session on that MAPIInitialize was called twice for", |_, state| {
        state.world.process.uninitialised_in_part && any_session(state, Session::is_logged_on)
    });

pub(super) const ASKED_AND_ENDED: Witness =
    ("QueryFastShutdown is asked before an ordinary Logoff", |_, state| {
        let asked = any_session(state, |s| s.disturbed == Some(Disturbance::QueriedFastShutdown));
        asked && state.world.pending.iter().any(|pending| matches!(pending.call, Call::Logoff { .. }))
    });

pub(super) const OVERLAP: Witness = ("two Logoffs of one session overlap", |_, state| {
    let mut logoffs = state.world.pending.iter().filter_map(|pending| match pending.call {
        Call::Logoff { session, .. } => Some(session),
        _ => None,
    });
    logoffs.next().is_some_and(|first| logoffs.any(|second| second == first))
});

pub(super) const REENTRY: Witness = ("a sink calls Logoff from inside OnNotify", |_, state| {
    state.world.pending.iter().any(|pending| pending.nested && matches!(pending.call, Call::Logoff { .. }))
});

pub(super) const TOLD_ELSEWHERE: Witness = ("OnNotify runs on a thread that is in no call", |_, state| {
    let running = &state.world.running;
    running.iter().any(|callback| state.world.pending.iter().all(|pending| pending.thread != callback.thread))
});

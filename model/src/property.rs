//! Properties, named by requirement: what the offers must keep, and that something puts it to the test.

use std::sync::OnceLock;

use mapi_session_spec::event::{Callback, SinkId, ThreadId};
use mapi_session_spec::lifecycle;
use mapi_session_spec::offers;
use mapi_session_spec::phase::Phase;
use mapi_session_spec::requirement::{self, RequirementId};
use mapi_session_spec::rule::{Check, Demand, Hearing, Moot, Rules};
use mapi_session_spec::state::{Session, World};
use stateright::Property;

use crate::machine::{SessionModel, State};

/// The requirement that this callback would break now, if any.
pub(crate) fn broken_by_callback(
    rules: &Rules,
    demand: Demand,
    world: &World,
    thread: ThreadId,
    sink: SinkId,
    callback: Callback,
) -> Option<RequirementId> {
    let hearing = Hearing { world, thread, sink, callback };
    let breaks = |check: Check| match check {
        Check::Callback { bears, allows } => bears(&hearing) && !allows(&hearing),
        _ => false,
    };
    rules
        .demanded_on(demand, Moot::Callback)
        .find(|(_, arm)| breaks(arm.check))
        .map(|(_, arm)| arm.requirement)
}

/// The requirements that have something to say on this callback.
pub(crate) fn bound_by_callback(
    rules: &Rules,
    demand: Demand,
    world: &World,
    thread: ThreadId,
    sink: SinkId,
    callback: Callback,
) -> Vec<RequirementId> {
    let hearing = Hearing { world, thread, sink, callback };
    let bears = |check: Check| matches!(check, Check::Callback { bears, .. } if bears(&hearing));
    rules
        .demanded_on(demand, Moot::Callback)
        .filter(|(_, arm)| bears(arm.check))
        .map(|(_, arm)| arm.requirement)
        .collect()
}

/// The requirements that have something to say on what is owed.
pub(crate) fn bound_by_settling(rules: &Rules, demand: Demand, world: &World) -> Vec<RequirementId> {
    let mut bound = Vec::new();
    for owed in world.owed.iter().filter(|owed| !owed.lapsed) {
        let bears = |check: Check| matches!(check, Check::Settled { bears, .. } if bears(world, owed));
        bound.extend(
            rules
                .demanded_on(demand, Moot::Settled)
                .filter(|(_, arm)| bears(arm.check))
                .map(|(_, arm)| arm.requirement),
        );
    }
    bound
}

/// The requirement that is broken if nothing more comes, if any.
pub(crate) fn broken_by_settling(rules: &Rules, demand: Demand, world: &World) -> Option<RequirementId> {
    world.owed.iter().filter(|owed| !owed.lapsed).find_map(|owed| {
        let unpaid = |check: Check| match check {
            Check::Settled { bears, paid } => bears(world, owed) && !paid(world, owed),
            _ => false,
        };
        rules
            .demanded_on(demand, Moot::Settled)
            .find(|(_, arm)| unpaid(arm.check))
            .map(|(_, arm)| arm.requirement)
    })
}

/// Every requirement that a rule on the session decides, ascending. Those whose rules bind in a model have a property
/// there.
fn decided() -> &'static [RequirementId] {
    static DECIDED: OnceLock<Vec<RequirementId>> = OnceLock::new();
    DECIDED.get_or_init(|| {
        let rules = Rules::documented();
        let on_the_session = |check: Check| !check.holds_the_client();
        let arms = rules.arms().iter().filter(|arm| on_the_session(arm.check));
        let mut ids: Vec<RequirementId> = arms.map(|arm| arm.requirement).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    })
}

/// The subject's moves keep the requirement at this place of [`decided`]: no answer on offer breaks it, and neither
/// did the last callback nor settling.
fn keeps<const PLACE: usize>(model: &SessionModel, state: &State) -> bool {
    let Some(id) = decided().get(PLACE) else { return true };
    state.broke != Some(*id)
        && state.world.pending.iter().all(|pending| {
            offers::breaches(&model.rules, &model.against, model.demand, &state.world, pending.id, *id)
                .is_empty()
        })
}

pub(crate) type Condition = fn(&SessionModel, &State) -> bool;

macro_rules! conditions {
    ($($place:literal)*) => { &[$(keeps::<$place>),*] };
}

/// stateright's conditions are plain functions, which capture nothing: one for each place.
const KEEPS: &[Condition] = conditions!(
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39
    40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76
    77 78 79
);

/// `LOGOFF-003 ui-handle-ignored`, for as long as the program runs.
fn name(id: RequirementId) -> &'static str {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let name = |id: &RequirementId| requirement::find(*id).map_or("", |row| row.name);
        decided().iter().map(|id| format!("{id} {}", name(id))).collect()
    });
    decided().binary_search(&id).map_or("", |place| names[place].as_str())
}

fn has_answers(model: &SessionModel, state: &State) -> bool {
    let pending = state.world.pending.iter();
    pending.into_iter().all(|p| !offers::answers(&model.rules, model.demand, &state.world, p.id).is_empty())
}

pub(crate) fn any_session(state: &State, holds: impl Fn(&Session) -> bool) -> bool {
    state.world.all_sessions().any(|(_, session)| holds(session))
}

pub(crate) fn may_be(state: &State, phase: Phase) -> bool {
    any_session(state, |session| session.phases.may_be(phase))
}

/// What has ended stays ended, and what is released was let go of.
fn lifecycle_holds(state: &State) -> bool {
    state.world.all_sessions().all(|(_, session)| {
        let phases: Vec<Phase> = session.phases.iter().collect();
        let released_only_without_references = !session.is_released() || session.references == 0;
        let silent = |a: Phase, b: Phase| {
            // The commit is the one silent move; a fault of the subject's leaves LoggedOn or LoggedOff.
            lifecycle::allows(a, b)
                || (a, b) == (Phase::LoggingOff, Phase::Committed)
                || (a, b) == (Phase::LoggedOn, Phase::LoggedOff)
        };
        released_only_without_references && phases.windows(2).all(|pair| silent(pair[0], pair[1]))
    })
}

/// Every property of a model.
pub(crate) fn all(model: &SessionModel) -> Vec<Property<SessionModel>> {
    let mut all: Vec<Property<SessionModel>> = model
        .keeps
        .iter()
        .filter_map(|id| {
            let place = decided().binary_search(id).ok()?;
            Some(Property::always(name(*id), KEEPS[place]))
        })
        .collect();
    all.extend([
        Property::always("every call has an answer", has_answers),
        Property::always("the lifecycle refines its abstract", |_, state: &State| lifecycle_holds(state)),
        Property::always("a logged-off session still has a reference to give back", |_, state: &State| {
            state.world.all_sessions().all(|(_, s)| !s.is_logged_off() || s.references > 0)
        }),
        Property::always("nobody else ends with a member", |_, state: &State| {
            let leaving = |id| state.world.pending.iter().any(|p| p.call.session() == Some(id));
            state.world.all_sessions().all(|(id, s)| s.phases.len() == 1 || leaving(id))
        }),
        Property::sometimes("LoggedOn is reached", |_, s: &State| may_be(s, Phase::LoggedOn)),
        Property::sometimes("LoggingOff is reached: Logoff is entered", |_, s: &State| {
            may_be(s, Phase::LoggingOff)
        }),
        Property::sometimes("LoggedOff is reached: Logoff returns S_OK", |_, s: &State| {
            may_be(s, Phase::LoggedOff)
        }),
    ]);
    all.extend(model.cast.witnesses.iter().map(|(name, shows)| Property::sometimes(name, *shows)));
    all
}

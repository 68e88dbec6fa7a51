//! Properties, named by requirement: what the offers must keep, and that something puts it to the test.

use mapi_session_spec::event::{Callback, SinkId, ThreadId};
use mapi_session_spec::lifecycle;
use mapi_session_spec::offers;
use mapi_session_spec::phase::Phase;
use mapi_session_spec::requirement::{self, Observable, RequirementId};
use mapi_session_spec::rule::{Check, Demand, Hearing, Rules};
use mapi_session_spec::state::World;
use stateright::Property;

use crate::machine::{SessionModel, State};

/// Whether no rule forbids this callback now.
pub(crate) fn callback_is_allowed(
    rules: &Rules,
    demand: Demand,
    world: &World,
    sink: SinkId,
    callback: Callback,
) -> bool {
    let hearing = Hearing { world, thread: ThreadId(0), sink, callback };
    rules.demanded(demand).all(|(_, arm)| match arm.check {
        Check::Callback { bears, allows } => !bears(&hearing) || allows(&hearing),
        _ => true,
    })
}

/// The requirements that have a property in the models, with a rule on how calls end.
pub fn modelled() -> Vec<RequirementId> {
    let rules = Rules::documented();
    let mut ids: Vec<RequirementId> = rules
        .arms()
        .iter()
        .filter(|arm| matches!(arm.check, Check::Return { .. }))
        .map(|arm| arm.requirement)
        .filter(|id| requirement::find(*id).is_some_and(|r| r.observable == Observable::Boundary))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Whether every answer on offer keeps every rule that it is held against.
fn keeps_every_rule(model: &SessionModel, state: &State) -> bool {
    state.world.pending.iter().all(|pending| {
        modelled().into_iter().all(|id| {
            offers::breaches(&model.rules, &model.against, model.demand, &state.world, pending.id, id)
                .is_empty()
        })
    })
}

fn has_answers(model: &SessionModel, state: &State) -> bool {
    let pending = state.world.pending.iter();
    pending.into_iter().all(|p| !offers::answers(&model.rules, model.demand, &state.world, p.id).is_empty())
}

fn may_be(state: &State, phase: Phase) -> bool {
    state.world.all_sessions().any(|(_, session)| session.phases.may_be(phase))
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
    let mut all = vec![
        Property::always("every offer keeps every rule", keeps_every_rule),
        Property::always("every call has an answer", has_answers),
        Property::always("the lifecycle refines its abstract", |_, state: &State| lifecycle_holds(state)),
        Property::always("DEAD-002 a logged-off session can be released", |_, state: &State| {
            state.world.all_sessions().all(|(_, s)| !s.is_logged_off() || s.references > 0)
        }),
        Property::always("SHARED-012 nobody else ends with a member", |_, state: &State| {
            let leaving = |id| state.world.pending.iter().any(|p| p.call.session() == Some(id));
            state.world.all_sessions().all(|(id, s)| s.phases.len() == 1 || leaving(id))
        }),
        Property::sometimes("LoggedOn is reached", |_, s: &State| may_be(s, Phase::LoggedOn)),
        Property::sometimes("LoggingOff is reached", |_, s: &State| may_be(s, Phase::LoggingOff)),
        Property::sometimes("LoggedOff is reached", |_, s: &State| may_be(s, Phase::LoggedOff)),
        Property::sometimes("Released is reached", |_, s: &State| may_be(s, Phase::Released)),
        Property::sometimes("a callback comes while LoggingOff", |_, s: &State| {
            s.notified > 0 && may_be(s, Phase::LoggingOff)
        }),
    ];
    if model.name == "session" {
        all.push(Property::sometimes("LOGOFF-024 a cancelled Logoff leaves it LoggedOn", |_, s: &State| {
            s.world.all_sessions().any(|(_, s)| {
                s.is_logged_on()
                    && s.disturbed == Some(mapi_session_spec::state::Disturbance::CancelledLogoff)
            })
        }));
        all.push(Property::sometimes("LOGOFF-025 a refused Logoff leaves it LoggedOn", |_, s: &State| {
            s.world.all_sessions().any(|(_, s)| {
                s.is_logged_on() && s.disturbed == Some(mapi_session_spec::state::Disturbance::RefusedLogoff)
            })
        }));
    } else {
        all.push(Property::sometimes("SHARED-004 a member is told", |_, s: &State| {
            s.world.owed.iter().any(|owed| owed.paid)
        }));
        all.push(Property::sometimes("SHARED-017 the creator leaves and a member stays", |_, s: &State| {
            s.world.live_groups().any(|g| s.world.groups[usize::from(g.0)].creator_left)
        }));
    }
    all
}

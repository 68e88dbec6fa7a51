//! A search of our own: a second count of the states, and what binds in them.

use std::collections::{BTreeSet, HashSet, VecDeque};

use mapi_session_spec::moment::Moment;
use mapi_session_spec::requirement::RequirementId;
use rustc_hash::FxBuildHasher;
use stateright::Model as _;

use crate::action::Action;
use crate::collapse::Parts;
use crate::machine::{SessionModel, State};
use crate::{property, symmetry};

/// What a breadth-first search met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searched {
    /// Different states, told apart exactly.
    pub states: usize,
    /// The longest shortest path to a state, in moves.
    pub depth: usize,
    /// The requirements that some rule decided in some state or move, ascending.
    pub bound: Vec<RequirementId>,
}

/// Visits every state once more, without stateright.
pub fn search(model: &SessionModel) -> Searched {
    search_each(model, &|state| state, &mut |_| {})
}

/// Visits one of all states that differ only in which client is which, where the model's cast is made of clients.
pub fn search_up_to_symmetry(model: &SessionModel) -> Searched {
    search_each(model, &one_of_all(model), &mut |_| {})
}

/// The choice of one of all states that differ only in which client is which.
pub(crate) fn one_of_all(model: &SessionModel) -> impl Fn(State) -> State {
    let exchanges = symmetry::exchanges(model.company);
    move |state| symmetry::representative(&state, &exchanges)
}

/// Visits one state of each class, and shows it to `look`.
pub(crate) fn search_each(
    model: &SessionModel,
    choose: &dyn Fn(State) -> State,
    look: &mut dyn FnMut(&State),
) -> Searched {
    let mut parts = Parts::default();
    let mut seen = HashSet::with_hasher(FxBuildHasher);
    let mut queue = VecDeque::new();
    let mut bound = BTreeSet::new();
    let mut actions = Vec::new();
    for state in model.init_states().into_iter().map(choose) {
        let state = parts.collapse(&state);
        if seen.insert(state) {
            queue.push_back((0, state));
        }
    }
    let mut depth = 0;
    while let Some((moves, state)) = queue.pop_front() {
        let state = parts.restore(state);
        depth = moves;
        look(&state);
        for pending in &state.world.pending {
            let moment = Moment::new(&state.world, pending, model.demand.era);
            bound.extend(model.against.bearing(&moment, model.demand.level).map(|(_, arm)| arm.requirement));
        }
        bound.extend(property::bound_by_settling(&model.against, model.demand, &state.world));
        actions.clear();
        model.actions(&state, &mut actions);
        for action in actions.drain(..) {
            if let Action::Callback(thread, sink, callback) = action {
                bound.extend(property::bound_by_callback(
                    &model.against,
                    model.demand,
                    &state.world,
                    thread,
                    sink,
                    callback,
                ));
            }
            let Some(next) = model.next_state(&state, action) else { continue };
            let next = parts.collapse(&choose(next));
            if seen.insert(next) {
                queue.push_back((moves + 1, next));
            }
        }
    }
    Searched { states: seen.len(), depth, bound: bound.into_iter().collect() }
}

//! The shortest way to something that a model shows, as a drawing.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use stateright::{Expectation, Model as _};

use crate::action::Action;
use crate::diagram::{Step, sequence_diagram};
use crate::machine::{SessionModel, State};

/// What a model must show in some state: each is a story that can be drawn.
pub fn stories(model: &SessionModel) -> Vec<&'static str> {
    let witnesses = model.properties().into_iter().filter(|p| p.expectation == Expectation::Sometimes);
    witnesses.map(|property| property.name).collect()
}

/// A sequence diagram of a shortest path to the first state that shows this, as SVG. `None` if no state does, or the
/// model has no witness of that name.
pub fn story(model: &SessionModel, witness: &str) -> Option<String> {
    let property = model.properties().into_iter().find(|property| property.name == witness)?;
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let mut seen = HashSet::new();
    let mut met: Vec<(State, Option<(usize, Action)>)> = Vec::new();
    let mut queue = VecDeque::new();
    for state in model.init_states() {
        seen.insert(hasher.hash_one(&state));
        queue.push_back(met.len());
        met.push((state, None));
    }
    let mut actions = Vec::new();
    while let Some(from) = queue.pop_front() {
        if (property.condition)(model, &met[from].0) {
            return Some(sequence_diagram(&path_to(&met, from)));
        }
        actions.clear();
        model.actions(&met[from].0, &mut actions);
        for action in actions.drain(..) {
            let Some(next) = model.next_state(&met[from].0, action) else { continue };
            if seen.insert(hasher.hash_one(&next)) {
                queue.push_back(met.len());
                met.push((next, Some((from, action))));
            }
        }
    }
    None
}

fn path_to(met: &[(State, Option<(usize, Action)>)], last: usize) -> Vec<Step> {
    let mut path = vec![(met[last].0.clone(), None)];
    let mut at = last;
    while let Some((from, action)) = met[at].1 {
        path.push((met[from].0.clone(), Some(action)));
        at = from;
    }
    path.reverse();
    path
}

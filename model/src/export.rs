//! The explored states, for other tools.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;

use stateright::Model as _;

use crate::machine::{SessionModel, State};

/// Every state and move in a breadth-first search of our own, as (from, label, to).
pub(crate) fn transitions(model: &SessionModel) -> (usize, Vec<(usize, String, usize)>) {
    let mut numbers: HashMap<State, usize> = HashMap::new();
    let mut queue = VecDeque::new();
    let mut moves = Vec::new();
    for state in model.init_states() {
        let number = numbers.len();
        if numbers.insert(state.clone(), number).is_none() {
            queue.push_back(state);
        }
    }
    while let Some(state) = queue.pop_front() {
        let from = numbers[&state];
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        for action in actions {
            let Some(next) = model.next_state(&state, action) else { continue };
            let fresh = numbers.len();
            let to = *numbers.entry(next.clone()).or_insert_with(|| {
                queue.push_back(next);
                fresh
            });
            moves.push((from, format!("{action:?}"), to));
        }
    }
    (numbers.len(), moves)
}

/// The model's states and moves in Aldebaran format.
pub fn aldebaran(model: &SessionModel) -> String {
    let (states, moves) = transitions(model);
    let mut text = format!("des (0, {}, {states})\n", moves.len());
    for (from, label, to) in moves {
        let _ = writeln!(text, "({from}, \"{label}\", {to})");
    }
    text
}

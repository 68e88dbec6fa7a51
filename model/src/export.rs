//! The explored states, for other tools; and a path, for people.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;

use stateright::Model as _;

use crate::action::Action;
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

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A path as a sequence diagram: the client on the left, the session on the right.
pub(crate) fn sequence_diagram(actions: &[Action]) -> String {
    let (left, right, step) = (140, 620, 34);
    let height = 70 + step * actions.len() + 30;
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='780' height='{height}' font-family='sans-serif' \
         font-size='14'><defs><marker id='a' markerWidth='10' markerHeight='8' refX='9' refY='4' orient='auto'>\
         <path d='M0,0 L10,4 L0,8 z'/></marker></defs>"
    );
    for (x, name) in [(left, "client"), (right, "session")] {
        let _ = write!(svg, "<text x='{x}' y='28' text-anchor='middle' font-weight='bold'>{name}</text>");
        let _ = write!(svg, "<line x1='{x}' y1='40' x2='{x}' y2='{height}' stroke='#999'/>");
    }
    for (number, action) in actions.iter().enumerate() {
        let y = 70 + step * number;
        let from_client = matches!(action, Action::Call(..));
        let (from, to) = if from_client { (left, right) } else { (right, left) };
        let dash = if matches!(action, Action::Return(..)) { " stroke-dasharray='5 4'" } else { "" };
        let middle = usize::midpoint(left, right);
        let label = escaped(&format!("{action:?}"));
        let _ = write!(svg, "<text x='{middle}' y='{}' text-anchor='middle'>{label}</text>", y - 6);
        if *action != Action::Settle {
            let _ = write!(
                svg,
                "<line x1='{from}' y1='{y}' x2='{to}' y2='{y}' stroke='black'{dash} marker-end='url(#a)'/>"
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

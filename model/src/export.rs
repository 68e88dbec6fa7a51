//! The explored states, for other tools.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;

use mapi_session_spec::phase::Phase;
use stateright::Model as _;

use crate::machine::{SessionModel, State};

/// What a search met: a line on each state, and the moves between them.
struct Graph {
    states: Vec<String>,
    moves: Vec<(usize, String, usize)>,
}

/// The phases of the sessions, which is what a reader of a drawing looks for.
fn phases(state: &State) -> String {
    let sessions = state.world.all_sessions().map(|(id, session)| {
        let phases: Vec<String> = session.phases.iter().map(|phase: Phase| phase.to_string()).collect();
        format!("{id} {}", phases.join(" or "))
    });
    let lines: Vec<String> = sessions.collect();
    if lines.is_empty() { "nobody is on".into() } else { lines.join(", ") }
}

/// The states at most so many moves from the start, breadth first, and every move between them.
fn graph(model: &SessionModel, depth: usize) -> Graph {
    let mut numbers: HashMap<State, usize> = HashMap::new();
    let mut queue = VecDeque::new();
    let mut graph = Graph { states: Vec::new(), moves: Vec::new() };
    for state in model.init_states() {
        graph.states.push(phases(&state));
        numbers.insert(state.clone(), graph.states.len() - 1);
        queue.push_back((0, state));
    }
    let mut actions = Vec::new();
    while let Some((moves, state)) = queue.pop_front() {
        let from = numbers[&state];
        actions.clear();
        model.actions(&state, &mut actions);
        for action in actions.drain(..) {
            let Some(next) = model.next_state(&state, action) else { continue };
            let to = if let Some(known) = numbers.get(&next) {
                *known
            } else if moves < depth {
                graph.states.push(phases(&next));
                let fresh = graph.states.len() - 1;
                numbers.insert(next.clone(), fresh);
                queue.push_back((moves + 1, next));
                fresh
            } else {
                continue;
            };
            graph.moves.push((from, format!("{action:?}"), to));
        }
    }
    graph
}

/// The model's states and moves in Aldebaran format.
pub fn aldebaran(model: &SessionModel, depth: usize) -> String {
    let graph = graph(model, depth);
    let mut text = format!("des (0, {}, {})\n", graph.moves.len(), graph.states.len());
    for (from, label, to) in graph.moves {
        let _ = writeln!(text, "({from}, \"{}\", {to})", label.replace('"', "'"));
    }
    text
}

/// The same as a graph for Graphviz.
pub fn dot(model: &SessionModel, depth: usize) -> String {
    let graph = graph(model, depth);
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut text = format!("digraph {} {{\n  rankdir=LR;\n  node [shape=box];\n", quoted(model.name));
    for (number, state) in graph.states.iter().enumerate() {
        let _ = writeln!(text, "  {number} [label={}];", quoted(state));
    }
    for (from, label, to) in &graph.moves {
        let _ = writeln!(text, "  {from} -> {to} [label={}];", quoted(label));
    }
    text.push_str("}\n");
    text
}

/// The same as a state diagram for Mermaid.
pub fn mermaid(model: &SessionModel, depth: usize) -> String {
    let graph = graph(model, depth);
    // A colon ends a label, and a semicolon a line.
    let plain = |text: &str| text.replace(':', " ").replace(';', ",");
    let mut text = String::from("stateDiagram-v2\n  [*] --> q0\n");
    for (number, state) in graph.states.iter().enumerate() {
        let _ = writeln!(text, "  q{number} : {}", plain(state));
    }
    for (from, label, to) in &graph.moves {
        let _ = writeln!(text, "  q{from} --> q{to} : {}", plain(label));
    }
    text
}

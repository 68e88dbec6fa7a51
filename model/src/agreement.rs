//! A second opinion: does a model agree with the same machine written by somebody else, for another checker?
//!
//! Both are deterministic in their labels: a state and a label lead to one state. So they are walked together from
//! their first states, and at every pair that one path reaches the labels that are possible must be the same. That is
//! bisimulation, and needs no dictionary between the two kinds of states.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::io::BufRead;

use stateright::Model as _;

use crate::machine::{SessionModel, State};

/// The other's machine, as it was told: `INIT<tab>STATE` once, then a line `STATE<tab>LABEL<tab>STATE` for each move.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    names: HashMap<String, usize>,
    labels: HashMap<String, usize>,
    first: usize,
    moves: Vec<HashMap<usize, usize>>,
}

/// Why what was told is no machine.
#[derive(Debug, thiserror::Error)]
pub enum ToldError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// It does not say where it begins.
    #[error("no line says where it begins")]
    NoBeginning,
    /// One label leads from one state to two.
    #[error("from {0}, {1:?} leads to two states")]
    NotDeterministic(String, String),
}

impl Told {
    /// Reads what a checker printed; lines of any other form are the checker's own.
    ///
    /// # Errors
    /// If there is no beginning, or two moves from one state have one label.
    pub fn read(lines: impl BufRead) -> Result<Self, ToldError> {
        let mut told = Self::default();
        let mut first = None;
        for line in lines.split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            match line.split('\t').collect::<Vec<_>>()[..] {
                ["INIT", state] => first = Some(told.state(state)),
                [from, label, to] => {
                    let next = told.labels.len();
                    let label_number = *told.labels.entry(label.to_owned()).or_insert(next);
                    let (from_number, to) = (told.state(from), told.state(to));
                    if told.moves[from_number].insert(label_number, to).is_some_and(|before| before != to) {
                        return Err(ToldError::NotDeterministic(from.to_owned(), label.to_owned()));
                    }
                }
                _ => {}
            }
        }
        told.first = first.ok_or(ToldError::NoBeginning)?;
        Ok(told)
    }

    fn state(&mut self, name: &str) -> usize {
        if let Some(known) = self.names.get(name) {
            return *known;
        }
        self.moves.push(HashMap::new());
        self.names.insert(name.to_owned(), self.moves.len() - 1);
        self.moves.len() - 1
    }

    /// How many states there are.
    pub fn states(&self) -> usize {
        self.moves.len()
    }
}

/// How two machines agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// The pairs of states that some path reaches.
    pub pairs: usize,
    /// The shortest path to a disagreement, and what only one of them lets come next.
    pub difference: Option<Difference>,
}

/// Where two machines part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The labels on the way.
    pub path: Vec<String>,
    /// What only the model lets come next.
    pub only_here: Vec<String>,
    /// What only the other lets come next.
    pub only_there: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "after {}", if self.path.is_empty() { "nothing".into() } else { self.path.join(" ; ") })?;
        writeln!(f, "  only the rules allow  {}", self.only_here.join(" | "))?;
        write!(f, "  only the other allows {}", self.only_there.join(" | "))
    }
}

/// One pair of states on the way, and how it was reached.
struct Visit {
    state: State,
    other: usize,
    came_from: Option<(usize, String)>,
}

/// Walks the model and the other's machine together, breadth first, to the first difference.
pub fn agree(model: &SessionModel, told: &Told) -> Agreement {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let mut seen: HashSet<(u64, usize)> = HashSet::new();
    // Where each pair came from is kept to the end, its states only until they are visited.
    let mut ways: Vec<Option<(usize, String)>> = Vec::new();
    let mut queue = VecDeque::new();
    for state in model.init_states() {
        seen.insert((hasher.hash_one(&state), told.first));
        queue.push_back(Visit { state, other: told.first, came_from: None });
    }
    let mut actions = Vec::new();
    while let Some(visit) = queue.pop_front() {
        let here = ways.len();
        ways.push(visit.came_from);
        let theirs = &told.moves[visit.other];
        let (mut ours, mut met) = (Vec::new(), HashSet::new());
        actions.clear();
        model.actions(&visit.state, &mut actions);
        for action in actions.drain(..) {
            let label = format!("{action:?}").replace('"', "'");
            let Some(next) = model.next_state(&visit.state, action) else { continue };
            let Some(there) = told.labels.get(&label).and_then(|number| theirs.get(number)) else {
                ours.push(label);
                continue;
            };
            met.insert(told.labels[&label]);
            if seen.insert((hasher.hash_one(&next), *there)) {
                queue.push_back(Visit { state: next, other: *there, came_from: Some((here, label)) });
            }
        }
        if !ours.is_empty() || met.len() < theirs.len() {
            let mut other: Vec<String> = told
                .labels
                .iter()
                .filter(|(_, number)| theirs.contains_key(number) && !met.contains(number))
                .map(|(label, _)| label.clone())
                .collect();
            other.sort_unstable();
            ours.sort_unstable();
            let difference = Difference { path: path_to(&ways, here), only_here: ours, only_there: other };
            return Agreement { pairs: seen.len(), difference: Some(difference) };
        }
    }
    Agreement { pairs: seen.len(), difference: None }
}

fn path_to(ways: &[Option<(usize, String)>], mut at: usize) -> Vec<String> {
    let mut path = Vec::new();
    while let Some((before, label)) = &ways[at] {
        path.push(label.clone());
        at = *before;
    }
    path.reverse();
    path
}

//! What must come about at last: on the explored graph, by its strongly connected components.
//!
//! A run that goes on for ever stays in one component from some moment on; what the component shows is what it shows for
//! ever. stateright's `eventually` is not sound on cycles, and is not used.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use stateright::Model as _;

use crate::action::Action;
use crate::collapse::{Collapsed, Parts};
use crate::duty::Duty;
use crate::fairness::{Steps, fair_components};
use crate::machine::{SessionModel, State};

/// A promise: of every fair run, for ever from some moment on.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    /// Its name in reports.
    pub name: &'static str,
    /// The duties that everybody is held to. A duty that is not among them may be put off for ever.
    pub binds: fn(&SessionModel, Duty) -> bool,
    /// What every state shows in which a fair run stays.
    pub holds: fn(&SessionModel, &State) -> bool,
    /// What some state must show in which a fair run stays, so that the promise is not kept for want of runs.
    pub shows: fn(&SessionModel, &State) -> bool,
}

/// Why a promise is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// A fair run goes these steps, and then goes round these for ever; none: it stands still.
    Lasso {
        /// From the start to where it stays.
        stem: Vec<String>,
        /// One way round, back to the same state.
        round: Vec<String>,
    },
    /// No fair run shows what some run was to show: the promise says nothing.
    Empty,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Lasso { stem, round } = self else {
            return writeln!(f, "            no fair run shows what this is about");
        };
        for (number, step) in stem.iter().enumerate() {
            writeln!(f, "            {:>2}  {step}", number + 1)?;
        }
        if round.is_empty() {
            return writeln!(f, "            and nothing more happens");
        }
        writeln!(f, "            and then, for ever:")?;
        for step in round {
            writeln!(f, "                {step}")?;
        }
        Ok(())
    }
}

/// Holds a promise against every fair run of a model.
///
/// # Errors
/// With a run that breaks it, or where no run shows what it is about.
pub fn keeps(model: &SessionModel, promise: &Promise) -> Result<(), Broken> {
    Graph::of(model).holds(model, promise)
}

/// The whole graph of a model's states.
pub(crate) struct Graph {
    parts: Parts,
    states: IndexSet<Collapsed, FxBuildHasher>,
    /// Each state's steps.
    moves: Vec<Vec<(Action, u32)>>,
    /// What may be done in each state.
    open: Vec<Vec<Duty>>,
    /// Over which state, and by which of its moves, each was first reached.
    reached: Vec<Option<(u32, u32)>>,
}

impl Graph {
    /// Visits every state, breadth first.
    pub(crate) fn of(model: &SessionModel) -> Self {
        let mut graph = Self {
            parts: Parts::default(),
            states: IndexSet::default(),
            moves: Vec::new(),
            open: Vec::new(),
            reached: Vec::new(),
        };
        for state in model.init_states() {
            graph.meet(&state, None);
        }
        // States are numbered as they are met.
        let mut next = 0;
        while next < graph.len() {
            let from = next as u32;
            next += 1;
            let state = graph.state(from as usize);
            let mut actions = Vec::new();
            model.actions(&state, &mut actions);
            graph.open[from as usize] = Duty::open(&state, &actions);
            for action in actions {
                let Some(next) = model.next_state(&state, action) else { continue };
                let by = (from, graph.moves[from as usize].len() as u32);
                let to = graph.meet(&next, Some(by));
                graph.moves[from as usize].push((action, to));
            }
        }
        graph
    }

    /// The number of a state, which is kept if it is new.
    fn meet(&mut self, state: &State, by: Option<(u32, u32)>) -> u32 {
        let (number, is_new) = self.states.insert_full(self.parts.collapse(state));
        if is_new {
            self.moves.push(Vec::new());
            self.open.push(Vec::new());
            self.reached.push(by);
        }
        number as u32
    }

    fn state(&self, number: usize) -> State {
        self.parts.restore(self.states[number])
    }

    /// How many states there are.
    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// The graph as fairness sees it, if these duties bind.
    fn steps(&self, binds: impl Fn(Duty) -> bool) -> Steps<Duty> {
        let done = |action: &Action| Duty::done_by(action).filter(|duty| binds(*duty));
        let of = |moves: &Vec<(Action, u32)>| moves.iter().map(|(a, to)| (done(a), *to as usize)).collect();
        let bound = |open: &Vec<Duty>| open.iter().copied().filter(|duty| binds(*duty)).collect();
        Steps { moves: self.moves.iter().map(of).collect(), open: self.open.iter().map(bound).collect() }
    }

    /// Holds a promise against the graph.
    pub(crate) fn holds(&self, model: &SessionModel, promise: &Promise) -> Result<(), Broken> {
        let components = fair_components(&self.steps(|duty| (promise.binds)(model, duty)));
        let state = |number: &usize| self.state(*number);
        // The earliest is the one that the shortest way leads to.
        let is_bad = |number: &&usize| !(promise.holds)(model, &state(number));
        let earliest = |component: &Vec<usize>| component.iter().filter(is_bad).min().copied();
        let bad = components.iter().filter_map(|component| Some((earliest(component)?, component)));
        if let Some((bad, component)) = bad.min() {
            return Err(self.lasso(bad, component));
        }
        let shown = components.iter().flatten().any(|number| (promise.shows)(model, &state(number)));
        if shown { Ok(()) } else { Err(Broken::Empty) }
    }

    fn lasso(&self, at: usize, component: &[usize]) -> Broken {
        let mut stem = Vec::new();
        let mut number = at;
        while let Some((from, by)) = self.reached[number] {
            stem.push(format!("{:?}", self.moves[from as usize][by as usize].0));
            number = from as usize;
        }
        stem.reverse();
        Broken::Lasso { stem, round: self.round(at, component) }
    }

    /// The shortest way from a state back to itself within its component.
    fn round(&self, at: usize, component: &[usize]) -> Vec<String> {
        let mut came: HashMap<usize, (usize, Action)> = HashMap::new();
        let mut queue = VecDeque::from([at]);
        while let Some(from) = queue.pop_front() {
            for (action, to) in &self.moves[from] {
                let to = *to as usize;
                if component.contains(&to) && !came.contains_key(&to) {
                    came.insert(to, (from, *action));
                    queue.push_back(to);
                }
            }
        }
        let mut steps = Vec::new();
        let mut number = at;
        while let Some((from, action)) = came.get(&number) {
            steps.push(format!("{action:?}"));
            number = *from;
            if number == at {
                break;
            }
        }
        steps.reverse();
        steps
    }
}

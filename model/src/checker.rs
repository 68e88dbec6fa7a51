//! stateright, wrapped so that it cannot pass empty.
//!
//! Nothing here bounds a run, and a run that explored nothing, had no `always` property, or missed a witness is an
//! error, and so is one whose count a search of our own does not find again.

use std::fmt;
use std::net::SocketAddr;

use mapi_session_spec::RequirementId;
use stateright::{Checker as _, Expectation, HasDiscoveries, Model as _};

use crate::liveness::{Broken, Graph};
use crate::machine::SessionModel;
use crate::search::{one_of_all, search, search_each};

/// What a whole exploration found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explored {
    /// The model.
    pub model: &'static str,
    /// Different states.
    pub unique_states: usize,
    /// The longest shortest path to a state.
    pub depth: usize,
    /// The requirements that some rule decided in some state or move, ascending.
    pub bound: Vec<RequirementId>,
    /// Properties that hold, and witnesses that were found.
    pub held: Vec<&'static str>,
    /// Properties that fail, and witnesses that were not found, with the path where there is one.
    pub failed: Vec<(&'static str, Vec<String>)>,
    /// What comes about at last, in every fair run.
    pub kept: Vec<&'static str>,
    /// What does not.
    pub broken: Vec<(&'static str, Broken)>,
}

impl Explored {
    /// Whether everything holds.
    pub fn holds(&self) -> bool {
        self.failed.is_empty() && self.broken.is_empty()
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "model {}: {} states, depth {}, {} properties",
            self.model,
            self.unique_states,
            self.depth,
            self.held.len() + self.failed.len() + self.kept.len() + self.broken.len()
        )?;
        for name in &self.held {
            writeln!(f, "  holds   {name}")?;
        }
        for (name, path) in &self.failed {
            writeln!(f, "  FAILS   {name}")?;
            for (number, step) in path.iter().enumerate() {
                writeln!(f, "            {:>2}  {step}", number + 1)?;
            }
        }
        for name in &self.kept {
            writeln!(f, "  at last {name}")?;
        }
        for (name, broken) in &self.broken {
            writeln!(f, "  FAILS   {name}")?;
            write!(f, "{broken}")?;
        }
        Ok(())
    }
}

/// A run that shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// There is nothing to explore.
    #[error("the model has no initial state, or only that one: nothing was explored")]
    Empty,
    /// stateright and the search of our own do not agree on what there is.
    #[error("stateright found {0} states, a search of our own {1}: neither count can be trusted")]
    Disagreement(usize, usize),
    /// Nothing is demanded.
    #[error("the model has no property that must always hold: a pass would mean nothing")]
    NothingDemanded,
}

/// Visits every state.
///
/// # Errors
/// If the run would show nothing.
pub fn check(model: SessionModel) -> Result<Explored, CheckError> {
    let properties = model.properties();
    if !properties.iter().any(|p| matches!(p.expectation, Expectation::Always)) {
        return Err(CheckError::NothingDemanded);
    }
    let name = model.name;
    let searched = search(&model);
    let promised = keep_promises(&model, searched.states)?;
    let checker = model.checker().threads(2).spawn_bfs().join();
    if checker.unique_state_count() < 2 {
        return Err(CheckError::Empty);
    }
    if checker.unique_state_count() != searched.states {
        return Err(CheckError::Disagreement(checker.unique_state_count(), searched.states));
    }
    let discoveries = checker.discoveries();
    let mut explored = Explored {
        model: name,
        unique_states: checker.unique_state_count(),
        // stateright's own depth depends on which thread came first.
        depth: searched.depth,
        bound: searched.bound,
        held: Vec::new(),
        failed: Vec::new(),
        kept: Vec::new(),
        broken: Vec::new(),
    };
    for (promise, kept) in promised {
        match kept {
            Ok(()) => explored.kept.push(promise),
            Err(broken) => explored.broken.push((promise, broken)),
        }
    }
    for property in properties {
        let found = discoveries.get(property.name);
        let holds = match property.expectation {
            Expectation::Always | Expectation::Eventually => found.is_none(),
            Expectation::Sometimes => found.is_some(),
        };
        if holds {
            explored.held.push(property.name);
        } else {
            let path = found.map(|path| path.clone().into_actions()).unwrap_or_default();
            let steps = path.iter().map(|action| format!("{action:?}")).collect();
            explored.failed.push((property.name, steps));
        }
    }
    Ok(explored)
}

/// Visits one of all states that differ only in which client is which. What fails is named without a path.
///
/// # Errors
/// If the run would show nothing.
pub fn check_up_to_symmetry(model: &SessionModel) -> Result<Explored, CheckError> {
    let properties = model.properties();
    let mut wrong: Vec<bool> = properties.iter().map(|p| p.expectation == Expectation::Sometimes).collect();
    let searched = search_each(model, &one_of_all(model), &mut |state| {
        for (property, wrong) in properties.iter().zip(&mut wrong) {
            let holds = (property.condition)(model, state);
            match property.expectation {
                Expectation::Sometimes => *wrong &= !holds,
                Expectation::Always | Expectation::Eventually => *wrong |= !holds,
            }
        }
    });
    if searched.states < 2 {
        return Err(CheckError::Empty);
    }
    let (failed, held): (Vec<_>, Vec<_>) = properties.iter().zip(wrong).partition(|(_, wrong)| *wrong);
    Ok(Explored {
        model: model.name,
        unique_states: searched.states,
        depth: searched.depth,
        bound: searched.bound,
        held: held.into_iter().map(|(property, _)| property.name).collect(),
        failed: failed.into_iter().map(|(property, _)| (property.name, Vec::new())).collect(),
        kept: Vec::new(),
        broken: Vec::new(),
    })
}

/// A promise's name, and whether it is kept.
type Promised = (&'static str, Result<(), Broken>);

/// Holds what must come about at last against the whole graph, where the model promises anything.
fn keep_promises(model: &SessionModel, states: usize) -> Result<Vec<Promised>, CheckError> {
    let promises = model.cast.promises;
    if promises.is_empty() {
        return Ok(Vec::new());
    }
    let graph = Graph::of(model);
    if graph.len() != states {
        return Err(CheckError::Disagreement(graph.len(), states));
    }
    Ok(promises.iter().map(|promise| (promise.name, graph.holds(model, promise))).collect())
}

/// The first property that fails, if any does: for twins, which are known to be broken and need no whole run.
pub fn first_failure(model: SessionModel) -> Option<&'static str> {
    let never: Vec<_> =
        model.properties().into_iter().filter(|p| matches!(p.expectation, Expectation::Always)).collect();
    let checker = model.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let found = checker.discoveries();
    never.into_iter().map(|property| property.name).find(|name| found.contains_key(name))
}

/// Serves the Explorer until the process is interrupted.
pub fn explore(model: SessionModel, address: SocketAddr) {
    model.checker().serve(address);
}

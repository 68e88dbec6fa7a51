//! From the rules to programs: what to prepare, what to do, what to look at afterwards.
//!
//! The planner walks the specification and knows no rule of its own. It asks [`offers`](mapi_session_spec::offers)
//! what a call may answer, [`alphabet`](mapi_session_spec::alphabet) which calls are worth making, and the arms
//! which of them could convict. Observers are prepared before the edge they watch: every question is asked once
//! before, so that the same question afterwards can show a difference.

mod draft;
mod families;
mod smoke;

use std::collections::HashSet;

use draft::Draft;
use mapi_session_spec::rule::{Demand, Rules};
use rustc_hash::FxBuildHasher;

use crate::program::Program;

/// Which traces to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub enum Suite {
    /// Every decision of the rules at least once, in at most 1,000 calls.
    Smoke,
    /// Every prepared state, every call, everything that can observe the difference.
    Full,
}

impl Suite {
    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Full => "full",
        }
    }
}

/// What the programs are made for.
#[derive(Debug, Clone, Copy)]
pub struct Brief<'r> {
    /// The rules.
    pub rules: &'r Rules,
    /// Level and era.
    pub demand: Demand,
    /// Whether calls may carry a flag that lets the subject wait for a person.
    pub ui: bool,
}

/// How much is asked before an edge and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Observing {
    /// Every question.
    Everything,
    /// One that opens an object, and one that does not.
    Least,
}

/// One program, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Planned {
    /// What to run.
    pub program: Program,
    /// The arms that will bear on it if the subject takes the usual branches: what it can show, ascending.
    pub aims: Vec<u16>,
    /// It shows what needs a past, which a process has only once: it runs in a process of its own.
    pub alone: bool,
}

/// The programs of a suite, each different, in a fixed order.
pub fn plan(brief: Brief, suite: Suite) -> Vec<Planned> {
    let observing = match suite {
        Suite::Full => Observing::Everything,
        Suite::Smoke => Observing::Least,
    };
    let mut all = families::all(brief, observing);
    let mut seen: HashSet<&Program, FxBuildHasher> = HashSet::default();
    let new: Vec<bool> = all.iter().map(|planned| seen.insert(&planned.program)).collect();
    let mut new = new.into_iter();
    all.retain(|_| new.next().unwrap_or(true));
    match suite {
        Suite::Full => all,
        Suite::Smoke => smoke::select(all),
    }
}

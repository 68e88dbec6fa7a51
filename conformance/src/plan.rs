//! From the rules to programs: what to prepare, what to do, what to look at afterwards.
//!
//! The planner walks the specification and knows no rule of its own. It asks [`offers`](mapi_session_spec::offers)
//! what a call may answer, [`alphabet`](mapi_session_spec::alphabet) which calls are worth making, and the arms
//! which of them could convict. Observers are prepared before the edge they watch: every question is asked once
//! before, so that the same question afterwards can show a difference.

mod draft;
mod families;
mod races;
mod smoke;

use draft::Draft;
use mapi_session_spec::rule::{Demand, Rules};
pub(crate) use races::draw_pauses;

use crate::alike::first_alike;
use crate::program::Program;

/// Which traces to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub enum Suite {
    /// Every decision of the rules at least once, in at most 1,000 calls.
    Smoke,
    /// Every prepared state, every call, everything that can observe the difference.
    Full,
    /// Calls on real threads that overlap, again and again.
    Race,
}

impl Suite {
    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Full => "full",
            Self::Race => "race",
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
    /// How races are repeated.
    pub repeats: Repeats,
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
    /// If the subject takes the usual branches, some session does not log off: it may live on.
    pub leaves_a_ghost: bool,
    /// It is one round of a race: which one, and the number of the round.
    pub race: Option<Round>,
}

/// One round of a race: the same calls as in the others, with other pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Round {
    /// What races with what.
    pub race: &'static str,
    /// Its number, from 0.
    pub number: u32,
}

/// How races are repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeats {
    /// How often each race is run.
    pub rounds: u32,
    /// What the pauses are drawn with.
    pub seed: u64,
}

impl Default for Repeats {
    fn default() -> Self {
        Self { rounds: 1_500, seed: 0 }
    }
}

/// The programs of a suite, in a fixed order, each different unless it is one round of a race.
pub fn plan(brief: Brief, suite: Suite) -> Vec<Planned> {
    let mut all = match suite {
        Suite::Full => distinct(families::all(brief)),
        Suite::Smoke => {
            let mut tours = Vec::new();
            families::tours(&Draft::new(brief, Observing::Least), &mut tours);
            smoke::select(&tours, distinct(families::least(brief)))
        }
        Suite::Race => races::all(brief),
    };
    // What is left on may haunt whatever runs after it in its process.
    all.sort_by_key(|planned| planned.leaves_a_ghost);
    all
}

fn distinct(mut all: Vec<Planned>) -> Vec<Planned> {
    let first = first_alike(&all, |planned| &planned.program);
    let mut new = first.into_iter().enumerate().map(|(place, first)| place == first);
    all.retain(|_| new.next().unwrap_or(true));
    all
}

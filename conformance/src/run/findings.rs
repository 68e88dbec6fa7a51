//! What a run came to: a status for every requirement, and the deviations.

use std::collections::{BTreeMap, BTreeSet};

use mapi_session_spec::dialect::Dialect;
use mapi_session_spec::event::{Call, Event, call_with};
use mapi_session_spec::judge::{Deviation, Kind, Verdict};
use mapi_session_spec::requirement::{self, Observable, RequirementId};
use mapi_session_spec::rule::{Arm, Demand};
use mapi_session_spec::{Level, Party};

use super::evidence::Evidence;
use super::past::leave_one_that_may_be_kept;
use super::{Ran, Request, consequences};
use crate::report::words;

/// What became of one requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// It bore on something that could have broken it, and nothing did.
    Passed,
    /// It was broken.
    Failed,
    /// Nothing that ran put it to the test.
    NotExercised,
    /// The level does not demand it.
    Undecided,
    /// It was put to the test and could not be decided.
    Inconclusive,
    /// It was broken, and the vendor has accepted that.
    Waived,
    /// Nobody can see it at this boundary.
    NotObservable,
}

impl Status {
    /// Every status, in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::Passed,
        Self::Failed,
        Self::NotExercised,
        Self::Undecided,
        Self::Inconclusive,
        Self::Waived,
        Self::NotObservable,
    ];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotExercised => "not-exercised",
            Self::Undecided => "undecided",
            Self::Inconclusive => "inconclusive",
            Self::Waived => "waived",
            Self::NotObservable => "not-observable",
        }
    }
}

/// One requirement in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequirementStatus {
    /// Which.
    pub id: RequirementId,
    /// What became of it.
    pub status: Status,
    /// In how many traces it bore on an observation.
    pub traces: usize,
}

/// One deviation in a report.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The requirement broken.
    pub requirement: RequirementId,
    /// Who broke it.
    pub blame: Party,
    /// What kind of fault.
    pub kind: Kind,
    /// What was allowed.
    pub allowed: Vec<String>,
    /// What came.
    pub observed: String,
    /// The requirements whose breach is a mere consequence.
    pub follows: Vec<RequirementId>,
    /// The trace, and what decided.
    pub evidence: Evidence,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Findings {
    /// Level and era.
    pub demand: Demand,
    /// What the subject was seen to offer.
    pub dialect: Dialect,
    /// Every requirement in scope, ascending.
    pub requirements: Vec<RequirementStatus>,
    /// The deviations, by requirement.
    pub deviations: Vec<Finding>,
    /// The places of the rules that some trace seemed to break, shown again or not.
    pub suspected: BTreeSet<usize>,
    /// Traces run.
    pub traces: usize,
    /// Calls made.
    pub calls: usize,
    /// The calls that did not come back where the caller is to blame or no rule decides, and in how many traces each.
    pub forfeited_by: BTreeMap<String, usize>,
    /// Rules that the plan aimed at, and those of them that bore on an observation.
    pub goals: (usize, usize),
    /// What could not be decided, each reason once.
    pub inconclusive: Vec<String>,
}

impl Findings {
    pub(super) fn new(
        request: &Request,
        ran: &[Ran],
        verdicts: &[&Verdict],
        dialect: Dialect,
        evidence: BTreeMap<RequirementId, Option<Evidence>>,
    ) -> Self {
        let arms = request.rules.arms();
        let bound = traces_that_bound(arms, verdicts);
        let mut undecided_here: BTreeSet<RequirementId> = BTreeSet::new();
        let mut inconclusive: BTreeSet<String> = BTreeSet::new();
        for verdict in verdicts {
            for open in &verdict.inconclusive {
                // What a planned trace leaves owed is asked again by the traces that settle.
                if open.requirement.is_none() {
                    inconclusive.insert(open.why.to_owned());
                }
            }
        }
        let anything_shown = evidence.values().any(Option::is_some);
        for (id, evidence) in &evidence {
            if evidence.is_none()
                && !was_only_slow(*id, verdicts)
                && !met_one_that_may_have_been_kept(*id, ran, verdicts)
            {
                undecided_here.insert(*id);
                if !anything_shown {
                    let why = format!("{id} looked broken once, and could not be shown again");
                    inconclusive.insert(why);
                }
            }
        }
        let mut is_aimed = vec![false; arms.len()];
        for arm in request.planned.iter().flat_map(|planned| &planned.aims) {
            is_aimed[usize::from(*arm)] = true;
        }
        let mut is_reached = vec![false; arms.len()];
        for arm in alike(verdicts).flat_map(|alike| &alike[0].bound) {
            is_reached[*arm] = true;
        }
        let aimed = is_aimed.iter().filter(|aimed| **aimed).count();
        let reached =
            is_aimed.iter().zip(&is_reached).filter(|(aimed, reached)| **aimed && **reached).count();
        let demanded: BTreeSet<RequirementId> =
            request.rules.demanded(request.demand).map(|(_, arm)| arm.requirement).collect();
        let failed: BTreeMap<RequirementId, Evidence> =
            evidence.into_iter().filter_map(|(id, evidence)| evidence.map(|e| (id, e))).collect();
        let mut ids: BTreeSet<RequirementId> =
            requirement::catalogue().filter(|r| r.in_scope).map(|r| r.id).collect();
        // A rule of the tester's own, added for one run, is reported like the rest.
        ids.extend(arms.iter().map(|arm| arm.requirement).filter(|id| requirement::find(*id).is_none()));
        let requirements = ids
            .into_iter()
            .map(|id| {
                let traces = bound.get(&id).copied().unwrap_or(0);
                let observable = requirement::find(id).is_none_or(|r| r.observable == Observable::Boundary);
                let status = match () {
                    () if failed.contains_key(&id) => Status::Failed,
                    () if !observable => Status::NotObservable,
                    () if undecided_here.contains(&id) => Status::Inconclusive,
                    () if !demanded.contains(&id) => Status::Undecided,
                    () if traces > 0 && (request.selected)(id) => Status::Passed,
                    () => Status::NotExercised,
                };
                RequirementStatus { id, status, traces }
            })
            .collect();
        let deviations = accuse_once(request, failed);
        Self {
            demand: request.demand,
            dialect,
            requirements,
            deviations,
            suspected: verdicts.iter().flat_map(|v| &v.deviations).map(|deviation| deviation.arm).collect(),
            traces: ran.len(),
            calls: ran.iter().map(|ran| ran.observed.calls).sum(),
            forfeited_by: forfeited_by(ran, verdicts),
            goals: (aimed, reached),
            inconclusive: inconclusive.into_iter().collect(),
        }
    }

    /// The same, of a run that so many programs were left out of, because the subject's process kept dying.
    #[must_use]
    pub(super) fn without(mut self, programs: usize) -> Self {
        if programs > 0 {
            self.inconclusive
                .push(format!("{programs} traces were not run, for the subject's process keeps dying"));
        }
        self
    }

    /// How many traces ended so that what would have come after says nothing.
    pub fn forfeited(&self) -> usize {
        self.forfeited_by.values().sum()
    }

    /// How many requirements have this status.
    pub fn count(&self, status: Status) -> usize {
        self.requirements.iter().filter(|r| r.status == status).count()
    }

    /// The levels, up to the one run, at which nothing deviates.
    pub fn conforms_at(&self) -> Vec<Level> {
        let levels = Level::ALL.into_iter().filter(|level| *level <= self.demand.level);
        levels.filter(|level| self.deviations.iter().all(|d| !d.evidence.levels.contains(level))).collect()
    }

    /// Whether all of the plan was run and decided.
    pub fn is_complete(&self) -> bool {
        self.inconclusive.is_empty() && self.count(Status::Passed) + self.count(Status::Failed) > 0
    }
}

/// The verdicts in runs of those on which the same rules bore, as they mostly do on neighbours.
fn alike<'a, 'b>(verdicts: &'a [&'b Verdict]) -> impl Iterator<Item = &'a [&'b Verdict]> {
    verdicts.chunk_by(|one, next| one.bound == next.bound)
}

/// In how many traces each requirement bound, by whichever of its rules.
fn traces_that_bound(arms: &[Arm], verdicts: &[&Verdict]) -> BTreeMap<RequirementId, usize> {
    let mut ids: Vec<RequirementId> = arms.iter().map(|arm| arm.requirement).collect();
    ids.sort_unstable();
    ids.dedup();
    let places: Vec<usize> =
        arms.iter().map(|arm| ids.binary_search(&arm.requirement).unwrap_or_default()).collect();
    let mut counts = vec![0; ids.len()];
    let mut last_counted = vec![usize::MAX; ids.len()];
    for (number, alike) in alike(verdicts).enumerate() {
        for arm in &alike[0].bound {
            let place = places[*arm];
            if last_counted[place] != number {
                last_counted[place] = number;
                counts[place] += alike.len();
            }
        }
    }
    ids.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect()
}

/// The calls that did not come back in the traces that were forfeited.
fn forfeited_by(ran: &[Ran], verdicts: &[&Verdict]) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for (ran, _) in ran.iter().zip(verdicts).filter(|(_, verdict)| verdict.forfeited) {
        let events = ran.observed.events();
        let gone = events.iter().find_map(|event| match event {
            Event::Return { id, outcome } if !outcome.came_back() => Some((id, outcome)),
            _ => None,
        });
        let name = gone.and_then(|(id, outcome)| {
            Some(format!("{}: {}", call_with(*id, &events)?.name(), words::outcome(outcome)))
        });
        *all.entry(name.unwrap_or_else(|| "between calls".to_owned())).or_default() += 1;
    }
    all
}

/// Only the clock accused, and with ten times the patience it did not.
fn was_only_slow(id: RequirementId, verdicts: &[&Verdict]) -> bool {
    let mut mine = verdicts.iter().flat_map(|v| &v.deviations).filter(|d| d.requirement == id);
    mine.all(|d| d.kind == Kind::Hang || super::rests_on_waiting(d.kind))
}

/// Only logons accused, that came in their processes after a session that may have been kept, and alone they did not.
fn met_one_that_may_have_been_kept(id: RequirementId, ran: &[Ran], verdicts: &[&Verdict]) -> bool {
    let logs_on = |trace: usize, deviation: &Deviation| {
        let events = ran[trace].observed.events();
        let call = deviation.call.and_then(|call| call_with(call, &events).copied());
        matches!(call, Some(Call::LogonEx { .. }))
    };
    let mine = verdicts.iter().enumerate().flat_map(|(trace, verdict)| {
        verdict.deviations.iter().filter(|d| d.requirement == id).map(move |deviation| (trace, deviation))
    });
    let mut checked: BTreeMap<usize, bool> = BTreeMap::new();
    mine.into_iter().all(|(trace, deviation)| {
        let process = ran[trace].process;
        // The first of them in a process decides for the others.
        let met = checked.entry(process).or_insert_with(|| {
            leave_one_that_may_be_kept(ran[..trace].iter().filter(|earlier| earlier.process == process))
        });
        *met && logs_on(trace, deviation)
    })
}

/// One fault is accused once; what follows from it is listed with it.
fn accuse_once(request: &Request, mut failed: BTreeMap<RequirementId, Evidence>) -> Vec<Finding> {
    let arms = request.rules.arms();
    consequences::of_each(arms, &failed)
        .into_iter()
        .filter_map(|(id, follows)| {
            let evidence = failed.remove(&id)?;
            let arm = &arms[evidence.deviation.arm];
            Some(Finding {
                requirement: id,
                blame: evidence.deviation.blame,
                kind: evidence.deviation.kind,
                allowed: vec![arm.demands.to_owned()],
                observed: words::observed(&evidence.events, &evidence.deviation),
                follows: follows.into_iter().collect(),
                evidence,
            })
        })
        .collect()
}

//! From programs to findings: run, infer the dialect, judge, confirm, minimise.

mod consequences;
mod evidence;
mod findings;
mod judging;
mod past;
mod processes;
mod quarantine;

use std::collections::{BTreeMap, HashSet};
use std::panic::resume_unwind;
use std::time::Duration;

use mapi_session_spec::dialect::{self, Dialect};
use mapi_session_spec::event::{Call, Event};
use mapi_session_spec::flags::EventMask;
use mapi_session_spec::judge::{Deviation, Kind, Verdict};
use mapi_session_spec::outcome::Ending;
use mapi_session_spec::requirement::RequirementId;
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::OwedKind;

pub use evidence::Evidence;
use evidence::{confirm, confirm_with_its_past, with_plain_arguments};
pub use findings::{Finding, Findings, RequirementStatus, Status};
use judging::{Judging, Showing, judged};
pub use past::Past;
use processes::Parts;
pub use processes::run_all;

use crate::isolation::parent::{Observed, Setting, SharedSymbols};
use crate::plan::Planned;
use crate::program::Action;

/// Why nothing could be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTested {
    /// The subject does not load.
    #[error("the subject could not be loaded: {0}")]
    NotLoaded(String),
    /// What came from the subject's process makes no sense.
    #[error("the subject's process broke the protocol: {0}")]
    Broken(String),
    /// No logon succeeded.
    #[error("no logon succeeded: {0}")]
    NoLogon(String),
}

/// What was run of one program.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Its place in the plan.
    pub program: usize,
    /// What was observed.
    pub observed: Observed,
    /// What ran before in its process.
    pub past: Past,
    /// The number of its process.
    pub process: usize,
}

/// Judges one trace of the session's.
pub fn judge(rules: &Rules, demand: Demand, dialect: Dialect, past: Past, events: &[Event]) -> Verdict {
    judged(rules, demand, past.start(dialect), events).verdict()
}

/// The dialect that the traces show.
pub fn dialect_of(ran: &[Ran]) -> Dialect {
    let those_that_speak = ran.iter().map(|ran| &ran.observed).filter(|observed| observed.speaks);
    dialect::infer(those_that_speak.map(Observed::events))
}

/// Whether any logon succeeded, if one was planned; the answer to the first legal one otherwise.
fn first_logon(planned: &[Planned], ran: &[Ran]) -> Result<(), NotTested> {
    let logs_on = |step: &crate::program::Kept| matches!(step.action, Action::Call(Call::LogonEx { .. }));
    if !planned.iter().any(|planned| planned.program.steps.iter().any(logs_on)) {
        return Ok(());
    }
    let mut refused = None;
    let mut by_another_way = None;
    for trace in ran {
        let mut logons = Vec::new();
        for event in trace.observed.events() {
            match event {
                Event::Call { id, call: Call::LogonEx { profile, .. }, .. } => logons.push((id, profile)),
                Event::Return { id, outcome } => {
                    let logon = logons.iter().find(|(logon, _)| *logon == id);
                    if let Some((_, profile)) = logon {
                        if outcome.succeeded() && outcome.gave_object() {
                            return Ok(());
                        }
                        let said = || match outcome.ending {
                            Ending::Returned(_) => {
                                format!("MAPILogonEx answered {}", crate::report::words::outcome(&outcome))
                            }
                            _ => format!("MAPILogonEx: {}", crate::report::words::outcome(&outcome)),
                        };
                        // A trace that leaves MAPIInitialize out on purpose says nothing of the profile.
                        if outcome.is(mapi_session_spec::hresult::HResult::MAPI_E_NOT_INITIALIZED) {
                            by_another_way = by_another_way.or_else(|| Some(said()));
                        } else if *profile == mapi_session_spec::event::Profile::Named {
                            refused = refused.or_else(|| Some(said()));
                        } else {
                            by_another_way = by_another_way.or_else(|| Some(said()));
                        }
                    }
                }
                _ => {}
            }
        }
    }
    let died = || match ran.last().and_then(|ran| ran.observed.events().pop()) {
        Some(Event::Return { outcome, .. }) if !outcome.came_back() => {
            format!("before any logon, {}", crate::report::words::outcome(&outcome))
        }
        _ => "none was made".into(),
    };
    Err(NotTested::NoLogon(refused.or(by_another_way).unwrap_or_else(died)))
}

/// What a run is asked to do.
pub struct Request<'a> {
    /// How the child is run.
    pub setting: &'a Setting,
    /// The rules.
    pub rules: &'a Rules,
    /// Level and era.
    pub demand: Demand,
    /// The programs.
    pub planned: &'a [Planned],
    /// What the pauses of races were drawn with, for the report.
    pub seed: u64,
    /// Which requirements are held.
    pub selected: &'a (dyn Fn(RequirementId) -> bool + Sync),
}

/// Runs, judges, confirms and minimises.
///
/// # Errors
/// If nothing could be judged.
pub fn run(request: &Request, progress: &mut dyn FnMut(usize, usize)) -> Result<Findings, NotTested> {
    let planned = request.planned;
    let races_from = planned.iter().position(|planned| planned.race.is_some()).unwrap_or(planned.len());
    let symbols = SharedSymbols::default();
    let mut parts = Parts::new(request.setting, planned, &symbols);
    let mut judging = Judging::new(request, &symbols);
    let mut ran = parts.run(0..races_from, progress, &mut |from, shown| judging.foresee(from, shown))?;
    if races_from > 0 {
        first_logon(planned, &ran)?;
    }
    let mut evidence = BTreeMap::new();
    let (mut next, mut length) = (races_from, FIRST_ROUNDS);
    let mut shown_without_a_race = None;
    loop {
        let dialect = dialect_of(&ran);
        let verdicts = judging.verdicts(&ran, dialect);
        collect_evidence(request, &ran, &verdicts, dialect, &mut evidence);
        // Once a race has shown something, the next would show it again. What needed no race says nothing of races.
        let shown = evidence.values().flatten().count();
        let not_run = next - how_many_ran(&ran);
        if not_run > 0 && shown == 0 {
            return Err(NotTested::Broken("the subject's process keeps dying".into()));
        }
        let is_over = next == planned.len() || not_run > 0;
        if is_over || shown > *shown_without_a_race.get_or_insert(shown) {
            first_logon(planned, &ran)?;
            return Ok(Findings::new(request, &ran, &verdicts, dialect, evidence).without(not_run));
        }
        let end = (next + length).min(planned.len());
        let before = ran.len();
        let mut foresee = |from, shown: &[Showing]| judging.foresee(before + from, shown);
        ran.extend(parts.run(next..end, progress, &mut foresee)?);
        (next, length) = (end, 2 * length);
    }
}

/// How many of the programs were run: some more than once, without the call that killed the subject.
fn how_many_ran(ran: &[Ran]) -> usize {
    ran.iter().map(|ran| ran.program).collect::<HashSet<_>>().len()
}

/// How many rounds are run before they are looked at for the first time; then twice as many, and so on.
const FIRST_ROUNDS: usize = 256;

/// How many requirements' suspects are waited for together.
const WAITED_FOR_AT_ONCE: usize = 8;

/// One confirmed piece of evidence for each requirement that a trace seems to break, where it can be had, besides what is
/// known already.
fn collect_evidence(
    request: &Request,
    ran: &[Ran],
    verdicts: &[&Verdict],
    dialect: Dialect,
    known: &mut BTreeMap<RequirementId, Option<Evidence>>,
) {
    let mut suspects: BTreeMap<RequirementId, Vec<(usize, Deviation)>> = BTreeMap::new();
    for (i, verdict) in verdicts.iter().enumerate() {
        for deviation in &verdict.deviations {
            // What was waited for in vain to show again is not waited for once more.
            let is_known = known
                .get(&deviation.requirement)
                .is_some_and(|evidence| evidence.is_some() || rests_on_waiting(deviation.kind));
            if (request.selected)(deviation.requirement) && !is_known {
                suspects.entry(deviation.requirement).or_default().push((i, *deviation));
            }
        }
    }
    for traces in suspects.values_mut() {
        // What the lowest level demands says most. Short traces first, those that end the process last: they cost a
        // process each.
        traces.sort_by_key(|(i, d)| {
            let level = request.rules.arms()[d.arm].level;
            (d.kind == Kind::Hang, level, ran[*i].observed.trace().len(), *i)
        });
    }
    let mut evidence = confirm_each(request, ran, dialect, &suspects);
    // What shows only after other traces is looked into where nothing shows by itself: a subject that is broken
    // elsewhere may have left its process in any state.
    if evidence.values().all(Option::is_none) {
        for (requirement, traces) in &suspects {
            let found = confirm_with_its_past(request, ran, verdicts, dialect, traces);
            evidence.insert(*requirement, found);
        }
    }
    let plainer = evidence.values().flatten().filter_map(|one| with_plain_arguments(request, dialect, one));
    for plain in plainer.collect::<Vec<_>>() {
        let known = evidence.entry(plain.deviation.requirement).or_default();
        if known.as_ref().is_none_or(|known| plain.events.len() < known.events.len()) {
            *known = Some(plain);
        }
    }
    known.extend(evidence);
}

/// Confirms what it can of each requirement's suspects. What is waited for is waited for together: it takes time and no
/// processor.
fn confirm_each(
    request: &Request,
    ran: &[Ran],
    dialect: Dialect,
    suspects: &BTreeMap<RequirementId, Vec<(usize, Deviation)>>,
) -> BTreeMap<RequirementId, Option<Evidence>> {
    let waits = |traces: &[(usize, Deviation)]| {
        let alone = request.setting.has_a_process_of_its_own();
        let steady = |i: usize| !request.planned[ran[i].program].program.races();
        alone && traces.iter().all(|(i, d)| steady(*i) && (rests_on_waiting(d.kind) || d.kind == Kind::Hang))
    };
    let (waiting, others): (Vec<_>, Vec<_>) = suspects.iter().partition(|(_, traces)| waits(traces));
    let mut evidence = BTreeMap::new();
    for some in waiting.chunks(WAITED_FOR_AT_ONCE) {
        std::thread::scope(|scope| {
            let threads: Vec<_> = some
                .iter()
                .map(|(id, traces)| scope.spawn(move || (**id, confirm(request, ran, dialect, traces))))
                .collect();
            evidence
                .extend(threads.into_iter().map(|t| t.join().unwrap_or_else(|panic| resume_unwind(panic))));
        });
    }
    evidence.extend(others.into_iter().map(|(id, traces)| (*id, confirm(request, ran, dialect, traces))));
    evidence
}

/// Whether this is the fault again: the same kind of breach of the same requirement, and no level that allowed the first
/// allows it.
fn is_again(rules: &Rules, again: &Deviation, first: &Deviation) -> bool {
    let level = |deviation: &Deviation| rules.arms()[deviation.arm].level;
    again.requirement == first.requirement && again.kind == first.kind && level(again) <= level(first)
}

/// Whether the fault is that something had not come, or not been given back, by the time the subject had settled,
/// or came again afterwards, or late.
const fn rests_on_waiting(kind: Kind) -> bool {
    matches!(kind, Kind::MissingCallback | Kind::Lifetime) || kind.may_be_of_before()
}

/// Whether it is not the last settling alone that decides: something was heard, and how much an announcement brings shows
/// only where every Logoff is listened to in full.
fn rests_on_every_settling(deviation: &Deviation) -> bool {
    match deviation.kind {
        Kind::MissingCallback => {
            matches!(deviation.debt, Some(OwedKind::Told { heard, .. }) if heard != EventMask(0))
        }
        kind => rests_on_waiting(kind),
    }
}

/// Ten times the patience, for what was not there the first time.
fn patient(setting: &Setting, deviation: &Deviation) -> Setting {
    let kind = deviation.kind;
    let mut patient = setting.clone();
    if kind == Kind::Hang {
        patient.timeout = setting.timeout.map(|limit| limit * 10);
    }
    if rests_on_waiting(kind) {
        // Where something came, it is not waited for: only all that an announcement brings must have come.
        let came = kind != Kind::Lifetime && rests_on_every_settling(deviation);
        let times = if came { 3 } else { 10 };
        patient.settle = setting.settle.max(Duration::from_millis(1)) * times;
    }
    if kind != Kind::UnexpectedCallback && !kind.may_be_of_before() {
        // What comes after the end concerns only what must not come.
        patient.linger = Duration::ZERO;
    }
    patient
}

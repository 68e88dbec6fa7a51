//! From programs to findings: run, infer the dialect, judge, confirm, minimise.

mod evidence;
mod findings;
mod past;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mapi_session_spec::dialect::{self, Dialect};
use mapi_session_spec::event::{Call, Event};
use mapi_session_spec::judge::{Deviation, Judge, Kind, Verdict};
use mapi_session_spec::outcome::Ending;
use mapi_session_spec::requirement::{Family, RequirementId};
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::World;

pub use evidence::Evidence;
use evidence::{confirm, confirm_with_its_past};
pub use findings::{Finding, Findings, RequirementStatus, Status};
pub use past::Past;

use crate::isolation::parent::{self, BatchEnd, Observed, Setting};
use crate::plan::Planned;
use crate::program::{Action, Place, Program};

/// How many programs share one process.
const BATCH: usize = 50_000;
/// The same where `MAPIUninitialize` is left out because it kills the subject: what is left behind adds up.
const BATCH_WITHOUT_CLEANING: usize = 1_000;
/// How often a call may crash the subject in legal use before no further program makes it.
const CRASHES: u32 = 4;

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

/// Runs every program, in as many processes as it takes. Calls that kill the subject are left out after that, and
/// what a death cut off is run without them.
///
/// # Errors
/// If the subject cannot be loaded, or its process writes nonsense.
pub fn run_all(
    setting: &Setting,
    planned: &[Planned],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Ran>, NotTested> {
    run_some(setting, planned, 0..planned.len(), 0, progress)
}

/// The same, of these alone; their processes are numbered from `process` on.
fn run_some(
    setting: &Setting,
    planned: &[Planned],
    which: Range<usize>,
    mut process: usize,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Ran>, NotTested> {
    let mut ran: Vec<Ran> = Vec::with_capacity(which.len());
    let mut quarantine = Quarantine::default();
    let end = which.end;
    let mut queue: Queue = which.map(|i| (i, Cow::Borrowed(&planned[i].program))).collect();
    while !queue.is_empty() {
        let batch: Vec<(usize, Cow<Program>)> =
            queue.drain(..next_batch(planned, &queue, &quarantine)).collect();
        let result = parent::run(setting, &batch.iter().map(|(_, program)| &**program).collect::<Vec<_>>());
        let begun = result.observed.len();
        for (offset, observed) in result.observed.into_iter().enumerate() {
            ran.push(Ran {
                program: batch[offset].0,
                observed,
                past: Past::none(offset == 0 && setting.has_a_process_of_its_own()),
                process,
            });
        }
        process += 1;
        let mut again = Vec::new();
        match result.end {
            BatchEnd::Finished => {}
            BatchEnd::NotLoaded(why) => return Err(NotTested::NotLoaded(why)),
            BatchEnd::Broken(why) => return Err(NotTested::Broken(why)),
            BatchEnd::Died(last) => {
                let killed = ran.last().is_some_and(|ran| quarantine.note(&ran.observed, &batch[last].1));
                if !killed && quarantine.deaths > 100 {
                    return Err(NotTested::Broken("the subject's process keeps dying".into()));
                }
                let kept = quarantine.without_lethal(&batch[last].1);
                if killed && kept != *batch[last].1 {
                    again.push((batch[last].0, Cow::Owned(kept)));
                }
                again.extend(batch[begun..].iter().cloned());
                for (_, program) in again.iter_mut().chain(&mut queue) {
                    *program = Cow::Owned(quarantine.without_lethal(program));
                }
            }
        }
        for left in again.into_iter().rev() {
            queue.push_front(left);
        }
        progress(end.saturating_sub(queue.len()), planned.len());
    }
    Ok(ran)
}

/// Programs still to run, with their places in the plan.
type Queue<'a> = VecDeque<(usize, Cow<'a, Program>)>;

/// How many of the queue share the next process: one that needs a past of its own shares it with nobody.
fn next_batch(planned: &[Planned], queue: &Queue, quarantine: &Quarantine) -> usize {
    let most = if quarantine.leaves_things_behind() { BATCH_WITHOUT_CLEANING } else { BATCH };
    let sociable = queue.iter().take(most).take_while(|(program, _)| !planned[*program].alone).count();
    sociable.max(1)
}

/// A kind of call that kills the subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Lethal {
    name: String,
    after_logoff: bool,
    waits_for_a_person: bool,
    /// A callback waits for it, which makes a hang of what returns elsewhere.
    is_waited_for: bool,
}

impl Lethal {
    fn of(program: &Program, index: usize) -> Option<Self> {
        let Action::Call(call) = program.steps.get(index)?.action else { return None };
        let session = call.session();
        let after_logoff = session.is_some()
            && program.steps[..index].iter().any(
                |step| matches!(step.action, Action::Call(Call::Logoff { session: s, .. }) if Some(s) == session),
            );
        let waits_for_a_person = matches!(call, Call::Logoff { flags, .. }
            if flags.has(mapi_session_spec::flags::LogoffFlags::MAPI_LOGOFF_UI));
        let is_waited_for = matches!(program.steps[index].place, Place::WaitedFor(_));
        Some(Self { name: call.name(), after_logoff, waits_for_a_person, is_waited_for })
    }
}

/// The calls that no further program makes.
#[derive(Debug, Default)]
struct Quarantine {
    counts: HashMap<Lethal, u32>,
    deaths: u32,
}

impl Quarantine {
    /// `MAPIUninitialize` is made no more: what it would have cleaned up stays.
    fn leaves_things_behind(&self) -> bool {
        let mut lethal = self.counts.iter().filter(|(_, deaths)| **deaths >= CRASHES);
        lethal.any(|(lethal, _)| lethal.name == Call::Uninitialize.name())
    }

    /// Notes a death. Whether the call that died is quarantined from now on.
    fn note(&mut self, observed: &Observed, program: &Program) -> bool {
        self.deaths += 1;
        let Some(lethal) = observed.died_at.and_then(|index| Lethal::of(program, index)) else {
            return false;
        };
        let hung = observed
            .events
            .iter()
            .any(|event| matches!(event, Event::Return { outcome, .. } if outcome.ending == Ending::Hung));
        let weight = if hung || lethal.after_logoff || lethal.waits_for_a_person { CRASHES } else { 1 };
        let count = self.counts.entry(lethal).or_default();
        *count += weight;
        *count >= CRASHES
    }

    fn without_lethal(&self, program: &Program) -> Program {
        let mut kept = program.clone();
        for index in 0..kept.steps.len() {
            let lethal = Lethal::of(program, index);
            if lethal.is_some_and(|lethal| self.counts.get(&lethal).is_some_and(|n| *n >= CRASHES)) {
                // A place that never comes: the numbers of the other steps stay.
                kept.steps[index].place = Place::Inside(mapi_session_spec::event::SinkId(u16::MAX));
            }
        }
        kept
    }
}

/// Judges one trace of the session's.
pub fn judge(rules: &Rules, demand: Demand, dialect: Dialect, past: Past, events: &[Event]) -> Verdict {
    judged(rules, demand, past.start(dialect), events).verdict()
}

fn judged<'r>(rules: &'r Rules, demand: Demand, start: World, events: &[Event]) -> Judge<'r> {
    let mut judge = Judge::new(rules, demand, start, false);
    for event in events {
        judge.observe(event);
    }
    judge
}

/// The dialect that the traces show.
pub fn dialect_of(ran: &[Ran]) -> Dialect {
    dialect::infer(ran.iter().map(|ran| ran.observed.events.as_slice()))
}

/// Whether any logon succeeded, if one was planned; the answer to the first legal one otherwise.
fn first_logon(planned: &[Planned], ran: &[Ran]) -> Result<(), NotTested> {
    let logs_on = |step: &crate::program::Step| matches!(step.action, Action::Call(Call::LogonEx { .. }));
    if !planned.iter().any(|planned| planned.program.steps.iter().any(logs_on)) {
        return Ok(());
    }
    let mut refused = None;
    let mut by_another_way = None;
    for trace in ran {
        let mut logons = Vec::new();
        for event in &trace.observed.events {
            match event {
                Event::Call { id, call: Call::LogonEx { profile, .. }, .. } => logons.push((*id, *profile)),
                Event::Return { id, outcome } => {
                    let logon = logons.iter().find(|(logon, _)| logon == id);
                    if let Some((_, profile)) = logon {
                        if outcome.succeeded() && outcome.gave_object() {
                            return Ok(());
                        }
                        let said = || match outcome.ending {
                            Ending::Returned(_) => {
                                format!("MAPILogonEx answered {}", crate::report::words::outcome(outcome))
                            }
                            _ => format!("MAPILogonEx: {}", crate::report::words::outcome(outcome)),
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
    let died = || {
        let last = ran.last().and_then(|ran| ran.observed.events.last());
        match last {
            Some(Event::Return { outcome, .. }) if !outcome.came_back() => {
                format!("before any logon, {}", crate::report::words::outcome(outcome))
            }
            _ => "none was made".into(),
        }
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
    let mut ran = run_some(request.setting, planned, 0..races_from, 0, progress)?;
    if races_from > 0 {
        first_logon(planned, &ran)?;
    }
    let mut evidence = BTreeMap::new();
    let (mut next, mut length) = (races_from, FIRST_ROUNDS);
    let mut shown_without_a_race = None;
    loop {
        let dialect = dialect_of(&ran);
        let verdicts = judge_all(request, &ran, dialect);
        collect_evidence(request, &ran, &verdicts, dialect, &mut evidence);
        // Once a race has shown something, the next would show it again. What needed no race says nothing of races.
        let shown = evidence.values().flatten().count();
        if next == planned.len() || shown > *shown_without_a_race.get_or_insert(shown) {
            first_logon(planned, &ran)?;
            return Ok(Findings::new(request, &ran, &verdicts, dialect, evidence));
        }
        let end = (next + length).min(planned.len());
        let process = ran.last().map_or(0, |ran| ran.process + 1);
        ran.extend(run_some(request.setting, planned, next..end, process, progress)?);
        (next, length) = (end, 2 * length);
    }
}

/// How many rounds are run before they are looked at for the first time; then twice as many, and so on.
const FIRST_ROUNDS: usize = 256;

/// How many requirements' suspects are waited for together.
const WAITED_FOR_AT_ONCE: usize = 8;

/// How many traces a core judges at a time.
const JUDGED_AT_ONCE: usize = 512;

/// Judges every trace, on all cores. What a trace leaves behind bears on those that came after it in its process.
fn judge_all(request: &Request, ran: &[Ran], dialect: Dialect) -> Vec<Verdict> {
    let the_last_release_ends_it =
        request.rules.demanded(request.demand).any(|(_, arm)| arm.requirement == Family::Unk.id(14));
    let judge_one = |ran: &Ran, past: Past| {
        let judge = judged(request.rules, request.demand, past.start(dialect), &ran.observed.events);
        (judge.world.leaves_a_ghost(the_last_release_ends_it), judge.verdict())
    };
    let mut verdicts = on_all_cores(ran, &|ran| judge_one(ran, ran.past));
    // With a subject in this process all runs share it.
    let shares_all = !request.setting.has_a_process_of_its_own();
    let mut left_in = None;
    let mut haunted = Vec::new();
    for (i, (ran, (leaves_a_ghost, _))) in ran.iter().zip(&verdicts).enumerate() {
        if left_in.is_some_and(|process| shares_all || process == ran.process) {
            haunted.push(i);
        }
        if *leaves_a_ghost {
            left_in = Some(ran.process);
        }
    }
    let again = on_all_cores(&haunted, &|i| judge_one(&ran[*i], Past { haunted: true, ..ran[*i].past }));
    for (i, verdict) in haunted.into_iter().zip(again) {
        verdicts[i] = verdict;
    }
    verdicts.into_iter().map(|(_, verdict)| verdict).collect()
}

/// Does the same with each, in shares, in their order.
fn on_all_cores<T: Sync, R: Send>(all: &[T], one: &(dyn Fn(&T) -> R + Sync)) -> Vec<R> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let parts: Vec<&[T]> = all.chunks(JUDGED_AT_ONCE).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(turn) else { return done };
            done.push((turn, part.iter().map(one).collect::<Vec<R>>()));
        }
    };
    let mut done: Vec<(usize, Vec<R>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    done.sort_unstable_by_key(|(turn, _)| *turn);
    done.into_iter().flat_map(|(_, done)| done).collect()
}

/// One confirmed piece of evidence for each requirement that a trace seems to break, where it can be had, besides what is
/// known already.
fn collect_evidence(
    request: &Request,
    ran: &[Ran],
    verdicts: &[Verdict],
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
        // Short traces first, those that end the process last: they cost a process each.
        traces.sort_by_key(|(i, d)| (d.kind == Kind::Hang, ran[*i].observed.events.len(), *i));
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

/// Whether the fault is that something had not come, or not been given back, by the time the subject had settled,
/// or came again afterwards.
const fn rests_on_waiting(kind: Kind) -> bool {
    matches!(kind, Kind::MissingCallback | Kind::Lifetime | Kind::RepeatedCallback)
}

/// Ten times the patience, for what was not there the first time.
fn patient(setting: &Setting, kind: Kind) -> Setting {
    let mut patient = setting.clone();
    if kind == Kind::Hang {
        patient.timeout = setting.timeout.map(|limit| limit * 10);
    }
    if rests_on_waiting(kind) {
        // What came too often is not waited for: only what an earlier announcement brought must have come.
        let times = if kind == Kind::RepeatedCallback { 3 } else { 10 };
        patient.settle = setting.settle.max(Duration::from_millis(1)) * times;
    }
    if !matches!(kind, Kind::UnexpectedCallback | Kind::RepeatedCallback) {
        // What comes after the end concerns only what must not come.
        patient.linger = Duration::ZERO;
    }
    patient
}

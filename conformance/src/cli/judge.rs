//! `judge`: judge recorded traces, and name who broke what.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use mapi_session_spec::Party;
use mapi_session_spec::dialect::Inference;
use mapi_session_spec::event::{Call, CallId, Event, SessionId};
use mapi_session_spec::habit::{Habit, Habits};
use mapi_session_spec::judge::{Deviation, Judge, Verdict};
use mapi_session_spec::phase::Phases;
use mapi_session_spec::requirement;
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::{Before, World};
use serde_json::{Value, json};

use super::output::Format;
use super::{DemandArgs, RequireArgs};
use crate::failure::Failure;
use crate::report::words;
use crate::trace::{self, Events, ReadError, Trace};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Hold {
    Client,
    Session,
    Provider,
    All,
}

/// Judge recorded traces, and name who broke what.
#[derive(Debug, Args)]
pub(super) struct JudgeTraces {
    /// Traces, as JSON Lines.
    #[arg(required = true, value_name = "TRACE.jsonl")]
    traces: Vec<PathBuf>,
    /// Whose deviations decide the exit code.
    #[arg(long, value_enum, default_value = "all", help_heading = "Selection")]
    hold: Hold,
    #[command(flatten)]
    demand: DemandArgs,
    #[command(flatten)]
    require: RequireArgs,
    /// Judge a trace whose last line is cut off up to there.
    #[arg(long, help_heading = "Selection")]
    allow_truncated: bool,
    /// For each event, say what each session may be in from then on, which of that has become impossible, and the
    /// rules that bore on the event.
    #[arg(long, conflicts_with = "format", help_heading = "Reports")]
    explain: bool,
    /// What goes to standard output.
    #[arg(long, value_enum, default_value = "human", help_heading = "Reports")]
    format: Format,
}

/// Reads a trace file whole.
pub(super) fn read(path: &Path, allow_truncated: bool) -> Result<Trace, Failure> {
    let file = File::open(path).map_err(|error| cannot_open(path, &error))?;
    trace::read(BufReader::new(file), allow_truncated).map_err(|error| broken(path, error))
}

fn cannot_open(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Input {
        path: path.to_path_buf(),
        why: error.to_string(),
        mend: "name a file of JSON Lines, as `check --traces DIR` writes them".into(),
    }
}

fn broken(path: &Path, error: ReadError) -> Failure {
    Failure::Trace { path: path.to_path_buf(), error }
}

/// A trace file that is read twice: once for what it says of its subject, once to judge it.
struct Recording {
    path: PathBuf,
    /// What can be read only once, kept.
    kept: Option<tempfile::NamedTempFile>,
    allow_truncated: bool,
}

impl Recording {
    fn new(path: &Path, allow_truncated: bool) -> Result<Self, Failure> {
        let unreadable = |error: std::io::Error| cannot_open(path, &error);
        let is_a_file = std::fs::metadata(path).map_err(unreadable)?.is_file();
        let kept = if is_a_file {
            None
        } else {
            let mut kept = tempfile::NamedTempFile::new().map_err(unreadable)?;
            std::io::copy(&mut File::open(path).map_err(unreadable)?, &mut kept).map_err(unreadable)?;
            Some(kept)
        };
        Ok(Self { path: path.to_path_buf(), kept, allow_truncated })
    }

    fn events(&self) -> Result<Events<BufReader<File>>, Failure> {
        let path = self.kept.as_ref().map_or(self.path.as_path(), |kept| kept.path());
        let file = File::open(path).map_err(|error| cannot_open(&self.path, &error))?;
        let events = Events::new(BufReader::with_capacity(1 << 16, file), self.allow_truncated);
        events.map_err(|error| broken(&self.path, error))
    }

    /// The state in which each process of the recording starts: what its whole course says of the subject.
    fn starts(&self) -> Result<Vec<World>, Failure> {
        let mut inferences = vec![Inference::default()];
        let mut before = Before::default();
        let mut events = self.events()?;
        while let Some(event) = events.next() {
            let (event, _) = event.map_err(|error| broken(&self.path, error))?;
            let met = events.process.map_or(0, |process| process + 1);
            inferences.resize_with(inferences.len().max(met), Inference::default);
            match events.process {
                Some(process) => inferences[process].observe(&event),
                None => inferences.iter_mut().for_each(|inference| inference.observe(&event)),
            }
            before.observe(&event);
        }
        let before: Vec<SessionId> = before.sessions().collect();
        let several = inferences.len() > 1;
        let world = |inference: &Inference| {
            let mut world = World::default();
            world.process.dialect = inference.dialect();
            world.process.fresh = !events.header.attached;
            // Whether a shared session is seen in another process too, no document says.
            world.process.haunted = several;
            if events.header.attached {
                // What came before is unknown, not absent.
                world.attach(before.iter().copied());
            }
            world
        };
        Ok(inferences.iter().map(world).collect())
    }
}

/// How many deviations of one trace are kept and told: a client that does the same wrong a million times over is known
/// by the first of them.
const TOLD: usize = 1_000;

/// One deviation, in words while its events were at hand.
struct Told {
    deviation: Deviation,
    line: usize,
    observed: String,
}

/// What judging one recording came to.
struct Judged {
    demand: Demand,
    events: usize,
    complete: bool,
    told: Vec<Told>,
    /// Habits of known callers that break no rule, each with its line.
    advice: Vec<(usize, Habit)>,
    /// Deviations beyond those.
    more: usize,
    verdict: Verdict,
}

fn judge(
    recording: &Recording,
    rules: &Rules,
    demand_args: &DemandArgs,
    explaining: bool,
) -> Result<Judged, Failure> {
    let starts = recording.starts()?;
    let mut events = recording.events()?;
    let demand = demand_args.demand(events.header.era);
    let holds_client = !events.header.planned;
    // A judge for each process: MAPI is initialised, and sessions live, in one.
    let mut judges: Vec<Judge> =
        starts.into_iter().map(|world| Judge::new(rules, demand, world, holds_client)).collect();
    let mut calls: HashMap<CallId, Call> = HashMap::new();
    let (mut told, mut advice, mut more, mut count) = (Vec::new(), Vec::new(), 0, 0);
    let (mut gaps, mut habits) = (0, vec![Habits::default(); judges.len()]);
    while let Some(event) = events.next() {
        let (event, line) = event.map_err(|error| broken(&recording.path, error))?;
        if events.gaps > gaps {
            gaps = events.gaps;
            judges.iter_mut().for_each(Judge::lose_track);
        }
        if let Event::Call { id, call, .. } = event {
            calls.insert(id, call);
        }
        let concerned = events.process.map_or(0..judges.len(), |process| process..process + 1);
        for (judge, habits) in judges[concerned.clone()].iter_mut().zip(&mut habits[concerned]) {
            let before = if explaining { phases(&judge.world) } else { Vec::new() };
            judge.observe(&event);
            if explaining {
                let call = event.call_id().and_then(|id| calls.get(&id));
                super::output::print(&explained(judge, rules, &event, call, line, &before))?;
            }
            for deviation in judge.take_deviations() {
                if told.len() < TOLD {
                    let call = deviation.call.and_then(|id| calls.get(&id));
                    told.push(Told {
                        deviation,
                        line,
                        observed: words::observed_in(&event, call, &deviation),
                    });
                } else {
                    more += 1;
                }
            }
            if let Event::Return { id, outcome } = event
                && let Some(call) = calls.remove(&id)
                && advice.len() < TOLD
            {
                advice.extend(habits.of(&call, &outcome, &judge.world).map(|habit| (line, habit)));
            }
        }
        count += 1;
    }
    for judge in &mut judges {
        if events.gaps > gaps {
            judge.lose_track();
        }
        if !events.complete {
            judge.stops_short();
        }
    }
    let verdict = together(judges);
    Ok(Judged { demand, events: count, complete: events.complete, told, advice, more, verdict })
}

/// What the judges of all processes say.
fn together(judges: Vec<Judge>) -> Verdict {
    let mut all = Verdict::default();
    for verdict in judges.into_iter().map(Judge::verdict) {
        all.deviations.extend(verdict.deviations);
        all.bound.extend(verdict.bound);
        all.inconclusive.extend(verdict.inconclusive);
        all.forfeited |= verdict.forfeited;
    }
    all.bound.sort_unstable();
    all.bound.dedup();
    all
}

impl JudgeTraces {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let selected = self.require.selected();
        // A client's duties lie outside the rows that drive the session: they are held unless some are named.
        let everything = self.require_is_empty();
        let selected = if everything { None } else { Some(selected?) };
        let rules = Rules::documented();
        let mut worst = 0;
        let mut values = Vec::new();
        for path in &self.traces {
            let recording = Recording::new(path, self.allow_truncated)?;
            let mut judged_trace = judge(&recording, &rules, &self.demand, self.explain)?;
            let wanted =
                |told: &Told| selected.as_ref().is_none_or(|s| s.contains(&told.deviation.requirement));
            judged_trace.told.retain(wanted);
            let verdict = &judged_trace.verdict;
            let held = judged_trace.told.iter().any(|told| self.holds(told.deviation.blame));
            let open = verdict.inconclusive.iter().any(|open| {
                open.requirement.is_none_or(|id| {
                    let binds_the_client = rules.on(id).all(|arm| arm.check.holds_the_client());
                    self.holds(if binds_the_client { Party::Client } else { Party::Session })
                        && selected.as_ref().is_none_or(|s| s.contains(&id))
                })
            });
            // Nothing of what is held was put to the test: that is no pass.
            let judged = verdict.bound.iter().map(|arm| &rules.arms()[*arm]).any(|arm| {
                let holder = if arm.check.holds_the_client() { Party::Client } else { Party::Session };
                self.holds(holder) && selected.as_ref().is_none_or(|s| s.contains(&arm.requirement))
            });
            let code = match (held, open || !judged) {
                (true, _) => 1,
                (false, true) => 4,
                (false, false) => 0,
            };
            // A deviation outranks what is open, and both outrank conformance.
            worst = match (worst, code) {
                (1, _) | (_, 1) => 1,
                (4, _) | (_, 4) => 4,
                _ => 0,
            };
            if self.format == Format::Json {
                values.push(as_json(path, &judged_trace));
            } else {
                super::output::print(&as_text(path, &judged_trace, &rules))?;
            }
        }
        if self.format == Format::Json {
            let all = json!({"schema": "mapi-conform/judgement/1", "traces": values});
            super::output::print(&format!("{all:#}\n"))?;
        }
        Ok(worst)
    }

    fn require_is_empty(&self) -> bool {
        self.require.require.is_empty() && self.require.skip.is_empty()
    }

    fn holds(&self, party: Party) -> bool {
        match self.hold {
            Hold::All => true,
            Hold::Client => party == Party::Client,
            Hold::Session => party == Party::Session,
            Hold::Provider => party == Party::Provider,
        }
    }
}

/// What each session may be in.
fn phases(world: &World) -> Vec<(SessionId, Phases)> {
    world.all_sessions().map(|(id, session)| (id, session.phases)).collect()
}

/// Why the judge goes on as it does: an event, the rules that bore on it, and what it leaves possible.
fn explained(
    judge: &Judge,
    rules: &Rules,
    event: &Event,
    call: Option<&Call>,
    line: usize,
    before: &[(SessionId, Phases)],
) -> String {
    use std::fmt::Write as _;
    let mut text = format!("line {line}: {}\n", words::event(event, call));
    for (arm, kept) in judge.bore() {
        let arm = &rules.arms()[*arm];
        let verdict = if *kept { "kept  " } else { "BROKEN" };
        let _ = writeln!(text, "    {verdict}  {:<11} {}", arm.requirement.to_string(), arm.demands);
    }
    for (id, now) in phases(&judge.world) {
        let was = before.iter().find(|(known, _)| *known == id).map(|(_, phases)| *phases);
        if was == Some(now) {
            continue;
        }
        let list = |phases: Vec<String>| phases.join(" or ");
        let may_be = list(now.iter().map(|phase| phase.to_string()).collect());
        let gone: Vec<String> = was
            .map(|was| {
                was.iter().filter(|phase| !now.may_be(*phase)).map(|phase| phase.to_string()).collect()
            })
            .unwrap_or_default();
        let gone = if gone.is_empty() { String::new() } else { format!(", no longer {}", list(gone)) };
        let _ = writeln!(text, "    {id} is {may_be}{gone}");
    }
    text
}

/// The first deviation from each rule, and the lines of the others: who does the same wrong many times is told once.
fn by_rule(told: &[Told]) -> Vec<(&Told, Vec<usize>)> {
    let mut all: Vec<(&Told, Vec<usize>)> = Vec::new();
    for one in told {
        match all.iter_mut().find(|(first, _)| first.deviation.arm == one.deviation.arm) {
            Some((_, again)) => again.push(one.line),
            None => all.push((one, Vec::new())),
        }
    }
    all
}

/// Lines, in words: not more than can be read at a glance.
fn lines(all: &[usize]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = all.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = all.len().saturating_sub(SHOWN);
    let what = if all.len() == 1 { "in line" } else { "in lines" };
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{what} {}{rest}", shown.join(", "))
}

fn as_text(path: &Path, judged: &Judged, rules: &Rules) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let name = crate::text::harmless(&path.display().to_string());
    let demand = judged.demand;
    let _ = writeln!(text, "{name}: {} events, level {}, era {}", judged.events, demand.level, demand.era);
    for (Told { deviation, line, observed }, again) in by_rule(&judged.told) {
        let known = requirement::find(deviation.requirement);
        let title = known.map_or("", |r| r.name);
        let _ = writeln!(text, "\n{name}:{line}: deviation[{}]: {title}", deviation.requirement);
        let _ = writeln!(text, "  blame    the {}", deviation.blame);
        let _ = writeln!(text, "  allowed  {}", rules.arms()[deviation.arm].demands);
        let _ = writeln!(text, "  came     {observed} ({})", deviation.kind.name());
        for source in known.map_or(&[][..], |r| r.sources) {
            let _ = writeln!(text, "  source   {}, {}", source.document, source.section);
        }
        if !again.is_empty() {
            let _ = writeln!(text, "  again    {}", lines(&again));
        }
    }
    if judged.more > 0 {
        let _ = writeln!(text, "\n{} deviations more, which are not listed", judged.more);
    }
    for open in &judged.verdict.inconclusive {
        let what = open.requirement.map_or_else(String::new, |id| format!("{id}: "));
        let _ = writeln!(text, "inconclusive: {what}{}", open.why);
    }
    for (line, advice) in &judged.advice {
        let _ = writeln!(text, "{name}:{line}: advice: {advice}");
    }
    if judged.told.is_empty() {
        let bound = judged.verdict.bound.len();
        let _ = writeln!(text, "nothing deviates; {bound} rules were put to the test");
    }
    text
}

fn as_json(path: &Path, judged: &Judged) -> Value {
    let deviations: Vec<Value> = judged
        .told
        .iter()
        .map(|Told { deviation, line, observed }| {
            json!({
                "requirement": deviation.requirement.to_string(),
                "blame": deviation.blame.to_string(),
                "kind": deviation.kind.name(),
                "line": line,
                "observed": observed,
            })
        })
        .collect();
    json!({
        "trace": path.display().to_string(),
        "level": judged.demand.level.to_string(),
        "era": judged.demand.era.to_string(),
        "events": judged.events,
        "complete": judged.complete,
        "rules_bound": judged.verdict.bound.len(),
        "inconclusive": judged.verdict.inconclusive.iter().map(|open| open.why).collect::<Vec<_>>(),
        "deviations": deviations,
        "deviations_not_listed": judged.more,
        "advice": judged.advice.iter().map(|(line, habit)| json!({"line": line, "text": habit.to_string()})).collect::<Vec<_>>(),
    })
}

//! `judge`: judge recorded traces, and name who broke what.

mod explain;
mod follow;
mod growing;
mod judges;
mod recording;
mod report;

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use follow::follow;
use judges::{Judges, Told};
use mapi_session_spec::Party;
use mapi_session_spec::rule::Rules;
use recording::{Recording, broken, cannot_open};
use report::{Judged, as_json, as_text};
use serde_json::json;

use super::output::Format;
use super::{DemandArgs, RequireArgs};
use crate::failure::Failure;
use crate::trace::{self, Trace};

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
    /// Judge a trace while a program is still writing it: wait until the file is there, say on standard error what
    /// deviates as soon as it does, and report when the program has ended, however it ends. A file that is left from
    /// an earlier run is whole already: remove it first.
    #[arg(long, help_heading = "Selection")]
    follow: bool,
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

/// How many deviations of one trace are kept and told: a client that does the same wrong a million times over is known
/// by the first of them.
const TOLD: usize = 1_000;

fn judge(
    recording: &Recording,
    rules: &Rules,
    demand_args: &DemandArgs,
    wanted: &dyn Fn(&Told) -> bool,
    explaining: bool,
) -> Result<Judged, Failure> {
    let starts = recording.starts()?;
    let mut events = recording.events()?;
    let demand = demand_args.demand(events.header.era);
    let mut judges = Judges::new(rules, demand, !events.header.planned);
    for start in starts {
        judges.add(start);
    }
    let (mut told, mut advice, mut more, mut count) = (Vec::new(), Vec::new(), 0, 0);
    let mut met = HashSet::new();
    while let Some(event) = events.next() {
        let (event, line) = event.map_err(|error| broken(&recording.path, error))?;
        judges.note_gaps(events.gaps);
        let (deviations, habits) = judges.observe(&event, events.process, line, explaining)?;
        for deviation in deviations.into_iter().filter(|told| wanted(told)) {
            // The first from each rule is always told: it may be what decides.
            if met.insert(deviation.deviation.arm) || told.len() < TOLD {
                told.push(deviation);
            } else {
                more += 1;
            }
        }
        advice.extend(habits.into_iter().take(TOLD.saturating_sub(advice.len())));
        count += 1;
    }
    judges.note_gaps(events.gaps);
    let verdict = judges.verdict(events.complete);
    Ok(Judged { demand, events: count, complete: events.complete, told, advice, more, verdict })
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
            let wanted =
                |told: &Told| selected.as_ref().is_none_or(|s| s.contains(&told.deviation.requirement));
            let recording = if self.follow {
                let look = |growing: &mut dyn Read| follow(path, growing, &rules, &self.demand, &wanted);
                Recording::followed(path, look)?
            } else {
                Recording::new(path, self.allow_truncated)?
            };
            let judged_trace = judge(&recording, &rules, &self.demand, &wanted, self.explain)?;
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

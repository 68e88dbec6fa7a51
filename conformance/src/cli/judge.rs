//! `judge`: judge recorded traces, and name who broke what.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use mapi_session_spec::judge::{Deviation, Judge};
use mapi_session_spec::requirement;
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::World;
use mapi_session_spec::{Party, dialect};
use serde_json::{Value, json};

use super::output::Format;
use super::{DemandArgs, RequireArgs};
use crate::failure::Failure;
use crate::report::words;
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
    /// What goes to standard output.
    #[arg(long, value_enum, default_value = "human", help_heading = "Reports")]
    format: Format,
}

/// Reads a trace file.
pub(super) fn read(path: &Path, allow_truncated: bool) -> Result<Trace, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::Input {
        path: path.to_path_buf(),
        why: error.to_string(),
        mend: "name a file of JSON Lines, as `check --traces DIR` writes them".into(),
    })?;
    let text = String::from_utf8(bytes).map_err(|error| Failure::Input {
        path: path.to_path_buf(),
        why: {
            let valid = error.utf8_error().valid_up_to();
            let lines = error.as_bytes()[..valid].split(|byte| *byte == b'\n').count();
            format!("line {lines}: it is not UTF-8")
        },
        mend: "a trace is JSON Lines in UTF-8".into(),
    })?;
    trace::read(&text, allow_truncated).map_err(|error| Failure::Trace { path: path.to_path_buf(), error })
}

/// The state in which a recorded trace starts.
fn start(trace: &Trace) -> World {
    let mut world = World::default();
    world.process.dialect = dialect::infer([trace.events.as_slice()]);
    world.process.fresh = !trace.header.attached;
    if trace.header.attached {
        // What came before is unknown, not absent.
        world.process.initialised = 1;
        world.attach(&trace.events);
    }
    world
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
            let trace = read(path, self.allow_truncated)?;
            let demand = self.demand.demand(trace.header.era);
            let mut judge = Judge::new(&rules, demand, start(&trace), !trace.header.planned);
            for event in &trace.events {
                judge.observe(event);
            }
            let verdict = judge.verdict();
            let wanted = |d: &&Deviation| selected.as_ref().is_none_or(|s| s.contains(&d.requirement));
            let found: Vec<&Deviation> = verdict.deviations.iter().filter(wanted).collect();
            let held = found.iter().any(|d| self.holds(d.blame));
            let open = !verdict.inconclusive.is_empty();
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
                values.push(as_json(path, &trace, demand, &found, &verdict));
            } else {
                let text = as_text(path, &trace, demand, &rules, &found, &verdict);
                super::output::print(&text)?;
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

fn as_text(
    path: &Path,
    trace: &Trace,
    demand: Demand,
    rules: &Rules,
    found: &[&Deviation],
    verdict: &mapi_session_spec::judge::Verdict,
) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let name = crate::text::harmless(&path.display().to_string());
    let _ =
        writeln!(text, "{name}: {} events, level {}, era {}", trace.events.len(), demand.level, demand.era);
    for deviation in found {
        let known = requirement::find(deviation.requirement);
        let line = trace.lines.get(deviation.event).or(trace.lines.last()).copied().unwrap_or(1);
        let _ = writeln!(
            text,
            "\n{name}:{line}: deviation[{}]: {}",
            deviation.requirement,
            known.map_or("", |r| r.name)
        );
        let _ = writeln!(text, "  blame    the {}", deviation.blame);
        let _ = writeln!(text, "  allowed  {}", rules.arms()[deviation.arm].demands);
        let _ = writeln!(
            text,
            "  came     {} ({})",
            words::observed(&trace.events, deviation),
            deviation.kind.name()
        );
        for source in known.map_or(&[][..], |r| r.sources) {
            let _ = writeln!(text, "  source   {}, {}", source.document, source.section);
        }
    }
    for open in &verdict.inconclusive {
        let what = open.requirement.map_or_else(String::new, |id| format!("{id}: "));
        let _ = writeln!(text, "inconclusive: {what}{}", open.why);
    }
    if found.is_empty() {
        let _ = writeln!(text, "nothing deviates; {} rules were put to the test", verdict.bound.len());
    }
    text
}

fn as_json(
    path: &Path,
    trace: &Trace,
    demand: Demand,
    found: &[&Deviation],
    verdict: &mapi_session_spec::judge::Verdict,
) -> Value {
    let deviations: Vec<Value> = found
        .iter()
        .map(|d| {
            json!({
                "requirement": d.requirement.to_string(),
                "blame": d.blame.to_string(),
                "kind": d.kind.name(),
                "line": trace.lines.get(d.event).or(trace.lines.last()),
                "observed": words::observed(&trace.events, d),
            })
        })
        .collect();
    json!({
        "trace": path.display().to_string(),
        "level": demand.level.to_string(),
        "era": demand.era.to_string(),
        "complete": trace.complete,
        "rules_bound": verdict.bound.len(),
        "inconclusive": verdict.inconclusive.iter().map(|open| open.why).collect::<Vec<_>>(),
        "deviations": deviations,
    })
}

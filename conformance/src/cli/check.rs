//! `check`: test a session implementation.

use std::hash::{Hash as _, Hasher as _};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use clap::{Args, ValueEnum};
use mapi_session_spec::requirement::RequirementId;
use mapi_session_spec::rule::Rules;
use rustc_hash::FxHasher;
use sha2::{Digest as _, Sha256};

use super::output::{ReportArgs, progress_bar};
use super::{DemandArgs, RequireArgs, SubjectArgs};
use crate::failure::Failure;
use crate::isolation::parent::{PATIENCE, Setting};
use crate::plan::{Brief, Planned, Repeats, Suite, plan};
use crate::program::Step;
use crate::report::json::{Context, hex};
use crate::report::words;
use crate::run::{Findings, Request, Status, run};
use crate::subject::Subject;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    NotExercised,
    Inconclusive,
    Undecided,
}

/// Test a session implementation.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    subject: SubjectArgs,
    #[command(flatten)]
    child: ChildArgs,
    #[command(flatten)]
    demand: DemandArgs,
    #[command(flatten)]
    require: RequireArgs,
    /// Which traces to run.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "full", help_heading = "Selection")]
    suite: Vec<Suite>,
    /// What the pauses of `race` are drawn with. The other suites take no chances.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Selection")]
    seed: u64,
    /// How often `race` runs each race, if none shows anything.
    #[arg(long, value_name = "N", default_value_t = Repeats::default().rounds,
        value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Selection")]
    rounds: u32,
    /// Leave out calls that let the subject wait for a person.
    #[arg(long, help_heading = "Selection")]
    no_ui: bool,
    /// Also fail (exit 1) where something is so.
    #[arg(long, value_enum, value_delimiter = ',', help_heading = "Selection")]
    deny: Vec<Deny>,
    /// Print the plan, and run nothing.
    #[arg(long, conflicts_with_all = ["json", "junit", "traces"], help_heading = "Selection")]
    dry_run: bool,
    #[command(flatten)]
    reports: ReportArgs,
}

/// How the subject's process is run.
#[derive(Debug, Clone, Args)]
pub(super) struct ChildArgs {
    /// No answer for so long is a hang, once ten times as long has confirmed it. After the first, others are left
    /// after a fifth of it, a second at least.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration, conflicts_with = "no_timeout", help_heading = "Subject")]
    timeout: Duration,
    /// Run the subject in this process, for debuggers and for speed: a crash of it ends everything.
    #[arg(long, help_heading = "Subject")]
    in_process: bool,
    /// Never call anything a hang: for stepping in a debugger.
    #[arg(long, help_heading = "Subject")]
    no_timeout: bool,
    /// How long nothing may come before the subject counts as settled.
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = duration, help_heading = "Selection")]
    settle: Duration,
}

/// A time such as `5s`, `200ms` or `1m`.
fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..split].parse().map_err(|_| "a time such as 5s or 200ms".to_owned())?;
    let seconds = match &text[split..] {
        "ms" => number / 1000.0,
        "s" => number,
        "m" => number * 60.0,
        _ => return Err("a time such as 5s or 200ms".into()),
    };
    if seconds > 0.0 && seconds < 86_400.0 {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("more than nothing, and less than a day".into())
    }
}

impl ChildArgs {
    pub(super) fn setting(&self, subject: Subject, profile: Option<String>) -> Result<Setting, Failure> {
        let program = std::env::current_exe().map_err(|error| Failure::Usage {
            what: format!("cannot find this program again: {error}"),
            mend: "run it by its path".into(),
        })?;
        let timeout = (!self.no_timeout).then_some(self.timeout);
        let program = (!self.in_process).then_some(program);
        Ok(Setting {
            program,
            subject,
            profile,
            timeout,
            settle: self.settle,
            patience: PATIENCE,
            linger: self.settle,
        })
    }
}

impl Check {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let subject = self.subject.subject()?;
        let sha256 = fingerprint_of(&subject)?;
        let demand = self.demand.demand(None);
        let selected = self.require.selected()?;
        self.reports.check()?;
        let rules = Rules::documented();
        let repeats = Repeats { rounds: self.rounds, seed: self.seed };
        let brief = Brief { rules: &rules, demand, ui: !self.no_ui, repeats };
        let planned = self.plan(brief, &rules, &selected);
        if planned.is_empty() {
            return Err(Failure::NothingSelected("no trace puts a selected requirement to the test".into()));
        }
        if self.dry_run {
            return print_plan(&planned).map(|()| 0);
        }
        let setting = self.child.setting(subject.clone(), self.subject.profile.clone())?;
        let started = SystemTime::now();
        let clock = Instant::now();
        let is_selected = |id: RequirementId| selected.contains(&id);
        let request = Request {
            setting: &setting,
            rules: &rules,
            demand,
            planned: &planned,
            seed: self.seed,
            selected: &is_selected,
        };
        let bar = progress_bar(planned.len(), "traces");
        let findings =
            run(&request, &mut |done, _| bar.set_position(done as u64)).map_err(Failure::NotTested);
        bar.finish_and_clear();
        let findings = findings?;
        let context = Context {
            version: env!("CARGO_PKG_VERSION"),
            subject,
            sha256,
            suites: self.suites().into_iter().map(|suite| suite.name().to_owned()).collect(),
            seed: self.seed,
            plan: hash_of(&planned),
            profile: self.subject.profile.clone(),
            started: timestamp(started),
            duration: clock.elapsed().as_secs_f64(),
            traces: self.reports.traces.clone(),
        };
        self.reports.write(&findings, &context)?;
        let denied: Vec<&str> =
            self.deny.iter().filter(|deny| denies(**deny, &findings)).map(|d| d.name()).collect();
        if !denied.is_empty() && findings.deviations.is_empty() {
            super::complain(&format!("--deny: something is {}", denied.join(", and something is ")));
        }
        Ok(self.exit_code(&findings))
    }

    /// The suites that were named, each once.
    fn suites(&self) -> Vec<Suite> {
        let mut suites = self.suite.clone();
        suites.sort_unstable();
        suites.dedup();
        suites
    }

    fn plan<'r>(&self, brief: Brief<'r>, rules: &'r Rules, selected: &[RequirementId]) -> Vec<Planned> {
        let suites = self.suites();
        let is_in_full = |suite: &Suite| *suite == Suite::Smoke && suites.contains(&Suite::Full);
        let mut planned: Vec<Planned> =
            suites.iter().filter(|suite| !is_in_full(suite)).flat_map(|suite| plan(brief, *suite)).collect();
        if !self.require.require.is_empty() || !self.require.skip.is_empty() {
            planned.retain(|planned| {
                planned.aims.iter().any(|arm| selected.contains(&rules.arms()[usize::from(*arm)].requirement))
            });
        }
        planned
    }

    fn exit_code(&self, findings: &Findings) -> u8 {
        if !findings.deviations.is_empty() || self.deny.iter().any(|deny| denies(*deny, findings)) {
            1
        } else if findings.is_complete() {
            0
        } else {
            4
        }
    }
}

impl Deny {
    const fn name(self) -> &'static str {
        match self {
            Self::NotExercised => "not exercised",
            Self::Inconclusive => "inconclusive",
            Self::Undecided => "undecided",
        }
    }
}

/// Whether what must not be is so.
fn denies(deny: Deny, findings: &Findings) -> bool {
    match deny {
        Deny::NotExercised => findings.count(Status::NotExercised) > 0,
        Deny::Inconclusive => findings.count(Status::Inconclusive) > 0 || !findings.inconclusive.is_empty(),
        Deny::Undecided => findings.count(Status::Undecided) > 0,
    }
}

fn fingerprint_of(subject: &Subject) -> Result<Option<String>, Failure> {
    let Subject::Library(path) = subject else { return Ok(None) };
    let looks_like_a_file = path.components().count() > 1;
    if path.is_dir() {
        return Err(not_a_library(path, "it is a folder"));
    }
    // A pipe or a device would be read without end.
    if std::fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return Err(not_a_library(path, "it is no regular file"));
    }
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(hex(&Sha256::digest(&bytes)))),
        Err(error) if looks_like_a_file => Err(not_a_library(path, &error.to_string())),
        // A bare name is the platform's loader's to find.
        Err(_) => Ok(None),
    }
}

fn not_a_library(path: &Path, why: &str) -> Failure {
    Failure::NotTested(crate::run::NotTested::NotLoaded(format!("{}: {why}", path.display())))
}

/// The hash of the plan: equal plans, equal hashes, by one build of this program.
fn hash_of(planned: &[Planned]) -> String {
    let mut hash = FxHasher::default();
    for planned in planned {
        // By what the steps are: their numbers may be others in each run.
        planned.program.steps.len().hash(&mut hash);
        planned.program.steps.iter().for_each(|step| Step::hash(step, &mut hash));
    }
    format!("{:016x}", hash.finish())
}

fn print_plan(planned: &[Planned]) -> Result<(), Failure> {
    use crate::program::{Action, Place};
    use std::fmt::Write as _;
    let mut out = String::new();
    let calls: usize = planned.iter().map(|planned| planned.program.most_calls()).sum();
    let _ = writeln!(out, "{} traces, {calls} calls at most", planned.len());
    for (number, planned) in planned.iter().enumerate() {
        let _ = writeln!(out, "\ntrace {}", number + 1);
        for (index, step) in planned.program.steps.iter().enumerate() {
            let text = match step.action {
                Action::Call(call) => words::call(&call),
                Action::Settle(_) => "settle".into(),
            };
            let place = match step.place {
                Place::Thread(thread) if thread.0 == 0 => String::new(),
                Place::Thread(thread) => format!("   [thread {}]", thread.0),
                Place::Inside(sink) => format!("   [inside the first OnNotify of {sink}]"),
                Place::Beside(sink) => format!("   [beside the first OnNotify of {sink}]"),
                Place::WaitedFor(sink) => {
                    format!("   [beside the first OnNotify of {sink}, which waits for it]")
                }
                Place::Releasing(sink) => format!("   [inside the last Release of {sink}]"),
                Place::Racing { thread, .. } => format!("   [racing, thread {}]", thread.0),
            };
            let guard = step.after.map_or_else(String::new, |(after, wanted)| {
                format!("   [if {} was a {}]", after + 1, format!("{wanted:?}").to_lowercase())
            });
            let _ = writeln!(out, "  {:>3}  {text}{place}{guard}", index + 1);
        }
    }
    super::output::print(&out)
}

/// RFC 3339, in UTC, to the second.
pub(super) fn timestamp(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant's civil-from-days.
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

//! For each requirement: its property in the models, the traces in which it bound, the mutant that proves the check.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::{Args, ValueEnum};
use mapi_session_fixtures::{Demanded, Mutant, mutants};
use mapi_session_spec::requirement::{self, Observable, Requirement, RequirementId};
use mapi_session_spec::rule::{Arm, Demand, Rules};
use mapi_session_spec::{Era, Level};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::isolation::parent::{PATIENCE, Setting};
use crate::plan::{Brief, Planned, Repeats, Suite, plan};
use crate::run::{Findings, Request, run};
use crate::subject::Subject;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

/// For each requirement: the model property, the traces in which it bound, the mutant that proves the check.
#[derive(Debug, Args)]
pub(crate) struct CoverageArgs {
    /// What goes to standard output. JSON is the kill matrix.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Only mutants whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    mutants: String,
    /// The traces that are run.
    #[arg(long, value_enum, default_value = "full")]
    suite: Suite,
}

/// What became of one mutant.
#[derive(Debug, Clone)]
pub struct Kill {
    /// The mutant.
    pub mutant: &'static Mutant,
    /// What it was accused of, consequences included; empty if it survived.
    pub accused: Vec<RequirementId>,
    /// The places of the rules that some trace of it seemed to break.
    pub suspected: Vec<usize>,
    /// Why it could not be tested, if it could not.
    pub failure: Option<String>,
}

impl Kill {
    /// It was accused of the requirement it breaks.
    pub fn is_right(&self) -> bool {
        self.accused.contains(&self.mutant.breaks)
    }
}

/// The level that first demands what the mutant breaks.
pub const fn level_of(mutant: &Mutant) -> Level {
    match mutant.from {
        Demanded::Documented => Level::Documented,
        Demanded::Conventional => Level::Conventional,
        Demanded::Robust => Level::Robust,
    }
}

fn setting(program: &Path, subject: Subject) -> Setting {
    Setting {
        program: Some(program.to_path_buf()),
        subject,
        profile: None,
        // Embedded subjects answer at once or never.
        timeout: Some(Duration::from_millis(400)),
        settle: Duration::from_millis(40),
        patience: PATIENCE,
        linger: Duration::from_millis(40),
    }
}

/// Runs one embedded subject.
///
/// # Errors
/// If it could not be tested.
pub fn run_embedded(
    program: &Path,
    subject: Subject,
    demand: Demand,
    rules: &Rules,
    planned: &[Planned],
) -> Result<Findings, crate::run::NotTested> {
    let everything = |_: RequirementId| true;
    let setting = setting(program, subject);
    let request = Request { setting: &setting, rules, demand, planned, seed: 0, selected: &everything };
    run(&request, &mut |_, _| {})
}

/// Runs every mutant whose name contains the text, at the level that first demands what it breaks: in the mutants'
/// order, as many at once as there are cores.
pub fn kill(
    program: &Path,
    suite: Suite,
    containing: &str,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Vec<Kill> {
    let rules = Rules::documented();
    let planned = |suite| {
        let of = |level| {
            let demand = Demand { level, era: Era::FastShutdown };
            let brief = Brief { rules: &rules, demand, ui: true, repeats: Repeats::default() };
            (level, plan(brief, suite))
        };
        Level::ALL.into_iter().map(of).collect()
    };
    // What shows only where threads meet is another suite's business than all the rest.
    let plans = Plans { steady: planned(suite), racing: planned(Suite::Race) };
    let chosen: Vec<&Mutant> = mutants().iter().filter(|mutant| mutant.id.contains(containing)).collect();
    let next = AtomicUsize::new(0);
    let kills = Mutex::new(vec![None; chosen.len()]);
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let Some(mutant) = chosen.get(turn) else { return };
                    progress(turn, chosen.len());
                    let kill = kill_one(program, &rules, &plans, mutant);
                    kills.lock().unwrap_or_else(PoisonError::into_inner)[turn] = Some(kill);
                }
            });
        }
    });
    kills.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()
}

/// The programs for the mutants, by level.
struct Plans {
    steady: BTreeMap<Level, Vec<Planned>>,
    racing: BTreeMap<Level, Vec<Planned>>,
}

fn kill_one(program: &Path, rules: &Rules, plans: &Plans, mutant: &'static Mutant) -> Kill {
    let level = level_of(mutant);
    let demand = Demand { level, era: Era::FastShutdown };
    let planned = if mutant.racy { &plans.racing[&level] } else { &plans.steady[&level] };
    match run_embedded(program, Subject::Mutant(mutant.id.into()), demand, rules, planned) {
        Ok(findings) => {
            let mut accused: Vec<RequirementId> = Vec::new();
            for finding in &findings.deviations {
                accused.push(finding.requirement);
                accused.extend(&finding.follows);
            }
            Kill { mutant, accused, suspected: findings.suspected.into_iter().collect(), failure: None }
        }
        Err(error) => Kill { mutant, accused: vec![], suspected: vec![], failure: Some(error.to_string()) },
    }
}

/// What there is for one requirement.
struct Row {
    requirement: &'static Requirement,
    models: Vec<&'static str>,
    traces: usize,
    killed: Vec<&'static str>,
    survived: Vec<&'static str>,
}

impl Row {
    fn is_observable(&self) -> bool {
        self.requirement.observable == Observable::Boundary
    }

    /// It cannot be seen, or a model holds it, a trace puts it to the test, and every mutant of it is killed.
    fn is_covered(&self) -> bool {
        let killed = !self.killed.is_empty() && self.survived.is_empty();
        !self.is_observable() || (!self.models.is_empty() && self.traces > 0 && killed)
    }

    fn json(&self) -> Value {
        json!({
            "id": self.requirement.id.to_string(),
            "observable": self.requirement.observable.to_string(),
            "reason": self.requirement.observable.reason(),
            "models": self.models,
            "traces": self.traces,
            "killed": self.killed,
            "survived": self.survived,
            "covered": self.is_covered(),
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.is_covered() { " " } else { "!" };
        write!(f, "{mark} {:<11} ", self.requirement.id.to_string())?;
        if let Some(reason) = self.requirement.observable.reason() {
            return write!(f, "{}: {reason}", self.requirement.observable);
        }
        let list = |words: &[&str]| if words.is_empty() { "none".to_owned() } else { words.join(", ") };
        write!(f, "model {}; bound in {} traces; ", list(&self.models), self.traces)?;
        write!(f, "killed {}", list(&self.killed))?;
        if self.survived.is_empty() { Ok(()) } else { write!(f, "; SURVIVED {}", self.survived.join(", ")) }
    }
}

/// The mutants that only this rule convicts, for every rule on the session: without it they survive, or are accused of
/// something else.
fn sole_convictions(rules: &Rules, kills: &[Kill]) -> Vec<Vec<&'static str>> {
    let of = |place: usize| rules.arms().get(place).map(|arm| arm.requirement);
    let mut convictions = vec![Vec::new(); rules.arms().len()];
    for kill in kills {
        let mut mine = kill.suspected.iter().filter(|place| of(**place) == Some(kill.mutant.breaks));
        if let (Some(place), None) = (mine.next(), mine.next()) {
            convictions[*place].push(kill.mutant.id);
        }
    }
    convictions
}

fn rule_json(arm: &Arm, mutants: &[&str]) -> Value {
    json!({ "requirement": arm.requirement.to_string(), "demands": arm.demands, "mutants": mutants })
}

fn on_the_session(arm: &Arm) -> bool {
    !arm.check.holds_the_client()
}

impl CoverageArgs {
    pub(crate) fn run(&self) -> Result<u8, Failure> {
        let program = std::env::current_exe().map_err(|error| Failure::Usage {
            what: format!("cannot find this program again: {error}"),
            mend: "run it by its path".into(),
        })?;
        let rules = Rules::documented();
        let demand = Demand { level: Level::Robust, era: Era::FastShutdown };
        let planned =
            plan(Brief { rules: &rules, demand, ui: true, repeats: Repeats::default() }, self.suite);
        let reference = run_embedded(&program, Subject::Reference, demand, &rules, &planned)
            .map_err(Failure::NotTested)?;
        let bar = crate::cli::progress_bar(mutants().len(), "mutants");
        let kills = kill(&program, self.suite, &self.mutants, &|done, all| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        });
        bar.finish_and_clear();
        if kills.is_empty() {
            return Err(Failure::NothingSelected(format!("no mutant's name contains {:?}", self.mutants)));
        }
        let chosen = !self.mutants.is_empty();
        let rows: Vec<Row> = reference
            .requirements
            .iter()
            .filter_map(|status| {
                let requirement = requirement::find(status.id)?;
                let of = |right: bool| {
                    let mine = kills.iter().filter(|kill| kill.mutant.breaks == status.id);
                    mine.filter(|kill| kill.is_right() == right).map(|kill| kill.mutant.id).collect()
                };
                let models = mapi_session_model::models_of(status.id);
                Some(Row {
                    requirement,
                    models,
                    traces: status.traces,
                    killed: of(true),
                    survived: of(false),
                })
            })
            // A choice of mutants says nothing of the requirements that the others break.
            .filter(|row| !chosen || !row.killed.is_empty() || !row.survived.is_empty())
            .collect();
        let convictions = sole_convictions(&rules, &kills);
        let arms = || rules.arms().iter().zip(&convictions).filter(|(arm, _)| on_the_session(arm));
        let out = if self.format == Format::Json {
            let matrix: Vec<Value> = kills
                .iter()
                .map(|kill| {
                    json!({
                        "mutant": kill.mutant.id,
                        "breaks": kill.mutant.breaks.to_string(),
                        "level": level_of(kill.mutant).to_string(),
                        "killed": !kill.accused.is_empty(),
                        "rightly": kill.is_right(),
                        "accused": kill.accused.iter().map(ToString::to_string).collect::<Vec<_>>(),
                        "not_tested": kill.failure,
                    })
                })
                .collect();
            let requirements: Vec<Value> = rows.iter().map(Row::json).collect();
            let rules: Vec<Value> = arms().map(|(arm, mutants)| rule_json(arm, mutants)).collect();
            format!("{:#}\n", json!({"mutants": matrix, "requirements": requirements, "rules": rules}))
        } else {
            let mut out = String::new();
            for row in &rows {
                let _ = writeln!(out, "{row}");
            }
            let killed = kills.iter().filter(|kill| kill.is_right()).count();
            let _ =
                writeln!(out, "{killed} of {} mutants accused of the requirement they break", kills.len());
            if !chosen {
                let alone = arms().filter(|(_, mutants)| !mutants.is_empty()).count();
                let _ = writeln!(out, "{alone} of {} rules alone convict a mutant", arms().count());
            }
            out
        };
        crate::cli::print(&out)?;
        let whole = reference.deviations.is_empty()
            && rows.iter().all(|row| if chosen { row.survived.is_empty() } else { row.is_covered() });
        Ok(u8::from(!whole))
    }
}

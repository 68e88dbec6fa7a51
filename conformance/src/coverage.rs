//! For each requirement: its property in the models, the traces in which it bound, the mutant that proves the check.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use clap::{Args, ValueEnum};
use mapi_session_fixtures::{Demanded, Mutant, mutants};
use mapi_session_spec::requirement::{self, Observable, RequirementId};
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::{Era, Level};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::isolation::parent::Setting;
use crate::plan::{Brief, Planned, Suite, plan};
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
}

/// What became of one mutant.
#[derive(Debug, Clone)]
pub struct Kill {
    /// The mutant.
    pub mutant: &'static Mutant,
    /// What it was accused of, consequences included; empty if it survived.
    pub accused: Vec<RequirementId>,
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

fn setting(program: &std::path::Path, subject: Subject) -> Setting {
    Setting {
        program: program.to_path_buf(),
        subject,
        profile: None,
        // Embedded subjects answer at once or never.
        timeout: Some(Duration::from_millis(400)),
        settle: Duration::from_millis(40),
        linger: Duration::from_millis(40),
    }
}

/// Runs one embedded subject.
///
/// # Errors
/// If it could not be tested.
pub fn run_embedded(
    program: &std::path::Path,
    subject: Subject,
    demand: Demand,
    rules: &Rules,
    planned: &[Planned],
) -> Result<Findings, crate::run::NotTested> {
    let everything = |_: RequirementId| true;
    let setting = setting(program, subject);
    let request = Request { setting: &setting, rules, demand, planned, selected: &everything };
    run(&request, &mut |_, _| {})
}

/// Runs every mutant whose name contains the text, at the level that first demands what it breaks.
pub fn kill(program: &std::path::Path, suite: Suite, containing: &str) -> Vec<Kill> {
    let rules = Rules::documented();
    let mut plans: BTreeMap<Level, Vec<Planned>> = BTreeMap::new();
    mutants()
        .iter()
        .filter(|mutant| mutant.id.contains(containing))
        .map(|mutant| {
            let level = level_of(mutant);
            let demand = Demand { level, era: Era::FastShutdown };
            let planned =
                plans.entry(level).or_insert_with(|| plan(Brief { rules: &rules, demand, ui: true }, suite));
            match run_embedded(program, Subject::Mutant(mutant.id.into()), demand, &rules, planned) {
                Ok(findings) => {
                    let mut accused: Vec<RequirementId> = Vec::new();
                    for finding in &findings.deviations {
                        accused.push(finding.requirement);
                        accused.extend(&finding.follows);
                    }
                    Kill { mutant, accused, failure: None }
                }
                Err(error) => Kill { mutant, accused: Vec::new(), failure: Some(error.to_string()) },
            }
        })
        .collect()
}

impl CoverageArgs {
    pub(crate) fn run(&self) -> Result<u8, Failure> {
        let program = std::env::current_exe().map_err(|error| Failure::Usage {
            what: format!("cannot find this program again: {error}"),
            mend: "run it by its path".into(),
        })?;
        let rules = Rules::documented();
        let demand = Demand { level: Level::Robust, era: Era::FastShutdown };
        let planned = plan(Brief { rules: &rules, demand, ui: true }, Suite::Full);
        let reference = run_embedded(&program, Subject::Reference, demand, &rules, &planned)
            .map_err(Failure::NotTested)?;
        let kills = kill(&program, Suite::Full, &self.mutants);
        let mut out = String::new();
        let mut whole = reference.deviations.is_empty();
        let modelled = mapi_session_model::modelled();
        let mut rows = Vec::new();
        for status in &reference.requirements {
            let Some(row) = requirement::find(status.id) else { continue };
            let of: Vec<&Kill> = kills.iter().filter(|kill| kill.mutant.breaks == status.id).collect();
            let killed: Vec<&str> =
                of.iter().filter(|kill| kill.is_right()).map(|kill| kill.mutant.id).collect();
            let survived: Vec<&str> =
                of.iter().filter(|kill| !kill.is_right()).map(|kill| kill.mutant.id).collect();
            let observable = row.observable == Observable::Boundary;
            let covered = !observable || (status.traces > 0 && !killed.is_empty() && survived.is_empty());
            whole &= covered || !self.mutants.is_empty();
            rows.push((row, status.traces, killed, survived, covered, modelled.contains(&status.id)));
        }
        if self.format == Format::Json {
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
            let requirements: Vec<Value> = rows
                .iter()
                .map(|(row, traces, killed, survived, covered, modelled)| {
                    json!({
                        "id": row.id.to_string(),
                        "observable": row.observable.to_string(),
                        "reason": row.observable.reason(),
                        "model_property": modelled,
                        "traces": traces,
                        "killed": killed,
                        "survived": survived,
                        "covered": covered,
                    })
                })
                .collect();
            let _ = writeln!(out, "{:#}", json!({"mutants": matrix, "requirements": requirements}));
        } else {
            for (row, traces, killed, survived, covered, modelled) in &rows {
                let mark = if *covered { " " } else { "!" };
                let what = match row.observable.reason() {
                    Some(reason) => format!("{}: {reason}", row.observable),
                    None => format!(
                        "{}bound in {traces} traces; killed {}{}",
                        if *modelled { "model property; " } else { "" },
                        if killed.is_empty() { "none".into() } else { killed.join(", ") },
                        if survived.is_empty() {
                            String::new()
                        } else {
                            format!("; SURVIVED {}", survived.join(", "))
                        },
                    ),
                };
                let _ = writeln!(out, "{mark} {:<11} {what}", row.id.to_string());
            }
            let killed = kills.iter().filter(|kill| kill.is_right()).count();
            let _ =
                writeln!(out, "{killed} of {} mutants accused of the requirement they break", kills.len());
        }
        crate::cli::print(&out)?;
        Ok(u8::from(!whole))
    }
}

//! The command line, as the contract fixes it.

mod check;
mod judge;
mod model;
mod output;
mod replay;
mod spec;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mapi_session_spec::requirement::{self, RequirementId};
use mapi_session_spec::rule::Demand;
use mapi_session_spec::{Era, Level};

pub(crate) use output::{print, progress_bar};

use crate::failure::Failure;
use crate::isolation::child;
use crate::subject::Subject;

const AFTER: &str = "\
Exit codes:
  0  conforms: something was judged, and all of the plan was run
  1  deviates: by the party that is held
  2  bad usage, or a bad input file
  3  the subject could not be tested: it does not load, an export is missing, no logon succeeds
  4  nothing deviated, but the run is not whole: nothing selected, nothing exercised, something inconclusive

Examples:
  mapi-conform check --reference
  mapi-conform check --library ./libmysession.so --profile test --level robust --junit report.xml
  mapi-conform spec show LOGOFF-003
  mapi-conform judge recorded.jsonl --hold client";

/// Holds any `IMAPISession` implementation against an executable specification of how a MAPI session ends.
#[derive(Debug, Parser)]
#[command(name = "mapi-conform", version, after_help = AFTER, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Test a session implementation.
    Check(check::Check),
    /// Judge recorded traces, and name who broke what.
    Judge(judge::JudgeTraces),
    /// Run one trace again.
    Replay(replay::Replay),
    /// Read the specification.
    Spec(spec::Spec),
    /// Explore the models of the specification.
    Model(model::Model),
    #[command(name = "__child", hide = true)]
    Child(ChildOrders),
}

#[derive(Debug, Args)]
struct ChildOrders {
    #[command(flatten)]
    subject: SubjectArgs,
    #[arg(long)]
    shared: PathBuf,
    #[arg(long)]
    settle: u64,
    #[arg(long)]
    patience: u32,
    #[arg(long)]
    linger: u64,
}

/// What to test. Exactly one.
#[derive(Debug, Clone, Args)]
pub(crate) struct SubjectArgs {
    /// The embedded reference session.
    #[arg(long, group = "which", help_heading = "Subject")]
    reference: bool,
    /// An embedded session that breaks one requirement on purpose; `contrary` conforms, taking every other branch.
    #[arg(long, value_name = "ID", group = "which", help_heading = "Subject")]
    mutant: Option<String>,
    /// A shared library with Microsoft's COM layout.
    #[arg(long, value_name = "FILE", group = "which", help_heading = "Subject")]
    library: Option<PathBuf>,
    /// The profile to log on with.
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new(), value_name = "NAME", help_heading = "Subject")]
    profile: Option<String>,
}

impl SubjectArgs {
    fn subject(&self) -> Result<Subject, Failure> {
        match (self.reference, &self.mutant, &self.library) {
            (true, None, None) => Ok(Subject::Reference),
            (false, Some(id), None) if id == "contrary" => Ok(Subject::Contrary),
            (false, Some(id), None) if mapi_session_fixtures::find(id).is_some() => {
                Ok(Subject::Mutant(id.clone()))
            }
            (false, Some(id), None) => {
                let known = mapi_session_fixtures::mutants().iter().map(|mutant| mutant.id);
                let near = known.min_by_key(|other| strsim::levenshtein(id, other)).unwrap_or("contrary");
                Err(Failure::Usage {
                    what: format!("no mutant is called {:?}", crate::text::harmless(id)),
                    mend: format!("did you mean {near:?}? `mapi-conform spec coverage` lists them"),
                })
            }
            (false, None, Some(path)) if path.as_os_str().is_empty() => Err(Failure::Usage {
                what: "--library names no file".into(),
                mend: "an empty variable in a script? name the library, or say --reference".into(),
            }),
            (false, None, Some(path)) => Ok(Subject::Library(path.clone())),
            _ => Err(Failure::Usage {
                what: "no subject".into(),
                mend: "say what to test: --reference for the embedded session, or --library FILE for yours"
                    .into(),
            }),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LevelArg {
    Documented,
    Conventional,
    Robust,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EraArg {
    Classic,
    FastShutdown,
}

/// How strict, and of which era.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemandArgs {
    /// How strict a judgement is [default: conventional].
    #[arg(long, value_enum, help_heading = "Selection")]
    level: Option<LevelArg>,
    /// Before fast shutdown, or since [default: fast-shutdown].
    #[arg(long, value_enum, help_heading = "Selection")]
    era: Option<EraArg>,
}

impl DemandArgs {
    fn level(&self) -> Level {
        match self.level.unwrap_or(LevelArg::Conventional) {
            LevelArg::Documented => Level::Documented,
            LevelArg::Conventional => Level::Conventional,
            LevelArg::Robust => Level::Robust,
        }
    }

    fn era(&self) -> Option<Era> {
        self.era.map(|era| match era {
            EraArg::Classic => Era::Classic,
            EraArg::FastShutdown => Era::FastShutdown,
        })
    }

    fn demand(&self, recorded: Option<Era>) -> Demand {
        Demand { level: self.level(), era: self.era().or(recorded).unwrap_or(Era::FastShutdown) }
    }
}

/// Which requirements are held.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RequireArgs {
    /// Only these requirements: IDs or patterns such as `LOGOFF-*`, separated by commas.
    #[arg(long, value_name = "ID,GLOB…", value_delimiter = ',', help_heading = "Selection")]
    require: Vec<String>,
    /// Not these requirements.
    #[arg(long, value_name = "ID,GLOB…", value_delimiter = ',', help_heading = "Selection")]
    skip: Vec<String>,
}

impl RequireArgs {
    fn selected(&self) -> Result<Vec<RequirementId>, Failure> {
        let all: Vec<_> = requirement::catalogue().filter(|r| r.in_scope).collect();
        let holds = |pattern: &str| -> Result<Vec<RequirementId>, Failure> {
            let found: Vec<RequirementId> = all
                .iter()
                .filter(|r| glob(pattern, &r.id.to_string()) || glob(pattern, r.name))
                .map(|r| r.id)
                .collect();
            if found.is_empty() {
                return Err(Failure::NothingSelected(format!(
                    "{:?} matches no requirement in scope",
                    crate::text::harmless(pattern)
                )));
            }
            Ok(found)
        };
        let mut selected: Vec<RequirementId> = all.iter().map(|r| r.id).collect();
        if !self.require.is_empty() {
            let mut wanted = Vec::new();
            for pattern in &self.require {
                wanted.extend(holds(pattern)?);
            }
            selected.retain(|id| wanted.contains(id));
        }
        for pattern in &self.skip {
            let unwanted = holds(pattern)?;
            selected.retain(|id| !unwanted.contains(id));
        }
        if selected.is_empty() {
            return Err(Failure::NothingSelected("every requirement is skipped".into()));
        }
        Ok(selected)
    }
}

/// Whether the text is of this shape; `*` stands for anything.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern.eq_ignore_ascii_case(text),
        Some((head, tail)) => {
            text.len() >= head.len()
                && text.is_char_boundary(head.len())
                && text[..head.len()].eq_ignore_ascii_case(head)
                && (head.len()..=text.len())
                    .filter(|i| text.is_char_boundary(*i))
                    .any(|i| glob(tail, &text[i..]))
        }
    }
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let printed = error.print();
            let full = printed.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe);
            return ExitCode::from(u8::from(error.use_stderr() || full) * 2);
        }
    };
    // The subject's own process belongs to the subject.
    if !matches!(cli.command, Command::Child(_))
        && let Some(code) = crate::interruption::watch()
    {
        return code;
    }
    let result = match cli.command {
        Command::Check(check) => check.run(),
        Command::Judge(judge) => judge.run(),
        Command::Replay(replay) => replay.run(),
        Command::Spec(spec) => spec.run(),
        Command::Model(model) => model.run(),
        Command::Child(orders) => match orders.subject.subject() {
            Ok(subject) => child::main(&child::Orders {
                shared: orders.shared,
                subject,
                profile: orders.subject.profile,
                settle: Duration::from_millis(orders.settle),
                patience: orders.patience,
                linger: Duration::from_millis(orders.linger),
            }),
            Err(failure) => Err(failure),
        },
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// One message on standard error; where that is closed or full, nobody can be told.
pub(crate) fn complain(message: &str) {
    let _ = writeln!(anstream::stderr(), "{RED}error{RED:#}: {message}");
}

const RED: anstyle::Style =
    anstyle::Style::new().fg_color(Some(anstyle::Color::Ansi(anstyle::AnsiColor::Red))).bold();

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(glob("LOGOFF-*", "LOGOFF-003"));
        assert!(glob("*-003", "LOGOFF-003"));
        assert!(glob("logoff-003", "LOGOFF-003"));
        assert!(!glob("DEAD-*", "LOGOFF-003"));
    }
}

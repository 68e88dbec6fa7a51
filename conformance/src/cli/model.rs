//! `model`: explore the models of the specification.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Instant;

use clap::{Args, Subcommand, ValueEnum};
use mapi_session_model as models;

use super::DemandArgs;
use super::output::print;
use crate::failure::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// One session: every flag word, references, open objects, a registration.
    Session,
    /// Two members of a shared session and a stranger, leaving one after the other.
    Shared,
    /// A shared session comes to its end: whoever is told leaves (level conventional).
    Ending,
    /// From MAPIInitialize on: every way to log on, two sessions at most.
    Process,
    /// The methods of one session, and what must not matter to its Logoff (level robust).
    Methods,
    /// Calls that overlap on two threads, and calls from inside a callback (level robust).
    Race,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    Aut,
    Dot,
    Mermaid,
    Svg,
}

/// Explore the models of the specification.
#[derive(Debug, Args)]
pub(super) struct Model {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Visit every state, and check every property in each.
    Check {
        /// Which model [default: all].
        name: Option<Name>,
        #[command(flatten)]
        company: CompanyArgs,
        /// In `shared` and `ending`, visit one of all states that differ only in which client is which. Faster where there
        /// are many, and what must come about at last is not looked into.
        #[arg(long, requires = "name")]
        symmetry: bool,
        #[command(flatten)]
        demand: DemandArgs,
    },
    /// Serve the model in a browser, on this machine only.
    Explore {
        /// Which model.
        #[arg(default_value = "session")]
        name: Name,
        #[command(flatten)]
        company: CompanyArgs,
        #[command(flatten)]
        demand: DemandArgs,
        /// The port on the loopback address.
        #[arg(long, default_value_t = 3000)]
        port: u16,
    },
    /// Write the explored states and moves for other tools.
    Export {
        /// Which model.
        #[arg(default_value = "session")]
        name: Name,
        #[command(flatten)]
        company: CompanyArgs,
        #[command(flatten)]
        demand: DemandArgs,
        /// Aldebaran (mCRL2, CADP and LTSmin read it), Graphviz, a Mermaid state diagram, or one story as a sequence
        /// diagram.
        #[arg(long, value_enum, default_value = "aut")]
        format: ExportFormat,
        /// With `svg`: what the story leads to, as `model check` names it, or a part of that. The shortest way is drawn.
        #[arg(long, value_name = "TEXT", default_value = "")]
        story: String,
        /// Only states at most so many moves from the start: a drawing of all of them is no drawing.
        #[arg(long, value_name = "MOVES")]
        depth: Option<usize>,
    },
}

/// How many clients `shared` and `ending` have.
#[derive(Debug, Clone, Copy, Args)]
struct CompanyArgs {
    /// In `shared` and `ending`, how many members the shared session has at first. A third makes fifty times as many
    /// states.
    #[arg(long, value_name = "N", default_value_t = models::Company::default().members,
        value_parser = clap::value_parser!(u16).range(2..=8), help_heading = "Clients")]
    clients: u16,
    /// In `shared` and `ending`, how many clients have a session apart.
    #[arg(long, value_name = "M", default_value_t = models::Company::default().outside,
        value_parser = clap::value_parser!(u16).range(0..=8), help_heading = "Clients")]
    outside: u16,
}

impl CompanyArgs {
    /// The model, with these clients where it is made of clients.
    fn model(self, name: Name, demand: mapi_session_spec::rule::Demand) -> models::SessionModel {
        let company = models::Company { members: self.clients, outside: self.outside };
        model(name, demand).with_company(company)
    }
}

fn model(name: Name, demand: mapi_session_spec::rule::Demand) -> models::SessionModel {
    let named = name.to_possible_value().and_then(|name| models::named(name.get_name(), demand));
    named.expect("the names here are those of the models")
}

/// The most memory that this process has held, in MiB, where the system says it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib / 1024)
}

/// The story that leads to what is so called, drawn.
fn drawn(model: &models::SessionModel, part: &str) -> Result<String, Failure> {
    let stories = models::stories(model);
    // The last is the most particular.
    let told = stories.iter().rfind(|name| name.contains(part));
    let drawing = told.and_then(|name| models::story(model, name));
    drawing.ok_or_else(|| Failure::Usage {
        what: format!("the model {} has no story about {part:?}", model.name),
        mend: format!("it has these: {}", stories.join("; ")),
    })
}

impl Model {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        match &self.what {
            What::Check { name, company, symmetry, demand } => {
                let names = name.map_or(Name::value_variants().to_vec(), |name| vec![name]);
                let mut failed = false;
                for name in names {
                    let clock = Instant::now();
                    let model = company.model(name, demand.demand(None));
                    let result = if *symmetry && matches!(name, Name::Shared | Name::Ending) {
                        models::check_up_to_symmetry(&model)
                    } else {
                        models::check(model)
                    };
                    let seconds = clock.elapsed().as_secs_f64();
                    match result {
                        Ok(explored) => {
                            failed |= !explored.holds();
                            let memory = peak_memory()
                                .map_or_else(String::new, |mib| format!(", at most {mib} MiB so far"));
                            print(&format!("{explored}  {seconds:.2} s{memory}\n"))?;
                        }
                        Err(error) => {
                            failed = true;
                            super::complain(&error.to_string());
                        }
                    }
                }
                Ok(u8::from(failed))
            }
            What::Explore { name, company, demand, port } => {
                let address = SocketAddr::from(([127, 0, 0, 1], *port));
                let _ = writeln!(anstream::stderr(), "serving on http://{address} until interrupted");
                models::explore(company.model(*name, demand.demand(None)), address);
                Ok(0)
            }
            What::Export { name, company, demand, format: ExportFormat::Svg, story, .. } => {
                let model = company.model(*name, demand.demand(None));
                print(&drawn(&model, story)?)?;
                Ok(0)
            }
            What::Export { name, company, demand, format, depth, .. } => {
                let export = match format {
                    ExportFormat::Aut => models::aldebaran,
                    ExportFormat::Dot => models::dot,
                    ExportFormat::Mermaid | ExportFormat::Svg => models::mermaid,
                };
                let model = company.model(*name, demand.demand(None));
                print(&export(&model, depth.unwrap_or(usize::MAX)))?;
                Ok(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_on_the_command_line_is_a_models_and_each_model_has_one() {
        let demand = mapi_session_spec::rule::Demand {
            level: mapi_session_spec::Level::Conventional,
            era: mapi_session_spec::Era::FastShutdown,
        };
        let named: Vec<_> = Name::value_variants().iter().map(|name| model(*name, demand).name).collect();
        let all: Vec<_> = models::all(demand).iter().map(|model| model.name).collect();
        assert_eq!(named, all);
    }
}

//! `spec`: read the specification.

use clap::{Args, Subcommand};
use mapi_session_spec::requirement::{self, RequirementId};
use mapi_session_spec::{lifecycle, render};

use crate::failure::Failure;

/// Read the specification.
#[derive(Debug, Args)]
pub(super) struct Spec {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Every requirement, a line each.
    List,
    /// One requirement: its text, its sources, its rules.
    Show {
        /// Such as LOGOFF-003, or its name.
        id: String,
    },
    /// What a Logoff, and a call after it, may answer at each level.
    Tables,
    /// The lifecycle, as a Mermaid diagram.
    Diagram,
    /// For each requirement: the model property, the traces in which it bound, the mutant that proves the check.
    Coverage(crate::coverage::CoverageArgs),
}

impl Spec {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let text = match &self.what {
            What::List => render::list(),
            What::Show { id } => show(id)?,
            What::Tables => render::tables(),
            What::Diagram => lifecycle::mermaid(),
            What::Coverage(arguments) => return arguments.run(),
        };
        super::output::print(&text)?;
        Ok(0)
    }
}

fn show(id: &str) -> Result<String, Failure> {
    let found = match id.to_uppercase().parse::<RequirementId>() {
        Ok(id) => requirement::find(id),
        Err(_) => requirement::catalogue().find(|row| row.name == id),
    };
    found.map(render::requirement).ok_or_else(|| {
        let all = requirement::catalogue().map(|row| row.id.to_string());
        let near = all.min_by_key(|other| strsim::levenshtein(&id.to_uppercase(), other)).unwrap_or_default();
        Failure::Usage {
            what: format!("no requirement is called {:?}", crate::text::harmless(id)),
            mend: format!("did you mean {near}? `mapi-conform spec list` shows them all"),
        }
    })
}

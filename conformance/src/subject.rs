//! The subject under test, and how it is called. All code that touches it is in the modules below.

mod driver;
mod held;
mod library;
mod memory;
mod sink;

pub(crate) use driver::Driver;
pub(crate) use library::load;
pub(crate) use memory::exception_is_under_way;
pub(crate) use sink::{Begun, SinkEvents, Sinks, Told};

use std::path::PathBuf;

/// What is tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The embedded reference session.
    Reference,
    /// The embedded session that takes the other branch wherever the documents leave one.
    Contrary,
    /// One of the embedded mutants.
    Mutant(String),
    /// A shared library with Microsoft's COM layout.
    Library(PathBuf),
}

impl Subject {
    /// The kind, as the JSON report says it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Reference | Self::Contrary => "reference",
            Self::Mutant(_) => "mutant",
            Self::Library(_) => "library",
        }
    }

    /// The name, as it was given.
    pub fn name(&self) -> String {
        match self {
            Self::Reference => "reference".into(),
            Self::Contrary => "contrary".into(),
            Self::Mutant(id) => id.clone(),
            Self::Library(path) => path.display().to_string(),
        }
    }

    /// The arguments that name it on the command line.
    pub fn arguments(&self) -> Vec<String> {
        match self {
            Self::Reference => vec!["--reference".into()],
            Self::Contrary => vec!["--mutant".into(), "contrary".into()],
            Self::Mutant(id) => vec!["--mutant".into(), id.clone()],
            Self::Library(path) => vec!["--library".into(), path.display().to_string()],
        }
    }
}

//! Expected failures, each with the exit code that the contract gives it.

use std::path::PathBuf;

use crate::run::NotTested;
use crate::trace::ReadError;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line contradicts itself, or misses something.
    #[error("{what}\n  help: {mend}")]
    Usage {
        /// What is wrong.
        what: String,
        /// What would be right.
        mend: String,
    },
    /// A file could not be read.
    #[error("{path}: {why}\n  help: {mend}")]
    Input {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
        /// What would be right.
        mend: String,
    },
    /// A trace is not what the format says.
    #[error("{path}: {error}")]
    Trace {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        error: ReadError,
    },
    /// A report could not be written.
    #[error("cannot write {path}: {why}\n  help: give a path in a folder that exists and may be written to")]
    Output {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The subject could not be tested.
    #[error("{0}\n  help: {help}", help = help_for(.0))]
    NotTested(NotTested),
    /// Nothing is selected.
    #[error(
        "nothing is selected: {0}\n  help: `mapi-conform spec list` shows the requirements that can be named"
    )]
    NothingSelected(String),
}

fn help_for(failure: &NotTested) -> &'static str {
    match failure {
        NotTested::NotLoaded(_) => {
            "a subject is a shared library for this machine that exports MAPIInitialize, MAPILogonEx, \
             MAPIUninitialize and MAPIFreeBuffer with C linkage"
        }
        NotTested::Broken(_) => {
            "run it under a debugger or valgrind: the subject corrupts memory that is not its own"
        }
        NotTested::NoLogon(_) => {
            "the tester logs on with a profile name, with MAPI_USE_DEFAULT and into shared sessions; \
             name a profile that the subject knows with --profile NAME"
        }
    }
}

impl Failure {
    /// The exit code.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } | Self::Input { .. } | Self::Trace { .. } | Self::Output { .. } => 2,
            Self::NotTested(_) => 3,
            Self::NothingSelected(_) => 4,
        }
    }
}

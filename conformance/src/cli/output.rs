//! Reports on their way out: whole or not at all.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::failure::Failure;
use crate::report::json::Context;
use crate::report::{human, json, junit};
use crate::run::Findings;
use crate::trace;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Human,
    Json,
}

/// Where the report goes.
#[derive(Debug, Clone, Args)]
pub(super) struct ReportArgs {
    /// What goes to standard output.
    #[arg(long, value_enum, default_value = "human", help_heading = "Reports")]
    pub(super) format: Format,
    /// Write the JSON report to this file.
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub(super) json: Option<PathBuf>,
    /// Write a JUnit report to this file.
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub(super) junit: Option<PathBuf>,
    /// Write the trace of each deviation into this folder.
    #[arg(long, value_name = "DIR", help_heading = "Reports")]
    pub(super) traces: Option<PathBuf>,
}

impl ReportArgs {
    /// Finds out beforehand whether the reports can be written: nothing is worse than to learn it afterwards.
    pub(super) fn check(&self) -> Result<(), Failure> {
        for path in [&self.json, &self.junit].into_iter().flatten() {
            drop(beside(path)?);
        }
        if let Some(folder) = &self.traces {
            std::fs::create_dir_all(folder).map_err(|error| cannot(folder, &error))?;
            let probe = tempfile::Builder::new().prefix(".mapi-conform-").tempfile_in(folder);
            probe.map_err(|error| cannot(folder, &error))?;
        }
        Ok(())
    }

    /// Prints and writes everything.
    pub(super) fn write(&self, findings: &Findings, context: &Context) -> Result<(), Failure> {
        let as_json = || format!("{:#}\n", json::report(findings, context));
        let mut out = anstream::stdout();
        let text = match self.format {
            Format::Human => human::report(findings, context),
            Format::Json => as_json(),
        };
        // A reader that has gone away is no failure of the run.
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
        if let Some(path) = &self.json {
            write_whole(path, &as_json())?;
        }
        if let Some(path) = &self.junit {
            let xml = junit::report(findings, context)
                .map_err(|error| Failure::Output { path: path.clone(), why: error.to_string() })?;
            write_whole(path, &xml)?;
        }
        if let Some(folder) = &self.traces {
            for finding in &findings.deviations {
                let path = folder.join(format!("{}.jsonl", finding.requirement));
                write_whole(&path, &trace::to_lines(&finding.evidence.events, findings.demand.era))?;
            }
        }
        Ok(())
    }
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Output { path: path.to_path_buf(), why: error.to_string() }
}

/// A temporary file in the folder where the report will be.
fn beside(path: &Path) -> Result<tempfile::NamedTempFile, Failure> {
    if path.is_dir() {
        return Err(Failure::Output { path: path.to_path_buf(), why: "it is a folder".into() });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::Builder::new().prefix(".mapi-conform-").tempfile_in(folder);
    file.map_err(|error| cannot(path, &error))
}

fn write_whole(path: &Path, text: &str) -> Result<(), Failure> {
    let mut file = beside(path)?;
    file.write_all(text.as_bytes()).map_err(|error| cannot(path, &error))?;
    // A temporary file is private; a report is for whoever reads reports.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let readable = std::fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(readable).map_err(|error| cannot(path, &error))?;
    }
    file.persist(path).map_err(|error| cannot(path, &error.error))?;
    Ok(())
}

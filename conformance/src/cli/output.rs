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
        if let (Some(json), Some(junit)) = (&self.json, &self.junit)
            && destination(json) == destination(junit)
        {
            return Err(Failure::Usage {
                what: format!("--json and --junit both name {}", json.display()),
                mend: "give each report a file of its own".into(),
            });
        }
        for path in [&self.json, &self.junit].into_iter().flatten() {
            if path == Path::new("-") {
                return Err(Failure::Usage {
                    what: "- names no report file".into(),
                    mend: "to print a report give /dev/stdout, or `--format json`; to write a file of that name, ./-"
                        .into(),
                });
            }
            if !is_special(path) {
                drop(beside(&destination(path))?);
            }
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
        let text = match self.format {
            Format::Human => human::report(findings, context),
            Format::Json => as_json(),
        };
        print(&text)?;
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

/// Prints to standard output. A reader that has gone away is no failure; a disk that is full is.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(cannot(Path::new("standard output"), &error))
        }
        _ => Ok(()),
    }
}

/// The file that the path means: links followed, `.` and `..` gone, where it can be found out.
fn destination(path: &Path) -> PathBuf {
    if let Ok(there) = path.canonicalize() {
        return there;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_path_buf(),
    }
}

/// A pipe or a device: written to, never replaced.
fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir())
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
    if is_special(path) {
        let opened = std::fs::OpenOptions::new().write(true).open(path);
        return opened
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| cannot(path, &error));
    }
    let path = &destination(path);
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

/// How far long work has come, on a terminal only.
pub(crate) fn progress_bar(length: usize, of_what: &str) -> indicatif::ProgressBar {
    use std::io::IsTerminal as _;
    if !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new(length as u64);
    let shape = format!("{{wide_bar}} {{pos}} of {{len}} {of_what}, {{eta}} left");
    match indicatif::ProgressStyle::with_template(&shape) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

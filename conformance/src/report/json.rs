//! The JSON report: `mapi-conform/report/1`, whose schema is checked in beside the crate.

use mapi_session_spec::requirement::RequirementId;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::run::{Finding, Findings, Status};
use crate::subject::Subject;
use crate::trace;

/// What a report says besides the findings.
#[derive(Debug, Clone)]
pub struct Context {
    /// The version of this tool.
    pub version: &'static str,
    /// What was tested.
    pub subject: Subject,
    /// The hash of the library, where it is one.
    pub sha256: Option<String>,
    /// The suites, by name.
    pub suites: Vec<String>,
    /// The seed.
    pub seed: u64,
    /// The hash of the plan.
    pub plan: String,
    /// The profile given.
    pub profile: Option<String>,
    /// When the run started, as RFC 3339 in UTC.
    pub started: String,
    /// How long it took, in seconds.
    pub duration: f64,
    /// Where traces were written to.
    pub traces: Option<std::path::PathBuf>,
}

impl Context {
    /// The verdict in one word: `conforms` or `deviates`, or `not-tested` where nothing was put to the test.
    pub fn verdict(&self, findings: &Findings) -> &'static str {
        if !findings.deviations.is_empty() {
            "deviates"
        } else if findings.count(Status::Passed) > 0 {
            "conforms"
        } else {
            "not-tested"
        }
    }

    /// The command that shows a finding again: its trace once more, or, of a race, the races.
    pub fn replay_command(&self, finding: &Finding) -> String {
        let folder = self.traces.as_ref().map_or_else(|| "traces".into(), |path| path.display().to_string());
        let mut words = vec!["mapi-conform".to_owned()];
        if finding.evidence.program.races() {
            // A trace says in which order things came, and not how close.
            words.extend(["check", "--suite", "race", "--seed"].map(str::to_owned));
            words.extend([self.seed.to_string(), "--require".into(), finding.requirement.to_string()]);
        } else {
            words.extend(["replay".into(), shell_word(&format!("{folder}/{}.jsonl", finding.requirement))]);
        }
        words.extend(self.subject.arguments().iter().map(|word| shell_word(word)));
        if let Some(profile) = &self.profile {
            words.extend(["--profile".into(), shell_word(profile)]);
        }
        let levels = finding.evidence.levels.first().map(ToString::to_string).unwrap_or_default();
        words.extend(["--level".into(), levels]);
        words.join(" ")
    }
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A short name of the fault itself, equal for equal faults whatever trace showed them.
pub fn fingerprint(finding: &Finding) -> String {
    let mut hash = Sha256::new();
    hash.update(finding.requirement.to_string());
    hash.update(finding.kind.name());
    hash.update(&finding.observed);
    hex(&hash.finalize())[..16].to_owned()
}

fn ids(ids: &[RequirementId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn deviation(finding: &Finding, context: &Context, findings: &Findings) -> Value {
    let levels: Vec<String> = finding.evidence.levels.iter().map(ToString::to_string).collect();
    json!({
        "requirement": finding.requirement.to_string(),
        "blame": finding.blame.to_string(),
        "levels": levels,
        "kind": finding.kind.name(),
        "fingerprint": fingerprint(finding),
        "allowed": finding.allowed,
        "observed": crate::text::harmless(&finding.observed),
        "decided_by": finding.evidence.decided_by,
        "follows": ids(&finding.follows),
        "waiver": Value::Null,
        "trace": trace::to_values(&finding.evidence.events, findings.demand.era),
        "replay": context.replay_command(finding),
    })
}

/// The whole report.
pub fn report(findings: &Findings, context: &Context) -> Value {
    let mut counts = Map::new();
    for status in Status::ALL {
        counts.insert(status.name().replace('-', "_"), findings.count(status).into());
    }
    let levels: Vec<String> = findings.conforms_at().iter().map(ToString::to_string).collect();
    let requirements: Vec<Value> = findings
        .requirements
        .iter()
        .map(|r| json!({"id": r.id.to_string(), "status": r.status.name(), "traces": r.traces}))
        .collect();
    let deviations: Vec<Value> =
        findings.deviations.iter().map(|d| deviation(d, context, findings)).collect();
    json!({
        "schema": "mapi-conform/report/1",
        "tool": {"version": context.version},
        "catalogue": {"revision": 1},
        "plan": {"hash": context.plan, "goals": findings.goals.0, "reached": findings.goals.1},
        "platform": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        "subject": {
            "kind": context.subject.kind(),
            "name": crate::text::harmless(&context.subject.name()),
            "sha256": context.sha256,
        },
        "level": findings.demand.level.to_string(),
        "era": findings.demand.era.to_string(),
        "suites": context.suites,
        "seed": context.seed,
        "dialect": {"sharing": format!("{:?}", findings.dialect.sharing).to_lowercase()},
        "verdict": context.verdict(findings),
        "complete": findings.is_complete(),
        "conforms_at": levels,
        "summary": {"traces": findings.traces, "calls": findings.calls, "requirements": counts},
        "requirements": requirements,
        "deviations": deviations,
        "inconclusive": findings.inconclusive,
        "forfeited": findings.forfeited(),
        "started": context.started,
        "duration": context.duration,
    })
}

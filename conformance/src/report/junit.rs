//! JUnit XML, one test case a requirement, so that any CI shows them.

use std::time::Duration;

use mapi_session_spec::requirement;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::json::Context;
use super::words;
use crate::run::{Findings, Status};

/// The report as XML.
///
/// # Errors
/// If the report cannot be written as XML.
pub fn report(findings: &Findings, context: &Context) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("mapi-conform");
    report.set_time(Duration::from_secs_f64(context.duration.max(0.0)));
    let mut suite = TestSuite::new(crate::text::harmless(&context.subject.name()));
    for entry in &findings.requirements {
        let known = requirement::find(entry.id);
        let finding = findings.deviations.iter().find(|d| d.requirement == entry.id);
        let status = match entry.status {
            Status::Passed | Status::Waived => TestCaseStatus::success(),
            Status::Failed => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                if let Some(finding) = finding {
                    status.set_message(format!(
                        "allowed: {}; came: {}",
                        finding.allowed.join(" or "),
                        finding.observed
                    ));
                    let trace =
                        words::trace(&finding.evidence.events, Some(&finding.evidence.deviation)).join("\n");
                    status.set_description(format!("{trace}\n\n{}", context.replay_command(finding)));
                } else {
                    status.set_message("a consequence of another deviation");
                }
                status
            }
            Status::Inconclusive => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status.set_message("put to the test, and not decided");
                status
            }
            Status::NotExercised | Status::Undecided | Status::NotObservable => {
                let mut status = TestCaseStatus::skipped();
                let reason = known.and_then(|r| r.observable.reason());
                status.set_message(reason.map_or_else(
                    || entry.status.name().to_owned(),
                    |reason| format!("{}: {reason}", entry.status.name()),
                ));
                status
            }
        };
        let name = known.map_or_else(|| entry.id.to_string(), |r| format!("{} {}", r.id, r.name));
        let mut case = TestCase::new(name, status);
        case.set_classname(entry.id.family.to_string());
        suite.add_test_case(case);
    }
    report.add_test_suite(suite);
    report.to_string()
}

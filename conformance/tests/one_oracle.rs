//! One oracle: a rule is written once, and everything else follows from it.

mod support;

use std::path::Path;

use mapi_conform::Subject;
use mapi_conform::coverage::run_embedded;
use mapi_conform::plan::{Brief, Repeats, Suite, plan};
use mapi_conform::run::{Findings, Status};
use mapi_session_spec::event::Call;
use mapi_session_spec::moment::Moment;
use mapi_session_spec::rule::{Arm, Demand, Rules};
use mapi_session_spec::{Era, Family, Level, RequirementId};

const DEMAND: Demand = Demand { level: Level::Documented, era: Era::FastShutdown };

/// A requirement that no document has, and that no catalogue lists.
const TOY: RequirementId = Family::Logoff.id(999);

fn second_logoff(m: &Moment) -> bool {
    m.dead() && matches!(m.call(), Call::Logoff { .. })
}

/// A rule that nobody else knows: a second Logoff is refused. The documents leave it open; the reference refuses it,
/// its contrary twin does not, and so is the toy's mutant.
fn toy() -> Arm {
    Arm::on_return(TOY, Level::Documented, "a failure", second_logoff, |_, o| !o.succeeded())
}

fn held_against(rules: &Rules, subject: Subject) -> Findings {
    let planned = plan(Brief { rules, demand: DEMAND, ui: true, repeats: Repeats::default() }, Suite::Full);
    let program = Path::new(env!("CARGO_BIN_EXE_mapi-conform"));
    run_embedded(program, subject, DEMAND, rules, &planned).expect("a subject that can be tested")
}

#[test]
fn a_toy_rule_kills_its_mutant_with_no_change_outside_the_rules() {
    let rules = Rules::documented().with(toy());
    let kept = held_against(&rules, Subject::Reference);
    assert!(kept.deviations.is_empty(), "{:?}", kept.deviations);
    let passed = kept.requirements.iter().find(|status| status.id == TOY).expect("it is reported");
    assert_eq!((passed.status, passed.traces > 0), (Status::Passed, true), "a pass needs a trace that bound");

    let broken = held_against(&rules, Subject::Mutant("contrary".into()));
    let accused: Vec<RequirementId> = broken.deviations.iter().map(|finding| finding.requirement).collect();
    assert_eq!(accused, [TOY]);
    let events = &broken.deviations[0].evidence.events;
    assert!(events.len() < 12, "the trace is as short as it can be: {events:?}");
}

#[test]
fn without_the_toy_rule_its_mutant_conforms_and_nothing_makes_a_second_logoff_by_itself() {
    let rules = Rules::documented();
    let conforms = held_against(&rules, Subject::Mutant("contrary".into()));
    assert!(conforms.deviations.is_empty(), "{:?}", conforms.deviations);
    assert!(conforms.requirements.iter().all(|status| status.id != TOY));
}

/// Rules that no mutant of ours needs by itself, and why: requirement, the beginning of what the rule demands, reason.
const NOT_ALONE: &[(&str, &str, &str)] = &[(
    "SHARED-005",
    "a success, as before: being told ends nobody",
    "one of the two is of the classic era, and the matrix is of the fast-shutdown era: the next test asks it",
)];

#[test]
fn every_requirement_that_can_be_seen_has_a_model_a_trace_and_a_mutant_and_every_rule_convicts_one_alone() {
    let ran = support::conform(&["spec", "coverage", "--format", "json"]);
    let matrix: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let list = |key: &str| matrix[key].as_array().expect("a list").clone();
    let wrong: Vec<_> = list("mutants").into_iter().filter(|mutant| mutant["rightly"] != true).collect();
    assert!(wrong.is_empty(), "accused of something else, or alive: {wrong:#?}");
    let bare: Vec<_> = list("requirements").into_iter().filter(|row| row["covered"] != true).collect();
    assert!(bare.is_empty(), "without a model, a trace or a mutant: {bare:#?}");
    let excused = |rule: &serde_json::Value| {
        let text = |key: &str| rule[key].as_str().unwrap_or_default().to_owned();
        let (of, demands) = (text("requirement"), text("demands"));
        NOT_ALONE.iter().any(|(id, start, _)| of == *id && demands.starts_with(start))
    };
    let idle = |rule: &serde_json::Value| rule["mutants"].as_array().is_none_or(Vec::is_empty);
    let unproven: Vec<_> = list("rules").into_iter().filter(|rule| idle(rule) && !excused(rule)).collect();
    assert!(unproven.is_empty(), "without this rule every mutant dies all the same: {unproven:#?}");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn in_the_classic_era_the_pages_alone_convict_a_session_whose_members_end_when_told() {
    let said = |era: &str| {
        let ran = support::conform(&[
            "check",
            "--mutant",
            "shared-flag-ends-members",
            "--level",
            "documented",
            "--era",
            era,
        ]);
        (ran.code, ran.stdout.contains("deviation[SHARED-005]"))
    };
    assert_eq!(said("classic"), (Some(1), true));
    assert_eq!(said("fast-shutdown"), (Some(0), false), "since then one page lets the flag end every client");
}

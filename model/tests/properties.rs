//! The properties hold, each can fail, and the counts are pinned.

use mapi_session_model::{SessionModel, check, first_failure, search, session, shared};
use mapi_session_spec::rule::Demand;
use mapi_session_spec::{Era, Family, Level, RequirementId};

fn demand() -> Demand {
    Demand { level: Level::Conventional, era: Era::FastShutdown }
}

/// What binds in a model and could not be broken there: no property claims that it holds.
const CANNOT_FAIL: &[(&str, RequirementId, &str)] = &[
    ("session", Family::Notify.id(15), "with one registration there is no other connection to collide with"),
    ("shared", Family::Shared.id(10), "NOTIFY-003 refuses the same event when it comes"),
];

fn models() -> [SessionModel; 2] {
    [session(demand()), shared(demand())]
}

#[test]
fn every_property_holds_and_the_counts_are_pinned() {
    let mut text = String::new();
    for model in models() {
        let explored = check(model).expect("a run that shows something");
        assert!(explored.holds(), "{explored}");
        text.push_str(&explored.to_string());
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_binds_in_a_model_has_a_property_there_or_a_reason_why_not() {
    for model in models() {
        let searched = search(&model);
        let mut with_a_property = model.keeps.to_vec();
        with_a_property
            .extend(CANNOT_FAIL.iter().filter(|(name, ..)| *name == model.name).map(|(_, id, _)| *id));
        with_a_property.sort_unstable();
        assert_eq!(searched.bound, with_a_property, "{}", model.name);
    }
}

#[test]
fn the_property_of_each_requirement_fails_in_the_twin_that_drops_its_rules() {
    let mut unshaken = Vec::new();
    for model in models() {
        for requirement in model.keeps {
            let failed = first_failure(model.clone().twin(*requirement));
            if !failed.is_some_and(|name| name.starts_with(&requirement.to_string())) {
                unshaken.push(format!("{} without {requirement}: {failed:?} fails", model.name));
            }
        }
    }
    assert!(unshaken.is_empty(), "{unshaken:#?}");
}

//! The properties hold, each can fail, and the counts are pinned.

use std::sync::LazyLock;

use mapi_session_model::{Explored, SessionModel, all, check, first_failure, models_of};
use mapi_session_spec::requirement::{self, Observable};
use mapi_session_spec::rule::Demand;
use mapi_session_spec::{Era, Family, Level, RequirementId};

fn demand() -> Demand {
    Demand { level: Level::Conventional, era: Era::FastShutdown }
}

/// What binds in a model and could not be broken there: no property claims that it holds.
const CANNOT_FAIL: &[(&str, RequirementId, &str)] = &[
    ("session", Family::Notify.id(15), "with one registration there is no other connection to collide with"),
    ("ending", Family::Logon.id(10), "nobody there is told but who is owed a word"),
    ("ending", Family::Shared.id(11), "nobody there is told but who is owed a word"),
    ("ending", Family::Notify.id(3), "nobody there is told of anything but the end of a session"),
    ("ending", Family::Shared.id(10), "nobody there is told of anything but the end of a session"),
    ("race", Family::Notify.id(3), "nobody there is told of anything but the end of a session"),
    ("race", Family::Shared.id(10), "nobody there is told of anything but the end of a session"),
];

/// What another rule refuses before it could be broken: the twin drops both.
const REFUSED_EARLIER: &[(&str, &[RequirementId; 1], RequirementId)] =
    &[("shared", &[Family::Shared.id(10)], Family::Notify.id(3))];

/// Each model as it is, explored whole, once for all tests.
static EXPLORED: LazyLock<Vec<(SessionModel, Explored)>> = LazyLock::new(|| {
    let explored = |model: SessionModel| (model.clone(), check(model).expect("a run that shows something"));
    all(demand()).into_iter().map(explored).collect()
});

#[test]
fn every_property_holds_and_the_counts_are_pinned() {
    let mut text = String::new();
    for (_, explored) in &*EXPLORED {
        assert!(explored.holds(), "{explored}");
        text.push_str(&explored.to_string());
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_binds_in_a_model_has_a_property_there_or_a_reason_why_not() {
    for (model, explored) in &*EXPLORED {
        let mut with_a_property = model.keeps.to_vec();
        with_a_property
            .extend(CANNOT_FAIL.iter().filter(|(name, ..)| *name == model.name).map(|(_, id, _)| *id));
        with_a_property.sort_unstable();
        assert_eq!(explored.bound, with_a_property, "{}", model.name);
    }
}

#[test]
fn each_requirement_that_can_be_seen_has_a_property_in_some_model() {
    let without: Vec<RequirementId> = requirement::catalogue()
        .filter(|row| row.in_scope && row.observable == Observable::Boundary)
        .map(|row| row.id)
        .filter(|id| models_of(*id).is_empty())
        .collect();
    assert_eq!(without, []);
}

#[test]
fn the_property_of_each_requirement_fails_in_the_twin_that_drops_its_rules() {
    let mut unshaken = Vec::new();
    for model in all(demand()) {
        for requirement in model.keeps {
            let earlier =
                REFUSED_EARLIER.iter().find(|(name, [id], _)| *name == model.name && id == requirement);
            let mut twin = model.clone().twin(*requirement);
            if let Some((_, keeps, earlier)) = earlier {
                twin = twin.twin(*earlier);
                twin.keeps = *keeps;
            }
            let failed = first_failure(twin);
            if !failed.is_some_and(|name| name.starts_with(&requirement.to_string())) {
                unshaken.push(format!("{} without {requirement}: {failed:?} fails", model.name));
            }
        }
    }
    assert!(unshaken.is_empty(), "{unshaken:#?}");
}

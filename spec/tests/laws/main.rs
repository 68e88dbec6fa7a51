//! Laws of the specification, each an English sentence.

mod automaton;
mod judging;
mod late_words;
mod let_go;
mod levels;
mod out_pointers;
mod overlap;
mod sharing;
mod trace;
mod waiting;
mod walk;

use std::collections::HashSet;

use mapi_session_spec::rule::Rules;
use mapi_session_spec::{Observable, catalogue};

#[test]
fn every_requirement_that_can_be_seen_is_decided_by_a_rule_and_every_rule_decides_one() {
    let decided: HashSet<_> = Rules::documented().arms().iter().map(|arm| arm.requirement).collect();
    for row in catalogue().filter(|row| row.in_scope && row.observable == Observable::Boundary) {
        assert!(decided.contains(&row.id), "no rule decides {}", row.id);
    }
    for id in decided {
        assert!(mapi_session_spec::find(id).is_some(), "{id} is not in the catalogue");
    }
}

#[test]
fn no_rule_demands_at_a_milder_level_than_its_requirement() {
    for arm in Rules::documented().arms() {
        let row = mapi_session_spec::find(arm.requirement).expect("in the catalogue");
        assert!(arm.level >= row.level, "{}: {} is demanded at {}", row.id, arm.demands, arm.level);
    }
}

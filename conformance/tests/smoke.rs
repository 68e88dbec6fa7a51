//! The smallest suite is small, and still has teeth.

use std::path::Path;

use mapi_conform::coverage::kill;
use mapi_conform::plan::{Brief, Repeats, Suite, plan};
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::{Era, Level};

#[test]
fn smoke_makes_a_thousand_calls_at_most_and_kills_nineteen_mutants_of_twenty() {
    let rules = Rules::documented();
    for level in Level::ALL {
        let demand = Demand { level, era: Era::FastShutdown };
        let brief = Brief { rules: &rules, demand, ui: true, repeats: Repeats::default() };
        let calls: usize = plan(brief, Suite::Smoke).iter().map(|planned| planned.program.most_calls()).sum();
        assert!(calls <= 1_000, "{calls} calls at {level:?}");
    }
    let kills = kill(Path::new(env!("CARGO_BIN_EXE_mapi-conform")), Suite::Smoke, "", &|_, _| {});
    let alive: Vec<&str> =
        kills.iter().filter(|kill| kill.accused.is_empty()).map(|kill| kill.mutant.id).collect();
    assert!(alive.len() * 20 <= kills.len(), "{} of {} live: {}", alive.len(), kills.len(), alive.join(" "));
}

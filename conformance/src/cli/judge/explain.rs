//! `judge --explain`: why the judge goes on as it does.

use mapi_session_spec::event::{Call, Event, SessionId};
use mapi_session_spec::judge::Judge;
use mapi_session_spec::phase::Phases;
use mapi_session_spec::rule::Rules;
use mapi_session_spec::state::World;

use crate::report::words;

/// What each session may be in.
pub(super) fn phases(world: &World) -> Vec<(SessionId, Phases)> {
    world.all_sessions().map(|(id, session)| (id, session.phases)).collect()
}

/// Why the judge goes on as it does: an event, the rules that bore on it, and what it leaves possible.
pub(super) fn explained(
    judge: &Judge,
    rules: &Rules,
    event: &Event,
    call: Option<&Call>,
    line: usize,
    before: &[(SessionId, Phases)],
) -> String {
    use std::fmt::Write as _;
    let mut text = format!("line {line}: {}\n", words::event(event, call));
    for (arm, kept) in judge.bore() {
        let arm = &rules.arms()[*arm];
        let verdict = if *kept { "kept  " } else { "BROKEN" };
        let _ = writeln!(text, "    {verdict}  {:<11} {}", arm.requirement.to_string(), arm.demands);
    }
    for (id, now) in phases(&judge.world) {
        let was = before.iter().find(|(known, _)| *known == id).map(|(_, phases)| *phases);
        if was == Some(now) {
            continue;
        }
        let list = |phases: Vec<String>| phases.join(" or ");
        let may_be = list(now.iter().map(|phase| phase.to_string()).collect());
        let gone: Vec<String> = was
            .map(|was| {
                was.iter().filter(|phase| !now.may_be(*phase)).map(|phase| phase.to_string()).collect()
            })
            .unwrap_or_default();
        let gone = if gone.is_empty() { String::new() } else { format!(", no longer {}", list(gone)) };
        let _ = writeln!(text, "    {id} is {may_be}{gone}");
    }
    text
}

//! What judging one recording came to, for people and as JSON.

use std::path::Path;

use mapi_session_spec::habit::Habit;
use mapi_session_spec::judge::Verdict;
use mapi_session_spec::requirement;
use mapi_session_spec::rule::{Demand, Rules};
use serde_json::{Value, json};

use super::judges::Told;

/// What judging one recording came to.
pub(super) struct Judged {
    pub(super) demand: Demand,
    pub(super) events: usize,
    pub(super) complete: bool,
    pub(super) told: Vec<Told>,
    /// Habits of known callers that break no rule, each with its line.
    pub(super) advice: Vec<(usize, Habit)>,
    /// Deviations beyond those.
    pub(super) more: usize,
    pub(super) verdict: Verdict,
}

/// The first deviation from each rule, and the lines of the others: who does the same wrong many times is told once.
fn by_rule(told: &[Told]) -> Vec<(&Told, Vec<usize>)> {
    let mut all: Vec<(&Told, Vec<usize>)> = Vec::new();
    for one in told {
        match all.iter_mut().find(|(first, _)| first.deviation.arm == one.deviation.arm) {
            Some((_, again)) => again.push(one.line),
            None => all.push((one, Vec::new())),
        }
    }
    all
}

/// Lines, in words: not more than can be read at a glance.
fn lines(all: &[usize]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = all.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = all.len().saturating_sub(SHOWN);
    let what = if all.len() == 1 { "in line" } else { "in lines" };
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{what} {}{rest}", shown.join(", "))
}

/// Where what deviates, in one line.
pub(super) fn headline(name: &str, Told { deviation, line, .. }: &Told) -> String {
    let title = requirement::find(deviation.requirement).map_or("", |known| known.name);
    format!("{name}:{line}: deviation[{}]: {title}", deviation.requirement)
}

pub(super) fn as_text(path: &Path, judged: &Judged, rules: &Rules) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let name = crate::text::harmless(&path.display().to_string());
    let demand = judged.demand;
    let _ = writeln!(text, "{name}: {} events, level {}, era {}", judged.events, demand.level, demand.era);
    for (told, again) in by_rule(&judged.told) {
        let Told { deviation, observed, .. } = told;
        let known = requirement::find(deviation.requirement);
        let _ = writeln!(text, "\n{}", headline(&name, told));
        let _ = writeln!(text, "  blame    the {}", deviation.blame);
        let _ = writeln!(text, "  allowed  {}", rules.arms()[deviation.arm].demands);
        let _ = writeln!(text, "  came     {observed} ({})", deviation.kind.name());
        for source in known.map_or(&[][..], |r| r.sources) {
            let _ = writeln!(text, "  source   {}, {}", source.document, source.section);
        }
        if !again.is_empty() {
            let _ = writeln!(text, "  again    {}", lines(&again));
        }
    }
    if judged.more > 0 {
        let _ = writeln!(text, "\n{} deviations more, which are not listed", judged.more);
    }
    for open in &judged.verdict.inconclusive {
        let what = open.requirement.map_or_else(String::new, |id| format!("{id}: "));
        let _ = writeln!(text, "inconclusive: {what}{}", open.why);
    }
    for (line, advice) in &judged.advice {
        let _ = writeln!(text, "{name}:{line}: advice: {advice}");
    }
    if judged.told.is_empty() {
        let bound = judged.verdict.bound.len();
        let _ = writeln!(text, "nothing deviates; {bound} rules were put to the test");
    }
    text
}

pub(super) fn as_json(path: &Path, judged: &Judged) -> Value {
    let deviations: Vec<Value> = judged
        .told
        .iter()
        .map(|Told { deviation, line, observed }| {
            json!({
                "requirement": deviation.requirement.to_string(),
                "blame": deviation.blame.to_string(),
                "kind": deviation.kind.name(),
                "line": line,
                "observed": observed,
            })
        })
        .collect();
    json!({
        "trace": path.display().to_string(),
        "level": judged.demand.level.to_string(),
        "era": judged.demand.era.to_string(),
        "events": judged.events,
        "complete": judged.complete,
        "rules_bound": judged.verdict.bound.len(),
        "inconclusive": judged.verdict.inconclusive.iter().map(|open| open.why).collect::<Vec<_>>(),
        "deviations": deviations,
        "deviations_not_listed": judged.more,
        "advice": judged.advice.iter().map(|(line, habit)| json!({"line": line, "text": habit.to_string()})).collect::<Vec<_>>(),
    })
}

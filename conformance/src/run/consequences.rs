//! Which breaches are mere consequences of others, so that one fault is accused once.

use std::collections::{BTreeMap, BTreeSet};

use mapi_session_spec::Level;
use mapi_session_spec::alphabet::plain_logoff;
use mapi_session_spec::event::{Call, Event, call_with};
use mapi_session_spec::judge::Kind;
use mapi_session_spec::outcome::Outcome;
use mapi_session_spec::requirement::{self, RequirementId};
use mapi_session_spec::rule::Arm;

use super::evidence::Evidence;

/// The broken requirements that are accused, each with those whose breach follows from its. A level that forbids the
/// consequence forbids what it follows from, too: otherwise the consequence stands for itself.
pub(super) fn of_each(
    arms: &[Arm],
    failed: &BTreeMap<RequirementId, Evidence>,
) -> BTreeMap<RequirementId, BTreeSet<RequirementId>> {
    let mut accused = implied_by_each(failed);
    let answers: BTreeMap<RequirementId, Answer> =
        accused.keys().filter_map(|id| Some((*id, Answer::of(arms, &failed[id])?))).collect();
    for (id, answer) in &answers {
        let simplest = answers
            .iter()
            .filter(|(_, other)| other.shows_already(answer))
            .min_by_key(|(id, other)| (other.calls, **id));
        if let Some((simplest, _)) = simplest
            && let Some(follows) = accused.remove(id)
        {
            accused.entry(*simplest).or_default().extend(follows.into_iter().chain([*id]));
        }
    }
    accused
}

fn implied_by_each(
    failed: &BTreeMap<RequirementId, Evidence>,
) -> BTreeMap<RequirementId, BTreeSet<RequirementId>> {
    let implied_by = |(id, evidence): (&RequirementId, &Evidence)| -> BTreeSet<RequirementId> {
        let follows = |other: &RequirementId| {
            failed.get(other).is_some_and(|other| evidence.levels.first() <= other.levels.first())
        };
        implied(*id).into_iter().filter(follows).collect()
    };
    let follow: BTreeSet<RequirementId> = failed.iter().flat_map(implied_by).collect();
    failed.iter().filter(|(id, _)| !follow.contains(id)).map(|one| (*one.0, implied_by(one))).collect()
}

/// What the catalogue says is implied by it, at whatever remove.
fn implied(id: RequirementId) -> BTreeSet<RequirementId> {
    let mut all = BTreeSet::new();
    let mut next = vec![id];
    while let Some(id) = next.pop() {
        for implied in requirement::find(id).map_or(&[][..], |r| r.implies) {
            if all.insert(*implied) {
                next.push(*implied);
            }
        }
    }
    all
}

/// An answer that a rule forbids, and after how many calls it came.
struct Answer {
    demands: &'static str,
    level: Option<Level>,
    kind: Kind,
    call: Call,
    outcome: Outcome,
    calls: usize,
}

impl Answer {
    /// `None`: what is wrong is no call's answer.
    fn of(arms: &[Arm], Evidence { events, deviation, levels, .. }: &Evidence) -> Option<Self> {
        let Some(Event::Return { id, outcome }) = events.get(deviation.event) else { return None };
        Some(Self {
            demands: arms[deviation.arm].demands,
            level: levels.first().copied(),
            kind: deviation.kind,
            call: *call_with(*id, events)?,
            outcome: *outcome,
            calls: events[..deviation.event]
                .iter()
                .filter(|event| matches!(event, Event::Call { .. }))
                .count(),
        })
    }

    /// Whether fewer calls lead to the same answer to the same call, or no more to the same answer to a plain one, and the
    /// same was demanded of it: then nothing that is peculiar about the other trace, or its call, is to blame.
    fn shows_already(&self, other: &Self) -> bool {
        let is_simpler = (self.calls < other.calls && is_same_call(&self.call, &other.call))
            || (self.calls <= other.calls && is_plain(&self.call, &other.call));
        is_simpler
            && self.level <= other.level
            && (self.demands, self.kind, self.outcome) == (other.demands, other.kind, other.outcome)
    }
}

/// The one is a Logoff with plain arguments, the other with others.
fn is_plain(one: &Call, other: &Call) -> bool {
    match (*one, *other) {
        (Call::Logoff { session, .. }, Call::Logoff { .. }) => {
            *one == plain_logoff(session) && !is_same_call(one, other)
        }
        _ => false,
    }
}

/// The same arguments, on whichever session.
fn is_same_call(one: &Call, other: &Call) -> bool {
    match (*one, *other) {
        (Call::Logoff { session: of, .. }, Call::Logoff { ui_param, flags, reserved, dirty, .. }) => {
            *one == Call::Logoff { session: of, ui_param, flags, reserved, dirty }
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use mapi_session_spec::Party;
    use mapi_session_spec::event::{CallId, SessionId, ThreadId};
    use mapi_session_spec::flags::LogoffFlags;
    use mapi_session_spec::hresult::HResult;
    use mapi_session_spec::judge::Deviation;
    use mapi_session_spec::outcome::Out;
    use mapi_session_spec::requirement::Family;
    use mapi_session_spec::rule::Rules;

    use super::*;
    use crate::program::Program;

    const PLAIN: RequirementId = Family::Logoff.id(9);
    const KEPT_ALIVE: RequirementId = Family::Unk.id(8);
    const INSIDE: RequirementId = Family::Notify.id(11);
    const WELCOMED: RequirementId = Family::Shared.id(12);

    /// A breach of this requirement, from this level on: so many calls of `MAPIInitialize`, and a Logoff that answers
    /// with this.
    fn broken(rules: &Rules, id: RequirementId, level: Level, before: u32, code: HResult) -> Evidence {
        let is_it = |arm: &Arm| {
            arm.requirement == id && (id == WELCOMED || arm.demands.starts_with("S_OK, the one value"))
        };
        let arm = rules.arms().iter().position(is_it).expect("a rule on it");
        let calls = (1..=before).map(|number| (number, Call::Initialize, HResult::S_OK));
        let logoff = (before + 1, plain_logoff(SessionId(before as u16)), code);
        let events: Vec<Event> = calls
            .chain([logoff])
            .flat_map(|(number, call, code)| {
                let id = CallId(number);
                let outcome = Outcome::returned(code, Out::None);
                [Event::Call { id, thread: ThreadId(0), call }, Event::Return { id, outcome }]
            })
            .collect();
        let deviation = Deviation {
            arm,
            requirement: id,
            blame: Party::Session,
            kind: Kind::WrongResult,
            event: events.len() - 1,
            call: Some(CallId(before + 1)),
            debt: None,
        };
        let levels = Level::ALL.into_iter().filter(|other| *other >= level).collect();
        Evidence { program: Program::default(), events, deviation, levels, decided_by: String::new() }
    }

    fn accused(rules: &Rules, all: Vec<Evidence>) -> Vec<(RequirementId, Vec<RequirementId>)> {
        let failed = all.into_iter().map(|evidence| (evidence.deviation.requirement, evidence)).collect();
        let of_each = of_each(rules.arms(), &failed).into_iter();
        of_each.map(|(id, follows)| (id, follows.into_iter().collect())).collect()
    }

    #[test]
    fn what_the_catalogue_implies_follows_unless_a_lower_level_forbids_it() {
        let rules = Rules::documented();
        assert!(implied(WELCOMED).contains(&PLAIN), "or choose others");
        let welcomed = broken(&rules, WELCOMED, Level::Conventional, 2, HResult::MAPI_E_CALL_FAILED);
        let plain = |level| broken(&rules, PLAIN, level, 3, HResult::S_FALSE);
        assert_eq!(
            accused(&rules, vec![welcomed.clone(), plain(Level::Documented)]),
            [(PLAIN, vec![]), (WELCOMED, vec![])]
        );
        assert_eq!(accused(&rules, vec![welcomed, plain(Level::Conventional)]), [(WELCOMED, vec![PLAIN])]);
    }

    #[test]
    fn the_same_answer_to_the_same_call_after_more_calls_follows_from_that_after_fewer() {
        let rules = Rules::documented();
        let plain = |before, code| broken(&rules, PLAIN, Level::Documented, before, code);
        let kept = |code| broken(&rules, KEPT_ALIVE, Level::Documented, 2, code);
        assert_eq!(
            accused(&rules, vec![plain(1, HResult::S_FALSE), kept(HResult::S_FALSE)]),
            [(PLAIN, vec![KEPT_ALIVE])]
        );
        for (plain, kept, why) in [
            (plain(2, HResult::S_FALSE), kept(HResult::S_FALSE), "after as many"),
            (plain(1, HResult::S_FALSE), kept(HResult::MAPI_E_CALL_FAILED), "another answer"),
        ] {
            assert_eq!(accused(&rules, vec![plain, kept]), [(PLAIN, vec![]), (KEPT_ALIVE, vec![])], "{why}");
        }
        let inside = broken(&rules, INSIDE, Level::Conventional, 1, HResult::S_FALSE);
        let both = accused(&rules, vec![plain(2, HResult::S_FALSE), inside]);
        assert_eq!(both, [(PLAIN, vec![]), (INSIDE, vec![])], "a lower level forbids the longer alone");
    }

    #[test]
    fn a_wrong_answer_to_peculiar_arguments_follows_from_the_same_answer_to_plain_ones_after_no_more_calls() {
        const BOTH_FLAGS: RequirementId = Family::Logoff.id(5);
        let rules = Rules::documented();
        let plain = |before| broken(&rules, INSIDE, Level::Conventional, before, HResult::S_FALSE);
        let mut peculiar = broken(&rules, BOTH_FLAGS, Level::Conventional, 1, HResult::S_FALSE);
        for event in &mut peculiar.events {
            if let Event::Call { call: Call::Logoff { flags, .. }, .. } = event {
                *flags = LogoffFlags(3);
            }
        }
        assert!(!implied(INSIDE).contains(&BOTH_FLAGS), "or choose others");
        assert_eq!(accused(&rules, vec![plain(1), peculiar.clone()]), [(INSIDE, vec![BOTH_FLAGS])]);
        assert_eq!(accused(&rules, vec![plain(2), peculiar]), [(BOTH_FLAGS, vec![]), (INSIDE, vec![])]);
    }
}

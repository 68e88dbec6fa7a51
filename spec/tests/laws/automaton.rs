//! The automaton: what it says of a trace is what the judge says, whatever it has seen before.

use mapi_session_spec::alphabet::logoff_with;
use mapi_session_spec::automaton::Automaton;
use mapi_session_spec::dialect::Sharing;
use mapi_session_spec::event::{Event, SessionId};
use mapi_session_spec::flags::LogoffFlags;
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::judge::{Judge, Verdict};
use mapi_session_spec::outcome::Out;
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::World;
use mapi_session_spec::{Era, Level};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::judging::{demand, nonsense};
use crate::trace::Trace;
use crate::walk::{nothing_yet, walk};

fn asked_of_the_judge(rules: &Rules, demand: Demand, events: &[Event]) -> (Verdict, World) {
    let mut judge = Judge::new(rules, demand, nothing_yet(), false);
    for event in events {
        judge.observe(event);
    }
    let end = judge.world.clone();
    (judge.verdict(), end)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_automaton_says_of_every_trace_what_the_judge_says(
        walks in vec(vec(any::<(u16, u16)>(), 0..40), 1..6),
        nonsense in vec(nonsense(), 0..4),
        demand in demand(),
        most in prop_oneof![0_usize..100, Just(10_000)],
    ) {
        let rules = Rules::documented();
        let good: Vec<Vec<Event>> = walks.iter().map(|choices| walk(&rules, demand, choices).1).collect();
        // What begins well and goes on badly, and what stops anywhere.
        let mixed = good.iter().zip(&nonsense).map(|(good, bad)| good.iter().chain(bad).copied().collect());
        let cut_short = good.iter().map(|good| good[..good.len() / 2].to_vec());
        let all: Vec<Vec<Event>> = good.iter().cloned().chain(mixed).chain(cut_short).chain(nonsense.clone()).collect();
        let mut automaton = Automaton::that_keeps(most, &rules, demand);
        for events in all.iter().chain(&all) {
            let (expected, expected_end) = asked_of_the_judge(&rules, demand, events);
            let (verdict, end) = automaton.judge(&nothing_yet(), events);
            prop_assert_eq!(verdict, expected, "{:#?}", events);
            prop_assert_eq!(end.as_ref(), &expected_end, "{:#?}", events);
        }
    }
}

#[test]
fn what_is_owed_when_a_trace_stops_is_not_decided_by_the_automaton_either() {
    let rules = Rules::documented();
    let demand = Demand { level: Level::Documented, era: Era::FastShutdown };
    let mut world = World::default();
    world.process.dialect.sharing = Sharing::Offered;
    let mut trace = Trace::of_members(2);
    let leaves = trace.begin(logoff_with(SessionId(0), LogoffFlags::MAPI_LOGOFF_SHARED));
    trace.end(leaves, HResult::S_OK, Out::None);
    let mut automaton = Automaton::new(&rules, demand);
    for _ in 0..2 {
        let (verdict, _) = automaton.judge(&world, &trace.events);
        assert!(!verdict.inconclusive.is_empty(), "nobody knows whether the other would have been told");
    }
    trace.settled();
    let (verdict, _) = automaton.judge(&world, &trace.events);
    assert!(!verdict.deviations.is_empty(), "the other was not told");
}

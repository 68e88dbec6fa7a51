//! The automaton: what it says of a trace is what the judge says, whatever it has seen before.

use mapi_session_spec::automaton::Automaton;
use mapi_session_spec::event::Event;
use mapi_session_spec::judge::{Judge, Verdict};
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::World;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::judging::{demand, nonsense};
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

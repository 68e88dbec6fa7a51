//! The automaton: what it says of a trace is what the judge says, whatever it has seen before.

use mapi_session_spec::alphabet::logoff_with;
use mapi_session_spec::automaton::Automaton;
use mapi_session_spec::dialect::Sharing;
use mapi_session_spec::event::{CallId, Event, SessionId};
use mapi_session_spec::flags::LogoffFlags;
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::judge::{Judge, Verdict};
use mapi_session_spec::outcome::Out;
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::World;
use mapi_session_spec::symbols::Symbols;
use mapi_session_spec::{Era, Level};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::judging::{demand, nonsense};
use crate::trace::Trace;
use crate::walk::{nothing_yet, walk};

/// Without what ends and has not begun, and what begins twice.
fn sensible(events: &[Event]) -> Vec<Event> {
    let mut kept = Vec::new();
    for event in events {
        kept.push(*event);
        if Symbols::default().spell(&kept).is_none() {
            kept.pop();
        }
    }
    kept
}

fn asked_of_the_judge(rules: &Rules, demand: Demand, events: &[Event]) -> (Verdict, World) {
    let mut judge = Judge::new(rules, demand, nothing_yet(), false);
    for event in events {
        judge.observe(event);
    }
    let end = judge.world.clone();
    (judge.verdict(), end)
}

/// Without the numbers of what is still under way.
fn unnumbered(mut world: World) -> World {
    world.pending.iter_mut().for_each(|pending| pending.id = CallId(0));
    world.running.iter_mut().for_each(|running| running.id = CallId(0));
    world
}

proptest! {
    #[test]
    fn a_trace_that_is_spelt_is_read_as_it_was(choices in vec(any::<(u16, u16)>(), 0..40)) {
        let demand = Demand { level: Level::Robust, era: Era::FastShutdown };
        let (_, events) = walk(&Rules::documented(), demand, &choices);
        let mut symbols = Symbols::default();
        let trace = symbols.spell(&events).expect("a trace");
        prop_assert_eq!(symbols.events(&trace), events);
    }
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
        let all: Vec<Vec<Event>> = all.iter().map(|events| sensible(events)).collect();
        let mut automaton = Automaton::that_keeps(most, &rules, demand);
        let mut symbols = Symbols::default();
        for events in all.iter().chain(&all) {
            let trace = symbols.spell(events).expect("what is sensible can be spelt");
            let events = symbols.events(&trace);
            let (expected, expected_end) = asked_of_the_judge(&rules, demand, &events);
            let (verdict, end) = automaton.judge(&nothing_yet(), &symbols, &trace);
            prop_assert_eq!(verdict, expected, "{:#?}", events);
            prop_assert_eq!(unnumbered(end.into_owned()), unnumbered(expected_end), "{:#?}", events);
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
    let mut symbols = Symbols::default();
    for _ in 0..2 {
        let spelt = symbols.spell(&trace.events).expect("a trace");
        let (verdict, _) = automaton.judge(&world, &symbols, &spelt);
        assert!(!verdict.inconclusive.is_empty(), "nobody knows whether the other would have been told");
    }
    trace.settled();
    let spelt = symbols.spell(&trace.events).expect("a trace");
    let (verdict, _) = automaton.judge(&world, &symbols, &spelt);
    assert!(!verdict.deviations.is_empty(), "the other was not told");
}

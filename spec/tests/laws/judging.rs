//! The judge: never a false accusation, never a verdict that later events take back.

use mapi_session_spec::event::{CallId, Callback, Event, SinkId, ThreadId};
use mapi_session_spec::flags::EventMask;
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::judge::Judge;
use mapi_session_spec::outcome::{Ending, Out, Outcome};
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::{Era, Level};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::walk::{calls, nothing_yet, walk};

/// Any level and era.
pub fn demand() -> impl Strategy<Value = Demand> {
    let level = prop_oneof![Just(Level::Documented), Just(Level::Conventional), Just(Level::Robust)];
    let era = prop_oneof![Just(Era::Classic), Just(Era::FastShutdown)];
    (level, era).prop_map(|(level, era)| Demand { level, era })
}

/// Anything that could be written down, sense or not.
pub fn nonsense() -> impl Strategy<Value = Vec<Event>> {
    let ending = prop_oneof![
        any::<u32>().prop_map(|code| Ending::Returned(HResult(code))),
        Just(Ending::Returned(HResult::S_OK)),
        Just(Ending::Crashed(11)),
        Just(Ending::Hung),
        Just(Ending::Exited(0)),
        Just(Ending::Threw),
    ];
    let out = prop_oneof![
        Just(Out::None),
        Just(Out::Null),
        Just(Out::Unchanged),
        Just(Out::Rubbish),
        Just(Out::Object),
        any::<u64>().prop_map(Out::Value),
    ];
    let callback = prop_oneof![
        Just(Callback::QueryInterface),
        Just(Callback::AddRef),
        Just(Callback::Release),
        any::<u32>().prop_map(|events| Callback::OnNotify { events: EventMask(events) }),
    ];
    // A call is chosen from those that make sense in some world that a walk leads to.
    let call = (vec(any::<(u16, u16)>(), 0..6), any::<u16>()).prop_map(|(choices, which)| {
        let demand = Demand { level: Level::Documented, era: Era::Classic };
        let (world, _) = walk(&Rules::documented(), demand, &choices);
        let calls = calls(&world);
        calls[usize::from(which) % calls.len()]
    });
    let event = prop_oneof![
        (0_u32..5, 0_u8..3, call).prop_map(|(id, thread, call)| Event::Call {
            id: CallId(id),
            thread: ThreadId(thread),
            call
        }),
        (0_u32..5, ending, out)
            .prop_map(|(id, ending, out)| Event::Return { id: CallId(id), outcome: Outcome { ending, out } }),
        (5_u32..9, 0_u8..3, 0_u16..3, callback).prop_map(|(id, thread, sink, callback)| Event::Callback {
            id: CallId(id),
            thread: ThreadId(thread),
            sink: SinkId(sink),
            callback
        }),
        (5_u32..9).prop_map(|id| Event::CallbackReturn { id: CallId(id) }),
        Just(Event::Settled { milliseconds: 200 }),
        Just(Event::End),
    ];
    vec(event, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_subject_that_takes_only_what_is_offered_is_never_accused(
        choices in vec(any::<(u16, u16)>(), 0..40), demand in demand(),
    ) {
        let rules = Rules::documented();
        let (_, events) = walk(&rules, demand, &choices);
        let mut judge = Judge::new(&rules, demand, nothing_yet(), false);
        for event in &events {
            judge.observe(event);
        }
        prop_assert!(judge.deviations().is_empty(), "{:?} in {events:#?}", judge.deviations());
    }

    #[test]
    fn what_a_prefix_broke_the_whole_trace_broke_too(events in nonsense(), demand in demand()) {
        let rules = Rules::documented();
        let mut judge = Judge::new(&rules, demand, nothing_yet(), true);
        let mut before = Vec::new();
        for event in &events {
            judge.observe(event);
            prop_assert!(judge.deviations().starts_with(&before));
            before = judge.deviations().to_vec();
        }
    }

    #[test]
    fn no_event_in_any_state_makes_the_judge_panic(events in nonsense(), demand in demand()) {
        let rules = Rules::documented();
        let mut judge = Judge::new(&rules, demand, nothing_yet(), true);
        for event in &events {
            judge.observe(event);
        }
        let verdict = judge.verdict();
        prop_assert!(verdict.bound.is_sorted());
    }
}

//! Calls that overlap: the judge, which takes them in the order they were recorded, accepts a history if and only if
//! some order in which they may really have come is permitted.
//!
//! A call is recorded before it is made and its return after it has come: the real interval lies within the recorded
//! one. So any order may be the real one that keeps apart what was recorded apart.

use std::collections::HashSet;

use mapi_session_spec::alphabet::{logoff_with, plain_logoff, way_named};
use mapi_session_spec::event::{
    Call, CallId, Callback, Event, Method, ObjectId, RegistrationId, SessionId, SinkId, Target, ThreadId,
};
use mapi_session_spec::flags::{EventMask, LogoffFlags};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::judge::Judge;
use mapi_session_spec::outcome::{Out, Outcome};
use mapi_session_spec::rule::{Arm, Check, Demand, Rules};
use mapi_session_spec::state::World;
use mapi_session_spec::{Era, Family, Level};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::walk::nothing_yet;

const DEMAND: Demand = Demand { level: Level::Conventional, era: Era::FastShutdown };

/// The rules, but for the one that is about overlapping itself and not about an order: that two Logoffs which overlap do
/// their work once (THREAD-008). One after the other they may each do it, unless the first has settled.
fn rules() -> Rules {
    let rules = Rules::documented();
    let is_it =
        |arm: &Arm| arm.requirement == Family::Thread.id(8) && matches!(arm.check, Check::Settled { .. });
    let place = rules.arms().iter().position(is_it).expect("a rule on overlapping announcements");
    rules.without(place)
}

/// What happens once, on a thread of its own, in an interval.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Call(Call, Outcome),
    /// The one sink that is registered is told: at one moment.
    Told,
}

/// Two members of a shared session, the second registered; a third has left, and was announced once.
fn members(rules: &Rules) -> Judge<'_> {
    let mut judge = Judge::new(rules, DEMAND, nothing_yet(), false);
    let mut number = 100;
    let mut make = |judge: &mut Judge, call: Call, out: Out, told: bool| {
        number += 2;
        let (id, thread) = (CallId(number), ThreadId(0));
        judge.observe(&Event::Call { id, thread, call });
        if told {
            tell(judge, CallId(number + 1), Callback::OnNotify { events: EventMask::fnevCriticalError });
        }
        judge.observe(&Event::Return { id, outcome: Outcome::returned(HResult::S_OK, out) });
    };
    make(&mut judge, Call::Initialize, Out::None, false);
    for (session, way) in (0..).map(SessionId).zip(["sharing", "joining", "joining"]) {
        let way = way_named(way);
        let logon = Call::LogonEx { session, profile: way.profile, flags: way.flags };
        make(&mut judge, logon, Out::Object, false);
        make(&mut judge, identity(session), Out::Value(7), false);
    }
    let (session, mask) = (SessionId(1), EventMask::END_OF_SESSION);
    let advise = Call::Advise { session, mask, sink: SinkId(0), registration: RegistrationId(0) };
    make(&mut judge, advise, Out::Value(1), false);
    tell(&mut judge, CallId(50), Callback::AddRef);
    make(&mut judge, logoff_with(SessionId(2), LogoffFlags::MAPI_LOGOFF_SHARED), Out::None, true);
    judge.observe(&Event::Settled { milliseconds: 0 });
    judge
}

fn identity(session: SessionId) -> Call {
    Call::Method { session, method: Method::QueryIdentity, flags: 0, object: ObjectId(90) }
}

fn tell(judge: &mut Judge, id: CallId, callback: Callback) {
    judge.observe(&Event::Callback { id, thread: ThreadId(9), sink: SinkId(0), callback });
    judge.observe(&Event::CallbackReturn { id });
}

/// The calls that may meet, and what may come of them.
fn happening() -> impl Strategy<Value = Happening> {
    let calls = prop_oneof![
        Just(logoff_with(SessionId(0), LogoffFlags::MAPI_LOGOFF_SHARED)),
        Just(plain_logoff(SessionId(0))),
        Just(plain_logoff(SessionId(1))),
        Just(Call::Unadvise { session: SessionId(1), registration: RegistrationId(0) }),
        Just(identity(SessionId(0))),
        Just(identity(SessionId(1))),
        Just(Call::AddRef { target: Target::Session(SessionId(0)) }),
    ];
    let made = (calls, 0..4_u8).prop_map(|(call, how)| {
        let outcome = match (call, how) {
            (Call::Method { .. }, 0 | 1) => Outcome::returned(HResult::S_OK, Out::Value(7)),
            (Call::AddRef { .. }, _) | (_, 0 | 1) => Outcome::OK,
            (Call::Method { .. }, _) => Outcome::returned(HResult::MAPI_E_INVALID_OBJECT, Out::Null),
            (_, 2) => Outcome::returned(HResult::MAPI_E_INVALID_OBJECT, Out::None),
            _ => Outcome::returned(HResult::MAPI_E_CALL_FAILED, Out::None),
        };
        Happening::Call(call, outcome)
    });
    prop_oneof![4 => made, 1 => Just(Happening::Told)]
}

/// What happened, with the moments at which each thing was recorded to begin and to end.
#[derive(Debug, Clone)]
struct History(Vec<(Happening, usize, usize)>);

/// Each thing begins when it is drawn for the first time, and ends when it is drawn for the second.
fn histories() -> impl Strategy<Value = History> {
    (vec(happening(), 1..=8), vec(any::<u16>(), 32)).prop_map(|(all, draws)| {
        let mut marks: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
        for (moment, draw) in draws.iter().enumerate() {
            // Near ones are likelier to meet: eight calls that all overlap would be one history and no other.
            let open: Vec<usize> = (0..all.len()).filter(|i| marks[*i].len() < 2).take(3).collect();
            if let Some(which) = open.get(usize::from(*draw) % open.len().max(1)) {
                marks[*which].push(moment);
                if matches!(all[*which], Happening::Told) {
                    marks[*which].push(moment);
                }
            }
        }
        let recorded = all.into_iter().zip(marks).filter(|(_, marks)| marks.len() == 2);
        History(recorded.map(|(what, marks)| (what, marks[0], marks[1])).collect())
    })
}

/// The number of a thing, begun or ended.
fn begin(judge: &mut Judge, history: &History, which: usize) {
    let (id, thread) = (CallId(which as u32 + 1), ThreadId(which as u8));
    match history.0[which].0 {
        Happening::Call(call, _) => judge.observe(&Event::Call { id, thread, call }),
        Happening::Told => {
            tell(judge, id, Callback::OnNotify { events: EventMask::fnevCriticalError });
        }
    }
}

fn end(judge: &mut Judge, history: &History, which: usize) {
    if let Happening::Call(_, outcome) = history.0[which].0 {
        judge.observe(&Event::Return { id: CallId(which as u32 + 1), outcome });
    }
}

/// Judged in the order it was recorded.
fn is_accepted(rules: &Rules, history: &History) -> bool {
    let mut judge = members(rules);
    let last = history.0.iter().map(|(_, _, end)| *end).max().unwrap_or(0);
    for moment in 0..=last {
        for which in 0..history.0.len() {
            let (_, began, ended) = history.0[which];
            if began == moment {
                begin(&mut judge, history, which);
            }
            if ended == moment {
                end(&mut judge, history, which);
            }
        }
    }
    judge.observe(&Event::Settled { milliseconds: 200 });
    judge.deviations().is_empty()
}

/// Whether some order in which it may really have come is permitted: all of them are tried.
fn is_possible(rules: &Rules, history: &History) -> bool {
    let mut seen = HashSet::new();
    let judge = members(rules);
    judge.deviations().is_empty() && try_all(&judge, history, 0, 0, &mut seen)
}

fn try_all(
    judge: &Judge,
    history: &History,
    begun: u16,
    ended: u16,
    seen: &mut HashSet<(u16, u16, World)>,
) -> bool {
    let all = history.0.len();
    if ended.count_ones() as usize == all {
        let mut judge = judge.clone();
        judge.observe(&Event::Settled { milliseconds: 200 });
        return judge.deviations().is_empty();
    }
    if !seen.insert((begun, ended, judge.world.clone())) {
        return false;
    }
    let mut next = |which: usize, begins: bool, begun: u16, ended: u16| {
        let mut judge = judge.clone();
        if begins {
            begin(&mut judge, history, which);
        } else {
            end(&mut judge, history, which);
        }
        judge.deviations().is_empty() && try_all(&judge, history, begun, ended, seen)
    };
    (0..all).any(|which| {
        let bit = 1 << which;
        let (what, start, _) = history.0[which];
        if begun & bit == 0 {
            // What had ended before it was recorded to begin had really ended.
            let ready = (0..all).all(|other| history.0[other].2 >= start || ended & (1 << other) != 0);
            let at_once = matches!(what, Happening::Told);
            ready && next(which, true, begun | bit, if at_once { ended | bit } else { ended })
        } else {
            ended & bit == 0 && next(which, false, begun, ended | bit)
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_history_is_accepted_if_and_only_if_some_order_that_it_may_have_had_is_permitted(history in histories()) {
        let rules = rules();
        prop_assert_eq!(is_accepted(&rules, &history), is_possible(&rules, &history), "{:#?}", history);
    }
}

/// The same question twice, a success and a failure, recorded in these intervals; then another client leaves, and it
/// fails again.
fn asked_twice(succeeds: (usize, usize), fails: (usize, usize)) -> History {
    let ask = |outcome, (from, to)| (Happening::Call(identity(SessionId(0)), outcome), from, to);
    let success = Outcome::returned(HResult::S_OK, Out::Value(7));
    let failure = Outcome::returned(HResult::MAPI_E_INVALID_OBJECT, Out::Null);
    History(vec![
        ask(success, succeeds),
        ask(failure, fails),
        (Happening::Call(plain_logoff(SessionId(1)), Outcome::OK), 6, 7),
        ask(failure, (8, 9)),
    ])
}

#[test]
fn a_question_that_failed_beside_its_own_success_may_fail_again() {
    let rules = rules();
    for history in [asked_twice((1, 5), (2, 3)), asked_twice((1, 3), (2, 5)), asked_twice((1, 2), (3, 4))] {
        assert!(is_possible(&rules, &history), "{history:?}");
        assert!(is_accepted(&rules, &history), "{history:?}");
    }
    let failed_before = asked_twice((3, 4), (1, 2));
    assert!(!is_possible(&rules, &failed_before));
    assert!(!is_accepted(&rules, &failed_before));
}

//! Who shares with whom when members come late, come twice, or have all gone.

use mapi_session_spec::alphabet::{logoff_with, plain_logoff, query, way_named};
use mapi_session_spec::event::{
    Call, Callback, Interface, Method, ObjectId, ObjectMethod, RegistrationId, SessionId, SinkId, Target,
};
use mapi_session_spec::flags::{EventMask, LogoffFlags};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::outcome::Out;
use mapi_session_spec::{Family, Level};

use crate::trace::Trace;

fn log_on(trace: &mut Trace, session: u16, way: &str, out: Out) {
    let way = way_named(way);
    trace.call(Call::LogonEx { session: SessionId(session), profile: way.profile, flags: way.flags }, out);
}

/// A third client names a profile and listens, the creator being gone or not, and a member leaves without a word.
fn unheard_by_who_named_a_profile(creator_left: bool) -> Trace {
    let mut trace = Trace::of_members(2);
    if creator_left {
        trace.call(plain_logoff(SessionId(0)), Out::None);
    }
    log_on(&mut trace, 2, "by-name", Out::Object);
    let (session, sink, registration) = (SessionId(2), SinkId(1), RegistrationId(1));
    let mask = EventMask::END_OF_SESSION;
    let advise = trace.begin(Call::Advise { session, mask, sink, registration });
    trace.back(1, Callback::AddRef);
    trace.end(advise, HResult::S_OK, Out::Value(2));
    trace.call(logoff_with(SessionId(1), LogoffFlags::MAPI_LOGOFF_SHARED), Out::None);
    trace.settled();
    trace
}

#[test]
fn who_names_a_profile_is_a_member_by_the_pages_while_the_creator_is_on_and_by_convention_after_that() {
    let member = Family::Shared.id(14);
    for level in Level::ALL {
        assert!(unheard_by_who_named_a_profile(false).broken(level).contains(&member), "{level}");
        let late = unheard_by_who_named_a_profile(true).broken(level);
        let expected = if level == Level::Documented { vec![] } else { vec![member] };
        assert_eq!(late, expected, "{level}");
    }
}

/// Two members go, each by a Logoff or without one, and then somebody joins.
fn joined_when_all_had_gone(logs_off: [bool; 2]) -> Trace {
    let mut trace = Trace::default();
    trace.call(Call::Initialize, Out::None);
    log_on(&mut trace, 0, "sharing", Out::Object);
    log_on(&mut trace, 1, "joining", Out::Object);
    for (number, logs_off) in (0..).zip(logs_off) {
        if logs_off {
            trace.call(plain_logoff(SessionId(number)), Out::None);
        }
        trace.call(Call::Release { target: Target::Session(SessionId(number)) }, Out::None);
    }
    log_on(&mut trace, 2, "joining", Out::Object);
    trace
}

#[test]
fn nobody_joins_a_shared_session_that_all_have_left_each_in_its_way() {
    for logs_off in [[true, true], [true, false], [false, true], [false, false]] {
        let broken = if logs_off == [true, true] { Family::Logon.id(11) } else { Family::Unk.id(14) };
        let trace = joined_when_all_had_gone(logs_off);
        assert_eq!(trace.broken(Level::Documented), [], "{logs_off:?}");
        assert_eq!(trace.broken(Level::Conventional), [broken], "{logs_off:?}");
    }
}

/// A shared session, MAPI given back for good and initialised anew, and then somebody joins.
fn joined_after_all_was_given_back(logged_off: bool) -> Trace {
    let mut trace = Trace::default();
    trace.call(Call::Initialize, Out::None);
    log_on(&mut trace, 0, "sharing", Out::Object);
    if logged_off {
        trace.call(plain_logoff(SessionId(0)), Out::None);
    }
    trace.call(Call::Uninitialize, Out::None);
    trace.call(Call::Initialize, Out::None);
    log_on(&mut trace, 1, "joining", Out::Object);
    trace
}

#[test]
fn a_shared_session_does_not_outlive_mapi_by_the_pages_unless_somebody_was_still_on() {
    for level in Level::ALL {
        assert_eq!(joined_after_all_was_given_back(true).broken(level), [Family::Logon.id(11)], "{level}");
        assert_eq!(joined_after_all_was_given_back(false).broken(level), [], "{level}");
    }
}

#[test]
fn who_is_handed_the_pointer_of_one_who_was_handed_anothers_is_no_session_of_its_own() {
    let mut trace = Trace::default();
    trace.call(Call::Initialize, Out::None);
    log_on(&mut trace, 0, "sharing", Out::Object);
    log_on(&mut trace, 1, "joining", Out::SameAs(SessionId(0)));
    trace.call(Call::Release { target: Target::Session(SessionId(0)) }, Out::None);
    log_on(&mut trace, 2, "joining", Out::SameAs(SessionId(1)));
    trace.call(plain_logoff(SessionId(1)), Out::None);
    let second = trace.begin(plain_logoff(SessionId(2)));
    trace.end(second, HResult::MAPI_E_INVALID_OBJECT, Out::None);
    assert_eq!(trace.broken(Level::Documented), []);
    assert!(trace.broken(Level::Conventional).contains(&Family::Shared.id(12)));
}

/// When the Logoff of a member fails that was told.
#[derive(Debug, Clone, Copy)]
enum Fails {
    WhileItHears,
    WhileTheOtherLeaves,
    Afterwards,
}

/// A member's Logoff fails when it is told, and then its table works or does not; or was asked before that and answers now.
fn asked_when_the_logoff_of_one_who_was_told_had_failed(when: Fails, works: bool, overlaps: bool) -> Trace {
    let mut trace = Trace::of_members(2);
    let (object, told) = (ObjectId(0), SessionId(1));
    let table = Call::Method { session: told, method: Method::GetStatusTable, flags: 0, object };
    trace.call(table, Out::Object);
    let state = Call::OnObject { object, method: ObjectMethod::GetStatus };
    trace.call(state, Out::None);
    let earlier = overlaps.then(|| trace.begin(state));
    let leaves = trace.begin(logoff_with(SessionId(0), LogoffFlags::MAPI_LOGOFF_SHARED));
    let fails = |trace: &mut Trace| {
        let logoff = trace.begin(plain_logoff(told));
        trace.end(logoff, HResult::MAPI_E_BUSY, Out::None);
    };
    let heard = Callback::OnNotify { events: EventMask::END_OF_SESSION };
    match when {
        Fails::WhileItHears => trace.back_and_meanwhile(0, heard, fails),
        Fails::WhileTheOtherLeaves => {
            trace.back(0, heard);
            fails(&mut trace);
        }
        Fails::Afterwards => trace.back(0, heard),
    }
    trace.end(leaves, HResult::S_OK, Out::None);
    if matches!(when, Fails::Afterwards) {
        fails(&mut trace);
    }
    let asked = earlier.unwrap_or_else(|| trace.begin(state));
    trace.end(asked, if works { HResult::S_OK } else { HResult::MAPI_E_CALL_FAILED }, Out::None);
    trace
}

#[test]
fn who_was_told_works_as_before_or_has_ended_and_not_both() {
    for when in [Fails::WhileItHears, Fails::WhileTheOtherLeaves, Fails::Afterwards] {
        let broken = |works, overlaps| {
            asked_when_the_logoff_of_one_who_was_told_had_failed(when, works, overlaps)
                .broken(Level::Documented)
        };
        assert_eq!(broken(false, false), [], "{when:?}");
        assert_eq!(broken(true, false), [Family::Logoff.id(9)], "{when:?}");
        assert_eq!(broken(true, true), [], "{when:?}: it may have been answered before");
    }
}

#[test]
fn a_refusal_does_not_bring_back_to_life_who_may_have_ended_when_told() {
    let mut trace = Trace::of_members(2);
    trace.call(logoff_with(SessionId(0), LogoffFlags::MAPI_LOGOFF_SHARED), Out::None);
    for flags in [0, 0x4, 0] {
        let logoff = trace.begin(logoff_with(SessionId(1), LogoffFlags(flags)));
        trace.end(logoff, HResult::MAPI_E_CALL_FAILED, Out::None);
    }
    assert_eq!(trace.broken(Level::Documented), []);
}

#[test]
fn of_who_was_told_the_pages_alone_demand_nothing_whatever_has_happened_since() {
    let (leaver, told) = (SessionId(0), SessionId(1));
    let (target, shutdown) = (Target::Session(told), ObjectId(0));
    let asks_why =
        Call::Method { session: told, method: Method::GetLastError, flags: 0, object: ObjectId(1) };
    let ways: [(&str, &[Call], &[Call]); 4] = [
        (
            "GetLastError, which knows nothing after Logoff either, and a reference is given back",
            &[Call::AddRef { target }],
            &[asks_why, Call::Release { target }],
        ),
        (
            "another interface is given back",
            &[query(told, Interface::IMAPIClientShutdown, shutdown)],
            &[Call::Release { target: Target::Object(shutdown) }],
        ),
        ("a reference is given back", &[Call::AddRef { target }], &[Call::Release { target }]),
        ("MAPI is given back in part", &[Call::Initialize], &[Call::Uninitialize]),
    ];
    for (what, before, since) in ways {
        let mut trace = Trace::of_members(2);
        let make = |trace: &mut Trace, calls: &[Call]| {
            for call in calls {
                let gives = matches!(call, Call::QueryInterface { .. });
                trace.call(*call, if gives { Out::Object } else { Out::None });
            }
        };
        make(&mut trace, before);
        trace.call(logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED), Out::None);
        make(&mut trace, since);
        let late = trace.begin(plain_logoff(told));
        trace.end(late, HResult::MAPI_E_INVALID_OBJECT, Out::None);
        assert_eq!(trace.broken(Level::Documented), [], "{what}");
        let convicted = trace.broken(Level::Conventional);
        assert_eq!(convicted.len(), 1, "{what}: {convicted:?}");
    }
}

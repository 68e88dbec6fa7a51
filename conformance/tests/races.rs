//! The calls of a race do meet, and each of its Logoffs is waited for.

mod support;

use std::path::PathBuf;
use std::time::Duration;

use mapi_conform::Subject;
use mapi_conform::isolation::parent::{PATIENCE, Setting};
use mapi_conform::plan::{Brief, Planned, Repeats, Suite, plan};
use mapi_conform::program::{Action, Place};
use mapi_conform::run::{Ran, judge, run_all};
use mapi_session_spec::dialect::Dialect;
use mapi_session_spec::event::{Call, Event};
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::{Era, Level};
use support::{conform, cpp_subject, says};

const DEMAND: Demand = Demand { level: Level::Conventional, era: Era::FastShutdown };

/// Whether two calls of these events, on two threads, were under way at once.
fn meet(events: &[Event]) -> bool {
    let mut open = Vec::new();
    events.iter().any(|event| {
        match *event {
            Event::Call { id, thread, .. } => open.push((id, thread)),
            Event::Return { id, .. } => open.retain(|(other, _)| *other != id),
            _ => {}
        }
        open.windows(2).any(|two| two[0].1 != two[1].1)
    })
}

/// Every round of every race, so many of each.
fn rounds(rules: &Rules, how_many: u32) -> Vec<Planned> {
    let repeats = Repeats { rounds: how_many, seed: 0 };
    let mut rounds = plan(Brief { rules, demand: DEMAND, ui: true, repeats }, Suite::Race);
    rounds.retain(|planned| planned.race.is_some());
    rounds
}

fn run(subject: Subject, settle: Duration, rounds: &[Planned]) -> Vec<Ran> {
    let setting = Setting {
        program: Some(PathBuf::from(env!("CARGO_BIN_EXE_mapi-conform"))),
        subject,
        profile: None,
        timeout: Some(Duration::from_secs(60)),
        settle,
        patience: PATIENCE,
        linger: Duration::ZERO,
    };
    run_all(&setting, rounds, &mut |_, _| {}).expect("a subject that can be tested")
}

#[test]
fn the_calls_of_a_race_meet_because_its_threads_line_up() {
    let rounds = rounds(&Rules::documented(), 100);
    // Where they do not line up it is one round of forty at best. Where they do it is four of five on an idle machine;
    // beside other tests that race it may be few for a while.
    let meets_often = || {
        let ran = run(Subject::Reference, Duration::from_millis(200), &rounds);
        let met = ran.iter().filter(|ran| meet(&ran.observed.events())).count();
        met * 8 > ran.len()
    };
    assert!((0..40).any(|_| meets_often()), "the calls never met in more than one round of eight");
}

#[test]
fn a_sink_that_a_race_unregisters_before_the_session_ends_has_time_to_be_given_back() {
    let Some(keeps) = cpp_subject("careful_session.cpp", Some("KEEPS_MS=5")) else { return };
    let rules = Rules::documented();
    let mut rounds = rounds(&rules, 20);
    rounds.retain(|planned| planned.race.is_some_and(|round| round.race == "logoff, Unadvise"));
    for step in rounds.iter_mut().flat_map(|planned| &mut planned.program.steps) {
        step.change(|step| {
            if let (Action::Call(Call::Logoff { .. }), Place::Racing { pause, .. }) =
                (step.action, &mut step.place)
            {
                *pause = u16::MAX;
            }
        });
    }
    let unadvised_first = |events: &[Event]| {
        let unadvise = events.iter().find_map(|event| match event {
            Event::Call { id, call: Call::Unadvise { .. }, .. } => Some(*id),
            _ => None,
        });
        let returned = |event: &Event| matches!(event, Event::Return { id, .. } if Some(*id) == unadvise);
        let leaves = |event: &Event| matches!(event, Event::Call { call: Call::Logoff { .. }, .. });
        // The first Logoff is that of the one who has left before.
        let second = events.iter().enumerate().filter(|(_, event)| leaves(event)).nth(1);
        events.iter().position(returned).zip(second).is_some_and(|(returned, (begun, _))| returned < begun)
    };
    let mut first = 0;
    for ran in run(Subject::Library(keeps.into()), Duration::from_secs(2), &rounds) {
        let events = &ran.observed.events();
        first += usize::from(unadvised_first(events));
        let verdict = judge(&rules, DEMAND, Dialect::default(), ran.past, events);
        assert!(verdict.deviations.is_empty(), "{events:#?}");
    }
    assert!(first > 0, "no Unadvise came before the Logoff that it races with");
}

#[test]
fn a_word_of_one_leaver_is_not_taken_for_that_of_another_who_left_after_it() {
    // Told a moment later, from another thread: the first word often comes just before the second Logoff begins.
    let Some(late) = cpp_subject("careful_session.cpp", Some("LATE_MS=2")) else { return };
    let told = ["--require", "SHARED-004,THREAD-005", "--level", "robust"];
    let ran = conform(&[&["check", "--suite", "race", "--library", &late], &told[..]].concat());
    says(&ran, 0, "conforms at level robust");
}

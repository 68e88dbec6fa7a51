//! The calls of a race do meet, and each of its Logoffs is waited for.

mod support;

use std::path::PathBuf;
use std::time::Duration;

use mapi_conform::Subject;
use mapi_conform::isolation::parent::{PATIENCE, Setting};
use mapi_conform::plan::{Brief, Repeats, Suite, plan};
use mapi_conform::run::run_all;
use mapi_session_spec::event::Event;
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::{Era, Level};
use support::{conform, cpp_subject, says};

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

#[test]
fn the_calls_of_a_race_meet_because_its_threads_line_up() {
    let demand = Demand { level: Level::Conventional, era: Era::FastShutdown };
    let repeats = Repeats { rounds: 100, seed: 0 };
    let rules = Rules::documented();
    let mut rounds = plan(Brief { rules: &rules, demand, ui: true, repeats }, Suite::Race);
    rounds.retain(|planned| planned.race.is_some());
    let setting = Setting {
        program: Some(PathBuf::from(env!("CARGO_BIN_EXE_mapi-conform"))),
        subject: Subject::Reference,
        profile: None,
        timeout: Some(Duration::from_secs(60)),
        settle: Duration::from_millis(200),
        patience: PATIENCE,
        linger: Duration::ZERO,
    };
    // Where they do not line up it is one round of forty at best. Where they do it is four of five on an idle machine;
    // beside other tests that race it may be few for a while.
    let meets_often = || {
        let ran = run_all(&setting, &rounds, &mut |_, _| {}).expect("a subject that can be tested");
        let met = ran.iter().filter(|ran| meet(&ran.observed.events)).count();
        met * 8 > ran.len()
    };
    assert!((0..40).any(|_| meets_often()), "the calls never met in more than one round of eight");
}

#[test]
fn a_word_of_one_leaver_is_not_taken_for_that_of_another_who_left_after_it() {
    // Told a moment later, from another thread: the first word often comes just before the second Logoff begins.
    let Some(late) = cpp_subject("careful_session.cpp", Some("LATE_MS=2")) else { return };
    let told = ["--require", "SHARED-004,THREAD-005", "--level", "robust"];
    let ran = conform(&[&["check", "--suite", "race", "--library", &late], &told[..]].concat());
    says(&ran, 0, "conforms at level robust");
}

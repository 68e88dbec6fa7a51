//! Verdicts that are looked up are those of the plain judge.

use std::path::PathBuf;
use std::time::Duration;

use mapi_conform::Subject;
use mapi_conform::isolation::parent::{PATIENCE, Setting};
use mapi_conform::plan::{Brief, Repeats, Suite, plan};
use mapi_conform::run::{Memory, dialect_of, judge, run_all};
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::{Era, Level};

/// Every trace of the suite on this subject, at this level; how many deviations they hold.
fn deviations_judged_alike(subject: Subject, level: Level) -> usize {
    let rules = Rules::documented();
    let demand = Demand { level, era: Era::FastShutdown };
    let planned = plan(Brief { rules: &rules, demand, ui: true, repeats: Repeats::default() }, Suite::Full);
    let setting = Setting {
        program: Some(PathBuf::from(env!("CARGO_BIN_EXE_mapi-conform"))),
        subject,
        profile: None,
        timeout: Some(Duration::from_secs(5)),
        settle: Duration::from_millis(2),
        patience: PATIENCE,
        linger: Duration::ZERO,
    };
    let ran = run_all(&setting, &planned, &mut |_, _| {}).expect("a subject that can be tested");
    let dialect = dialect_of(&ran);
    let mut memory = Memory::new(&rules, demand);
    let mut deviations = 0;
    for ran in &ran {
        let plainly = judge(&rules, demand, dialect, ran.past, &ran.observed.events);
        let (remembered, _) = memory.judge(ran.past.start(dialect), &ran.observed.events);
        assert_eq!(remembered, plainly, "{:#?}", ran.observed.events);
        deviations += plainly.deviations.len();
    }
    deviations
}

#[test]
fn a_verdict_that_is_remembered_is_the_plain_judges_to_the_last_event() {
    assert_eq!(deviations_judged_alike(Subject::Reference, Level::Robust), 0);
    assert_eq!(deviations_judged_alike(Subject::Contrary, Level::Conventional), 0);
    for mutant in ["connection-shared", "nobody-told", "sinks-released-twice", "unadvise-does-not-wait"] {
        let deviations = deviations_judged_alike(Subject::Mutant(mutant.into()), Level::Conventional);
        assert!(deviations > 0, "{mutant} shows nothing");
    }
}

//! What must come about at last does, and each promise can be broken.

use mapi_session_model::{Broken, Company, Duty, Promise, SessionModel, check, keeps, named};
use mapi_session_spec::event::SessionId;
use mapi_session_spec::rule::Demand;
use mapi_session_spec::{Era, Family, Level};

fn ending(members: u16) -> SessionModel {
    let demand = Demand { level: Level::Conventional, era: Era::FastShutdown };
    let company = Company { members, outside: 1 };
    named("ending", demand).expect("a model").with_company(company)
}

fn everybody_released(_: &SessionModel, state: &mapi_session_model::State) -> bool {
    state.world.all_sessions().filter(|(id, _)| id.0 < 2).all(|(_, session)| session.is_released())
}

#[test]
fn what_comes_about_at_last_does_so_with_three_members_too() {
    let explored = check(ending(3)).expect("a run that shows something");
    assert!(explored.holds(), "{explored}");
    assert_eq!(explored.kept.len(), 2);
}

#[test]
fn where_nobody_need_be_told_a_member_stays_for_ever() {
    let twin = ending(2).twin(Family::Shared.id(4));
    let explored = check(twin).expect("a run that shows something");
    let (name, broken) = explored.broken.first().expect("a promise that is broken");
    assert!(name.starts_with("if every client that is told obeys"), "{name}");
    let Broken::Lasso { stem, round } = broken else { panic!("{broken}") };
    assert!(stem.iter().any(|step| step == "s1->Logoff(0x0, MAPI_LOGOFF_SHARED, 0x0)"), "{broken}");
    assert!(!stem.iter().any(|step| step.contains("OnNotify")), "{broken}");
    assert!(!stem.iter().chain(round).any(|step| step.starts_with("s2->Logoff")), "{broken}");
}

#[test]
fn each_duty_that_may_be_put_off_for_ever_is_a_run_that_does_not_end() {
    let excused: [fn(&SessionModel, Duty) -> bool; 4] = [
        |_, duty| !matches!(duty, Duty::Return(_)),
        |_, duty| duty != Duty::Settle,
        |_, duty| duty != Duty::Leave(SessionId(1)),
        |_, duty| duty != Duty::LetGo(SessionId(0)),
    ];
    let promise = |binds| Promise { name: "", binds, holds: everybody_released, shows: |_, _| true };
    assert_eq!(keeps(&ending(2), &promise(|_, _| true)), Ok(()));
    for (which, binds) in excused.into_iter().enumerate() {
        let kept = keeps(&ending(2), &promise(binds));
        assert!(matches!(kept, Err(Broken::Lasso { .. })), "{which}: {kept:?}");
    }
}

#[test]
fn a_promise_about_what_no_fair_run_shows_is_not_kept() {
    let promise = Promise {
        name: "",
        binds: |_, _| true,
        holds: |_, _| true,
        shows: |_, state| state.world.all_sessions().all(|(_, session)| session.is_logged_on()),
    };
    assert_eq!(keeps(&ending(2), &promise), Err(Broken::Empty));
}

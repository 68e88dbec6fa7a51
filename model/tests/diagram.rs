//! A path is drawn so that people can follow it.

use mapi_session_model::{Action, SessionModel, State, aldebaran, dot, mermaid, named};
use mapi_session_spec::rule::Demand;
use mapi_session_spec::{Era, Level};
use stateright::{Model as _, Path};

fn model(name: &str) -> SessionModel {
    named(name, Demand { level: Level::Conventional, era: Era::FastShutdown }).expect("a model")
}

/// Takes, at each step, the first move that reads like this.
fn follow(model: &SessionModel, moves: &[&str]) -> Path<State, Action> {
    let start = model.init_states().remove(0);
    let mut state = start.clone();
    let mut path = Vec::new();
    for wanted in moves {
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        let reads = |action: &&Action| format!("{action:?}").contains(wanted);
        let action = *actions.iter().find(reads).unwrap_or_else(|| panic!("no {wanted:?} in {actions:?}"));
        state = model.next_state(&state, action).expect("a move that was offered");
        path.push(action);
    }
    Path::from_actions(model, start, &path).expect("a path of the model")
}

#[test]
fn a_shared_session_that_ends_is_drawn_with_a_line_for_each_client() {
    let model = model("shared");
    let path = follow(
        &model,
        &[
            "s1->Logoff(0x0, MAPI_LOGOFF_SHARED",
            "k2->OnNotify(fnevCriticalError)",
            "S_OK",
            "settled",
            "s2->QueryIdentity()",
            "S_OK",
            "s2->Logoff(0x0, 0x0",
            "S_OK",
            "s4 = MAPILogonEx",
            "MAPI_E_LOGON_FAILED",
        ],
    );
    insta::assert_snapshot!(model.as_svg(path).expect("a drawing").replace("><", ">\n<"));
}

#[test]
fn the_first_moves_of_a_process_are_written_for_other_tools() {
    let model = model("process");
    for (name, export) in
        [("aut", aldebaran as fn(&SessionModel, usize) -> String), ("dot", dot), ("mermaid", mermaid)]
    {
        insta::assert_snapshot!(name, export(&model, 2));
    }
}

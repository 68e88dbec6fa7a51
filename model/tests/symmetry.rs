//! Which client is which does not matter: the smaller search meets one state of each kind, and finds the same.

use mapi_session_model::{
    Company, SessionModel, check_up_to_symmetry, first_failure, named, search, search_up_to_symmetry,
};
use mapi_session_spec::rule::Demand;
use mapi_session_spec::{Era, Family, Level};

fn model(name: &str, members: u16, outside: u16) -> SessionModel {
    let demand = Demand { level: Level::Conventional, era: Era::FastShutdown };
    named(name, demand).expect("a model").with_company(Company { members, outside })
}

#[test]
fn where_nobody_is_interchangeable_nothing_is_saved() {
    let model = model("ending", 2, 1);
    assert_eq!(search(&model), search_up_to_symmetry(&model));
}

#[test]
fn three_members_make_nearly_half_as_many_states_in_the_same_moves_and_the_same_rules_bind() {
    let model = model("ending", 3, 0);
    let (all, fewer) = (search(&model), search_up_to_symmetry(&model));
    assert_eq!((all.depth, &all.bound), (fewer.depth, &fewer.bound));
    // Two clients change places: a state that looks the same after it stands for itself alone.
    assert!(fewer.states * 2 >= all.states && fewer.states * 2 < all.states * 11 / 10, "{all:?} {fewer:?}");
}

#[test]
fn what_holds_of_all_holds_of_one_of_each_and_what_fails_fails() {
    let model = model("ending", 3, 0);
    let explored = check_up_to_symmetry(&model).expect("a run that shows something");
    assert!(explored.holds(), "{explored}");
    let twin = model.twin(Family::Logoff.id(9));
    let explored = check_up_to_symmetry(&twin).expect("a run that shows something");
    let failed: Vec<_> = explored.failed.iter().map(|(name, _)| *name).collect();
    assert!(failed.contains(&first_failure(twin).expect("a failure")), "{failed:?}");
}

//! Levels only ever narrow, and so does every rule.

use mapi_session_spec::alphabet::{GARBAGE_HANDLE, STALE_HANDLE};
use mapi_session_spec::event::{Call, CallId, ThreadId};
use mapi_session_spec::flags::LogoffFlags;
use mapi_session_spec::offers::offers;
use mapi_session_spec::outcome::Outcome;
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::World;
use mapi_session_spec::{Era, Level};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::walk::{calls, walk};

const ID: CallId = CallId(9_999);

fn answers(rules: &Rules, demand: Demand, world: &World, call: Call) -> Vec<Outcome> {
    let mut world = world.clone();
    world.call(ID, ThreadId(0), call);
    offers(rules, demand, &world, ID).into_iter().map(|offer| offer.outcome).collect()
}

fn era() -> impl Strategy<Value = Era> {
    prop_oneof![Just(Era::Classic), Just(Era::FastShutdown)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_stricter_level_allows_every_milder_one_allows_too(
        choices in vec(any::<(u16, u16)>(), 0..12), which in any::<u16>(), era in era(),
    ) {
        let rules = Rules::documented();
        let (world, _) = walk(&rules, Demand { level: Level::Documented, era }, &choices);
        let calls = calls(&world);
        let call = calls[usize::from(which) % calls.len()];
        let allowed = Level::ALL.map(|level| answers(&rules, Demand { level, era }, &world, call));
        for pair in allowed.windows(2) {
            prop_assert!(pair[1].iter().all(|outcome| pair[0].contains(outcome)), "{call:?}");
        }
    }

    #[test]
    fn taking_a_rule_out_only_ever_allows_more(
        choices in vec(any::<(u16, u16)>(), 0..12), which in any::<u16>(), arm in any::<usize>(),
    ) {
        let rules = Rules::documented();
        let demand = Demand { level: Level::Robust, era: Era::FastShutdown };
        let (world, _) = walk(&rules, demand, &choices);
        let calls = calls(&world);
        let call = calls[usize::from(which) % calls.len()];
        let arm = arm % rules.arms().len();
        let fewer = answers(&rules, demand, &world, call);
        let more = answers(&rules.clone().without(arm), demand, &world, call);
        prop_assert!(fewer.iter().all(|outcome| more.contains(outcome)), "{call:?} without arm {arm}");
    }

    #[test]
    fn without_the_ui_flag_the_window_handle_changes_nothing(
        choices in vec(any::<(u16, u16)>(), 0..12), flags in any::<u32>(), reserved in 0_u32..2, era in era(),
    ) {
        let rules = Rules::documented();
        let demand = Demand { level: Level::Robust, era };
        let (world, _) = walk(&rules, demand, &choices);
        let flags = LogoffFlags(flags & !LogoffFlags::MAPI_LOGOFF_UI.0);
        for (session, _) in world.all_sessions() {
            let logoff = |ui_param| Call::Logoff { session, ui_param, flags, reserved, dirty: false };
            let plain = answers(&rules, demand, &world, logoff(0));
            for handle in [GARBAGE_HANDLE, STALE_HANDLE] {
                prop_assert_eq!(&plain, &answers(&rules, demand, &world, logoff(handle)));
            }
        }
    }
}

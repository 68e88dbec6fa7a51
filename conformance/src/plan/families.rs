//! What is prepared, and what is then done: the shapes that programs are made of.
//!
//! Each shape varies every factor that some rule guards on: how the client logged on, references, open objects,
//! registrations, other clients, initialisation, threads, history in the process. What is *right* is nowhere here.

mod comings;
mod histories;
mod logons;
mod one_client;
mod other_interfaces;
mod overlap;
mod repetitions;
mod several_clients;
mod tours;

use std::panic::resume_unwind;

use mapi_session_spec::alphabet;
use mapi_session_spec::event::{Call, SessionId};
use mapi_session_spec::flags::{EventMask, LogoffFlags};
pub(super) use tours::tours;

use super::draft::Draft;
use super::{Brief, Observing, Planned};

const BOTH: EventMask = EventMask::END_OF_SESSION;

/// A family of programs.
type Family = fn(&Draft, &mut Vec<Planned>);

/// A fault that needs a past shows once in a process: the plainest programs come first, and name it best. So do those that
/// have a process of their own: in between they would divide the others, and each process is listened to at its end.
const FAMILIES: [Family; 27] = [
    histories::histories,
    repetitions::torn_down_again_and_again,
    one_client::every_method,
    several_clients::shared_basics,
    logons::logons,
    one_client::one_by_name,
    one_client::one_that_shares,
    one_client::one_apart,
    one_client::one_that_joins,
    one_client::one_by_default,
    one_client::one_session_and_more,
    several_clients::two_sessions,
    several_clients::three_sessions,
    comings::who_came_late,
    comings::many_registrations,
    comings::one_sink_for_several,
    comings::after_a_refusal,
    comings::let_go_without_logoff,
    repetitions::refused_again_and_again,
    repetitions::opened_after_a_question,
    repetitions::initialised_three_times,
    repetitions::told_where_initialised_twice,
    repetitions::numbers_used_again,
    tours,
    overlap::callbacks,
    overlap::callbacks_that_wait,
    overlap::logoffs_that_overlap,
];

/// What varies more than the smallest suite has room for.
const IN_FULL_ALONE: [Family; 24] = [
    overlap::calls_from_a_last_release,
    overlap::given_back_while_another_hears,
    repetitions::registered_anew,
    repetitions::every_method_after_a_failure,
    repetitions::buffers_of_members,
    repetitions::every_second_logoff,
    overlap::a_member_leaves_when_told,
    repetitions::given_back_in_part,
    comings::left_each_in_its_way,
    comings::let_go_after_a_question,
    comings::a_crowd,
    comings::who_holds_much,
    comings::a_reference_comes_and_goes,
    comings::listening_for_nothing,
    comings::listening_for_more,
    comings::registered_after_a_failure,
    repetitions::after_asking_for_what_nobody_has,
    repetitions::every_logoff_of_a_member,
    other_interfaces::asked_by_another_interface,
    other_interfaces::held_by_another_interface,
    other_interfaces::tables_held_twice,
    comings::after_a_logon_that_failed,
    comings::opened_before_another_came,
    repetitions::asked_about_fast_shutdown_again,
];

/// Every program of the full suite, in a fixed order, made on all cores.
pub(super) fn all(brief: Brief) -> Vec<Planned> {
    let seed = Draft::new(brief, Observing::Everything);
    let mut all = from(&seed, &FAMILIES);
    all.extend(from(&seed, &IN_FULL_ALONE));
    all
}

/// Those from which the smallest suite is chosen.
pub(super) fn least(brief: Brief) -> Vec<Planned> {
    from(&Draft::new(brief, Observing::Least), &FAMILIES)
}

fn from(seed: &Draft, families: &[Family]) -> Vec<Planned> {
    std::thread::scope(|scope| {
        let making: Vec<_> = families
            .iter()
            .map(|family| {
                scope.spawn(move || {
                    let mut all = Vec::new();
                    family(seed, &mut all);
                    all
                })
            })
            .collect();
        making.into_iter().flat_map(|made| made.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// The programs in which a callback of ours holds the session in the middle of a call.
pub(super) fn held(seed: &Draft, all: &mut Vec<Planned>) {
    overlap::callbacks(seed, all);
    overlap::callbacks_that_wait(seed, all);
    overlap::logoffs_that_overlap(seed, all);
}

fn allowed(seed: &Draft, call: &Call) -> bool {
    seed.may_wait_for_a_person()
        || !matches!(call, Call::Logoff { flags, .. } if flags.has(LogoffFlags::MAPI_LOGOFF_UI))
}

fn logoffs(seed: &Draft, session: SessionId) -> Vec<Call> {
    let mut calls = alphabet::logoffs(session);
    calls.retain(|call| allowed(seed, call));
    calls
}

#[cfg(test)]
mod tests {
    use mapi_session_spec::rule::{Demand, Rules};
    use mapi_session_spec::{Era, Level};

    use super::*;
    use crate::plan::Repeats;

    #[test]
    fn what_is_worked_out_once_is_what_working_it_out_each_time_gives() {
        let demand = Demand { level: Level::Conventional, era: Era::FastShutdown };
        let rules = Rules::documented();
        let brief = Brief { rules: &rules, demand, ui: true, repeats: Repeats::default() };
        let seed = Draft::new(brief, Observing::Least);
        assert!(from(&seed, &FAMILIES) == from(&seed.forgetful(), &FAMILIES), "the plans differ");
    }
}

//! What is done once more than twice, or after something else that should not matter: a refusal, a failure, a number that
//! was given back.

use mapi_session_spec::alphabet::{self, way_named};
use mapi_session_spec::event::{
    BufferId, Call, Interface, Method, ObjectMethod, RegistrationId, SessionId, Target,
};
use mapi_session_spec::flags::LogoffFlags;

use super::{BOTH, logoffs};
use crate::plan::{Draft, Planned};

/// What opens an object that can be asked whether it lives.
const TABLES: [Method; 2] = [Method::GetStatusTable, Method::GetMsgStoresTable];

/// The same Logoff refused again and again: the next refusal is like the first, and a good Logoff works still.
pub(super) fn refused_again_and_again(seed: &Draft, all: &mut Vec<Planned>) {
    for way in ["apart", "sharing"] {
        let mut draft = seed.initialised(1);
        let session = draft.log_on(way_named(way));
        draft.open(session, Method::GetStatusTable);
        draft.observe();
        for bad in logoffs(seed, session) {
            if !draft.clone().call_refused(bad) {
                continue;
            }
            let again = |draft: &mut Draft| {
                draft.call_refused(bad);
                draft.call_refused(bad);
                draft.observe();
                draft.call(alphabet::plain_logoff(session));
            };
            all.push(draft.clone().edge_either(bad, |_| {}, again));
        }
    }
}

/// Every method after a Logoff that failed: it is answered as if nothing had been.
pub(super) fn every_method_after_a_failure(seed: &Draft, all: &mut Vec<Planned>) {
    for way in ["apart", "sharing"] {
        let mut draft = seed.initialised(1);
        let session = draft.log_on(way_named(way));
        for bad in logoffs(seed, session) {
            if !draft.clone().call_refused(bad) {
                continue;
            }
            let asks = |draft: &mut Draft| {
                for method in Method::ALL {
                    draft.open(session, method);
                }
            };
            all.push(draft.clone().edge_either(bad, |_| {}, asks));
        }
    }
}

/// What a session hands out after some other question, answered or not, ends with it like the rest.
pub(super) fn opened_after_a_question(seed: &Draft, all: &mut Vec<Planned>) {
    for way in ["apart", "sharing"] {
        for method in Method::ALL {
            let mut draft = seed.initialised(1);
            let session = draft.log_on(way_named(way));
            draft.open(session, method);
            for table in TABLES {
                draft.open(session, table);
            }
            draft.observe();
            for flags in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
                all.push(draft.clone().edge(alphabet::logoff_with(session, flags)));
            }
        }
    }
}

/// `MAPIInitialize` three times: each may be given back, and until the last is, MAPI is usable.
pub(super) fn initialised_three_times(seed: &Draft, all: &mut Vec<Planned>) {
    for way in ["apart", "sharing"] {
        for given_back in 1..=2 {
            let mut on = seed.initialised(3);
            let session = on.log_on(way_named(way));
            on.open(session, Method::GetStatusTable);
            on.observe();
            for _ in 1..given_back {
                on.call(Call::Uninitialize);
            }
            all.push(on.edge(Call::Uninitialize));

            let mut off = seed.initialised(3);
            come_and_go(&mut off, way);
            for _ in 0..given_back {
                off.call(Call::Uninitialize);
            }
            off.log_on(way_named(way));
            all.push(off.end());
        }
    }
}

/// MAPI comes and goes as a whole.
pub(super) fn torn_down_again_and_again(seed: &Draft, all: &mut Vec<Planned>) {
    for way in ["apart", "sharing"] {
        let mut draft = seed.clone();
        for _ in 0..4 {
            draft.call(Call::Initialize);
            come_and_go(&mut draft, way);
            draft.call(Call::Uninitialize);
        }
        all.push(draft.end_alone());
    }
}

/// A client logs on, looks around, and leaves.
fn come_and_go(draft: &mut Draft, way: &str) {
    let session = draft.log_on(way_named(way));
    draft.observe();
    draft.call(alphabet::plain_logoff(session));
    draft.call(Call::Release { target: Target::Session(session) });
}

/// MAPI is initialised more than once: who is told is told all the same.
pub(super) fn told_where_initialised_twice(seed: &Draft, all: &mut Vec<Planned>) {
    for times in 2..=3 {
        let mut draft = seed.initialised(times);
        let sessions = ["sharing", "joining"].map(|way| draft.log_on(way_named(way)));
        for session in sessions {
            draft.advise(session, BOTH);
        }
        draft.observe();
        for leaver in sessions {
            for flags in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
                all.push(draft.clone().edge(alphabet::logoff_with(leaver, flags)));
            }
        }
    }
}

/// MAPI is given back, but not as often as it was initialised: who listens goes on to hear.
pub(super) fn given_back_in_part(seed: &Draft, all: &mut Vec<Planned>) {
    for times in 2..=3 {
        for given_back in 1..times {
            let mut draft = seed.initialised(times);
            let sessions = ["sharing", "joining"].map(|way| draft.log_on(way_named(way)));
            for session in sessions {
                draft.advise(session, BOTH);
                draft.open(session, Method::GetStatusTable);
            }
            draft.observe();
            for _ in 0..given_back {
                draft.call(Call::Uninitialize);
            }
            draft.settle();
            draft.observe();
            for leaver in sessions {
                for flags in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
                    all.push(draft.clone().edge(alphabet::logoff_with(leaver, flags)));
                }
            }
        }
    }
}

/// Nobody is registered any more, and then somebody is again.
pub(super) fn registered_anew(seed: &Draft, all: &mut Vec<Planned>) {
    let mut draft = seed.initialised(1);
    let sessions = ["sharing", "joining"].map(|way| draft.log_on(way_named(way)));
    for session in sessions {
        let given_back = draft.advise(session, BOTH);
        draft.call(Call::Unadvise { session, registration: RegistrationId(given_back.0) });
        draft.settle();
    }
    let sinks = sessions.map(|session| draft.advise(session, BOTH));
    draft.observe();
    for (session, sink) in sessions.into_iter().zip(sinks) {
        all.push(draft.clone().edge(alphabet::logoff_with(session, LogoffFlags::MAPI_LOGOFF_SHARED)));
        all.push(draft.clone().edge(Call::Unadvise { session, registration: RegistrationId(sink.0) }));
    }
}

/// Memory of the client's own, while members come and go, whatever they hold.
pub(super) fn buffers_of_members(seed: &Draft, all: &mut Vec<Planned>) {
    for ways in [&["sharing"][..], &["sharing", "joining"]] {
        for holds in [false, true] {
            let mut draft = seed.initialised(1);
            let sessions: Vec<SessionId> = ways.iter().map(|way| draft.log_on(way_named(way))).collect();
            for session in sessions.iter().filter(|_| holds) {
                draft.open(*session, Method::GetStatusTable);
                draft.advise(*session, BOTH);
            }
            draft.observe();
            for buffer in [BufferId(0), BufferId(1)] {
                draft.call(Call::AllocateBuffer { buffer });
            }
            for flags in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
                let mut draft = draft.clone();
                for session in &sessions[1..] {
                    draft.call(alphabet::logoff_with(*session, flags));
                    draft.call(Call::Release { target: Target::Session(*session) });
                }
                all.push(draft.edge(alphabet::logoff_with(sessions[0], flags)));
            }
        }
    }
}

/// A second Logoff with every argument that one can have.
pub(super) fn every_second_logoff(seed: &Draft, all: &mut Vec<Planned>) {
    for ways in [&["apart"][..], &["sharing", "joining"]] {
        let mut draft = seed.initialised(1);
        let sessions: Vec<SessionId> = ways.iter().map(|way| draft.log_on(way_named(way))).collect();
        for session in &sessions {
            draft.advise(*session, BOTH);
        }
        draft.observe();
        draft.call(alphabet::plain_logoff(sessions[0]));
        draft.settle();
        for second in logoffs(seed, sessions[0]) {
            if draft.is_worth_making(&second) {
                all.push(draft.clone().edge(second));
            }
        }
    }
}

/// Registrations end and others begin: no two that live have one number, and each is its own.
pub(super) fn numbers_used_again(seed: &Draft, all: &mut Vec<Planned>) {
    for given_back in 0..3 {
        let mut draft = seed.initialised(1);
        let sessions = ["sharing", "joining"].map(|way| draft.log_on(way_named(way)));
        for _ in 0..3 {
            draft.advise(sessions[1], BOTH);
        }
        draft.call(Call::Unadvise { session: sessions[1], registration: RegistrationId(given_back) });
        draft.settle();
        for _ in 0..2 {
            draft.advise(sessions[1], BOTH);
        }
        draft.observe();
        all.push(draft.clone().edge(alphabet::logoff_with(sessions[0], LogoffFlags::MAPI_LOGOFF_SHARED)));
        for registration in [3, 4].map(RegistrationId) {
            all.push(draft.clone().edge(Call::Unadvise { session: sessions[1], registration }));
        }
    }
}

/// An interface that nobody has is asked for, twice: the second answer is like the first, and nothing else has changed.
pub(super) fn after_asking_for_what_nobody_has(seed: &Draft, all: &mut Vec<Planned>) {
    for way in ["apart", "sharing"] {
        let mut draft = seed.initialised(1);
        let session = draft.log_on(way_named(way));
        for _ in 0..2 {
            ask_for_what_nobody_has(&mut draft, session);
        }
        draft.open(session, Method::GetStatusTable);
        draft.observe();
        all.extend(logoffs(seed, session).into_iter().map(|logoff| draft.clone().edge(logoff)));
    }
    let mut draft = seed.initialised(1);
    let sessions = ["sharing", "joining"].map(|way| draft.log_on(way_named(way)));
    for session in sessions {
        ask_for_what_nobody_has(&mut draft, session);
        draft.advise(session, BOTH);
    }
    draft.observe();
    for leaver in sessions {
        for flags in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
            all.push(draft.clone().edge(alphabet::logoff_with(leaver, flags)));
        }
    }
}

fn ask_for_what_nobody_has(draft: &mut Draft, session: SessionId) {
    let object = draft.object();
    draft.call(alphabet::query(session, Interface::Unheard, object));
}

/// Who has joined is told of wrong arguments like anybody else, and whatever does not matter does not matter to who listens.
pub(super) fn every_logoff_of_a_member(seed: &Draft, all: &mut Vec<Planned>) {
    let mut draft = seed.initialised(1);
    let [creator, member] = ["sharing", "joining"].map(|way| draft.log_on(way_named(way)));
    draft.open(member, Method::GetStatusTable);
    draft.advise(creator, BOTH);
    draft.observe();
    all.extend(logoffs(seed, member).into_iter().map(|logoff| draft.clone().edge(logoff)));
}

/// Whether fast shutdown is supported is a question, however often it is asked, and of however many sessions.
pub(super) fn asked_about_fast_shutdown_again(seed: &Draft, all: &mut Vec<Planned>) {
    for ways in [&["apart"][..], &["sharing", "joining"]] {
        for times in 2..=4 {
            let mut draft = seed.initialised(1);
            let sessions: Vec<SessionId> = ways.iter().map(|way| draft.log_on(way_named(way))).collect();
            for session in &sessions {
                let object = draft.object();
                draft.call(alphabet::query(*session, Interface::IMAPIClientShutdown, object));
                draft.observe();
                for _ in 0..times {
                    draft.call(Call::OnObject { object, method: ObjectMethod::QueryFastShutdown });
                }
            }
            draft.observe();
            for leaver in &sessions {
                for flags in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
                    all.push(draft.clone().edge(alphabet::logoff_with(*leaver, flags)));
                }
            }
        }
    }
}

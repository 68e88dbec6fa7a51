//! Long ways round: what leaves a session as it was, one thing after the other, and members who come and go for a while.
//! Each of the things has a program of its own elsewhere; here they meet, for the price of one logon.

use mapi_session_spec::alphabet::{self, way_named};
use mapi_session_spec::event::{
    Call, Interface, Method, ObjectId, ObjectMethod, RegistrationId, SessionId, Target,
};
use mapi_session_spec::flags::LogoffFlags;

use super::BOTH;
use crate::plan::{Draft, Planned};

/// All of them: few and long, so that the smallest suite has them too.
pub(in crate::plan) fn tours(seed: &Draft, all: &mut Vec<Planned>) {
    let (first, second) = STATIONS.split_at(STATIONS.len() / 2);
    // The other way round: what is given back first is the interface that was asked for, and not the reference added.
    let second: Vec<Station> = second.iter().rev().copied().collect();
    all.push(of_one(seed, first, LogoffFlags(0)));
    all.push(of_one(seed, &second, LogoffFlags::MAPI_LOGOFF_SHARED));
    all.push(of_members(seed));
    all.push(of_a_sink(seed));
    all.push(of_strangers(seed));
    all.push(of_three_apart(seed));
}

/// What a client does with a session that goes on as before.
type Station = fn(&mut Draft, SessionId);

const STATIONS: [Station; 9] = [
    |draft, session| {
        draft.call(Call::AddRef { target: Target::Session(session) });
        draft.call(Call::Release { target: Target::Session(session) });
    },
    |draft, _| {
        draft.call(Call::Initialize);
        draft.call(Call::Uninitialize);
    },
    |draft, session| {
        let sink = draft.advise(session, BOTH);
        draft.call(Call::Unadvise { session, registration: RegistrationId(sink.0) });
        draft.settle();
    },
    |draft, session| open_and_give_back(draft, session, Method::GetStatusTable),
    |draft, session| open_and_give_back(draft, session, Method::AdminServices),
    |draft, _| {
        let another = draft.log_on(way_named("apart"));
        draft.call(alphabet::plain_logoff(another));
        draft.call(Call::Release { target: Target::Session(another) });
    },
    |draft, session| {
        let refused = alphabet::logoff_with(session, LogoffFlags(0x4));
        if draft.is_usually_refused(refused) {
            draft.call(refused);
        }
    },
    |draft, session| {
        let object = draft.object();
        draft.call(alphabet::query(session, Interface::IMAPIClientShutdown, object));
        draft.ask_what_came_of_it(Call::OnObject { object, method: ObjectMethod::QueryFastShutdown });
    },
    |draft, session| {
        let object = draft.object();
        draft.call(alphabet::query(session, Interface::IMAPISession, object));
        draft.call(Call::Release { target: Target::Session(session) });
    },
];

/// One session, and what leaves it as it was.
fn of_one(seed: &Draft, stations: &[Station], flags: LogoffFlags) -> Planned {
    let mut draft = seed.initialised(1);
    let session = draft.log_on(way_named("by-name"));
    let table = draft.open(session, Method::GetStatusTable);
    ask(&mut draft, session, table);
    for station in stations {
        station(&mut draft, session);
        ask(&mut draft, session, table);
    }
    draft.edge(alphabet::logoff_with(session, flags))
}

/// Members who come late, with several registrations, and by the profile's name when who made the session has left.
fn of_members(seed: &Draft) -> Planned {
    let mut draft = seed.initialised(1);
    let maker = draft.log_on(way_named("sharing"));
    let early = draft.log_on(way_named("joining"));
    let listener = draft.log_on(way_named("joining"));
    draft.advise(listener, BOTH);
    leave(&mut draft, early);
    let late = draft.log_on(way_named("joining"));
    draft.advise(late, BOTH);
    let second = draft.advise(late, BOTH);
    draft.open(late, Method::GetStatusTable);
    draft.observe();
    leave(&mut draft, maker);
    draft.observe();
    let latest = draft.log_on(way_named("by-name"));
    draft.advise(latest, BOTH);
    draft.call(Call::Unadvise { session: late, registration: RegistrationId(second.0) });
    draft.settle();
    draft.edge(alphabet::logoff_with(late, LogoffFlags::MAPI_LOGOFF_SHARED))
}

/// One sink for three registrations of two members, of which one is given back by `Unadvise`.
fn of_a_sink(seed: &Draft) -> Planned {
    let mut draft = seed.initialised(1);
    let [maker, twice, once] = ["sharing", "joining", "joining"].map(|way| draft.log_on(way_named(way)));
    let sink = draft.advise(twice, BOTH);
    draft.advise_again(twice, BOTH, sink);
    let other = draft.advise_again(once, BOTH, sink);
    draft.call(Call::Unadvise { session: once, registration: other });
    draft.settle();
    leave(&mut draft, maker);
    draft.edge(alphabet::plain_logoff(twice))
}

/// Members and strangers together: each leaves and tells, one after the other.
fn of_strangers(seed: &Draft) -> Planned {
    let mut draft = seed.initialised(1);
    let maker = draft.log_on(way_named("sharing"));
    draft.advise(maker, BOTH);
    let table = draft.open(maker, Method::GetStatusTable);
    ask(&mut draft, maker, table);
    let others = ["apart", "joining-without-mail", "sharing-anew", "apart"].map(|way| {
        let session = draft.log_on(way_named(way));
        draft.advise(session, BOTH);
        ask(&mut draft, maker, table);
        session
    });
    leave(&mut draft, maker);
    for session in &others[..3] {
        leave(&mut draft, *session);
    }
    draft.end()
}

/// Three who share nothing, each with a table that is asked once more when its session has ended.
fn of_three_apart(seed: &Draft) -> Planned {
    let mut draft = seed.initialised(1);
    let sessions = [(); 3].map(|()| {
        let session = draft.log_on(way_named("by-name"));
        draft.open(session, Method::GetStatusTable);
        session
    });
    draft.observe();
    for session in sessions {
        draft.call(alphabet::plain_logoff(session));
        draft.observe();
    }
    draft.end()
}

/// Whether a table still works, and whether another can be had.
fn ask(draft: &mut Draft, session: SessionId, table: ObjectId) {
    draft.call(Call::OnObject { object: table, method: ObjectMethod::GetStatus });
    open_and_give_back(draft, session, Method::GetStatusTable);
}

fn open_and_give_back(draft: &mut Draft, session: SessionId, method: Method) {
    let object = draft.open(session, method);
    draft.call(Call::Release { target: Target::Object(object) });
}

fn leave(draft: &mut Draft, session: SessionId) {
    draft.call(alphabet::logoff_with(session, LogoffFlags::MAPI_LOGOFF_SHARED));
    draft.settle();
    draft.call(Call::Release { target: Target::Session(session) });
}

//! One session: every preparation, every call.

use mapi_session_spec::alphabet::{self, way_named};
use mapi_session_spec::event::{
    BufferId, Call, Interface, Method, ObjectMethod, RegistrationId, SessionId, SinkId, Target, ThreadId,
};
use mapi_session_spec::flags::LogoffFlags;

use super::{BOTH, allowed, logoffs};
use crate::plan::{Draft, Planned};

/// Every method once, in one program: what fails by itself needs no preparation.
pub(super) fn every_method(seed: &Draft, all: &mut Vec<Planned>) {
    for way in ["apart", "by-name"] {
        let mut draft = seed.initialised(1);
        let session = draft.log_on(way_named(way));
        for method in Method::ALL {
            draft.open(session, method);
            draft.open(session, Method::GetLastError);
        }
        draft.observe();
        all.push(draft.end());
    }
}

/// References beyond the logon's own.
const REFERENCES: &[&[Extra]] = &[
    &[],
    &[Extra::Added],
    &[Extra::Queried(Interface::IMAPISession)],
    &[Extra::Queried(Interface::IUnknown)],
    &[Extra::Added, Extra::Added],
    &[Extra::Queried(Interface::IMAPISession), Extra::Added],
];

#[derive(Clone, Copy)]
enum Extra {
    Added,
    Queried(Interface),
}

const OBJECTS: &[&[Method]] = &[
    &[],
    &[Method::GetStatusTable],
    &[Method::GetMsgStoresTable],
    &[Method::GetStatusTable, Method::GetStatusTable],
    &[Method::GetStatusTable, Method::GetMsgStoresTable],
    &[Method::OpenAddressBook],
    &[Method::AdminServices],
];

fn hold(draft: &mut Draft, session: SessionId, extras: &[Extra]) {
    for extra in extras {
        match *extra {
            Extra::Added => {
                draft.call(Call::AddRef { target: Target::Session(session) });
            }
            Extra::Queried(interface) => {
                let object = draft.object();
                draft.call(alphabet::query(session, interface, object));
            }
        }
    }
}

/// A session, and whoever must be on before it can log on so.
fn log_on(draft: &mut Draft, way: &str) -> SessionId {
    if way == "joining" {
        draft.log_on(way_named("sharing"));
    }
    draft.log_on(way_named(way))
}

/// One session: every preparation, every call. Several families, for they are most of the plan and are made on all cores.
pub(super) fn one_by_name(seed: &Draft, all: &mut Vec<Planned>) {
    one_session(seed, all, "by-name", REFERENCES, OBJECTS);
}

/// See there.
pub(super) fn one_that_shares(seed: &Draft, all: &mut Vec<Planned>) {
    one_session(seed, all, "sharing", REFERENCES, OBJECTS);
}

/// See there.
pub(super) fn one_apart(seed: &Draft, all: &mut Vec<Planned>) {
    one_session(seed, all, "apart", REFERENCES, OBJECTS);
}

/// See there.
pub(super) fn one_that_joins(seed: &Draft, all: &mut Vec<Planned>) {
    one_session(seed, all, "joining", REFERENCES, &OBJECTS[..4]);
}

/// See there. Who asks for the default profile differs in that alone from who names one.
pub(super) fn one_by_default(seed: &Draft, all: &mut Vec<Planned>) {
    one_session(seed, all, "by-default", &REFERENCES[..2], &OBJECTS[..2]);
}

fn one_session(
    seed: &Draft,
    all: &mut Vec<Planned>,
    way: &str,
    references: &[&[Extra]],
    objects: &[&[Method]],
) {
    for extras in references {
        for opens in objects {
            for registered in [false, true] {
                let mut draft = seed.initialised(1);
                let session = log_on(&mut draft, way);
                hold(&mut draft, session, extras);
                for method in *opens {
                    draft.open(session, *method);
                }
                if registered {
                    draft.advise(session, BOTH);
                }
                draft.observe();
                // What a method answers does not rest on more references than one and one.
                let asks = extras.len() < 2;
                for call in edges_of_one(seed, &mut draft, session) {
                    if asks || !matches!(call, Call::Method { .. }) {
                        all.push(draft.clone().edge(call));
                    }
                }
            }
        }
    }
}

/// The same after more, or by another way round.
pub(super) fn one_session_and_more(seed: &Draft, all: &mut Vec<Planned>) {
    for way in ["by-name", "sharing"] {
        let mut draft = seed.initialised(1);
        let session = draft.log_on(way_named(way));
        draft.advise(session, BOTH);
        draft.advise(session, BOTH);
        draft.observe();
        for call in edges_of_one(seed, &mut draft, session) {
            all.push(draft.clone().edge(call));
        }
    }
    twice_initialised(seed, all);
    after_an_event(seed, all);
    buffers(seed, all);
}

fn edges_of_one(seed: &Draft, draft: &mut Draft, session: SessionId) -> Vec<Call> {
    let object = draft.object();
    let mut calls = logoffs(seed, session);
    calls.extend(alphabet::queries(session, object));
    calls.extend(alphabet::methods(session, object));
    calls.push(Call::AddRef { target: Target::Session(session) });
    calls.push(Call::Release { target: Target::Session(session) });
    for (id, known) in draft.world.all_objects().filter(|(_, object)| object.is_held()) {
        let _ = known;
        calls.push(Call::Release { target: Target::Object(id) });
    }
    for (registration, _) in draft.world.all_registrations().filter(|(_, r)| r.active) {
        calls.push(Call::Unadvise { session, registration });
    }
    let next = draft.world.registrations.len() as u16;
    calls.extend(alphabet::advises(session, SinkId(next), RegistrationId(next)));
    calls
}

/// The process is initialised twice.
fn twice_initialised(seed: &Draft, all: &mut Vec<Planned>) {
    for opens in &OBJECTS[..4] {
        let mut draft = seed.initialised(2);
        let session = draft.log_on(way_named("apart"));
        for method in *opens {
            draft.open(session, *method);
        }
        draft.observe();
        for call in logoffs(seed, session) {
            all.push(draft.clone().edge(call));
        }
    }
}

/// Something harmless happens, and then a legal Logoff: nothing of it may matter.
fn after_an_event(seed: &Draft, all: &mut Vec<Planned>) {
    for way in ["apart", "sharing", "joining"] {
        let mut draft = seed.initialised(1);
        let session = log_on(&mut draft, way);
        draft.observe();
        let object = draft.object();
        let mut harmless: Vec<Vec<Call>> = Vec::new();
        for bad in logoffs(seed, session) {
            harmless.push(vec![bad]);
        }
        let shutdown = alphabet::query(session, Interface::IMAPIClientShutdown, object);
        harmless.push(vec![shutdown, Call::OnObject { object, method: ObjectMethod::QueryFastShutdown }]);
        harmless.push(vec![
            Call::AddRef { target: Target::Session(session) },
            Call::Release { target: Target::Session(session) },
        ]);
        for interface in [Interface::IUnknown, Interface::IMAPISession] {
            harmless.push(vec![
                alphabet::query(session, interface, object),
                Call::Release { target: Target::Session(session) },
            ]);
        }
        for method in Method::ALL {
            let call = Call::Method { session, method, flags: 0, object };
            let ask = Call::Method { session, method: Method::GetLastError, flags: 0, object };
            harmless.push(vec![call, ask]);
        }
        // Two of one kind, one given back: the other is its own.
        for method in [Method::GetStatusTable, Method::GetMsgStoresTable] {
            let mut draft = draft.clone();
            let first = draft.open(session, method);
            draft.open(session, method);
            draft.observe();
            all.push(draft.clone().edge(Call::Release { target: Target::Object(first) }));
        }
        for calls in harmless {
            for flags in [0, 1, 2, 3] {
                let edge = alphabet::logoff_with(session, LogoffFlags(flags));
                if !allowed(seed, &edge) {
                    continue;
                }
                let mut draft = draft.clone();
                let Some((last, before)) = calls.split_last() else { continue };
                for call in before {
                    draft.call(*call);
                }
                all.push(draft.edge_then(*last, |draft| {
                    draft.observe();
                    if draft
                        .world
                        .session(session)
                        .is_some_and(mapi_session_spec::state::Session::is_logged_on)
                    {
                        draft.call(edge);
                    }
                }));
            }
        }
        // On the client's other thread.
        for flags in [0, 1] {
            let mut draft = draft.clone();
            draft.thread = ThreadId(1);
            all.push(draft.edge_then(alphabet::logoff_with(session, LogoffFlags(flags)), |draft| {
                draft.thread = ThreadId(0);
            }));
        }
    }
}

/// Memory of the client's own.
fn buffers(seed: &Draft, all: &mut Vec<Planned>) {
    for flags in [0, 1] {
        let mut draft = seed.initialised(1);
        let session = draft.log_on(way_named("apart"));
        draft.observe();
        for buffer in [BufferId(0), BufferId(1)] {
            draft.call(Call::AllocateBuffer { buffer });
        }
        all.push(draft.edge(alphabet::logoff_with(session, LogoffFlags(flags))));
    }
}

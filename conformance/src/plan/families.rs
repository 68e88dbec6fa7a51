//! What is prepared, and what is then done: the shapes that programs are made of.
//!
//! Each shape varies every factor that some rule guards on: how the client logged on, references, open objects,
//! registrations, other clients, initialisation, threads, history in the process. What is *right* is nowhere here.

use std::panic::resume_unwind;

use mapi_session_spec::alphabet::{self, Way, way_named};
use mapi_session_spec::event::{
    BufferId, Call, Interface, Method, ObjectId, ObjectMethod, RegistrationId, SessionId, SinkId, Target,
    ThreadId,
};
use mapi_session_spec::flags::{EventMask, LogoffFlags};

use super::draft::Draft;
use super::{Brief, Observing, Planned};
use crate::program::Place;

const BOTH: EventMask = EventMask::END_OF_SESSION;

/// A family of programs.
type Family = fn(&Draft, &mut Vec<Planned>);

/// A fault that needs a past shows once in a process: the plainest programs come first, and name it best.
const FAMILIES: [Family; 9] = [
    histories,
    every_method,
    shared_basics,
    logons,
    one_session,
    two_sessions,
    three_sessions,
    callbacks,
    logoffs_that_overlap,
];

/// Every program of the full suite, in a fixed order, made on all cores.
pub(super) fn all(brief: Brief, observing: Observing) -> Vec<Planned> {
    let seed = &Draft::new(brief, observing);
    std::thread::scope(|scope| {
        let making = FAMILIES.map(|family| {
            scope.spawn(move || {
                let mut all = Vec::new();
                family(seed, &mut all);
                all
            })
        });
        making.into_iter().flat_map(|made| made.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
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

/// Who joins, who is told: the smallest programs that show whether sharing is offered.
fn shared_basics(seed: &Draft, all: &mut Vec<Planned>) {
    for joins in ["joining", "by-name", "by-default"] {
        for leaver in 0..2 {
            let mut draft = seed.initialised(1);
            let first = draft.log_on(way_named("sharing"));
            let second = draft.log_on(way_named(joins));
            draft.advise(first, BOTH);
            draft.advise(second, BOTH);
            draft.observe();
            let who = [first, second][leaver];
            all.push(draft.clone().edge(alphabet::logoff_with(who, LogoffFlags::MAPI_LOGOFF_SHARED)));
            logoff_again(&draft, who, all);
        }
    }
    let mut alone = seed.initialised(1);
    alone.log_on(way_named("joining"));
    all.push(alone.end());
}

/// A second Logoff of one that has left, once everybody has heard of the first.
fn logoff_again(draft: &Draft, leaver: SessionId, all: &mut Vec<Planned>) {
    for second in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
        let mut draft = draft.clone();
        draft.call(alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED));
        draft.settle();
        let again = alphabet::logoff_with(leaver, second);
        if draft.is_worth_making(&again) {
            all.push(draft.edge(again));
        }
    }
}

/// Logging on: uninitialised, in every way, after every way.
fn logons(seed: &Draft, all: &mut Vec<Planned>) {
    for way in alphabet::WAYS {
        let mut early = seed.clone();
        early.log_on(*way);
        all.push(early.end());
        for times in 1..=2 {
            let mut draft = seed.initialised(times);
            draft.log_on(*way);
            draft.observe();
            all.push(draft.end());
        }
        for earlier in alphabet::WAYS {
            let mut draft = seed.initialised(1);
            let first = draft.log_on(*earlier);
            draft.observe();
            draft.log_on(*way);
            all.push(draft.clone().end());
            // The first is gone when the second comes.
            let mut after = seed.initialised(1);
            let gone = after.log_on(*earlier);
            after.observe();
            after.call(alphabet::plain_logoff(gone));
            after.call(Call::Release { target: Target::Session(gone) });
            after.log_on(*way);
            all.push(after.end());
            let mut released = seed.initialised(1);
            let gone = released.log_on(*earlier);
            released.advise(gone, BOTH);
            released.observe();
            released.call(Call::Release { target: Target::Session(gone) });
            released.settle();
            released.log_on(*way);
            all.push(released.end());
            let _ = first;
        }
    }
    // Initialised twice, once given back: what was there is there still.
    let mut twice = seed.initialised(2);
    let session = twice.log_on(way_named("apart"));
    twice.open(session, Method::GetStatusTable);
    twice.observe();
    all.push(twice.edge(Call::Uninitialize));
    let mut again = seed.initialised(2);
    let session = again.log_on(way_named("apart"));
    again.observe();
    again.call(alphabet::plain_logoff(session));
    again.call(Call::Release { target: Target::Session(session) });
    again.call(Call::Uninitialize);
    again.log_on(way_named("apart"));
    all.push(again.end());
}

/// Every method once, in one program: what fails by itself needs no preparation.
fn every_method(seed: &Draft, all: &mut Vec<Planned>) {
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
                draft.call(Call::QueryInterface { session, interface, object });
            }
        }
    }
}

/// One session: every preparation, every call.
fn one_session(seed: &Draft, all: &mut Vec<Planned>) {
    for way in ["by-name", "sharing", "apart", "by-default"] {
        for extras in REFERENCES {
            for opens in OBJECTS {
                for registered in [false, true] {
                    let mut draft = seed.initialised(1);
                    let session = draft.log_on(way_named(way));
                    hold(&mut draft, session, extras);
                    for method in *opens {
                        draft.open(session, *method);
                    }
                    if registered {
                        draft.advise(session, BOTH);
                    }
                    draft.observe();
                    for call in edges_of_one(seed, &mut draft, session) {
                        all.push(draft.clone().edge(call));
                    }
                }
            }
        }
    }
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
    for way in ["apart", "sharing"] {
        let mut draft = seed.initialised(1);
        let session = draft.log_on(way_named(way));
        draft.observe();
        let object = draft.object();
        let mut harmless: Vec<Vec<Call>> = Vec::new();
        for bad in logoffs(seed, session) {
            harmless.push(vec![bad]);
        }
        let shutdown = Call::QueryInterface { session, interface: Interface::IMAPIClientShutdown, object };
        harmless.push(vec![shutdown, Call::OnObject { object, method: ObjectMethod::QueryFastShutdown }]);
        harmless.push(vec![
            Call::AddRef { target: Target::Session(session) },
            Call::Release { target: Target::Session(session) },
        ]);
        for interface in [Interface::IUnknown, Interface::IMAPISession] {
            harmless.push(vec![
                Call::QueryInterface { session, interface, object },
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

/// Two clients, and what one does to the other.
fn two_sessions(seed: &Draft, all: &mut Vec<Planned>) {
    for first_way in ["sharing", "by-name", "apart", "sharing-anew"] {
        for second_way in alphabet::WAYS {
            for registered in 0..4 {
                for opens in [&[][..], &[Method::GetStatusTable]] {
                    let mut draft = seed.initialised(1);
                    let first = draft.log_on(way_named(first_way));
                    let second = draft.log_on(*second_way);
                    for (bit, session) in [first, second].into_iter().enumerate() {
                        for method in opens {
                            draft.open(session, *method);
                        }
                        if registered & (1 << bit) != 0 {
                            draft.advise(session, BOTH);
                        }
                    }
                    draft.observe();
                    for (session, _) in [(first, second), (second, first)] {
                        pair_edges(seed, all, &draft, session);
                    }
                }
            }
        }
    }
}

fn pair_edges(seed: &Draft, all: &mut Vec<Planned>, draft: &Draft, session: SessionId) {
    for flags in 0..4 {
        let edge = alphabet::logoff_with(session, LogoffFlags(flags));
        if allowed(seed, &edge) {
            all.push(draft.clone().edge(edge));
        }
    }
    let mut elsewhere = draft.clone();
    elsewhere.thread = ThreadId(1);
    let shared = alphabet::logoff_with(session, LogoffFlags::MAPI_LOGOFF_SHARED);
    all.push(elsewhere.edge_then(shared, |draft| draft.thread = ThreadId(0)));
    all.push(draft.clone().edge(Call::Release { target: Target::Session(session) }));
    let bad = Call::Logoff { session, ui_param: 0, flags: LogoffFlags(0x5), reserved: 0, dirty: false };
    all.push(draft.clone().edge(bad));
}

/// Three clients: two who share at most, and one who may not.
fn three_sessions(seed: &Draft, all: &mut Vec<Planned>) {
    let sharing = way_named("sharing");
    for second in ["joining", "by-name", "apart"] {
        for third in ["joining", "by-name", "apart", "sharing-anew", "joining-without-mail"] {
            for registered in [0b111, 0b110, 0b011, 0b000] {
                let mut draft = seed.initialised(1);
                let sessions: Vec<SessionId> = [sharing, way_named(second), way_named(third)]
                    .into_iter()
                    .map(|way: Way| draft.log_on(way))
                    .collect();
                for (bit, session) in sessions.iter().enumerate() {
                    draft.open(*session, Method::GetStatusTable);
                    if registered & (1 << bit) != 0 {
                        draft.advise(*session, BOTH);
                    }
                }
                draft.observe();
                for leaver in &sessions {
                    for flags in 0..4 {
                        let edge = alphabet::logoff_with(*leaver, LogoffFlags(flags));
                        if !allowed(seed, &edge) {
                            continue;
                        }
                        let next = sessions.iter().find(|other| *other != leaver).copied();
                        all.push(draft.clone().edge(edge));
                        all.push(draft.clone().edge_then(edge, |draft| {
                            draft.settle();
                            if let Some(next) = next {
                                draft.call(alphabet::logoff_with(next, LogoffFlags(flags & 1)));
                            }
                        }));
                        for way in ["joining", "by-name"] {
                            all.push(draft.clone().edge_then(edge, |draft| {
                                draft.settle();
                                draft.call(Call::Release { target: Target::Session(*leaver) });
                                draft.log_on(way_named(way));
                            }));
                        }
                    }
                }
            }
        }
    }
    strangers_first(seed, all);
}

/// Who was on before anybody shared; and a shared session that came and went.
fn strangers_first(seed: &Draft, all: &mut Vec<Planned>) {
    for stranger in ["apart", "by-name"] {
        let mut draft = seed.initialised(1);
        let sessions: Vec<SessionId> =
            [stranger, "sharing", "joining"].into_iter().map(|way| draft.log_on(way_named(way))).collect();
        for session in &sessions {
            draft.advise(*session, BOTH);
        }
        draft.observe();
        for leaver in &sessions {
            for flags in [0, 1] {
                all.push(draft.clone().edge(alphabet::logoff_with(*leaver, LogoffFlags(flags))));
            }
        }
    }
    for way in ["joining", "by-name"] {
        let mut draft = seed.initialised(1);
        draft.log_on(way_named("sharing"));
        let newer = draft.log_on(way_named("sharing-anew"));
        draft.observe();
        draft.call(alphabet::plain_logoff(newer));
        draft.call(Call::Release { target: Target::Session(newer) });
        draft.log_on(way_named(way));
        all.push(draft.end());
    }
}

/// Calls from inside `OnNotify`, and beside it.
fn callbacks(seed: &Draft, all: &mut Vec<Planned>) {
    for listener_way in ["joining", "by-name"] {
        for (inside, about_leaver) in [(true, false), (true, true), (false, false), (false, true)] {
            let mut base = seed.initialised(1);
            let leaver = base.log_on(way_named("sharing"));
            let listener = base.log_on(way_named(listener_way));
            let sink = base.advise(listener, BOTH);
            base.observe();
            let place = if inside { Place::Inside(sink) } else { Place::Beside(sink) };
            let on = if about_leaver { leaver } else { listener };
            let object = ObjectId(90);
            let mut scripts: Vec<Vec<Call>> = vec![
                vec![Call::Method { session: on, method: Method::GetStatusTable, flags: 0, object }],
                vec![Call::Method { session: on, method: Method::QueryIdentity, flags: 0, object }],
                vec![
                    Call::AddRef { target: Target::Session(on) },
                    Call::Release { target: Target::Session(on) },
                ],
                vec![alphabet::plain_logoff(on)],
                vec![Call::QueryInterface { session: on, interface: Interface::Unheard, object }],
            ];
            if !about_leaver {
                scripts
                    .push(vec![Call::Unadvise { session: listener, registration: RegistrationId(sink.0) }]);
            }
            if about_leaver {
                // What is opened while its session logs off is dead once that has returned.
                let state = Call::OnObject { object, method: ObjectMethod::GetStatus };
                let mut draft = base.clone();
                draft.at_notification(
                    place,
                    Call::Method { session: on, method: Method::GetStatusTable, flags: 0, object },
                );
                draft.at_notification(place, state);
                let flagged = alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED);
                all.push(draft.edge_then(flagged, |draft| draft.ask_what_came_of_it(state)));
            }
            for script in scripts {
                let mut draft = base.clone();
                for call in &script {
                    draft.at_notification(place, *call);
                }
                all.push(draft.edge(alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED)));
            }
        }
    }
}

/// Two Logoffs of one session that overlap, once another member's has shown what one announcement brings.
fn logoffs_that_overlap(seed: &Draft, all: &mut Vec<Planned>) {
    for inside in [true, false] {
        for flags in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
            let mut draft = seed.initialised(1);
            let leaver = draft.log_on(way_named("sharing"));
            let listener = draft.log_on(way_named("joining"));
            let earlier = draft.log_on(way_named("joining"));
            draft.advise(leaver, BOTH);
            draft.observe();
            draft.call(alphabet::logoff_with(earlier, LogoffFlags::MAPI_LOGOFF_SHARED));
            draft.settle();
            let sink = draft.advise(listener, BOTH);
            let place = if inside { Place::Inside(sink) } else { Place::Beside(sink) };
            draft.at_notification(place, alphabet::logoff_with(leaver, flags));
            all.push(draft.edge(alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED)));
        }
    }
}

/// Faults that need a past: the third session, the third Logoff, many Logoffs with objects open.
fn histories(seed: &Draft, all: &mut Vec<Planned>) {
    for way in ["apart", "by-name", "sharing"] {
        for opens in [&[Method::GetStatusTable][..], &[]] {
            let mut draft = seed.initialised(1);
            for _ in 0..8 {
                let session = draft.log_on(way_named(way));
                for method in opens {
                    draft.open(session, *method);
                }
                draft.observe();
                draft.call(alphabet::plain_logoff(session));
                draft.observe();
                draft.call(Call::Release { target: Target::Session(session) });
            }
            all.push(draft.end_alone());
        }
    }
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut draft = seed.initialised(1);
        let sessions: Vec<SessionId> = (0..3).map(|_| draft.log_on(way_named("apart"))).collect();
        for session in &sessions {
            draft.open(*session, Method::GetStatusTable);
        }
        draft.observe();
        for leaver in order {
            draft.call(alphabet::plain_logoff(sessions[leaver]));
            draft.observe();
        }
        all.push(draft.end_alone());
    }
}

//! What has several interfaces is one object by each of them: whoever was asked for another, a reference more is a reference
//! more, and whichever is given back last ends it.

use mapi_session_spec::alphabet::{self, way_named};
use mapi_session_spec::event::{Call, Interface, Method, ObjectId, ObjectMethod, SessionId, Target};
use mapi_session_spec::flags::LogoffFlags;

use super::BOTH;
use crate::plan::{Draft, Planned};

/// A session and its `IMAPIClientShutdown`, for whoever has one.
fn with_client_shutdown<'r>(seed: &Draft<'r>, ways: &[&str]) -> (Draft<'r>, SessionId, ObjectId) {
    let mut draft = seed.initialised(1);
    let sessions: Vec<SessionId> = ways.iter().map(|way| draft.log_on(way_named(way))).collect();
    let session = sessions[sessions.len() - 1];
    let shutdown = draft.object();
    draft.call(alphabet::query(session, Interface::IMAPIClientShutdown, shutdown));
    (draft, session, shutdown)
}

/// A session is asked for each of its interfaces by way of another of them.
pub(super) fn asked_by_another_interface(seed: &Draft, all: &mut Vec<Planned>) {
    for ways in [&["apart"][..], &["sharing", "joining"]] {
        for interface in Interface::ALL {
            let (mut draft, session, shutdown) = with_client_shutdown(seed, ways);
            draft.observe();
            let object = draft.object();
            let query = alphabet::query_object(shutdown, interface, object);
            if interface.is_unheard() {
                all.push(draft.edge(query));
                continue;
            }
            draft.call(query);
            let came = match interface {
                Interface::IMAPIClientShutdown => Target::Object(object),
                _ => Target::Session(session),
            };
            // The one that was asked goes first, or the one that came.
            for goes in [Target::Object(shutdown), came] {
                let mut draft = draft.clone();
                draft.call(Call::Release { target: goes });
                draft.observe();
                for flags in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
                    all.push(draft.clone().edge(alphabet::logoff_with(session, flags)));
                }
                draft.call(Call::Release { target: Target::Session(session) });
                all.push(draft.end());
            }
        }
    }
}

/// Whoever holds nothing of a session but its `IMAPIClientShutdown` holds the session.
pub(super) fn held_by_another_interface(seed: &Draft, all: &mut Vec<Planned>) {
    for ways in [&["apart"][..], &["sharing"], &["sharing", "joining"]] {
        let (mut draft, session, shutdown) = with_client_shutdown(seed, ways);
        draft.call(Call::OnObject { object: shutdown, method: ObjectMethod::QueryFastShutdown });
        draft.call(Call::Release { target: Target::Session(session) });
        draft.call(Call::OnObject { object: shutdown, method: ObjectMethod::QueryFastShutdown });
        draft.call(Call::AddRef { target: Target::Object(shutdown) });
        draft.call(Call::Release { target: Target::Object(shutdown) });
        draft.call(Call::OnObject { object: shutdown, method: ObjectMethod::QueryFastShutdown });
        all.push(draft.edge(Call::Release { target: Target::Object(shutdown) }));
    }
}

/// A table has a reference more, by whichever way, and gives it back.
pub(super) fn tables_held_twice(seed: &Draft, all: &mut Vec<Planned>) {
    for method in [Method::GetStatusTable, Method::GetMsgStoresTable] {
        for is_asked in [false, true] {
            for registered in [false, true] {
                let mut draft = seed.initialised(1);
                let session = draft.log_on(way_named("apart"));
                if registered {
                    draft.advise(session, BOTH);
                }
                let table = draft.open(session, method);
                draft.observe();
                let target = Target::Object(table);
                let object = draft.object();
                draft.call(if is_asked {
                    alphabet::query_object(table, Interface::IUnknown, object)
                } else {
                    Call::AddRef { target }
                });
                let mut kept = draft.clone();
                draft.call(Call::Release { target });
                draft.observe();
                all.push(draft.edge(alphabet::plain_logoff(session)));
                // Both are left to Logoff.
                kept.observe();
                all.push(kept.edge(alphabet::plain_logoff(session)));
            }
        }
    }
}

//! Faults that need a past: the third session, the third Logoff, many Logoffs with objects open.

use mapi_session_spec::alphabet::{self, way_named};
use mapi_session_spec::event::{Call, Method, SessionId, Target};

use crate::plan::{Draft, Planned};

/// Faults that need a past: the third session, the third Logoff, many Logoffs with objects open.
pub(super) fn histories(seed: &Draft, all: &mut Vec<Planned>) {
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

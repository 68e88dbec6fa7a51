//! Logging on: uninitialised, in every way, after every way.

use mapi_session_spec::alphabet::{self, Way, way_named};
use mapi_session_spec::event::{Call, Method, Profile, Target};
use mapi_session_spec::flags::LogonFlags;

use super::BOTH;
use crate::plan::{Draft, Planned};

/// Logging on: uninitialised, in every way, after every way.
pub(super) fn logons(seed: &Draft, all: &mut Vec<Planned>) {
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
    without_a_profile(seed, all);
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

/// No profile, and a flag that says that nobody is to be joined: where nobody is on, and where somebody is.
fn without_a_profile(seed: &Draft, all: &mut Vec<Planned>) {
    let alone = [
        LogonFlags::MAPI_NEW_SESSION,
        LogonFlags::MAPI_ALLOW_OTHERS,
        LogonFlags::MAPI_NEW_SESSION.with(LogonFlags::MAPI_ALLOW_OTHERS),
        LogonFlags::MAPI_TIMEOUT_SHORT,
    ];
    for flags in alone {
        let way = Way {
            name: "without-a-profile",
            profile: Profile::Null,
            flags: flags.with(LogonFlags::MAPI_EXTENDED),
        };
        let mut early = seed.clone();
        early.log_on(way);
        all.push(early.end());
        for first in [None, Some("apart"), Some("sharing")] {
            let mut draft = seed.initialised(1);
            if let Some(first) = first {
                draft.log_on(way_named(first));
                draft.observe();
            }
            draft.log_on(way);
            draft.observe();
            all.push(draft.end());
        }
    }
}

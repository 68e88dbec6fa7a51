//! Members who come and go, and who hears of it: one who came late, one with several registrations, one sink of several.

use mapi_session_spec::alphabet::{self, Way, way_named};
use mapi_session_spec::event::{Call, Interface, Method, Profile, RegistrationId, SessionId, Target};
use mapi_session_spec::flags::{EventMask, LogoffFlags, LogonFlags};

use super::{BOTH, logoffs};
use crate::plan::{Draft, Planned};

const FLAGS: [LogoffFlags; 2] = [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED];

/// One member leaves, and another comes: whoever is on then leaves in every way.
pub(super) fn who_came_late(seed: &Draft, all: &mut Vec<Planned>) {
    for leaver in 0..2 {
        for flags in FLAGS {
            for way in ["joining", "by-name"] {
                let mut draft = seed.initialised(1);
                let first = [draft.log_on(way_named("sharing")), draft.log_on(way_named("joining"))];
                for session in first {
                    draft.advise(session, BOTH);
                }
                draft.call(alphabet::logoff_with(first[leaver], flags));
                draft.settle();
                draft.call(Call::Release { target: Target::Session(first[leaver]) });
                let late = draft.log_on(way_named(way));
                draft.advise(late, BOTH);
                for session in [first[1 - leaver], late] {
                    draft.open(session, Method::GetStatusTable);
                }
                draft.observe();
                for who in [first[1 - leaver], late] {
                    for flags in FLAGS {
                        all.push(draft.clone().edge(alphabet::logoff_with(who, flags)));
                    }
                }
            }
        }
    }
}

/// Members with several registrations each, or fewer again.
pub(super) fn many_registrations(seed: &Draft, all: &mut Vec<Planned>) {
    let masks: [&[EventMask]; 3] =
        [&[BOTH, BOTH], &[BOTH, EventMask::fnevCriticalError], &[EventMask::fnevCriticalError, BOTH, BOTH]];
    for members in 2..=3 {
        for masks in masks {
            let mut draft = seed.initialised(1);
            let mut sessions = vec![draft.log_on(way_named("sharing"))];
            sessions.extend((1..members).map(|_| draft.log_on(way_named("joining"))));
            for session in &sessions {
                for mask in masks {
                    draft.advise(*session, *mask);
                }
            }
            draft.observe();
            every_member_leaves(&draft, &sessions, all);
            let mut fewer = draft.clone();
            for registration in 0..masks.len() {
                let registration = RegistrationId(registration as u16);
                fewer.call(Call::Unadvise { session: sessions[0], registration });
                fewer.settle();
                every_member_leaves(&fewer, &sessions, all);
            }
        }
    }
}

/// One sink for several registrations: of one member, or of two.
pub(super) fn one_sink_for_several(seed: &Draft, all: &mut Vec<Planned>) {
    for of_two in [false, true] {
        for given_back in [None, Some(0), Some(1)] {
            let mut draft = seed.initialised(1);
            let sessions = ["sharing", "joining", "joining"].map(|way| draft.log_on(way_named(way)));
            let sink = draft.advise(sessions[1], BOTH);
            let other = if of_two { sessions[2] } else { sessions[1] };
            let second = draft.advise_again(other, BOTH, sink);
            draft.observe();
            match given_back {
                None => {}
                Some(0) => {
                    let registration = RegistrationId(sink.0);
                    draft.call(Call::Unadvise { session: sessions[1], registration });
                }
                Some(_) => {
                    draft.call(Call::Unadvise { session: other, registration: second });
                }
            }
            draft.settle();
            every_member_leaves(&draft, &sessions, all);
        }
    }
}

/// A Logoff was refused for its arguments: what it did not say is said the next time.
pub(super) fn after_a_refusal(seed: &Draft, all: &mut Vec<Planned>) {
    for refused in 0..2 {
        for flags in [LogoffFlags(0x4), LogoffFlags(0x5)] {
            let mut draft = seed.initialised(1);
            let sessions = ["sharing", "joining"].map(|way| draft.log_on(way_named(way)));
            for session in sessions {
                draft.advise(session, BOTH);
            }
            draft.observe();
            for leaver in sessions {
                let refused = alphabet::logoff_with(sessions[refused], flags);
                all.push(draft.clone().edge_either(
                    refused,
                    |_| {},
                    |draft| {
                        draft.settle();
                        draft.call(alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED));
                    },
                ));
            }
        }
    }
}

/// A Logoff failed, refused or cancelled, and then somebody registers: whoever does hears of the next.
pub(super) fn registered_after_a_failure(seed: &Draft, all: &mut Vec<Planned>) {
    let mut base = seed.initialised(1);
    let sessions = ["sharing", "joining"].map(|way| base.log_on(way_named(way)));
    base.observe();
    for failed in sessions {
        for bad in logoffs(seed, failed) {
            if !base.clone().call_refused(bad) {
                continue;
            }
            for leaver in sessions {
                let registers = |draft: &mut Draft| {
                    for session in sessions {
                        draft.advise(session, BOTH);
                    }
                    draft.observe();
                    draft.call(alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED));
                };
                all.push(base.clone().edge_either(bad, |_| {}, registers));
            }
        }
    }
}

/// Members that let go without a Logoff, whatever they held: they have left, and the others may still be joined.
pub(super) fn let_go_without_logoff(seed: &Draft, all: &mut Vec<Planned>) {
    for ways in [&["sharing"][..], &["sharing", "joining"], &["sharing", "by-name", "joining"]] {
        for opens in [&[][..], &[Method::GetStatusTable]] {
            for registered in [false, true] {
                let mut draft = seed.initialised(1);
                let sessions: Vec<SessionId> = ways.iter().map(|way| draft.log_on(way_named(way))).collect();
                for session in &sessions {
                    for method in opens {
                        draft.open(*session, *method);
                    }
                    if registered {
                        draft.advise(*session, BOTH);
                    }
                }
                draft.observe();
                for (place, _) in sessions.iter().enumerate() {
                    // This one first, then those after it: somebody is left to join, or nobody.
                    let mut draft = draft.clone();
                    for leaver in sessions.iter().cycle().skip(place).take(sessions.len()) {
                        draft.call(Call::Release { target: Target::Session(*leaver) });
                        draft.settle();
                        let mut joined = draft.clone();
                        joined.log_on(way_named("joining"));
                        all.push(joined.end());
                    }
                }
            }
        }
    }
}

/// A logon that had to fail changes nothing for those who share a session: whoever may join it still may.
pub(super) fn after_a_logon_that_failed(seed: &Draft, all: &mut Vec<Planned>) {
    let alone = [
        LogonFlags(0),
        LogonFlags::MAPI_NEW_SESSION,
        LogonFlags::MAPI_ALLOW_OTHERS,
        LogonFlags::MAPI_NEW_SESSION.with(LogonFlags::MAPI_ALLOW_OTHERS),
    ];
    for flags in alone {
        for joins in ["joining", "by-name"] {
            for registered in [false, true] {
                let mut draft = seed.initialised(1);
                let first = draft.log_on(way_named("sharing"));
                if registered {
                    draft.advise(first, BOTH);
                }
                draft.observe();
                let nobody = Way {
                    name: "nobody",
                    profile: Profile::Null,
                    flags: flags.with(LogonFlags::MAPI_EXTENDED),
                };
                draft.log_on(nobody);
                draft.observe();
                let second = draft.log_on(way_named(joins));
                draft.observe();
                for leaver in [first, second] {
                    let leaves = alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED);
                    all.push(draft.clone().edge(leaves));
                }
            }
        }
    }
}

/// What a member had opened before another came is its own when that one leaves, in whatever way.
pub(super) fn opened_before_another_came(seed: &Draft, all: &mut Vec<Planned>) {
    for comes in ["joining", "by-name", "apart", "sharing-anew"] {
        let mut draft = seed.initialised(1);
        let first = draft.log_on(way_named("sharing"));
        draft.open(first, Method::GetStatusTable);
        draft.open(first, Method::GetMsgStoresTable);
        draft.advise(first, BOTH);
        draft.observe();
        let second = draft.log_on(way_named(comes));
        draft.observe();
        for flags in FLAGS {
            all.push(draft.clone().edge(alphabet::logoff_with(second, flags)));
        }
        all.push(draft.edge(Call::Release { target: Target::Session(second) }));
    }
}

/// Who lets go without a Logoff, when everything that was asked for has been given back.
pub(super) fn let_go_after_a_question(seed: &Draft, all: &mut Vec<Planned>) {
    for ways in [&["sharing"][..], &["sharing", "joining"]] {
        for interface in Interface::ALL {
            let mut draft = seed.initialised(1);
            let sessions: Vec<SessionId> = ways.iter().map(|way| draft.log_on(way_named(way))).collect();
            for session in &sessions {
                draft.advise(*session, BOTH);
            }
            let session = sessions[sessions.len() - 1];
            let object = draft.object();
            draft.call(alphabet::query(session, interface, object));
            let came = match interface {
                Interface::IUnknown | Interface::IMAPISession => Some(Target::Session(session)),
                Interface::IMAPIClientShutdown => Some(Target::Object(object)),
                Interface::Unheard | Interface::UnheardOfMapi => None,
            };
            if let Some(target) = came {
                draft.call(Call::Release { target });
            }
            draft.observe();
            all.push(draft.edge(Call::Release { target: Target::Session(session) }));
        }
    }
}

/// Members that leave each in its way, by a Logoff or without one, and then somebody comes who can only join.
pub(super) fn left_each_in_its_way(seed: &Draft, all: &mut Vec<Planned>) {
    for ways in [&["sharing"][..], &["sharing", "joining"], &["sharing", "by-name", "joining"]] {
        for logs_off in 1..1 << ways.len() {
            for first in 0..ways.len() {
                let mut draft = seed.initialised(1);
                let sessions: Vec<SessionId> = ways.iter().map(|way| draft.log_on(way_named(way))).collect();
                for (place, leaver) in sessions.iter().enumerate().cycle().skip(first).take(sessions.len()) {
                    if logs_off & (1 << place) != 0 {
                        draft.call(alphabet::plain_logoff(*leaver));
                    }
                    draft.call(Call::Release { target: Target::Session(*leaver) });
                    draft.settle();
                }
                draft.log_on(way_named("joining"));
                all.push(draft.end());
            }
        }
    }
}

/// More members than most programs have, and one more.
pub(super) fn a_crowd(seed: &Draft, all: &mut Vec<Planned>) {
    let ways = ["sharing", "joining", "by-name", "joining", "joining-without-mail", "joining"];
    let mut draft = seed.initialised(1);
    let sessions = ways.map(|way| draft.log_on(way_named(way)));
    for session in sessions {
        draft.advise(session, BOTH);
    }
    draft.observe();
    every_member_leaves(&draft, &sessions, all);
}

/// Members who hold more than one of everything: what is right with one of each may go wrong where all meet.
pub(super) fn who_holds_much(seed: &Draft, all: &mut Vec<Planned>) {
    for times in 1..=2 {
        let mut draft = seed.initialised(times);
        let sessions = ["sharing", "joining"].map(|way| draft.log_on(way_named(way)));
        for session in sessions {
            draft.call(Call::AddRef { target: Target::Session(session) });
            let object = draft.object();
            draft.call(alphabet::query(session, Interface::IUnknown, object));
            draft.open(session, Method::GetStatusTable);
            draft.open(session, Method::GetMsgStoresTable);
            draft.advise(session, BOTH);
            draft.advise(session, BOTH);
        }
        draft.observe();
        every_member_leaves(&draft, &sessions, all);
    }
}

/// Whoever comes to a shared session, by whatever way, takes a reference more and gives it back: what its logon gave is
/// there still.
pub(super) fn a_reference_comes_and_goes(seed: &Draft, all: &mut Vec<Planned>) {
    for way in alphabet::WAYS {
        for queried in [None, Some(Interface::IUnknown), Some(Interface::IMAPISession)] {
            let mut draft = seed.initialised(1);
            draft.log_on(way_named("sharing"));
            let session = draft.log_on(*way);
            draft.observe();
            let object = draft.object();
            draft.call(match queried {
                None => Call::AddRef { target: Target::Session(session) },
                Some(interface) => alphabet::query(session, interface, object),
            });
            draft.call(Call::Release { target: Target::Session(session) });
            draft.observe();
            all.push(draft.edge(alphabet::plain_logoff(session)));
        }
    }
}

/// Who has asked for nothing is left alone, and those beside him hear all the same.
pub(super) fn listening_for_nothing(seed: &Draft, all: &mut Vec<Planned>) {
    for asks_for_nothing in 0..2 {
        let mut draft = seed.initialised(1);
        let sessions = ["sharing", "joining"].map(|way| draft.log_on(way_named(way)));
        for (place, session) in sessions.into_iter().enumerate() {
            draft.advise(session, if place == asks_for_nothing { EventMask(0) } else { BOTH });
        }
        draft.observe();
        every_member_leaves(&draft, &sessions, all);
    }
}

/// Who has asked for more than the end of a session hears of that too.
pub(super) fn listening_for_more(seed: &Draft, all: &mut Vec<Planned>) {
    let more = [EventMask::fnevNewMail, EventMask::fnevObjectModified.with(EventMask::fnevTableModified)];
    for more in more.into_iter().chain([EventMask(EventMask::KNOWN & !EventMask::fnevReservedForMapi.0)]) {
        let mut draft = seed.initialised(1);
        let sessions = ["sharing", "joining"].map(|way| draft.log_on(way_named(way)));
        for session in sessions {
            draft.advise(session, BOTH.with(more));
        }
        draft.observe();
        every_member_leaves(&draft, &sessions, all);
    }
}

fn every_member_leaves(draft: &Draft, sessions: &[SessionId], all: &mut Vec<Planned>) {
    for leaver in sessions {
        for flags in FLAGS {
            all.push(draft.clone().edge(alphabet::logoff_with(*leaver, flags)));
        }
    }
}

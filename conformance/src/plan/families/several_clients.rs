//! Two clients and three: who joins, who is told, and what one does to the other.

use mapi_session_spec::alphabet::{self, Way, way_named};
use mapi_session_spec::event::{Call, Method, SessionId, Target, ThreadId};
use mapi_session_spec::flags::LogoffFlags;

use super::{BOTH, allowed};
use crate::plan::{Draft, Planned};

/// Who joins, who is told: the smallest programs that show whether sharing is offered.
pub(super) fn shared_basics(seed: &Draft, all: &mut Vec<Planned>) {
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

/// Two clients, and what one does to the other.
pub(super) fn two_sessions(seed: &Draft, all: &mut Vec<Planned>) {
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
                    if registered == 0b11 && opens.is_empty() && !seed.is_least() {
                        for session in [first, second] {
                            refused_for_the_reserved_word(seed, all, &draft, session);
                        }
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

/// Both listen: who hears of a Logoff that was refused may do so at any time, or not in each.
fn refused_for_the_reserved_word(seed: &Draft, all: &mut Vec<Planned>, draft: &Draft, session: SessionId) {
    for (flags, reserved) in [(0, 1), (1, 1), (1, u32::MAX), (3, 1)] {
        let flags = LogoffFlags(flags);
        let bad = Call::Logoff { session, ui_param: 0, flags, reserved, dirty: false };
        if allowed(seed, &bad) {
            all.push(draft.clone().edge(bad));
        }
    }
}

/// Three clients: two who share at most, and one who may not.
pub(super) fn three_sessions(seed: &Draft, all: &mut Vec<Planned>) {
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

//! A state in a few lines, for the Explorer.

use std::fmt::Write as _;

use mapi_session_spec::phase::Phase;
use mapi_session_spec::state::{Hush, Membership, Owed, OwedKind, Welcome};

use crate::action::Action;
use crate::machine::State;

fn references(count: u8) -> String {
    if count == 1 { "1 reference".into() } else { format!("{count} references") }
}

fn shares(membership: Membership) -> String {
    match membership {
        Membership::Individual => "shared with nobody".into(),
        Membership::Unknown => "shared with whom, the documents do not say".into(),
        Membership::Member(group, welcome) => {
            let how = match welcome {
                Welcome::Created => "which it established",
                Welcome::Recipe => "which it joined",
                Welcome::Named => "which it joined by a profile's name",
                Welcome::NamedLate => "which it joined late, by a profile's name",
            };
            format!("member of shared session {}, {how}", group.0 + 1)
        }
    }
}

fn debt(owed: &Owed) -> String {
    let paid = if owed.paid { "has happened" } else { "is owed" };
    match owed.kind {
        OwedKind::Told { listener, leaver, heard, .. } if heard.0 != 0 => {
            format!("{listener} has heard {heard} of {leaver}'s Logoff")
        }
        OwedKind::Told { listener, leaver, .. } => format!("{listener} has yet to hear of {leaver}'s Logoff"),
        OwedKind::Untold { listener, heard } => {
            format!("{listener} must hear nothing{}", if heard { ", and has" } else { "" })
        }
        OwedKind::Hushed { listener, caller, why, .. } => {
            let why = match why {
                Hush::Refused => "it was refused",
                Hush::Again => "the session had ended before",
                Hush::Left => "the one who would hear had left before",
            };
            format!("{listener} must hear nothing of {caller}'s Logoff: {why}")
        }
        OwedKind::Unadvised { sink, registration } => {
            format!("the release of {sink} after Unadvise({registration}) {paid}")
        }
        OwedKind::Abandoned { session, sink } => {
            format!("the release of {sink} after the last Release of {session} {paid}")
        }
    }
}

/// The state, a line for each thing that there is.
pub(crate) fn summary(state: &State) -> String {
    let mut text = String::new();
    for (id, session) in state.world.all_sessions() {
        let phases: Vec<String> = session.phases.iter().map(|phase: Phase| phase.to_string()).collect();
        let (held, shared) = (references(session.references), shares(session.membership));
        let _ = writeln!(text, "{id}: {}; {held}; {shared}", phases.join(" or "));
    }
    for (id, object) in state.world.all_objects() {
        let _ = writeln!(text, "{id}: opened by {}; {}", object.session, references(object.references));
    }
    for (id, registration) in state.world.all_registrations() {
        let active = if registration.active { "active" } else { "over" };
        let _ = writeln!(text, "{id}: sink {} on {}; {active}", registration.sink, registration.session);
    }
    for pending in &state.world.pending {
        let _ = writeln!(text, "under way: {:?}", Action::Call(pending.thread, pending.call));
    }
    for owed in &state.world.owed {
        let _ = writeln!(text, "{}", debt(owed));
    }
    text
}

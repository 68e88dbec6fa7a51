//! Calls that overlap each other, on other threads or from inside a callback.

use crate::event::Call;
use crate::level::Level::Conventional;
use crate::moment::Moment;
use crate::requirement::Family;
use crate::rule::Arm;
use crate::state::{Owed, OwedKind, World};

/// A call on a session that another call on the same session overlapped, or that a callback made.
fn overlapping(m: &Moment) -> bool {
    m.call().session().is_some() && (m.pending.overlapped || m.pending.nested)
}

/// How often the same word of a Logoff came to this listener, and how often one announcement brings it: where a
/// second Logoff overlapped the first, and an earlier one of the same shared session shows what one brings.
fn rounds(world: &World, owed: &Owed) -> Option<(u16, u16)> {
    let OwedKind::Told { listener, leaver, times, registrations, .. } = owed.kind else { return None };
    let session = world.session(leaver).filter(|session| session.ended_twice_over)?;
    let once = world.groups.get(usize::from(session.group()?.0))?.times;
    let judgeable = owed.paid && once > 0 && world.is_alone_in_leaving(leaver, listener);
    judgeable.then(|| (u16::from(times.most()), u16::from(once) * u16::from(registrations)))
}

/// A second round of words was heard, of a Logoff that had been announced.
pub(crate) fn tells_again(world: &World, owed: &Owed) -> bool {
    rounds(world, owed).is_some_and(|(came, once)| came > once)
}

pub(super) const ARMS: &[Arm] = &[
    Arm::on_return(
        Family::Thread.id(8),
        Conventional,
        "the call returns: overlapping calls neither crash nor block each other",
        |m| overlapping(m) && !m.may_wait_for_a_person(),
        |m, o| o.came_back() || (o.hung() && holds_a_callback(m)),
    ),
    Arm::on_settled(
        Family::Thread.id(8),
        Conventional,
        "one announcement, as of an earlier Logoff: two that overlap end the session once",
        |world, owed| rounds(world, owed).is_some(),
        |world, owed| !tells_again(world, owed),
    ),
];

/// The call has not returned because a callback of its own has not.
fn holds_a_callback(m: &Moment) -> bool {
    matches!(m.call(), Call::Logoff { .. })
        && m.world.running.iter().any(|running| running.thread == m.pending.thread)
}

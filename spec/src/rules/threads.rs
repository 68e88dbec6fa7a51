//! Calls that overlap each other, on other threads or from inside a callback.

use crate::event::Call;
use crate::level::Level::Conventional;
use crate::moment::Moment;
use crate::requirement::Family;
use crate::rule::Arm;

/// A call on a session that another call on the same session overlapped, or that a callback made.
fn overlapping(m: &Moment) -> bool {
    m.call().session().is_some() && (m.pending.overlapped || m.pending.nested)
}

pub(super) const ARMS: &[Arm] = &[Arm::on_return(
    Family::Thread.id(8),
    Conventional,
    "the call returns: overlapping calls neither crash nor block each other",
    |m| overlapping(m) && !m.may_wait_for_a_person(),
    // A call that a callback made and that never ends is NOTIFY-011's.
    |m, o| o.came_back() || (o.hung() && (m.pending.nested || holds_a_callback(m))),
)];

/// The call has not returned because a callback of its own has not.
fn holds_a_callback(m: &Moment) -> bool {
    matches!(m.call(), Call::Logoff { .. })
        && m.world.running.iter().any(|running| running.thread == m.pending.thread)
}

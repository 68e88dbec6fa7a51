//! Habits of known callers that break no rule: advice in a client's trace, and no deviation.

use std::fmt;

use crate::event::{Call, SessionId, Target};
use crate::state::World;

/// What a client did that no document forbids, and none recommends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// The last reference of a session that was never logged off is given back (UNK-014).
    ReleasedWithoutLogoff(SessionId),
}

impl Habit {
    /// The habit that this call shows, which has just returned.
    pub fn of(call: &Call, world: &World) -> Option<Self> {
        let Call::Release { target: Target::Session(id) } = call else { return None };
        world.session(*id).filter(|session| session.is_released() && session.never_logged_off)?;
        Some(Self::ReleasedWithoutLogoff(*id))
    }
}

impl fmt::Display for Habit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReleasedWithoutLogoff(id) => {
                write!(
                    f,
                    "{id} is released without a Logoff: it ends all the same, but no other member is told"
                )
            }
        }
    }
}

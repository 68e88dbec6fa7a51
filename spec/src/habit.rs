//! Habits of known callers that break no rule: advice in a client's trace, and no deviation.

use std::fmt;

use crate::event::{Call, ObjectMethod, SessionId, Target};
use crate::outcome::Outcome;
use crate::state::World;

/// What a client did that no document forbids, and none recommends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// The last reference of a session that was never logged off is given back (UNK-014).
    ReleasedWithoutLogoff(SessionId),
    /// `NotifyProcessShutdown` although `QueryFastShutdown` was refused (FAST-CLIENT-008).
    NotifiedAfterARefusal,
    /// `Release` after `DoFastShutdown` (FAST-CLIENT-014).
    ReleasedAfterShutdown,
}

/// The habits of one client, call by call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Habits {
    refused: bool,
    shut_down: bool,
}

impl Habits {
    /// The habit that this call shows, which has just ended so and led here.
    pub fn of(&mut self, call: &Call, outcome: &Outcome, world: &World) -> Option<Habit> {
        match *call {
            Call::OnObject { method: ObjectMethod::QueryFastShutdown, .. } => {
                self.refused = outcome.failed();
                None
            }
            Call::OnObject { method: ObjectMethod::NotifyProcessShutdown, .. } => {
                self.refused.then_some(Habit::NotifiedAfterARefusal)
            }
            Call::OnObject { method: ObjectMethod::DoFastShutdown, .. } => {
                self.shut_down |= outcome.succeeded();
                None
            }
            Call::Release { .. } if self.shut_down => Some(Habit::ReleasedAfterShutdown),
            Call::Release { target: Target::Session(id) } => {
                world.session(id).filter(|session| session.is_released() && session.never_logged_off)?;
                Some(Habit::ReleasedWithoutLogoff(id))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Habit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReleasedWithoutLogoff(id) => {
                write!(
                    f,
                    "{id} is released without a Logoff: it ends once nothing that it opened is held, and no other \
                     member is told"
                )
            }
            Self::NotifiedAfterARefusal => {
                f.write_str(
                    "NotifyProcessShutdown after QueryFastShutdown was refused: providers that do not support it lose data",
                )
            }
            Self::ReleasedAfterShutdown => {
                f.write_str("Release after DoFastShutdown: MAPI is not to be called any more, not even to let go")
            }
        }
    }
}

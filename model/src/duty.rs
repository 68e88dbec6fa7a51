//! What somebody is bound to do at last: the fairness under which a run counts.

use std::fmt;

use mapi_session_spec::event::{Call, CallId, SessionId, Target};

use crate::action::Action;
use crate::machine::State;

/// What may not be put off for ever. A run is *fair* to a duty if who may do it again and again does it again and again
/// (strong fairness: between two chances the client may be busy with something else).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Duty {
    /// The subject's: the call of that number returns.
    Return(CallId),
    /// The subject's: whoever is owed a word hears it, and what is to be given back is, once no call is under way.
    Settle,
    /// A client's: it logs off.
    Leave(SessionId),
    /// A client's: it gives back a reference to a session that has ended.
    LetGo(SessionId),
}

impl Duty {
    /// The duty that this step does.
    pub(crate) fn done_by(action: &Action) -> Option<Self> {
        match action {
            Action::Return(id, _) => Some(Self::Return(*id)),
            Action::Settle => Some(Self::Settle),
            Action::Call(_, Call::Logoff { session, .. }) => Some(Self::Leave(*session)),
            Action::Call(_, Call::Release { target: Target::Session(session) }) => {
                Some(Self::LetGo(*session))
            }
            Action::Call(..) | Action::Callback(..) | Action::CallbackReturn(_) => None,
        }
    }

    /// What may be done here: by one of these steps, or by settling where something is owed. It is a chance to settle even
    /// where a word is missing: a subject that lets it be missing for ever does not do its duty.
    pub(crate) fn open(state: &State, actions: &[Action]) -> Vec<Self> {
        let mut open: Vec<Self> = actions.iter().filter_map(Self::done_by).collect();
        let quiet = state.world.pending.is_empty() && state.world.running.is_empty();
        if quiet && !state.world.owed.is_empty() {
            open.push(Self::Settle);
        }
        open.sort_unstable();
        open.dedup();
        open
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Return(id) => write!(f, "call {} returns", id.0),
            Self::Settle => f.write_str("what is owed comes"),
            Self::Leave(session) => write!(f, "{session} logs off"),
            Self::LetGo(session) => write!(f, "{session} is released"),
        }
    }
}

//! How programs end: all that come to the same state observe, settle and wind down alike, so that is worked out once.

use std::sync::{Arc, Mutex, PoisonError};

use fixedbitset::FixedBitSet;
use mapi_session_spec::event::ThreadId;
use mapi_session_spec::state::World;
use rustc_hash::FxHashMap;

use crate::program::Kept;

/// What a program's end depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Reached {
    pub(super) world: World,
    /// The names that the next object, session and sink get.
    pub(super) next: [u16; 3],
    pub(super) thread: ThreadId,
}

/// What a program does from there on.
#[derive(Debug)]
pub(super) struct Conclusion {
    /// Without guards: they are the program's.
    pub(super) steps: Vec<Kept>,
    pub(super) aims: FixedBitSet,
    pub(super) leaves_a_ghost: bool,
}

/// Those that are known.
#[derive(Debug, Clone, Default)]
pub(super) struct Conclusions {
    known: Arc<Mutex<FxHashMap<Reached, Arc<Conclusion>>>>,
    /// Nothing is remembered: what the tests compare with.
    forgetful: bool,
}

impl Conclusions {
    #[cfg(test)]
    pub(super) fn forgetful() -> Self {
        Self { forgetful: true, ..Self::default() }
    }

    pub(super) fn get(&self, reached: &Reached) -> Option<Arc<Conclusion>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(reached).cloned()
    }

    pub(super) fn add(&self, reached: Reached, conclusion: Conclusion) {
        if !self.forgetful {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(reached, Arc::new(conclusion));
        }
    }
}

//! What ran in a process before a trace, as far as it bears on it.

use mapi_session_spec::dialect::Dialect;
use mapi_session_spec::state::World;

/// What ran before, in the same process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Past {
    /// Nothing of MAPI.
    pub fresh: bool,
    /// A session that nothing judged says has ended.
    pub haunted: bool,
}

impl Past {
    /// Nothing, in a process of the trace's own.
    pub const fn none(a_process_of_its_own: bool) -> Self {
        Self { fresh: a_process_of_its_own, haunted: false }
    }

    /// The state in which a trace starts.
    pub fn start(self, dialect: Dialect) -> World {
        let mut world = World::default();
        world.process.dialect = dialect;
        world.process.fresh = self.fresh;
        world.process.haunted = self.haunted;
        world
    }
}

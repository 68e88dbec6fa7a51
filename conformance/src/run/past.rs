//! What ran in a process before a trace, as far as it bears on it.

use mapi_session_spec::dialect::Dialect;
use mapi_session_spec::state::{LogonsThatWorked, World};

use super::Ran;

/// What ran before, in the same process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Past {
    /// Nothing of MAPI.
    pub fresh: bool,
    /// A session that nothing judged says has ended.
    pub haunted: bool,
    /// Which logons have succeeded.
    pub logon_worked: LogonsThatWorked,
}

/// Whether any of these traces, of one process, leaves a session that something still held may keep (E-08): somebody may
/// join that later who could not have joined otherwise.
pub(super) fn leave_one_that_may_be_kept<'a>(traces: impl IntoIterator<Item = &'a Ran>) -> bool {
    traces.into_iter().any(|ran| {
        let mut world = World::default();
        ran.observed.events().iter().for_each(|event| world.observe(event));
        world.leaves_one_that_may_be_kept()
    })
}

impl Past {
    /// Nothing, in a process of the trace's own.
    pub fn none(a_process_of_its_own: bool) -> Self {
        Self { fresh: a_process_of_its_own, ..Self::default() }
    }

    /// The state in which a trace starts.
    pub fn start(self, dialect: Dialect) -> World {
        let mut world = World::default();
        world.process.dialect = dialect;
        world.process.fresh = self.fresh;
        world.process.haunted = self.haunted;
        world.process.logon_worked = self.logon_worked;
        world
    }
}

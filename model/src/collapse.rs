//! States in few bytes, and none taken for another: each part of a state is kept once, and a state is the numbers of its
//! parts.
//!
//! This is Spin's collapse compression (G. J. Holzmann, "State Compression in SPIN", 1997): there are many states, but
//! few ways in which a part of one may be. stateright tells states apart by a hash of 64 bits and keeps no more; a
//! search that keeps these instead counts exactly.

use std::hash::Hash;

use indexmap::IndexSet;
use mapi_session_spec::requirement::RequirementId;
use mapi_session_spec::state::{
    Buffer, Group, Object, Owed, Pending, Process, Registration, Running, Session, Sink, World,
};
use rustc_hash::FxBuildHasher;

use crate::machine::State;

/// A state as the numbers of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Collapsed([u32; 11]);

const _: () = assert!(size_of::<Collapsed>() <= 64);

/// Ways in which one part may be, by their numbers.
type Ways<T> = IndexSet<T, FxBuildHasher>;

/// The parts of all states that were collapsed.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    process: Ways<Process>,
    sessions: Ways<Vec<Option<Session>>>,
    groups: Ways<Vec<Group>>,
    objects: Ways<Vec<Option<Object>>>,
    registrations: Ways<Vec<Option<Registration>>>,
    sinks: Ways<Vec<Option<Sink>>>,
    buffers: Ways<Vec<Option<Buffer>>>,
    pending: Ways<Vec<Pending>>,
    running: Ways<Vec<Running>>,
    owed: Ways<Vec<Owed>>,
    bounds: Ways<(u8, u16, Option<RequirementId>)>,
}

/// The number of this way, which is kept if it is new.
fn number<T: Clone + Eq + Hash>(ways: &mut Ways<T>, way: &T) -> u32 {
    let known = ways.get_index_of(way).unwrap_or_else(|| ways.insert_full(way.clone()).0);
    u32::try_from(known).expect("fewer ways than states, which are numbered so too")
}

/// The way of this number.
fn way<T: Clone>(ways: &Ways<T>, number: u32) -> T {
    ways.get_index(number as usize).expect("a number that was given out here").clone()
}

impl Parts {
    /// The state in few bytes. What it is made of is kept here.
    pub(crate) fn collapse(&mut self, state: &State) -> Collapsed {
        // Named one by one: a part that is forgotten here does not compile.
        let State { world, notified, heard, broke } = state;
        let World {
            process,
            sessions,
            groups,
            objects,
            registrations,
            sinks,
            buffers,
            pending,
            running,
            owed,
        } = world;
        Collapsed([
            number(&mut self.process, process),
            number(&mut self.sessions, sessions),
            number(&mut self.groups, groups),
            number(&mut self.objects, objects),
            number(&mut self.registrations, registrations),
            number(&mut self.sinks, sinks),
            number(&mut self.buffers, buffers),
            number(&mut self.pending, pending),
            number(&mut self.running, running),
            number(&mut self.owed, owed),
            number(&mut self.bounds, &(*notified, *heard, *broke)),
        ])
    }

    /// The state that was collapsed so.
    pub(crate) fn restore(&self, collapsed: Collapsed) -> State {
        let Collapsed(
            [
                process,
                sessions,
                groups,
                objects,
                registrations,
                sinks,
                buffers,
                pending,
                running,
                owed,
                bounds,
            ],
        ) = collapsed;
        let (notified, heard, broke) = way(&self.bounds, bounds);
        let world = World {
            process: way(&self.process, process),
            sessions: way(&self.sessions, sessions),
            groups: way(&self.groups, groups),
            objects: way(&self.objects, objects),
            registrations: way(&self.registrations, registrations),
            sinks: way(&self.sinks, sinks),
            buffers: way(&self.buffers, buffers),
            pending: way(&self.pending, pending),
            running: way(&self.running, running),
            owed: way(&self.owed, owed),
        };
        State { world, notified, heard, broke }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use mapi_session_spec::rule::Demand;
    use mapi_session_spec::{Era, Level};

    use super::*;
    use crate::search::search_each;

    #[test]
    fn every_state_is_restored_as_it_was_and_no_two_are_collapsed_alike() {
        let demand = Demand { level: Level::Conventional, era: Era::FastShutdown };
        let model = crate::named("ending", demand).expect("a model");
        let mut parts = Parts::default();
        let mut states = HashSet::new();
        let mut collapsed = HashSet::new();
        search_each(&model, &|state| state, &mut |state| {
            let few_bytes = parts.collapse(state);
            assert_eq!(parts.restore(few_bytes), *state);
            states.insert(state.clone());
            collapsed.insert(few_bytes);
        });
        assert!(states.len() > 1_000, "{} states", states.len());
        assert_eq!(states.len(), collapsed.len());
    }
}

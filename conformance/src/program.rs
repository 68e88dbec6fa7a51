//! A linear program for the child: calls in order, each guarded by what an earlier one answered.

use mapi_session_spec::event::{Call, SinkId, ThreadId};

/// What a guard wants of an earlier step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// That it answered with a success.
    Success,
    /// That it did not: it failed, or what it needed was not there.
    Failure,
}

/// What a settling waits for; it ends early when all of it has come. Nothing named: it waits its full time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Awaited {
    /// Sinks that must hear, a bit each.
    pub heard: u64,
    /// Sinks that must be given back, a bit each.
    pub released: u64,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The client calls.
    Call(Call),
    /// The tester waits and pumps.
    Settle(Awaited),
}

/// Where a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// On this thread of the client's, after the step before it has ended.
    Thread(ThreadId),
    /// Inside the first `OnNotify` of this sink, on its thread.
    Inside(SinkId),
    /// On the client's second thread, while the first `OnNotify` of this sink waits a moment for it.
    Beside(SinkId),
    /// The same, but `OnNotify` does not return before the call has.
    WaitedFor(SinkId),
    /// On this thread of the client's, one of [`RACERS`], in a race: a run of such steps one after the other begins on
    /// all its threads together, and each thread goes through its own.
    Racing {
        /// The thread.
        thread: ThreadId,
        /// How long it waits before the step, in turns of an idle loop.
        pause: u16,
    },
}

impl Place {
    /// The sink whose `OnNotify` the step waits for, if it does.
    pub const fn sink(self) -> Option<SinkId> {
        match self {
            Self::Inside(sink) | Self::Beside(sink) | Self::WaitedFor(sink) => Some(sink),
            Self::Thread(_) | Self::Racing { .. } => None,
        }
    }

    /// Whether it is one of a race.
    pub const fn is_racing(self) -> bool {
        matches!(self, Self::Racing { .. })
    }
}

/// How many threads a race can have.
pub const RACERS: u8 = 4;

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    /// What.
    pub action: Action,
    /// Where.
    pub place: Place,
    /// Only if that earlier step answered so.
    pub after: Option<(u16, Wanted)>,
}

impl Step {
    /// A call on the main thread, without a guard.
    pub const fn call(call: Call) -> Self {
        Self { action: Action::Call(call), place: Place::Thread(ThreadId(0)), after: None }
    }
}

/// One trace to run. It starts and ends with MAPI uninitialised.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Program {
    /// The steps, in order.
    pub steps: Vec<Step>,
}

impl Program {
    /// How many of the steps are calls.
    pub fn calls(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.action, Action::Call(_))).count()
    }

    /// Whether some of it is a race: two runs of it may differ.
    pub fn races(&self) -> bool {
        self.steps.iter().any(|step| step.place.is_racing())
    }
}

//! A linear program for the child: calls in order, each guarded by what an earlier one answered.

mod kept;

use std::collections::BTreeMap;

use mapi_session_spec::event::{Call, SessionId, SinkId, ThreadId};

pub use kept::Kept;

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
    /// Of whose Logoff they must hear, and other sinks may: for each of the first sinks, a bit for each of the first
    /// sessions. A word that came before that Logoff began is no word of it.
    pub of: [u8; Self::SINKS as usize],
    /// Nothing need come, and nothing is settled: it is listened for a moment for what nobody is to hear, which may be on its
    /// way on a thread of the subject's own.
    pub strays: bool,
}

impl Awaited {
    /// How many sinks [`Self::of`] tells apart, and how many sessions.
    pub const SINKS: u16 = 15;
    /// See there.
    pub const SESSIONS: u16 = 8;

    /// What nobody is to hear is listened for.
    pub const STRAYS: Self = Self { heard: 0, released: 0, of: [0; Self::SINKS as usize], strays: true };

    /// This sink must hear of the Logoff of this session.
    pub const fn word(&mut self, sink: SinkId, leaver: SessionId) {
        self.heard |= 1 << if sink.0 < 63 { sink.0 } else { 63 };
        self.may_hear(sink, leaver);
    }

    /// This sink may hear of it: nobody need tell it, but who does has it on the way when the others have heard.
    pub const fn may_hear(&mut self, sink: SinkId, leaver: SessionId) {
        if sink.0 < Self::SINKS && leaver.0 < Self::SESSIONS {
            self.of[sink.0 as usize] |= 1 << leaver.0;
        }
    }

    /// The sessions of whose Logoff this sink must hear, or may.
    pub fn leavers(&self, sink: SinkId) -> impl Iterator<Item = SessionId> {
        let row = self.of.get(usize::from(sink.0)).copied().unwrap_or(0);
        (0..Self::SESSIONS).filter(move |session| row & (1 << session) != 0).map(SessionId)
    }

    /// Whether a word at this place of the record, the latest to this sink, tells of every Logoff that it must hear of.
    /// `begun` is where a Logoff begins; zero is before everything.
    pub fn is_told_at(&self, sink: SinkId, place: u64, begun: impl Fn(SessionId) -> u64) -> bool {
        place > self.leavers(sink).map(begun).max().unwrap_or(0)
    }

    /// The same of sinks and sessions by other names: `None` where it cannot be said of them.
    pub fn renamed(
        &self,
        sink: impl Fn(SinkId) -> Option<SinkId>,
        session: impl Fn(SessionId) -> Option<SessionId>,
    ) -> Option<Self> {
        let sinks = |mask: u64| (0..64).map(SinkId).filter(move |sink| mask & (1 << sink.0) != 0);
        let mut renamed = Self { strays: self.strays, ..Self::default() };
        for old in sinks(self.heard) {
            let new = sink(old)?;
            renamed.heard |= 1_u64.checked_shl(new.0.into())?;
            for leaver in self.leavers(old) {
                renamed.word(new, session(leaver)?);
            }
        }
        let listening = (0..Self::SINKS).map(SinkId).filter(|sink| self.heard & (1 << sink.0) == 0);
        for (old, leaver) in listening.flat_map(|sink| self.leavers(sink).map(move |leaver| (sink, leaver))) {
            // What need not be heard need not be said.
            if let (Some(new), Some(leaver)) = (sink(old), session(leaver)) {
                renamed.may_hear(new, leaver);
            }
        }
        for old in sinks(self.released) {
            renamed.released |= 1_u64.checked_shl(sink(old)?.0.into())?;
        }
        Some(renamed)
    }
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
    /// Inside the first Release that leaves no reference to this sink, on its thread.
    Releasing(SinkId),
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
    /// The sink whose `OnNotify`, or last Release, the step waits for, if it does.
    pub const fn sink(self) -> Option<SinkId> {
        match self {
            Self::Inside(sink) | Self::Beside(sink) | Self::WaitedFor(sink) | Self::Releasing(sink) => {
                Some(sink)
            }
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
    pub steps: Vec<Kept>,
}

impl Program {
    /// Of these steps.
    pub fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().map(Kept::of).collect() }
    }

    /// How many of the steps are calls.
    pub fn calls(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.action, Action::Call(_))).count()
    }

    /// How many calls a run of it makes at most: of what is done after a success and what after a failure, only one.
    pub fn most_calls(&self) -> usize {
        let mut either: BTreeMap<u16, [usize; 2]> = BTreeMap::new();
        let mut always = 0;
        for step in self.steps.iter().filter(|step| matches!(step.action, Action::Call(_))) {
            match step.after {
                None => always += 1,
                Some((earlier, wanted)) => {
                    either.entry(earlier).or_default()[usize::from(wanted == Wanted::Failure)] += 1;
                }
            }
        }
        always + either.values().map(|[success, failure]| success.max(failure)).sum::<usize>()
    }

    /// Whether some of it is a race: two runs of it may differ.
    pub fn races(&self) -> bool {
        self.steps.iter().any(|step| step.place.is_racing())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_done_after_a_success_or_after_a_failure_a_run_makes_the_longer() {
        let call = Step::call(Call::Initialize);
        let after = |wanted| Step { after: Some((0, wanted)), ..call };
        let (success, failure) = (after(Wanted::Success), after(Wanted::Failure));
        let settle = Step { action: Action::Settle(Awaited::default()), ..call };
        let program = Program::of([call, success, failure, settle, failure]);
        assert_eq!((program.calls(), program.most_calls()), (4, 3));
    }

    #[test]
    fn a_word_that_came_before_a_logoff_began_is_no_word_of_it() {
        let mut awaited = Awaited::default();
        let (sink, other) = (SinkId(2), SinkId(3));
        awaited.word(sink, SessionId(0));
        awaited.word(sink, SessionId(1));
        awaited.word(other, SessionId(0));
        let begun = |session: SessionId| [4, 9][usize::from(session.0)];
        assert!(!awaited.is_told_at(sink, 6, begun) && awaited.is_told_at(sink, 10, begun));
        assert!(awaited.is_told_at(other, 6, begun) && !awaited.is_told_at(other, 0, begun));
        assert!(awaited.is_told_at(SinkId(40), 1, begun), "whose words are not told apart");
    }

    #[test]
    fn what_is_awaited_goes_by_other_names_or_is_not_said() {
        let mut awaited = Awaited { released: 1 << 4, ..Awaited::default() };
        awaited.word(SinkId(0), SessionId(2));
        let by = |sink: u16, session: u16| {
            let sinks = move |id: SinkId| Some(SinkId(id.0 + sink));
            awaited.renamed(sinks, move |id: SessionId| Some(SessionId(id.0 + session)))
        };
        let mut expected = Awaited { released: 1 << 7, ..Awaited::default() };
        expected.word(SinkId(3), SessionId(3));
        assert_eq!(by(3, 1), Some(expected));
        let not_told_apart = Awaited { heard: 1 << 16, released: 1 << 20, ..Awaited::default() };
        assert_eq!(by(16, 0), Some(not_told_apart));
        assert_eq!(by(60, 0), None, "there is no bit for it");
        assert_eq!(awaited.renamed(Some, |_| None), None);
    }
}

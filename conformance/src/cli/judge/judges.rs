//! The judges of a recording: one for each process in it.

use std::collections::HashMap;

use mapi_session_spec::event::{Call, CallId, Event};
use mapi_session_spec::habit::{Habit, Habits};
use mapi_session_spec::judge::{Deviation, Judge, Verdict};
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::World;

use super::explain::{explained, phases};
use crate::failure::Failure;
use crate::report::words;

/// One deviation, in words while its events were at hand.
pub(super) struct Told {
    pub(super) deviation: Deviation,
    pub(super) line: usize,
    pub(super) observed: String,
}

/// What an event showed: deviations, and what breaks no rule and is a bad habit, with its line.
pub(super) type Shown = (Vec<Told>, Vec<(usize, Habit)>);

/// The judges, and what they have been told: MAPI is initialised, and sessions live, in one process.
pub(super) struct Judges<'r> {
    rules: &'r Rules,
    demand: Demand,
    holds_client: bool,
    of_each_process: Vec<Judge<'r>>,
    habits: Vec<Habits>,
    calls: HashMap<CallId, Call>,
    gaps: usize,
}

impl<'r> Judges<'r> {
    pub(super) fn new(rules: &'r Rules, demand: Demand, holds_client: bool) -> Self {
        let (of_each_process, habits, calls) = (Vec::new(), Vec::new(), HashMap::new());
        Self { rules, demand, holds_client, of_each_process, habits, calls, gaps: 0 }
    }

    /// One more process, which starts in this state.
    pub(super) fn add(&mut self, start: World) {
        let mut judge = Judge::new(self.rules, self.demand, start, self.holds_client);
        if self.gaps > 0 {
            // Its beginning may lie in one of them.
            judge.lose_track();
        }
        self.of_each_process.push(judge);
        self.habits.push(Habits::default());
    }

    pub(super) fn count(&self) -> usize {
        self.of_each_process.len()
    }

    /// The state of each process, to be told of what the recording shows of the time before it.
    pub(super) fn worlds(&mut self) -> impl Iterator<Item = &mut World> {
        self.of_each_process.iter_mut().map(|judge| &mut judge.world)
    }

    /// So many gaps are known of by now.
    pub(super) fn note_gaps(&mut self, gaps: usize) {
        if gaps > self.gaps {
            self.gaps = gaps;
            self.of_each_process.iter_mut().for_each(Judge::lose_track);
        }
    }

    /// One more event, of this process or of all.
    ///
    /// # Errors
    /// If an explanation that is asked for cannot be printed.
    pub(super) fn observe(
        &mut self,
        event: &Event,
        process: Option<usize>,
        line: usize,
        explaining: bool,
    ) -> Result<Shown, Failure> {
        if let Event::Call { id, call, .. } = *event {
            self.calls.insert(id, call);
        }
        let (mut told, mut advice) = (Vec::new(), Vec::new());
        let concerned = process.map_or(0..self.of_each_process.len(), |process| process..process + 1);
        for (judge, habits) in
            self.of_each_process[concerned.clone()].iter_mut().zip(&mut self.habits[concerned])
        {
            let before = if explaining { phases(&judge.world) } else { Vec::new() };
            judge.observe(event);
            if explaining {
                let call = event.call_id().and_then(|id| self.calls.get(&id));
                crate::cli::output::print(&explained(judge, self.rules, event, call, line, &before))?;
            }
            for deviation in judge.take_deviations() {
                let call = deviation.call.and_then(|id| self.calls.get(&id));
                let observed = words::observed_in(event, call, &deviation);
                told.push(Told { deviation, line, observed });
            }
            if let Event::Return { id, outcome } = *event
                && let Some(call) = self.calls.remove(&id)
            {
                advice.extend(habits.of(&call, &outcome, &judge.world).map(|habit| (line, habit)));
            }
        }
        Ok((told, advice))
    }

    /// What they all say together, of a recording that is whole or is not.
    pub(super) fn verdict(mut self, complete: bool) -> Verdict {
        if !complete {
            self.of_each_process.iter_mut().for_each(Judge::stops_short);
        }
        let mut all = Verdict::default();
        for verdict in self.of_each_process.into_iter().map(Judge::verdict) {
            all.deviations.extend(verdict.deviations);
            all.bound.extend(verdict.bound);
            all.inconclusive.extend(verdict.inconclusive);
            all.forfeited |= verdict.forfeited;
        }
        all.bound.sort_unstable();
        all.bound.dedup();
        all
    }
}

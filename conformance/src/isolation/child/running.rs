//! The trace that runs: what it has come to so far.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use mapi_session_spec::event::{Call, RegistrationId, SessionId};

use crate::isolation::programs::{Programs, Steps};
use crate::program::{Action, Awaited, Step, Wanted};
use crate::subject::Driver;

/// What is known of it.
pub(super) struct Running {
    pub(super) trace: u32,
    /// The part of the programs that has this one, and its number there.
    part: Arc<Programs>,
    number: usize,
    /// 0 not run, 1 answered with a success, 2 with a failure.
    answers: Vec<AtomicU8>,
    pub(super) driver: Driver,
    /// For the first sessions, where on the record the Logoff begins that has not failed: the first, if there are more.
    /// Zero: there is none.
    logoffs: [AtomicU64; Awaited::SESSIONS as usize],
    /// Sinks that were unregistered in a race or while a sink was called, a bit each: only then it is decided whether that
    /// comes to be, and whether a Logoff came first, so that no plan can say that they are given back.
    given_up: AtomicU64,
}

impl Running {
    /// Nothing yet, of this trace.
    pub(super) fn new(driver: Driver, trace: u32, part: Arc<Programs>, number: usize) -> Self {
        let mut running = Self {
            trace,
            part,
            number,
            answers: Vec::new(),
            driver,
            logoffs: Default::default(),
            given_up: AtomicU64::new(0),
        };
        running.answers.resize_with(running.steps().count(), AtomicU8::default);
        running
    }

    /// Nothing yet, of another trace: nobody has to do with the last any more.
    pub(super) fn begin(&mut self, trace: u32, part: &Arc<Programs>, number: usize) {
        if !Arc::ptr_eq(part, &self.part) {
            self.part = part.clone();
        }
        (self.trace, self.number) = (trace, number);
        let steps = self.steps().count();
        self.answers.clear();
        self.answers.resize_with(steps, AtomicU8::default);
        self.driver.begin(trace);
        self.logoffs = Default::default();
        self.given_up = AtomicU64::new(0);
    }

    /// Whether this guard of a step holds.
    #[inline]
    pub(super) fn holds(&self, guard: Option<(u16, Wanted)>) -> bool {
        guard.is_none_or(|(earlier, wanted)| {
            let answer = self.answers.get(usize::from(earlier)).map_or(0, |a| a.load(Ordering::Acquire));
            (answer == 1) == (wanted == Wanted::Success)
        })
    }

    /// How the call of a step was answered.
    #[inline]
    pub(super) fn note_answer(&self, step: usize, succeeded: bool) {
        self.answers[step].store(if succeeded { 1 } else { 2 }, Ordering::Release);
    }

    #[inline]
    pub(super) fn steps(&self) -> Steps<'_> {
        self.part.steps(self.number)
    }

    #[inline]
    pub(super) fn note_given_up(&self, step: &Step) {
        if let Action::Call(Call::Unadvise { registration, .. }) = step.action
            && (step.place.is_racing() || step.place.sink().is_some())
        {
            self.give_up(registration);
        }
    }

    #[cold]
    fn give_up(&self, registration: RegistrationId) {
        let advised = || {
            self.steps().from(0).filter_map(|step| match step.action {
                Action::Call(Call::Advise { sink, registration, .. }) => Some((sink, registration)),
                _ => None,
            })
        };
        let given_up = advised().find(|(_, advised)| *advised == registration).map(|(sink, _)| sink);
        // A sink that is registered elsewhere too is kept.
        let bits = given_up
            .filter(|sink| advised().filter(|(advised, _)| advised == sink).count() == 1)
            .map_or(0, |sink| 1 << sink.0.min(63));
        self.given_up.fetch_or(bits, Ordering::SeqCst);
    }

    /// Whether all of this has come, and what the race has added to it.
    pub(super) fn have(&self, awaited: Awaited) -> bool {
        let released = awaited.released | self.given_up.load(Ordering::SeqCst);
        self.driver.sinks.have(Awaited { released, ..awaited }, |session| self.logoff(session))
    }

    pub(super) fn logoff(&self, session: SessionId) -> u64 {
        self.logoffs.get(usize::from(session.0)).map_or(0, |place| place.load(Ordering::SeqCst))
    }

    pub(super) fn note_logoff(&self, call: &Call, from: u64, to: u64) {
        if let Call::Logoff { session, .. } = call
            && let Some(logoff) = self.logoffs.get(usize::from(session.0))
        {
            let _ = logoff.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst);
        }
    }
}

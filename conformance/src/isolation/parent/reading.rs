//! From the child's records to what was observed of each program. Every number is checked before use.

use mapi_session_spec::dialect::says_something;
use mapi_session_spec::event::{Callback, SinkId, ThreadId};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::outcome::{Ending, Out, Outcome};
use mapi_session_spec::symbols::{Happening, Number, Slot, Slots, Symbol};

use super::Observed;
use crate::isolation::handover::Handover;
use crate::isolation::observed::SharedSymbols;
use crate::isolation::wire::{Frequent, PLAIN, Record, frequent};
use crate::program::{Action, Kept};

/// How many events one trace may have before the subject counts as broken.
const MOST_EVENTS: usize = 100_000;

/// What is said of records that make no sense.
pub(super) const NONSENSE: &str = "the subject has overwritten the tester's own records";

/// How a return with `S_OK` is written, for each out parameter that has no value.
static PLAIN_RETURNS: [Option<Number>; PLAIN.len()] = {
    let mut numbers = [None; PLAIN.len()];
    let mut form = 0;
    while form < PLAIN.len() {
        numbers[form] = Number::of_plain_return(PLAIN[form]);
        form += 1;
    }
    numbers
};

/// What was read of one program so far.
pub(super) struct Reading {
    pub(super) observed: Observed,
    slots: Slots,
    /// The steps whose calls are under way, the latest last.
    pub(super) steps: Vec<(u16, Slot)>,
    callbacks: Vec<(u32, Slot)>,
    not_settled: bool,
    pub(super) ended: bool,
}

impl Reading {
    /// Nothing more is expected: if the program was run to its end, that ends the trace.
    pub(super) fn close(&mut self) {
        if self.ended && !self.not_settled && !self.observed.whole {
            self.observed.whole = true;
            self.observed.trace.push(Symbol::END);
        }
    }

    /// Something comes all the same.
    #[inline]
    pub(super) fn open_again(&mut self) {
        if self.observed.whole {
            self.observed.whole = false;
            self.observed.trace.pop();
        }
    }
}

/// What was read of the programs of one process.
pub(super) struct Reader<'p> {
    /// The programs, as far as they were handed over.
    pub(super) handover: Handover<'p>,
    symbols: SharedSymbols,
    pub(super) readings: Vec<Reading>,
    /// The number of the last of them.
    last: u32,
    /// The steps of its program.
    steps: &'p [Kept],
    /// Of each step, by its number, how its call is written where the client's first thread makes it, and whether that says
    /// something of the dialect; once it was met.
    calls: Vec<Option<(Number, bool)>>,
}

impl<'p> Reader<'p> {
    /// Nothing yet.
    pub(super) fn of(handover: Handover<'p>, symbols: SharedSymbols) -> Self {
        Self {
            symbols,
            readings: Vec::with_capacity(handover.count()),
            handover,
            last: 0,
            steps: &[],
            calls: Vec::new(),
        }
    }

    /// How many programs there are.
    pub(super) fn programs(&self) -> usize {
        self.handover.count()
    }

    /// How many were run to their ends, the last of those begun aside.
    pub(super) fn ended(&self) -> usize {
        self.readings.len() - usize::from(self.readings.last().is_some_and(|last| !last.ended))
    }

    /// Takes those of these words that are each a record by itself, and one of the most frequent: a call, or its return, of
    /// the trace that was begun last. How many, up to the first that is not; what [`Self::take`] would do with each is what
    /// is done here.
    #[inline]
    pub(super) fn take_frequent(&mut self, words: &[u64]) -> usize {
        let Some(reading) = self.readings.last_mut().filter(|reading| !reading.ended) else { return 0 };
        let Reading { observed, slots, steps, .. } = reading;
        let known = |step: u16| *self.calls.get(self.steps.get(usize::from(step))?.number() as usize)?;
        let plain_return = |form: u8| PLAIN_RETURNS.get(usize::from(form)).copied().flatten();
        let mut taken = 0;
        while let Some((trace, step, what)) = words.get(taken).and_then(|word| frequent(*word)) {
            let length = observed.trace.len();
            if trace != self.last || length > MOST_EVENTS || length + 2 > observed.trace.capacity() {
                break;
            }
            match what {
                Frequent::Begin => {
                    let Some((number, speaks)) = known(step) else { break };
                    let Some(slot) = slots.take() else { break };
                    observed.calls += 1;
                    observed.speaks |= speaks;
                    observed.trace.push(Symbol::new(number, slot, step));
                    taken += 1;
                    // Most calls come back before anything else happens.
                    if let Some((of, same, Frequent::Return(form))) =
                        words.get(taken).and_then(|word| frequent(*word))
                        && (of, same) == (trace, step)
                        && let Some(number) = plain_return(form)
                    {
                        slots.give_back(slot);
                        observed.trace.push(Symbol::new(number, slot, step));
                        taken += 1;
                    } else {
                        steps.push((step, slot));
                    }
                }
                Frequent::Return(form) => {
                    let Some(number) = plain_return(form) else { break };
                    let Some((_, slot)) = steps.pop_if(|(last, _)| *last == step) else { break };
                    slots.give_back(slot);
                    observed.trace.push(Symbol::new(number, slot, step));
                    taken += 1;
                }
            }
        }
        taken
    }

    /// Takes one record.
    ///
    /// # Errors
    /// If it makes no sense, or the subject calls sinks without end.
    #[inline]
    pub(super) fn take(&mut self, trace: u32, record: Record) -> Result<(), &'static str> {
        let trace = trace as usize;
        if trace == self.readings.len() && record == Record::TraceStart {
            return self.begin(trace).ok_or(NONSENSE);
        }
        let reading = self.readings.get_mut(trace).ok_or(NONSENSE)?;
        reading.open_again();
        if reading.observed.trace.len() > MOST_EVENTS {
            return Err("the subject calls sinks without end");
        }
        self.take_of(trace, record).ok_or(NONSENSE)
    }

    fn begin(&mut self, trace: usize) -> Option<()> {
        (self.last, self.steps) = (trace as u32, &self.handover.program(trace)?.steps);
        // What the last trace has no more use for: most have.
        let last = self.readings.last_mut().filter(|last| last.steps.is_empty());
        let steps = last.map(|last| std::mem::take(&mut last.steps)).unwrap_or_default();
        // A call and a return each, and the end: more comes of callbacks alone.
        let most = 2 * self.steps.len() + 1;
        let observed = Observed::of_events(self.symbols.clone(), most);
        let (slots, callbacks) = (Slots::default(), Vec::new());
        self.readings.push(Reading { observed, slots, steps, callbacks, not_settled: false, ended: false });
        Some(())
    }

    /// `None`: that makes no sense.
    #[inline]
    fn take_of(&mut self, trace: usize, record: Record) -> Option<()> {
        match record {
            Record::Begin { step, thread } => {
                let (number, speaks) = self.call(trace, step, ThreadId(thread))?;
                let reading = &mut self.readings[trace];
                let slot = reading.slots.take()?;
                reading.steps.push((step, slot));
                reading.observed.calls += 1;
                reading.observed.speaks |= speaks;
                reading.observed.trace.push(Symbol::new(number, slot, step));
            }
            Record::Return { step, code, out } => {
                let number = match Number::of_plain_return(out).filter(|_| code == HResult::S_OK) {
                    Some(plain) => plain,
                    None => {
                        self.symbols.number_of(Happening::Return { outcome: Outcome::returned(code, out) })?
                    }
                };
                let reading = &mut self.readings[trace];
                let slot = take_out(&mut reading.steps, step)?;
                reading.slots.give_back(slot);
                reading.observed.trace.push(Symbol::new(number, slot, step));
            }
            Record::Callback { sink, thread, kind, events, number } => {
                let callback = match kind {
                    0 => Callback::QueryInterface,
                    1 => Callback::AddRef,
                    2 => Callback::Release,
                    _ => Callback::OnNotify { events },
                };
                let happening =
                    Happening::Callback { thread: ThreadId(thread), sink: SinkId(sink), callback };
                let written = self.symbols.number_of(happening)?;
                let reading = &mut self.readings[trace];
                let slot = reading.slots.take()?;
                reading.callbacks.push((number, slot));
                reading.observed.speaks |= says_something(&happening);
                reading.observed.trace.push(Symbol::new(written, slot, 0));
            }
            Record::CallbackReturn { number } => {
                let reading = &mut self.readings[trace];
                let slot = take_out(&mut reading.callbacks, number)?;
                reading.slots.give_back(slot);
                reading.observed.trace.push(Symbol::new(Number::CALLBACK_RETURN, slot, 0));
            }
            Record::Settled { milliseconds } => {
                let number = self.symbols.number_of(Happening::Settled { milliseconds })?;
                self.readings[trace].observed.trace.push(Symbol::new(number, Slot::NONE, 0));
            }
            Record::NotSettled => self.readings[trace].not_settled = true,
            Record::TraceEnd => self.readings[trace].ended = true,
            Record::Skipped => {}
            Record::TraceStart
            | Record::Waited { .. }
            | Record::Exception
            | Record::NotLoaded
            | Record::Finished => return None,
        }
        Some(())
    }

    /// How the call of this step is written, and whether it says something of the dialect.
    #[inline]
    fn call(&mut self, trace: usize, step: u16, thread: ThreadId) -> Option<(Number, bool)> {
        let step = self.handover.program(trace)?.steps.get(usize::from(step))?;
        let (place, is_frequent) = (step.number() as usize, thread == ThreadId(0));
        if is_frequent && let Some(Some(known)) = self.calls.get(place) {
            return Some(*known);
        }
        let Action::Call(call) = step.action else { return None };
        let happening = Happening::Call { thread, call };
        let written = (self.symbols.number_of(happening)?, says_something(&happening));
        if is_frequent {
            if place >= self.calls.len() {
                self.calls.resize((place + 1).next_power_of_two(), None);
            }
            self.calls[place] = Some(written);
        }
        Some(written)
    }

    /// The process is gone. The program in which that happened, if any was begun.
    pub(super) fn end(&mut self, ending: Ending) -> Option<usize> {
        // What hangs may have begun in a trace before the last, on a thread of the subject's own.
        let in_a_call = self.readings.iter().rposition(|reading| !reading.steps.is_empty());
        let at_its_end =
            in_a_call.filter(|_| ending == Ending::Hung).or(self.readings.len().checked_sub(1))?;
        let number =
            self.symbols.number_of(Happening::Return { outcome: Outcome { ending, out: Out::None } });
        let last = &mut self.readings[at_its_end];
        last.open_again();
        // The innermost call that has not returned is the one that did it: the latest to begin.
        match (last.steps.last().copied(), number) {
            (Some((step, slot)), Some(number)) => {
                last.observed.trace.push(Symbol::new(number, slot, step));
                last.observed.died_at = Some(usize::from(step));
            }
            // Between calls, or in a thread of the subject's own: the trace shows all that can be shown.
            _ if at_its_end + 1 < self.handover.count() || !last.ended => {
                last.observed.died_at = Some(usize::MAX);
            }
            _ => {}
        }
        Some(at_its_end)
    }

    /// What was observed of each program that was begun.
    pub(super) fn into_observed(self) -> Vec<Observed> {
        let closed = |mut reading: Reading| {
            reading.close();
            reading.observed
        };
        self.readings.into_iter().map(closed).collect()
    }
}

/// Takes the latest of these out: mostly the last.
#[inline]
fn take_out<T: Copy + PartialEq>(open: &mut Vec<(T, Slot)>, which: T) -> Option<Slot> {
    if let Some(last) = open.pop_if(|(last, _)| *last == which) {
        return Some(last.1);
    }
    let place = open.iter().rposition(|(one, _)| *one == which)?;
    Some(open.remove(place).1)
}

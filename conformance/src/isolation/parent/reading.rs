//! From the child's records to what was observed of each program. Every number is checked before use.

use mapi_session_spec::dialect::says_something;
use mapi_session_spec::event::{CallId, Callback, Event, SinkId, ThreadId};
use mapi_session_spec::outcome::{Ending, Outcome};

use super::Observed;
use crate::isolation::wire::Record;
use crate::program::{Action, Program};

/// How many events one trace may have before the subject counts as broken.
const MOST_EVENTS: usize = 100_000;

/// What is said of records that make no sense.
pub(super) const NONSENSE: &str = "the subject has overwritten the tester's own records";

/// What was read of one program so far.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) observed: Observed,
    next_id: u32,
    /// The steps whose calls are under way, the latest last.
    pub(super) steps: Vec<(u16, CallId)>,
    callbacks: Vec<(u32, CallId)>,
    not_settled: bool,
    pub(super) ended: bool,
}

impl Reading {
    fn of(program: &Program) -> Self {
        let mut reading = Self::default();
        // A call and a return each, and the end: more comes of callbacks alone.
        let steps = program.steps.len();
        reading.observed.events.reserve(2 * steps + 1);
        reading.observed.ran.reserve(steps);
        reading
    }

    fn id(&mut self) -> CallId {
        self.next_id += 1;
        CallId(self.next_id)
    }

    fn push(&mut self, event: Event) {
        self.observed.speaks |= says_something(&event);
        self.observed.events.push(event);
    }

    /// Nothing more is expected: if the program was run to its end, that ends the trace.
    pub(super) fn close(&mut self) {
        if self.ended && !self.not_settled && !self.observed.whole {
            self.observed.whole = true;
            self.observed.events.push(Event::End);
        }
    }

    /// Something comes all the same.
    pub(super) fn open_again(&mut self) {
        if self.observed.whole {
            self.observed.whole = false;
            self.observed.events.pop();
        }
    }

    /// `None`: that makes no sense.
    #[inline]
    fn take(&mut self, program: &Program, record: Record) -> Option<()> {
        match record {
            Record::Begin { step, thread } => {
                let Action::Call(call) = program.steps.get(usize::from(step))?.action else { return None };
                let id = self.id();
                self.steps.push((step, id));
                self.observed.ran.push(step);
                self.push(Event::Call { id, thread: ThreadId(thread), call });
            }
            Record::Return { step, code, out } => {
                let id = take_out(&mut self.steps, step)?;
                let outcome = Outcome { ending: Ending::Returned(code), out };
                self.observed.events.push(Event::Return { id, outcome });
            }
            Record::Callback { sink, thread, kind, events, number } => {
                let callback = match kind {
                    0 => Callback::QueryInterface,
                    1 => Callback::AddRef,
                    2 => Callback::Release,
                    _ => Callback::OnNotify { events },
                };
                let id = self.id();
                self.callbacks.push((number, id));
                self.push(Event::Callback { id, thread: ThreadId(thread), sink: SinkId(sink), callback });
            }
            Record::CallbackReturn { number } => {
                let id = take_out(&mut self.callbacks, number)?;
                self.observed.events.push(Event::CallbackReturn { id });
            }
            Record::Settled { milliseconds } => self.observed.events.push(Event::Settled { milliseconds }),
            Record::NotSettled => self.not_settled = true,
            Record::TraceEnd => self.ended = true,
            Record::Skipped => {}
            Record::TraceStart
            | Record::Waited { .. }
            | Record::Exception
            | Record::NotLoaded
            | Record::Finished => return None,
        }
        Some(())
    }
}

/// Takes the latest of these out: mostly the last.
#[inline]
fn take_out<T: Copy + PartialEq>(open: &mut Vec<(T, CallId)>, which: T) -> Option<CallId> {
    if let Some(last) = open.pop_if(|(last, _)| *last == which) {
        return Some(last.1);
    }
    let place = open.iter().rposition(|(one, _)| *one == which)?;
    Some(open.remove(place).1)
}

/// Takes one record.
///
/// # Errors
/// If it makes no sense, or the subject calls sinks without end.
#[inline]
pub(super) fn take(
    readings: &mut Vec<Reading>,
    programs: &[&Program],
    trace: u32,
    record: Record,
) -> Result<(), &'static str> {
    let trace = trace as usize;
    let program = programs.get(trace).ok_or(NONSENSE)?;
    if trace == readings.len() && record == Record::TraceStart {
        readings.push(Reading::of(program));
        return Ok(());
    }
    let reading = readings.get_mut(trace).ok_or(NONSENSE)?;
    reading.open_again();
    if reading.observed.events.len() > MOST_EVENTS {
        return Err("the subject calls sinks without end");
    }
    reading.take(program, record).ok_or(NONSENSE)
}

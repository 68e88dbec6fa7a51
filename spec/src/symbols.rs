//! Traces in eight bytes an event, for runs of a million calls that have much in common: what happens is written down once
//! for all events in which it does, and a call's number says no more than which of the open ones it is.

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use crate::event::{Call, CallId, Callback, Event, SinkId, ThreadId};
use crate::hresult::HResult;
use crate::outcome::{Out, Outcome};

/// What happens in an event, whichever call it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the fields are an event's")]
pub enum Happening {
    /// A call begins.
    Call { thread: ThreadId, call: Call },
    /// A call ends.
    Return { outcome: Outcome },
    /// The session calls a sink.
    Callback { thread: ThreadId, sink: SinkId, callback: Callback },
    /// The sink returns to the session.
    CallbackReturn,
    /// The tester waited until nothing more came.
    Settled { milliseconds: u32 },
    /// The trace is whole.
    End,
}

impl Happening {
    /// As far as it can make a difference to a rule.
    const fn as_remembered(self) -> Self {
        match self {
            Self::Call { thread, call } => Self::Call { thread, call: call.as_remembered() },
            Self::Settled { .. } => Self::Settled { milliseconds: 0 },
            other => other,
        }
    }

    const fn as_event(self, id: CallId) -> Event {
        match self {
            Self::Call { thread, call } => Event::Call { id, thread, call },
            Self::Return { outcome } => Event::Return { id, outcome },
            Self::Callback { thread, sink, callback } => Event::Callback { id, thread, sink, callback },
            Self::CallbackReturn => Event::CallbackReturn { id },
            Self::Settled { milliseconds } => Event::Settled { milliseconds },
            Self::End => Event::End,
        }
    }

    const fn begins(&self) -> bool {
        matches!(self, Self::Call { .. } | Self::Callback { .. })
    }
}

/// The number of something that happens, in one list of symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number(u32);

impl Number {
    const BITS: u32 = 28;
    /// [`Happening::End`], in every list.
    pub const END: Self = Self(0);
    /// [`Happening::CallbackReturn`], in every list.
    pub const CALLBACK_RETURN: Self = Self(1);

    /// A return with `S_OK` whose out parameter has no value, in every list.
    #[inline]
    pub const fn of_plain_return(out: Out) -> Option<Self> {
        Some(Self(match out {
            Out::None => 2,
            Out::Null => 3,
            Out::Unchanged => 4,
            Out::Rubbish => 5,
            Out::Object => 6,
            Out::SameAs(_) | Out::Value(_) => return None,
        }))
    }
}

/// Which of the open calls and callbacks of a trace one is: mostly the least number, from 0, that none of the others has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(u32);

impl Slot {
    const BITS: u32 = 20;
    /// Of what is no call's.
    pub const NONE: Self = Self(0);
}

/// The slots of a trace that are taken.
#[derive(Debug, Clone, Default)]
pub struct Slots {
    /// A bit each for the first.
    taken: u64,
    /// How many of the others are taken, and how many were since none was: those that were are not given out again before.
    beyond: u32,
    given_beyond: u32,
}

impl Slots {
    /// A call or a callback begins. `None`: there are too many.
    #[inline]
    pub fn take(&mut self) -> Option<Slot> {
        let free = self.taken.trailing_ones();
        if free < u64::BITS {
            self.taken |= 1 << free;
            return Some(Slot(free));
        }
        let slot = u64::BITS + self.given_beyond;
        if slot >> Slot::BITS != 0 {
            return None;
        }
        self.beyond += 1;
        self.given_beyond += 1;
        Some(Slot(slot))
    }

    /// It has ended.
    #[inline]
    pub const fn give_back(&mut self, slot: Slot) {
        if slot.0 < u64::BITS {
            self.taken &= !(1 << slot.0);
        } else {
            self.beyond = self.beyond.saturating_sub(1);
            if self.beyond == 0 {
                self.given_beyond = 0;
            }
        }
    }
}

/// One event of a trace, as one list of [`Symbols`] has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Symbol(u64);

impl Symbol {
    const NOTE_BITS: u32 = 16;

    /// What has this number happens to the call of this slot. The note is the writer's own.
    #[inline]
    pub const fn new(number: Number, slot: Slot, note: u16) -> Self {
        Self(
            (number.0 as u64) << (Slot::BITS + Self::NOTE_BITS)
                | (slot.0 as u64) << Self::NOTE_BITS
                | note as u64,
        )
    }

    /// The end of a trace.
    pub const END: Self = Self::new(Number::END, Slot::NONE, 0);

    /// What the writer has noted with it.
    pub const fn note(self) -> u16 {
        self.0 as u16
    }

    const fn number(self) -> Number {
        Number((self.0 >> (Slot::BITS + Self::NOTE_BITS)) as u32)
    }

    const fn slot(self) -> Slot {
        Slot((self.0 >> Self::NOTE_BITS) as u32 & ((1 << Slot::BITS) - 1))
    }
}

/// A symbol as far as it can make a difference: without the note, and without what no rule can ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(u64);

impl Key {
    /// What no symbol has: a key is of 48 bits.
    pub(crate) const OF_NOTHING: Self = Self(u64::MAX);
}

/// A list of all that happens in some traces.
#[derive(Debug, Clone)]
pub struct Symbols {
    happenings: IndexSet<Happening, FxBuildHasher>,
    /// For each the number of what is remembered of it: the first that was met of which the same is.
    remembered: Vec<u32>,
    first_so_remembered: rustc_hash::FxHashMap<Happening, u32>,
}

impl Default for Symbols {
    fn default() -> Self {
        let mut symbols = Self {
            happenings: IndexSet::default(),
            remembered: Vec::new(),
            first_so_remembered: rustc_hash::FxHashMap::default(),
        };
        let plain = [Out::None, Out::Null, Out::Unchanged, Out::Rubbish, Out::Object];
        let plain = plain.map(|out| Happening::Return { outcome: Outcome::returned(HResult::S_OK, out) });
        for happening in [Happening::End, Happening::CallbackReturn].into_iter().chain(plain) {
            symbols.number_of(happening);
        }
        symbols
    }
}

impl Symbols {
    /// The number of what happens. `None`: there is no number left.
    pub fn number_of(&mut self, happening: Happening) -> Option<Number> {
        if let Some(known) = self.known(&happening) {
            return Some(known);
        }
        let number =
            u32::try_from(self.happenings.len()).ok().filter(|number| number >> Number::BITS == 0)?;
        self.happenings.insert(happening);
        let first = *self.first_so_remembered.entry(happening.as_remembered()).or_insert(number);
        self.remembered.push(first);
        Some(Number(number))
    }

    /// The same, of what has a number.
    pub fn known(&self, happening: &Happening) -> Option<Number> {
        self.happenings.get_index_of(happening).map(|number| Number(number as u32))
    }

    /// A trace in symbols, the notes being zero. `None` if that cannot be: two calls that are open at once have the same
    /// number, or one ends that is not open.
    pub fn spell(&mut self, events: &[Event]) -> Option<Vec<Symbol>> {
        let mut slots = Slots::default();
        let mut open: Vec<(CallId, Slot)> = Vec::new();
        let mut symbols = Vec::with_capacity(events.len());
        for event in events {
            let (happening, id) = match *event {
                Event::Call { id, thread, call } => (Happening::Call { thread, call }, Some(id)),
                Event::Return { id, outcome } => (Happening::Return { outcome }, Some(id)),
                Event::Callback { id, thread, sink, callback } => {
                    (Happening::Callback { thread, sink, callback }, Some(id))
                }
                Event::CallbackReturn { id } => (Happening::CallbackReturn, Some(id)),
                Event::Settled { milliseconds } => (Happening::Settled { milliseconds }, None),
                Event::End => (Happening::End, None),
            };
            let place = open.iter().position(|(of, _)| Some(*of) == id);
            let slot = match (id, place) {
                (None, _) => Slot::NONE,
                (Some(id), None) if happening.begins() => {
                    let slot = slots.take()?;
                    open.push((id, slot));
                    slot
                }
                (Some(_), Some(place)) if !happening.begins() => {
                    let (_, slot) = open.swap_remove(place);
                    slots.give_back(slot);
                    slot
                }
                _ => return None,
            };
            symbols.push(Symbol::new(self.number_of(happening)?, slot, 0));
        }
        Some(symbols)
    }

    /// The trace, its calls and callbacks numbered from 1 in the order in which they begin. What is of another list is left
    /// out.
    pub fn events(&self, trace: &[Symbol]) -> Vec<Event> {
        let mut last = 0;
        let mut open: Vec<CallId> = Vec::new();
        let event = |symbol: &Symbol| {
            let happening = self.happening(*symbol)?;
            let slot = symbol.slot().0 as usize;
            if happening.begins() {
                last += 1;
                if open.len() <= slot {
                    open.resize(slot + 1, CallId(0));
                }
                open[slot] = CallId(last);
            }
            Some(happening.as_event(open.get(slot).copied().unwrap_or(CallId(0))))
        };
        trace.iter().filter_map(event).collect()
    }

    /// What happens, of what is of this list.
    pub fn happening(&self, symbol: Symbol) -> Option<Happening> {
        self.happenings.get_index(symbol.number().0 as usize).copied()
    }

    /// As far as it can make a difference.
    #[inline]
    pub(crate) fn key(&self, symbol: Symbol) -> Key {
        let number = symbol.number().0;
        let remembered = self.remembered.get(number as usize).copied().unwrap_or(number);
        Key(u64::from(remembered) << Slot::BITS | u64::from(symbol.slot().0))
    }

    /// The event, its call numbered by its slot. What is of another list is an end.
    pub(crate) fn event(&self, symbol: Symbol) -> Event {
        self.happening(symbol).unwrap_or(Happening::End).as_event(CallId(symbol.slot().0 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_number_in_every_list_has_that_number() {
        let symbols = Symbols::default();
        assert_eq!(symbols.known(&Happening::End), Some(Number::END));
        assert_eq!(symbols.known(&Happening::CallbackReturn), Some(Number::CALLBACK_RETURN));
        for out in [Out::None, Out::Null, Out::Unchanged, Out::Rubbish, Out::Object] {
            let plain = Happening::Return { outcome: Outcome::returned(HResult::S_OK, out) };
            assert!(Number::of_plain_return(out).is_some());
            assert_eq!(symbols.known(&plain), Number::of_plain_return(out), "{out:?}");
        }
        let other = Happening::Return { outcome: Outcome::returned(HResult::S_FALSE, Out::None) };
        assert_eq!(symbols.known(&other), None);
    }

    #[test]
    fn a_slot_is_the_least_that_is_free_and_no_two_that_are_open_have_one_however_many_are() {
        let mut slots = Slots::default();
        let taken: Vec<Slot> = (0..100).filter_map(|_| slots.take()).collect();
        assert_eq!(taken, (0..100).map(Slot).collect::<Vec<_>>());
        for (given_back, next) in [(3, 3), (70, 100), (3, 3)] {
            slots.give_back(Slot(given_back));
            assert_eq!(slots.take(), Some(Slot(next)));
        }
        let beyond = (64..=100).filter(|slot| *slot != 70);
        beyond.for_each(|slot| slots.give_back(Slot(slot)));
        assert_eq!(slots.take(), Some(Slot(64)));
        slots.given_beyond = (1 << Slot::BITS) - u64::BITS;
        assert_eq!(slots.take(), None);
    }

    #[test]
    fn what_ends_without_having_begun_or_begins_twice_is_not_spelt() {
        let mut symbols = Symbols::default();
        let begins = Event::Call { id: CallId(1), thread: ThreadId(0), call: Call::Initialize };
        let ends = Event::Return { id: CallId(1), outcome: Outcome::OK };
        assert!(symbols.spell(&[begins, ends, begins, ends]).is_some());
        assert_eq!(symbols.spell(&[ends]), None);
        assert_eq!(symbols.spell(&[begins, begins]), None);
        assert_eq!(symbols.spell(&[begins, Event::Return { id: CallId(2), outcome: Outcome::OK }]), None);
    }
}

//! Programs, as the child is handed them: each different step once, and for each program which they are, as far as they
//! are not those of the program before. A plan of a million steps is made of a few thousand different ones, and neighbours
//! begin alike, and often end alike.
//!
//! Words come first: how many different steps there are and how many programs; for each program how many steps it has, and
//! how many of them, at its beginning and at its end, are those of its neighbour; then, for each program, where its other
//! steps lie among the different ones. Those follow.

use super::wire::{STEP_BYTES, decode_step, encode_step};
use crate::program::{Kept, Program, Step};

const WORD: usize = size_of::<u32>();

/// Writes programs for the child, one part after the other.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// For each step by its number, the last part that had it, and its place among the different ones there.
    places: Vec<(u32, u32)>,
    /// How many parts there were, this one included.
    parts: u32,
}

impl Writer {
    /// A part of these programs.
    pub(super) fn part(&mut self, programs: &[&Program]) -> Vec<u8> {
        self.parts += 1;
        let mut different: Vec<Kept> = Vec::new();
        let mut counts = vec![0, programs.len() as u32];
        let mut others = Vec::new();
        let mut before: &[Kept] = &[];
        for program in programs {
            let steps = &*program.steps;
            let alike = |(one, other): &(&Kept, &Kept)| one == other;
            let first = steps.iter().zip(before).take_while(alike).count();
            let (rest, beside) = (&steps[first..], &before[first..]);
            let last = rest.iter().rev().zip(beside.iter().rev()).take_while(alike).count();
            counts.extend([steps.len(), first, last].map(|count| count as u32));
            others.extend(rest[..rest.len() - last].iter().map(|step| self.place_of(*step, &mut different)));
            before = steps;
        }
        counts[0] = different.len() as u32;
        let words = [counts, others].concat();
        let mut bytes = Vec::with_capacity(WORD * words.len() + STEP_BYTES * different.len());
        for word in words {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        for step in different {
            bytes.extend_from_slice(&encode_step(&step));
        }
        bytes
    }

    /// The place of this step. One that the part has not had yet comes last.
    fn place_of(&mut self, step: Kept, different: &mut Vec<Kept>) -> u32 {
        let number = step.number() as usize;
        if number >= self.places.len() {
            self.places.resize((number + 1).next_power_of_two(), (0, 0));
        }
        let (part, place) = &mut self.places[number];
        if *part != self.parts {
            (*part, *place) = (self.parts, different.len() as u32);
            different.push(step);
        }
        *place
    }
}

/// Some programs, as the child has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programs {
    /// The different steps.
    different: Vec<Step>,
    /// The steps of all programs, one after the other, by their places among the different ones.
    which: Vec<u32>,
    /// Where each program ends in it.
    ends: Vec<usize>,
}

impl Programs {
    /// None.
    pub(super) const fn none() -> Self {
        Self { different: Vec::new(), which: Vec::new(), ends: Vec::new() }
    }

    /// What the child was handed. `None` if these bytes are no programs.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (counts, rest) = words(bytes, 2)?;
        let &[different, count] = &*counts else { return None };
        let (counts, mut rest) = words(rest, (count as usize).checked_mul(3)?)?;
        let (mut which, mut ends) = (Vec::new(), Vec::new());
        let mut before = 0..0;
        for counts in counts.as_chunks().0 {
            let &[steps, first, last] = counts;
            let (first, last) = (first as usize, last as usize);
            let alike = first.checked_add(last).filter(|alike| *alike <= before.len())?;
            let (others, after) = words(rest, (steps as usize).checked_sub(alike)?)?;
            rest = after;
            let start = which.len();
            which.extend_from_within(before.start..before.start + first);
            which.extend(others);
            which.extend_from_within(before.end - last..before.end);
            ends.push(which.len());
            before = start..which.len();
        }
        let steps = rest.get(..(different as usize).checked_mul(STEP_BYTES)?)?;
        let different: Vec<Step> = steps.chunks_exact(STEP_BYTES).map(decode_step).collect::<Option<_>>()?;
        let known = which.iter().all(|number| (*number as usize) < different.len());
        known.then_some(Self { different, which, ends })
    }

    /// The steps of one of them.
    #[inline]
    pub(super) fn steps(&self, program: usize) -> Steps<'_> {
        Steps { different: &self.different, which: self.places(program) }
    }

    /// Where the steps of one program lie among the different ones. Nowhere, if there is none of that number.
    #[inline]
    fn places(&self, program: usize) -> &[u32] {
        let begin = program.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        let range = begin.zip(self.ends.get(program).copied());
        range.map_or(&[], |(begin, end)| &self.which[begin..end])
    }
}

/// So many words at the start of these bytes, and what follows them. `None` if there are not so many.
fn words(bytes: &[u8], how_many: usize) -> Option<(Vec<u32>, &[u8])> {
    let (words, rest) = bytes.split_at_checked(how_many.checked_mul(WORD)?)?;
    Some((words.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect(), rest))
}

/// The steps of one program, in order. They are looked at where they lie: a copy of each for each program that has it
/// would cost more than most calls.
#[derive(Clone, Copy)]
pub(super) struct Steps<'a> {
    different: &'a [Step],
    which: &'a [u32],
}

impl<'a> Steps<'a> {
    /// How many there are.
    pub(super) const fn count(self) -> usize {
        self.which.len()
    }

    /// The step of this number, from 0, if there is one.
    #[inline]
    pub(super) fn get(self, number: usize) -> Option<&'a Step> {
        self.different.get(*self.which.get(number)? as usize)
    }

    /// All of them, from this number on.
    pub(super) fn from(self, number: usize) -> impl Iterator<Item = &'a Step> {
        let which = self.which.get(number..).unwrap_or_default();
        which.iter().map(move |place| &self.different[*place as usize])
    }
}

#[cfg(test)]
mod tests {
    use mapi_session_spec::alphabet;
    use mapi_session_spec::event::{Call, SessionId};
    use proptest::prelude::*;

    use super::*;

    /// Programs of a few steps: many neighbours begin and end alike.
    fn programs() -> impl Strategy<Value = Vec<Program>> {
        let steps: Vec<Step> = alphabet::logoffs(SessionId(0)).into_iter().take(3).map(Step::call).collect();
        let program = proptest::collection::vec(proptest::sample::select(steps), 0..6).prop_map(Program::of);
        proptest::collection::vec(program, 0..12)
    }

    fn written(writer: &mut Writer, programs: &[Program]) -> Vec<u8> {
        writer.part(&programs.iter().collect::<Vec<_>>())
    }

    fn read(bytes: &[u8]) -> Option<Vec<Program>> {
        let programs = Programs::read(bytes)?;
        assert!(programs.places(programs.ends.len()).is_empty());
        let program = |number| {
            let steps = programs.steps(number);
            let program = Program::of(steps.from(0).copied());
            assert_eq!(steps.count(), program.steps.len());
            program
        };
        Some((0..programs.ends.len()).map(program).collect())
    }

    proptest! {
        #[test]
        fn programs_are_read_as_they_were_written_part_for_part(first in programs(), second in programs()) {
            let mut writer = Writer::default();
            for part in [first, second] {
                prop_assert_eq!(read(&written(&mut writer, &part)), Some(part));
            }
        }

        #[test]
        fn programs_that_are_cut_short_anywhere_are_refused(programs in programs()) {
            let bytes = written(&mut Writer::default(), &programs);
            for length in 0..bytes.len() {
                prop_assert!(Programs::read(&bytes[..length]).is_none(), "cut to {}", length);
            }
        }

        #[test]
        fn whatever_is_scribbled_over_them_is_refused_or_read_as_something_else(
            programs in programs(), place in any::<prop::sample::Index>(), word in any::<u32>(),
        ) {
            let mut bytes = written(&mut Writer::default(), &programs);
            let words = bytes.len() / WORD;
            let place = WORD * place.index(words);
            bytes[place..place + WORD].copy_from_slice(&word.to_le_bytes());
            let _ = read(&bytes);
        }
    }

    #[test]
    fn what_neighbours_have_alike_is_written_once() {
        let logoffs = alphabet::logoffs(SessionId(0));
        let program = |logoff| {
            let around = [Call::Initialize; 20].map(Step::call);
            Program::of(around.into_iter().chain([Step::call(logoff)]).chain(around))
        };
        let alone = written(&mut Writer::default(), &[program(logoffs[0])]).len();
        let both = written(&mut Writer::default(), &[program(logoffs[0]), program(logoffs[1])]).len();
        assert_eq!(both - alone, 4 * WORD + STEP_BYTES);
    }

    #[test]
    fn a_step_that_is_not_there_is_refused() {
        let mut bytes = written(&mut Writer::default(), &[Program::of([Step::call(Call::Initialize)])]);
        let which = 5 * WORD;
        bytes[which..which + WORD].copy_from_slice(&1_u32.to_le_bytes());
        assert!(Programs::read(&bytes).is_none());
    }
}

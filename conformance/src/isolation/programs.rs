//! Programs, as parent and child share them: each different step once, and for each program which they are. A plan of a
//! million steps is made of a few thousand different ones.

use std::ops::Range;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::wire::{STEP_BYTES, decode_step, encode_step};
use crate::program::{Program, Step};

/// Some programs of one process.
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
    /// These.
    pub(super) fn of(programs: &[&Program]) -> Self {
        // Most programs have a step or two that none before had.
        let expected = 2 * programs.len();
        let mut numbers: FxHashMap<&Step, u32> = FxHashMap::with_capacity_and_hasher(expected, FxBuildHasher);
        let mut different: Vec<Step> = Vec::with_capacity(expected);
        let mut ends = Vec::with_capacity(programs.len());
        let mut which: Vec<u32> = Vec::with_capacity(programs.iter().map(|p| p.steps.len()).sum());
        let mut before: &[Step] = &[];
        for program in programs {
            let begin = which.len();
            let mut rest = &*program.steps;
            while !rest.is_empty() {
                let place = program.steps.len() - rest.len();
                // Neighbours in a plan begin alike, and often end alike: looking there first costs less than a hash.
                let beside = before.get(place..).unwrap_or_default();
                let alike = rest.iter().zip(beside).take_while(|(step, beside)| step == beside).count();
                let first = begin.saturating_sub(before.len()) + place;
                which.extend_from_within(first..first + alike);
                rest = &rest[alike..];
                if let Some((step, after)) = rest.split_first() {
                    which.push(*numbers.entry(step).or_insert_with(|| {
                        different.push(*step);
                        different.len() as u32 - 1
                    }));
                    rest = after;
                }
            }
            ends.push(which.len());
            before = &program.steps;
        }
        Self { different, which, ends }
    }

    /// As the child is handed them.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let lengths = (0..self.count()).map(|program| self.places(program).len() as u32);
        let counts: Vec<u32> =
            [self.different.len() as u32, self.count() as u32].into_iter().chain(lengths).collect();
        let mut bytes = vec![0; 4 * (counts.len() + self.which.len())];
        let (first, rest) = bytes.split_at_mut(4 * counts.len());
        write_words(first, &counts);
        write_words(rest, &self.which);
        for step in &self.different {
            bytes.extend(encode_step(step));
        }
        bytes
    }

    /// What the child was handed. `None` if these bytes are no programs.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut word = || {
            let (head, tail) = rest.split_first_chunk::<4>()?;
            rest = tail;
            Some(u32::from_le_bytes(*head))
        };
        let (different, count) = (word()?, word()?);
        let mut ends = Vec::new();
        let mut total = 0_usize;
        for _ in 0..count {
            total = total.checked_add(word()? as usize)?;
            ends.push(total);
        }
        let (which, rest) = rest.split_at_checked(total.checked_mul(4)?)?;
        let which: Vec<u32> = which.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let steps = rest.get(..(different as usize).checked_mul(STEP_BYTES)?)?;
        let different: Vec<Step> = steps.chunks_exact(STEP_BYTES).map(decode_step).collect::<Option<_>>()?;
        let known = which.iter().all(|number| (*number as usize) < different.len());
        known.then_some(Self { different, which, ends })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// Whether any of them races.
    pub(super) fn races(&self) -> bool {
        self.different.iter().any(|step| step.place.is_racing())
    }

    /// The steps of one of them.
    #[inline]
    pub(super) fn steps(&self, program: usize) -> Steps<'_> {
        Steps { different: &self.different, which: self.places(program) }
    }

    /// The different steps.
    pub(super) fn different(&self) -> &[Step] {
        &self.different
    }

    /// Where the steps of all programs lie among them, one program after the other.
    pub(super) fn which(&self) -> &[u32] {
        &self.which
    }

    /// Where the steps of one program lie among them. Nowhere, if there is none of that number.
    #[inline]
    pub(super) fn places(&self, program: usize) -> &[u32] {
        self.range(program).map_or(&[], |range| &self.which[range])
    }

    /// Which of [`Self::which`] are the steps of one program, if there is one of that number.
    pub(super) fn range(&self, program: usize) -> Option<Range<usize>> {
        let end = *self.ends.get(program)?;
        Some(program.checked_sub(1).map_or(0, |before| self.ends[before])..end)
    }
}

/// Writes these over bytes that are there already, which is one copy: to append them one by one takes five times as long.
fn write_words(bytes: &mut [u8], words: &[u32]) {
    for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
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
    use super::*;
    use mapi_session_spec::alphabet;
    use mapi_session_spec::event::{Call, SessionId};

    fn programs() -> Vec<Program> {
        let logoffs = alphabet::logoffs(SessionId(0)).into_iter();
        let mut programs: Vec<Program> = logoffs
            .map(|logoff| Program {
                steps: [Call::Initialize, logoff, Call::Uninitialize].map(Step::call).to_vec(),
            })
            .collect();
        programs.insert(1, Program { steps: Vec::new() });
        programs
    }

    fn written(programs: &[Program]) -> Vec<u8> {
        Programs::of(&programs.iter().collect::<Vec<_>>()).bytes()
    }

    #[test]
    fn programs_are_read_as_they_were_written() {
        let programs = programs();
        let read = Programs::read(&written(&programs)).expect("programs");
        assert_eq!(read.count(), programs.len());
        for (i, program) in programs.iter().enumerate() {
            assert_eq!(read.steps(i).from(0).copied().collect::<Vec<_>>(), program.steps);
            assert_eq!(read.steps(i).count(), program.steps.len());
            let by_place = read.places(i).iter().map(|place| read.different()[*place as usize]);
            assert_eq!(by_place.collect::<Vec<_>>(), program.steps);
        }
        assert!(read.places(programs.len()).is_empty());
    }

    #[test]
    fn programs_that_are_cut_short_anywhere_or_name_a_step_that_is_not_there_are_refused() {
        let programs = programs();
        let bytes = written(&programs);
        for length in 0..bytes.len() {
            assert!(Programs::read(&bytes[..length]).is_none(), "cut to {length}");
        }
        let mut scribbled = bytes;
        let first_step = 4 * (2 + programs.len());
        scribbled[first_step..first_step + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(Programs::read(&scribbled).is_none());
    }
}

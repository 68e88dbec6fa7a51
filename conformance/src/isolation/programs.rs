//! The programs, in the memory that parent and child share: each different step once, and for each program which
//! they are. A plan of a million steps is made of a few thousand different ones.

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::wire::{STEP_BYTES, decode_step, encode_step};
use crate::program::{Program, Step};

/// The programs as they are handed over.
pub(super) struct Written {
    /// What the child is handed.
    pub(super) bytes: Vec<u8>,
    /// Whether any of them races.
    pub(super) races: bool,
}

/// The programs as bytes.
pub(super) fn write(programs: &[&Program]) -> Written {
    let mut numbers: FxHashMap<&Step, u32> = FxHashMap::with_hasher(FxBuildHasher);
    let mut different: Vec<&Step> = Vec::new();
    let total: usize = programs.iter().map(|program| program.steps.len()).sum();
    let mut which: Vec<u32> = Vec::with_capacity(total);
    let mut before: &[Step] = &[];
    for program in programs {
        let begin = which.len();
        for (place, step) in program.steps.iter().enumerate() {
            // Neighbours in a plan begin alike: looking there first costs less than a hash.
            let number = if before.get(place) == Some(step) {
                which[begin - before.len() + place]
            } else {
                *numbers.entry(step).or_insert_with(|| {
                    different.push(step);
                    different.len() as u32 - 1
                })
            };
            which.push(number);
        }
        before = &program.steps;
    }
    let words = 2 + programs.len() + total;
    let mut bytes = Vec::with_capacity(4 * words + STEP_BYTES * different.len());
    let mut word = |word: u32| bytes.extend(word.to_le_bytes());
    word(different.len() as u32);
    word(programs.len() as u32);
    for program in programs {
        word(program.steps.len() as u32);
    }
    which.into_iter().for_each(word);
    for step in &different {
        bytes.extend(encode_step(step));
    }
    Written { bytes, races: different.iter().any(|step| step.place.is_racing()) }
}

/// The programs as the child was handed them.
pub(super) struct Programs {
    different: Vec<Step>,
    /// The steps of all programs, one after the other, by their places among the different ones.
    which: Vec<u32>,
    /// Where each program ends in it.
    ends: Vec<usize>,
}

impl Programs {
    /// `None` if these bytes are no programs.
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
        let which: Vec<u32> = which
            .chunks_exact(4)
            .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
            .collect();
        let steps = rest.get(..(different as usize).checked_mul(STEP_BYTES)?)?;
        let different: Vec<Step> = steps.chunks_exact(STEP_BYTES).map(decode_step).collect::<Option<_>>()?;
        let known = which.iter().all(|number| (*number as usize) < different.len());
        known.then_some(Self { different, which, ends })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// Whether any step of any of them is so.
    pub(super) fn any_step(&self, is_so: impl Fn(&Step) -> bool) -> bool {
        self.different.iter().any(is_so)
    }

    /// The steps of one of them.
    pub(super) fn steps(&self, program: usize) -> Vec<Step> {
        let begin = program.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.which[begin..self.ends[program]].iter().map(|number| self.different[*number as usize]).collect()
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

    #[test]
    fn programs_are_read_as_they_were_written() {
        let programs = programs();
        let read = Programs::read(&write(&programs.iter().collect::<Vec<_>>()).bytes).expect("programs");
        assert_eq!(read.count(), programs.len());
        for (i, program) in programs.iter().enumerate() {
            assert_eq!(read.steps(i), program.steps);
        }
    }

    #[test]
    fn programs_that_are_cut_short_anywhere_or_name_a_step_that_is_not_there_are_refused() {
        let programs = programs();
        let bytes = write(&programs.iter().collect::<Vec<_>>()).bytes;
        for length in 0..bytes.len() {
            assert!(Programs::read(&bytes[..length]).is_none(), "cut to {length}");
        }
        let mut scribbled = bytes;
        let first_step = 4 * (2 + programs.len());
        scribbled[first_step..first_step + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(Programs::read(&scribbled).is_none());
    }
}

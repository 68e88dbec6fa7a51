//! How a process gets its programs: in parts, while it already runs. To write them out takes as long as to run a good
//! deal of them.
//!
//! The memory begins with how many programs there are in all, and whether any of them races. The parts follow, one after
//! the other, each with its length in front. What has been handed over is not written to any more.

use std::rc::Rc;
use std::sync::Arc;

use super::programs::Programs;
use super::ring::Ring;
use super::wire::STEP_BYTES;
use crate::program::Program;

/// How many programs a part has.
const PART: usize = 512;
/// Bytes before the first part.
const HEADER: usize = 2 * WORD;
const WORD: usize = size_of::<u32>();

/// The giving side.
pub(super) struct Handover<'p> {
    all: &'p [&'p Program],
    races: bool,
    parts: Vec<Rc<Programs>>,
    /// Bytes that were written.
    written: usize,
}

impl<'p> Handover<'p> {
    /// Of these programs, of which some race or none does.
    pub(super) const fn of(all: &'p [&'p Program], races: bool) -> Self {
        Self { all, races, parts: Vec::new(), written: 0 }
    }

    /// How many bytes the memory must have. Most are never touched: a step that several programs have is written once a
    /// part.
    pub(super) fn room(&self) -> usize {
        let steps: usize = self.all.iter().map(|program| program.steps.len()).sum();
        let parts = self.all.len().div_ceil(PART);
        HEADER + 3 * WORD * parts + WORD * self.all.len() + (WORD + STEP_BYTES) * steps
    }

    /// How many programs there are.
    pub(super) const fn count(&self) -> usize {
        self.all.len()
    }

    /// Whether any of them races.
    pub(super) const fn races(&self) -> bool {
        self.races
    }

    /// How many were handed over.
    pub(super) fn handed_over(&self) -> usize {
        (self.parts.len() * PART).min(self.all.len())
    }

    /// Hands over the next part, in the memory that has [`Self::room`]. `false`: there is none.
    pub(super) fn go_on(&mut self, ring: Ring, memory: &mut [u8]) -> bool {
        if self.written == 0 {
            let header = [self.all.len() as u32, u32::from(self.races)];
            self.write(memory, &header.map(u32::to_le_bytes).concat());
        }
        let left = &self.all[self.handed_over()..];
        if left.is_empty() {
            return false;
        }
        let part = Programs::of(&left[..left.len().min(PART)]);
        debug_assert!(self.races || !part.races(), "who hands over a race says so before");
        let bytes = part.bytes();
        self.write(memory, &(bytes.len() as u32).to_le_bytes());
        self.write(memory, &bytes);
        self.parts.push(Rc::new(part));
        ring.hand_over(self.handed_over());
        true
    }

    fn write(&mut self, memory: &mut [u8], bytes: &[u8]) {
        let end = self.written + bytes.len();
        memory[self.written..end].copy_from_slice(bytes);
        self.written = end;
    }

    /// The part that has this program, and its number there, if it was handed over.
    pub(super) fn part(&self, program: usize) -> Option<(&Rc<Programs>, usize)> {
        Some((self.parts.get(program / PART)?, program % PART))
    }
}

/// The receiving side.
pub(super) struct Received {
    ring: Ring,
    memory: *const u8,
    length: usize,
    count: usize,
    races: bool,
    /// Bytes that were read.
    read: usize,
    /// How many parts were.
    parts: usize,
    /// The last of them.
    part: Arc<Programs>,
}

impl Received {
    /// From what a [`Handover`] writes there. `None` if it has written nothing.
    ///
    /// # Safety
    /// `memory` points to so many bytes that outlive this, and that nobody but the giving side writes to.
    pub(super) unsafe fn from(ring: Ring, memory: *const u8, length: usize) -> Option<Self> {
        let part = Arc::new(Programs::of(&[]));
        let mut received = Self { ring, memory, length, count: 0, races: false, read: 0, parts: 0, part };
        received.count = received.word()? as usize;
        received.races = received.word()? != 0;
        Some(received)
    }

    /// How many programs there will be.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Whether any of them races.
    pub(super) const fn races(&self) -> bool {
        self.races
    }

    /// Whether this program was handed over.
    pub(super) fn has(&self, program: usize) -> bool {
        program < self.parts * PART || self.ring.is_handed_over(program)
    }

    /// The part that has this program, and its number there; it is waited for. Programs are asked for in their order.
    /// `None`: it will not come, or it is no part.
    pub(super) fn part(&mut self, program: usize) -> Option<(&Arc<Programs>, usize)> {
        while program >= self.parts * PART {
            if !self.ring.is_handed_over_in_the_end(self.parts * PART) {
                return None;
            }
            let length = self.word()? as usize;
            self.part = Arc::new(Programs::read(self.take(length)?)?);
            self.parts += 1;
        }
        Some((&self.part, program % PART))
    }

    fn word(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.take(WORD)?.first_chunk()?))
    }

    /// The next so many bytes. They must have been handed over.
    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let end = self.read.checked_add(length).filter(|end| *end <= self.length)?;
        // SAFETY: the bytes are within the memory, by the check and the contract of `from`; the giving side has written
        // them before it said so, and does not write to them again.
        let bytes = unsafe { std::slice::from_raw_parts(self.memory.add(self.read), length) };
        self.read = end;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use mapi_session_spec::event::Call;

    use super::*;
    use crate::isolation::ring::tests::Memory;
    use crate::program::Step;

    fn programs(count: usize) -> Vec<Program> {
        let calls = [Call::Initialize, Call::Uninitialize];
        (0..count)
            .map(|i| Program { steps: (0..i % 7).map(|step| Step::call(calls[(i + step) % 2])).collect() })
            .collect()
    }

    #[test]
    fn programs_come_over_in_their_order_however_late_they_are_handed_over() {
        for count in [0, 1, PART - 1, PART, 2 * PART, 2 * PART + 1] {
            let programs = programs(count);
            let all: Vec<&Program> = programs.iter().collect();
            let memory = Memory::new();
            let mut handover = Handover::of(&all, false);
            let mut bytes = vec![0; handover.room()];
            let (start, length) = (bytes.as_ptr() as usize, bytes.len());
            handover.go_on(memory.ring(), &mut bytes);
            std::thread::scope(|scope| {
                let ring = memory.ring();
                let other_side = scope.spawn(move || {
                    // SAFETY: the bytes outlive the thread, and only the handover writes to them.
                    let mut received =
                        unsafe { Received::from(ring, start as *const u8, length) }.expect("a header");
                    let steps = |program| {
                        let (part, number) = received.part(program).expect("a part");
                        part.steps(number).from(0).copied().collect::<Vec<_>>()
                    };
                    (0..count).map(steps).collect::<Vec<_>>()
                });
                while handover.go_on(memory.ring(), &mut bytes) {}
                let came = other_side.join().expect("no panic");
                assert!(came.iter().eq(programs.iter().map(|program| &program.steps)), "{count}");
            });
            assert_eq!(handover.handed_over(), count);
            for (place, program) in programs.iter().enumerate() {
                let (part, number) = handover.part(place).expect("handed over");
                assert!(part.steps(number).from(0).eq(&program.steps));
            }
        }
    }

    #[test]
    fn who_waits_for_a_part_that_will_not_come_is_told_so_and_no_part_is_read_from_what_is_none() {
        let programs = programs(PART + 1);
        let all: Vec<&Program> = programs.iter().collect();
        let memory = Memory::new();
        let mut handover = Handover::of(&all, false);
        let mut bytes = vec![0; handover.room()];
        handover.go_on(memory.ring(), &mut bytes);
        // SAFETY: the bytes outlive what is received, and nobody writes to them meanwhile.
        let received = |bytes: &[u8]| unsafe { Received::from(memory.ring(), bytes.as_ptr(), bytes.len()) };
        memory.ring().allow_no_more();
        let mut whole = received(&bytes).expect("a header");
        assert!(whole.part(PART - 1).is_some());
        assert!(whole.part(PART).is_none());
        assert!(received(&bytes[..HEADER - 1]).is_none());
        let mut cut = received(&bytes[..handover.written - 1]).expect("a header");
        assert!(cut.part(0).is_none());
    }
}

//! How a process gets its programs: in parts, while it already runs, so that what is not written yet is not waited for.
//!
//! The memory begins with how many programs there are in all, and whether any of them races. The parts follow, one after
//! the other, each with its length in front. What has been handed over is not written to any more.

use std::sync::Arc;

use super::programs::{Programs, Writer};
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
    writer: Writer,
    /// Programs that were handed over.
    handed_over: usize,
    /// Bytes that were written.
    written: usize,
}

impl<'p> Handover<'p> {
    /// Of these programs, of which some race or none does.
    pub(super) fn of(all: &'p [&'p Program], races: bool) -> Self {
        Self { all, races, writer: Writer::default(), handed_over: 0, written: 0 }
    }

    /// How many bytes the memory must have. Most are never touched: a step that several programs have is written once a
    /// part.
    pub(super) fn room(&self) -> usize {
        let steps: usize = self.all.iter().map(|program| program.steps.len()).sum();
        let parts = self.all.len().div_ceil(PART);
        HEADER + 3 * WORD * parts + 3 * WORD * self.all.len() + (WORD + STEP_BYTES) * steps
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
    pub(super) const fn handed_over(&self) -> usize {
        self.handed_over
    }

    /// Writes what the other side is to know before the first part, in the memory that has [`Self::room`].
    pub(super) fn begin(&mut self, memory: &mut [u8]) {
        let header = [self.all.len() as u32, u32::from(self.races)];
        self.write(memory, &header.map(u32::to_le_bytes).concat());
    }

    /// Hands over the next part, in the memory in which it was begun. `false`: there is none.
    pub(super) fn go_on(&mut self, ring: Ring, memory: &mut [u8]) -> bool {
        let left = &self.all[self.handed_over..];
        if left.is_empty() {
            return false;
        }
        let programs = &left[..left.len().min(PART)];
        debug_assert!(
            self.races || !programs.iter().any(|program| program.races()),
            "who hands over a race says so before"
        );
        let part = self.writer.part(programs);
        self.write(memory, &(part.len() as u32).to_le_bytes());
        self.write(memory, &part);
        self.handed_over += programs.len();
        ring.hand_over(self.handed_over);
        true
    }

    fn write(&mut self, memory: &mut [u8], bytes: &[u8]) {
        let end = self.written + bytes.len();
        memory[self.written..end].copy_from_slice(bytes);
        self.written = end;
    }

    /// The program of this number, if it was handed over.
    pub(super) fn program(&self, number: usize) -> Option<&'p Program> {
        self.all[..self.handed_over].get(number).copied()
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
        let part = Arc::new(Programs::none());
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
        (0..count).map(|i| Program::of((0..i % 7).map(|step| Step::call(calls[(i + step) % 2])))).collect()
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
            handover.begin(&mut bytes);
            std::thread::scope(|scope| {
                let ring = memory.ring();
                let other_side = scope.spawn(move || {
                    // SAFETY: the bytes outlive the thread, and only the handover writes to them.
                    let mut received =
                        unsafe { Received::from(ring, start as *const u8, length) }.expect("a header");
                    let steps = |program| {
                        let (part, number) = received.part(program).expect("a part");
                        Program::of(part.steps(number).from(0).copied())
                    };
                    (0..count).map(steps).collect::<Vec<_>>()
                });
                while handover.go_on(memory.ring(), &mut bytes) {}
                let came = other_side.join().expect("no panic");
                assert_eq!(came, programs, "{count}");
            });
            assert_eq!(handover.handed_over(), count);
            for (place, program) in programs.iter().enumerate() {
                assert_eq!(handover.program(place), Some(program));
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
        handover.begin(&mut bytes);
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

//! The ring in shared memory: the child writes records, the parent reads them.
//!
//! One lock in the child orders its writers (a subject may call sinks from any thread); the parent is the only
//! reader. The parent copies a record out before it looks at it, and checks every number in it.
//!
//! What the one side writes and what the other writes lie on lines of memory of their own, and each side looks at the
//! other's only when it has used up what it last saw: otherwise every record would move the lines between two cores.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::wire::{MOST_WORDS, Record, decode_record, encode_record, words_from};
use crate::favouring::Favouring;

/// How many words the ring holds. A record has one to three.
pub(super) const CAPACITY: u64 = 1 << 16;
/// Bytes of the ring with its header.
pub(super) const BYTES: usize = HEADER + CAPACITY as usize * size_of::<u64>();
const HEADER: usize = size_of::<Header>();
/// How many words the reader takes before it says so.
const READ_AT_ONCE: u64 = CAPACITY / 8;

#[repr(C)]
struct Header {
    writers: Writers,
    reader: Reader,
}

/// Two lines of 64 bytes: processors fetch them in pairs.
#[repr(C, align(128))]
struct Writers {
    /// Words written since the start.
    head: AtomicU64,
    /// Words read since the start, when a writer last looked.
    tail_seen: AtomicU64,
    /// The writers' lock.
    lock: Favouring,
}

/// With so many words unread there is room for any record.
const ROOM: u64 = CAPACITY - MOST_WORDS as u64;

impl Writers {
    /// Waits until the reader has made room after so many words.
    #[cold]
    fn wait_for_room(&self, reader: &Reader, head: u64) {
        let mut tail = reader.tail.load(Ordering::Acquire);
        while head.wrapping_sub(tail) > ROOM {
            std::thread::yield_now();
            tail = reader.tail.load(Ordering::Acquire);
        }
        self.tail_seen.store(tail, Ordering::Relaxed);
    }
}

#[repr(C, align(128))]
struct Reader {
    /// Words read since the start.
    tail: AtomicU64,
    /// How many programs may be run, and whether that is all.
    allowed: AtomicU32,
    /// How many were handed over.
    handed_over: AtomicU32,
}

/// Beside how many programs may be run: there will be no more.
const NO_MORE: u32 = 1 << 31;

/// A view of the ring in mapped memory.
#[derive(Clone, Copy)]
pub(super) struct Ring {
    base: *mut u8,
}

// SAFETY: all access goes through the atomics of the header; slots are written only under the lock and read only by
// the one reader, which the head's release-acquire pair orders.
unsafe impl Send for Ring {}
// SAFETY: as above.
unsafe impl Sync for Ring {}

impl Ring {
    /// A ring over mapped memory.
    ///
    /// # Safety
    /// `base` points to at least [`BYTES`] bytes, aligned to 128, shared or not, that outlive every copy of the ring.
    pub(super) const unsafe fn new(base: *mut u8) -> Self {
        Self { base }
    }

    #[allow(clippy::cast_ptr_alignment, reason = "the contract of `new`: base is aligned to 128")]
    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: by `new`, the header lies at the start, aligned; its fields are atomics, so any bytes are valid.
        unsafe { &*self.base.cast::<Header>() }
    }

    #[inline]
    fn slot(&self, index: u64) -> *mut u64 {
        let offset = HEADER + (index % CAPACITY) as usize * size_of::<u64>();
        // SAFETY: the offset is within BYTES by the remainder.
        unsafe { self.base.add(offset).cast() }
    }

    /// Appends a record, waiting for room if the reader is behind. Its place, from 0, greater than those before it;
    /// `None` if it gave up, as in a signal handler that finds the lock held.
    // Where the kind of the record is known, all that can be worked out beforehand is: most calls take no longer than this.
    #[allow(
        clippy::inline_always,
        reason = "made twice a call, or with it: what is known of the record is worked out before"
    )]
    #[inline(always)]
    pub(super) fn push(&self, trace: u32, record: Record, patience: u32) -> Option<u64> {
        let (words, length) = encode_record(trace, record);
        let Header { writers, reader } = self.header();
        if !writers.lock.take(patience) {
            return None;
        }
        let head = writers.head.load(Ordering::Relaxed);
        if head.wrapping_sub(writers.tail_seen.load(Ordering::Relaxed)) > ROOM {
            writers.wait_for_room(reader, head);
        }
        // SAFETY: the slots are within the mapping; the lock makes this the only writer, and the reader does not look at
        // them before the head has moved.
        unsafe {
            self.slot(head).write_volatile(words[0]);
            if length > 1 {
                self.slot(head.wrapping_add(1)).write_volatile(words[1]);
            }
            if length > 2 {
                self.slot(head.wrapping_add(2)).write_volatile(words[2]);
            }
        }
        writers.head.store(head.wrapping_add(length as u64), Ordering::Release);
        writers.lock.give_back();
        Some(head)
    }

    /// From now on what this thread writes costs least.
    #[inline]
    pub(super) fn favour_this_thread(self) {
        self.header().writers.lock.favour_this_thread();
    }

    /// Lets so many programs be run in all.
    pub(super) fn allow(self, programs: usize) {
        self.header().reader.allowed.store(programs as u32 & !NO_MORE, Ordering::Release);
    }

    /// Lets no more programs be run.
    pub(super) fn allow_no_more(self) {
        self.header().reader.allowed.fetch_or(NO_MORE, Ordering::AcqRel);
    }

    /// Whether the program of this number, from 0, is known to be one that may be run.
    pub(super) fn is_allowed(self, program: usize) -> bool {
        program < (self.header().reader.allowed.load(Ordering::Acquire) & !NO_MORE) as usize
    }

    /// Waits until that is known one way or the other.
    pub(super) fn may_run(self, program: usize) -> bool {
        self.waits_for(|| self.is_allowed(program))
    }

    /// Waits until this is so. `false`: it will not be, since no more programs may be run.
    fn waits_for(self, is_so: impl Fn() -> bool) -> bool {
        while !is_so() {
            if self.header().reader.allowed.load(Ordering::Acquire) & NO_MORE != 0 {
                return is_so();
            }
            std::thread::sleep(std::time::Duration::from_micros(20));
        }
        true
    }

    /// So many programs were handed over.
    pub(super) fn hand_over(self, programs: usize) {
        self.header().reader.handed_over.store(programs as u32, Ordering::Release);
    }

    /// Whether the program of this number, from 0, was handed over.
    pub(super) fn is_handed_over(self, program: usize) -> bool {
        program < self.header().reader.handed_over.load(Ordering::Acquire) as usize
    }

    /// Waits for that. `false`: it will not come, since no more may be run.
    pub(super) fn is_handed_over_in_the_end(self, program: usize) -> bool {
        self.waits_for(|| self.is_handed_over(program))
    }

    /// How many words were written since the start, as the child claims.
    pub(super) fn written(self) -> u64 {
        self.header().writers.head.load(Ordering::Acquire)
    }

    /// Tells the writers how many words have been read.
    fn say_read(self, read: u64) {
        self.header().reader.tail.store(read, Ordering::Release);
    }
}

/// How many words are copied at once: what comes over from the other core one by one is waited for one by one.
const COPIED_AT_ONCE: usize = 512;

/// The reading end.
pub(super) struct Records {
    ring: Ring,
    /// Words copied from the ring; those from `next` to `end` were not looked at yet. Beyond is room to read any record
    /// at its full length.
    copied: Box<[u64; COPIED_AT_ONCE + MOST_WORDS]>,
    next: usize,
    end: usize,
    /// How many words were copied.
    read: u64,
    /// How many of them the writers were told of.
    said: u64,
    head_seen: u64,
}

impl Records {
    /// From the first record.
    pub(super) fn of(ring: Ring) -> Self {
        Self {
            ring,
            copied: Box::new([0; COPIED_AT_ONCE + MOST_WORDS]),
            next: 0,
            end: 0,
            read: 0,
            said: 0,
            head_seen: 0,
        }
    }

    /// Whether none was read yet.
    pub(super) const fn at_start(&self) -> bool {
        self.read == 0
    }

    /// Takes the next record: `None` if there is none, `Some(None)` if it is no record.
    #[inline]
    #[allow(clippy::option_option, reason = "nothing there, and something that is no record, are two things")]
    pub(super) fn pop(&mut self) -> Option<Option<(u32, Record)>> {
        loop {
            let words = &self.copied[self.next..][..MOST_WORDS];
            let length = words_from(words[0]);
            if self.next + length <= self.end {
                self.next += length;
                return Some(decode_record([words[0], words[1], words[2]]));
            }
            match self.copy() {
                Copied::Something => {}
                Copied::Nothing if self.next == self.end => return None,
                // The subject has scribbled over the header, or over the records: one stops in its midst.
                Copied::Nothing | Copied::Nonsense => return Some(None),
            }
        }
    }

    /// Shows the words that were copied and not looked at yet. As many of them are taken as `take` says: each must be a
    /// record by itself.
    #[inline]
    pub(super) fn take_some(&mut self, take: impl FnOnce(&[u64]) -> usize) {
        self.next += take(&self.copied[self.next..self.end]).min(self.end - self.next);
    }

    /// Copies what more there is, as far as there is room for it.
    fn copy(&mut self) -> Copied {
        self.copied.copy_within(self.next..self.end, 0);
        (self.next, self.end) = (0, self.end - self.next);
        if self.head_seen == self.read {
            self.say_what_was_read();
            self.head_seen = self.ring.written();
        }
        let there = self.head_seen.wrapping_sub(self.read);
        if there > CAPACITY {
            return Copied::Nonsense;
        }
        let free = &mut self.copied[self.end..COPIED_AT_ONCE];
        let number = free.len().min(there as usize);
        for (place, word) in (self.read..).zip(&mut free[..number]) {
            // SAFETY: the slot is within the mapping; any bytes are a valid word.
            *word = unsafe { self.ring.slot(place).read_volatile() };
        }
        self.end += number;
        self.read = self.read.wrapping_add(number as u64);
        if self.read.wrapping_sub(self.said) >= READ_AT_ONCE {
            self.say_what_was_read();
        }
        if number == 0 { Copied::Nothing } else { Copied::Something }
    }

    fn say_what_was_read(&mut self) {
        self.ring.say_read(self.read);
        self.said = self.read;
    }
}

/// What came of copying more words.
enum Copied {
    Something,
    Nothing,
    /// The writers claim to have written more than there is room for.
    Nonsense,
}

#[cfg(test)]
pub(super) mod tests {
    use std::alloc::{Layout, alloc_zeroed, dealloc};
    use std::sync::atomic::AtomicU64;

    use super::*;

    /// Memory for a ring, of this process alone.
    pub(in crate::isolation) struct Memory(*mut u8);

    impl Memory {
        const LAYOUT: Layout = match Layout::from_size_align(BYTES, 128) {
            Ok(layout) => layout,
            Err(_) => panic!("a size and an alignment that fit"),
        };

        pub(in crate::isolation) fn new() -> Self {
            // SAFETY: the layout's size is not zero.
            Self(unsafe { alloc_zeroed(Self::LAYOUT) })
        }

        pub(in crate::isolation) fn ring(&self) -> Ring {
            // SAFETY: as long as a ring and aligned; each test drops its rings before the memory.
            unsafe { Ring::new(self.0) }
        }
    }

    impl Drop for Memory {
        fn drop(&mut self) {
            // SAFETY: from `alloc_zeroed` with the same layout.
            unsafe { dealloc(self.0, Self::LAYOUT) };
        }
    }

    #[test]
    fn what_several_threads_write_is_read_whole_each_in_its_order_however_often_the_ring_goes_round() {
        const THREADS: u32 = 4;
        const EACH: u32 = CAPACITY as u32 / 2;
        let memory = Memory::new();
        let mut records = Records::of(memory.ring());
        let mut next = [0; THREADS as usize];
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let ring = memory.ring();
                scope.spawn(move || {
                    for number in 0..EACH {
                        assert!(ring.push(thread, Record::CallbackReturn { number }, u32::MAX).is_some());
                    }
                });
            }
            let mut left = THREADS * EACH;
            while left > 0 {
                let Some(read) = records.pop() else {
                    std::thread::yield_now();
                    continue;
                };
                let (thread, record) = read.expect("a record as it was written");
                let expected = Record::CallbackReturn { number: next[thread as usize] };
                assert_eq!(record, expected, "thread {thread}");
                next[thread as usize] += 1;
                left -= 1;
            }
        });
        assert_eq!(next, [EACH; THREADS as usize]);
        assert!(records.pop().is_none());
    }

    #[test]
    fn what_was_written_before_another_thread_began_is_read_before_what_that_writes() {
        const ROUNDS: u64 = 20_000;
        let memory = Memory::new();
        let mut records = Records::of(memory.ring());
        let turn = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for own in 0..2 {
                let (ring, turn) = (memory.ring(), &turn);
                scope.spawn(move || {
                    for round in (own..ROUNDS).step_by(2) {
                        while turn.load(Ordering::Acquire) != round {
                            std::thread::yield_now();
                        }
                        ring.push(0, Record::CallbackReturn { number: round as u32 }, u32::MAX);
                        turn.store(round + 1, Ordering::Release);
                    }
                });
            }
            for number in 0..ROUNDS as u32 {
                let read = loop {
                    if let Some(read) = records.pop() {
                        break read;
                    }
                    std::thread::yield_now();
                };
                assert_eq!(read, Some((0, Record::CallbackReturn { number })));
            }
        });
    }

    #[test]
    fn a_header_that_was_scribbled_over_is_no_record_and_no_end() {
        let memory = Memory::new();
        let mut records = Records::of(memory.ring());
        memory.ring().header().writers.head.store(CAPACITY + 1, Ordering::Release);
        assert_eq!(records.pop(), Some(None));
    }

    #[test]
    fn a_record_that_is_longer_than_what_was_written_is_none() {
        let memory = Memory::new();
        let ring = memory.ring();
        let mut records = Records::of(ring);
        ring.push(0, Record::CallbackReturn { number: 1 }, u32::MAX);
        ring.header().writers.head.store(1, Ordering::Release);
        assert_eq!(records.pop(), Some(None));
    }

    #[test]
    fn as_many_programs_may_be_run_as_were_allowed_and_it_is_waited_for_until_that_is_known() {
        let memory = Memory::new();
        let ring = memory.ring();
        ring.allow(2);
        assert!(ring.may_run(0) && ring.may_run(1));
        std::thread::scope(|scope| {
            let third = scope.spawn({
                let ring = memory.ring();
                move || (ring.may_run(2), ring.may_run(3))
            });
            ring.allow(3);
            ring.allow_no_more();
            assert_eq!(third.join().expect("no panic"), (true, false));
        });
    }

    #[test]
    fn who_finds_the_lock_held_gives_up_when_its_patience_ends() {
        let memory = Memory::new();
        let ring = memory.ring();
        assert!(ring.header().writers.lock.take(0));
        assert_eq!(ring.push(0, Record::Finished, 10), None);
        ring.header().writers.lock.give_back();
        assert_eq!(ring.push(0, Record::Finished, 10), Some(0));
    }
}

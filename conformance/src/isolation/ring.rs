//! The ring in shared memory: the child writes records, the parent reads them.
//!
//! One lock in the child orders its writers (a subject may call sinks from any thread); the parent is the only
//! reader. The parent copies a record out before it looks at it, and checks every number in it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::wire::{Record, RecordWords, decode_record, encode_record};

/// How many records the ring holds.
pub(super) const CAPACITY: u64 = 1 << 14;
/// Bytes of the ring with its header.
pub(super) const BYTES: usize = HEADER + CAPACITY as usize * size_of::<RecordWords>();
const HEADER: usize = 64;

#[repr(C)]
struct Header {
    /// Records written since the start.
    head: AtomicU64,
    /// Records read since the start.
    tail: AtomicU64,
    /// The writers' lock: 1 while held.
    lock: AtomicU32,
}

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
    /// `base` points to at least [`BYTES`] bytes, aligned to 64, shared or not, that outlive every copy of the ring.
    pub(super) const unsafe fn new(base: *mut u8) -> Self {
        Self { base }
    }

    #[allow(clippy::cast_ptr_alignment, reason = "the contract of `new`: base is aligned to 64")]
    fn header(&self) -> &Header {
        // SAFETY: by `new`, the header lies at the start, aligned; its fields are atomics, so any bytes are valid.
        unsafe { &*self.base.cast::<Header>() }
    }

    fn slot(&self, index: u64) -> *mut [u32; 8] {
        let offset = HEADER + (index % CAPACITY) as usize * size_of::<RecordWords>();
        // SAFETY: the offset is within BYTES by the remainder.
        unsafe { self.base.add(offset).cast() }
    }

    /// Appends a record, waiting for room if the reader is behind. `false` if it gave up, as in a signal handler
    /// that finds the lock held.
    pub(super) fn push(&self, trace: u32, record: Record, patience: u32) -> bool {
        let header = self.header();
        let mut tries = 0_u32;
        while header.lock.compare_exchange_weak(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            tries += 1;
            if tries > patience {
                return false;
            }
            if tries.is_multiple_of(64) {
                std::thread::yield_now();
            }
            std::hint::spin_loop();
        }
        let head = header.head.load(Ordering::Relaxed);
        while head.wrapping_sub(header.tail.load(Ordering::Acquire)) >= CAPACITY {
            std::thread::yield_now();
        }
        // SAFETY: the slot is within the mapping; the lock makes this the only writer, and the reader does not look
        // at it before the head has moved.
        unsafe { self.slot(head).write_volatile(encode_record(trace, record)) };
        header.head.store(head.wrapping_add(1), Ordering::Release);
        header.lock.store(0, Ordering::Release);
        true
    }

    /// How many records were written since the start, as the child claims.
    pub(super) fn written(self) -> u64 {
        self.header().head.load(Ordering::Acquire)
    }

    /// Takes the next record: `None` if there is none, `Some(None)` if it is no record.
    #[allow(clippy::option_option, reason = "nothing there, and something that is no record, are two things")]
    pub(super) fn pop(self, read: u64) -> Option<Option<(u32, Record)>> {
        let head = self.written();
        if head == read {
            return None;
        }
        if head.wrapping_sub(read) > CAPACITY {
            // The subject has scribbled over the header.
            return Some(None);
        }
        // SAFETY: the slot is within the mapping; any bytes are valid words.
        let words = unsafe { self.slot(read).read_volatile() };
        self.header().tail.store(read.wrapping_add(1), Ordering::Release);
        Some(decode_record(&words))
    }
}

//! A lock that costs the thread that takes it nearly always no atomic instruction, which would have it wait until all
//! that it wrote has come through. Another thread that wants it has to wait for it longer, and ends the favour.
//!
//! The favourite says that it is inside, then looks whether it still is the favourite; another thread takes the favour
//! away, then looks whether the favourite is inside. One of the two sees the other, since the other thread has all
//! threads of the process come to a barrier in between: the favourite needs none of its own (asymmetric fences, as in
//! Dice, Huang and Yang, "Asymmetric Dekker Synchronization", 2001).

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, compiler_fence};

/// The lock. All zero: free, and nobody's favourite.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Favouring {
    /// The thread that is favoured. Zero: none is.
    favourite: AtomicUsize,
    /// The favourite, while it is inside as such. Zero: it is not.
    inside: AtomicUsize,
    /// What the others take: 1 while held.
    held: AtomicU32,
}

/// As good as for ever.
const PATIENT: u32 = u32::MAX;

/// This thread, told from all others that live. Never zero.
#[inline]
fn this_thread() -> usize {
    thread_local! {
        static MARK: u8 = const { 0 };
    }
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}

impl Favouring {
    /// Free.
    pub(crate) const fn new() -> Self {
        Self { favourite: AtomicUsize::new(0), inside: AtomicUsize::new(0), held: AtomicU32::new(0) }
    }

    /// Takes the lock, having tried no more often than that. Whether it did: not if this thread holds it.
    #[inline]
    pub(crate) fn take(&self, patience: u32) -> bool {
        let me = this_thread();
        if self.favourite.load(Ordering::Relaxed) == me && self.inside.load(Ordering::Relaxed) == 0 {
            self.inside.store(me, Ordering::Relaxed);
            compiler_fence(Ordering::SeqCst);
            if self.favourite.load(Ordering::Acquire) == me {
                return true;
            }
            self.inside.store(0, Ordering::Release);
        }
        self.take_as_one_of_many(patience)
    }

    /// The same, as those do that are not favoured, and take the favour from whoever has it.
    #[cold]
    fn take_as_one_of_many(&self, patience: u32) -> bool {
        let free = || self.held.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if !wait_until(patience, free) {
            return false;
        }
        if self.favourite.swap(0, Ordering::AcqRel) != 0 {
            barrier::for_all_threads();
        }
        let alone = wait_until(patience, || self.inside.load(Ordering::Acquire) == 0);
        if !alone {
            self.held.store(0, Ordering::Release);
        }
        alone
    }

    /// Gives it back: only for the thread that took it.
    #[inline]
    pub(crate) fn give_back(&self) {
        // Another that is inside has not found out yet that it is no favourite any more.
        let lock_of_the_favourite = self.inside.load(Ordering::Relaxed) == this_thread();
        if lock_of_the_favourite {
            self.inside.store(0, Ordering::Release);
        } else {
            self.held.store(0, Ordering::Release);
        }
    }

    /// From now on it favours this thread, which does not hold it. Where there is no barrier for all threads, nothing
    /// changes.
    #[inline]
    pub(crate) fn favour_this_thread(&self) {
        if self.favourite.load(Ordering::Relaxed) != this_thread() {
            self.change_the_favourite();
        }
    }

    #[cold]
    fn change_the_favourite(&self) {
        if barrier::can_be_had() && self.take(PATIENT) {
            self.favourite.store(this_thread(), Ordering::Relaxed);
            self.give_back();
        }
    }
}

/// Looks so often whether this is so. Whether it came to be.
fn wait_until(patience: u32, mut is_so: impl FnMut() -> bool) -> bool {
    let mut tries = 0;
    while !is_so() {
        if tries == patience {
            return false;
        }
        tries += 1;
        if tries.is_multiple_of(64) {
            std::thread::yield_now();
        }
        std::hint::spin_loop();
    }
    true
}

// SAFETY: whoever has it is the only one: of those that are not favoured, by `held`; beside the favourite, since it is
// waited for after the favour was taken from it, as the head of this file says.
unsafe impl lock_api::RawMutex for Favouring {
    #[allow(clippy::declare_interior_mutable_const, reason = "lock_api makes each lock from it")]
    const INIT: Self = Self::new();
    type GuardMarker = lock_api::GuardNoSend;

    #[inline]
    fn lock(&self) {
        while !self.take(PATIENT) {}
    }

    #[inline]
    fn try_lock(&self) -> bool {
        self.take(0)
    }

    #[inline]
    unsafe fn unlock(&self) {
        self.give_back();
    }
}

/// A barrier that all threads of this process come to, wherever they are.
#[cfg(target_os = "linux")]
mod barrier {
    use std::sync::LazyLock;

    use rustix::thread::{MembarrierCommand, membarrier};

    /// Whether the system has it: old ones have not, and some containers forbid it.
    pub(super) fn can_be_had() -> bool {
        static REGISTERED: LazyLock<bool> =
            LazyLock::new(|| membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok());
        *REGISTERED
    }

    pub(super) fn for_all_threads() {
        // Nobody is favoured where it cannot be had, and the system refuses nothing to those that have registered.
        let _ = membarrier(MembarrierCommand::PrivateExpedited);
    }
}

/// Not known how: nobody is favoured.
#[cfg(not(target_os = "linux"))]
mod barrier {
    pub(super) const fn can_be_had() -> bool {
        false
    }

    pub(super) const fn for_all_threads() {}
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::AtomicBool;

    use super::*;

    type Mutex<T> = lock_api::Mutex<Favouring, T>;

    /// The lock of that mutex.
    fn raw<T>(mutex: &Mutex<T>) -> &Favouring {
        // SAFETY: the tests give back only what they took.
        unsafe { mutex.raw() }
    }

    #[test]
    fn no_two_threads_are_inside_at_once_however_the_favour_changes() {
        const ROUNDS: u32 = 20_000;
        const CHANGES: u32 = 1_000;
        let counts = Mutex::new([0_u32; 2]);
        // Both write there before they go in, so that what they write next comes through late.
        let noise: [AtomicUsize; 64] = [const { AtomicUsize::new(0) }; 64];
        let add_one = || {
            for line in noise.iter().step_by(8) {
                line.store(1, Ordering::Relaxed);
            }
            let mut counts = counts.lock();
            let before = counts[0];
            counts[0] = std::hint::black_box(before + 1);
            counts[1] += 1;
            counts[0] == before + 1 && counts[0] == counts[1]
        };
        // That takes the system a while where there are several threads.
        let can_be_had = barrier::can_be_had();
        let (start, changes, is_over) = (Barrier::new(2), AtomicU32::new(0), AtomicBool::new(false));
        let alone_inside = std::thread::scope(|scope| {
            let favourite = scope.spawn(|| {
                let mut rounds = 0;
                start.wait();
                while !is_over.load(Ordering::Relaxed) {
                    let lost = raw(&counts).favourite.load(Ordering::Relaxed) == 0;
                    changes.fetch_add(lost.into(), Ordering::Relaxed);
                    raw(&counts).favour_this_thread();
                    for _ in 0..8 {
                        if !add_one() {
                            return None;
                        }
                        rounds += 1;
                    }
                }
                Some(rounds)
            });
            let other = scope.spawn(|| {
                let mut rounds = 0;
                let enough = || !can_be_had || changes.load(Ordering::Relaxed) >= CHANGES;
                start.wait();
                let alone = loop {
                    (0..rounds % 64).for_each(|_| std::hint::spin_loop());
                    if !add_one() {
                        break None;
                    }
                    rounds += 1;
                    if rounds >= ROUNDS && enough() {
                        break Some(rounds);
                    }
                };
                is_over.store(true, Ordering::Relaxed);
                alone
            });
            [favourite, other].map(|thread| thread.join().expect("no panic"))
        });
        let rounds = alone_inside.into_iter().sum::<Option<u32>>();
        assert_eq!(rounds.map(|rounds| [rounds; 2]), Some(*counts.lock()));
    }

    #[test]
    fn who_finds_it_held_gives_up_when_its_patience_ends_whoever_holds_it() {
        let lock = Favouring::new();
        let elsewhere = |patience| {
            std::thread::scope(|scope| {
                let tried = scope.spawn(|| {
                    let taken = lock.take(patience);
                    if taken {
                        lock.give_back();
                    }
                    taken
                });
                tried.join().expect("no panic")
            })
        };
        for favoured in [false, true] {
            if favoured {
                lock.favour_this_thread();
            }
            assert!(lock.take(0));
            assert!(!elsewhere(10), "favoured: {favoured}");
            assert!(!lock.take(10), "by this thread itself");
            lock.give_back();
            assert!(elsewhere(10));
        }
    }
}

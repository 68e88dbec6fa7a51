//! A program that forks: the child has one thread, and waits for ever for what another had locked. What is locked here,
//! the record and the stand-ins, is taken before the fork and let go of after it, on both sides. A fork while the real
//! library is just being loaded is not covered.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use crate::record::{Record, locked};
use crate::{session, sinks};

/// How long a fork waits, at most. The program may fork with a lock of its own that somebody waits for who has the
/// record, or from a signal handler that has interrupted the recorder: that fork goes on without.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long somebody who wants to write lets who forks go first. A program that calls without pause has the record locked
/// nearly always, and is mostly interrupted while it has: who forks would hardly ever find it free.
const COURTESY: Duration = Duration::from_millis(1);

/// How many threads wait to fork.
static WAITING: AtomicU32 = AtomicU32::new(0);

type StandIns = MutexGuard<'static, HashMap<usize, usize>>;

/// Everything that is locked here, in the order in which it is: what names a sink asks the record for the name.
struct Locked {
    _sinks: Option<StandIns>,
    _sessions: Option<StandIns>,
    _record: Option<MutexGuard<'static, Record>>,
}

thread_local! {
    /// What the thread that forks holds meanwhile.
    static HELD: RefCell<Option<Locked>> = const { RefCell::new(None) };
}

/// From here on each fork waits until nobody writes.
pub(crate) fn watch() {
    // SAFETY: the three functions have the form that is asked for, and may run on any thread.
    unsafe {
        libc::pthread_atfork(Some(hold_all), Some(let_all_go), Some(go_on_in_the_child));
    }
}

/// Lets whoever waits to fork go first. It is a short sleep and no more, because who comes here may hold what the fork
/// needs as well.
pub(crate) fn let_go_first() {
    if WAITING.load(Ordering::Relaxed) > 0 {
        std::thread::sleep(COURTESY);
    }
}

fn lock<T>(mutex: &'static Mutex<T>, until: Instant) -> Option<MutexGuard<'static, T>> {
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => return None,
            Err(TryLockError::WouldBlock) => std::thread::yield_now(),
        }
    }
}

unsafe extern "C" fn hold_all() {
    let until = Instant::now() + PATIENCE;
    WAITING.fetch_add(1, Ordering::Relaxed);
    // A thread that is ending has no place to keep them, and forks without.
    let _ = HELD.try_with(|held| {
        let (sinks, sessions) = (lock(&sinks::KNOWN, until), lock(&session::LIVE, until));
        *held.borrow_mut() =
            Some(Locked { _sinks: sinks, _sessions: sessions, _record: lock(locked(), until) });
    });
    WAITING.fetch_sub(1, Ordering::Relaxed);
}

unsafe extern "C" fn let_all_go() {
    let _ = HELD.try_with(RefCell::take);
}

/// The child has one thread: whoever else was about to fork is not there.
unsafe extern "C" fn go_on_in_the_child() {
    WAITING.store(0, Ordering::Relaxed);
    // SAFETY: it has no preconditions.
    unsafe { let_all_go() };
}

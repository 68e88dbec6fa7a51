//! An exception that nobody caught ends in an abort: telling it from any other.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use libloading::Library;

use super::super::ring::Ring;
use super::super::wire::Record;
use crate::subject::exception_is_under_way;

/// Where to tell it, and of which library.
static ABORTS: OnceLock<(Ring, Option<&'static Library>)> = OnceLock::new();
static ON_ABORT_RUNS: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

/// Tells an exception that nobody caught from any other abort, then dies as it would have.
extern "C" fn on_abort(signal: libc::c_int) {
    let mut mark = 0_u8;
    let first = ON_ABORT_RUNS
        .compare_exchange(std::ptr::null_mut(), (&raw mut mark).cast(), Ordering::SeqCst, Ordering::SeqCst)
        .is_ok();
    if first
        && let Some((ring, library)) = ABORTS.get()
        && exception_is_under_way(*library)
    {
        ring.push(u32::MAX, Record::Exception, 1_000_000);
    }
    // SAFETY: both functions may be called from a signal handler.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// From now on an abort is looked into.
pub(super) fn watch() {
    // SAFETY: installs a handler that only calls what a handler may call.
    unsafe {
        libc::signal(libc::SIGABRT, on_abort as *const () as libc::sighandler_t);
    }
}

/// It is told there, of the library that was loaded.
pub(super) fn tell(ring: Ring, library: Option<&'static Library>) {
    let _ = ABORTS.set((ring, library));
}

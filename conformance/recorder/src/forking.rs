//! A program that forks: the child has one thread, and no lock may be held for ever by one that it does not have.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::MutexGuard;

use crate::record::{Record, record};
use crate::{session, sinks};

/// Everything that is locked here, in the order in which it is: what names a sink asks the record for the name.
struct Locked {
    _sinks: MutexGuard<'static, HashMap<usize, usize>>,
    _sessions: MutexGuard<'static, HashMap<usize, usize>>,
    _record: MutexGuard<'static, Record>,
}

thread_local! {
    /// What the thread that forks holds meanwhile.
    static HELD: RefCell<Option<Locked>> = const { RefCell::new(None) };
}

/// From here on each fork waits until nobody writes, and leaves the child with nothing locked.
pub(crate) fn watch() {
    // SAFETY: the three functions have the form that is asked for, and may run on any thread.
    unsafe {
        libc::pthread_atfork(Some(hold_all), Some(let_all_go), Some(let_all_go));
    }
}

unsafe extern "C" fn hold_all() {
    // A thread that is ending has no place to keep them, and forks without.
    let _ = HELD.try_with(|held| {
        let (sinks, sessions) = (sinks::known(), session::live());
        *held.borrow_mut() = Some(Locked { _sinks: sinks, _sessions: sessions, _record: record() });
    });
}

unsafe extern "C" fn let_all_go() {
    let _ = HELD.try_with(RefCell::take);
}

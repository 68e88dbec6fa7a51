//! The client's threads besides its first: what they are handed, and what they still owe.
//!
//! Each is started when it is first needed: a process with one thread pays for no locks of the runtime's, and a client
//! that makes all its calls on one thread has one.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::isolation::heat::Heat;

/// What such a thread is to do.
pub(super) enum Job {
    /// One step of the trace that runs.
    Step(usize),
    /// Its part of a race.
    Race(Arc<Heat>),
}

/// All of them, by their numbers, which begin with 1.
#[derive(Default)]
pub(super) struct Workers {
    to_each: Mutex<Vec<Sender<Job>>>,
    owes: AtomicU32,
    /// Held while what they owe is counted down.
    paying: Mutex<()>,
    paid: Condvar,
}

impl Workers {
    /// Has this thread and those before it started. `start` starts the one of a number, and says whether it did. Whether all
    /// are there.
    pub(super) fn start(&self, thread: u8, start: impl Fn(u8, Receiver<Job>) -> bool) -> bool {
        let mut to_each = self.to_each.lock().unwrap_or_else(PoisonError::into_inner);
        while to_each.len() < usize::from(thread) {
            let (sender, jobs) = channel();
            if !start(to_each.len() as u8 + 1, jobs) {
                return false;
            }
            to_each.push(sender);
        }
        true
    }

    /// Hands a job to this thread, which was started.
    pub(super) fn hand_to(&self, thread: u8, job: Job) {
        self.owes.fetch_add(1, Ordering::SeqCst);
        let to_each = self.to_each.lock().unwrap_or_else(PoisonError::into_inner);
        let is_handed = to_each.get(usize::from(thread) - 1).is_some_and(|worker| worker.send(job).is_ok());
        if !is_handed {
            self.owes.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Whether they have done all that they were handed.
    #[inline]
    pub(super) fn owe_nothing(&self) -> bool {
        self.owes.load(Ordering::SeqCst) == 0
    }

    /// One job is done.
    pub(super) fn have_done_one(&self) {
        let paying = self.paying.lock().unwrap_or_else(PoisonError::into_inner);
        self.owes.fetch_sub(1, Ordering::SeqCst);
        drop(paying);
        self.paid.notify_all();
    }

    /// Waits until they owe nothing: at most so long, or for ever. Others may wait meanwhile, each as long as it will.
    #[inline]
    pub(super) fn wait(&self, at_most: Option<Duration>) {
        if !self.owe_nothing() {
            self.wait_for_what_is_owed(at_most);
        }
    }

    #[cold]
    fn wait_for_what_is_owed(&self, at_most: Option<Duration>) {
        let begun = Instant::now();
        let mut paying = self.paying.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.owe_nothing() {
            paying = match at_most.map(|limit| limit.saturating_sub(begun.elapsed())) {
                None => self.paid.wait(paying).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return,
                Some(left) => {
                    let waited = self.paid.wait_timeout(paying, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

//! A race in the child: threads that begin together.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use mapi_session_spec::event::ThreadId;

use super::programs::Steps;
use crate::program::{Place, RACERS};

/// How often a thread that lines up looks for the others before it sleeps; and how often one that knows that all have come
/// looks for those that are only just waking.
const LOOKS: u32 = 20_000;

/// One race: which steps, and who has come to the line.
pub(super) struct Heat {
    /// The steps, one after the other in the program.
    pub(super) steps: Range<usize>,
    threads: u32,
    arrived: AtomicU32,
    /// How many know that all have come.
    awake: AtomicU32,
    going_to_sleep: Mutex<()>,
    all_are_there: Condvar,
}

impl Heat {
    /// The race that begins at this step of a program, if one does.
    pub(super) fn beginning_at(steps: Steps, first: usize) -> Option<Self> {
        let length = steps.from(first).take_while(|step| step.place.is_racing()).count();
        let range = first..first + length;
        let threads = (0..RACERS).filter(|thread| own(steps, &range, ThreadId(*thread)).next().is_some());
        let threads = threads.count() as u32;
        (length > 0).then_some(Self {
            steps: range,
            threads,
            arrived: AtomicU32::new(0),
            awake: AtomicU32::new(0),
            going_to_sleep: Mutex::new(()),
            all_are_there: Condvar::new(),
        })
    }

    /// Whether this thread takes part.
    pub(super) fn has(&self, steps: Steps, thread: ThreadId) -> bool {
        own(steps, &self.steps, thread).next().is_some()
    }

    /// Runs this thread's steps, from when all threads are there.
    pub(super) fn run(&self, steps: Steps, thread: ThreadId, mut step: impl FnMut(usize)) {
        self.line_up();
        for (index, pause) in own(steps, &self.steps, thread) {
            for _ in 0..pause {
                std::hint::spin_loop();
            }
            step(index);
        }
    }

    /// On a machine with a processor for each, the last to come is seen at once. On a busy one, who comes first sleeps: who
    /// is woken is let run sooner than who has used its time up, so they are likelier to run side by side.
    fn line_up(&self) {
        let is_last = self.arrived.fetch_add(1, Ordering::SeqCst) + 1 == self.threads;
        if is_last {
            // Whoever has looked in vain sleeps by then, or looks once more.
            drop(self.going_to_sleep.lock().unwrap_or_else(PoisonError::into_inner));
            self.all_are_there.notify_all();
        } else if !self.see_all_in(&self.arrived) {
            let mut sleeping = self.going_to_sleep.lock().unwrap_or_else(PoisonError::into_inner);
            while self.arrived.load(Ordering::SeqCst) < self.threads {
                sleeping = self.all_are_there.wait(sleeping).unwrap_or_else(PoisonError::into_inner);
            }
        }
        self.awake.fetch_add(1, Ordering::SeqCst);
        self.see_all_in(&self.awake);
    }

    /// Whether all are counted here before it is no longer looked.
    fn see_all_in(&self, counted: &AtomicU32) -> bool {
        (0..LOOKS).any(|_| {
            std::hint::spin_loop();
            counted.load(Ordering::SeqCst) >= self.threads
        })
    }
}

/// The steps of one thread, with the pause before each.
fn own<'a>(steps: Steps<'a>, range: &Range<usize>, of: ThreadId) -> impl Iterator<Item = (usize, u16)> + 'a {
    range.clone().zip(steps.from(range.start)).filter_map(move |(index, step)| match step.place {
        Place::Racing { thread, pause } if thread == of => Some((index, pause)),
        _ => None,
    })
}

//! A race in the child: threads that begin together.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use mapi_session_spec::event::ThreadId;

use super::programs::Steps;
use crate::program::{Place, RACERS};

/// How often a thread that lines up looks for the others before it lets somebody else run.
const LOOKS: u32 = 20_000;

/// One race: which steps, and who has come to the line.
pub(super) struct Heat {
    /// The steps, one after the other in the program.
    pub(super) steps: Range<usize>,
    threads: u32,
    arrived: AtomicU32,
}

impl Heat {
    /// The race that begins at this step of a program, if one does.
    pub(super) fn beginning_at(steps: Steps, first: usize) -> Option<Self> {
        let length = steps.from(first).take_while(|step| step.place.is_racing()).count();
        let range = first..first + length;
        let threads = (0..RACERS).filter(|thread| own(steps, &range, ThreadId(*thread)).next().is_some());
        let threads = threads.count() as u32;
        (length > 0).then_some(Self { steps: range, threads, arrived: AtomicU32::new(0) })
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

    fn line_up(&self) {
        self.arrived.fetch_add(1, Ordering::SeqCst);
        let mut looks = 0;
        while self.arrived.load(Ordering::SeqCst) < self.threads {
            looks += 1;
            if looks < LOOKS {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }
}

/// The steps of one thread, with the pause before each.
fn own<'a>(steps: Steps<'a>, range: &Range<usize>, of: ThreadId) -> impl Iterator<Item = (usize, u16)> + 'a {
    range.clone().zip(steps.from(range.start)).filter_map(move |(index, step)| match step.place {
        Place::Racing { thread, pause } if thread == of => Some((index, pause)),
        _ => None,
    })
}

//! Settling: until all that is awaited has come, or the time is up.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::super::wire::Record;
use super::{Child, Running};
use crate::program::Awaited;

/// How long settling looks again and again before it sleeps between two looks.
const AWAKE: Duration = Duration::from_micros(100);

impl Child {
    /// Waits until everything awaited has come, or the time is up.
    pub(super) fn settle(&self, running: &Running, awaited: Awaited) {
        let start = Instant::now();
        let there = || awaited != Awaited::default() && running.have(awaited);
        running.driver.pump();
        if !there() && self.waited_in_vain.load(Ordering::Relaxed) >= self.patience {
            self.put(running.trace, Record::NotSettled);
            return;
        }
        while !there() && start.elapsed() < self.settle {
            if start.elapsed() < AWAKE {
                std::thread::yield_now();
            } else {
                std::thread::sleep(Duration::from_micros(200));
            }
            running.driver.pump();
        }
        if there() {
            self.hear_it_out(running, awaited);
        }
        // The limit and not the clock: the same behaviour gives the same record on a busy machine.
        let mut milliseconds = 0;
        if !there() {
            self.waited_in_vain.fetch_add(1, Ordering::Relaxed);
            milliseconds = u32::try_from(self.settle.as_millis()).unwrap_or(u32::MAX);
        }
        running.driver.sinks.listen_anew();
        self.put(running.trace, Record::Settled { milliseconds });
    }

    /// Where the first word of an announcement is there, the others may be on their way.
    fn hear_it_out(&self, running: &Running, awaited: Awaited) {
        let sinks = &running.driver.sinks;
        let start = Instant::now();
        let mut quiet_since = start;
        let heard = loop {
            // The clock before the look: a process that was not let run has not listened.
            let is_over =
                quiet_since.elapsed() >= self.announcements.rest() || start.elapsed() >= self.settle;
            let are_listening = sinks.are_listening();
            if are_listening {
                quiet_since = Instant::now();
            }
            let heard = sinks.told(awaited);
            // What a sink does while it hears may be what the others need not hear for.
            if is_over || (!are_listening && self.announcements.are_whole(&heard)) {
                break heard;
            }
            std::thread::sleep(Duration::from_micros(50));
            running.driver.pump();
        };
        self.announcements.learn(&heard);
    }
}

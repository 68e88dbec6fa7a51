//! Settling: until all that is awaited has come, or the time is up.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::super::wire::Record;
use super::{Child, Running};
use crate::program::Awaited;

/// How long settling looks again and again before it sleeps between two looks.
const AWAKE: Duration = Duration::from_micros(30);
/// How long it sleeps only briefly then.
const BRIEFLY: Duration = Duration::from_millis(1);
/// How long it sleeps then, and how long where something was heard and more may be on its way.
const PAUSE: Duration = Duration::from_micros(200);
const SHORT_PAUSE: Duration = Duration::from_micros(50);
/// On a machine that is ever busy, a settling takes so many times its limit and no more.
pub(in super::super) const AT_MOST: u32 = 2;

/// How long somebody has waited for what others do. Where more than twice the pause has passed between two looks, this
/// process was not let run, and whoever was to tell something mostly was not either: that does not count.
struct Waited {
    pause: Duration,
    since: Instant,
    last_look: Instant,
    counted: Duration,
}

impl Waited {
    fn from_now(pause: Duration) -> Self {
        let now = Instant::now();
        Self { pause, since: now, last_look: now, counted: Duration::ZERO }
    }

    fn so_far(&mut self) -> Duration {
        let now = Instant::now();
        self.counted += now.duration_since(self.last_look).min(2 * self.pause);
        self.last_look = now;
        self.counted
    }

    fn is_settled(&mut self, limit: Duration) -> bool {
        self.so_far() >= limit || self.last_look.duration_since(self.since) >= AT_MOST * limit
    }
}

impl Child {
    /// Waits until everything awaited has come, or the time is up.
    pub(super) fn settle(&self, running: &Running, awaited: Awaited) {
        if awaited.strays {
            return self.listen_for_strays(running);
        }
        let mut waited = Waited::from_now(PAUSE);
        // What a sink has had done on another thread may be what the others wait for.
        let all_is_done = || self.workers.owe_nothing();
        let there = || awaited != Awaited::default() && running.have(awaited) && all_is_done();
        running.driver.pump();
        let has_come = loop {
            // The clock before the look.
            let is_over = waited.is_settled(self.settle);
            if there() {
                self.hear_it_out(running, awaited, &mut waited);
                // What was given back while a sink heard is awaited from then on.
                if there() {
                    break true;
                }
            }
            if is_over {
                break false;
            }
            if self.waited_in_vain.load(Ordering::Relaxed) >= self.patience {
                self.put(running.trace, Record::NotSettled);
                return;
            }
            if waited.counted < AWAKE {
                std::hint::spin_loop();
            } else {
                std::thread::sleep(if waited.counted < BRIEFLY { SHORT_PAUSE } else { PAUSE });
            }
            running.driver.pump();
        };
        // The limit and not the clock: the same behaviour gives the same record on a busy machine.
        let mut milliseconds = 0;
        if !has_come {
            self.waited_in_vain.fetch_add(1, Ordering::Relaxed);
            milliseconds = u32::try_from(self.settle.as_millis()).unwrap_or(u32::MAX);
        }
        running.driver.sinks.listen_anew();
        self.put(running.trace, Record::Settled { milliseconds });
    }

    /// What is on its way on a thread of the subject's own comes as soon as there is a processor for it: this one sleeps. Nothing
    /// is settled by that, and so it is not on the record.
    fn listen_for_strays(&self, running: &Running) {
        let limit = self.announcements.rest_of_strays();
        let mut waited = Waited::from_now(SHORT_PAUSE);
        let mut quiet = Waited::from_now(SHORT_PAUSE);
        while (quiet.so_far() < limit || self.threads.another_is_awake()) && !waited.is_settled(self.settle) {
            std::thread::sleep(SHORT_PAUSE);
            running.driver.pump();
            if self.being_called_back.load(Ordering::SeqCst) > 0 {
                quiet = Waited::from_now(SHORT_PAUSE);
            }
        }
    }

    /// Where the first word of an announcement is there, the others may be on their way.
    fn hear_it_out(&self, running: &Running, awaited: Awaited, waited: &mut Waited) {
        let sinks = &running.driver.sinks;
        let mut quiet = Waited::from_now(SHORT_PAUSE);
        let heard = loop {
            // Whoever has heard a word is being called back, or was: so what was heard comes first.
            let heard = sinks.told(awaited, |session| running.logoff(session));
            if self.being_called_back.load(Ordering::SeqCst) > 0 {
                // Who tells one after the other cannot go on; and what a sink does may be what the others need not hear for.
                quiet = Waited::from_now(SHORT_PAUSE);
            } else if self.announcements.are_whole(&heard) || quiet.so_far() >= self.announcements.rest() {
                break heard;
            }
            if waited.is_settled(self.settle) {
                break heard;
            }
            std::thread::sleep(SHORT_PAUSE);
            running.driver.pump();
        };
        self.announcements.learn(&heard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_while_this_process_is_not_let_run_is_hardly_counted() {
        let mut waited = Waited::from_now(PAUSE);
        for looks in 1..=3 {
            assert!(waited.so_far() <= looks * 2 * PAUSE);
            std::thread::sleep(10 * PAUSE);
        }
        assert!(waited.so_far() >= 3 * 2 * PAUSE);
    }

    #[test]
    fn on_a_machine_that_lets_nobody_run_a_settling_ends_all_the_same() {
        let limit = 10 * PAUSE;
        let mut waited = Waited::from_now(PAUSE);
        std::thread::sleep(AT_MOST * limit);
        assert!(waited.so_far() < limit && waited.is_settled(limit));
    }
}

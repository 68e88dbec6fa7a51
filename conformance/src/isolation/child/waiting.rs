//! For how long the subject has waited, and this machine has not made it wait.

use std::time::{Duration, Instant};

/// Since some moment.
#[derive(Debug)]
pub(super) struct Waiting {
    since: Instant,
    busy: Option<Duration>,
    /// What the tester made it wait, in whole.
    left_out: Duration,
    paused: Option<Duration>,
}

impl Waiting {
    /// From now on.
    pub(super) fn from_now() -> Self {
        Self { since: Instant::now(), busy: busy(), left_out: Duration::ZERO, paused: None }
    }

    /// From here on it is the tester who waits.
    pub(super) fn pause(&mut self) {
        self.paused = Some(self.since_then());
    }

    /// From here on it is the subject again.
    #[inline]
    pub(super) fn go_on(&mut self) {
        if let Some(paused) = self.paused.take() {
            self.left_out += self.since_then().saturating_sub(paused);
        }
    }

    /// For how long all threads of this process have waited since, and not for a processor. Zero where the system does not
    /// say what they did.
    pub(super) fn so_far(&self) -> Duration {
        self.since_then().saturating_sub(self.left_out)
    }

    fn since_then(&self) -> Duration {
        let busy = || Some(busy()?.saturating_sub(self.busy?));
        busy().map_or(Duration::ZERO, |busy| self.since.elapsed().saturating_sub(busy))
    }
}

/// For how long the threads of this process have run, all together, or waited for a processor.
#[cfg(target_os = "linux")]
fn busy() -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure outlives the call.
    let known = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) } == 0;
    if !known {
        return None;
    }
    let ran = Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
    let waited_for_a_processor = |thread: std::io::Result<std::fs::DirEntry>| -> Option<Duration> {
        let said = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        said.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
    };
    Some(
        ran + std::fs::read_dir("/proc/self/task").ok()?.filter_map(waited_for_a_processor).sum::<Duration>(),
    )
}

#[cfg(not(target_os = "linux"))]
fn busy() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tester_waits_is_left_out() {
        let enough = Duration::from_millis(5);
        let mut waiting = Waiting::from_now();
        waiting.pause();
        while waiting.since_then() < enough {
            std::thread::sleep(enough);
        }
        waiting.go_on();
        assert!(waiting.left_out > Duration::ZERO);
        assert!(waiting.so_far() + waiting.left_out >= enough);
    }

    #[test]
    fn who_counts_does_not_wait() {
        let waiting = Waiting::from_now();
        let mut count = 0_u64;
        while waiting.since.elapsed() < Duration::from_millis(50) {
            count = std::hint::black_box(count + 1);
        }
        assert!(waiting.so_far() < Duration::from_millis(45), "{:?}", waiting.so_far());
    }
}

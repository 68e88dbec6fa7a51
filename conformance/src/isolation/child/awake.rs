//! Whether another thread of this process is about to do something.

/// Whether a thread besides this one runs, or is ready to: one that a subject has just started or woken is, however busy
/// the machine. `false` where the system does not say.
///
/// Source: proc(5), `/proc/pid/task` and the third field of `/proc/pid/stat`.
#[cfg(target_os = "linux")]
pub(super) fn another_is_awake() -> bool {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return false };
    let this = rustix::thread::gettid().as_raw_nonzero().to_string();
    threads.filter_map(Result::ok).filter(|thread| thread.file_name() != *this).any(|thread| {
        std::fs::read(thread.path().join("stat")).is_ok_and(|said| state(&said).is_some_and(is_awake))
    })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn another_is_awake() -> bool {
    false
}

/// The letter behind the name, which may itself have parentheses.
#[cfg(target_os = "linux")]
fn state(said: &[u8]) -> Option<u8> {
    let name_ends = said.iter().rposition(|byte| *byte == b')')?;
    said.get(name_ends + 2).copied()
}

/// Running or ready to, or in a wait of the kernel's own, which is short.
#[cfg(target_os = "linux")]
const fn is_awake(state: u8) -> bool {
    matches!(state, b'R' | b'D')
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_name_with_parentheses_hides_no_state() {
        assert_eq!(state(b"7 (a) R (b)) S 1 2"), Some(b'S'));
        assert_eq!(state(b"7 (cut off"), None);
        assert_eq!(state(b"7 (cut off)"), None);
    }

    /// Elsewhere in this process other tests run: so it is only certain that whoever is waited for has come.
    #[test]
    fn who_waits_until_nobody_is_awake_has_seen_what_a_thread_just_started_does() {
        static DONE: AtomicU32 = AtomicU32::new(0);
        for started in 1..=200 {
            let other = std::thread::spawn(|| DONE.fetch_add(1, Ordering::SeqCst));
            while another_is_awake() {
                std::thread::sleep(Duration::from_micros(50));
            }
            assert_eq!(DONE.load(Ordering::SeqCst), started);
            other.join().expect("no panic");
        }
    }
}

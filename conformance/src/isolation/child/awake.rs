//! Whether the subject is about to do something on a thread of its own.

use std::ffi::OsString;

/// The threads of this process that are not the subject's: it was not there yet when they were.
#[derive(Debug)]
pub(super) struct Threads {
    there_before: Vec<OsString>,
}

impl Threads {
    /// To be called before the subject is loaded.
    pub(super) fn before_the_subject() -> Self {
        Self { there_before: all().collect() }
    }

    /// Whether another thread that began since runs, or is ready to: one that a subject has just started or woken is, however
    /// busy the machine. `false` where the system does not say.
    ///
    /// Source: proc(5), `/proc/pid/task` and the third field of `/proc/pid/stat`.
    pub(super) fn another_is_awake(&self) -> bool {
        all().any(|thread| self.is_new(&thread) && is_awake(&thread))
    }

    fn is_new(&self, thread: &OsString) -> bool {
        !self.there_before.contains(thread)
    }
}

/// All threads of this process but this one, by the names of their folders.
#[cfg(target_os = "linux")]
fn all() -> impl Iterator<Item = OsString> {
    let this = OsString::from(rustix::thread::gettid().as_raw_nonzero().to_string());
    let threads = std::fs::read_dir(TASKS).into_iter().flatten().filter_map(Result::ok);
    threads.map(|thread| thread.file_name()).filter(move |thread| *thread != this)
}

#[cfg(not(target_os = "linux"))]
fn all() -> impl Iterator<Item = OsString> {
    std::iter::empty()
}

#[cfg(target_os = "linux")]
const TASKS: &str = "/proc/self/task";

/// Running or ready to, or in a wait of the kernel's own, which is short.
#[cfg(target_os = "linux")]
fn is_awake(thread: &OsString) -> bool {
    let said = std::fs::read(std::path::Path::new(TASKS).join(thread).join("stat"));
    said.is_ok_and(|said| matches!(state(&said), Some(b'R' | b'D')))
}

#[cfg(not(target_os = "linux"))]
fn is_awake(_: &OsString) -> bool {
    false
}

/// The letter behind the name, which may itself have parentheses.
#[cfg(target_os = "linux")]
fn state(said: &[u8]) -> Option<u8> {
    let name_ends = said.iter().rposition(|byte| *byte == b')')?;
    said.get(name_ends + 2).copied()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_name_with_parentheses_hides_no_state() {
        assert_eq!(state(b"7 (a) R (b)) S 1 2"), Some(b'S'));
        assert_eq!(state(b"7 (cut off"), None);
        assert_eq!(state(b"7 (cut off)"), None);
    }

    #[test]
    fn who_waits_until_nobody_is_awake_has_seen_what_a_thread_just_started_does() {
        static DONE: AtomicU32 = AtomicU32::new(0);
        let threads = Threads::before_the_subject();
        for started in 1..=200 {
            let other = std::thread::spawn(|| DONE.fetch_add(1, Ordering::SeqCst));
            while threads.another_is_awake() {
                std::thread::sleep(Duration::from_micros(50));
            }
            assert_eq!(DONE.load(Ordering::SeqCst), started);
            other.join().expect("no panic");
        }
    }

    #[test]
    fn who_was_there_before_the_subject_is_not_waited_for() {
        static DONE: AtomicBool = AtomicBool::new(false);
        let busy = || {
            let (says, said) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                says.send(rustix::thread::gettid()).expect("it is waited for");
                while !DONE.load(Ordering::SeqCst) {
                    std::hint::spin_loop();
                }
            });
            OsString::from(said.recv().expect("it begins").as_raw_nonzero().to_string())
        };
        let before = busy();
        let threads = Threads::before_the_subject();
        let after = busy();
        assert!(is_awake(&before) && is_awake(&after));
        assert!(!threads.is_new(&before) && threads.is_new(&after));
        DONE.store(true, Ordering::SeqCst);
    }
}

//! Stopping a run: nothing is left behind, and nothing is reported of a run that is not whole.
#![cfg(target_os = "linux")]

mod support;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::cpp_subject;

/// Far more than it takes on a busy machine; only a failure waits so long.
const LIMIT: Duration = Duration::from_secs(120);

/// A run whose subject never comes back from its first Logoff.
fn a_run_that_hangs() -> Child {
    run_of(&["--mutant", "logoff-hangs"])
}

fn run_of(subject: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_mapi-conform"))
        .args(["check", "--no-timeout"])
        .args(subject)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command")
}

/// Waits until `what` gives something.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < LIMIT, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The subject's process, once it runs.
fn subject_of(run: &Child) -> String {
    let children = format!("/proc/{0}/task/{0}/children", run.id());
    wait_for("the subject's process", || {
        let children = std::fs::read_to_string(&children).unwrap_or_default();
        children.split_whitespace().next().map(str::to_owned)
    })
}

fn shared_file_of(subject: &str) -> String {
    wait_for("the subject's memory", || {
        let arguments = std::fs::read_to_string(format!("/proc/{subject}/cmdline")).ok()?;
        let mut words = arguments.split('\0').skip_while(|word| *word != "--shared");
        words.nth(1).map(str::to_owned)
    })
}

#[test]
fn a_run_that_is_interrupted_says_so_exits_with_4_and_leaves_neither_process_nor_file() {
    for signal in ["INT", "TERM", "HUP"] {
        let run = a_run_that_hangs();
        let subject = subject_of(&run);
        let file = shared_file_of(&subject);
        let sent = Command::new("kill").args(["-s", signal, &run.id().to_string()]).status();
        assert!(sent.expect("kill").success());
        let ended = run.wait_with_output().expect("the command");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(4), "{signal}: {said}");
        assert!(said.contains("interrupted"), "{signal}: {said}");
        assert!(ended.stdout.is_empty(), "{signal}: {}", String::from_utf8_lossy(&ended.stdout));
        wait_for("the end of the subject's process", || {
            (!Path::new(&format!("/proc/{subject}")).exists()).then_some(())
        });
        assert!(!Path::new(&file).exists(), "{signal}: {file} is left");
    }
}

#[test]
fn a_run_that_is_interrupted_while_its_subject_is_loaded_leaves_no_file() {
    let Some(library) = cpp_subject("never_loads.cpp", None) else { return };
    let run = run_of(&["--library", &library]);
    let file = shared_file_of(&subject_of(&run));
    assert!(Path::new(&file).exists(), "{file} has its name until both have it");
    let sent = Command::new("kill").args(["-s", "INT", &run.id().to_string()]).status();
    assert!(sent.expect("kill").success());
    let ended = run.wait_with_output().expect("the command");
    assert_eq!(ended.status.code(), Some(4), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(!Path::new(&file).exists(), "{file} is left");
}

#[test]
fn a_run_that_is_killed_takes_the_subjects_process_with_it_and_leaves_no_file() {
    let mut run = a_run_that_hangs();
    let subject = subject_of(&run);
    let file = shared_file_of(&subject);
    // Once both have the memory, its file is gone.
    wait_for("the end of the file's name", || (!Path::new(&file).exists()).then_some(()));
    run.kill().expect("a run");
    run.wait().expect("a run");
    wait_for("the end of the subject's process", || {
        (!Path::new(&format!("/proc/{subject}")).exists()).then_some(())
    });
}

//! The recorder, under a C++ program that knows nothing of it.

mod support;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{conform, cpp_subject, scratch};

/// Built beside the tests: a library that other programs load.
fn recorder() -> PathBuf {
    let tests = std::env::current_exe().expect("this test");
    let library = tests.parent().expect("its folder").join("libmapi_conform_recorder.so");
    assert!(library.exists(), "{} is not built", library.display());
    library
}

/// The program, opening the library that it is told of, or linked to `linked`.
fn client(folder: &Path, linked: Option<&str>) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cpp/client.cpp");
    let built = folder.join(if linked.is_some() { "linked" } else { "client" });
    let mut compiler = Command::new("g++");
    compiler.args(["-std=c++17", "-O1", "-pthread", "-o"]).arg(&built);
    if let Some(library) = linked {
        compiler.arg("-DLINKED").arg(&source).arg(library);
    } else {
        compiler.arg(&source).arg("-ldl");
    }
    assert!(compiler.status().expect("a C++ compiler").success());
    built
}

fn output(command: &mut Command) -> String {
    let ran = command.output().expect("the program");
    assert!(ran.status.success() && ran.stderr.is_empty(), "{ran:?}");
    String::from_utf8(ran.stdout).expect("text")
}

/// What the program says when it loads the recorder, which forwards to this session and writes that trace.
fn recorded(program: &Path, session: &str, trace: &Path, manner: &str) -> String {
    output(
        Command::new(program)
            .arg(recorder())
            .arg(manner)
            .env("MAPI_CONFORM_FORWARD", session)
            .env("MAPI_CONFORM_TRACE", trace),
    )
}

/// The program, recorded until it is killed.
fn endless(program: &Path, session: &str, trace: &Path) -> Child {
    Command::new(program)
        .arg(recorder())
        .arg("endless")
        .env("MAPI_CONFORM_FORWARD", session)
        .env("MAPI_CONFORM_TRACE", trace)
        .stdout(Stdio::null())
        .spawn()
        .expect("the program")
}

#[test]
fn a_program_says_the_same_under_the_recorder_and_its_trace_judges_clean() {
    let Some(session) = cpp_subject("careful_session.cpp", None) else { return };
    let folder = scratch();
    let program = client(folder.path(), None);
    let expected = output(Command::new(&program).args([&session, "tidy"]));
    assert!(expected.contains("logoff 0\n") && expected.contains("held 1\n"), "{expected}");

    let trace = folder.path().join("opened.jsonl");
    assert_eq!(recorded(&program, &session, &trace, "tidy"), expected);
    let judged = conform(&["judge", trace.to_str().expect("a path")]);
    assert_eq!(judged.code, Some(0), "{}{}", judged.stdout, judged.stderr);

    let linked = client(folder.path(), Some(&session));
    let trace = folder.path().join("preloaded.jsonl");
    let preloaded = output(
        Command::new(linked).arg("tidy").env("LD_PRELOAD", recorder()).env("MAPI_CONFORM_TRACE", &trace),
    );
    assert_eq!(preloaded, expected);
    let judged = conform(&["judge", trace.to_str().expect("a path")]);
    assert_eq!(judged.code, Some(0), "{}{}", judged.stdout, judged.stderr);
}

#[test]
fn a_hasty_program_is_blamed_for_what_it_leaves_behind_and_a_broken_session_for_what_it_does() {
    let Some(session) = cpp_subject("careful_session.cpp", None) else { return };
    let folder = scratch();
    let program = client(folder.path(), None);
    let trace = folder.path().join("hasty.jsonl");
    let record = |session: &str, manner: &str| {
        recorded(&program, session, &trace, manner);
        conform(&["judge", trace.to_str().expect("a path")])
    };
    let judged = record(&session, "hasty");
    assert_eq!(judged.code, Some(1), "{}", judged.stderr);
    for requirement in ["DEAD-004", "END-001", "END-005", "INIT-004"] {
        assert!(judged.stdout.contains(&format!("deviation[{requirement}]")), "{}", judged.stdout);
    }
    assert!(!judged.stdout.contains("the session\n"), "{}", judged.stdout);

    let broken = cpp_subject("careful_session.cpp", Some("MUTANT=logoff_s_false")).expect("a compiler");
    let judged = record(&broken, "tidy");
    assert_eq!(judged.code, Some(1), "{}", judged.stderr);
    assert!(judged.stdout.contains("deviation[LOGOFF-009]"), "{}", judged.stdout);
    assert!(judged.stdout.contains("blame    the session"), "{}", judged.stdout);
}

#[test]
fn a_program_that_is_killed_leaves_a_trace_up_to_there() {
    let Some(session) = cpp_subject("careful_session.cpp", None) else { return };
    let folder = scratch();
    let program = client(folder.path(), None);
    let trace = folder.path().join("killed.jsonl");
    let mut running = endless(&program, &session, &trace);
    let begun = Instant::now();
    while std::fs::metadata(&trace).map_or(0, |file| file.len()) < 20_000 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is recorded");
        std::thread::sleep(Duration::from_millis(5));
    }
    running.kill().expect("it runs");
    running.wait().expect("it ran");
    let lines = std::fs::read_to_string(&trace).expect("a trace");
    assert!(lines.ends_with('\n'), "a line is written whole or not at all");
    let judged = conform(&["judge", "--hold", "session", trace.to_str().expect("a path")]);
    assert!(matches!(judged.code, Some(0 | 4)), "{}{}", judged.stdout, judged.stderr);
    assert!(!judged.stdout.contains("deviation["), "{}", judged.stdout);
}

#[test]
fn an_exception_that_goes_through_the_recorder_is_the_sessions_and_ends_the_call() {
    let Some(session) = cpp_subject("careful_session.cpp", Some("MUTANT=throws_in_logoff")) else { return };
    let folder = scratch();
    let program = client(folder.path(), None);
    let expected = output(Command::new(&program).args([&session, "catches"]));
    assert!(expected.contains("logoff dead\n"), "{expected}");
    let trace = folder.path().join("thrown.jsonl");
    assert_eq!(recorded(&program, &session, &trace, "catches"), expected);
    let judged = conform(&["judge", trace.to_str().expect("a path")]);
    assert_eq!(judged.code, Some(1), "{}{}", judged.stdout, judged.stderr);
    assert!(judged.stdout.contains("Logoff: an exception crossed the interface"), "{}", judged.stdout);
    assert!(!judged.stdout.contains("the client\n"), "{}", judged.stdout);
}

#[test]
fn a_child_that_a_program_forks_has_a_trace_of_its_own() {
    let Some(session) = cpp_subject("careful_session.cpp", None) else { return };
    let folder = scratch();
    let program = client(folder.path(), None);
    let trace = folder.path().join("forked.jsonl");
    let said = recorded(&program, &session, &trace, "forks");
    assert!(said.contains("child 0\n"), "{said}");
    let traces: Vec<PathBuf> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("a file").path())
        .collect();
    let traces: Vec<&PathBuf> =
        traces.iter().filter(|path| path.to_string_lossy().contains("forked.jsonl")).collect();
    assert_eq!(traces.len(), 2, "{traces:?}");
    for path in traces {
        let judged = conform(&["judge", path.to_str().expect("a path")]);
        assert_eq!(judged.code, Some(0), "{}{}", judged.stdout, judged.stderr);
    }
}

#[test]
fn a_child_that_is_forked_while_another_thread_calls_can_call_too() {
    let Some(session) = cpp_subject("careful_session.cpp", None) else { return };
    let folder = scratch();
    let program = client(folder.path(), None);
    let said = recorded(&program, &session, &folder.path().join("amid.jsonl"), "forks-amid");
    assert!(said.contains("children 50\n"), "{said}");
}

#[test]
fn a_recording_is_judged_while_it_is_written_and_again_when_the_program_has_ended_however_it_did() {
    let Some(session) = cpp_subject("careful_session.cpp", Some("MUTANT=logoff_s_false")) else { return };
    let folder = scratch();
    let program = client(folder.path(), None);
    let trace = folder.path().join("followed.jsonl");
    // It waits until there is something to follow.
    let mut follower = Command::new(env!("CARGO_BIN_EXE_mapi-conform"))
        .args(["judge", "--follow", trace.to_str().expect("a path")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tester");
    let mut said = BufReader::new(follower.stderr.take().expect("a pipe")).lines();
    let mut next = || said.next().expect("more to say").expect("text");
    assert!(next().starts_with("waiting for "));
    let mut running = endless(&program, &session, &trace);
    let first = next();
    assert!(first.contains(": deviation[LOGOFF-009]: ") && first.contains(": the session: "), "{first}");
    assert!(running.try_wait().expect("its state").is_none(), "it is told while the program runs");
    assert!(follower.try_wait().expect("its state").is_none(), "it goes on as long as the program");
    running.kill().expect("it runs");
    running.wait().expect("it ran");
    let judged = follower.wait_with_output().expect("the report");
    let report = String::from_utf8_lossy(&judged.stdout).into_owned();
    assert_eq!(judged.status.code(), Some(1), "{report}");
    assert!(report.contains("deviation[LOGOFF-009]") && report.contains("blame    the session"), "{report}");
}

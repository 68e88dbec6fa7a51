//! Runs the command, and builds C++ subjects.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use tempfile::TempDir;

/// What a run of the command left.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `mapi-conform` with these arguments.
pub fn conform(arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mapi-conform"));
    // Nobody hears a child that a subject has ruined, and its symbols would take half a second each time.
    let ran = command.args(arguments).env("RUST_BACKTRACE", "0").output().expect("the command");
    Ran {
        code: ran.status.code(),
        stdout: String::from_utf8_lossy(&ran.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&ran.stderr).into_owned(),
    }
}

/// An end-to-end case: what is asked, and the exit code it must give, with a word of what it must say.
pub fn says(ran: &Ran, code: i32, word: &str) {
    let all = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, Some(code), "{all}");
    assert!(all.contains(word), "no {word:?} in {all}");
    assert!(!all.contains("panicked"), "{all}");
}

/// A folder of the test's own.
pub fn scratch() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cpp")
}

/// Builds a C++ subject, as it is or with a definition such as `MUTANT=logoff_s_false`. `None`, said aloud, where the
/// machine has no C++ compiler; with `MAPI_CONFORM_SKIP_NOTHING` set that is a failure.
pub fn cpp_subject(source: &str, definition: Option<&str>) -> Option<String> {
    static BUILT: OnceLock<TempDir> = OnceLock::new();
    static BUILDING: Mutex<()> = Mutex::new(());
    let library =
        BUILT.get_or_init(scratch).path().join(format!("{source}-{}.so", definition.unwrap_or("careful")));
    // Tests run beside each other: what one loads, no other builds anew.
    let _one_at_a_time = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    if library.exists() {
        return Some(library.display().to_string());
    }
    let mut compiler = Command::new("g++");
    compiler.args(["-std=c++17", "-O1", "-shared", "-fPIC", "-I"]).arg(fixtures().join("include"));
    if let Some(definition) = definition {
        compiler.arg(format!("-D{definition}"));
    }
    match compiler.arg(fixtures().join(source)).arg("-o").arg(&library).output() {
        Ok(built) => {
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            Some(library.display().to_string())
        }
        Err(error) => {
            assert!(std::env::var_os("MAPI_CONFORM_SKIP_NOTHING").is_none(), "no C++ compiler: {error}");
            eprintln!("SKIPPED: 1 test, no C++ compiler on this machine ({error})");
            None
        }
    }
}

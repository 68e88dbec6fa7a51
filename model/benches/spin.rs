//! States per second of the largest common machine, `race`, in stateright and in Spin, in one run on one machine:
//! `cargo bench -p mapi-session-model`.
//!
//! The two machines are bisimilar (`tests/second_opinion.rs`), and yet have different numbers of states: each tells apart
//! what no label shows. So the time for the whole answer is compared too.

#![allow(clippy::cast_precision_loss, reason = "counts and seconds, far below 2 to the 52nd")]

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use mapi_session_model::{SessionModel, named};
use mapi_session_spec::rule::Demand;
use mapi_session_spec::{Era, Level};
use stateright::{Checker as _, Model as _};

const TURNS: usize = 3;

fn race() -> SessionModel {
    let demand = Demand { level: Level::Robust, era: Era::FastShutdown };
    named("race", demand).expect("a model")
}

/// States and seconds of one exhaustive search.
fn stateright(threads: usize) -> (f64, f64) {
    let clock = Instant::now();
    let checker = race().checker().threads(threads).spawn_bfs().join();
    (checker.unique_state_count() as f64, clock.elapsed().as_secs_f64())
}

/// The same in Spin, as Promela has it, `-O2`, one thread, nothing printed.
fn spin(pan: &PathBuf) -> (f64, f64) {
    let clock = Instant::now();
    let ran = Command::new(pan).args(["-m1000000", "-w24", "-n"]).output().expect("the checker");
    let seconds = clock.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let line = said.lines().find(|line| line.contains("states, stored")).expect("a count");
    let states: f64 = line.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number");
    (states, seconds)
}

fn main() {
    let promela = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("promela");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in ["tell.pml", "race.pml"] {
        std::fs::copy(promela.join(file), folder.path().join(file)).expect("the machine");
    }
    let made = Command::new("spin")
        .args(["-DSILENT", "-a", "race.pml"])
        .current_dir(folder.path())
        .status()
        .is_ok_and(|status| status.success());
    if !made {
        eprintln!("SKIPPED: Spin is not there (Debian: apt-get install spin)");
        return;
    }
    let built = Command::new("gcc")
        .args(["-O2", "-w", "-DSAFETY", "-DNOREDUCE", "-DNOFAIR", "-o", "pan", "pan.c"])
        .current_dir(folder.path())
        .status();
    assert!(built.expect("gcc").success());
    let pan = folder.path().join("pan");
    let (mut one, mut two, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    let mut sizes = (0.0, 0.0);
    for _ in 0..TURNS {
        let (spin_states, spin_seconds) = spin(&pan);
        let spin_rate = spin_states / spin_seconds;
        let (states, seconds) = stateright(1);
        one.push(states / seconds / spin_rate);
        let (states, seconds) = stateright(2);
        two.push(states / seconds / spin_rate);
        whole.push(seconds / spin_seconds);
        sizes = (states, spin_states);
    }
    println!("race: {} states in stateright, {} in Spin", sizes.0, sizes.1);
    say("states per second, stateright with one thread to Spin", &mut one, "");
    say("states per second, stateright with two threads to Spin", &mut two, " (goal at least 1)");
    say("time for the whole, stateright with two threads to Spin", &mut whole, "");
}

/// The median, the least and the most.
fn say(what: &str, figures: &mut [f64], goal: &str) {
    figures.sort_by(f64::total_cmp);
    let (least, median, most) = (figures[0], figures[figures.len() / 2], figures[figures.len() - 1]);
    println!("{what}: {median:.3}, from {least:.3} to {most:.3}{goal}");
}

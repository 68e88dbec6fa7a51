//! The same machines in Promela, written from the requirements by somebody who has not read the rules, and explored by
//! Spin: at every pair of states that one path reaches, the same labels are possible.

use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mapi_session_model::{Agreement, Company, SessionModel, Told, agree, named};
use mapi_session_spec::rule::Demand;
use mapi_session_spec::{Era, Family, Level, RequirementId};

const DEMAND: Demand = Demand { level: Level::Conventional, era: Era::FastShutdown };

/// Two members and nobody else: with a stranger it is fifty times as many states.
fn shared() -> SessionModel {
    named("shared", DEMAND).expect("a model").with_company(Company { members: 2, outside: 0 })
}

fn model(name: &str) -> SessionModel {
    if name == "shared" { shared() } else { named(name, DEMAND).expect("a model") }
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Why there is no second opinion here, said loudly; where nothing may be skipped, that is a failure.
fn skipped() -> bool {
    if is_there("spin") && is_there("gcc") {
        return false;
    }
    let why =
        "SKIPPED, 1 test: Spin's second opinion needs `spin` and `gcc` (Debian: apt-get install spin gcc)";
    assert!(std::env::var_os("MAPI_CONFORM_SKIP_NOTHING").is_none(), "{why}");
    let _ = writeln!(std::io::stderr(), "{why}");
    true
}

fn run(command: &mut Command, folder: &Path) {
    let ran = command.current_dir(folder).output().expect("it starts");
    let said = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{command:?}: {said:?}");
}

/// What Spin finds in a machine, with these definitions.
fn spin(name: &str, definitions: &[&str]) -> Told {
    let promela = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("promela");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in ["tell.pml".to_owned(), format!("{name}.pml")] {
        std::fs::copy(promela.join(&file), folder.path().join(&file)).expect("the machine");
    }
    run(Command::new("spin").args(definitions).arg("-a").arg(format!("{name}.pml")), folder.path());
    let checker = ["-O2", "-w", "-DSAFETY", "-DNOREDUCE", "-DNOFAIR", "-o", "pan", "pan.c"];
    run(Command::new("gcc").args(checker), folder.path());
    let mut pan = Command::new("./pan")
        .args(["-m1000000", "-w24", "-n"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the checker starts");
    let lines = BufReader::with_capacity(1 << 20, pan.stdout.take().expect("its output"));
    let told = Told::read(lines).expect("a machine");
    assert!(pan.wait().expect("it ends").success());
    told
}

fn without(name: &str, requirement: RequirementId) -> Agreement {
    agree(&model(name).twin(requirement), &spin(name, &[]))
}

#[test]
fn the_session_as_spin_sees_it_is_the_session_of_the_rules() {
    agrees("session");
}

#[test]
fn the_shared_session_as_spin_sees_it_is_that_of_the_rules() {
    agrees("shared");
}

#[test]
fn the_race_as_spin_sees_it_is_that_of_the_rules() {
    agrees("race");
}

fn agrees(name: &str) {
    if skipped() {
        return;
    }
    let told = spin(name, &[]);
    assert!(told.states() > 1_000, "{} states", told.states());
    let agreement = agree(&model(name), &told);
    if let Some(difference) = agreement.difference {
        panic!("{name}: {difference}");
    }
    assert!(agreement.pairs >= told.states());
}

#[test]
fn a_rule_taken_out_of_either_side_is_a_difference() {
    if skipped() {
        return;
    }
    for (name, requirement) in [("session", Family::Logoff.id(24)), ("shared", Family::Shared.id(17))] {
        let difference = without(name, requirement).difference.expect("a difference");
        assert!(!difference.only_here.is_empty() && difference.only_there.is_empty(), "{difference}");
    }
    // The texts read without the readings that were adopted.
    agree(&model("session"), &spin("session", &["-DTEXT"])).difference.expect("a difference");
}

//! How much judging costs, as ratios measured in one run: `cargo bench -p mapi-conform`, or a part of it:
//! `cargo bench -p mapi-conform -- loop` (or `traces`, or `smoke`).
//!
//! A bench library times one thing at a time; a ratio needs both sides in turn, in one run, on one machine. So the
//! sides take turns here, and each ratio is printed with the least and the most that any turn gave.

#![allow(clippy::cast_precision_loss, reason = "counts and nanoseconds, far below 2 to the 52nd")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use mapi_conform::Subject;
use mapi_conform::coverage::kill;
use mapi_conform::isolation::parent::{PATIENCE, Setting};
use mapi_conform::plan::{Brief, Planned, Repeats, Suite, plan};
use mapi_conform::program::{Program, Step};
use mapi_conform::run::{Request, run};
use mapi_session_spec::alphabet::{plain_logoff, way_named};
use mapi_session_spec::event::{Call, Method, ObjectId, ObjectMethod, SessionId, Target};
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::{Era, Level};

const TURNS: usize = 7;
/// The machine's pace changes from one moment to the next: the more turns, the less that matters.
const TURNS_OF_THE_LOOP: usize = 3 * TURNS;
/// Enough that the start of a process, 3 ms, is hardly a part of what a call costs.
const ROUNDS: usize = 100_000;
const DEMAND: Demand = Demand { level: Level::Robust, era: Era::FastShutdown };

type Part = fn(&Bench);

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bench = Bench { folder: folder.path().to_path_buf(), rules: Rules::documented() };
    println!("machine: {} cores", std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    // Cargo adds options of its own.
    let named: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let parts: [(&str, Part); 3] = [
        ("loop", Bench::one_program_again_and_again),
        ("traces", Bench::many_programs_once),
        ("smoke", Bench::smoke),
    ];
    for (_, part) in parts.iter().filter(|(name, _)| named.is_empty() || named.iter().any(|n| n == name)) {
        part(&bench);
    }
}

struct Bench {
    folder: PathBuf,
    rules: Rules,
}

impl Bench {
    fn cpp(&self, source: &str, options: &[&str]) -> PathBuf {
        let cpp = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cpp");
        let built = self.folder.join(source).with_extension("out");
        let compiler = Command::new("g++")
            .args(["-std=c++17", "-O2", "-pthread"])
            .args(options)
            .arg(cpp.join(source))
            .arg("-o")
            .arg(&built)
            .arg("-ldl")
            .status();
        assert!(compiler.expect("a C++ compiler").success(), "{source} does not compile");
        built
    }

    fn setting(subject: Subject, isolated: bool) -> Setting {
        Setting {
            program: isolated.then(|| PathBuf::from(env!("CARGO_BIN_EXE_mapi-conform"))),
            subject,
            profile: None,
            timeout: Some(Duration::from_secs(5)),
            settle: Duration::from_millis(200),
            patience: PATIENCE,
            linger: Duration::ZERO,
        }
    }

    /// Runs and judges, as `check` does; how long it took, and the calls that were made.
    fn judged(&self, setting: &Setting, planned: &[Planned]) -> (Duration, usize) {
        let request =
            Request { setting, rules: &self.rules, demand: DEMAND, planned, seed: 0, selected: &|_| true };
        let clock = Instant::now();
        let findings = run(&request, &mut |_, _| {}).expect("a subject that can be tested");
        let took = clock.elapsed();
        assert!(findings.deviations.is_empty(), "{:?}", findings.deviations);
        (took, findings.calls)
    }

    fn one_program_again_and_again(&self) {
        let library = self.cpp("careful_session.cpp", &["-shared", "-fPIC"]);
        let program = self.cpp("bare_loop.cpp", &[]);
        let planned = |handle: fn(usize) -> u64| -> Vec<Planned> {
            let programs = (0..ROUNDS).map(|round| the_loop(handle(round)));
            let planned = |program| Planned {
                program,
                aims: Vec::new(),
                alone: false,
                leaves_a_ghost: false,
                race: None,
            };
            programs.map(planned).collect()
        };
        // Nobody looks at the handle, but it makes each trace one that was not judged before.
        let (different, alike) = (planned(|round| round as u64), planned(|_| 0));
        let subject = Subject::Library(library.clone());
        let (here, isolated) = (Self::setting(subject.clone(), false), Self::setting(subject, true));
        let (mut bare_each, mut judged_to_bare, mut isolated_to_here) = (Vec::new(), Vec::new(), Vec::new());
        let mut alike_to_bare = Vec::new();
        for _ in 0..TURNS_OF_THE_LOOP {
            let (calls, before) = bare_loop(&program, &library);
            let (took, made) = self.judged(&here, &different);
            assert!((made as f64 - calls).abs() < 0.5, "{made} calls were judged, {calls} made bare");
            let judged = took.as_nanos() as f64 / made as f64;
            let (took, made) = self.judged(&isolated, &different);
            isolated_to_here.push(took.as_nanos() as f64 / made as f64 / judged);
            let (took, made) = self.judged(&here, &alike);
            let alike = took.as_nanos() as f64 / made as f64;
            // The machine may have changed its pace meanwhile.
            let bare = f64::midpoint(before, bare_loop(&program, &library).1);
            bare_each.push(bare);
            judged_to_bare.push(judged / bare);
            alike_to_bare.push(alike / bare);
        }
        say("a bare call of the C++ subject, in ns", &mut bare_each, "");
        say("a judged call in this process, to a bare one", &mut judged_to_bare, "goal at most 5");
        say("the same, where all traces show the same", &mut alike_to_bare, "");
        say("isolated in a child, to in this process", &mut isolated_to_here, "goal at most 1");
    }

    fn many_programs_once(&self) {
        let mut all = plan(
            Brief { rules: &self.rules, demand: DEMAND, ui: true, repeats: Repeats::default() },
            Suite::Full,
        );
        all.truncate(21_000);
        let isolated = Self::setting(Subject::Reference, true);
        let mut seconds = Vec::new();
        let mut whole = Vec::new();
        for _ in 0..TURNS {
            seconds.push(self.judged(&isolated, &all).0.as_secs_f64());
            let clock = Instant::now();
            let command =
                Command::new(env!("CARGO_BIN_EXE_mapi-conform")).args(["check", "--reference"]).output();
            assert!(command.expect("the command").status.success());
            whole.push(clock.elapsed().as_secs_f64());
        }
        say(
            &format!("{} distinct traces, isolated and judged, in s", all.len()),
            &mut seconds,
            "goal at most 1",
        );
        say("`check --reference`, the whole command, in s", &mut whole, "goal at most 1");
    }

    fn smoke(&self) {
        let brief = Brief { rules: &self.rules, demand: DEMAND, ui: true, repeats: Repeats::default() };
        let calls: usize = plan(brief, Suite::Smoke).iter().map(|planned| planned.program.most_calls()).sum();
        println!("calls in smoke: {calls} (goal at most 1000)");
        let kills = kill(Path::new(env!("CARGO_BIN_EXE_mapi-conform")), Suite::Smoke, "", &|_, _| {});
        let killed = kills.iter().filter(|kill| !kill.accused.is_empty()).count();
        let share = 100.0 * killed as f64 / kills.len() as f64;
        println!("mutants that smoke kills: {killed} of {}, {share:.1} % (goal at least 95)", kills.len());
        let alive: Vec<&str> =
            kills.iter().filter(|kill| kill.accused.is_empty()).map(|kill| kill.mutant.id).collect();
        println!("  alive: {}", alive.join(" "));
    }
}

/// How many calls the bare loop made on this library, and what each took, in nanoseconds.
fn bare_loop(program: &Path, library: &Path) -> (f64, f64) {
    let said = Command::new(program).arg(library).arg(ROUNDS.to_string()).output().expect("the loop");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let mut words = said.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
    let (Some(calls), Some(nanoseconds)) = (words.next(), words.next()) else {
        panic!("the bare loop said {said:?}");
    };
    (calls, nanoseconds / calls)
}

/// The calls of `fixtures/cpp/bare_loop.cpp`, with this handle for Logoff.
fn the_loop(handle: u64) -> Program {
    let (session, way) = (SessionId(0), way_named("apart"));
    let itself = Target::Session(session);
    let mut calls = vec![Call::Initialize, Call::LogonEx { session, profile: way.profile, flags: way.flags }];
    for number in 0..8 {
        let object = ObjectId(number);
        calls.extend([
            Call::Method { session, method: Method::GetStatusTable, flags: 0, object },
            Call::OnObject { object, method: ObjectMethod::GetStatus },
            Call::OnObject { object, method: ObjectMethod::GetRowCount },
            Call::AddRef { target: itself },
            Call::Release { target: itself },
            Call::Release { target: Target::Object(object) },
        ]);
    }
    let mut logoff = plain_logoff(session);
    if let Call::Logoff { ui_param, .. } = &mut logoff {
        *ui_param = handle;
    }
    calls.extend([logoff, Call::Release { target: itself }, Call::Uninitialize]);
    Program::of(calls.into_iter().map(Step::call))
}

/// The median, the least and the most.
fn say(what: &str, figures: &mut [f64], goal: &str) {
    figures.sort_by(f64::total_cmp);
    let (least, median, most) = (figures[0], figures[figures.len() / 2], figures[figures.len() - 1]);
    let goal = if goal.is_empty() { String::new() } else { format!(" ({goal})") };
    println!("{what}: {median:.2}, from {least:.2} to {most:.2}{goal}");
}

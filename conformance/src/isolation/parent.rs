//! The parent: spawns the child, reads its ring, and kills it when it hangs.

mod pace;
mod reading;

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mapi_session_spec::outcome::Ending;
use memmap2::MmapMut;

use super::child::Orders;
use super::handover::Handover;
pub use super::observed::{Observed, SharedSymbols};
use super::ring::{self, Records, Ring};
use super::wire::Record;
use crate::interruption;
use crate::program::Program;
use crate::subject::Subject;
use pace::{Next, Pace};
use reading::{NONSENSE, Reader, Reading};

/// How the child is run.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The program that becomes the child: `mapi-conform` itself. `None`: no child, the subject runs in this process,
    /// and takes it down when it crashes.
    pub program: Option<PathBuf>,
    /// What it tests.
    pub subject: Subject,
    /// The profile to log on with.
    pub profile: Option<String>,
    /// No progress for so long is a hang. `None`: never.
    pub timeout: Option<Duration>,
    /// How long to settle.
    pub settle: Duration,
    /// How often settling may wait in vain before it stops waiting.
    pub patience: u32,
    /// How long to listen after the last program, for what comes late.
    pub linger: Duration,
}

impl Setting {
    /// Each batch runs in a process where nothing of MAPI ran before.
    pub const fn has_a_process_of_its_own(&self) -> bool {
        self.program.is_some()
    }
}

/// How a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchEnd {
    /// Every program was run.
    Finished,
    /// The subject mostly waits: those that were not begun had better be run in several processes abreast.
    Waited,
    /// The subject died in this program.
    Died(usize),
    /// The subject could not be loaded.
    NotLoaded(String),
    /// The child could not be run, or what it wrote makes no sense.
    Broken(String),
}

/// What running a batch of programs in one process showed.
#[derive(Debug, Clone)]
pub struct Batch {
    /// One for each program that was begun, in order.
    pub observed: Vec<Observed>,
    /// How it ended.
    pub end: BatchEnd,
}

/// How often settling waits in vain where nothing else is said.
pub const PATIENCE: u32 = 6;
/// How long a subject may take to load, at least: before its first call, the machine's load says more than the subject.
const LOADING: Duration = Duration::from_secs(5);
/// How many programs are handed over before they are begun, at least.
const AHEAD: usize = 1_024;
/// How many programs are shown at once while others still run.
const SHOWN_AT_ONCE: usize = 64;

/// Runs the programs in one child process.
pub fn run(setting: &Setting, programs: &[&Program]) -> Batch {
    let races = programs.iter().any(|program| program.races());
    let task = Task { programs, races, may_stop: false, symbols: &SharedSymbols::default() };
    run_and_meanwhile(setting, task, &mut |_, _| {})
}

/// What one process is to run.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// In this order.
    pub programs: &'a [&'a Program],
    /// Whether any of them races.
    pub races: bool,
    /// Whether not all need be run of a subject that mostly waits.
    pub may_stop: bool,
    /// The list that what is observed is written in.
    pub symbols: &'a SharedSymbols,
}

/// The same. While the subject runs, and is listened to for what comes late, `meanwhile` is shown what was observed of the
/// programs from that place on, which have been run to their ends.
pub fn run_and_meanwhile(
    setting: &Setting,
    task: Task,
    meanwhile: &mut dyn FnMut(usize, &[&Observed]),
) -> Batch {
    let mut handover = Handover::of(task.programs, task.races);
    match Running::start(setting, &mut handover, task.may_stop) {
        Ok(mut running) => running.follow(setting, Reader::of(handover, task.symbols.clone()), meanwhile),
        Err(message) => Batch { observed: Vec::new(), end: BatchEnd::Broken(message) },
    }
}

struct Running {
    host: Host,
    shared: MmapMut,
    pace: Pace,
    /// The file of that memory, until the subject's process has it too: memory without a name goes with those who hold it,
    /// however they end.
    named: Option<tempfile::NamedTempFile>,
    errors: File,
}

/// Where the subject runs.
enum Host {
    /// In a process of its own.
    Child(Child),
    /// On a thread of this one.
    Here(JoinHandle<()>),
}

impl Host {
    /// How the subject's process ended, if it has.
    fn ended(&mut self) -> Option<Ending> {
        match self {
            Self::Child(child) => child.try_wait().ok().flatten().map(ending_of),
            Self::Here(thread) => thread.is_finished().then_some(Ending::Exited(0)),
        }
    }

    /// Ends the subject, where that can be done: a thread that hangs is left alone.
    fn kill(&mut self) {
        if let Self::Child(child) = self {
            kill(child);
        }
    }

    /// Gives the subject a moment to leave by itself.
    fn kill_gently(&mut self) {
        for _ in 0..200 {
            if self.ended().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Host::Child(child) = &self.host {
            interruption::let_go(child.id());
        }
        // A thread of this process is not waited for, and need not wait either.
        halves(&mut self.shared).0.allow_no_more();
        self.host.kill();
    }
}

/// Kills the whole process group of the child, and waits for it.
fn kill(child: &mut Child) {
    if let Ok(Some(_)) = child.try_wait() {
        return;
    }
    // SAFETY: the child leads a group of its own, made at its start; it has not been waited for.
    unsafe { libc::kill(-(child.id().cast_signed()), libc::SIGKILL) };
    let _ = child.wait();
}

/// The file that both sides map: the ring, then the programs.
fn shared_file(room: usize) -> std::io::Result<(tempfile::NamedTempFile, MmapMut)> {
    let file = tempfile::Builder::new().prefix("mapi-conform-").tempfile_in(shared_folder())?;
    file.as_file().set_len((ring::BYTES + room) as u64)?;
    // SAFETY: the file is ours and is not shortened while it is mapped.
    let shared = unsafe { MmapMut::map_mut(file.as_file()) }?;
    Ok((file, shared))
}

/// The ring, and the memory for the programs.
fn halves(shared: &mut MmapMut) -> (Ring, &mut [u8]) {
    let (ring, programs) = shared.split_at_mut(ring::BYTES);
    // SAFETY: the mapping is page aligned and longer than a ring; who runs a subject keeps it until that is over.
    (unsafe { Ring::new(ring.as_mut_ptr()) }, programs)
}

/// Starts this program anew, as the subject's process.
fn spawn(program: &Path, setting: &Setting, shared: &Path, errors: &File) -> std::io::Result<Child> {
    let mut command = Command::new(program);
    command.arg("__child").arg("--shared").arg(shared);
    command.arg("--settle").arg(setting.settle.as_millis().to_string());
    command.arg("--patience").arg(setting.patience.to_string());
    command.arg("--linger").arg(setting.linger.as_millis().to_string());
    command.args(setting.subject.arguments());
    if let Some(profile) = &setting.profile {
        command.arg("--profile").arg(profile);
    }
    // Freed memory is overwritten at once, so that a subject that uses it is seen to.
    command.env("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.perturb=181");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(errors.try_clone()?).process_group(0);
    command.spawn()
}

impl Running {
    fn start(setting: &Setting, handover: &mut Handover, may_stop: bool) -> Result<Self, String> {
        let why = |error: std::io::Error| format!("cannot start the subject's process: {error}");
        let may_stop = may_stop && !handover.races() && setting.has_a_process_of_its_own();
        let starting = interruption::Starting::now();
        let (file, mut shared) = shared_file(handover.room()).map_err(why)?;
        let pace = Pace::of(handover.count(), may_stop);
        let (ring, memory) = halves(&mut shared);
        ring.allow(pace.allowed());
        handover.begin(memory);
        let errors = tempfile::tempfile_in(shared_folder()).map_err(why)?;
        let host = if let Some(program) = &setting.program {
            let child = spawn(program, setting, file.path(), &errors).map_err(why)?;
            starting.take_charge(child.id(), file.path().to_path_buf());
            Host::Child(child)
        } else {
            let orders = Orders {
                shared: file.path().to_path_buf(),
                subject: setting.subject.clone(),
                profile: setting.profile.clone(),
                settle: setting.settle,
                patience: setting.patience,
                linger: setting.linger,
            };
            let mut said = errors.try_clone().map_err(why)?;
            Host::Here(std::thread::spawn(move || {
                if let Err(message) = super::child::serve(&orders) {
                    let _ = writeln!(said, "{message}");
                }
            }))
        };
        Ok(Self { host, shared, pace, named: Some(file), errors })
    }

    fn follow(
        &mut self,
        setting: &Setting,
        mut reader: Reader,
        meanwhile: &mut dyn FnMut(usize, &[&Observed]),
    ) -> Batch {
        let (ring, memory) = halves(&mut self.shared);
        let mut records = Records::of(ring);
        let mut exception = false;
        // Who races needs the processors more than who reads of it.
        let races = reader.handover.races();
        let mut last_progress = Instant::now();
        let mut idle = 0_u32;
        let mut gone: Option<Ending> = None;
        let mut shown = 0;
        loop {
            loop {
                records.take_some(|words| reader.take_frequent(words));
                let Some(read) = records.pop() else { break };
                idle = 0;
                if self.named.is_some() {
                    self.named = None;
                }
                let Some((trace, record)) = read else {
                    return finish(reader, BatchEnd::Broken(NONSENSE.to_owned()));
                };
                match record {
                    Record::Finished => {
                        let all = reader.readings.len() == reader.programs();
                        return finish(reader, if all { BatchEnd::Finished } else { BatchEnd::Waited });
                    }
                    Record::NotLoaded => {
                        self.host.kill_gently();
                        return finish(reader, BatchEnd::NotLoaded(what_it_said(&mut self.errors)));
                    }
                    Record::Exception => exception = true,
                    Record::Waited { milliseconds } => {
                        match self.pace.next(Duration::from_millis(milliseconds.into())) {
                            Next::Allowed(programs) => ring.allow(programs),
                            Next::NoMore => ring.allow_no_more(),
                        }
                    }
                    record => {
                        if let Err(message) = reader.take(trace, record) {
                            return finish(reader, BatchEnd::Broken(message.to_owned()));
                        }
                    }
                }
            }
            if let Some(ending) = gone {
                let ending = if exception { Ending::Threw } else { ending };
                return died(reader, ending);
            }
            // Whoever runs the programs is not to wait for them.
            if reader.handover.handed_over() < reader.readings.len() + AHEAD
                && reader.handover.go_on(ring, memory)
            {
                continue;
            }
            let ended = reader.ended();
            let to_show = match ended - shown {
                all if ended == reader.programs() => all,
                // What is written meanwhile fills the ring: few at once.
                some if !races && some >= SHOWN_AT_ONCE => SHOWN_AT_ONCE,
                _ => 0,
            };
            if to_show > 0 {
                let shown_now = shown..shown + to_show;
                reader.readings[shown_now.clone()].iter_mut().for_each(Reading::close);
                let of_them = reader.readings[shown_now].iter().map(|reading| &reading.observed);
                meanwhile(shown, &of_them.collect::<Vec<_>>());
                shown += to_show;
                // That took its time.
                idle = 0;
                continue;
            }
            if reader.handover.go_on(ring, memory) {
                continue;
            }
            if idle == 0 {
                last_progress = Instant::now();
            }
            idle += 1;
            gone = self.host.ended();
            if gone.is_some() {
                // What it wrote before it died is still to be read.
                continue;
            }
            // Settling is no hang.
            let waits = (super::child::settling::AT_MOST * setting.settle).max(setting.linger);
            let loads = if records.at_start() { LOADING } else { Duration::ZERO };
            if setting.timeout.is_some_and(|limit| last_progress.elapsed() > limit.max(loads) + waits) {
                self.host.kill();
                return died(reader, Ending::Hung);
            }
            // The child is let get ahead: who reads every record as it is written slows the writer.
            let nap = if races || idle > 2_000 { 500 } else { 20 };
            std::thread::sleep(Duration::from_micros(nap));
        }
    }
}

/// What the child wrote to its standard error, made harmless and short.
fn what_it_said(errors: &mut File) -> String {
    let mut text = Vec::new();
    let _ = errors.seek(SeekFrom::Start(0));
    let _ = errors.take(2_000).read_to_end(&mut text);
    crate::text::harmless(String::from_utf8_lossy(&text).trim())
}

/// Memory, where the platform has a folder for it: the file is written to at every event.
fn shared_folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

fn ending_of(status: ExitStatus) -> Ending {
    match (status.signal(), status.code()) {
        (Some(signal), _) => Ending::Crashed(signal.cast_unsigned()),
        (None, code) => Ending::Exited(code.unwrap_or(0)),
    }
}

fn finish(reader: Reader, end: BatchEnd) -> Batch {
    Batch { observed: reader.into_observed(), end }
}

/// The process is gone: the call it was in has ended so.
fn died(mut reader: Reader, ending: Ending) -> Batch {
    let end = match reader.end(ending) {
        Some(program) => BatchEnd::Died(program),
        None if ending == Ending::Hung => {
            BatchEnd::NotLoaded("the subject does not come back from being loaded".into())
        }
        None => BatchEnd::NotLoaded("the subject's process died while it was loaded".into()),
    };
    finish(reader, end)
}

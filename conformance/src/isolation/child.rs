//! The child: loads the subject, runs the programs, writes every step into the ring before making it.

mod aborting;
mod announcements;
mod awake;
mod running;
pub(super) mod settling;
mod waiting;
mod workers;

use std::cell::Cell;
use std::ffi::CString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use mapi_session_com::Exports;
use mapi_session_spec::event::{Call, Callback, SinkId, ThreadId};
use mapi_session_spec::flags::EventMask;
use memmap2::MmapMut;

use super::handover::Received;
use super::heat::Heat;
use super::programs::Programs;
use super::ring::{self, Ring};
use super::wire::Record;
use crate::program::{Action, Place, RACERS, Step};
use crate::subject::{Begun, Driver, SinkEvents, Sinks, Subject, load};
use announcements::Announcements;
use awake::Threads;
use running::Running;
use waiting::Waiting;
use workers::{Job, Workers};

/// How long an `OnNotify` waits for a call on the other thread, at most. It only makes faults likelier to show.
const BESIDE: Duration = Duration::from_millis(20);
/// Said where the memory that is shared makes no sense.
const NO_PROGRAMS: &str = "the shared file holds no programs";
/// The client's first thread.
const FIRST: u8 = 0;
/// Its second.
const SECOND: u8 = 1;

/// What the child is told on its command line.
#[derive(Debug, Clone)]
pub struct Orders {
    /// The file that both map: the ring, then the programs.
    pub shared: std::path::PathBuf,
    /// What to load.
    pub subject: Subject,
    /// The profile to log on with.
    pub profile: Option<String>,
    /// How long to settle.
    pub settle: Duration,
    /// How often settling may wait in vain before it stops waiting: what is missing then is known to be missing.
    pub patience: u32,
    /// How long to listen after the last program.
    pub linger: Duration,
}

thread_local! {
    /// The number of this thread in the trace: the first are the client's own, others get theirs when first seen.
    static THREAD: Cell<u8> = const { Cell::new(u8::MAX) };
}

/// The number of the next thread of the subject's own: a subject may have any number, and none is taken for the client's.
static NEXT_THREAD: AtomicU32 = AtomicU32::new(2);

fn thread() -> u8 {
    THREAD.with(|cell| {
        if cell.get() == u8::MAX {
            cell.set(NEXT_THREAD.fetch_add(1, Ordering::Relaxed).min(250) as u8);
        }
        cell.get()
    })
}

struct Child {
    ring: Ring,
    exports: Exports,
    profile: Option<CString>,
    settle: Duration,
    patience: u32,
    running: RwLock<Option<Arc<Running>>>,
    callbacks: AtomicU32,
    /// Callbacks that have not returned, on whichever thread.
    being_called_back: AtomicU32,
    waited_in_vain: AtomicU32,
    announcements: Announcements,
    threads: Threads,
    heard_of_sinks: AtomicBool,
    /// Whether any of the programs races.
    races: bool,
    /// How many threads the client may have.
    own_threads: u8,
    workers: Workers,
    /// This, for the threads that it starts.
    itself: Weak<Self>,
    /// Calls under way on threads of the subject's own, from inside `OnNotify`.
    under_way_elsewhere: AtomicU32,
}

/// One of the calls under way on a thread of the subject's own.
struct Elsewhere<'a>(&'a AtomicU32);

impl<'a> Elsewhere<'a> {
    fn begins(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Elsewhere<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Child {
    /// Writes a record. Its place.
    #[allow(
        clippy::inline_always,
        reason = "made twice a call, or with it: what is known of the record is worked out before"
    )]
    #[inline(always)]
    fn put(&self, trace: u32, record: Record) -> u64 {
        self.ring.push(trace, record, u32::MAX).unwrap_or(u64::MAX)
    }

    fn current(&self) -> Option<Arc<Running>> {
        self.running.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn step(&self, running: &Running, index: usize) {
        if let Some(step) = running.steps().get(index) {
            self.make(running, index, step, thread());
        }
    }

    /// Makes the step, if its guard holds, on this thread.
    #[allow(clippy::inline_always, reason = "all calls of the client's first thread are made from one place")]
    #[inline(always)]
    fn make(&self, running: &Running, index: usize, step: &Step, thread: u8) {
        match step.action {
            _ if !running.holds(step.after) => {
                self.put(running.trace, Record::Skipped);
            }
            Action::Settle(awaited) => self.settle(running, awaited),
            Action::Call(ref call) => {
                let takes_away = matches!(call, Call::Release { .. } | Call::Uninitialize);
                let sinks_are_busy = self.being_called_back.load(Ordering::SeqCst) > 0;
                if takes_away && sinks_are_busy && matches!(step.place, Place::Thread(_)) {
                    self.let_sinks_finish();
                }
                let Some(ready) = running.driver.ready(call) else {
                    self.put(running.trace, Record::Skipped);
                    return;
                };
                let place = self.put(running.trace, Record::Begin { step: index as u16, thread });
                let _elsewhere =
                    (thread >= self.own_threads).then(|| Elsewhere::begins(&self.under_way_elsewhere));
                running.note_logoff(call, 0, place);
                let (code, out) = running.driver.perform(call, ready);
                if code.succeeded() {
                    // Where the one that was under way beside it has failed.
                    running.note_logoff(call, 0, place);
                    running.note_given_up(step);
                } else {
                    running.note_logoff(call, place, 0);
                }
                running.note_answer(index, code.succeeded());
                self.put(running.trace, Record::Return { step: index as u16, code, out });
            }
        }
    }

    /// What a sink calls on another thread, nobody is to take away meanwhile: the client would be to blame. One that does not
    /// come back is not waited for.
    #[cold]
    fn let_sinks_finish(&self) {
        let begun = Instant::now();
        while self.being_called_back.load(Ordering::SeqCst) > 0 && begun.elapsed() < BESIDE {
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    /// A step on the client's second thread, for which this one waits: at most so long, or for ever. A subject that calls
    /// the sink on that very thread is not waited on: nobody would come.
    fn have_done_beside(&self, index: usize, at_most: Option<Duration>) {
        self.hand_to_worker(index);
        if thread() != SECOND {
            self.workers.wait(at_most);
        }
    }

    fn hand_to_worker(&self, index: usize) {
        self.hand_to(SECOND, Job::Step(index));
    }

    fn hand_to(&self, thread: u8, job: Job) {
        if self.start(thread) {
            self.workers.hand_to(thread, job);
        }
    }

    /// Has this thread of the client's started, and those before it. Whether they are there.
    fn start(&self, thread: u8) -> bool {
        self.workers.start(thread, |number, jobs| {
            let Some(child) = self.itself.upgrade() else { return false };
            std::thread::Builder::new().spawn(move || child.work(number, &jobs)).is_ok()
        })
    }

    /// Runs a race, on the client's first thread and on its others.
    fn race(&self, running: &Running, heat: Heat) {
        let heat = Arc::new(heat);
        for thread in (1..RACERS).filter(|thread| heat.has(running.steps(), ThreadId(*thread))) {
            self.hand_to(thread, Job::Race(heat.clone()));
        }
        if heat.has(running.steps(), ThreadId(0)) {
            heat.run(running.steps(), ThreadId(0), |index| self.step(running, index));
        }
    }

    /// Waits for calls that `OnNotify` makes on threads of the subject's own. One that never returns is a hang, and
    /// nothing but this would show it.
    fn wait_for_what_is_under_way_elsewhere(&self) {
        while self.under_way_elsewhere.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// What a thread of the client's besides its first does, until there is nothing more to do.
    fn work(&self, number: u8, jobs: &Receiver<Job>) {
        THREAD.with(|cell| cell.set(number));
        for job in jobs {
            if let Some(running) = self.current() {
                match job {
                    Job::Step(index) => self.step(&running, index),
                    Job::Race(heat) => {
                        heat.run(running.steps(), ThreadId(number), |index| self.step(&running, index));
                    }
                }
            }
            self.workers.have_done_one();
        }
    }

    /// The next trace is the one that runs.
    fn begin(&self, trace: u32, part: &Arc<Programs>, number: usize) -> Arc<Running> {
        let mut current = self.running.write().unwrap_or_else(PoisonError::into_inner);
        // Its memory serves again, unless somebody has come to it late.
        if let Some(running) = &mut *current
            && let Some(last) = Arc::get_mut(running)
        {
            last.begin(trace, part, number);
            return running.clone();
        }
        let driver = Driver::new(self.exports, self.profile.clone(), trace);
        let running = Arc::new(Running::new(driver, trace, part.clone(), number));
        current.insert(running).clone()
    }

    fn run(&self, trace: u32, part: &Arc<Programs>, number: usize) {
        let running = self.begin(trace, part, number);
        // Where threads race, none is to be favoured.
        if !self.races {
            self.ring.favour_this_thread();
            running.driver.favour_this_thread();
        }
        self.put(running.trace, Record::TraceStart);
        let mut index = 0;
        let steps = running.steps();
        while let Some(step) = steps.get(index) {
            match step.place {
                Place::Thread(ThreadId(0)) => self.make(&running, index, step, FIRST),
                Place::Thread(_) => self.hand_to_worker(index),
                Place::Inside(_) | Place::Beside(_) | Place::WaitedFor(_) | Place::Releasing(_) => {}
                Place::Racing { .. } => {
                    if let Some(heat) = Heat::beginning_at(running.steps(), index) {
                        index = heat.steps.end - 1;
                        self.race(&running, heat);
                    }
                }
            }
            self.workers.wait(None);
            index += 1;
        }
        self.wait_for_what_is_under_way_elsewhere();
        self.put(running.trace, Record::TraceEnd);
    }
}

impl SinkEvents for Child {
    fn begins(&self, trace: u32, sink: SinkId, callback: Callback) -> Begun {
        self.heard_of_sinks.store(true, Ordering::Relaxed);
        self.being_called_back.fetch_add(1, Ordering::SeqCst);
        let number = self.callbacks.fetch_add(1, Ordering::Relaxed);
        let (kind, events) = match callback {
            Callback::QueryInterface => (0, EventMask(0)),
            Callback::AddRef => (1, EventMask(0)),
            Callback::Release => (2, EventMask(0)),
            Callback::OnNotify { events } => (3, events),
        };
        let thread = thread();
        if events != EventMask(0) {
            self.announcements.come(thread >= self.own_threads);
        }
        let callback = Record::Callback { sink: sink.0, thread, kind, events, number };
        Begun { number, place: self.put(trace, callback) }
    }

    fn ends(&self, trace: u32, number: u32) {
        self.put(trace, Record::CallbackReturn { number });
    }

    fn is_over(&self) {
        self.being_called_back.fetch_sub(1, Ordering::SeqCst);
    }

    fn inside(&self, trace: u32, sink: SinkId) {
        let Some(running) = self.current().filter(|running| running.trace == trace) else { return };
        for (index, step) in running.steps().from(0).enumerate() {
            match step.place {
                Place::Inside(of) if of == sink => self.step(&running, index),
                Place::Beside(of) if of == sink => self.have_done_beside(index, Some(BESIDE)),
                Place::WaitedFor(of) if of == sink => self.have_done_beside(index, None),
                _ => {}
            }
        }
    }

    fn releasing(&self, trace: u32, sink: SinkId) {
        let Some(running) = self.current().filter(|running| running.trace == trace) else { return };
        for (index, _) in
            running.steps().from(0).enumerate().filter(|(_, s)| s.place == Place::Releasing(sink))
        {
            self.step(&running, index);
        }
    }
}

/// Runs every program in the shared file, and never returns.
pub fn main(orders: &Orders) -> ! {
    // SAFETY: plain calls at the start of a process with one thread. The first makes this process die with the
    // tester, however that ends; the others give crashes back to the system, from Rust's own handler.
    unsafe {
        #[cfg(target_os = "linux")]
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::signal(libc::SIGSEGV, libc::SIG_DFL);
        libc::signal(libc::SIGBUS, libc::SIG_DFL);
    }
    aborting::watch();
    let status = match serve(orders) {
        Ok(()) => 0,
        Err(message) => {
            eprintln!("{message}");
            1
        }
    };
    // SAFETY: ends the process without running the subject's destructors, which are no part of the trace.
    unsafe { libc::_exit(status) }
}

fn map(path: &Path) -> Result<MmapMut, String> {
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).map_err(|e| e.to_string())?;
    // SAFETY: the parent made the file for this purpose and does not shorten it.
    unsafe { MmapMut::map_mut(&file) }.map_err(|e| e.to_string())
}

/// Runs every program in the shared file, in this process.
///
/// # Errors
/// If the file holds no programs, or the subject does not load.
pub(super) fn serve(orders: &Orders) -> Result<(), String> {
    let mut shared = map(&orders.shared)?;
    if shared.len() < ring::BYTES {
        return Err("the shared file is too short".into());
    }
    let (base, length) = (shared.as_mut_ptr(), shared.len());
    std::mem::forget(shared);
    // SAFETY: the mapping is page aligned, long enough, and leaked.
    let ring = unsafe { Ring::new(base) };
    // SAFETY: what follows the ring is the parent's to write to; the mapping is leaked.
    let received = unsafe { Received::from(ring, base.add(ring::BYTES), length - ring::BYTES) };
    let mut received = received.ok_or(NO_PROGRAMS)?;
    // Before the subject may have started threads: what there is to prepare for this takes longer then.
    if !received.races() {
        ring.favour_this_thread();
    }
    let threads = Threads::before_the_subject();
    let loaded = match load(&orders.subject) {
        Ok(loaded) => loaded,
        Err(error) => {
            ring.push(0, Record::NotLoaded, u32::MAX);
            return Err(error.to_string());
        }
    };
    aborting::tell(ring, loaded.library);
    let profile = orders.profile.as_deref().map(CString::new).transpose().map_err(|e| e.to_string())?;
    let own_threads = if received.races() { RACERS } else { 2 };
    NEXT_THREAD.store(own_threads.into(), Ordering::Relaxed);
    let child = Arc::new_cyclic(|itself| Child {
        ring,
        exports: loaded.exports,
        profile,
        settle: orders.settle,
        patience: orders.patience,
        running: RwLock::new(None),
        callbacks: AtomicU32::new(0),
        being_called_back: AtomicU32::new(0),
        waited_in_vain: AtomicU32::new(0),
        announcements: Announcements::default(),
        threads,
        heard_of_sinks: AtomicBool::new(false),
        races: received.races(),
        own_threads,
        workers: Workers::default(),
        itself: itself.clone(),
        under_way_elsewhere: AtomicU32::new(0),
    });
    THREAD.with(|cell| cell.set(FIRST));
    // A race that one of its threads does not come to would never begin.
    if received.races() && !child.start(RACERS - 1) {
        return Err("the client's threads cannot be started".to_owned());
    }
    Sinks::report_to(child.clone());
    let mut waiting = Waiting::from_now();
    for program in 0..received.count() {
        if !ring.is_allowed(program) {
            child.put(0, Record::Waited { milliseconds: waiting.so_far().as_millis() as u32 });
            if !ring.may_run(program) {
                break;
            }
            waiting = Waiting::from_now();
        }
        if !received.has(program) {
            waiting.pause();
        }
        let Some((part, number)) = received.part(program) else {
            Sinks::report_to_nobody();
            return Err(NO_PROGRAMS.to_owned());
        };
        waiting.go_on();
        child.run(program as u32, part, number);
    }
    // One settling for the whole batch: what comes late to a sink of any trace is recorded with that trace.
    if child.heard_of_sinks.load(Ordering::Relaxed) {
        let start = Instant::now();
        while start.elapsed() < orders.linger {
            if let Some(running) = child.current() {
                running.driver.pump();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    child.wait_for_what_is_under_way_elsewhere();
    Sinks::report_to_nobody();
    child.put(0, Record::Finished);
    Ok(())
}

//! What is written down, and the names that things have there.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use mapi_conform::trace::{Writer, header};
use mapi_session_com::Hresult;
use mapi_session_spec::Era;
use mapi_session_spec::event::{
    BufferId, Call, CallId, Callback, Event, ObjectId, RegistrationId, SessionId, SinkId, ThreadId,
};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::outcome::{Ending, Out, Outcome};

/// The trace so far.
#[derive(Default)]
pub(crate) struct Record {
    file: Option<File>,
    /// The process that the file is of.
    process: u32,
    writer: Writer,
    calls: u32,
    threads: u8,
    /// Numbers of threads that have ended.
    unused: Vec<u8>,
    sessions: u16,
    objects: u16,
    sinks: u16,
    registrations: u16,
    buffers: u16,
    /// Buffers that the client holds, by address.
    pub(crate) held: HashMap<usize, BufferId>,
    /// Registrations by session and connection number.
    pub(crate) connections: HashMap<(SessionId, usize), RegistrationId>,
}

/// The one record of this process.
pub(crate) fn record() -> MutexGuard<'static, Record> {
    #[cfg(unix)]
    crate::forking::let_go_first();
    locked().lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same, and its lock.
pub(crate) fn locked() -> &'static Mutex<Record> {
    static RECORD: OnceLock<Mutex<Record>> = OnceLock::new();
    RECORD.get_or_init(|| {
        #[cfg(unix)]
        // SAFETY: the function has the form that `atexit` wants, and may run at any time.
        unsafe {
            libc::atexit(finish);
        }
        #[cfg(unix)]
        crate::forking::watch();
        Mutex::new(Record::begin())
    })
}

/// The program ends by itself: the trace is whole.
extern "C" fn finish() {
    let mut record = record();
    // A child that made no call has nothing to write.
    if record.process == std::process::id() {
        record.put(&Event::End);
    }
}

/// A call that has been written down and has not returned. If it is dropped, an exception goes through it.
pub(crate) struct Underway(Option<CallId>);

impl Drop for Underway {
    fn drop(&mut self) {
        if let Some(id) = self.0.take() {
            record().put(&Event::Return { id, outcome: Outcome { ending: Ending::Threw, out: Out::None } });
        }
    }
}

/// The same of a callback.
pub(crate) struct CallbackUnderway(CallId);

impl Drop for CallbackUnderway {
    fn drop(&mut self) {
        record().put(&Event::CallbackReturn { id: self.0 });
    }
}

/// Makes a call, with a line before it and one after it.
pub(crate) fn around<T>(call: Call, make: impl FnOnce() -> T, outcome: impl FnOnce(T) -> Outcome) -> T
where
    T: Copy,
{
    let underway = record().call(call);
    let answer = make();
    record().returned(underway, outcome(answer));
    answer
}

/// The outcome of a call that answers with a code alone.
pub(crate) fn coded(result: Hresult) -> Outcome {
    Outcome::returned(HResult(result.cast_unsigned()), Out::None)
}

/// The number of a thread, free for another once that has ended.
struct Number(u8);

impl Drop for Number {
    fn drop(&mut self) {
        record().unused.push(self.0);
    }
}

thread_local! {
    static THREAD: OnceCell<Number> = const { OnceCell::new() };
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $count:ident, $id:ident;)*) => { $(
        $(#[$doc])*
        pub(crate) fn $name(&mut self) -> $id {
            let id = $id(self.$count);
            // What had the name so many names ago is over.
            self.$count = self.$count.wrapping_add(1);
            id
        }
    )* };
}

/// Shows whoever follows the recording that it is still being written: until this process ends, however it does. A lock
/// of this kind is the process's own, and no child inherits it.
#[cfg(unix)]
fn hold(file: &File) {
    use std::os::fd::AsRawFd as _;
    let lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    // Where files cannot be locked, they cannot be followed.
    // SAFETY: the descriptor is open, and the structure is whole and outlives the call.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw const lock) };
}

#[cfg(not(unix))]
const fn hold(_file: &File) {}

fn era() -> Era {
    match std::env::var("MAPI_CONFORM_ERA").as_deref() {
        Ok("classic") => Era::Classic,
        _ => Era::FastShutdown,
    }
}

impl Record {
    fn begin() -> Self {
        let mut record = Self { process: std::process::id(), ..Self::default() };
        let Some(path) = std::env::var_os("MAPI_CONFORM_TRACE") else {
            eprintln!("mapi-conform-recorder: MAPI_CONFORM_TRACE names no file: nothing is recorded");
            return record;
        };
        match File::create(&path) {
            Ok(file) => {
                hold(&file);
                record.file = Some(file);
                record.write(&header(era(), "recorded").to_string());
            }
            Err(error) => eprintln!("mapi-conform-recorder: {}: {error}", path.display()),
        }
        record
    }

    names! {
        /// A name for the next session.
        new_session, sessions, SessionId;
        /// A name for the next object.
        new_object, objects, ObjectId;
        /// A name for the next sink.
        new_sink, sinks, SinkId;
        /// A name for the next registration.
        new_registration, registrations, RegistrationId;
        /// A name for the next buffer.
        new_buffer, buffers, BufferId;
    }

    fn thread(&mut self) -> ThreadId {
        let number = THREAD.try_with(|number| number.get_or_init(|| Number(self.next_number())).0);
        // A thread that is ending may still call.
        ThreadId(number.unwrap_or(u8::MAX))
    }

    fn next_number(&mut self) -> u8 {
        self.unused.pop().unwrap_or_else(|| {
            let next = self.threads;
            self.threads = self.threads.saturating_add(1);
            next
        })
    }

    /// One line, with one system call.
    fn write(&mut self, line: &str) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
            eprintln!("mapi-conform-recorder: nothing more is recorded: {error}");
            self.file = None;
        }
    }

    /// The program has forked: the child has a file of its own, which begins in the middle.
    fn go_on_in_a_child(&mut self) {
        self.process = std::process::id();
        self.writer.begin_another_file();
        let Some(mut path) = std::env::var_os("MAPI_CONFORM_TRACE").filter(|_| self.file.take().is_some())
        else {
            return;
        };
        path.push(format!(".{}", self.process));
        match File::create(&path) {
            Ok(file) => {
                hold(&file);
                self.file = Some(file);
                let mut head = header(era(), "recorded");
                head["starts"] = "attached".into();
                self.write(&head.to_string());
            }
            Err(error) => eprintln!("mapi-conform-recorder: {}: {error}", path.display()),
        }
    }

    fn put(&mut self, event: &Event) {
        if self.process != std::process::id() {
            self.go_on_in_a_child();
        }
        if let Some(line) = self.writer.line(event) {
            self.write(&line.to_string());
        }
    }

    /// A call is about to be made.
    pub(crate) fn call(&mut self, call: Call) -> Underway {
        self.calls += 1;
        let (id, thread) = (CallId(self.calls), self.thread());
        self.put(&Event::Call { id, thread, call });
        Underway(Some(id))
    }

    /// It has returned.
    pub(crate) fn returned(&mut self, mut underway: Underway, outcome: Outcome) {
        if let Some(id) = underway.0.take() {
            self.put(&Event::Return { id, outcome });
        }
    }

    /// A sink is about to be called. It has returned, or thrown, when what is given here is dropped.
    pub(crate) fn callback(&mut self, sink: SinkId, callback: Callback) -> CallbackUnderway {
        self.calls += 1;
        let (id, thread) = (CallId(self.calls), self.thread());
        self.put(&Event::Callback { id, thread, sink, callback });
        CallbackUnderway(id)
    }
}

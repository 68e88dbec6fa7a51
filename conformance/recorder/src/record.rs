//! What is written down, and the names that things have there.

use std::cell::Cell;
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
use mapi_session_spec::outcome::{Out, Outcome};

/// The trace so far.
#[derive(Default)]
pub(crate) struct Record {
    file: Option<File>,
    writer: Writer,
    calls: u32,
    threads: u8,
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
    static RECORD: OnceLock<Mutex<Record>> = OnceLock::new();
    let record = RECORD.get_or_init(|| {
        #[cfg(unix)]
        // SAFETY: the function has the form that `atexit` wants, and may run at any time.
        unsafe {
            libc::atexit(finish);
        }
        Mutex::new(Record::begin())
    });
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The program ends by itself: the trace is whole.
extern "C" fn finish() {
    record().put(&Event::End);
}

/// Makes a call, with a line before it and one after it.
pub(crate) fn around<T>(call: Call, make: impl FnOnce() -> T, outcome: impl FnOnce(T) -> Outcome) -> T
where
    T: Copy,
{
    let id = record().call(call);
    let answer = make();
    record().returned(id, outcome(answer));
    answer
}

/// The outcome of a call that answers with a code alone.
pub(crate) fn coded(result: Hresult) -> Outcome {
    Outcome::returned(HResult(result.cast_unsigned()), Out::None)
}

thread_local! {
    static THREAD: Cell<Option<u8>> = const { Cell::new(None) };
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $count:ident, $id:ident;)*) => { $(
        $(#[$doc])*
        pub(crate) fn $name(&mut self) -> $id {
            let id = $id(self.$count);
            self.$count = self.$count.saturating_add(1);
            id
        }
    )* };
}

impl Record {
    fn begin() -> Self {
        let mut record = Self::default();
        let Some(path) = std::env::var_os("MAPI_CONFORM_TRACE") else {
            eprintln!("mapi-conform-recorder: MAPI_CONFORM_TRACE names no file: nothing is recorded");
            return record;
        };
        match File::create(&path) {
            Ok(file) => {
                record.file = Some(file);
                let era = match std::env::var("MAPI_CONFORM_ERA").as_deref() {
                    Ok("classic") => Era::Classic,
                    _ => Era::FastShutdown,
                };
                record.write(&header(era, "recorded").to_string());
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
        THREAD.with(|cell| {
            ThreadId(cell.get().unwrap_or_else(|| {
                let next = self.threads;
                self.threads = self.threads.saturating_add(1);
                cell.set(Some(next));
                next
            }))
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

    fn put(&mut self, event: &Event) {
        if let Some(line) = self.writer.line(event) {
            self.write(&line.to_string());
        }
    }

    /// A call is about to be made.
    pub(crate) fn call(&mut self, call: Call) -> CallId {
        self.calls += 1;
        let (id, thread) = (CallId(self.calls), self.thread());
        self.put(&Event::Call { id, thread, call });
        id
    }

    /// It has returned.
    pub(crate) fn returned(&mut self, id: CallId, outcome: Outcome) {
        self.put(&Event::Return { id, outcome });
    }

    /// A sink is about to be called.
    pub(crate) fn callback(&mut self, sink: SinkId, callback: Callback) -> CallId {
        self.calls += 1;
        let (id, thread) = (CallId(self.calls), self.thread());
        self.put(&Event::Callback { id, thread, sink, callback });
        id
    }

    /// It has returned.
    pub(crate) fn callback_returned(&mut self, id: CallId) {
        self.put(&Event::CallbackReturn { id });
    }
}

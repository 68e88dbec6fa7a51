//! Sinks of ours: COM objects that record who calls them, and can call back in.
//!
//! Their memory is never freed, so that a subject that calls one too late is recorded and not obeyed by chance.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use mapi_session_com::{
    Guid, Hresult, IID_IMAPI_ADVISE_SINK, IID_IUNKNOWN, IMAPIAdviseSink, IMAPIAdviseSinkVtbl, IUnknownVtbl,
    Notification, Ulong,
};
use mapi_session_spec::event::{Callback, SessionId, SinkId};
use mapi_session_spec::flags::EventMask;

use super::memory;
use crate::program::Awaited;

/// Who is told what happens to sinks.
pub(crate) trait SinkEvents: Send + Sync {
    /// A callback begins.
    fn begins(&self, trace: u32, sink: SinkId, callback: Callback) -> Begun;
    /// The callback of that number ends.
    fn ends(&self, trace: u32, number: u32);
    /// Nothing of it is under way any more: it has ended, or an exception has gone through it.
    fn is_over(&self);
    /// The first `OnNotify` of this sink is under way: the time to call back in.
    fn inside(&self, trace: u32, sink: SinkId);
    /// The first Release that leaves no reference to this sink is under way: likewise.
    fn releasing(&self, trace: u32, sink: SinkId);
}

/// A callback that is on the record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    /// Its number.
    pub(crate) number: u32,
    /// Its place in the record, which is not the first.
    pub(crate) place: u64,
}

static EVENTS: RwLock<Option<Arc<dyn SinkEvents>>> = RwLock::new(None);

fn listener() -> Option<Arc<dyn SinkEvents>> {
    EVENTS.read().unwrap_or_else(PoisonError::into_inner).clone()
}

#[repr(C)]
struct Sink {
    face: IMAPIAdviseSink,
    trace: u32,
    id: SinkId,
    references: AtomicI32,
    /// Whether `OnNotify` was ever called.
    called: AtomicBool,
    /// Whether there was ever no reference left.
    given_back: AtomicBool,
    /// Where on the record it was last called since the last settling, zero if it was not.
    heard: AtomicU64,
    /// In how many words, since then.
    words: AtomicU32,
    /// How often it was registered, and for what the last time.
    registered: AtomicU32,
    mask: AtomicU32,
}

// SAFETY: the vtable is constant; every other field is immutable or atomic.
unsafe impl Sync for Sink {}

static VTABLE: IMAPIAdviseSinkVtbl =
    IMAPIAdviseSinkVtbl { unknown: IUnknownVtbl { query_interface, add_ref, release }, on_notify };

fn of<'a>(this: *mut c_void) -> &'a Sink {
    // SAFETY: the vtable is reachable only through sinks made by `Sinks::get`, whose memory is never freed.
    unsafe { &*this.cast::<Sink>() }
}

fn record(sink: &Sink, callback: Callback, during: impl FnOnce(Begun)) {
    if let Some(events) = listener() {
        tell(&*events, (sink.trace, sink.id), callback, during);
    }
}

fn tell(
    events: &dyn SinkEvents,
    (trace, sink): (u32, SinkId),
    callback: Callback,
    during: impl FnOnce(Begun),
) {
    let begun = events.begins(trace, sink, callback);
    let over = Over(events);
    during(begun);
    events.ends(trace, begun.number);
    drop(over);
}

/// Says that a callback is over, also where an exception goes through it.
struct Over<'a>(&'a dyn SinkEvents);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.is_over();
    }
}

unsafe extern "system-unwind" fn query_interface(
    this: *mut c_void,
    iid: *const Guid,
    out: *mut *mut c_void,
) -> Hresult {
    let mut bytes = [0; size_of::<Guid>()];
    let known = memory::read(iid as usize, &mut bytes) && {
        // SAFETY: sixteen bytes are a `Guid`, whatever they hold.
        let asked: Guid = unsafe { std::mem::transmute(bytes) };
        asked == IID_IUNKNOWN || asked == IID_IMAPI_ADVISE_SINK
    };
    if !known || memory::word(out as usize).is_none() {
        return 0x8000_4002_u32.cast_signed();
    }
    record(of(this), Callback::QueryInterface, |_| {
        of(this).references.fetch_add(1, Ordering::SeqCst);
    });
    // SAFETY: the word at `out` was just read; COM lets the callee write to it.
    unsafe { out.write(this) };
    0
}

unsafe extern "system-unwind" fn add_ref(this: *mut c_void) -> Ulong {
    let mut now = 0;
    record(of(this), Callback::AddRef, |_| now = of(this).references.fetch_add(1, Ordering::SeqCst) + 1);
    now.max(0).cast_unsigned()
}

unsafe extern "system-unwind" fn release(this: *mut c_void) -> Ulong {
    let mut now = 0;
    let sink = of(this);
    record(sink, Callback::Release, |_| {
        now = sink.references.fetch_sub(1, Ordering::SeqCst) - 1;
        if now == 0
            && !sink.given_back.swap(true, Ordering::SeqCst)
            && let Some(events) = listener()
        {
            events.releasing(sink.trace, sink.id);
        }
    });
    now.max(0).cast_unsigned()
}

unsafe extern "system-unwind" fn on_notify(
    this: *mut c_void,
    count: Ulong,
    notifications: *const Notification,
) -> Ulong {
    let mut events = 0;
    for index in 0..(count as usize).min(64) {
        let mut bytes = [0; 4];
        if !memory::read((notifications as usize).wrapping_add(index * size_of::<Notification>()), &mut bytes)
        {
            break;
        }
        events |= u32::from_ne_bytes(bytes);
    }
    let sink = of(this);
    let first = !sink.called.swap(true, Ordering::SeqCst);
    record(sink, Callback::OnNotify { events: EventMask(events) }, |begun| {
        sink.words.fetch_add(count, Ordering::SeqCst);
        sink.heard.fetch_max(begun.place, Ordering::SeqCst);
        if first && let Some(events) = listener() {
            events.inside(sink.trace, sink.id);
        }
    });
    // NOTIFY-017: the value is not an HRESULT, and the session has no use for it.
    0
}

/// What a sink has been told since the last settling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// What it was registered for last.
    pub(crate) mask: EventMask,
    /// How often it was registered.
    pub(crate) registered: u32,
    /// Of how many Logoffs it hears.
    pub(crate) logoffs: u32,
    /// In how many words.
    pub(crate) words: u32,
}

/// The sinks of the trace that runs.
pub(crate) struct Sinks {
    trace: u32,
    made: RwLock<Vec<Option<&'static Sink>>>,
}

impl Sinks {
    /// Tells `events` of every callback, from now on.
    pub(crate) fn report_to(events: Arc<dyn SinkEvents>) {
        *EVENTS.write().unwrap_or_else(PoisonError::into_inner) = Some(events);
    }

    /// Tells nobody any more: the batch is over.
    pub(crate) fn report_to_nobody() {
        *EVENTS.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// No sinks yet, for this trace.
    pub(crate) fn new(trace: u32) -> Self {
        Self { trace, made: RwLock::default() }
    }

    /// The same, of another trace.
    pub(crate) fn begin(&mut self, trace: u32) {
        self.trace = trace;
        self.made.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The sink of that name, made on first use.
    pub(crate) fn get(&self, id: SinkId) -> *mut IMAPIAdviseSink {
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        let index = usize::from(id.0);
        if made.len() <= index {
            made.resize(index + 1, None);
        }
        let sink = made[index].get_or_insert_with(|| {
            Box::leak(Box::new(Sink {
                face: IMAPIAdviseSink { vtbl: &raw const VTABLE },
                trace: self.trace,
                id,
                references: AtomicI32::new(0),
                called: AtomicBool::new(false),
                given_back: AtomicBool::new(false),
                heard: AtomicU64::new(0),
                words: AtomicU32::new(0),
                registered: AtomicU32::new(0),
                mask: AtomicU32::new(0),
            }))
        });
        std::ptr::from_ref::<Sink>(sink).cast_mut().cast()
    }

    /// From here on only what comes from here on counts as heard: an earlier word is no answer to a later Logoff.
    pub(crate) fn listen_anew(&self) {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        for sink in made.iter().flatten() {
            sink.heard.store(0, Ordering::SeqCst);
            sink.words.store(0, Ordering::SeqCst);
        }
    }

    /// The sink is about to be registered for this.
    pub(crate) fn register(&self, id: SinkId, mask: EventMask) -> *mut IMAPIAdviseSink {
        let face = self.get(id);
        let sink = of(face.cast());
        sink.registered.fetch_add(1, Ordering::SeqCst);
        sink.mask.store(mask.0, Ordering::SeqCst);
        face
    }

    /// What has come since then to the sinks that must hear, or may.
    /// `logoff` is where on the record the Logoff of a session begins.
    pub(crate) fn told(&self, awaited: Awaited, logoff: impl Fn(SessionId) -> u64) -> Vec<Told> {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        let is_awaited = |sink: &&Sink| {
            awaited.heard & (1 << sink.id.0.min(63)) != 0 || awaited.leavers(sink.id).next().is_some()
        };
        let told = |sink: &Sink| Told {
            mask: EventMask(sink.mask.load(Ordering::SeqCst)),
            registered: sink.registered.load(Ordering::SeqCst),
            logoffs: awaited.leavers(sink.id).filter(|leaver| logoff(*leaver) > 0).count() as u32,
            words: sink.words.load(Ordering::SeqCst),
        };
        made.iter().flatten().copied().filter(is_awaited).map(told).collect()
    }

    /// Whether all of this has come since then. `logoff` is where on the record the Logoff of a session
    /// begins.
    pub(crate) fn have(&self, awaited: Awaited, logoff: impl Fn(SessionId) -> u64) -> bool {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        let all = |mask: u64, holds: &dyn Fn(&Sink) -> bool| {
            (0..64)
                .filter(|bit| mask & (1 << bit) != 0)
                .all(|bit| made.get(bit).copied().flatten().is_none_or(holds))
        };
        let has_heard = |sink: &Sink| awaited.is_told_at(sink.id, sink.heard.load(Ordering::SeqCst), &logoff);
        all(awaited.heard, &has_heard)
            && all(awaited.released, &|sink| sink.references.load(Ordering::SeqCst) <= 0)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// Callbacks that are under way, and those that have ended.
    #[derive(Default)]
    struct Counting {
        under_way: AtomicI32,
        ended: AtomicI32,
    }

    impl SinkEvents for Counting {
        fn begins(&self, _: u32, _: SinkId, _: Callback) -> Begun {
            self.under_way.fetch_add(1, Ordering::SeqCst);
            Begun { number: 0, place: 1 }
        }
        fn ends(&self, _: u32, _: u32) {
            self.ended.fetch_add(1, Ordering::SeqCst);
        }
        fn is_over(&self) {
            self.under_way.fetch_sub(1, Ordering::SeqCst);
        }
        fn inside(&self, _: u32, _: SinkId) {}
        fn releasing(&self, _: u32, _: SinkId) {}
    }

    #[test]
    fn a_callback_that_an_exception_goes_through_is_over_and_has_not_ended() {
        let events = Counting::default();
        let counts = || [&events.under_way, &events.ended].map(|count| count.load(Ordering::SeqCst));
        let named = (0, SinkId(0));
        tell(&events, named, Callback::AddRef, |_| assert_eq!(counts(), [1, 0]));
        assert_eq!(counts(), [0, 1]);
        let thrown = catch_unwind(AssertUnwindSafe(|| {
            tell(&events, named, Callback::Release, |_| std::panic::resume_unwind(Box::new("thrown")));
        }));
        assert!(thrown.is_err());
        assert_eq!(counts(), [0, 1]);
    }
}

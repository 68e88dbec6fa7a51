//! The client's sinks, as the session is given them.

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{LazyLock, Mutex, PoisonError};

use mapi_session_com::{Guid, Hresult, IMAPIAdviseSinkVtbl, IUnknownVtbl, Notification, Ulong};
use mapi_session_spec::event::{Callback, SinkId};
use mapi_session_spec::flags::EventMask;

use crate::proxy::{Head, real};
use crate::record::record;

/// A sink's stand-in. It is never freed, so that a callback that comes too late is still recorded.
#[repr(C)]
struct Sink {
    head: Head,
    id: SinkId,
}

static VTABLE: IMAPIAdviseSinkVtbl =
    IMAPIAdviseSinkVtbl { unknown: IUnknownVtbl { query_interface, add_ref, release }, on_notify };

/// Stand-ins by the address of the client's sink: one sink, one name.
pub(crate) static KNOWN: LazyLock<Mutex<HashMap<usize, usize>>> = LazyLock::new(Mutex::default);

/// The stand-in for a sink of the client's, and its name.
pub(crate) fn stand_in(client: *mut c_void) -> (*mut c_void, SinkId) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let sink = *known.entry(client as usize).or_insert_with(|| {
        let head = Head { vtbl: (&raw const VTABLE).cast(), real: client };
        let sink = Box::leak(Box::new(Sink { head, id: record().new_sink() }));
        std::ptr::from_mut(sink) as usize
    });
    let sink = sink as *mut Sink;
    // SAFETY: the map holds only stand-ins made above, which are never freed.
    (sink.cast(), unsafe { (*sink).id })
}

/// Passes a callback on, with a line before it and one after it.
fn watched<T>(this: *mut c_void, callback: Callback, call: impl FnOnce() -> T) -> T {
    // SAFETY: these functions are reachable only through stand-ins made here, which are never freed.
    let sink = unsafe { (*this.cast::<Sink>()).id };
    let _underway = record().callback(sink, callback);
    call()
}

unsafe extern "system-unwind" fn query_interface(
    this: *mut c_void,
    iid: *const Guid,
    out: *mut *mut c_void,
) -> Hresult {
    // SAFETY: called through a sink's stand-in; the rest is the session's.
    unsafe {
        let (sink, vtable) = real::<IMAPIAdviseSinkVtbl>(this);
        let result = (vtable.unknown.query_interface)(sink, iid, out);
        if result >= 0 && !out.is_null() && *out == sink {
            // A reference came with it, through the stand-in like the others.
            watched(this, Callback::QueryInterface, || *out = this);
        }
        result
    }
}

unsafe extern "system-unwind" fn add_ref(this: *mut c_void) -> Ulong {
    // SAFETY: called through a sink's stand-in.
    watched(this, Callback::AddRef, || unsafe {
        let (sink, vtable) = real::<IMAPIAdviseSinkVtbl>(this);
        (vtable.unknown.add_ref)(sink)
    })
}

unsafe extern "system-unwind" fn release(this: *mut c_void) -> Ulong {
    // SAFETY: called through a sink's stand-in.
    watched(this, Callback::Release, || unsafe {
        let (sink, vtable) = real::<IMAPIAdviseSinkVtbl>(this);
        (vtable.unknown.release)(sink)
    })
}

unsafe extern "system-unwind" fn on_notify(
    this: *mut c_void,
    count: Ulong,
    notifications: *const Notification,
) -> Ulong {
    let mut events = 0;
    if !notifications.is_null() {
        for index in 0..count as usize {
            // SAFETY: the session says that there are so many.
            events |= unsafe { (*notifications.add(index)).event_type };
        }
    }
    // SAFETY: called through a sink's stand-in; the rest is the session's.
    watched(this, Callback::OnNotify { events: EventMask(events) }, || unsafe {
        let (sink, vtable) = real::<IMAPIAdviseSinkVtbl>(this);
        (vtable.on_notify)(sink, count, notifications)
    })
}

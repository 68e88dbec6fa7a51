//! What a session opens: tables, stores, address books, and its `IMAPIClientShutdown`.

use std::ffi::c_void;
use std::sync::LazyLock;

use mapi_session_com::{
    Guid, Hresult, IMAPIClientShutdownVtbl, IMAPITableVtbl, IUnknownVtbl, TABLE_SLOTS, Ulong,
};
use mapi_session_spec::event::{Call, ObjectId, ObjectMethod, Target};
use mapi_session_spec::outcome::Outcome;

use crate::counted;
use crate::proxy::{FORWARDING, Head, SLOTS, Slots, real};
use crate::record::{around, coded};
use crate::session;

/// An object's stand-in. It is never freed, so that a call that comes too late is still recorded.
#[repr(C)]
struct Object {
    head: Head,
    id: ObjectId,
}

/// What is watched of an object besides its references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `GetStatus` and `GetRowCount`.
    Table,
    /// `QueryFastShutdown`, `NotifyProcessShutdown` and `DoFastShutdown`.
    ClientShutdown,
    /// Nothing.
    Other,
}

static TABLE: LazyLock<Slots> = LazyLock::new(|| {
    let mut slots = watching_references();
    slots.0[6] = get_status as *const c_void;
    slots.0[9] = get_row_count as *const c_void;
    slots
});
static CLIENT_SHUTDOWN: LazyLock<Slots> = LazyLock::new(|| {
    let mut slots = watching_references();
    slots.0[3] = query_fast_shutdown as *const c_void;
    slots.0[4] = notify_process_shutdown as *const c_void;
    slots.0[5] = do_fast_shutdown as *const c_void;
    slots
});
static OTHER: LazyLock<Slots> = LazyLock::new(watching_references);

const _: () = assert!(TABLE_SLOTS <= SLOTS);

/// Every slot forwards, and `IUnknown`'s are watched.
fn watching_references() -> Slots {
    let mut slots = FORWARDING;
    slots.0[0] = query_interface as *const c_void;
    slots.0[1] = add_ref as *const c_void;
    slots.0[2] = release as *const c_void;
    slots
}

/// A stand-in for an object that a session has handed out.
pub(crate) fn stand_in(kind: Kind, id: ObjectId, real: *mut c_void) -> *mut c_void {
    let vtbl = match kind {
        Kind::Table => &*TABLE,
        Kind::ClientShutdown => &*CLIENT_SHUTDOWN,
        Kind::Other => &*OTHER,
    };
    let head = Head { vtbl: std::ptr::from_ref(vtbl).cast(), real };
    std::ptr::from_mut(Box::leak(Box::new(Object { head, id }))).cast()
}

fn id_of(this: *mut c_void) -> ObjectId {
    // SAFETY: these functions are reachable only through stand-ins made here, which are never freed.
    unsafe { (*this.cast::<Object>()).id }
}

/// A further interface of an object is no business of the specification's: only the pointer itself keeps its stand-in,
/// and a session that it leads back to.
unsafe extern "system-unwind" fn query_interface(
    this: *mut c_void,
    iid: *const Guid,
    out: *mut *mut c_void,
) -> Hresult {
    // SAFETY: called through a stand-in; the rest is the caller's.
    unsafe {
        let (object, vtable) = real::<IUnknownVtbl>(this);
        let result = (vtable.query_interface)(object, iid, out);
        if result < 0 || out.is_null() {
            return result;
        }
        let more = if *out == object {
            *out = this;
            Target::Object(id_of(this))
        } else if let Some((stand_in, session)) = session::one_more_of(*out) {
            // A session's IMAPIClientShutdown leads back to the session, whose one IUnknown the client knows.
            *out = stand_in;
            Target::Session(session)
        } else {
            return result;
        };
        around(Call::AddRef { target: more }, || (), |()| Outcome::OK);
        result
    }
}

unsafe extern "system-unwind" fn add_ref(this: *mut c_void) -> Ulong {
    // SAFETY: called through a stand-in.
    unsafe { counted::add_ref(this, Target::Object(id_of(this))) }
}

unsafe extern "system-unwind" fn release(this: *mut c_void) -> Ulong {
    // SAFETY: called through a stand-in.
    unsafe { counted::release(this, Target::Object(id_of(this))) }
}

/// Makes a call on the object, with a line before it and one after it.
fn watched(this: *mut c_void, method: ObjectMethod, call: impl FnOnce() -> Hresult) -> Hresult {
    around(Call::OnObject { object: id_of(this), method }, call, coded)
}

unsafe extern "system-unwind" fn get_status(
    this: *mut c_void,
    table_status: *mut Ulong,
    table_type: *mut Ulong,
) -> Hresult {
    // SAFETY: called through a table's stand-in; the rest is the caller's.
    watched(this, ObjectMethod::GetStatus, || unsafe {
        let (object, vtable) = real::<IMAPITableVtbl>(this);
        (vtable.get_status)(object, table_status, table_type)
    })
}

unsafe extern "system-unwind" fn get_row_count(
    this: *mut c_void,
    flags: Ulong,
    count: *mut Ulong,
) -> Hresult {
    // SAFETY: called through a table's stand-in; the rest is the caller's.
    watched(this, ObjectMethod::GetRowCount, || unsafe {
        let (object, vtable) = real::<IMAPITableVtbl>(this);
        (vtable.get_row_count)(object, flags, count)
    })
}

macro_rules! shutting_down {
    ($name:ident, $method:ident) => {
        unsafe extern "system-unwind" fn $name(this: *mut c_void) -> Hresult {
            // SAFETY: called through a stand-in for IMAPIClientShutdown.
            watched(this, ObjectMethod::$method, || unsafe {
                let (object, vtable) = real::<IMAPIClientShutdownVtbl>(this);
                (vtable.$name)(object)
            })
        }
    };
}

shutting_down!(query_fast_shutdown, QueryFastShutdown);
shutting_down!(notify_process_shutdown, NotifyProcessShutdown);
shutting_down!(do_fast_shutdown, DoFastShutdown);

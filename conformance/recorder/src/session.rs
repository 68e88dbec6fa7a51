//! The session: every slot of it is watched.

use std::collections::HashMap;
use std::ffi::{c_char, c_void};
use std::hash::Hasher as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use mapi_session_com::{
    Guid, Hresult, IID_IMAPI_CLIENT_SHUTDOWN, IID_IMAPI_SESSION, IID_IUNKNOWN, IMAPIAdviseSink,
    IMAPISessionVtbl, IUnknownVtbl, MapiError, Ulong, UlongPtr,
};
use mapi_session_spec::alphabet::query;
use mapi_session_spec::event::{Call, Interface, Method, SessionId, Target};
use mapi_session_spec::flags::{EventMask, LogoffFlags};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::outcome::{Out, Outcome};

use crate::counted;
use crate::objects::{self, Kind};
use crate::proxy::{Head, real};
use crate::record::{around, coded, record};
use crate::sinks;

/// A session's stand-in. It is never freed, so that a call that comes too late is still recorded.
#[repr(C)]
struct Session {
    head: Head,
    id: SessionId,
    /// References that the client holds, as far as they were seen to come.
    references: AtomicU32,
}

/// Stand-ins by the address of the real session, while the client holds references.
pub(crate) static LIVE: LazyLock<Mutex<HashMap<usize, usize>>> = LazyLock::new(Mutex::default);

/// The stand-in for what a logon has handed out under this name; and, where the client holds that very pointer
/// already, the name it has there.
pub(crate) fn stand_in(id: SessionId, real: *mut c_void) -> (*mut c_void, Option<SessionId>) {
    let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = live.get(&(real as usize)) {
        let known = *known as *mut Session;
        // SAFETY: the map holds only stand-ins made below, which are never freed.
        let session = unsafe { &*known };
        session.references.fetch_add(1, Ordering::SeqCst);
        return (known.cast(), Some(session.id));
    }
    let head = Head { vtbl: (&raw const VTABLE).cast(), real };
    let session =
        std::ptr::from_mut(Box::leak(Box::new(Session { head, id, references: AtomicU32::new(1) })));
    live.insert(real as usize, session as usize);
    (session.cast(), None)
}

/// The stand-in of this session, if it is one that the client holds, with one reference more.
pub(crate) fn one_more_of(real: *mut c_void) -> Option<(*mut c_void, SessionId)> {
    let live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
    let known = *live.get(&(real as usize))? as *mut Session;
    // SAFETY: the map holds only stand-ins made above, which are never freed.
    let session = unsafe { &*known };
    session.references.fetch_add(1, Ordering::SeqCst);
    Some((known.cast(), session.id))
}

fn of<'a>(this: *mut c_void) -> &'a Session {
    // SAFETY: these functions are reachable only through stand-ins made here, which are never freed.
    unsafe { &*this.cast::<Session>() }
}

fn code(result: Hresult) -> HResult {
    HResult(result.cast_unsigned())
}

/// What a failed call, or one that hands out memory, has left of what stood in its out parameter before.
fn left_of(before: usize, after: usize) -> Out {
    match after {
        0 => Out::Null,
        _ if after == before => Out::Unchanged,
        _ => Out::Rubbish,
    }
}

/// A method that opens something: the client is given a stand-in for it.
///
/// # Safety
/// `out` is NULL or the caller's to write.
unsafe fn opened(
    this: *mut c_void,
    method: Method,
    flags: Ulong,
    out: *mut *mut c_void,
    call: impl FnOnce(*mut *mut c_void) -> Hresult,
) -> Hresult {
    let session = of(this).id;
    let (id, object) = {
        let mut record = record();
        let object = record.new_object();
        (record.call(Call::Method { session, method, flags, object }), object)
    };
    if out.is_null() {
        let result = call(out);
        record().returned(id, Outcome::returned(code(result), Out::None));
        return result;
    }
    // SAFETY: the caller's promise.
    let before = unsafe { out.read() };
    let mut given = before;
    let result = call(&raw mut given);
    let what = if result >= 0 && !given.is_null() && given != before {
        let kind = if method.opens_table() { Kind::Table } else { Kind::Other };
        given = objects::stand_in(kind, object, given);
        Out::Object
    } else {
        left_of(before as usize, given as usize)
    };
    // SAFETY: the caller's promise.
    unsafe { out.write(given) };
    record().returned(id, Outcome::returned(code(result), what));
    result
}

/// A method that opens nothing.
fn asked(
    this: *mut c_void,
    method: Method,
    flags: Ulong,
    call: impl FnOnce() -> Hresult,
    out: impl FnOnce(Hresult) -> Out,
) -> Hresult {
    let session = of(this).id;
    let id = {
        let mut record = record();
        let object = record.new_object();
        record.call(Call::Method { session, method, flags, object })
    };
    let result = call();
    let out = out(result);
    record().returned(id, Outcome::returned(code(result), out));
    result
}

/// What a pointer-valued out parameter holds after a call, for those that must be clean after a failure.
///
/// # Safety
/// `out` is NULL or readable.
unsafe fn before<T>(out: *mut *mut T) -> usize {
    if out.is_null() {
        return 0;
    }
    // SAFETY: the caller's promise.
    unsafe { out.read() as usize }
}

unsafe extern "system-unwind" fn query_interface(
    this: *mut c_void,
    iid: *const Guid,
    out: *mut *mut c_void,
) -> Hresult {
    // SAFETY: called through a session's stand-in; the rest is the caller's.
    unsafe {
        let (session, vtable) = real::<IMAPISessionVtbl>(this);
        let interface = match iid.as_ref() {
            Some(&IID_IUNKNOWN) => Interface::IUnknown,
            Some(&IID_IMAPI_SESSION) => Interface::IMAPISession,
            Some(&IID_IMAPI_CLIENT_SHUTDOWN) => Interface::IMAPIClientShutdown,
            // What the specification does not know goes by unseen.
            _ => return (vtable.unknown.query_interface)(session, iid, out),
        };
        if out.is_null() {
            return (vtable.unknown.query_interface)(session, iid, out);
        }
        let (id, object) = {
            let mut record = record();
            let object = record.new_object();
            (record.call(query(of(this).id, interface, object)), object)
        };
        let before = out.read();
        let result = (vtable.unknown.query_interface)(session, iid, out);
        let given = out.read();
        let what = if result < 0 || given.is_null() {
            left_of(before as usize, given as usize)
        } else if interface == Interface::IMAPIClientShutdown {
            out.write(objects::stand_in(Kind::ClientShutdown, object, given));
            Out::Object
        } else {
            // Another pointer to the same object is the same session to the client's eyes.
            of(this).references.fetch_add(1, Ordering::SeqCst);
            out.write(this);
            Out::Object
        };
        record().returned(id, Outcome::returned(code(result), what));
        result
    }
}

unsafe extern "system-unwind" fn add_ref(this: *mut c_void) -> Ulong {
    of(this).references.fetch_add(1, Ordering::SeqCst);
    // SAFETY: called through a session's stand-in.
    unsafe { counted::add_ref(this, Target::Session(of(this).id)) }
}

unsafe extern "system-unwind" fn release(this: *mut c_void) -> Ulong {
    let held =
        of(this).references.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |held| held.checked_sub(1));
    if held == Ok(1) {
        // The next session may have the same address.
        LIVE.lock().unwrap_or_else(PoisonError::into_inner).remove(&(of(this).head.real as usize));
    }
    // SAFETY: called through a session's stand-in.
    unsafe { counted::release(this, Target::Session(of(this).id)) }
}

unsafe extern "system-unwind" fn get_last_error(
    this: *mut c_void,
    result: Hresult,
    flags: Ulong,
    out: *mut *mut MapiError,
) -> Hresult {
    // SAFETY: called through a session's stand-in; the rest is the caller's.
    unsafe {
        let (session, vtable) = real::<IMAPISessionVtbl>(this);
        let was = before(out);
        asked(
            this,
            Method::GetLastError,
            flags,
            || (vtable.get_last_error)(session, result, flags, out),
            |result| match before(out) {
                0 => Out::Null,
                is if result < 0 => left_of(was, is),
                _ => Out::Value(1),
            },
        )
    }
}

macro_rules! opening {
    ($name:ident, $method:ident, ($($arg:ident: $type:ty),*), $flags:expr) => {
        unsafe extern "system-unwind" fn $name(
            this: *mut c_void,
            $($arg: $type,)*
            out: *mut *mut c_void,
        ) -> Hresult {
            // SAFETY: called through a session's stand-in; the rest is the caller's.
            unsafe {
                let (session, vtable) = real::<IMAPISessionVtbl>(this);
                opened(this, Method::$method, $flags, out, |out| (vtable.$name)(session, $($arg,)* out))
            }
        }
    };
}

macro_rules! asking {
    ($name:ident, $method:ident, ($($arg:ident: $type:ty),*), $flags:expr) => {
        unsafe extern "system-unwind" fn $name(this: *mut c_void, $($arg: $type),*) -> Hresult {
            // SAFETY: called through a session's stand-in; the rest is the caller's.
            unsafe {
                let (session, vtable) = real::<IMAPISessionVtbl>(this);
                asked(this, Method::$method, $flags, || (vtable.$name)(session, $($arg),*), |_| Out::None)
            }
        }
    };
    ($name:ident, $method:ident, ($($arg:ident: $type:ty),*), $flags:expr, out $out:ident) => {
        unsafe extern "system-unwind" fn $name(this: *mut c_void, $($arg: $type),*) -> Hresult {
            // SAFETY: called through a session's stand-in; the rest is the caller's.
            unsafe {
                let (session, vtable) = real::<IMAPISessionVtbl>(this);
                let was = before($out);
                asked(
                    this,
                    Method::$method,
                    $flags,
                    || (vtable.$name)(session, $($arg),*),
                    |result| if result < 0 { left_of(was, before($out)) } else { Out::None },
                )
            }
        }
    };
}

opening!(get_msg_stores_table, GetMsgStoresTable, (flags: Ulong), flags);
opening!(get_status_table, GetStatusTable, (flags: Ulong), flags);
opening!(admin_services, AdminServices, (flags: Ulong), flags);
opening!(open_msg_store, OpenMsgStore, (ui_param: UlongPtr, bytes: Ulong, entry_id: *const c_void,
    interface: *const Guid, flags: Ulong), flags);
opening!(open_address_book, OpenAddressBook, (ui_param: UlongPtr, interface: *const Guid, flags: Ulong), flags);
opening!(open_profile_section, OpenProfileSection, (uid: *const Guid, interface: *const Guid, flags: Ulong), flags);
opening!(open_entry, OpenEntry, (bytes: Ulong, entry_id: *const c_void, interface: *const Guid, flags: Ulong,
    object_type: *mut Ulong), flags);
asking!(compare_entry_ids, CompareEntryIDs, (first_bytes: Ulong, first: *const c_void, second_bytes: Ulong,
    second: *const c_void, flags: Ulong, result: *mut Ulong), flags);
asking!(message_options, MessageOptions, (ui_param: UlongPtr, flags: Ulong, address_type: *const c_char,
    message: *mut c_void), flags);
asking!(query_default_message_opt, QueryDefaultMessageOpt, (address_type: *const c_char, flags: Ulong,
    count: *mut Ulong, options: *mut *mut c_void), flags, out options);
asking!(enum_adr_types, EnumAdrTypes, (flags: Ulong, count: *mut Ulong, types: *mut *mut *mut c_char), flags,
    out types);
asking!(set_default_store, SetDefaultStore, (flags: Ulong, bytes: Ulong, entry_id: *const c_void), flags);
asking!(show_form, ShowForm, (ui_param: UlongPtr, store: *mut c_void, parent_folder: *mut c_void,
    interface: *const Guid, message_token: UlongPtr, message_sent: *mut c_void, flags: Ulong,
    message_status: Ulong, message_flags: Ulong, access: Ulong, message_class: *const c_char), flags);
asking!(prepare_form, PrepareForm, (interface: *const Guid, message: *mut c_void,
    message_token: *mut UlongPtr), 0);

unsafe extern "system-unwind" fn query_identity(
    this: *mut c_void,
    bytes: *mut Ulong,
    entry_id: *mut *mut c_void,
) -> Hresult {
    // SAFETY: called through a session's stand-in; the rest is the caller's and the session's.
    unsafe {
        let (session, vtable) = real::<IMAPISessionVtbl>(this);
        let was = before(entry_id);
        asked(
            this,
            Method::QueryIdentity,
            0,
            || (vtable.query_identity)(session, bytes, entry_id),
            |result| {
                let is = before(entry_id);
                if result < 0 {
                    return left_of(was, is);
                }
                if is == 0 || bytes.is_null() {
                    return Out::Null;
                }
                let length = (bytes.read() as usize).min(4096);
                let mut hash = rustc_hash::FxHasher::default();
                hash.write(std::slice::from_raw_parts(is as *const u8, length));
                Out::Value(hash.finish())
            },
        )
    }
}

unsafe extern "system-unwind" fn advise(
    this: *mut c_void,
    bytes: Ulong,
    entry_id: *const c_void,
    mask: Ulong,
    sink: *mut IMAPIAdviseSink,
    connection: *mut UlongPtr,
) -> Hresult {
    // SAFETY: called through a session's stand-in; the rest is the caller's.
    unsafe {
        let (session, vtable) = real::<IMAPISessionVtbl>(this);
        if sink.is_null() || connection.is_null() || (bytes != 0 && !entry_id.is_null()) {
            // On something else than the session, or no registration at all: unseen.
            return (vtable.advise)(session, bytes, entry_id, mask, sink, connection);
        }
        let own = of(this).id;
        let (stand_in, name) = sinks::stand_in(sink.cast());
        let (id, registration) = {
            let mut record = record();
            let registration = record.new_registration();
            let call = Call::Advise { session: own, mask: EventMask(mask), sink: name, registration };
            (record.call(call), registration)
        };
        let was = connection.read();
        let result = (vtable.advise)(session, bytes, entry_id, mask, stand_in.cast(), connection);
        let is = connection.read();
        let mut record = record();
        let out = if result < 0 { left_of(was, is) } else { Out::Value(is as u64) };
        if result >= 0 {
            record.connections.insert((own, is), registration);
        }
        record.returned(id, Outcome::returned(code(result), out));
        result
    }
}

unsafe extern "system-unwind" fn unadvise(this: *mut c_void, connection: UlongPtr) -> Hresult {
    // SAFETY: called through a session's stand-in; the rest is the caller's.
    unsafe {
        let (session, vtable) = real::<IMAPISessionVtbl>(this);
        let own = of(this).id;
        let known = record().connections.get(&(own, connection)).copied();
        let Some(registration) = known else {
            // Of a registration that was not seen to be made.
            return (vtable.unadvise)(session, connection);
        };
        let id = record().call(Call::Unadvise { session: own, registration });
        let result = (vtable.unadvise)(session, connection);
        let mut record = record();
        if result >= 0 {
            record.connections.remove(&(own, connection));
        }
        record.returned(id, Outcome::returned(code(result), Out::None));
        result
    }
}

unsafe extern "system-unwind" fn logoff(
    this: *mut c_void,
    ui_param: UlongPtr,
    flags: Ulong,
    reserved: Ulong,
) -> Hresult {
    let (session, flags) = (of(this).id, LogoffFlags(flags));
    let call = Call::Logoff { session, ui_param: ui_param as u64, flags, reserved, dirty: false };
    // SAFETY: called through a session's stand-in; the rest is the caller's.
    let passed_on = || unsafe {
        let (session, vtable) = real::<IMAPISessionVtbl>(this);
        (vtable.logoff)(session, ui_param, flags.0, reserved)
    };
    around(call, passed_on, coded)
}

static VTABLE: IMAPISessionVtbl = IMAPISessionVtbl {
    unknown: IUnknownVtbl { query_interface, add_ref, release },
    get_last_error,
    get_msg_stores_table,
    open_msg_store,
    open_address_book,
    open_profile_section,
    get_status_table,
    open_entry,
    compare_entry_ids,
    advise,
    unadvise,
    message_options,
    query_default_message_opt,
    enum_adr_types,
    query_identity,
    logoff,
    set_default_store,
    admin_services,
    show_form,
    prepare_form,
};

//! MAPI's entry points.

use std::ffi::{c_char, c_void};

use mapi_session_com::{Hresult, IMAPISession, Ulong, UlongPtr};
use mapi_session_spec::event::{Call, Profile};
use mapi_session_spec::flags::LogonFlags;
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::outcome::{Out, Outcome};

use crate::forward::real;
use crate::record::{around, coded, record};
use crate::session;

/// `MAPI_E_NO_SUPPORT`: there is nobody to forward to.
const NO_SUPPORT: Hresult = HResult::MAPI_E_NO_SUPPORT.0.cast_signed();

fn returned(result: Hresult, out: Out) -> Outcome {
    Outcome::returned(HResult(result.cast_unsigned()), out)
}

/// `MAPIInitialize`.
///
/// # Safety
/// As MAPI documents it.
#[unsafe(no_mangle)]
pub unsafe extern "system-unwind" fn MAPIInitialize(init: *mut c_void) -> Hresult {
    // SAFETY: the caller's arguments, passed on.
    let passed_on = || real().initialize.map_or(NO_SUPPORT, |initialize| unsafe { initialize(init) });
    around(Call::Initialize, passed_on, coded)
}

/// `MAPIUninitialize`.
///
/// # Safety
/// As MAPI documents it.
#[unsafe(no_mangle)]
pub unsafe extern "system-unwind" fn MAPIUninitialize() {
    let passed_on = || {
        if let Some(uninitialize) = real().uninitialize {
            // SAFETY: the caller's call, passed on.
            unsafe { uninitialize() };
        }
    };
    around(Call::Uninitialize, passed_on, |()| Outcome::OK);
}

/// `MAPILogonEx`.
///
/// # Safety
/// As MAPI documents it.
#[unsafe(no_mangle)]
pub unsafe extern "system-unwind" fn MAPILogonEx(
    ui_param: UlongPtr,
    profile: *const c_char,
    password: *const c_char,
    flags: Ulong,
    out: *mut *mut IMAPISession,
) -> Hresult {
    let logon = real().logon_ex;
    if out.is_null() {
        // No place for a pointer: what such a call may answer, no rule says. Unseen.
        // SAFETY: the caller's arguments, passed on.
        return logon.map_or(NO_SUPPORT, |logon| unsafe { logon(ui_param, profile, password, flags, out) });
    }
    let said = if profile.is_null() { Profile::Null } else { Profile::Named };
    let (id, name) = {
        let mut record = record();
        let name = record.new_session();
        (record.call(Call::LogonEx { session: name, profile: said, flags: LogonFlags(flags) }), name)
    };
    // SAFETY: the caller's to read and write.
    let before = unsafe { out.read() };
    let mut given = before;
    let result = logon
        // SAFETY: the caller's arguments, passed on, with a place of ours for the pointer.
        .map_or(NO_SUPPORT, |logon| unsafe { logon(ui_param, profile, password, flags, &raw mut given) });
    let what = if result >= 0 && !given.is_null() && given != before {
        let (stand_in, known) = session::stand_in(name, given.cast());
        given = stand_in.cast();
        known.map_or(Out::Object, Out::SameAs)
    } else if given.is_null() {
        Out::Null
    } else if given == before {
        Out::Unchanged
    } else {
        Out::Rubbish
    };
    // SAFETY: the caller's to write.
    unsafe { out.write(given) };
    record().returned(id, returned(result, what));
    result
}

/// `MAPIAllocateBuffer`.
///
/// # Safety
/// As MAPI documents it.
#[unsafe(no_mangle)]
pub unsafe extern "system-unwind" fn MAPIAllocateBuffer(bytes: Ulong, out: *mut *mut c_void) -> Hresult {
    let Some(allocate) = real().allocate_buffer else { return NO_SUPPORT };
    let (id, buffer) = {
        let mut record = record();
        let buffer = record.new_buffer();
        (record.call(Call::AllocateBuffer { buffer }), buffer)
    };
    // SAFETY: the caller's arguments, passed on.
    let result = unsafe { allocate(bytes, out) };
    // SAFETY: the caller's to read.
    let given = if out.is_null() { 0 } else { unsafe { out.read() as usize } };
    let mut record = record();
    let what = if result >= 0 && given != 0 { Out::Object } else { Out::Null };
    if what == Out::Object {
        record.held.insert(given, buffer);
    }
    record.returned(id, returned(result, what));
    result
}

/// `MAPIFreeBuffer`. What was not seen to be allocated is freed unseen.
///
/// # Safety
/// As MAPI documents it.
#[unsafe(no_mangle)]
pub unsafe extern "system-unwind" fn MAPIFreeBuffer(buffer: *mut c_void) -> Ulong {
    let Some(free) = real().free_buffer else { return 0 };
    let id = {
        let mut record = record();
        let known = record.held.remove(&(buffer as usize));
        known.map(|buffer| record.call(Call::FreeBuffer { buffer }))
    };
    // SAFETY: the caller's argument, passed on.
    let result = unsafe { free(buffer) };
    if let Some(id) = id {
        record().returned(id, Outcome::OK);
    }
    result
}

/// `HrDispatchNotifications`, which is no event of its own: what it delivers is.
///
/// # Safety
/// As MAPI documents it.
#[unsafe(no_mangle)]
pub unsafe extern "system-unwind" fn HrDispatchNotifications(flags: Ulong) -> Hresult {
    // SAFETY: the caller's argument, passed on.
    real().dispatch_notifications.map_or(NO_SUPPORT, |dispatch| unsafe { dispatch(flags) })
}

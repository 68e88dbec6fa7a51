//! The functions that a MAPI implementation exports.

use std::ffi::{c_char, c_void};

use crate::{Hresult, IMAPISession, Ulong, UlongPtr};

/// `MAPIINIT_0`: version 0 and the flags.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names are MAPI's own")]
pub struct MapiInit0 {
    pub version: Ulong,
    pub flags: Ulong,
}

/// `MAPIInitialize(LPVOID lpMapiInit)`.
pub type Initialize = unsafe extern "system-unwind" fn(init: *mut c_void) -> Hresult;
/// `MAPIUninitialize(void)`.
pub type Uninitialize = unsafe extern "system-unwind" fn();
/// `MAPILogonEx(ulUIParam, lpszProfileName, lpszPassword, ulFlags, lppSession)`.
pub type LogonEx = unsafe extern "system-unwind" fn(
    ui_param: UlongPtr,
    profile: *const c_char,
    password: *const c_char,
    flags: Ulong,
    session: *mut *mut IMAPISession,
) -> Hresult;
/// `MAPIAllocateBuffer(cbSize, lppBuffer)`.
pub type AllocateBuffer = unsafe extern "system-unwind" fn(bytes: Ulong, out: *mut *mut c_void) -> Hresult;
/// `MAPIFreeBuffer(lpBuffer)`.
pub type FreeBuffer = unsafe extern "system-unwind" fn(buffer: *mut c_void) -> Ulong;
/// `HrDispatchNotifications(ulFlags)`: a point at which queued notifications are delivered (NOTIFY-021).
pub type DispatchNotifications = unsafe extern "system-unwind" fn(flags: Ulong) -> Hresult;

/// What a subject exports; `None` where it need not.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "each field is the export of that name")]
pub struct Exports {
    pub initialize: Initialize,
    pub logon_ex: LogonEx,
    pub uninitialize: Uninitialize,
    pub free_buffer: FreeBuffer,
    pub allocate_buffer: Option<AllocateBuffer>,
    pub dispatch_notifications: Option<DispatchNotifications>,
}

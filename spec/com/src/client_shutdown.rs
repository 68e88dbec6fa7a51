//! `IMAPIClientShutdown`, where fast shutdown exists.

use std::ffi::c_void;

use crate::{Hresult, IUnknownVtbl};

/// `IMAPIClientShutdown`'s vtable: six slots.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names are MAPI's own")]
pub struct IMAPIClientShutdownVtbl {
    pub unknown: IUnknownVtbl,
    pub query_fast_shutdown: unsafe extern "system-unwind" fn(this: *mut c_void) -> Hresult,
    pub notify_process_shutdown: unsafe extern "system-unwind" fn(this: *mut c_void) -> Hresult,
    pub do_fast_shutdown: unsafe extern "system-unwind" fn(this: *mut c_void) -> Hresult,
}

/// The interface through which a client asks for a fast shutdown.
#[repr(C)]
pub struct IMAPIClientShutdown {
    /// The vtable.
    pub vtbl: *const IMAPIClientShutdownVtbl,
}

//! `IUnknown`: the first three slots of every interface here.

use std::ffi::c_void;

use crate::{Guid, Hresult, Ulong};

/// `IUnknown`'s vtable.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names are COM's own")]
pub struct IUnknownVtbl {
    pub query_interface: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        iid: *const Guid,
        out: *mut *mut c_void,
    ) -> Hresult,
    pub add_ref: unsafe extern "system-unwind" fn(this: *mut c_void) -> Ulong,
    pub release: unsafe extern "system-unwind" fn(this: *mut c_void) -> Ulong,
}

/// An object whose first word points to a vtable that begins with `IUnknown`'s three slots.
#[repr(C)]
pub struct IUnknown {
    /// The vtable.
    pub vtbl: *const IUnknownVtbl,
}

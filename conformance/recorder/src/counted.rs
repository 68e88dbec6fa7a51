//! `AddRef` and `Release` of a stand-in: passed on to what it stands for, with a line before and one after.

use std::ffi::c_void;

use mapi_session_com::{IUnknownVtbl, Ulong};
use mapi_session_spec::event::{Call, Target};
use mapi_session_spec::outcome::Outcome;

use crate::proxy::real;
use crate::record::around;

/// `AddRef`.
///
/// # Safety
/// `this` is a stand-in.
pub(crate) unsafe fn add_ref(this: *mut c_void, target: Target) -> Ulong {
    let passed_on = || {
        // SAFETY: the caller's promise; the real object's own slot is called with it.
        unsafe {
            let (object, vtable) = real::<IUnknownVtbl>(this);
            (vtable.add_ref)(object)
        }
    };
    around(Call::AddRef { target }, passed_on, |_| Outcome::OK)
}

/// `Release`.
///
/// # Safety
/// `this` is a stand-in.
pub(crate) unsafe fn release(this: *mut c_void, target: Target) -> Ulong {
    let passed_on = || {
        // SAFETY: the caller's promise; the real object's own slot is called with it.
        unsafe {
            let (object, vtable) = real::<IUnknownVtbl>(this);
            (vtable.release)(object)
        }
    };
    around(Call::Release { target }, passed_on, |_| Outcome::OK)
}

//! `IMAPITable` and the head of `IMAPIProp`: the objects that a session opens.

use std::ffi::c_void;

use crate::{Hresult, IUnknownVtbl, MapiError, Ulong};

/// How many slots `IMAPITable` has (`MAPIDefS.h`).
pub const TABLE_SLOTS: usize = 26;

/// The head of `IMAPITable`'s vtable, up to the last slot that this project calls, then the rest unnamed.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names are MAPI's own")]
pub struct IMAPITableVtbl {
    pub unknown: IUnknownVtbl,
    /// Slot 3.
    pub get_last_error: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        result: Hresult,
        flags: Ulong,
        out: *mut *mut MapiError,
    ) -> Hresult,
    pub advise: *const c_void,
    pub unadvise: *const c_void,
    /// Slot 6.
    pub get_status: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        table_status: *mut Ulong,
        table_type: *mut Ulong,
    ) -> Hresult,
    pub set_columns: *const c_void,
    pub query_columns: *const c_void,
    /// Slot 9.
    pub get_row_count:
        unsafe extern "system-unwind" fn(this: *mut c_void, flags: Ulong, count: *mut Ulong) -> Hresult,
    /// Slots 10 to 25.
    pub rest: [*const c_void; TABLE_SLOTS - 10],
}

// SAFETY: a vtable is immutable once built; its words are addresses of functions.
unsafe impl Sync for IMAPITableVtbl {}

/// A table that a session opened.
#[repr(C)]
pub struct IMAPITable {
    /// The vtable.
    pub vtbl: *const IMAPITableVtbl,
}

/// The head of the vtable that stores, address books, profile sections and service administrators share with
/// `IMAPIProp`: `IUnknown` and `GetLastError` in slot 3.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names are MAPI's own")]
pub struct IMAPIPropVtbl {
    pub unknown: IUnknownVtbl,
    /// Slot 3.
    pub get_last_error: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        result: Hresult,
        flags: Ulong,
        out: *mut *mut MapiError,
    ) -> Hresult,
}

/// An object with `GetLastError` in slot 3.
#[repr(C)]
pub struct IMAPIProp {
    /// The vtable.
    pub vtbl: *const IMAPIPropVtbl,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_twenty_six_slots_and_get_row_count_is_the_tenth() {
        let word = size_of::<usize>();
        assert_eq!(size_of::<IMAPITableVtbl>(), TABLE_SLOTS * word);
        assert_eq!(std::mem::offset_of!(IMAPITableVtbl, get_status), 6 * word);
        assert_eq!(std::mem::offset_of!(IMAPITableVtbl, get_row_count), 9 * word);
    }
}

//! `IMAPISession`: 22 slots, `Logoff` in slot 17 (`MAPIX.h`; LOGOFF-002, SESS-001).

use std::ffi::{c_char, c_void};

use crate::{Guid, Hresult, IMAPIAdviseSink, IUnknownVtbl, Ulong, UlongPtr};

/// How many slots `IMAPISession` has.
pub const SESSION_SLOTS: usize = 22;
/// The slot of `Logoff`, counted from 0.
pub const LOGOFF_SLOT: usize = 17;

/// `MAPIERROR`: what `GetLastError` hands out.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "the names are MAPI's own")]
pub struct MapiError {
    pub version: Ulong,
    pub error: *mut c_char,
    pub component: *mut c_char,
    pub low_level_error: Ulong,
    pub context: Ulong,
}

/// `Logoff` called with the two 32-bit words in 64-bit registers whose upper halves are dirty, as the calling
/// conventions of 64-bit platforms allow. A callee that reads `ULONG` as a wider word shows itself here.
pub type LogoffWithWideWords = unsafe extern "system-unwind" fn(
    this: *mut c_void,
    ui_param: UlongPtr,
    flags: u64,
    reserved: u64,
) -> Hresult;

/// `IMAPISession`'s vtable, in the order of `MAPIX.h`.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names are MAPI's own")]
pub struct IMAPISessionVtbl {
    pub unknown: IUnknownVtbl,
    pub get_last_error: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        result: Hresult,
        flags: Ulong,
        out: *mut *mut MapiError,
    ) -> Hresult,
    pub get_msg_stores_table:
        unsafe extern "system-unwind" fn(this: *mut c_void, flags: Ulong, out: *mut *mut c_void) -> Hresult,
    pub open_msg_store: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        ui_param: UlongPtr,
        entry_id_bytes: Ulong,
        entry_id: *const c_void,
        interface: *const Guid,
        flags: Ulong,
        out: *mut *mut c_void,
    ) -> Hresult,
    pub open_address_book: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        ui_param: UlongPtr,
        interface: *const Guid,
        flags: Ulong,
        out: *mut *mut c_void,
    ) -> Hresult,
    pub open_profile_section: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        uid: *const Guid,
        interface: *const Guid,
        flags: Ulong,
        out: *mut *mut c_void,
    ) -> Hresult,
    pub get_status_table:
        unsafe extern "system-unwind" fn(this: *mut c_void, flags: Ulong, out: *mut *mut c_void) -> Hresult,
    pub open_entry: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        entry_id_bytes: Ulong,
        entry_id: *const c_void,
        interface: *const Guid,
        flags: Ulong,
        object_type: *mut Ulong,
        out: *mut *mut c_void,
    ) -> Hresult,
    pub compare_entry_ids: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        first_bytes: Ulong,
        first: *const c_void,
        second_bytes: Ulong,
        second: *const c_void,
        flags: Ulong,
        result: *mut Ulong,
    ) -> Hresult,
    pub advise: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        entry_id_bytes: Ulong,
        entry_id: *const c_void,
        event_mask: Ulong,
        sink: *mut IMAPIAdviseSink,
        connection: *mut UlongPtr,
    ) -> Hresult,
    pub unadvise: unsafe extern "system-unwind" fn(this: *mut c_void, connection: UlongPtr) -> Hresult,
    pub message_options: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        ui_param: UlongPtr,
        flags: Ulong,
        address_type: *const c_char,
        message: *mut c_void,
    ) -> Hresult,
    pub query_default_message_opt: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        address_type: *const c_char,
        flags: Ulong,
        count: *mut Ulong,
        options: *mut *mut c_void,
    ) -> Hresult,
    pub enum_adr_types: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        flags: Ulong,
        count: *mut Ulong,
        types: *mut *mut *mut c_char,
    ) -> Hresult,
    pub query_identity: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        entry_id_bytes: *mut Ulong,
        entry_id: *mut *mut c_void,
    ) -> Hresult,
    pub logoff: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        ui_param: UlongPtr,
        flags: Ulong,
        reserved: Ulong,
    ) -> Hresult,
    pub set_default_store: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        flags: Ulong,
        entry_id_bytes: Ulong,
        entry_id: *const c_void,
    ) -> Hresult,
    pub admin_services:
        unsafe extern "system-unwind" fn(this: *mut c_void, flags: Ulong, out: *mut *mut c_void) -> Hresult,
    pub show_form: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        ui_param: UlongPtr,
        store: *mut c_void,
        parent_folder: *mut c_void,
        interface: *const Guid,
        message_token: UlongPtr,
        message_sent: *mut c_void,
        flags: Ulong,
        message_status: Ulong,
        message_flags: Ulong,
        access: Ulong,
        message_class: *const c_char,
    ) -> Hresult,
    pub prepare_form: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        interface: *const Guid,
        message: *mut c_void,
        message_token: *mut UlongPtr,
    ) -> Hresult,
}

/// A session object: what `MAPILogonEx` hands out.
#[repr(C)]
pub struct IMAPISession {
    /// The vtable.
    pub vtbl: *const IMAPISessionVtbl,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logoff_is_slot_seventeen_of_twenty_two() {
        let word = size_of::<usize>();
        assert_eq!(size_of::<IMAPISessionVtbl>(), SESSION_SLOTS * word);
        assert_eq!(std::mem::offset_of!(IMAPISessionVtbl, logoff), LOGOFF_SLOT * word);
    }
}

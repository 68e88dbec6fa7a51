//! `IMAPIAdviseSink` (`MAPIDefS.h`) and the part of `NOTIFICATION` that a session's end needs.

use std::ffi::c_void;

use crate::{IUnknownVtbl, Ulong};

/// `NOTIFICATION`: the type, the header's padding word, then the union, read here as raw words.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Notification {
    /// `ulEventType`, one `fnev…` bit.
    pub event_type: Ulong,
    /// `ulAlignPad`.
    pub align_pad: Ulong,
    /// `info`, as wide as its widest member on a 64-bit machine.
    pub info: [usize; 10],
}

/// `IMAPIAdviseSink`'s vtable.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names are MAPI's own")]
pub struct IMAPIAdviseSinkVtbl {
    pub unknown: IUnknownVtbl,
    /// Slot 3; its `ULONG` is not an `HRESULT` (NOTIFY-017).
    pub on_notify: unsafe extern "system-unwind" fn(
        this: *mut c_void,
        count: Ulong,
        notifications: *const Notification,
    ) -> Ulong,
}

/// A sink: the object that hears.
#[repr(C)]
pub struct IMAPIAdviseSink {
    /// The vtable.
    pub vtbl: *const IMAPIAdviseSinkVtbl,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_union_of_a_notification_starts_at_offset_eight() {
        assert_eq!(std::mem::offset_of!(Notification, info), 8);
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_notification_is_as_large_as_its_largest_member_makes_it() {
        assert_eq!(size_of::<Notification>(), 88, "the table notification is the largest");
    }
}

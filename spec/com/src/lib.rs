//! The COM interfaces at the boundary of a MAPI session, as raw vtables.
//!
//! Raw, and not a wrapper with smart pointers: every `AddRef` and `Release` on a subject is an event that the
//! conformance run must record, so nothing here may call one by itself. Every function pointer is
//! `system-unwind`, because a C++ subject may let an exception through and that must be survivable to report.
//!
//! Layouts are those of the published Outlook MAPI headers (`MAPIX.h`, `MAPIDefS.h`, `MAPIGuid.h`).
//! `ULONG` and `HRESULT` are 32 bits wide everywhere, `ULONG_PTR` is as wide as a pointer.

mod advise_sink;
mod client_shutdown;
mod exports;
mod guid;
mod session;
mod table;
mod unknown;

pub use advise_sink::{IMAPIAdviseSink, IMAPIAdviseSinkVtbl, Notification};
pub use client_shutdown::{IMAPIClientShutdown, IMAPIClientShutdownVtbl};
pub use exports::{
    AllocateBuffer, DispatchNotifications, Exports, FreeBuffer, Initialize, LogonEx, MapiInit0, Uninitialize,
};
pub use guid::{Guid, IID_IMAPI_ADVISE_SINK, IID_IMAPI_CLIENT_SHUTDOWN, IID_IMAPI_SESSION, IID_IUNKNOWN};
pub use session::{
    IMAPISession, IMAPISessionVtbl, LOGOFF_SLOT, LogoffWithWideWords, MapiError, SESSION_SLOTS,
};
pub use table::{IMAPIProp, IMAPIPropVtbl, IMAPITable, IMAPITableVtbl, TABLE_SLOTS};
pub use unknown::{IUnknown, IUnknownVtbl};

/// `ULONG`: 32 bits on every platform.
pub type Ulong = u32;
/// `ULONG_PTR`: as wide as a pointer.
pub type UlongPtr = usize;
/// `HRESULT`: 32 bits, signed; negative is a failure.
pub type Hresult = i32;

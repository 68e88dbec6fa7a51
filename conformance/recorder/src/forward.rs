//! The real implementation: named by `MAPI_CONFORM_FORWARD`, or the next in the order of loading.

use std::ffi::CStr;
use std::sync::OnceLock;

use libloading::Library;
use mapi_session_com::{
    AllocateBuffer, DispatchNotifications, FreeBuffer, Initialize, LogonEx, Uninitialize,
};

/// The real functions, as far as they are there.
pub(crate) struct Real {
    pub(crate) initialize: Option<Initialize>,
    pub(crate) uninitialize: Option<Uninitialize>,
    pub(crate) logon_ex: Option<LogonEx>,
    pub(crate) allocate_buffer: Option<AllocateBuffer>,
    pub(crate) free_buffer: Option<FreeBuffer>,
    pub(crate) dispatch_notifications: Option<DispatchNotifications>,
}

/// The real implementation, looked up once.
pub(crate) fn real() -> &'static Real {
    static REAL: OnceLock<Real> = OnceLock::new();
    REAL.get_or_init(|| {
        let library = named();
        // SAFETY: each export has the signature that MAPI documents for its name.
        unsafe {
            Real {
                initialize: find(library, c"MAPIInitialize"),
                uninitialize: find(library, c"MAPIUninitialize"),
                logon_ex: find(library, c"MAPILogonEx"),
                allocate_buffer: find(library, c"MAPIAllocateBuffer"),
                free_buffer: find(library, c"MAPIFreeBuffer"),
                dispatch_notifications: find(library, c"HrDispatchNotifications"),
            }
        }
    })
}

fn named() -> Option<&'static Library> {
    let path = std::env::var_os("MAPI_CONFORM_FORWARD")?;
    // SAFETY: the caller names the library that the program would have loaded.
    match unsafe { Library::new(&path) } {
        Ok(library) => Some(Box::leak(Box::new(library))),
        Err(error) => {
            eprintln!("mapi-conform-recorder: MAPI_CONFORM_FORWARD={}: {error}", path.display());
            None
        }
    }
}

/// The export of that name.
///
/// # Safety
/// `T` is the type of a pointer to that function.
unsafe fn find<T: Copy>(library: Option<&'static Library>, name: &CStr) -> Option<T> {
    if let Some(library) = library {
        // SAFETY: the caller's promise.
        return unsafe { library.get::<T>(name.to_bytes_with_nul()) }.ok().map(|found| *found);
    }
    #[cfg(unix)]
    {
        // SAFETY: the name ends with a zero. Without a library of its own, the next one loaded is the real one.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
        if found.is_null() || size_of::<T>() != size_of_val(&found) {
            return None;
        }
        // SAFETY: a pointer to a function is as wide as any other here, and the caller says which function it is.
        Some(unsafe { std::mem::transmute_copy(&found) })
    }
    #[cfg(not(unix))]
    None
}

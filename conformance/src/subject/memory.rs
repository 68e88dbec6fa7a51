//! Looking at memory that a subject handed out, without trusting that it is there.

use std::ffi::c_void;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use libloading::Library;

/// Copies as many bytes as `into` holds from an address that may be anything. `false` if they cannot be read.
pub(super) fn read(address: usize, into: &mut [u8]) -> bool {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: address as *mut c_void, iov_len: into.len() };
    static OWN: LazyLock<libc::pid_t> = LazyLock::new(|| {
        // SAFETY: it has no preconditions.
        unsafe { libc::getpid() }
    });
    // SAFETY: the kernel checks the remote address and fails the call if it is not mapped; the local buffer is ours.
    let read = unsafe { libc::process_vm_readv(*OWN, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(read) == Ok(into.len())
}

/// The machine word at an address that may be anything.
pub(super) fn word(address: usize) -> Option<usize> {
    let mut bytes = [0; size_of::<usize>()];
    read(address, &mut bytes).then(|| usize::from_ne_bytes(bytes))
}

/// Whether this looks like a COM object: its first word points to at least three addresses that are not null.
pub(super) fn is_object(address: usize) -> bool {
    let Some(vtable) = word(address) else { return false };
    // A subject has few vtables, and each look costs a call into the kernel.
    static SEEN: [AtomicUsize; 64] = [const { AtomicUsize::new(0) }; 64];
    let seen = &SEEN[(vtable / size_of::<usize>()) % SEEN.len()];
    if vtable != 0 && seen.load(Ordering::Relaxed) == vtable {
        return true;
    }
    let mut slots = [0_u8; 3 * size_of::<usize>()];
    let whole = read(vtable, &mut slots)
        && slots.chunks_exact(size_of::<usize>()).all(|slot| slot.iter().any(|byte| *byte != 0));
    if whole {
        seen.store(vtable, Ordering::Relaxed);
    }
    whole
}

/// Whether a C++ exception is being thrown on this thread, in the library or in the runtime it brought along.
pub(crate) fn exception_is_under_way(library: Option<&'static Library>) -> bool {
    #[repr(C)]
    struct Globals {
        caught: *mut c_void,
        uncaught: u32,
    }
    type GetGlobals = unsafe extern "C" fn() -> *const Globals;
    let Some(library) = library else { return false };
    // SAFETY: the Itanium C++ ABI gives the function this type, and its result is a live structure of the thread.
    unsafe {
        let Ok(get) = library.get::<GetGlobals>(b"__cxa_get_globals") else { return false };
        let globals = get();
        !globals.is_null() && (*globals).uncaught > 0
    }
}

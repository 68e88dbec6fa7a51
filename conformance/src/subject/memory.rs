//! Looking at memory that a subject handed out, without trusting that it is there.

use std::ffi::c_void;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use libloading::Library;

/// The smallest page there is; larger ones hold several of these.
const PAGE: usize = 4096;

/// Pages that could be read a moment ago: each look through the kernel costs more than most calls of a subject.
static READABLE: [AtomicUsize; 4096] = [const { AtomicUsize::new(0) }; 4096];

/// Copies as many bytes as `into` holds from an address that may be anything. `false` if they cannot be read.
#[inline]
pub(super) fn read(address: usize, into: &mut [u8]) -> bool {
    let page = address / PAGE;
    let known = &READABLE[page % READABLE.len()];
    let within = address % PAGE + into.len() <= PAGE;
    if page != 0 && within && known.load(Ordering::Relaxed) == page {
        // SAFETY: the page was readable when last looked at. A subject that has unmapped it since, and hands out a
        // pointer into it, dies here instead of at the next call: in a process of its own, and as a verdict.
        unsafe { into.as_mut_ptr().copy_from_nonoverlapping(address as *const u8, into.len()) };
        return true;
    }
    let readable = read_through_the_kernel(address, into);
    if readable && within {
        known.store(page, Ordering::Relaxed);
    }
    readable
}

#[cold]
fn read_through_the_kernel(address: usize, into: &mut [u8]) -> bool {
    static OWN: LazyLock<libc::pid_t> = LazyLock::new(|| {
        // SAFETY: it has no preconditions.
        unsafe { libc::getpid() }
    });
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: address as *mut c_void, iov_len: into.len() };
    // SAFETY: the kernel checks the remote address and fails the call if it is not mapped; the local buffer is ours.
    let read = unsafe { libc::process_vm_readv(*OWN, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(read) == Ok(into.len())
}

#[inline]
/// The machine word at an address that may be anything.
pub(super) fn word(address: usize) -> Option<usize> {
    let mut bytes = [0; size_of::<usize>()];
    read(address, &mut bytes).then(|| usize::from_ne_bytes(bytes))
}

/// Whether this looks like a COM object: its first word points to at least three addresses that are not null.
pub(super) fn is_object(address: usize) -> bool {
    let Some(vtable) = word(address) else { return false };
    let mut slots = [0_u8; 3 * size_of::<usize>()];
    read(vtable, &mut slots)
        && slots.chunks_exact(size_of::<usize>()).all(|slot| slot.iter().any(|byte| *byte != 0))
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

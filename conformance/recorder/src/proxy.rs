//! A COM object that stands for another: every slot it does not watch goes straight to the other's.

use std::ffi::c_void;

/// How many slots a stand-in has: more than any interface that a session hands out.
pub(crate) const SLOTS: usize = 64;

/// A vtable of words.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(crate) struct Slots(pub(crate) [*const c_void; SLOTS]);

// SAFETY: a vtable is immutable once built; its words are addresses of functions.
unsafe impl Sync for Slots {}
// SAFETY: as above.
unsafe impl Send for Slots {}

/// The head of every stand-in. The code of the slots knows where `real` is.
#[repr(C)]
pub(crate) struct Head {
    pub(crate) vtbl: *const c_void,
    /// The object it stands for.
    pub(crate) real: *mut c_void,
}

const _: () = assert!(std::mem::offset_of!(Head, real) == size_of::<usize>());

macro_rules! forwarding {
    ($($slot:literal)*) => { Slots([$({
        /// Puts the real object in the place of the stand-in and jumps to the same slot of it: arguments, stack and
        /// return address stay as they are, whatever the method's signature.
        #[unsafe(naked)]
        unsafe extern "C" fn slot() {
            #[cfg(all(target_arch = "x86_64", not(windows)))]
            core::arch::naked_asm!(
                "mov rdi, [rdi + 8]", "mov rax, [rdi]", "jmp [rax + {offset}]", offset = const $slot * 8
            );
            #[cfg(all(target_arch = "x86_64", windows))]
            core::arch::naked_asm!(
                "mov rcx, [rcx + 8]", "mov rax, [rcx]", "jmp [rax + {offset}]", offset = const $slot * 8
            );
            #[cfg(target_arch = "aarch64")]
            core::arch::naked_asm!(
                "ldr x0, [x0, #8]", "ldr x16, [x0]", "ldr x16, [x16, #{offset}]", "br x16", offset = const $slot * 8
            );
        }
        slot as *const c_void
    }),*]) };
}

/// Every slot forwards.
pub(crate) static FORWARDING: Slots = forwarding!(
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
    32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
);

/// The object that a stand-in stands for, with its vtable of that type.
///
/// # Safety
/// `this` begins with a [`Head`] whose real object has a vtable that begins as `V` does.
pub(crate) unsafe fn real<'a, V>(this: *mut c_void) -> (*mut c_void, &'a V) {
    // SAFETY: the caller's promise.
    unsafe {
        let real = (*this.cast::<Head>()).real;
        (real, &**real.cast::<*const V>())
    }
}

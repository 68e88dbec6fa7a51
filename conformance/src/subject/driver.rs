//! Makes one call of a program on the subject, through its raw vtables, and says what came.

use std::ffi::{CString, c_void};

use lock_api::{Mutex, MutexGuard};
use mapi_session_com::{
    Exports, Guid, IID_IMAPI_CLIENT_SHUTDOWN, IID_IMAPI_SESSION, IID_IUNKNOWN, IMAPIClientShutdown,
    IMAPISession, IMAPISessionVtbl, IMAPITable, IUnknown, LogoffWithWideWords, MapiError, MapiInit0,
};
use mapi_session_spec::event::{Call, Interface, Method, ObjectMethod, Profile, SessionId, Target};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::outcome::Out;

use super::Sinks;
use super::held::Slots;
use super::memory;
use crate::favouring::Favouring;

/// What stands in an out pointer before a call: no address, and not NULL.
const SENTINEL: usize = 0x5EA1_5EA1_5EA1_5EA8_u64 as usize;
/// What a client fills its buffers with.
const PATTERN: u8 = 0xC3;
const BUFFER_BYTES: u32 = 64;
/// An entry identifier that no provider made.
const UNHEARD_ENTRY: [u8; 24] = [0xE7; 24];
/// An interface that nobody has.
const UNHEARD_INTERFACE: Guid = Guid {
    data1: 0x6B1D_0D8A,
    data2: 0x53C1,
    data3: 0x4E0F,
    data4: [0x9A, 0x51, 7, 3, 0x5B, 0xE2, 0x11, 0xD6],
};

/// Another, numbered as MAPI's own are.
const UNHEARD_INTERFACE_OF_MAPI: Guid =
    Guid { data1: 0x0002_03D7, data2: 0, data3: 0, data4: [0xC0, 0, 0, 0, 0, 0, 0, 0x46] };

/// A call that can be made, and what it is made through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    /// The session or the object that is called. Zero where it is an export.
    this: usize,
    /// The buffer that is looked at or freed, or the connection that is ended.
    names: usize,
}

/// Calls into the subject, for one trace.
pub(crate) struct Driver {
    exports: Exports,
    profile: Option<CString>,
    pub(crate) sinks: Sinks,
    /// Never held during a call, and wanted by one thread at a time nearly always.
    slots: Mutex<Favouring, Slots>,
}

fn code(result: i32) -> HResult {
    HResult(result.cast_unsigned())
}

/// What became of an out pointer.
fn classify(out: usize) -> Out {
    match out {
        0 => Out::Null,
        SENTINEL => Out::Unchanged,
        address if memory::is_object(address) => Out::Object,
        _ => Out::Rubbish,
    }
}

/// The same for plain memory.
fn classify_memory(out: usize) -> Out {
    match out {
        0 => Out::Null,
        SENTINEL => Out::Unchanged,
        address if memory::word(address).is_some() => Out::Object,
        _ => Out::Rubbish,
    }
}

impl Driver {
    /// Of a client that holds nothing.
    pub(crate) fn new(exports: Exports, profile: Option<CString>, trace: u32) -> Self {
        Self { exports, profile, sinks: Sinks::new(trace), slots: Mutex::new(Slots::default()) }
    }

    /// The same, of another trace.
    pub(crate) fn begin(&mut self, trace: u32) {
        self.sinks.begin(trace);
        self.slots.get_mut().begin();
    }

    /// From now on calls of this thread cost least.
    #[inline]
    pub(crate) fn favour_this_thread(&self) {
        // SAFETY: the lock is not given back through this.
        unsafe { self.slots.raw() }.favour_this_thread();
    }

    #[inline]
    fn slots(&self) -> MutexGuard<'_, Favouring, Slots> {
        self.slots.lock()
    }

    /// Pumps the subject's queue, where it has one.
    pub(crate) fn pump(&self) {
        if let Some(dispatch) = self.exports.dispatch_notifications {
            // SAFETY: the export has this signature by MAPI's documentation.
            unsafe { dispatch(0) };
        }
    }

    /// Takes what the call needs. `None` if it is not there: the call cannot be made. What the call gives back, a
    /// reference or a connection, is the client's no more.
    #[allow(clippy::inline_always, reason = "made at every call, from one place")]
    #[inline(always)]
    pub(crate) fn ready(&self, call: &Call) -> Option<Ready> {
        let slots = &mut *self.slots();
        let through = |this| Some(Ready { this, names: 0 });
        match *call {
            Call::Initialize | Call::Uninitialize | Call::LogonEx { .. } => through(0),
            Call::AllocateBuffer { .. } => self.exports.allocate_buffer.and_then(|_| through(0)),
            Call::ReadBuffer { buffer } => Some(Ready { this: 0, names: slots.buffer(buffer)? }),
            Call::FreeBuffer { buffer } => Some(Ready { this: 0, names: slots.give_up_buffer(buffer)? }),
            Call::QueryInterface { target, .. } | Call::AddRef { target } => through(slots.target(target)?),
            Call::Method { session, .. } | Call::Advise { session, .. } | Call::Logoff { session, .. } => {
                through(slots.session(session)?)
            }
            Call::Unadvise { session, registration } => {
                let this = slots.session(session)?;
                let names = slots.end_connection(registration)?;
                Some(Ready { this, names })
            }
            Call::OnObject { object, .. } => through(slots.object(object)?),
            // The latest reference goes first, through the pointer it came with.
            Call::Release { target } => through(slots.let_go_of(target)?),
        }
    }

    /// Makes the call.
    #[allow(
        clippy::inline_always,
        reason = "what comes back stays in registers: it is half of what a call costs here"
    )]
    #[inline(always)]
    pub(crate) fn perform(&self, call: &Call, ready: Ready) -> (HResult, Out) {
        let (result, out) = self.perform_inner(call, ready);
        if !result.succeeded() && !matches!(call, Call::Method { method: Method::GetLastError, .. }) {
            self.slots().last_failure = result.0;
        }
        (result, out)
    }

    #[allow(clippy::inline_always, reason = "as above")]
    #[inline(always)]
    fn perform_inner(&self, call: &Call, Ready { this, names }: Ready) -> (HResult, Out) {
        match *call {
            Call::Initialize => {
                let mut init = MapiInit0 { version: 0, flags: 0 };
                // SAFETY: the export's signature; the structure outlives the call.
                (code(unsafe { (self.exports.initialize)((&raw mut init).cast()) }), Out::None)
            }
            Call::Uninitialize => {
                // SAFETY: the export's signature.
                unsafe { (self.exports.uninitialize)() };
                (HResult::S_OK, Out::None)
            }
            Call::LogonEx { session, profile, flags } => self.log_on(session, profile, flags.0),
            Call::AllocateBuffer { buffer } => {
                let Some(allocate) = self.exports.allocate_buffer else {
                    return (HResult::MAPI_E_NO_SUPPORT, Out::None);
                };
                let mut out = SENTINEL as *mut c_void;
                // SAFETY: the export's signature; `out` outlives the call.
                let result = code(unsafe { allocate(BUFFER_BYTES, &raw mut out) });
                let readable = memory::read(out as usize, &mut [0; BUFFER_BYTES as usize]);
                if result.succeeded() && readable {
                    // SAFETY: the subject has just handed out this many bytes of memory for the client to use.
                    unsafe { std::ptr::write_bytes(out.cast::<u8>(), PATTERN, BUFFER_BYTES as usize) };
                    self.slots().has_buffer(buffer, out as usize);
                }
                (result, classify_memory(out as usize))
            }
            Call::ReadBuffer { .. } => {
                let mut bytes = [0; BUFFER_BYTES as usize];
                let whole = memory::read(names, &mut bytes) && bytes.iter().all(|byte| *byte == PATTERN);
                (HResult::S_OK, Out::Value(u64::from(whole)))
            }
            Call::FreeBuffer { .. } => {
                // SAFETY: the export's signature; the memory came from the same subject.
                unsafe { (self.exports.free_buffer)(names as *mut c_void) };
                (HResult::S_OK, Out::None)
            }
            Call::QueryInterface { target, interface, object } => {
                let iid = match interface {
                    Interface::IUnknown => IID_IUNKNOWN,
                    Interface::IMAPISession => IID_IMAPI_SESSION,
                    Interface::IMAPIClientShutdown => IID_IMAPI_CLIENT_SHUTDOWN,
                    Interface::Unheard => UNHEARD_INTERFACE,
                    Interface::UnheardOfMapi => UNHEARD_INTERFACE_OF_MAPI,
                };
                let mut out = SENTINEL as *mut c_void;
                let query = self.unknown(this).query_interface;
                // SAFETY: the slot has this signature; `iid` and `out` outlive the call.
                let result = code(unsafe { query(this as *mut c_void, &raw const iid, &raw mut out) });
                let out = out as usize;
                let class = classify(out);
                if result.succeeded() && class == Out::Object {
                    self.slots().queried(target, interface, object, out);
                }
                (result, class)
            }
            Call::AddRef { target } => {
                let add_ref = self.unknown(this).add_ref;
                // SAFETY: the slot has this signature. The value is never judged.
                unsafe { add_ref(this as *mut c_void) };
                self.slots().holds_one_more(target, this);
                (HResult::S_OK, Out::None)
            }
            Call::Release { .. } => {
                let release = self.unknown(this).release;
                // SAFETY: the slot has this signature. The value is never judged.
                unsafe { release(this as *mut c_void) };
                (HResult::S_OK, Out::None)
            }
            Call::Method { method, flags, object, .. } => {
                let (result, out, length) = self.ask(this, method, flags);
                if method.opens() {
                    let class = classify(out);
                    if result.succeeded() && class == Out::Object {
                        self.slots().holds_alone(Target::Object(object), out);
                    }
                    return (result, class);
                }
                let out = match method {
                    Method::QueryIdentity | Method::GetLastError if result.succeeded() => {
                        self.digest(method, out, length)
                    }
                    _ if method.has_out() && !result.succeeded() => classify_memory(out),
                    _ => Out::None,
                };
                (result, out)
            }
            Call::OnObject { method, .. } => (code(self.ask_object(this, method)), Out::None),
            Call::Advise { mask, sink, registration, .. } => {
                let advise = self.vtable(this).advise;
                let mut connection = SENTINEL;
                let sink = self.sinks.register(sink, mask);
                // SAFETY: the slot has this signature; the sink is never freed; `connection` outlives the call.
                let result = code(unsafe {
                    advise(this as *mut c_void, 0, std::ptr::null(), mask.0, sink, &raw mut connection)
                });
                if result.succeeded() && connection != SENTINEL {
                    self.slots().is_connected(registration, connection);
                }
                let out = match connection {
                    SENTINEL => Out::Unchanged,
                    0 => Out::Null,
                    number if result.succeeded() => Out::Value(number as u64),
                    _ => Out::Rubbish,
                };
                (result, out)
            }
            Call::Unadvise { .. } => {
                let unadvise = self.vtable(this).unadvise;
                // SAFETY: the slot has this signature.
                (code(unsafe { unadvise(this as *mut c_void, names) }), Out::None)
            }
            Call::Logoff { ui_param, flags, reserved, dirty, .. } => {
                let logoff = self.vtable(this).logoff;
                let ui_param = ui_param as usize;
                let result = if dirty && size_of::<usize>() == 8 {
                    const DIRT: u64 = 0xDEAD_BEEF_0000_0000;
                    // SAFETY: on 64-bit platforms a 32-bit argument travels in a 64-bit register whose upper half
                    // the callee must ignore; the two function types are called alike.
                    let wide: LogoffWithWideWords = unsafe { std::mem::transmute(logoff) };
                    let (flags, reserved) = (u64::from(flags.0) | DIRT, u64::from(reserved) | DIRT);
                    // SAFETY: the slot has this signature, as just argued.
                    unsafe { wide(this as *mut c_void, ui_param, flags, reserved) }
                } else {
                    // SAFETY: the slot has this signature.
                    unsafe { logoff(this as *mut c_void, ui_param, flags.0, reserved) }
                };
                (code(result), Out::None)
            }
        }
    }

    fn log_on(&self, session: SessionId, profile: Profile, flags: u32) -> (HResult, Out) {
        let default = c"conformance";
        let name = match profile {
            Profile::Null => std::ptr::null(),
            Profile::Named => self.profile.as_deref().unwrap_or(default).as_ptr(),
        };
        let mut out = SENTINEL as *mut IMAPISession;
        // SAFETY: the export's signature; the strings and `out` outlive the call.
        let result = code(unsafe { (self.exports.logon_ex)(0, name, std::ptr::null(), flags, &raw mut out) });
        let out = out as usize;
        let mut class = classify(out);
        if result.succeeded() && class == Out::Object {
            let mut slots = self.slots();
            if let Some(same) = slots.session_of(out) {
                class = Out::SameAs(same);
            }
            slots.holds_alone(Target::Session(session), out);
        }
        (result, class)
    }

    #[allow(clippy::unused_self, reason = "a pointer may be read only while its driver lives")]
    fn unknown(&self, this: usize) -> mapi_session_com::IUnknownVtbl {
        // SAFETY: the pointer came from the subject as an object, with a reference that the program holds. If the
        // subject has freed it all the same, the process dies here, and that is the verdict.
        unsafe { *(*(this as *const IUnknown)).vtbl }
    }

    #[allow(clippy::unused_self, reason = "the borrow of the driver bounds the borrow of the vtable")]
    fn vtable(&self, this: usize) -> &IMAPISessionVtbl {
        // SAFETY: as in `unknown`; the pointer came from a logon, so the vtable is a session's.
        unsafe { &*(*(this as *const IMAPISession)).vtbl }
    }

    /// Calls a method of the session. Its pointer out parameter starts as the sentinel.
    fn ask(&self, this: usize, method: Method, flags: u32) -> (HResult, usize, u32) {
        let vtable = self.vtable(this);
        let this = this as *mut c_void;
        let null = std::ptr::null::<c_void>();
        let none = std::ptr::null_mut();
        let entry: *const c_void = UNHEARD_ENTRY.as_ptr().cast();
        let bytes = UNHEARD_ENTRY.len() as u32;
        let mut out = SENTINEL as *mut c_void;
        let mut number = 0_u32;
        let mut second = 0_usize;
        // SAFETY: each slot has the signature that `MAPIX.h` gives it; every pointer is NULL where the page allows
        // it, or to memory that outlives the call.
        let result = unsafe {
            match method {
                Method::GetLastError => {
                    let failure = self.slots().last_failure.cast_signed();
                    (vtable.get_last_error)(this, failure, 0, (&raw mut out).cast::<*mut MapiError>())
                }
                Method::GetMsgStoresTable => (vtable.get_msg_stores_table)(this, flags, &raw mut out),
                Method::OpenMsgStore => {
                    (vtable.open_msg_store)(this, 0, bytes, entry, null.cast(), flags, &raw mut out)
                }
                Method::OpenAddressBook => {
                    (vtable.open_address_book)(this, 0, null.cast(), flags, &raw mut out)
                }
                Method::OpenProfileSection => {
                    (vtable.open_profile_section)(this, null.cast(), null.cast(), flags, &raw mut out)
                }
                Method::GetStatusTable => (vtable.get_status_table)(this, flags, &raw mut out),
                Method::OpenEntry => {
                    (vtable.open_entry)(this, bytes, entry, null.cast(), flags, &raw mut number, &raw mut out)
                }
                Method::CompareEntryIDs => {
                    (vtable.compare_entry_ids)(this, bytes, entry, bytes, entry, flags, &raw mut number)
                }
                Method::MessageOptions => (vtable.message_options)(this, 0, flags, null.cast(), none),
                Method::QueryDefaultMessageOpt => (vtable.query_default_message_opt)(
                    this,
                    c"SMTP".as_ptr(),
                    flags,
                    &raw mut number,
                    &raw mut out,
                ),
                Method::EnumAdrTypes => {
                    (vtable.enum_adr_types)(this, flags, &raw mut number, (&raw mut out).cast())
                }
                Method::QueryIdentity => (vtable.query_identity)(this, &raw mut number, &raw mut out),
                Method::SetDefaultStore => (vtable.set_default_store)(this, 1, bytes, entry),
                Method::AdminServices => (vtable.admin_services)(this, flags, &raw mut out),
                Method::ShowForm => (vtable.show_form)(
                    this,
                    0,
                    none,
                    none,
                    null.cast(),
                    0,
                    none,
                    0,
                    0,
                    0,
                    0,
                    c"IPM.Note".as_ptr(),
                ),
                Method::PrepareForm => (vtable.prepare_form)(this, null.cast(), none, &raw mut second),
            }
        };
        let result = code(result);
        let out = out as usize;
        let hands_out_memory = matches!(method, Method::QueryDefaultMessageOpt | Method::EnumAdrTypes);
        if result.succeeded() && hands_out_memory && classify_memory(out) == Out::Object {
            self.give_back(out);
        }
        (result, out, number)
    }

    /// What memory handed out on success says: an identity as a hash, an error structure as present or not.
    fn digest(&self, method: Method, out: usize, length: u32) -> Out {
        let class = classify_memory(out);
        if class != Out::Object {
            return class;
        }
        let mut value = 1;
        if method == Method::QueryIdentity {
            let mut bytes = vec![0; (length as usize).min(4096)];
            if !memory::read(out, &mut bytes) {
                return Out::Rubbish;
            }
            // FNV-1a: equal identities, equal numbers; nothing more is asked of it.
            value = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
            });
        }
        self.give_back(out);
        Out::Value(value)
    }

    fn give_back(&self, memory: usize) {
        // SAFETY: the export's signature; the subject handed this memory out to be freed so.
        unsafe { (self.exports.free_buffer)(memory as *mut c_void) };
    }

    #[allow(clippy::unused_self, reason = "a pointer may be called only while its driver lives")]
    fn ask_object(&self, this: usize, method: ObjectMethod) -> i32 {
        let (mut first, mut second) = (0_u32, 0_u32);
        // SAFETY: the program calls these only on what the session handed out as a table or as its
        // `IMAPIClientShutdown`; the slots have these signatures.
        unsafe {
            match method {
                ObjectMethod::GetStatus => {
                    let table = &*(*(this as *const IMAPITable)).vtbl;
                    (table.get_status)(this as *mut c_void, &raw mut first, &raw mut second)
                }
                ObjectMethod::GetRowCount => {
                    let table = &*(*(this as *const IMAPITable)).vtbl;
                    (table.get_row_count)(this as *mut c_void, 0, &raw mut first)
                }
                ObjectMethod::QueryFastShutdown => {
                    let shutdown = &*(*(this as *const IMAPIClientShutdown)).vtbl;
                    (shutdown.query_fast_shutdown)(this as *mut c_void)
                }
                ObjectMethod::NotifyProcessShutdown => {
                    let shutdown = &*(*(this as *const IMAPIClientShutdown)).vtbl;
                    (shutdown.notify_process_shutdown)(this as *mut c_void)
                }
                ObjectMethod::DoFastShutdown => {
                    let shutdown = &*(*(this as *const IMAPIClientShutdown)).vtbl;
                    (shutdown.do_fast_shutdown)(this as *mut c_void)
                }
            }
        }
    }
}

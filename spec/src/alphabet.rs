//! The calls worth making: at least one for every class of arguments that a rule tells apart, and each guarding
//! factor varied by itself.

use crate::event::{
    Call, Interface, Method, ObjectId, ObjectMethod, Profile, RegistrationId, SessionId, SinkId, Target,
};
use crate::flags::{EventMask, LogoffFlags, LogonFlags};
use crate::state::{ObjectKind, World};

/// A window handle that is none: every byte set, so that any use of it shows.
pub const GARBAGE_HANDLE: u64 = u64::MAX;
/// Another, of plausible looks.
pub const STALE_HANDLE: u64 = 0x0001_0DEA;

/// A way to log on: what the client says, and what it means by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Way {
    /// A short name, for reports and for choosing.
    pub name: &'static str,
    /// How the profile is said.
    pub profile: Profile,
    /// `ulFlags`.
    pub flags: LogonFlags,
}

const fn way(name: &'static str, profile: Profile, flags: LogonFlags) -> Way {
    Way { name, profile, flags: flags.with(LogonFlags::MAPI_EXTENDED) }
}

/// Every way to log on that some rule tells apart. `MAPI_EXTENDED` always (LOGON-009).
pub const WAYS: &[Way] = &[
    way("by-name", Profile::Named, LogonFlags(0)),
    way("by-default", Profile::Null, LogonFlags::MAPI_USE_DEFAULT),
    way("apart", Profile::Named, LogonFlags::MAPI_NEW_SESSION),
    way("sharing", Profile::Named, LogonFlags::MAPI_ALLOW_OTHERS),
    way("sharing-anew", Profile::Named, LogonFlags::MAPI_NEW_SESSION.with(LogonFlags::MAPI_ALLOW_OTHERS)),
    way("joining", Profile::Null, LogonFlags(0)),
    way("joining-without-mail", Profile::Null, LogonFlags::MAPI_NO_MAIL),
    way("in-haste", Profile::Named, LogonFlags::MAPI_NEW_SESSION.with(LogonFlags::MAPI_TIMEOUT_SHORT)),
];

/// The way of that name.
///
/// # Panics
/// If there is none: names are constants of this project.
pub fn way_named(name: &str) -> Way {
    *WAYS.iter().find(|way| way.name == name).expect("a way to log on of that name")
}

/// The flag words, handles and reserved words of a Logoff, each factor varied by itself and with each other, and the
/// flags all together.
pub fn logoffs(session: SessionId) -> Vec<Call> {
    let call = |ui_param, flags, reserved, dirty| Call::Logoff {
        session,
        ui_param,
        flags: LogoffFlags(flags),
        reserved,
        dirty,
    };
    let mut all = vec![];
    for flags in 0..=3 {
        all.push(call(0, flags, 0, false));
        if !LogoffFlags(flags).has(LogoffFlags::MAPI_LOGOFF_UI) {
            all.push(call(GARBAGE_HANDLE, flags, 0, false));
            all.push(call(STALE_HANDLE, flags, 0, false));
        }
    }
    for unknown in [0x4, 0x8, 0x8000_0000, 0xFFFF_FFFC, 0x5] {
        all.push(call(0, unknown, 0, false));
    }
    for reserved in [1, 0xFFFF_FFFF] {
        all.push(call(0, 0, reserved, false));
    }
    // Two at a time: a subject may look at one only where the other is as it should be.
    all.extend([0x6, 0x7].map(|unknown| call(0, unknown, 0, false)));
    all.extend([1, 2, 3].map(|flags| call(0, flags, 1, false)));
    all.push(call(GARBAGE_HANDLE, 0x4, 0, false));
    all.push(call(GARBAGE_HANDLE, 0, 1, false));
    all.push(call(0, 0x4, 1, false));
    all.push(call(0, 0, 0, true));
    all
}

/// A plain Logoff.
pub const fn plain_logoff(session: SessionId) -> Call {
    Call::Logoff { session, ui_param: 0, flags: LogoffFlags(0), reserved: 0, dirty: false }
}

/// A Logoff with these flags and nothing else.
pub const fn logoff_with(session: SessionId, flags: LogoffFlags) -> Call {
    Call::Logoff { session, ui_param: 0, flags, reserved: 0, dirty: false }
}

/// `QueryInterface` on a session; `object` is the name of what comes, if it is not the session itself.
pub const fn query(session: SessionId, interface: Interface, object: ObjectId) -> Call {
    Call::QueryInterface { target: Target::Session(session), interface, object }
}

/// The same on an object that it has opened, or on another of its interfaces.
pub const fn query_object(on: ObjectId, interface: Interface, object: ObjectId) -> Call {
    Call::QueryInterface { target: Target::Object(on), interface, object }
}

/// Every question to a session by `QueryInterface`.
pub fn queries(session: SessionId, object: ObjectId) -> Vec<Call> {
    Interface::ALL.map(|interface| query(session, interface, object)).to_vec()
}

/// Every method without a rule on the session's life, and the table methods with a flag bit nobody knows.
pub fn methods(session: SessionId, object: ObjectId) -> Vec<Call> {
    let plain = Method::ALL.map(|method| Call::Method { session, method, flags: 0, object });
    let odd = [Method::GetStatusTable, Method::GetMsgStoresTable].map(|method| Call::Method {
        session,
        method,
        flags: 0x0000_0100,
        object,
    });
    plain.into_iter().chain(odd).collect()
}

/// The questions that show whether a session works: cheap, harmless, answered by most.
pub fn questions(session: SessionId, object: ObjectId) -> Vec<Call> {
    [Method::GetStatusTable, Method::GetMsgStoresTable, Method::OpenAddressBook, Method::QueryIdentity]
        .map(|method| Call::Method { session, method, flags: 0, object })
        .to_vec()
}

/// Of the questions to a session, the fewest that tell something: one that opens an object, one that does not.
pub const fn is_telling(question: &Call) -> bool {
    matches!(question, Call::Method { method: Method::GetStatusTable | Method::QueryIdentity, .. })
}

/// The questions that show whether an object works.
pub fn questions_to(world: &World, object: ObjectId) -> Vec<Call> {
    let Some(known) = world.object(object) else { return Vec::new() };
    let methods: &[ObjectMethod] = match known.kind {
        ObjectKind::Opened(method) if method.opens_table() => {
            &[ObjectMethod::GetStatus, ObjectMethod::GetRowCount]
        }
        ObjectKind::ClientShutdown => &[ObjectMethod::QueryFastShutdown],
        ObjectKind::Opened(_) => &[],
    };
    methods.iter().map(|method| Call::OnObject { object, method: *method }).collect()
}

/// Registrations on a session: both end-of-session bits, and none.
pub fn advises(session: SessionId, sink: SinkId, registration: RegistrationId) -> Vec<Call> {
    [EventMask::END_OF_SESSION, EventMask(0)]
        .map(|mask| Call::Advise { session, mask, sink, registration })
        .to_vec()
}

/// How far the models let things grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// References to one session.
    pub references: u8,
    /// Objects in all, ever.
    pub objects: u16,
    /// Registrations in all, ever.
    pub registrations: u16,
}

/// Everything that a client of `session` can do in this state, within the bounds.
pub fn client_calls(world: &World, session: SessionId, bounds: Bounds) -> Vec<Call> {
    let Some(known) = world.session(session) else { return Vec::new() };
    if known.references == 0 {
        return Vec::new();
    }
    let mut calls = vec![Call::Release { target: Target::Session(session) }];
    if known.references < bounds.references {
        // Both ways to a further reference, one after the other: in which order they came is nobody's question. After
        // Logoff nobody remembers how many came which way.
        let over = known.is_logged_off();
        if known.added == 0 {
            calls.push(Call::AddRef { target: Target::Session(session) });
        }
        if known.added > 0 || over {
            let object = ObjectId(world.objects.len() as u16);
            let itself = [Interface::IUnknown, Interface::IMAPISession];
            calls.extend(itself.map(|interface| query(session, interface, object)));
        }
    }
    let object = ObjectId(world.objects.len() as u16);
    calls.push(query(session, Interface::Unheard, object));
    let next = ObjectId(world.objects.len() as u16);
    if next.0 < bounds.objects {
        calls.push(Call::Method { session, method: Method::GetStatusTable, flags: 0, object: next });
    }
    for (id, object) in world.all_objects().filter(|(_, o)| o.session == session && o.is_held()) {
        // One question will do: no rule tells the questions to a table apart.
        calls.extend(questions_to(world, id).into_iter().take(1));
        if object.references > 0 && !known.is_logged_off() {
            calls.push(Call::Release { target: Target::Object(id) });
        }
    }
    let registrations = world.registrations.len() as u16;
    if registrations < bounds.registrations {
        calls.push(Call::Advise {
            session,
            mask: EventMask::END_OF_SESSION,
            sink: SinkId(registrations),
            registration: RegistrationId(registrations),
        });
    }
    for (id, _) in world.all_registrations().filter(|(_, r)| r.session == session && r.active) {
        calls.push(Call::Unadvise { session, registration: id });
    }
    calls.extend(logoff_words(session));
    calls
}

/// Every combination of the two flags, an unknown bit, a reserved word that is not zero, and a handle that is none.
fn logoff_words(session: SessionId) -> Vec<Call> {
    let bit = |word: u32, bit: u32, value: u32| if word & bit == 0 { 0 } else { value };
    (0..32)
        .map(|word| Call::Logoff {
            session,
            ui_param: if word & 16 == 0 { 0 } else { GARBAGE_HANDLE },
            flags: LogoffFlags(word & 3 | bit(word, 4, 0x8000_0000)),
            reserved: bit(word, 8, 1),
            dirty: false,
        })
        .collect()
}

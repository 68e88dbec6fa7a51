//! Steps and records as fixed-size words, for the memory that parent and child share.
//!
//! Both directions are total over bytes: a hostile record decodes to an error, never to an invalid value.

use mapi_session_spec::event::{
    BufferId, Call, Interface, Method, ObjectId, ObjectMethod, Profile, RegistrationId, SessionId, SinkId,
    Target, ThreadId,
};
use mapi_session_spec::flags::{EventMask, LogoffFlags, LogonFlags};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::outcome::Out;

use crate::program::{Action, Awaited, Place, RACERS, Step, Wanted};

/// Bytes of a step.
pub(super) const STEP_BYTES: usize = 40;

const METHODS: [Method; 16] = Method::ALL;
const OBJECT_METHODS: [ObjectMethod; 5] = ObjectMethod::ALL;
const INTERFACES: [Interface; 4] =
    [Interface::IUnknown, Interface::IMAPISession, Interface::IMAPIClientShutdown, Interface::Unheard];

fn place_of<T: PartialEq>(all: &[T], one: &T) -> u16 {
    all.iter().position(|other| other == one).map_or(0, |i| i as u16)
}

/// A step as ten 32-bit words.
#[derive(Default)]
struct Words([u32; 10]);

pub(super) fn encode_step(step: &Step) -> [u8; STEP_BYTES] {
    let mut w = Words::default();
    let (place, at) = match step.place {
        Place::Thread(thread) => (0, u32::from(thread.0)),
        Place::Inside(sink) => (1, u32::from(sink.0)),
        Place::Beside(sink) => (2, u32::from(sink.0)),
        Place::Racing { thread, pause } => (3, u32::from(pause) << 8 | u32::from(thread.0)),
        Place::WaitedFor(sink) => (4, u32::from(sink.0)),
    };
    w.0[0] = place;
    w.0[1] = at;
    w.0[2] = match step.after {
        None => 0,
        Some((index, Wanted::Success)) => 0x1_0000 | u32::from(index),
        Some((index, Wanted::Failure)) => 0x2_0000 | u32::from(index),
    };
    let mut set = |kind: u32, args: [u32; 6]| {
        w.0[3] = kind;
        w.0[4..].copy_from_slice(&args);
    };
    let target = |target: Target| match target {
        Target::Session(id) => (0, u32::from(id.0)),
        Target::Object(id) => (1, u32::from(id.0)),
    };
    match step.action {
        Action::Settle(Awaited { heard, released, of }) => {
            let [heard, released, of] = [heard, released, of].map(|wide| [wide as u32, (wide >> 32) as u32]);
            set(0, [heard[0], heard[1], released[0], released[1], of[0], of[1]]);
        }
        Action::Call(call) => match call {
            Call::Initialize => set(1, [0; 6]),
            Call::Uninitialize => set(2, [0; 6]),
            Call::LogonEx { session, profile, flags } => {
                set(3, [u32::from(session.0), u32::from(profile == Profile::Named), flags.0, 0, 0, 0]);
            }
            Call::AllocateBuffer { buffer } => set(4, [u32::from(buffer.0), 0, 0, 0, 0, 0]),
            Call::ReadBuffer { buffer } => set(5, [u32::from(buffer.0), 0, 0, 0, 0, 0]),
            Call::FreeBuffer { buffer } => set(6, [u32::from(buffer.0), 0, 0, 0, 0, 0]),
            Call::QueryInterface { session, interface, object } => {
                let interface = u32::from(place_of(&INTERFACES, &interface));
                set(7, [u32::from(session.0), interface, u32::from(object.0), 0, 0, 0]);
            }
            Call::AddRef { target: on } => set(8, [target(on).0, target(on).1, 0, 0, 0, 0]),
            Call::Release { target: on } => set(9, [target(on).0, target(on).1, 0, 0, 0, 0]),
            Call::Method { session, method, flags, object } => {
                let method = u32::from(place_of(&METHODS, &method));
                set(10, [u32::from(session.0), method, flags, u32::from(object.0), 0, 0]);
            }
            Call::OnObject { object, method } => {
                set(11, [u32::from(object.0), u32::from(place_of(&OBJECT_METHODS, &method)), 0, 0, 0, 0]);
            }
            Call::Advise { session, mask, sink, registration } => {
                set(12, [u32::from(session.0), mask.0, u32::from(sink.0), u32::from(registration.0), 0, 0]);
            }
            Call::Unadvise { session, registration } => {
                set(13, [u32::from(session.0), u32::from(registration.0), 0, 0, 0, 0]);
            }
            Call::Logoff { session, ui_param, flags, reserved, dirty } => {
                let (low, high) = (ui_param as u32, (ui_param >> 32) as u32);
                set(14, [u32::from(session.0), low, high, flags.0, reserved, u32::from(dirty)]);
            }
        },
    }
    let mut bytes = [0; STEP_BYTES];
    for (chunk, word) in bytes.chunks_exact_mut(4).zip(w.0) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

pub(super) fn decode_step(bytes: &[u8]) -> Option<Step> {
    let mut w = [0_u32; 10];
    for (word, chunk) in w.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_le_bytes(chunk.try_into().ok()?);
    }
    let small = |word: u32| u16::try_from(word).ok();
    let place = match w[0] {
        0 => Place::Thread(ThreadId(u8::try_from(w[1]).ok()?)),
        1 => Place::Inside(SinkId(small(w[1])?)),
        2 => Place::Beside(SinkId(small(w[1])?)),
        3 => Place::Racing {
            thread: ThreadId(u8::try_from(w[1] & 0xFF).ok().filter(|thread| *thread < RACERS)?),
            pause: small(w[1] >> 8)?,
        },
        4 => Place::WaitedFor(SinkId(small(w[1])?)),
        _ => return None,
    };
    let after = match w[2] >> 16 {
        0 => None,
        1 => Some((w[2] as u16, Wanted::Success)),
        2 => Some((w[2] as u16, Wanted::Failure)),
        _ => return None,
    };
    let a = &w[4..];
    let session = |word: u32| small(word).map(SessionId);
    let object = |word: u32| small(word).map(ObjectId);
    let buffer = |word: u32| small(word).map(BufferId);
    let registration = |word: u32| small(word).map(RegistrationId);
    let target = |kind: u32, id: u32| match kind {
        0 => session(id).map(Target::Session),
        1 => object(id).map(Target::Object),
        _ => None,
    };
    let call = match w[3] {
        0 => {
            let wide = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
            let awaited =
                Awaited { heard: wide(a[0], a[1]), released: wide(a[2], a[3]), of: wide(a[4], a[5]) };
            return Some(Step { action: Action::Settle(awaited), place, after });
        }
        1 => Call::Initialize,
        2 => Call::Uninitialize,
        3 => Call::LogonEx {
            session: session(a[0])?,
            profile: if a[1] == 0 { Profile::Null } else { Profile::Named },
            flags: LogonFlags(a[2]),
        },
        4 => Call::AllocateBuffer { buffer: buffer(a[0])? },
        5 => Call::ReadBuffer { buffer: buffer(a[0])? },
        6 => Call::FreeBuffer { buffer: buffer(a[0])? },
        7 => Call::QueryInterface {
            session: session(a[0])?,
            interface: *INTERFACES.get(a[1] as usize)?,
            object: object(a[2])?,
        },
        8 => Call::AddRef { target: target(a[0], a[1])? },
        9 => Call::Release { target: target(a[0], a[1])? },
        10 => Call::Method {
            session: session(a[0])?,
            method: *METHODS.get(a[1] as usize)?,
            flags: a[2],
            object: object(a[3])?,
        },
        11 => Call::OnObject { object: object(a[0])?, method: *OBJECT_METHODS.get(a[1] as usize)? },
        12 => Call::Advise {
            session: session(a[0])?,
            mask: EventMask(a[1]),
            sink: SinkId(small(a[2])?),
            registration: registration(a[3])?,
        },
        13 => Call::Unadvise { session: session(a[0])?, registration: registration(a[1])? },
        14 => Call::Logoff {
            session: session(a[0])?,
            ui_param: u64::from(a[1]) | u64::from(a[2]) << 32,
            flags: LogoffFlags(a[3]),
            reserved: a[4],
            dirty: a[5] != 0,
        },
        _ => return None,
    };
    Some(Step { action: Action::Call(call), place, after })
}

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    /// A trace begins.
    TraceStart,
    /// A trace has been run to its end.
    TraceEnd,
    /// A step's call is about to be made.
    Begin { step: u16, thread: u8 },
    /// A step's call has returned.
    Return { step: u16, code: HResult, out: Out },
    /// A step was not run: its guard did not hold, or what it needs is not there.
    Skipped,
    /// The subject calls a sink.
    Callback { sink: u16, thread: u8, kind: u8, events: EventMask, number: u32 },
    /// The sink returns.
    CallbackReturn { number: u32 },
    /// The tester waited so long, and everything awaited came.
    Settled { milliseconds: u32 },
    /// The tester has waited too often in vain and did not wait this time.
    NotSettled,
    /// An exception was under way when the process aborted.
    Exception,
    /// The subject could not be loaded: no record follows.
    NotLoaded,
    /// The child has run everything.
    Finished,
}

/// A record as eight 32-bit words: the trace, the kind, and what the kind needs.
pub(super) type RecordWords = [u32; 8];

#[inline]
pub(super) fn encode_record(trace: u32, record: Record) -> RecordWords {
    let mut w = [0; 8];
    w[0] = trace;
    let mut set = |kind: u32, args: &[u32]| {
        w[1] = kind;
        w[2..2 + args.len()].copy_from_slice(args);
    };
    match record {
        Record::TraceStart => set(1, &[]),
        Record::TraceEnd => set(2, &[]),
        Record::Begin { step, thread } => set(3, &[u32::from(step), u32::from(thread)]),
        Record::Return { step, code, out } => {
            let (kind, value) = match out {
                Out::None => (0, 0),
                Out::Null => (1, 0),
                Out::Unchanged => (2, 0),
                Out::Rubbish => (3, 0),
                Out::Object => (4, 0),
                Out::SameAs(id) => (5, u64::from(id.0)),
                Out::Value(value) => (6, value),
            };
            set(4, &[u32::from(step), code.0, kind, value as u32, (value >> 32) as u32]);
        }
        Record::Skipped => set(5, &[]),
        Record::Callback { sink, thread, kind, events, number } => {
            set(6, &[u32::from(sink), u32::from(thread), u32::from(kind), events.0, number]);
        }
        Record::CallbackReturn { number } => set(7, &[number]),
        Record::Settled { milliseconds } => set(8, &[milliseconds]),
        Record::NotSettled => set(9, &[]),
        Record::Exception => set(10, &[]),
        Record::NotLoaded => set(11, &[]),
        Record::Finished => set(12, &[]),
    }
    w
}

#[inline]
pub(super) fn decode_record(w: &RecordWords) -> Option<(u32, Record)> {
    let small = |word: u32| u16::try_from(word).ok();
    let tiny = |word: u32| u8::try_from(word).ok();
    let record = match w[1] {
        1 => Record::TraceStart,
        2 => Record::TraceEnd,
        3 => Record::Begin { step: small(w[2])?, thread: tiny(w[3])? },
        4 => {
            let value = u64::from(w[5]) | u64::from(w[6]) << 32;
            let out = match w[4] {
                0 => Out::None,
                1 => Out::Null,
                2 => Out::Unchanged,
                3 => Out::Rubbish,
                4 => Out::Object,
                5 => Out::SameAs(SessionId(u16::try_from(value).ok()?)),
                6 => Out::Value(value),
                _ => return None,
            };
            Record::Return { step: small(w[2])?, code: HResult(w[3]), out }
        }
        5 => Record::Skipped,
        6 => Record::Callback {
            sink: small(w[2])?,
            thread: tiny(w[3])?,
            kind: tiny(w[4]).filter(|kind| *kind < 4)?,
            events: EventMask(w[5]),
            number: w[6],
        },
        7 => Record::CallbackReturn { number: w[2] },
        8 => Record::Settled { milliseconds: w[2] },
        9 => Record::NotSettled,
        10 => Record::Exception,
        11 => Record::NotLoaded,
        12 => Record::Finished,
        _ => return None,
    };
    Some((w[0], record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mapi_session_spec::alphabet;

    #[test]
    fn every_call_of_the_alphabet_survives_the_wire() {
        let (s, o) = (SessionId(3), ObjectId(7));
        let mut calls = alphabet::logoffs(s);
        calls.extend(alphabet::queries(s, o));
        calls.extend(alphabet::methods(s, o));
        calls.extend(alphabet::advises(s, SinkId(2), RegistrationId(1)));
        calls.extend([
            Call::Initialize,
            Call::Uninitialize,
            Call::AllocateBuffer { buffer: BufferId(1) },
            Call::ReadBuffer { buffer: BufferId(1) },
            Call::FreeBuffer { buffer: BufferId(1) },
            Call::AddRef { target: Target::Object(o) },
            Call::Release { target: Target::Session(s) },
            Call::Unadvise { session: s, registration: RegistrationId(4) },
            Call::OnObject { object: o, method: ObjectMethod::GetRowCount },
            Call::LogonEx { session: s, profile: Profile::Named, flags: LogonFlags(0x2A) },
        ]);
        for call in calls {
            let racing = Place::Racing { thread: ThreadId(RACERS - 1), pause: 511 };
            let held = [Place::Inside(SinkId(3)), Place::Beside(SinkId(2)), Place::WaitedFor(SinkId(1))];
            for place in [Place::Thread(ThreadId(1)), racing].into_iter().chain(held) {
                for after in [None, Some((9, Wanted::Success)), Some((65535, Wanted::Failure))] {
                    let step = Step { action: Action::Call(call), place, after };
                    assert_eq!(decode_step(&encode_step(&step)), Some(step));
                }
            }
        }
    }

    #[test]
    fn what_a_settling_waits_for_survives_the_wire() {
        let awaited = Awaited { heard: u64::MAX - 1, released: 1 << 63 | 5, of: 0x8000_0001_0000_0302 };
        let step = Step { action: Action::Settle(awaited), ..Step::call(Call::Initialize) };
        assert_eq!(decode_step(&encode_step(&step)), Some(step));
    }

    #[test]
    fn a_race_on_more_threads_than_there_are_is_refused() {
        let place = Place::Racing { thread: ThreadId(RACERS), pause: 0 };
        let step = Step { place, ..Step::call(Call::Initialize) };
        assert_eq!(decode_step(&encode_step(&step)), None);
    }

    #[test]
    fn a_record_of_no_known_kind_is_refused() {
        assert_eq!(decode_record(&[0, 99, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(decode_record(&[0, 4, 0x1_0000, 0, 0, 0, 0, 0]), None);
    }
}

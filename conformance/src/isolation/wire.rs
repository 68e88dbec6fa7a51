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
pub(super) const STEP_BYTES: usize = 4 * STEP_WORDS;
const STEP_WORDS: usize = 12;

const METHODS: [Method; 16] = Method::ALL;
const OBJECT_METHODS: [ObjectMethod; 5] = ObjectMethod::ALL;
const INTERFACES: [Interface; 5] = Interface::ALL;

fn place_of<T: PartialEq>(all: &[T], one: &T) -> u16 {
    all.iter().position(|other| other == one).map_or(0, |i| i as u16)
}

/// A step as 32-bit words.
#[derive(Default)]
struct Words([u32; STEP_WORDS]);

pub(super) fn encode_step(step: &Step) -> [u8; STEP_BYTES] {
    let mut w = Words::default();
    let (place, at) = match step.place {
        Place::Thread(thread) => (0, u32::from(thread.0)),
        Place::Inside(sink) => (1, u32::from(sink.0)),
        Place::Beside(sink) => (2, u32::from(sink.0)),
        Place::Racing { thread, pause } => (3, u32::from(pause) << 8 | u32::from(thread.0)),
        Place::WaitedFor(sink) => (4, u32::from(sink.0)),
        Place::Releasing(sink) => (5, u32::from(sink.0)),
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
        w.0[4..10].copy_from_slice(&args);
    };
    let target = |target: Target| match target {
        Target::Session(id) => (0, u32::from(id.0)),
        Target::Object(id) => (1, u32::from(id.0)),
    };
    match step.action {
        Action::Settle(Awaited { heard, released, of, strays }) => {
            let words = heard.to_le_bytes().into_iter().chain(released.to_le_bytes());
            let bytes = words.chain(of).chain([u8::from(strays)]);
            for (place, byte) in bytes.enumerate() {
                w.0[4 + place / 4] |= u32::from(byte) << (8 * (place % 4));
            }
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
            Call::QueryInterface { target: on, interface, object } => {
                let interface = u32::from(place_of(&INTERFACES, &interface));
                set(7, [target(on).0, target(on).1, interface, u32::from(object.0), 0, 0]);
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
    let mut w = [0_u32; STEP_WORDS];
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
        5 => Place::Releasing(SinkId(small(w[1])?)),
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
            let bytes: [u8; 32] = std::array::from_fn(|place| a[place / 4].to_le_bytes()[place % 4]);
            let wide = |at: usize| Some(u64::from_le_bytes(*bytes[at..].first_chunk()?));
            let (strays, bytes) = bytes.split_last()?;
            let awaited = Awaited {
                heard: wide(0)?,
                released: wide(8)?,
                of: *bytes.last_chunk()?,
                strays: *strays != 0,
            };
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
            target: target(a[0], a[1])?,
            interface: *INTERFACES.get(a[2] as usize)?,
            object: object(a[3])?,
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
    /// All programs that were allowed were run, and so long the subject has waited in those that were allowed last.
    Waited { milliseconds: u32 },
    /// An exception was under way when the process aborted.
    Exception,
    /// The subject could not be loaded: no record follows.
    NotLoaded,
    /// The child has run everything.
    Finished,
}

/// Words of the longest record.
pub(super) const MOST_WORDS: usize = 3;

/// A record as words of 64 bits. The first has the kind, two small things that most kinds need, and the trace; most records
/// are no longer, since two cores hand each line of the ring to each other, and that is most of what a record costs.
pub(super) type RecordWords = [u64; MOST_WORDS];

/// Kinds of records, as they are written.
mod kind {
    pub(super) const TRACE_START: u8 = 1;
    pub(super) const TRACE_END: u8 = 2;
    pub(super) const BEGIN: u8 = 3;
    /// A return with `S_OK` and nothing that has a value.
    pub(super) const PLAIN_RETURN: u8 = 4;
    pub(super) const SKIPPED: u8 = 5;
    pub(super) const CALLBACK_RETURN: u8 = 6;
    pub(super) const SETTLED: u8 = 7;
    pub(super) const NOT_SETTLED: u8 = 8;
    pub(super) const EXCEPTION: u8 = 9;
    pub(super) const NOT_LOADED: u8 = 10;
    pub(super) const FINISHED: u8 = 11;
    pub(super) const RETURN: u8 = 12;
    pub(super) const WAITED: u8 = 13;
    /// The first of four.
    pub(super) const CALLBACK: u8 = 16;
    pub(super) const LAST_CALLBACK: u8 = CALLBACK + 3;
}

/// How many words the record has that begins with this one.
#[inline]
pub(super) const fn words_from(first: u64) -> usize {
    match first as u8 {
        kind::CALLBACK_RETURN | kind::SETTLED | kind::WAITED | kind::CALLBACK..=kind::LAST_CALLBACK => 2,
        kind::RETURN => 3,
        _ => 1,
    }
}

/// What most records say, of one trace and one step: they are looked at without being taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frequent {
    /// The client's first thread is about to make the step's call.
    Begin,
    /// It has returned with `S_OK`, and with an out parameter that has no value: one of [`PLAIN`], by its place.
    Return(u8),
}

/// The out parameters that have no value, as they are written.
pub(super) const PLAIN: [Out; 5] = [Out::None, Out::Null, Out::Unchanged, Out::Rubbish, Out::Object];

/// The trace, the step, and which of them the record is that has this word alone. `None`: it is another.
#[inline]
pub(super) fn frequent(word: u64) -> Option<(u32, u16, Frequent)> {
    let (written, tiny) = (word as u8, (word >> 8) as u8);
    let frequent = match written {
        kind::BEGIN if tiny == 0 => Frequent::Begin,
        kind::PLAIN_RETURN if tiny <= LAST_PLAIN_FORM => Frequent::Return(tiny),
        _ => return None,
    };
    Some(((word >> 32) as u32, (word >> 16) as u16, frequent))
}

/// The words of a record, and how many it has.
#[allow(
    clippy::inline_always,
    reason = "made twice a call, or with it: what is known of the record is worked out before"
)]
#[inline(always)]
pub(super) fn encode_record(trace: u32, record: Record) -> (RecordWords, usize) {
    let first = |kind: u8, tiny: u8, small: u16| {
        u64::from(kind) | u64::from(tiny) << 8 | u64::from(small) << 16 | u64::from(trace) << 32
    };
    let one = |first| ([first, 0, 0], 1);
    let two = |first, second| ([first, second, 0], 2);
    let alone = |kind| one(first(kind, 0, 0));
    match record {
        Record::TraceStart => alone(kind::TRACE_START),
        Record::TraceEnd => alone(kind::TRACE_END),
        Record::Begin { step, thread } => one(first(kind::BEGIN, thread, step)),
        Record::Return { step, code, out } => {
            let (form, value) = match out {
                Out::None => (0, 0),
                Out::Null => (1, 0),
                Out::Unchanged => (2, 0),
                Out::Rubbish => (3, 0),
                Out::Object => (4, 0),
                Out::SameAs(id) => (5, u64::from(id.0)),
                Out::Value(value) => (6, value),
            };
            if code == HResult::S_OK && form <= LAST_PLAIN_FORM {
                one(first(kind::PLAIN_RETURN, form, step))
            } else {
                ([first(kind::RETURN, form, step), u64::from(code.0), value], 3)
            }
        }
        Record::Skipped => alone(kind::SKIPPED),
        Record::Callback { sink, thread, kind, events, number } => {
            let both = u64::from(number) | u64::from(events.0) << 32;
            two(first(kind::CALLBACK + (kind & 3), thread, sink), both)
        }
        Record::CallbackReturn { number } => two(first(kind::CALLBACK_RETURN, 0, 0), u64::from(number)),
        Record::Settled { milliseconds } => two(first(kind::SETTLED, 0, 0), u64::from(milliseconds)),
        Record::Waited { milliseconds } => two(first(kind::WAITED, 0, 0), u64::from(milliseconds)),
        Record::NotSettled => alone(kind::NOT_SETTLED),
        Record::Exception => alone(kind::EXCEPTION),
        Record::NotLoaded => alone(kind::NOT_LOADED),
        Record::Finished => alone(kind::FINISHED),
    }
}

/// The last form of an out parameter that has no value.
const LAST_PLAIN_FORM: u8 = PLAIN.len() as u8 - 1;

fn out_of(form: u8, value: u64) -> Option<Out> {
    Some(match form {
        0..=LAST_PLAIN_FORM => PLAIN[usize::from(form)],
        5 => Out::SameAs(SessionId(u16::try_from(value).ok()?)),
        6 => Out::Value(value),
        _ => return None,
    })
}

#[inline]
pub(super) fn decode_record([first, second, third]: RecordWords) -> Option<(u32, Record)> {
    let (written, tiny, small) = (first as u8, (first >> 8) as u8, (first >> 16) as u16);
    let record = match written {
        kind::TRACE_START => Record::TraceStart,
        kind::TRACE_END => Record::TraceEnd,
        kind::BEGIN => Record::Begin { step: small, thread: tiny },
        kind::PLAIN_RETURN => {
            let form = Some(tiny).filter(|form| *form <= LAST_PLAIN_FORM)?;
            Record::Return { step: small, code: HResult::S_OK, out: out_of(form, 0)? }
        }
        kind::RETURN => Record::Return {
            step: small,
            code: HResult(u32::try_from(second).ok()?),
            out: out_of(tiny, third)?,
        },
        kind::SKIPPED => Record::Skipped,
        kind::CALLBACK..=kind::LAST_CALLBACK => Record::Callback {
            sink: small,
            thread: tiny,
            kind: written - kind::CALLBACK,
            events: EventMask((second >> 32) as u32),
            number: second as u32,
        },
        kind::CALLBACK_RETURN => Record::CallbackReturn { number: u32::try_from(second).ok()? },
        kind::SETTLED => Record::Settled { milliseconds: u32::try_from(second).ok()? },
        kind::WAITED => Record::Waited { milliseconds: u32::try_from(second).ok()? },
        kind::NOT_SETTLED => Record::NotSettled,
        kind::EXCEPTION => Record::Exception,
        kind::NOT_LOADED => Record::NotLoaded,
        kind::FINISHED => Record::Finished,
        _ => return None,
    };
    Some(((first >> 32) as u32, record))
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
            let held = [Place::Inside, Place::Beside, Place::WaitedFor, Place::Releasing]
                .map(|place| place(SinkId(3)));
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
        let of = std::array::from_fn(|sink| 0x80 | sink as u8);
        let awaited = Awaited { heard: u64::MAX - 1, released: 1 << 63 | 5, of, strays: true };
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
    fn every_record_survives_the_wire_in_the_words_that_its_first_one_promises() {
        let outs = [Out::None, Out::Null, Out::Unchanged, Out::Rubbish, Out::Object];
        let outs = outs.into_iter().chain([Out::SameAs(SessionId(u16::MAX)), Out::Value(u64::MAX - 1)]);
        let codes = [HResult::S_OK, HResult::MAPI_E_NOT_FOUND, HResult(u32::MAX)];
        let returns = outs.flat_map(|out| codes.map(|code| Record::Return { step: u16::MAX, code, out }));
        let callbacks = (0..4).map(|kind| Record::Callback {
            sink: 0x8001,
            thread: u8::MAX,
            kind,
            events: EventMask(0xFFFF_FFFE),
            number: 0x8000_0001,
        });
        let plain = [
            Record::TraceStart,
            Record::TraceEnd,
            Record::Begin { step: 0x8001, thread: 0x81 },
            Record::Begin { step: 0x8001, thread: 0 },
            Record::Skipped,
            Record::CallbackReturn { number: u32::MAX },
            Record::Settled { milliseconds: u32::MAX },
            Record::NotSettled,
            Record::Waited { milliseconds: u32::MAX },
            Record::Exception,
            Record::NotLoaded,
            Record::Finished,
        ];
        for record in plain.into_iter().chain(returns).chain(callbacks) {
            let (words, length) = encode_record(u32::MAX - 7, record);
            assert_eq!(words_from(words[0]), length, "{record:?}");
            assert_eq!(decode_record(words), Some((u32::MAX - 7, record)));
            let (step, expected) = match record {
                Record::Begin { step, thread: 0 } => (step, Some(Frequent::Begin)),
                Record::Return { step, code: HResult::S_OK, out }
                    if !matches!(out, Out::SameAs(_) | Out::Value(_)) =>
                {
                    let form = PLAIN.iter().position(|plain| *plain == out).expect("a plain one");
                    (step, Some(Frequent::Return(form as u8)))
                }
                _ => (0, None),
            };
            assert_eq!(
                frequent(words[0]),
                expected.map(|frequent| (u32::MAX - 7, step, frequent)),
                "{record:?}"
            );
            assert!(words[length..].iter().all(|word| *word == 0), "{record:?}: {words:x?}");
        }
    }

    #[test]
    fn a_record_of_no_known_kind_is_refused_as_is_one_with_more_than_its_kind_has() {
        assert_eq!(decode_record([99, 0, 0]), None);
        assert_eq!(decode_record([u64::from(kind::PLAIN_RETURN) | 5 << 8, 0, 0]), None);
        assert_eq!(decode_record([u64::from(kind::RETURN), 1 << 32, 0]), None);
        assert_eq!(decode_record([u64::from(kind::RETURN) | 5 << 8, 0, 1 << 16]), None);
    }
}

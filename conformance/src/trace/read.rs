//! JSON to events. Every error names the line, what is wrong with it, and what would be right.

use std::collections::HashMap;

use mapi_session_spec::era::Era;
use mapi_session_spec::event::{
    BufferId, Call, CallId, Callback, Event, ObjectId, Profile, RegistrationId, SessionId, SinkId, Target,
    ThreadId,
};
use mapi_session_spec::flags::{EventMask, LogoffFlags, LogonFlags};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::outcome::{Ending, Out, Outcome};
use serde_json::{Map, Value};
use strsim::levenshtein;

use super::{INTERFACES, SCHEMA, method_named, object_method_named};

/// A trace that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}\n  help: {mend}")]
pub struct ReadError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub mend: String,
}

/// The first line of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The era it was recorded in, if it says.
    pub era: Option<Era>,
    /// What came before is unknown, not absent.
    pub attached: bool,
}

/// A trace that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Its first line.
    pub header: Header,
    /// Its events.
    pub events: Vec<Event>,
    /// The line of each event, from 1.
    pub lines: Vec<usize>,
    /// It ends with its end, and nothing is missing in between.
    pub complete: bool,
}

type Fields = Map<String, Value>;

struct Reader {
    line: usize,
    sessions: HashMap<String, SessionId>,
    objects: HashMap<String, ObjectId>,
    sinks: HashMap<String, SinkId>,
    registrations: HashMap<String, RegistrationId>,
    connections: HashMap<(SessionId, u64), RegistrationId>,
    buffers: HashMap<String, BufferId>,
    open: HashMap<CallId, Call>,
    open_callbacks: HashMap<CallId, SinkId>,
    next: Next,
    attached: bool,
    /// Events read so far.
    seen: usize,
}

#[derive(Default)]
struct Next {
    session: u16,
    object: u16,
    sink: u16,
    registration: u16,
    buffer: u16,
}

type Read<T> = Result<T, ReadError>;

/// Reads a whole trace. A truncated last line is an error unless `allow_truncated`.
///
/// # Errors
/// At the first line that is not what the format says.
pub fn read(text: &str, allow_truncated: bool) -> Read<Trace> {
    let mut reader = Reader {
        line: 1,
        sessions: HashMap::new(),
        objects: HashMap::new(),
        sinks: HashMap::new(),
        registrations: HashMap::new(),
        connections: HashMap::new(),
        buffers: HashMap::new(),
        open: HashMap::new(),
        open_callbacks: HashMap::new(),
        next: Next::default(),
        attached: false,
        seen: 0,
    };
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let Some((first, head)) = lines.next() else {
        return Err(reader.error("the file is empty", "begin with {\"schema\":\"mapi-conform/trace/1\", …}"));
    };
    reader.line = first + 1;
    let header = reader.header(head)?;
    reader.attached = header.attached;
    let mut trace = Trace { header, events: Vec::new(), lines: Vec::new(), complete: false };
    let mut gap = false;
    let mut pending = lines.peekable();
    while let Some((index, line)) = pending.next() {
        reader.line = index + 1;
        if trace.complete {
            return Err(
                reader.error("there is more after the end", "let {\"end\":\"complete\"} be the last line")
            );
        }
        let last = pending.peek().is_none();
        let truncated = last && !text.ends_with('\n');
        let fields: Fields = match serde_json::from_str::<Once>(line) {
            Ok(Once(fields)) => fields,
            Err(_) if truncated && allow_truncated => break,
            Err(_) if truncated => {
                let mend = "record it again, or judge what is there with --allow-truncated";
                return Err(reader.error("the last line is cut off", mend));
            }
            Err(error) => {
                return Err(reader.error(&format!("not a JSON object: {error}"), "one event a line"));
            }
        };
        match reader.event(&fields)? {
            Line::Event(Event::End) => {
                trace.complete = !gap;
                trace.events.push(Event::End);
                trace.lines.push(reader.line);
            }
            Line::Event(event) => {
                reader.seen += 1;
                trace.events.push(event);
                trace.lines.push(reader.line);
            }
            Line::Gap => gap = true,
            Line::Nothing => {}
        }
    }
    if gap {
        trace.events.retain(|event| *event != Event::End);
        trace.lines.truncate(trace.events.len());
    }
    Ok(trace)
}

/// An object in which no field comes twice: which of the two is meant, nobody knows.
struct Once(Fields);

impl<'de> serde::Deserialize<'de> for Once {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Once;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<Once, A::Error> {
                let mut fields = Fields::new();
                while let Some((key, value)) = access.next_entry::<String, Value>()? {
                    if fields.contains_key(&key) {
                        return Err(serde::de::Error::custom(format!("the field {key:?} comes twice")));
                    }
                    fields.insert(key, value);
                }
                Ok(Once(fields))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

enum Line {
    Event(Event),
    Gap,
    Nothing,
}

impl Reader {
    fn error(&self, what: &str, mend: &str) -> ReadError {
        let harmless = crate::text::harmless;
        ReadError { line: self.line, what: harmless(what), mend: harmless(mend) }
    }

    fn header(&self, line: &str) -> Read<Header> {
        let mend = "begin with {\"schema\":\"mapi-conform/trace/1\",\"era\":\"fast-shutdown\",\"starts\":\"process-start\"}";
        let fields: Fields =
            serde_json::from_str(line).map_err(|e| self.error(&format!("not a JSON object: {e}"), mend))?;
        match fields.get("schema") {
            Some(Value::String(schema)) if schema == SCHEMA => {}
            Some(other) => return Err(self.error(&format!("this is not {SCHEMA} but {other}"), mend)),
            None => return Err(self.error("the first line names no schema", mend)),
        }
        self.only(&fields, &["schema", "era", "origin", "starts", "level"])?;
        let era = match fields.get("era") {
            None => None,
            Some(value) => {
                let era = value.as_str().and_then(|text| text.parse().ok());
                Some(
                    era.ok_or_else(|| self.error(&format!("{value} is no era"), "classic or fast-shutdown"))?,
                )
            }
        };
        let attached = match fields.get("starts").and_then(Value::as_str) {
            None | Some("process-start") => false,
            Some("attached") => true,
            Some(other) => {
                return Err(self.error(&format!("{other:?} is no way to start"), "process-start or attached"));
            }
        };
        Ok(Header { era, attached })
    }

    fn only(&self, fields: &Fields, known: &[&str]) -> Read<()> {
        for key in fields.keys() {
            if !known.contains(&key.as_str()) && !key.starts_with("x-") {
                let near = known.iter().min_by_key(|other| levenshtein(key, other));
                let mend = match near {
                    Some(near) if levenshtein(key, near) <= 3 => format!("did you mean {near:?}?"),
                    _ => format!("one of {}", known.join(", ")),
                };
                return Err(self.error(&format!("unknown field {key:?}"), &mend));
            }
        }
        Ok(())
    }

    fn text<'a>(&self, fields: &'a Fields, key: &str) -> Read<&'a str> {
        fields.get(key).and_then(Value::as_str).ok_or_else(|| {
            self.error(&format!("{key:?} is missing, or no string"), &format!("\"{key}\":\"…\""))
        })
    }

    fn number(&self, fields: &Fields, key: &str) -> Read<u32> {
        let number = fields.get(key).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| {
            self.error(&format!("{key:?} is missing, or no small number"), &format!("\"{key}\":1"))
        })
    }

    fn thread(&self, fields: &Fields) -> Read<ThreadId> {
        if fields.get("thread").is_none() {
            Ok(ThreadId(0))
        } else {
            let number = self.number(fields, "thread")?;
            let thread = u8::try_from(number).map(ThreadId);
            thread.map_err(|_| self.error("a thread's number is at most 255", "number threads from 0"))
        }
    }

    fn hex(&self, text: &str) -> Read<u64> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        let all_hex = |digits: &&str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = digits.filter(all_hex).and_then(|digits| u64::from_str_radix(digits, 16).ok());
        value.ok_or_else(|| {
            self.error(&format!("{text:?} is no word"), "a hex string such as \"0x1\", or MAPI's name")
        })
    }

    /// A word: a hex string, a name, or a list of both.
    fn word(&self, value: &Value, named: &dyn Fn(&str) -> Option<u32>) -> Read<u64> {
        let one = |value: &Value| -> Read<u64> {
            let Some(text) = value.as_str() else {
                return Err(
                    self.error(&format!("{value} is no word"), "a hex string or a name, never a decimal")
                );
            };
            match named(text) {
                Some(bits) => Ok(u64::from(bits)),
                None => self.hex(text),
            }
        };
        match value {
            Value::Array(all) => all.iter().try_fold(0, |bits, value| Ok(bits | one(value)?)),
            one_value => one(one_value),
        }
    }

    fn word_or(
        &self,
        fields: &Fields,
        key: &str,
        absent: u64,
        named: &dyn Fn(&str) -> Option<u32>,
    ) -> Read<u64> {
        fields.get(key).map_or(Ok(absent), |value| self.word(value, named))
    }

    fn narrow(&self, word: u64) -> Read<u32> {
        u32::try_from(word).map_err(|_| self.error("the word has more than 32 bits", "ULONG is 32 bits wide"))
    }

    fn session(&mut self, name: &str) -> Read<SessionId> {
        if let Some(id) = self.sessions.get(name) {
            return Ok(*id);
        }
        if self.attached && name.starts_with('s') {
            let id = self.new_session()?;
            self.sessions.insert(name.to_owned(), id);
            return Ok(id);
        }
        Err(self.error(&format!("{name:?} is no session met before"), "name what a MAPILogonEx handed out"))
    }

    fn new_session(&mut self) -> Read<SessionId> {
        self.next.session += 1;
        if self.next.session > 60_000 {
            return Err(self.error("too many sessions", "split the trace"));
        }
        Ok(SessionId(self.next.session - 1))
    }

    fn new_object(&mut self) -> Read<ObjectId> {
        self.next.object += 1;
        if self.next.object > 60_000 {
            return Err(self.error("too many objects", "split the trace"));
        }
        Ok(ObjectId(self.next.object - 1))
    }

    fn event(&mut self, fields: &Fields) -> Read<Line> {
        const KINDS: &[&str] = &[
            "call",
            "return",
            "callback",
            "callback_return",
            "settled",
            "crash",
            "hang",
            "exit",
            "exception",
            "dialog",
            "skipped",
            "gap",
            "end",
        ];
        let kinds: Vec<&str> = KINDS.iter().copied().filter(|kind| fields.contains_key(*kind)).collect();
        let kind = match kinds[..] {
            [kind] => kind,
            [] => {
                let odd = fields.keys().next().cloned().unwrap_or_default();
                let near =
                    KINDS.iter().min_by_key(|other| levenshtein(&odd, other)).copied().unwrap_or("call");
                let mend = format!("did you mean {near:?}? An event is one of {}", KINDS.join(", "));
                return Err(self.error(&format!("unknown event, beginning with {odd:?}"), &mend));
            }
            _ => {
                return Err(
                    self.error(&format!("both {} in one line", kinds.join(" and ")), "one event a line")
                );
            }
        };
        match kind {
            "call" => self.call(fields),
            "return" => self.returned(fields),
            "callback" => self.callback(fields),
            "callback_return" => {
                self.only(fields, &["callback_return", "thread"])?;
                let id = CallId(self.number(fields, "callback_return")?);
                if self.open_callbacks.remove(&id).is_none() {
                    return Err(
                        self.error("a return without its callback", "give the id of an open callback")
                    );
                }
                Ok(Line::Event(Event::CallbackReturn { id }))
            }
            "settled" => {
                self.only(fields, &["settled"])?;
                Ok(Line::Event(Event::Settled { milliseconds: self.number(fields, "settled")? }))
            }
            "crash" | "hang" | "exit" | "exception" => {
                self.only(fields, &[kind, "during", "thread"])?;
                let id = CallId(self.number(fields, "during")?);
                if self.open.remove(&id).is_none() {
                    return Err(
                        self.error("\"during\" names no call under way", "give the id of an open call")
                    );
                }
                let ending = match kind {
                    "crash" => {
                        Ending::Crashed(signal(fields.get("crash").and_then(Value::as_str).unwrap_or("")))
                    }
                    "hang" => Ending::Hung,
                    "exit" => Ending::Exited(0),
                    _ => Ending::Threw,
                };
                Ok(Line::Event(Event::Return { id, outcome: Outcome { ending, out: Out::None } }))
            }
            "dialog" => {
                self.only(fields, &["dialog", "thread"])?;
                Ok(Line::Nothing)
            }
            "skipped" => {
                self.only(fields, &["skipped", "reason", "thread"])?;
                Ok(Line::Nothing)
            }
            "gap" => {
                self.only(fields, &["gap"])?;
                if self.number(fields, "gap")? == 0 {
                    return Err(
                        self.error("a gap of no events", "say how many were lost, or leave the line out")
                    );
                }
                Ok(Line::Gap)
            }
            _ => {
                self.only(fields, &["end", "events"])?;
                if fields.get("end").and_then(Value::as_str) != Some("complete") {
                    return Err(self.error(
                        "\"end\" is not \"complete\"",
                        "leave the line out if the trace is not whole",
                    ));
                }
                if fields.contains_key("events") && self.number(fields, "events")? as usize != self.seen {
                    let mend = format!(
                        "{} were read: record it again, or say how many are missing with \"gap\"",
                        self.seen
                    );
                    return Err(self.error("the end counts other events than the trace holds", &mend));
                }
                Ok(Line::Event(Event::End))
            }
        }
    }

    fn call(&mut self, fields: &Fields) -> Read<Line> {
        let name = self.text(fields, "call")?.to_owned();
        let id = CallId(self.number(fields, "id")?);
        let thread = self.thread(fields)?;
        let common = ["call", "id", "client", "thread", "process"];
        let no_names = |_: &str| None;
        let mut known = common.to_vec();
        let mut allow = |reader: &Self, more: &[&'static str]| {
            known.extend(more);
            reader.only(fields, &known)
        };
        let call = match name.as_str() {
            "MAPIInitialize" => {
                allow(self, &["flags"])?;
                Call::Initialize
            }
            "MAPIUninitialize" => {
                allow(self, &[])?;
                Call::Uninitialize
            }
            "MAPILogonEx" => {
                allow(self, &["profile", "flags", "ui_param", "password"])?;
                let profile = if fields.get("profile").is_none_or(Value::is_null) {
                    Profile::Null
                } else {
                    Profile::Named
                };
                let flags = self.word_or(fields, "flags", 0, &|n| LogonFlags::named(n).map(|f| f.0))?;
                let flags = LogonFlags(self.narrow(flags)?);
                Call::LogonEx { session: self.new_session()?, profile, flags }
            }
            "MAPIAllocateBuffer" => {
                allow(self, &["bytes"])?;
                self.next.buffer = self.next.buffer.saturating_add(1);
                Call::AllocateBuffer { buffer: BufferId(self.next.buffer - 1) }
            }
            "MAPIFreeBuffer" | "ReadBuffer" => {
                allow(self, &["buffer"])?;
                let named = self.text(fields, "buffer")?;
                let buffer = *self.buffers.get(named).ok_or_else(|| {
                    self.error(
                        &format!("{named:?} is no buffer met before"),
                        "name what MAPIAllocateBuffer gave",
                    )
                })?;
                if name == "ReadBuffer" { Call::ReadBuffer { buffer } } else { Call::FreeBuffer { buffer } }
            }
            "QueryInterface" => {
                allow(self, &["object", "iid"])?;
                let session = self.text(fields, "object")?.to_owned();
                let session = self.session(&session)?;
                let iid = self.text(fields, "iid")?;
                let known = INTERFACES.iter().find(|(name, _)| *name == iid).map(|(_, interface)| *interface);
                let interface = known.unwrap_or(mapi_session_spec::event::Interface::Unheard);
                Call::QueryInterface { session, interface, object: self.new_object()? }
            }
            "AddRef" | "Release" => {
                allow(self, &["object"])?;
                let on = self.text(fields, "object")?.to_owned();
                let target = match self.objects.get(&on) {
                    Some(object) => Target::Object(*object),
                    None => Target::Session(self.session(&on)?),
                };
                if name == "AddRef" { Call::AddRef { target } } else { Call::Release { target } }
            }
            "Advise" => {
                allow(self, &["object", "mask", "sink"])?;
                let session = self.text(fields, "object")?.to_owned();
                let session = self.session(&session)?;
                let mask = self.word_or(fields, "mask", 0, &|n| EventMask::named(n).map(|f| f.0))?;
                let mask = EventMask(self.narrow(mask)?);
                let sink = self.text(fields, "sink")?.to_owned();
                let next = SinkId(self.next.sink);
                let sink = *self.sinks.entry(sink).or_insert_with(|| {
                    self.next.sink = self.next.sink.saturating_add(1);
                    next
                });
                self.next.registration = self.next.registration.saturating_add(1);
                let registration = RegistrationId(self.next.registration - 1);
                Call::Advise { session, mask, sink, registration }
            }
            "Unadvise" => {
                allow(self, &["object", "connection", "registration"])?;
                let session = self.text(fields, "object")?.to_owned();
                let session = self.session(&session)?;
                let registration = if let Some(named) = fields.get("registration").and_then(Value::as_str) {
                    self.registrations.get(named).copied()
                } else {
                    let connection = self.word_or(fields, "connection", 0, &no_names)?;
                    self.connections.get(&(session, connection)).copied()
                };
                let registration = registration.ok_or_else(|| {
                    self.error(
                        "no such registration on this session",
                        "give the connection that Advise handed out",
                    )
                })?;
                Call::Unadvise { session, registration }
            }
            "Logoff" => {
                allow(self, &["object", "ui_param", "flags", "reserved", "registers"])?;
                let session = self.text(fields, "object")?.to_owned();
                let session = self.session(&session)?;
                let ui_param = self.word_or(fields, "ui_param", 0, &no_names)?;
                let flags = self.word_or(fields, "flags", 0, &|n| LogoffFlags::named(n).map(|f| f.0))?;
                let flags = LogoffFlags(self.narrow(flags)?);
                let reserved = self.word_or(fields, "reserved", 0, &no_names)?;
                let reserved = self.narrow(reserved)?;
                let dirty = fields.get("registers").and_then(Value::as_str) == Some("dirty");
                Call::Logoff { session, ui_param, flags, reserved, dirty }
            }
            other => {
                if let Some(method) = method_named(other) {
                    let on = self.text(fields, "object")?.to_owned();
                    if self.objects.contains_key(&on) {
                        // `GetLastError` of an opened object: it says nothing about the session.
                        return Ok(Line::Nothing);
                    }
                    let session = self.session(&on)?;
                    allow(self, &["object", "flags", "ui_param", "entry_id", "interface", "result"])?;
                    let flags = self.word_or(fields, "flags", 0, &no_names)?;
                    let flags = self.narrow(flags)?;
                    Call::Method { session, method, flags, object: self.new_object()? }
                } else if let Some(method) = object_method_named(other) {
                    allow(self, &["object", "flags"])?;
                    let on = self.text(fields, "object")?;
                    let object = *self.objects.get(on).ok_or_else(|| {
                        self.error(&format!("{on:?} is no object met before"), "name what the session opened")
                    })?;
                    Call::OnObject { object, method }
                } else {
                    return Err(self.error(
                        &format!("{other:?} is no call of this format"),
                        "MAPI's own names: MAPIInitialize, MAPILogonEx, Logoff, Release, …",
                    ));
                }
            }
        };
        if self.open.insert(id, call).is_some() || self.open_callbacks.contains_key(&id) {
            return Err(
                self.error(&format!("the id {} is taken by a call under way", id.0), "number calls upwards")
            );
        }
        Ok(Line::Event(Event::Call { id, thread, call }))
    }

    fn returned(&mut self, fields: &Fields) -> Read<Line> {
        self.only(fields, &["return", "thread", "result", "out"])?;
        let id = CallId(self.number(fields, "return")?);
        let Some(call) = self.open.remove(&id) else {
            return Err(
                self.error(&format!("a return of {} without its call", id.0), "give the id of an open call")
            );
        };
        let result = match fields.get("result") {
            None => HResult::S_OK,
            Some(value) => {
                HResult(self.narrow(self.word(value, &|n| HResult::named(n).map(|code| code.0))?)?)
            }
        };
        let mut out = Out::None;
        if let Some(value) = fields.get("out") {
            let Some(outs) = value.as_object() else {
                return Err(self.error("\"out\" is no object", "\"out\":{\"session\":\"s1\"}"));
            };
            self.only(
                outs,
                &[
                    "session",
                    "object",
                    "table",
                    "connection",
                    "registration",
                    "buffer",
                    "value",
                    "whole",
                    "store",
                    "address_book",
                    "identity",
                ],
            )?;
            for (key, value) in outs {
                if key == "registration" {
                    if let (Call::Advise { registration, .. }, Some(name)) = (call, value.as_str()) {
                        self.registrations.insert(name.to_owned(), registration);
                    }
                    continue;
                }
                out = self.out(&call, key, value)?;
            }
        }
        if let (Call::Advise { session, registration, .. }, Out::Value(connection)) = (call, out) {
            self.connections.insert((session, connection), registration);
        }
        let outcome = Outcome { ending: Ending::Returned(result), out };
        Ok(Line::Event(Event::Return { id, outcome }))
    }

    fn out(&mut self, call: &Call, key: &str, value: &Value) -> Read<Out> {
        match value {
            Value::Null => return Ok(Out::Null),
            Value::Object(map) => {
                let name = map.get("same_as").and_then(Value::as_str).unwrap_or_default().to_owned();
                return Ok(Out::SameAs(self.session(&name)?));
            }
            Value::String(text) if text == "unchanged" => return Ok(Out::Unchanged),
            Value::String(text) if text == "rubbish" => return Ok(Out::Rubbish),
            _ => {}
        }
        let Some(name) = value.as_str() else {
            return Err(self.error(
                &format!("{value} is no out parameter"),
                "a name, null, \"unchanged\" or \"rubbish\"",
            ));
        };
        if matches!(key, "connection" | "value" | "whole" | "identity") {
            return self.hex(name).map(Out::Value);
        }
        match *call {
            Call::LogonEx { session, .. } => {
                self.sessions.insert(name.to_owned(), session);
            }
            Call::Method { object, .. } => {
                self.objects.insert(name.to_owned(), object);
            }
            Call::QueryInterface { object, session, .. } => {
                if self.sessions.get(name) != Some(&session) {
                    self.objects.insert(name.to_owned(), object);
                }
            }
            Call::AllocateBuffer { buffer } => {
                self.buffers.insert(name.to_owned(), buffer);
            }
            _ => {
                return Err(self.error(
                    &format!("{} hands out no {key}", call.name()),
                    "leave \"out\" away where nothing is handed out",
                ));
            }
        }
        Ok(Out::Object)
    }

    fn callback(&mut self, fields: &Fields) -> Read<Line> {
        self.only(fields, &["callback", "id", "thread", "object", "events"])?;
        let id = CallId(self.number(fields, "id")?);
        let thread = self.thread(fields)?;
        let on = self.text(fields, "object")?;
        let sink = *self.sinks.get(on).ok_or_else(|| {
            self.error(&format!("{on:?} is no sink met before"), "name a sink that was passed to Advise")
        })?;
        let callback = match self.text(fields, "callback")? {
            "QueryInterface" => Callback::QueryInterface,
            "AddRef" => Callback::AddRef,
            "Release" => Callback::Release,
            "OnNotify" => {
                let events = self.word_or(fields, "events", 0, &|n| EventMask::named(n).map(|f| f.0))?;
                Callback::OnNotify { events: EventMask(self.narrow(events)?) }
            }
            other => {
                let what = format!("{other:?} is no callback of this format");
                return Err(self.error(&what, "QueryInterface, AddRef, Release or OnNotify"));
            }
        };
        if self.open_callbacks.insert(id, sink).is_some() || self.open.contains_key(&id) {
            return Err(
                self.error(&format!("the id {} is taken by a call under way", id.0), "number calls upwards")
            );
        }
        Ok(Line::Event(Event::Callback { id, thread, sink, callback }))
    }
}

fn signal(name: &str) -> u32 {
    (1..32).find(|number| crate::report::words::signal_name(*number) == name).unwrap_or(0)
}

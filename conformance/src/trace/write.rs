//! Events to JSON.

use std::collections::HashMap;

use mapi_session_spec::era::Era;
use mapi_session_spec::event::{
    Call, CallId, Callback, Event, Interface, ObjectId, Profile, SessionId, Target,
};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::outcome::{Ending, Out, Outcome};
use serde_json::{Map, Value, json};

use super::{INTERFACES, SCHEMA};

fn hex(value: u64) -> Value {
    format!("0x{value:X}").into()
}

fn words(names: Vec<&'static str>, rest: u32) -> Value {
    if names.is_empty() {
        return hex(u64::from(rest));
    }
    let mut all: Vec<Value> = names.into_iter().map(Value::from).collect();
    if rest != 0 {
        all.push(hex(u64::from(rest)));
    }
    all.into()
}

fn target(target: Target) -> String {
    match target {
        Target::Session(id) => id.to_string(),
        Target::Object(id) => id.to_string(),
    }
}

fn call_fields(call: &Call, map: &mut Map<String, Value>) {
    let mut put = |key: &str, value: Value| map.insert(key.into(), value);
    match *call {
        Call::Initialize | Call::Uninitialize | Call::AllocateBuffer { .. } => {}
        Call::LogonEx { profile, flags, .. } => {
            put("profile", if profile == Profile::Null { Value::Null } else { "profile".into() });
            let (names, rest) = flags.names();
            put("flags", words(names, rest));
        }
        Call::ReadBuffer { buffer } | Call::FreeBuffer { buffer } => {
            put("buffer", buffer.to_string().into());
        }
        Call::QueryInterface { target: on, interface, .. } => {
            put("object", target(on).into());
            let name =
                INTERFACES.iter().find(|(_, known)| *known == interface).map_or("unheard", |(name, _)| name);
            put("iid", name.into());
        }
        Call::AddRef { target: on } | Call::Release { target: on } => {
            put("object", target(on).into());
        }
        Call::Method { session, flags, .. } => {
            put("object", session.to_string().into());
            put("flags", hex(u64::from(flags)));
        }
        Call::OnObject { object, .. } => {
            put("object", object.to_string().into());
        }
        Call::Advise { session, mask, sink, .. } => {
            put("object", session.to_string().into());
            let (names, rest) = mask.names();
            put("mask", words(names, rest));
            put("sink", sink.to_string().into());
        }
        Call::Unadvise { session, registration } => {
            put("object", session.to_string().into());
            put("registration", registration.to_string().into());
        }
        Call::Logoff { session, ui_param, flags, reserved, dirty } => {
            put("object", session.to_string().into());
            put("ui_param", hex(ui_param));
            let (names, rest) = flags.names();
            put("flags", words(names, rest));
            put("reserved", hex(u64::from(reserved)));
            if dirty {
                put("registers", "dirty".into());
            }
        }
    }
}

/// The key of a call's out parameter, and the name that a new object there gets. `asked` is what `QueryInterface` was called
/// on, by its first pointer.
fn out_of(call: &Call, asked: Option<Target>) -> Option<(&'static str, String)> {
    Some(match call {
        Call::LogonEx { session, .. } => ("session", session.to_string()),
        Call::QueryInterface { interface: Interface::IUnknown | Interface::IMAPISession, .. } => {
            ("object", asked.map(target)?)
        }
        Call::QueryInterface { object, .. } | Call::Method { object, .. } => ("object", object.to_string()),
        Call::AllocateBuffer { buffer } => ("buffer", buffer.to_string()),
        Call::ReadBuffer { .. } => ("whole", String::new()),
        Call::Advise { .. } => ("connection", String::new()),
        _ => return None,
    })
}

fn out_fields(call: &Call, asked: Option<Target>, outcome: &Outcome, map: &mut Map<String, Value>) {
    let Some((key, name)) = out_of(call, asked) else { return };
    let value = match outcome.out {
        Out::None => return,
        Out::Null => Value::Null,
        Out::Unchanged => "unchanged".into(),
        Out::Rubbish => "rubbish".into(),
        Out::Object => name.into(),
        Out::SameAs(id) => json!({"same_as": id.to_string()}),
        Out::Value(value) => hex(value),
    };
    let key = match (call, outcome.out) {
        (Call::Method { .. }, Out::Value(_)) => "value",
        _ => key,
    };
    let mut out = Map::new();
    out.insert(key.into(), value);
    if let (Call::Advise { registration, .. }, true) = (call, outcome.succeeded()) {
        out.insert("registration".into(), registration.to_string().into());
    }
    map.insert("out".into(), out.into());
}

fn code(code: HResult) -> Value {
    code.name().map_or_else(|| hex(u64::from(code.0)), Value::from)
}

/// Writes a trace a line at a time, as it happens.
#[derive(Debug, Default)]
pub struct Writer {
    /// The calls under way, with their threads.
    calls: HashMap<CallId, (Call, u8)>,
    /// The callbacks under way, with theirs.
    callbacks: HashMap<CallId, u8>,
    /// The sessions behind those objects that are another of their interfaces.
    behind: HashMap<ObjectId, SessionId>,
    events: usize,
}

/// The first line of a trace.
pub fn header(era: Era, origin: &str) -> Value {
    json!({ "schema": SCHEMA, "era": era.to_string(), "origin": origin, "starts": "process-start" })
}

impl Writer {
    /// What `QueryInterface` was called on: the session, where that is another of its interfaces.
    fn asked(&mut self, call: &Call, outcome: &Outcome) -> Option<Target> {
        let Call::QueryInterface { target, interface, object } = *call else { return None };
        let session = match target {
            Target::Session(session) => Some(session),
            Target::Object(on) => self.behind.get(&on).copied(),
        };
        if interface == Interface::IMAPIClientShutdown && outcome.succeeded() {
            self.behind.extend(session.map(|session| (object, session)));
        }
        Some(session.map_or(target, Target::Session))
    }

    /// What comes from now on is in another file, whose end counts anew.
    pub const fn begin_another_file(&mut self) {
        self.events = 0;
    }

    /// The line for one more event. `None` for the end of a call that never began.
    pub fn line(&mut self, event: &Event) -> Option<Value> {
        let mut map = Map::new();
        let mut thread_of = None;
        match event {
            Event::Call { id, thread, call } => {
                self.calls.insert(*id, (*call, thread.0));
                map.insert("call".into(), call.name().into());
                map.insert("id".into(), id.0.into());
                call_fields(call, &mut map);
                thread_of = Some(thread.0);
            }
            Event::Return { id, outcome } => {
                let (call, thread) = self.calls.remove(id)?;
                thread_of = Some(thread);
                let asked = self.asked(&call, outcome);
                ending_fields(*id, &call, asked, outcome, &mut map);
            }
            Event::Callback { id, thread, sink, callback } => {
                self.callbacks.insert(*id, thread.0);
                let name = match callback {
                    Callback::QueryInterface => "QueryInterface",
                    Callback::AddRef => "AddRef",
                    Callback::Release => "Release",
                    Callback::OnNotify { .. } => "OnNotify",
                };
                map.insert("callback".into(), name.into());
                map.insert("id".into(), id.0.into());
                map.insert("object".into(), sink.to_string().into());
                if let Callback::OnNotify { events } = callback {
                    let (names, rest) = events.names();
                    map.insert("events".into(), words(names, rest));
                }
                thread_of = Some(thread.0);
            }
            Event::CallbackReturn { id } => {
                map.insert("callback_return".into(), id.0.into());
                thread_of = self.callbacks.remove(id);
            }
            Event::Settled { milliseconds } => {
                map.insert("settled".into(), (*milliseconds).into());
            }
            Event::End => {
                map.insert("end".into(), "complete".into());
                map.insert("events".into(), self.events.into());
            }
        }
        if let Some(thread) = thread_of.filter(|thread| *thread != 0) {
            map.insert("thread".into(), thread.into());
        }
        self.events += 1;
        Some(map.into())
    }
}

fn ending_fields(
    id: CallId,
    call: &Call,
    asked: Option<Target>,
    outcome: &Outcome,
    map: &mut Map<String, Value>,
) {
    match outcome.ending {
        Ending::Returned(result) => {
            map.insert("return".into(), id.0.into());
            let silent = matches!(
                call,
                Call::AddRef { .. } | Call::Release { .. } | Call::Uninitialize | Call::FreeBuffer { .. }
            );
            if !silent {
                map.insert("result".into(), code(result));
            }
            out_fields(call, asked, outcome, map);
        }
        Ending::Crashed(signal) => {
            map.insert("crash".into(), crate::report::words::signal_name(signal).into());
            map.insert("during".into(), id.0.into());
        }
        Ending::Hung => {
            map.insert("hang".into(), true.into());
            map.insert("during".into(), id.0.into());
        }
        Ending::Exited(status) => {
            map.insert("exit".into(), hex(u64::from(status.cast_unsigned())));
            map.insert("during".into(), id.0.into());
        }
        Ending::Threw => {
            map.insert("exception".into(), true.into());
            map.insert("during".into(), id.0.into());
        }
    }
}

/// The trace with its header and, if it is whole, its end.
pub fn to_values(events: &[Event], era: Era) -> Vec<Value> {
    let mut writer = Writer::default();
    let first = std::iter::once(header(era, "planned"));
    first.chain(events.iter().filter_map(|event| writer.line(event))).collect()
}

/// The trace as a file's content.
pub fn to_lines(events: &[Event], era: Era) -> String {
    to_values(events, era).iter().fold(String::new(), |mut text, value| {
        text.push_str(&value.to_string());
        text.push('\n');
        text
    })
}

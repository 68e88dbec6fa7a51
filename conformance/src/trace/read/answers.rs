//! A line that ends a call: the code, and what became of the out parameter.

use mapi_session_spec::event::{Call, CallId, Event, Target};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::outcome::{Ending, Out, Outcome};
use serde_json::Value;

use super::{Fields, Line, Read, Reader};

pub(super) fn signal(name: &str) -> u32 {
    (1..32).find(|number| crate::report::words::signal_name(*number) == name).unwrap_or(0)
}

impl Reader {
    pub(super) fn returned(&mut self, fields: &Fields) -> Read<Line> {
        self.only(fields, &["return", "thread", "result", "out"])?;
        let id = CallId(self.number(fields, "return")?);
        let Some((call, began)) = self.open.remove(&id) else {
            return Err(
                self.error(&format!("a return of {} without its call", id.0), "give the id of an open call")
            );
        };
        self.ends_where_it_began(fields, began)?;
        let result = match fields.get("result") {
            None => HResult::S_OK,
            Some(value) => {
                HResult(self.narrow(self.word(value, &|n| HResult::named(n).map(|code| code.0))?)?)
            }
        };
        let mut out = Out::None;
        let mut handed_out = None;
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
                if out == Out::Object {
                    handed_out =
                        value.as_str().filter(|name| self.objects.contains_key(*name)).map(str::to_owned);
                }
            }
        }
        if let (Call::Advise { session, registration, .. }, Out::Value(connection)) = (call, out) {
            self.connections.insert((session, connection), registration);
        }
        match call {
            Call::Method { object, .. } | Call::QueryInterface { object, .. } => {
                self.object_came(object, handed_out);
            }
            Call::AddRef { target: Target::Object(object) } => self.object_counted(object, true),
            Call::Release { target: Target::Object(object) } => self.object_counted(object, false),
            _ => {}
        }
        let outcome = Outcome { ending: Ending::Returned(result), out };
        Ok(Line::Event(Event::Return { id, outcome }))
    }

    pub(super) fn out(&mut self, call: &Call, key: &str, value: &Value) -> Read<Out> {
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
}

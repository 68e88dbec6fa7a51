//! A line that ends a call: the code, and what became of the out parameter.

use mapi_session_spec::event::{Call, CallId, Event, Interface, Target};
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
        if self.unjudged.remove(&id) {
            // What it handed out may be called, or given back, later.
            let outs = fields.get("out").and_then(Value::as_object);
            for name in outs.into_iter().flat_map(|outs| outs.values()).filter_map(Value::as_str) {
                if self.object(name).is_none() && !matches!(name, "unchanged" | "rubbish") {
                    self.object_from_elsewhere(name)?;
                }
            }
            return Ok(Line::Nothing);
        }
        if self.misses_some && !self.open.contains_key(&id) {
            return Ok(Line::Nothing);
        }
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
        let (mut out, mut name, mut registration) = (Out::None, None, None);
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
                if key == "registration" && matches!(call, Call::Advise { .. }) {
                    registration = value.as_str();
                    continue;
                }
                out = self.out(&call, key, value)?;
                name = value.as_str();
            }
        }
        self.keep_count(&call, result, out, name.unwrap_or_default(), registration);
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
        if !matches!(
            call,
            Call::LogonEx { .. }
                | Call::Method { .. }
                | Call::QueryInterface { .. }
                | Call::AllocateBuffer { .. }
        ) {
            return Err(self.error(
                &format!("{} hands out no {key}", call.name()),
                "leave \"out\" away where nothing is handed out",
            ));
        }
        Ok(Out::Object)
    }

    /// What came and went by this call.
    fn keep_count(&mut self, call: &Call, result: HResult, out: Out, name: &str, registration: Option<&str>) {
        let came = out == Out::Object;
        match *call {
            Call::LogonEx { session, .. } if came => self.session_came(session, name),
            Call::LogonEx { session, .. } => {
                if let Out::SameAs(earlier) = out {
                    self.session_came_again(earlier);
                }
                self.no_session_came(session);
            }
            Call::QueryInterface {
                target,
                object,
                interface: Interface::IUnknown | Interface::IMAPISession,
            } if came => {
                self.another_pointer_came(target, name);
                self.no_object_came(object);
            }
            Call::QueryInterface { target, object, interface: Interface::IMAPIClientShutdown } if came => {
                self.client_shutdown_came(object, target, name);
            }
            Call::Method { object, .. } | Call::QueryInterface { object, .. } if came => {
                self.object_came(object, name);
            }
            Call::Method { object, .. } | Call::QueryInterface { object, .. } => self.no_object_came(object),
            Call::AllocateBuffer { buffer } if came => self.buffer_came(buffer, name),
            Call::FreeBuffer { buffer } => self.buffer_went(buffer),
            Call::AddRef { target: Target::Object(object) } => self.object_counted(object, true),
            Call::Release { target: Target::Object(object) } => self.object_counted(object, false),
            Call::AddRef { target: Target::Session(session) } => self.session_counted(session, true),
            Call::Release { target: Target::Session(session) } => self.session_counted(session, false),
            Call::Advise { registration: id, .. } if result.succeeded() => {
                self.registration_came(id, out.value(), registration);
            }
            Call::Advise { registration: id, .. } => self.registration_ended(id),
            Call::Unadvise { registration, .. } if result.succeeded() => {
                self.registration_ended(registration);
            }
            _ => {}
        }
    }
}

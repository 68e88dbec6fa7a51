//! A line that begins a call.

use mapi_session_spec::event::{Call, CallId, Event, Interface, Profile, Target};
use mapi_session_spec::flags::{EventMask, LogoffFlags, LogonFlags};
use serde_json::Value;

use super::{Fields, Line, Read, Reader};
use crate::trace::{INTERFACES, method_named, object_method_named};

impl Reader {
    pub(super) fn call(&mut self, fields: &Fields) -> Read<Line> {
        let name = self.text(fields, "call")?.to_owned();
        let id = CallId(self.number(fields, "id")?);
        let thread = self.thread(fields)?;
        let process = fields.get("process").map(Value::to_string).unwrap_or_default();
        self.processes.say(&process);
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
                Call::AllocateBuffer { buffer: self.new_buffer()? }
            }
            "MAPIFreeBuffer" | "ReadBuffer" => {
                allow(self, &["buffer"])?;
                let named = self.text(fields, "buffer")?;
                let buffer = self.buffer(named).ok_or_else(|| {
                    self.error(
                        &format!("{named:?} is no buffer met before"),
                        "name what MAPIAllocateBuffer gave",
                    )
                })?;
                if name == "ReadBuffer" { Call::ReadBuffer { buffer } } else { Call::FreeBuffer { buffer } }
            }
            "QueryInterface" => {
                allow(self, &["object", "iid"])?;
                let on = self.text(fields, "object")?.to_owned();
                let iid = self.text(fields, "iid")?;
                let known = INTERFACES.iter().find(|(name, _)| *name == iid).map(|(_, interface)| *interface);
                let interface = known.unwrap_or(Interface::Unheard);
                let target = match self.object(&on) {
                    Some(object)
                        if interface == Interface::IUnknown || self.session_behind(object).is_some() =>
                    {
                        Target::Object(object)
                    }
                    Some(_) => {
                        // Another interface of an opened object: no rule is about it.
                        self.unjudged.insert(id);
                        return Ok(Line::Nothing);
                    }
                    None => Target::Session(self.session(&on)?),
                };
                Call::QueryInterface { target, interface, object: self.new_object()? }
            }
            "AddRef" | "Release" => {
                allow(self, &["object"])?;
                let on = self.text(fields, "object")?.to_owned();
                let target = match self.object(&on) {
                    Some(object) => Target::Object(object),
                    None if self.misses_some && !on.starts_with('s') => {
                        Target::Object(self.object_from_elsewhere(&on)?)
                    }
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
                let (sink, registration) = self.new_registration(session, &sink)?;
                Call::Advise { session, mask, sink, registration }
            }
            "Unadvise" => {
                allow(self, &["object", "connection", "registration"])?;
                let session = self.text(fields, "object")?.to_owned();
                let session = self.session(&session)?;
                let registration = if let Some(named) = fields.get("registration").and_then(Value::as_str) {
                    self.registration(named).ok_or_else(|| {
                        let what = format!("{named:?} is no registration met before");
                        self.error(&what, "give the name or the connection that Advise handed out")
                    })?
                } else {
                    let connection = self.word_or(fields, "connection", 0, &no_names)?;
                    self.connected(session, connection)
                };
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
                    if self.object(&on).is_some() {
                        // `GetLastError` of an opened object: it says nothing about the session.
                        self.unjudged.insert(id);
                        return Ok(Line::Nothing);
                    }
                    let session = self.session(&on)?;
                    allow(self, &["object", "flags", "ui_param", "entry_id", "interface", "result"])?;
                    let flags = self.word_or(fields, "flags", 0, &no_names)?;
                    let flags = self.narrow(flags)?;
                    Call::Method { session, method, flags, object: self.new_object()? }
                } else if let Some(method) = object_method_named(other) {
                    allow(self, &["object", "flags"])?;
                    let on = self.text(fields, "object")?.to_owned();
                    let object = self.object_or_stranger(&on)?;
                    Call::OnObject { object, method }
                } else {
                    return Err(self.error(
                        &format!("{other:?} is no call of this format"),
                        "MAPI's own names: MAPIInitialize, MAPILogonEx, Logoff, Release, …",
                    ));
                }
            }
        };
        if self.open.insert(id, (call, thread)).is_some() || self.open_callbacks.contains_key(&id) {
            return Err(
                self.error(&format!("the id {} is taken by a call under way", id.0), "number calls upwards")
            );
        }
        Ok(Line::Event(Event::Call { id, thread, call }))
    }
}

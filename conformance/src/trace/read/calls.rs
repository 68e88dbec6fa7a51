//! A line that begins a call.

use mapi_session_spec::event::{BufferId, Call, CallId, Event, Profile, RegistrationId, SinkId, Target};
use mapi_session_spec::flags::{EventMask, LogoffFlags, LogonFlags};
use serde_json::Value;

use super::{Fields, Line, Read, Reader};
use crate::trace::{INTERFACES, method_named, object_method_named};

impl Reader {
    pub(super) fn call(&mut self, fields: &Fields) -> Read<Line> {
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
        if self.open.insert(id, (call, thread)).is_some() || self.open_callbacks.contains_key(&id) {
            return Err(
                self.error(&format!("the id {} is taken by a call under way", id.0), "number calls upwards")
            );
        }
        Ok(Line::Event(Event::Call { id, thread, call }))
    }
}

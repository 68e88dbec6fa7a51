//! What the names of a trace stand for, and when it is over: a reference given back, a registration ended.

use std::collections::HashMap;

use mapi_session_spec::event::{BufferId, ObjectId, RegistrationId, SessionId, SinkId, Target};

use super::slots::Slots;
use super::{Read, Reader};

/// How many of a kind are told apart for good after they are over, before their slots are used again.
const KEPT: usize = 64;

/// Everything that a trace names.
#[derive(Default)]
pub(super) struct Names {
    sessions: Slots,
    objects: Slots,
    sinks: Slots,
    registrations: Slots,
    buffers: Slots,
    /// References that the client holds, as far as the trace shows them.
    of_sessions: HashMap<SessionId, u32>,
    of_objects: HashMap<ObjectId, u32>,
    /// The sessions behind those objects that are another of their interfaces.
    behind: HashMap<ObjectId, SessionId>,
    /// References that the session holds.
    of_sinks: HashMap<SinkId, i32>,
    made: HashMap<RegistrationId, Made>,
    by_connection: HashMap<(SessionId, u64), RegistrationId>,
    connections: HashMap<RegistrationId, (SessionId, u64)>,
}

/// A registration that may not have ended yet.
struct Made {
    session: SessionId,
    sink: SinkId,
}

/// What a connection number stands for that no `Advise` handed out, or one long ago.
const NO_REGISTRATION: RegistrationId = RegistrationId(u16::MAX);

impl Reader {
    fn too_many(&self, of_what: &str) -> super::ReadError {
        self.error(&format!("too many {of_what} held at once"), "split the trace")
    }

    pub(super) fn session(&mut self, name: &str) -> Read<SessionId> {
        if let Some(slot) = self.names.sessions.of(name) {
            return Ok(SessionId(slot));
        }
        if self.misses_some && name.starts_with('s') {
            // How many references the client holds to it, nobody knows: it is never over.
            let slot = self.names.sessions.take_unused().ok_or_else(|| self.too_many("sessions"))?;
            self.names.sessions.give_name(slot, name.to_owned());
            return Ok(SessionId(slot));
        }
        Err(self.error(&format!("{name:?} is no session met before"), "name what a MAPILogonEx handed out"))
    }

    pub(super) fn new_session(&mut self) -> Read<SessionId> {
        let slot = self.names.sessions.take(KEPT);
        slot.map(SessionId).ok_or_else(|| self.too_many("sessions"))
    }

    pub(super) fn new_object(&mut self) -> Read<ObjectId> {
        let slot = self.names.objects.take(KEPT);
        slot.map(ObjectId).ok_or_else(|| self.too_many("objects"))
    }

    pub(super) fn new_buffer(&mut self) -> Read<BufferId> {
        let slot = self.names.buffers.take(KEPT);
        slot.map(BufferId).ok_or_else(|| self.too_many("buffers"))
    }

    pub(super) fn object(&self, name: &str) -> Option<ObjectId> {
        self.names.objects.of(name).map(ObjectId)
    }

    /// The object of that name, or one that came before the trace shows it, or from a call that no rule is about.
    pub(super) fn object_or_stranger(&mut self, name: &str) -> Read<ObjectId> {
        if let Some(known) = self.object(name) {
            return Ok(known);
        }
        if self.misses_some {
            return self.object_from_elsewhere(name);
        }
        Err(self.error(&format!("{name:?} is no object met before"), "name what the session opened"))
    }

    /// An object of which no rule knows anything.
    pub(super) fn object_from_elsewhere(&mut self, name: &str) -> Read<ObjectId> {
        let slot = self.names.objects.take_unused().ok_or_else(|| self.too_many("objects"))?;
        self.names.objects.give_name(slot, name.to_owned());
        Ok(ObjectId(slot))
    }

    pub(super) fn sink(&mut self, name: &str) -> Read<SinkId> {
        if let Some(slot) = self.names.sinks.of(name) {
            return Ok(SinkId(slot));
        }
        if self.misses_some {
            let slot = self.names.sinks.take_unused().ok_or_else(|| self.too_many("sinks"))?;
            self.names.sinks.give_name(slot, name.to_owned());
            return Ok(SinkId(slot));
        }
        Err(self.error(&format!("{name:?} is no sink met before"), "name a sink that was passed to Advise"))
    }

    pub(super) fn buffer(&self, name: &str) -> Option<BufferId> {
        self.names.buffers.of(name).map(BufferId)
    }

    pub(super) fn registration(&self, name: &str) -> Option<RegistrationId> {
        self.names.registrations.of(name).map(RegistrationId)
    }

    /// The registration with this connection number: a client may give back any number at all.
    pub(super) fn connected(&self, session: SessionId, connection: u64) -> RegistrationId {
        self.names.by_connection.get(&(session, connection)).copied().unwrap_or(NO_REGISTRATION)
    }

    /// A logon has handed out this session.
    pub(super) fn session_came(&mut self, id: SessionId, name: &str) {
        self.names.sessions.give_name(id.0, name.to_owned());
        self.names.of_sessions.insert(id, 1);
    }

    /// A logon has handed out the pointer of this session once more, or anew.
    pub(super) fn session_came_again(&mut self, id: SessionId) {
        self.names.sessions.mark_held(id.0);
        *self.names.of_sessions.entry(id).or_default() += 1;
    }

    /// The logon that might have handed out this session has returned without it.
    pub(super) fn no_session_came(&mut self, id: SessionId) {
        self.names.sessions.mark_over(id.0);
    }

    /// The session is called so as well: it has another pointer.
    pub(super) fn name_session_also(&mut self, id: SessionId, name: &str) {
        if self.names.sessions.current(name) != Some(id.0) {
            self.names.sessions.give_further_name(id.0, name.to_owned());
        }
    }

    /// `QueryInterface` has handed out a further pointer to what was asked, or to the session behind it, under that name.
    pub(super) fn another_pointer_came(&mut self, asked: Target, name: &str) {
        match self.session_asked(asked) {
            Ok(session) => {
                self.name_session_also(session, name);
                self.session_counted(session, true);
            }
            Err(object) => {
                if self.names.objects.current(name) != Some(object.0) {
                    self.names.objects.give_further_name(object.0, name.to_owned());
                }
                self.object_counted(object, true);
            }
        }
    }

    /// The same for the `IMAPIClientShutdown` of the session that was asked.
    pub(super) fn client_shutdown_came(&mut self, id: ObjectId, asked: Target, name: &str) {
        self.object_came(id, name);
        if let Ok(session) = self.session_asked(asked) {
            self.names.behind.insert(id, session);
        }
    }

    /// The session of which this object is another interface, if it is one.
    pub(super) fn session_behind(&self, id: ObjectId) -> Option<SessionId> {
        self.names.behind.get(&id).copied()
    }

    fn session_asked(&self, asked: Target) -> Result<SessionId, ObjectId> {
        match asked {
            Target::Session(session) => Ok(session),
            Target::Object(object) => self.session_behind(object).ok_or(object),
        }
    }

    /// A reference to a session more or less. With the last one its registrations end.
    pub(super) fn session_counted(&mut self, id: SessionId, more: bool) {
        let Some(references) = self.names.of_sessions.get_mut(&id) else { return };
        *references = if more { *references + 1 } else { references.saturating_sub(1) };
        if *references > 0 {
            return;
        }
        self.names.of_sessions.remove(&id);
        self.names.sessions.mark_over(id.0);
        let made = self.names.made.iter();
        let ended: Vec<_> = made.filter(|(_, made)| made.session == id).map(|(id, _)| *id).collect();
        for registration in ended {
            self.registration_ended(registration);
        }
    }

    /// A call has handed out this object under that name.
    pub(super) fn object_came(&mut self, id: ObjectId, name: &str) {
        self.names.objects.give_name(id.0, name.to_owned());
        self.names.of_objects.insert(id, 1);
        self.names.behind.remove(&id);
    }

    /// The call that might have handed out this object has returned without it.
    pub(super) fn no_object_came(&mut self, id: ObjectId) {
        self.names.objects.mark_over(id.0);
    }

    /// A reference to an object more or less.
    pub(super) fn object_counted(&mut self, id: ObjectId, more: bool) {
        let Some(references) = self.names.of_objects.get_mut(&id) else { return };
        *references = if more { *references + 1 } else { references.saturating_sub(1) };
        if *references == 0 {
            self.names.of_objects.remove(&id);
            self.names.objects.mark_over(id.0);
        }
    }

    pub(super) fn buffer_came(&mut self, id: BufferId, name: &str) {
        self.names.buffers.give_name(id.0, name.to_owned());
    }

    pub(super) fn buffer_went(&mut self, id: BufferId) {
        self.names.buffers.mark_over(id.0);
    }

    /// `Advise` is called with this sink: the sink, and a registration in the making.
    pub(super) fn new_registration(
        &mut self,
        session: SessionId,
        sink: &str,
    ) -> Read<(SinkId, RegistrationId)> {
        let slot = if let Some(slot) = self.names.sinks.current(sink) {
            self.names.sinks.mark_held(slot);
            slot
        } else {
            let slot = self.names.sinks.take(KEPT).ok_or_else(|| self.too_many("sinks"))?;
            self.names.sinks.give_name(slot, sink.to_owned());
            slot
        };
        let sink = SinkId(slot);
        let registration =
            self.names.registrations.take(KEPT).ok_or_else(|| self.too_many("registrations"))?;
        let registration = RegistrationId(registration);
        if let Some(earlier) = self.names.connections.remove(&registration)
            && self.names.by_connection.get(&earlier) == Some(&registration)
        {
            self.names.by_connection.remove(&earlier);
        }
        self.names.made.insert(registration, Made { session, sink });
        Ok((sink, registration))
    }

    /// `Advise` has returned: with this connection, under that name, if it says so.
    pub(super) fn registration_came(
        &mut self,
        id: RegistrationId,
        connection: Option<u64>,
        name: Option<&str>,
    ) {
        if let Some(name) = name {
            self.names.registrations.give_name(id.0, name.to_owned());
        }
        if let Some(made) = self.names.made.get(&id)
            && let Some(connection) = connection
        {
            self.names.connections.insert(id, (made.session, connection));
            self.names.by_connection.insert((made.session, connection), id);
        }
    }

    /// `Unadvise`, or the end of its session, or an `Advise` that failed. Its connection is known until the slot is used
    /// again.
    pub(super) fn registration_ended(&mut self, id: RegistrationId) {
        let Some(made) = self.names.made.remove(&id) else { return };
        self.names.registrations.mark_over(id.0);
        self.sink_may_be_over(made.sink);
    }

    /// The session takes a reference to a sink, or gives one back.
    pub(super) fn sink_counted(&mut self, id: SinkId, more: bool) {
        *self.names.of_sinks.entry(id).or_default() += if more { 1 } else { -1 };
        self.sink_may_be_over(id);
    }

    fn sink_may_be_over(&mut self, id: SinkId) {
        let is_held = self.names.of_sinks.get(&id).is_some_and(|held| *held > 0);
        if !is_held && !self.names.made.values().any(|made| made.sink == id) {
            self.names.of_sinks.remove(&id);
            self.names.sinks.mark_over(id.0);
        }
    }
}

//! The names of a trace: what each stands for, and which were handed out.

use mapi_session_spec::event::{ObjectId, SessionId};

use super::{Read, Reader};

impl Reader {
    pub(super) fn session(&mut self, name: &str) -> Read<SessionId> {
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

    pub(super) fn new_session(&mut self) -> Read<SessionId> {
        self.next.session += 1;
        if self.next.session > 60_000 {
            return Err(self.error("too many sessions", "split the trace"));
        }
        Ok(SessionId(self.next.session - 1))
    }

    pub(super) fn new_object(&mut self) -> Read<ObjectId> {
        self.next.object += 1;
        if self.next.object > 60_000 {
            return Err(self.error("too many objects", "split the trace"));
        }
        Ok(ObjectId(self.next.object - 1))
    }
}

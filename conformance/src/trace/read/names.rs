//! The names of a trace: what each stands for, and which were handed out.

use std::collections::{HashMap, VecDeque};

use mapi_session_spec::event::{ObjectId, SessionId};

use super::{Read, Reader};

/// How many objects are told apart for good, before the names of those given back are used again.
const KEPT: u16 = 8_192;

/// The objects that the session handed out, as far as the trace shows their references.
#[derive(Default)]
pub(super) struct HandedOut {
    names: HashMap<ObjectId, String>,
    references: HashMap<ObjectId, u32>,
    /// The last reference is gone, the one given back longest ago first.
    given_back: VecDeque<ObjectId>,
}

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

    /// A name for an object: a new one, or, once there were many, that of the one given back longest ago.
    pub(super) fn new_object(&mut self) -> Read<ObjectId> {
        if self.next.object >= KEPT
            && let Some(id) = self.handed_out.given_back.pop_front()
        {
            if let Some(name) = self.handed_out.names.remove(&id)
                && self.objects.get(&name) == Some(&id)
            {
                self.objects.remove(&name);
            }
            return Ok(id);
        }
        self.next.object += 1;
        if self.next.object > 60_000 {
            return Err(self.error("too many objects held at once", "split the trace"));
        }
        Ok(ObjectId(self.next.object - 1))
    }

    /// The call that might have handed out this object has returned: under that name, or without it.
    pub(super) fn object_came(&mut self, id: ObjectId, name: Option<String>) {
        if let Some(name) = name {
            self.handed_out.references.insert(id, 1);
            self.handed_out.names.insert(id, name);
        } else {
            self.handed_out.given_back.push_back(id);
        }
    }

    /// A reference more or less.
    pub(super) fn object_counted(&mut self, id: ObjectId, more: bool) {
        let Some(references) = self.handed_out.references.get_mut(&id) else { return };
        *references = if more { *references + 1 } else { references.saturating_sub(1) };
        if *references == 0 {
            self.handed_out.references.remove(&id);
            self.handed_out.given_back.push_back(id);
        }
    }
}

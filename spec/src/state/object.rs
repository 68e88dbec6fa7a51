//! An object that a session opened.

use crate::event::{Method, ObjectMethod, SessionId};
use crate::state::Disturbance;

/// What kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// Opened by this method of the session.
    Opened(Method),
    /// The session's `IMAPIClientShutdown`.
    ClientShutdown,
}

/// An object that a session opened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Object {
    /// The session that opened it.
    pub session: SessionId,
    /// What kind.
    pub kind: ObjectKind,
    /// References the client holds.
    pub references: u8,
    /// How many of them came from `QueryInterface` on it.
    pub queried: u8,
    /// The methods that have succeeded on it, a bit each.
    pub worked: u8,
    /// What last disturbed it.
    pub disturbed: Option<Disturbance>,
    /// It was answered while other calls were under way: before these or after them, nobody knows.
    pub amid: bool,
}

impl Object {
    /// An object as it is handed out.
    pub fn new(session: SessionId, kind: ObjectKind) -> Self {
        Self { session, kind, references: 1, queried: 0, worked: 0, disturbed: None, amid: false }
    }

    /// The client holds it.
    pub fn is_held(&self) -> bool {
        self.references > 0
    }

    /// It is an `IMAPITable`.
    pub fn is_table(&self) -> bool {
        matches!(self.kind, ObjectKind::Opened(method) if method.opens_table())
    }

    /// Something has happened that must leave it as it was, unless an answer may have come since.
    pub(crate) fn disturb(&mut self, by: Disturbance) {
        if !self.amid {
            self.disturbed = Some(by.over(self.disturbed));
        }
    }

    /// Whether this method has succeeded on it.
    pub fn has_worked(&self, method: ObjectMethod) -> bool {
        self.worked & (1 << method as u8) != 0
    }

    /// Remembers that this method has succeeded.
    pub(crate) fn remember(&mut self, method: ObjectMethod) {
        self.worked |= 1 << method as u8;
    }

    /// Remembers that this method has failed since.
    pub(crate) fn forget(&mut self, method: ObjectMethod) {
        self.worked &= !(1 << method as u8);
    }
}

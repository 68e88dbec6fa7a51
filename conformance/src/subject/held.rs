//! What the client of one program holds: pointers to sessions and objects, connections and buffers.

use mapi_session_spec::event::{BufferId, Interface, ObjectId, RegistrationId, SessionId, Target};
use smallvec::{SmallVec, smallvec};

/// All of it, by the names that the program has for it.
#[derive(Default)]
pub(super) struct Slots {
    /// Pointers to sessions that the client holds, the latest last, a list a session.
    sessions: Vec<References>,
    /// Pointers to objects, likewise.
    objects: Vec<References>,
    /// The sessions of which these objects are another interface.
    behind: Vec<Option<SessionId>>,
    connections: Vec<Option<usize>>,
    buffers: Vec<usize>,
    /// The code of the last call that failed.
    pub(super) last_failure: u32,
}

/// A reference that the client holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// The pointer that it came with, and goes through.
    pointer: usize,
    /// It is to the interface itself, and not to the `IUnknown` of what is asked.
    is_whole: bool,
}

/// Those to one session or object: mostly one or two.
type References = SmallVec<[Held; 2]>;

impl Held {
    const fn whole(pointer: usize) -> Self {
        Self { pointer, is_whole: true }
    }
}

/// The pointer through which calls are made: the latest, as a client has it that asked for one.
fn called_through(held: &[Held]) -> Option<usize> {
    held.iter().rev().find(|held| held.is_whole).map(|held| held.pointer)
}

impl Slots {
    /// The client holds nothing.
    pub(super) fn begin(&mut self) {
        let Self { sessions, objects, behind, connections, buffers, last_failure } = self;
        sessions.clear();
        objects.clear();
        behind.clear();
        connections.clear();
        buffers.clear();
        *last_failure = 0;
    }

    pub(super) fn session(&self, id: SessionId) -> Option<usize> {
        called_through(self.sessions.get(usize::from(id.0))?)
    }

    pub(super) fn object(&self, id: ObjectId) -> Option<usize> {
        called_through(self.objects.get(usize::from(id.0))?)
    }

    pub(super) fn target(&self, target: Target) -> Option<usize> {
        match target {
            Target::Session(id) => self.session(id),
            Target::Object(id) => self.object(id),
        }
    }

    /// The session that this pointer is held to, if it is to one.
    pub(super) fn session_of(&self, pointer: usize) -> Option<SessionId> {
        let is_it = |held: &References| held.iter().any(|held| held.pointer == pointer);
        self.sessions.iter().position(is_it).map(|place| SessionId(place as u16))
    }

    /// This pointer came for it, and what was held under that name before is forgotten.
    #[inline]
    pub(super) fn holds_alone(&mut self, target: Target, pointer: usize) {
        *self.held(target) = smallvec![Held::whole(pointer)];
    }

    /// One more reference, through this pointer.
    #[inline]
    pub(super) fn holds_one_more(&mut self, target: Target, pointer: usize) {
        self.held(target).push(Held::whole(pointer));
    }

    /// The latest reference is given back: the pointer it came with.
    #[inline]
    pub(super) fn let_go_of(&mut self, target: Target) -> Option<usize> {
        Some(self.held(target).pop()?.pointer)
    }

    /// The list of references to this.
    #[inline]
    fn held(&mut self, target: Target) -> &mut References {
        match target {
            Target::Session(id) => at(&mut self.sessions, id.0),
            Target::Object(id) => at(&mut self.objects, id.0),
        }
    }

    /// What this is one interface of: a session, or the object itself.
    fn asked(&self, target: Target) -> Target {
        match target {
            Target::Object(id) => {
                let session = self.behind.get(usize::from(id.0)).copied().flatten();
                session.map_or(target, Target::Session)
            }
            Target::Session(_) => target,
        }
    }

    /// `QueryInterface` has handed out this pointer.
    pub(super) fn queried(&mut self, target: Target, interface: Interface, object: ObjectId, pointer: usize) {
        let asked = self.asked(target);
        match (interface, asked) {
            (Interface::IMAPIClientShutdown, Target::Session(session)) => {
                self.holds_alone(Target::Object(object), pointer);
                *at(&mut self.behind, object.0) = Some(session);
            }
            (Interface::IMAPISession, Target::Session(_)) => {
                self.held(asked).push(Held::whole(pointer));
            }
            (Interface::IUnknown, _) => self.held(asked).push(Held { pointer, is_whole: false }),
            // What nobody can have asked for is used for nothing.
            _ => {}
        }
    }

    /// The registration has this connection.
    pub(super) fn is_connected(&mut self, registration: RegistrationId, connection: usize) {
        *at(&mut self.connections, registration.0) = Some(connection);
    }

    /// The connection of the registration, which is ended.
    pub(super) fn end_connection(&mut self, registration: RegistrationId) -> Option<usize> {
        self.connections.get_mut(usize::from(registration.0))?.take()
    }

    /// The memory at this address is the client's.
    pub(super) fn has_buffer(&mut self, id: BufferId, address: usize) {
        *at(&mut self.buffers, id.0) = address;
    }

    /// The address of the buffer, which is given back.
    pub(super) fn give_up_buffer(&mut self, id: BufferId) -> Option<usize> {
        let address = self.buffer(id)?;
        self.buffers[usize::from(id.0)] = 0;
        Some(address)
    }

    pub(super) fn buffer(&self, id: BufferId) -> Option<usize> {
        self.buffers.get(usize::from(id.0)).copied().filter(|address| *address != 0)
    }
}

#[inline]
fn at<T: Default>(slots: &mut Vec<T>, index: u16) -> &mut T {
    let index = usize::from(index);
    if slots.len() <= index {
        slots.resize_with(index + 1, T::default);
    }
    &mut slots[index]
}

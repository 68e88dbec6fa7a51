//! A shared session: established once, used by several clients.

/// The number of a shared session. That of one which no session remembered belongs to is given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u8);

/// A shared session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Group {
    /// The one whose logon established it has ended.
    pub creator_left: bool,
    /// Another shared session was established after it (E-10).
    pub superseded: bool,
    /// All who shared it had logged off when MAPI was given back for good: nothing is left of it.
    pub over: bool,
    /// The kinds of event with which a flagged Logoff was announced to a mask with both bits, once one was whole.
    pub announced: u32,
    /// How often one such announcement brought the same kind to a registration, at most.
    pub times: u8,
}

/// A set of shared sessions.
#[derive(Default, Clone, Copy)]
pub(crate) struct Groups([u64; 4]);

impl Groups {
    pub(crate) const fn add(&mut self, group: GroupId) {
        self.0[group.0 as usize / 64] |= 1 << (group.0 % 64);
    }

    pub(crate) const fn has(self, group: GroupId) -> bool {
        self.0[group.0 as usize / 64] & 1 << (group.0 % 64) != 0
    }
}

//! Who can be bound by a rule, and blamed for breaking it.

use std::fmt;

/// One side of the boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Party {
    /// The program that logs on.
    Client,
    /// The MAPI subsystem as seen through `MAPILogonEx`, `IMAPISession` and `IMAPIClientShutdown`.
    Session,
    /// A transport, address book or store provider.
    Provider,
    /// The person who answers dialogs.
    User,
    /// Who sets `FastShutdownBehavior`.
    Administrator,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Session => "session",
            Self::Provider => "provider",
            Self::User => "user",
            Self::Administrator => "administrator",
        })
    }
}

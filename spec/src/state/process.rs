//! The process-wide part of the state.

use crate::dialect::Dialect;

/// What holds for the whole process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Process {
    /// `MAPIInitialize` that succeeded, less `MAPIUninitialize` (INIT-003).
    pub initialised: u8,
    /// Nothing of MAPI ran in this process before the trace, so that the first `MAPIInitialize` is the first of all.
    pub fresh: bool,
    /// `MAPIUninitialize` was called and the count stayed above zero.
    pub uninitialised_in_part: bool,
    /// A logon by name, or by the default profile, has succeeded in this trace.
    pub logon_worked: bool,
    /// What the subject was seen to offer.
    pub dialect: Dialect,
}

//! The rules, one module a family: the only places where the documents' demands are written.

mod after_logoff;
mod client;
mod errors;
mod initialise;
mod logoff;
mod logon;
mod methods;
mod notification;
mod references;
mod sharing;
mod survival;
mod threads;

use crate::rule::Arm;

pub(crate) use sharing::leaves_undecided;
pub(crate) use threads::tells_again;

/// Every rule, by module.
pub(crate) const ALL: &[&[Arm]] = &[
    logoff::ARMS,
    after_logoff::ARMS,
    references::ARMS,
    survival::ARMS,
    logon::ARMS,
    initialise::ARMS,
    methods::ARMS,
    errors::ARMS,
    notification::ARMS,
    sharing::ARMS,
    threads::ARMS,
    client::ARMS,
];

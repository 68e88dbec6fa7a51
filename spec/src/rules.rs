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

use crate::calls::CallKind::{
    AddRef, Advise, Initialize, Logoff, LogonEx, Method, OnObject, QueryInterface, Release, Unadvise,
    Uninitialize,
};
use crate::calls::Calls;
use crate::rule::Arm;

pub(crate) use notification::is_not_to_judge;
pub(crate) use sharing::leaves_undecided;
pub(crate) use threads::tells_again;

/// Every rule, by module; and for each module which kinds of call its rules on returning are about.
pub(crate) const ALL: &[(Calls, &[Arm])] = &[
    (Calls::these(&[Logoff]), logoff::ARMS),
    (Calls::ANY, after_logoff::ARMS),
    (Calls::these(&[QueryInterface, AddRef, Release]), references::ARMS),
    (Calls::these(&[Method, OnObject]), survival::ARMS),
    (Calls::these(&[LogonEx]), logon::ARMS),
    (Calls::these(&[Initialize, Uninitialize, LogonEx]), initialise::ARMS),
    (Calls::these(&[Method, OnObject]), methods::ARMS),
    (Calls::these(&[Method, Advise, Unadvise]), errors::ARMS),
    (Calls::ANY, notification::ARMS),
    (Calls::ANY, sharing::ARMS),
    (Calls::ANY, threads::ARMS),
    (Calls::ANY, client::ARMS),
];

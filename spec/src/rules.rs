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
use crate::rule::Arm;
use crate::scope::Met::{Alive, Dead, Either};
use crate::scope::Scope;

pub(crate) use notification::is_not_to_judge;
pub(crate) use sharing::leaves_undecided;
pub(crate) use threads::tells_again;

/// Every rule, by module; and for each module which calls its rules on returning are about.
pub(crate) const ALL: &[(Scope, &[Arm])] = &[
    // A first Logoff, which they are all about, may take effect while it is under way: it meets either.
    (Scope::of(&[Logoff]).that_met(&[Either]), logoff::ARMS),
    (Scope::ANY, after_logoff::ARMS),
    (Scope::of(&[QueryInterface, AddRef, Release]).that_met(&[Alive]), references::ARMS),
    (Scope::of(&[OnObject, AddRef, Release]).that_met(&[Dead]), references::OF_ANOTHER_INTERFACE),
    (Scope::of(&[Method, OnObject]).that_met(&[Alive]).stirred(), survival::ARMS),
    (Scope::of(&[LogonEx]), logon::ARMS),
    (Scope::of(&[Initialize, Uninitialize, LogonEx]), initialise::ARMS),
    (Scope::of(&[Method, OnObject]).that_met(&[Alive]), methods::ARMS),
    (Scope::of(&[Method, Advise, Unadvise]).that_met(&[Alive, Either]), errors::ARMS),
    (Scope::ANY, notification::ARMS),
    (Scope::ANY, sharing::ARMS),
    (Scope::ANY.stirred(), threads::ARMS),
    (Scope::ANY, client::ARMS),
];

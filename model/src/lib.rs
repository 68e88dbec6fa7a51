//! Is the specification consistent? Models that explore it, with properties named by requirement.
//!
//! `session` asks what one client can do to one session, every flag word and every reference of it. `shared` asks
//! what members of a shared session, and a stranger, do to each other. Both are configurations of one machine over
//! the specification's own transition relation: no rule is written here.

#![forbid(unsafe_code)]

mod checker;
mod export;
mod machine;
mod property;
mod search;

pub use checker::{CheckError, Explored, check, explore, first_failure};
pub use export::aldebaran;
pub use machine::{Action, SessionModel, State, session, shared};
pub use property::modelled;
pub use search::{Searched, search};

//! Is the specification consistent? Models that explore it, with properties named by requirement.
//!
//! Each model is a cast, a question about who does what to whom, on one machine over the specification's own transition
//! relation: no rule is written here.

#![forbid(unsafe_code)]

mod action;
mod agreement;
mod cast;
mod checker;
mod collapse;
mod diagram;
mod duty;
mod export;
mod fairness;
mod liveness;
mod machine;
mod property;
mod search;
mod story;
mod summary;
mod symmetry;

pub use action::Action;
pub use agreement::{Agreement, Difference, Told, ToldError, agree};
pub use cast::{Company, all, models_of, named};
pub use checker::{CheckError, Explored, check, check_up_to_symmetry, explore, first_failure};
pub use duty::Duty;
pub use export::{aldebaran, dot, mermaid};
pub use liveness::{Broken, Promise, keeps};
pub use machine::{SessionModel, State};
pub use search::{Searched, search, search_up_to_symmetry};
pub use story::{stories, story};

//! Holds any `IMAPISession` implementation against the specification.
//!
//! The way through: [`plan`] makes programs from the rules, [`isolation`] runs them on a subject that may die,
//! [`run`] has the specification's judge decide, [`report`] says it. [`trace`] is the format in which all of it is
//! kept.

#![deny(clippy::undocumented_unsafe_blocks)]

mod alike;
mod cli;
mod cores;
pub mod coverage;
pub mod failure;
mod favouring;
mod interruption;
pub mod isolation;
pub mod plan;
pub mod program;
mod rename;
pub mod report;
pub mod run;
mod subject;
mod text;
pub mod trace;

pub use cli::main;
pub use subject::Subject;

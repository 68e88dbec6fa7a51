//! The specification, rendered for people.

mod catalogue;
mod eras;
mod tables;

pub use catalogue::{list, requirement};
pub use tables::tables;

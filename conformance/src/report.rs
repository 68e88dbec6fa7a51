//! What people and machines read of a run.

pub mod human;
pub mod json;
pub mod junit;
pub mod words;

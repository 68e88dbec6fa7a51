//! What the documents demand of a MAPI session's end, executable.
//!
//! Read in this order: [`lifecycle`] (the whole idea on one screen), [`requirement`] (what the documents say),
//! [`event`] and [`state`] (what is observed, what is remembered), [`rules`](rule) (what may come), [`judge`]
//! (what was broken, and by whom).
//!
//! Nothing here does I/O, knows of COM, JSON or files, or fails: a bad trace is a value.

#![forbid(unsafe_code)]

pub mod alphabet;
pub mod automaton;
pub mod calls;
pub mod dialect;
pub mod era;
pub mod event;
pub mod flags;
pub mod habit;
pub mod hresult;
pub mod judge;
pub mod level;
pub mod lifecycle;
pub mod moment;
pub mod offers;
pub mod outcome;
pub mod party;
pub mod phase;
pub mod render;
pub mod requirement;
pub mod rule;
mod rules;
pub mod scope;
pub mod state;
mod step;
pub mod symbols;

pub use era::Era;
pub use level::Level;
pub use party::Party;
pub use requirement::{Family, Observable, Requirement, RequirementId, catalogue, find};

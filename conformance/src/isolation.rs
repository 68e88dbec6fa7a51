//! A subject may die; the run may not.
//!
//! The child is spawned, not forked, in a process group of its own. It is handed linear programs in a file that both
//! map, and writes each call into a ring in the same file *before* making it. The parent reads the ring on the other
//! core and believes nothing in it: every number is checked before use.

pub mod child;
mod handover;
mod heat;
pub mod observed;
pub mod parent;
mod programs;
mod ring;
mod wire;

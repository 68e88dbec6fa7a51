//! A recorder: MAPI's entry points, each forwarded to a real implementation and written down.
//!
//! An existing program is checked without being changed. Either this library is loaded in the place of MAPI's, and
//! `MAPI_CONFORM_FORWARD` names the real one; or, on Linux, it is preloaded (`LD_PRELOAD`) into a program that is
//! linked to the real one. `MAPI_CONFORM_TRACE` names the file for the trace, in the format of `mapi-conform judge`.
//!
//! **What is wrapped**: the session, the tables and other objects that it opens, its `IMAPIClientShutdown`, and the
//! sinks that the client registers on the session itself. What is opened through those objects in turn is handed over
//! as it is, and so are interfaces that the specification does not know. Rules that need more are not observable here.
//!
//! Each line is written, with one system call, before the call it tells of is made and after it has returned: a process
//! that is killed loses at most the event in flight. What goes wrong in recording is said once on standard error, and
//! never changes what the program sees.

#![deny(clippy::undocumented_unsafe_blocks)]

mod counted;
mod entry;
#[cfg(unix)]
mod forking;
mod forward;
mod objects;
mod proxy;
mod record;
mod session;
mod sinks;

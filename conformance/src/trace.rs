//! Traces as JSON Lines, version 1: the format that people write, recorders emit and reports contain.

mod read;
mod write;

pub use read::{Events, Header, Read, ReadError, Trace, read};
pub use write::{Writer, header, to_lines, to_values};

use mapi_session_spec::event::{Interface, Method, ObjectMethod};

/// The schema that every trace names in its first line.
pub const SCHEMA: &str = "mapi-conform/trace/1";

const INTERFACES: &[(&str, Interface)] = &[
    ("IID_IUnknown", Interface::IUnknown),
    ("IID_IMAPISession", Interface::IMAPISession),
    ("IID_IMAPIClientShutdown", Interface::IMAPIClientShutdown),
    ("unheard", Interface::Unheard),
    ("unheard-of-mapi", Interface::UnheardOfMapi),
];

fn method_named(name: &str) -> Option<Method> {
    Method::ALL.into_iter().find(|method| method.name() == name)
}

fn object_method_named(name: &str) -> Option<ObjectMethod> {
    ObjectMethod::ALL.into_iter().find(|method| method.name() == name)
}

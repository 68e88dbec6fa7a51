//! One observable step of a model, and how it reads.

use std::fmt;

use mapi_session_spec::event::{Call, CallId, Callback, SinkId, Target, ThreadId};
use mapi_session_spec::outcome::Outcome;

/// One observable step.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A client calls, on one of its threads.
    Call(ThreadId, Call),
    /// The call of that number returns.
    Return(CallId, Outcome),
    /// The session calls a sink, on this thread.
    Callback(ThreadId, SinkId, Callback),
    /// The sink's method of that number returns. Where calls do not overlap, callbacks return at once instead.
    CallbackReturn(CallId),
    /// Everything that could come has come.
    Settle,
}

/// On which thread, where it is not the client's first.
fn on(thread: ThreadId) -> String {
    if thread.0 == 0 { String::new() } else { format!(" [thread {}]", thread.0 + 1) }
}

fn call(f: &mut fmt::Formatter<'_>, call: &Call) -> fmt::Result {
    match call {
        Call::Logoff { session, ui_param, flags, reserved, dirty } => {
            let dirty = if *dirty { ", upper halves dirty" } else { "" };
            write!(f, "{session}->Logoff(0x{ui_param:X}, {flags}, 0x{reserved:X}{dirty})")
        }
        Call::Release { target: Target::Session(id) } => write!(f, "{id}->Release()"),
        Call::Release { target: Target::Object(id) } => write!(f, "{id}->Release()"),
        Call::AddRef { target: Target::Session(id) } => write!(f, "{id}->AddRef()"),
        Call::OnObject { object, method } => write!(f, "{object}->{}()", method.name()),
        Call::Method { session, method, object, flags } if method.opens() => {
            let flags = if *flags == 0 { String::new() } else { format!("0x{flags:X}") };
            write!(f, "{object} = {session}->{}({flags})", method.name())
        }
        Call::LogonEx { session, profile, flags } => {
            let profile = match profile {
                mapi_session_spec::event::Profile::Null => "NULL",
                mapi_session_spec::event::Profile::Named => "\"profile\"",
            };
            write!(f, "{session} = MAPILogonEx({profile}, {flags})")
        }
        Call::Advise { session, mask, sink, registration } => {
            write!(f, "{registration} = {session}->Advise({mask}, {sink})")
        }
        Call::Unadvise { session, registration } => write!(f, "{session}->Unadvise({registration})"),
        Call::QueryInterface { target: Target::Session(session), interface, .. } => {
            write!(f, "{session}->QueryInterface(IID_{interface:?})")
        }
        other => match other.session() {
            Some(session) => write!(f, "{session}->{}()", other.name()),
            None => write!(f, "{}()", other.name()),
        },
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(thread, made) => {
                call(f, made)?;
                f.write_str(&on(*thread))
            }
            Self::Return(id, outcome) => {
                let which = if id.0 > 1 { format!(" (call {})", id.0) } else { String::new() };
                match outcome.code() {
                    Some(code) => write!(f, "→ {code}{which}"),
                    None => write!(f, "→ {:?}{which}", outcome.ending),
                }
            }
            Self::Callback(thread, sink, Callback::OnNotify { events }) => {
                write!(f, "← {sink}->OnNotify({events}){}", on(*thread))
            }
            Self::Callback(thread, sink, callback) => write!(f, "← {sink}->{callback:?}{}", on(*thread)),
            Self::CallbackReturn(id) => write!(f, "OnNotify returns (callback {})", id.0),
            Self::Settle => f.write_str("settled"),
        }
    }
}

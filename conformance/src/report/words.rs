//! Events in words: one short line each.

use std::collections::HashMap;
use std::fmt::Write as _;

use mapi_session_spec::event::{Call, CallId, Callback, Event, Interface, Profile, Target, call_with};
use mapi_session_spec::flags::EventMask;
use mapi_session_spec::judge::Deviation;
use mapi_session_spec::outcome::{Ending, Out, Outcome};
use mapi_session_spec::state::OwedKind;

fn target(target: Target) -> String {
    match target {
        Target::Session(id) => id.to_string(),
        Target::Object(id) => id.to_string(),
    }
}

/// A call, as its caller would write it.
pub fn call(call: &Call) -> String {
    match *call {
        Call::Initialize => "MAPIInitialize()".into(),
        Call::Uninitialize => "MAPIUninitialize()".into(),
        Call::LogonEx { session, profile, flags } => {
            let profile = if profile == Profile::Null { "NULL" } else { "\"profile\"" };
            format!("{session} = MAPILogonEx({profile}, {flags})")
        }
        Call::AllocateBuffer { buffer } => format!("{buffer} = MAPIAllocateBuffer()"),
        Call::ReadBuffer { buffer } => format!("the client reads {buffer}"),
        Call::FreeBuffer { buffer } => format!("MAPIFreeBuffer({buffer})"),
        Call::QueryInterface { target: on, interface, object } => {
            let on = target(on);
            match interface {
                Interface::Unheard => format!("{on}->QueryInterface(an IID nobody has)"),
                Interface::UnheardOfMapi => {
                    format!("{on}->QueryInterface(an IID like MAPI's that nobody has)")
                }
                Interface::IMAPIClientShutdown => {
                    format!("{object} = {on}->QueryInterface(IID_IMAPIClientShutdown)")
                }
                Interface::IUnknown => format!("{on}->QueryInterface(IID_IUnknown)"),
                Interface::IMAPISession => format!("{on}->QueryInterface(IID_IMAPISession)"),
            }
        }
        Call::AddRef { target: on } => format!("{}->AddRef()", target(on)),
        Call::Release { target: on } => format!("{}->Release()", target(on)),
        Call::Method { session, method, flags, object } => {
            let flags = if flags == 0 { String::new() } else { format!("ulFlags 0x{flags:X}") };
            let out = if method.opens() { format!("{object} = ") } else { String::new() };
            format!("{out}{session}->{}({flags})", method.name())
        }
        Call::OnObject { object, method } => format!("{object}->{}()", method.name()),
        Call::Advise { session, mask, sink, registration } => {
            format!("{registration} = {session}->Advise(NULL, {mask}, {sink})")
        }
        Call::Unadvise { session, registration } => format!("{session}->Unadvise({registration})"),
        Call::Logoff { session, ui_param, flags, reserved, dirty } => {
            let dirty = if dirty { ", the upper halves of both registers dirty" } else { "" };
            format!("{session}->Logoff(0x{ui_param:X}, {flags}, 0x{reserved:X}{dirty})")
        }
    }
}

/// How a call ended.
pub fn outcome(outcome: &Outcome) -> String {
    let mut text = match outcome.ending {
        Ending::Returned(code) => code.to_string(),
        Ending::Crashed(signal) => format!("the process died: {}", signal_name(signal)),
        Ending::Hung => "did not return".into(),
        Ending::Exited(status) => format!("the process left with status {status}"),
        Ending::Threw => "an exception crossed the interface".into(),
    };
    let failed = outcome.failed();
    match outcome.out {
        Out::None | Out::Object => {}
        Out::Null => text.push_str(", out NULL"),
        Out::Unchanged if failed => {}
        Out::Unchanged => text.push_str(", out unchanged"),
        Out::Rubbish => text.push_str(", out rubbish"),
        Out::SameAs(id) => {
            let _ = write!(text, ", the same pointer as {id}");
        }
        Out::Value(value) => {
            let _ = write!(text, ", 0x{value:X}");
        }
    }
    text
}

/// The name of a signal that kills.
pub fn signal_name(signal: u32) -> String {
    match signal {
        4 => "SIGILL".into(),
        6 => "SIGABRT".into(),
        7 => "SIGBUS".into(),
        8 => "SIGFPE".into(),
        9 => "SIGKILL".into(),
        11 => "SIGSEGV".into(),
        13 => "SIGPIPE".into(),
        15 => "SIGTERM".into(),
        other => format!("signal {other}"),
    }
}

/// What the deviation was, in one line.
pub fn observed(events: &[Event], deviation: &Deviation) -> String {
    let Some(event) = events.get(deviation.event) else {
        return observed_in(&Event::End, None, deviation);
    };
    let made = deviation.call.and_then(|id| call_with(id, events));
    observed_in(event, made, deviation)
}

/// The same, of the event at which it showed and the call that it happened to.
pub fn observed_in(event: &Event, made: Option<&Call>, deviation: &Deviation) -> String {
    match event {
        Event::Return { outcome: came, .. } => {
            format!("{}: {}", made.map(Call::name).unwrap_or_default(), outcome(came))
        }
        Event::Callback { sink, callback, .. } => format!("{sink}: {}", callback_name(*callback)),
        Event::Call { call: made, .. } => call(made),
        _ => deviation.debt.map_or_else(|| "the trace had ended".into(), |debt| unpaid(&debt)),
    }
}

/// What was there of what was owed, once the subject had settled.
fn unpaid(debt: &OwedKind) -> String {
    match debt {
        OwedKind::Told { listener, heard: EventMask(0), .. } => {
            format!("{listener} had heard nothing when the subject was settled")
        }
        OwedKind::Told { listener, heard, times, .. } if times.most() > 1 => {
            format!("{listener} heard {heard}, {} times", times.most())
        }
        OwedKind::Told { listener, heard, .. } => format!("{listener} heard {heard}"),
        OwedKind::Untold { listener, .. } | OwedKind::Hushed { listener, .. } => {
            format!("{listener} heard of it")
        }
        OwedKind::Unadvised { sink, .. } | OwedKind::Abandoned { sink, .. } => {
            format!("{sink} was still held when the subject was settled")
        }
    }
}

/// One event, in one line; an end with the call that it ends.
pub fn event(event: &Event, made: Option<&Call>) -> String {
    match event {
        Event::Call { call: made, .. } => call(made),
        Event::Return { outcome: came, .. } => {
            format!("{} → {}", made.map(Call::name).unwrap_or_default(), outcome(came))
        }
        Event::Callback { sink, callback, .. } => format!("← {sink}->{}", callback_name(*callback)),
        Event::CallbackReturn { .. } => "the sink returns".into(),
        Event::Settled { milliseconds } => format!("settled, {milliseconds} ms"),
        Event::End => "the end".into(),
    }
}

fn callback_name(callback: Callback) -> String {
    match callback {
        Callback::QueryInterface => "QueryInterface".into(),
        Callback::AddRef => "AddRef".into(),
        Callback::Release => "Release".into(),
        Callback::OnNotify { events } => format!("OnNotify({events})"),
    }
}

/// The trace as numbered lines. The line at which the deviation shows begins with `>`.
pub fn trace(events: &[Event], deviation: Option<&Deviation>) -> Vec<String> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open: HashMap<CallId, (usize, usize)> = HashMap::new();
    let mut depth: HashMap<u8, usize> = HashMap::new();
    let mut threads: HashMap<CallId, u8> = HashMap::new();
    for (index, event) in events.iter().enumerate() {
        match event {
            Event::Call { id, thread, call: made } => {
                let level = depth.entry(thread.0).or_default();
                open.insert(*id, (lines.len(), *level));
                threads.insert(*id, thread.0);
                let place = if thread.0 == 0 { String::new() } else { format!("   [thread {}]", thread.0) };
                lines.push((index, format!("{}{}{place}", "    ".repeat(*level), call(made))));
                *level += 1;
            }
            Event::Return { id, outcome: came } => {
                if let Some(level) = threads.get(id).and_then(|thread| depth.get_mut(thread)) {
                    *level = level.saturating_sub(1);
                }
                let Some((line, level)) = open.remove(id) else { continue };
                let text = outcome(came);
                let valueless = lines[line].1.contains("->Release()") || lines[line].1.contains("->AddRef()");
                if line + 1 == lines.len() {
                    if !(valueless && came.succeeded()) {
                        let _ = write!(lines[line].1, " → {text}");
                    }
                    lines[line].0 = index;
                } else {
                    lines.push((index, format!("{}→ {text}", "    ".repeat(level))));
                }
            }
            Event::Callback { id, thread, sink, callback } => {
                let level = depth.entry(thread.0).or_default();
                let place = if thread.0 == 0 { String::new() } else { format!("   [thread {}]", thread.0) };
                let name = callback_name(*callback);
                lines.push((index, format!("{}← {sink}->{name}{place}", "    ".repeat(*level))));
                if matches!(callback, Callback::OnNotify { .. }) {
                    *level += 1;
                    threads.insert(*id, thread.0);
                }
            }
            Event::CallbackReturn { id } => {
                if let Some(level) = threads.get(id).and_then(|thread| depth.get_mut(thread)) {
                    *level = level.saturating_sub(1);
                }
            }
            Event::Settled { milliseconds } => {
                lines.push((index, format!("settled, {milliseconds} ms")));
            }
            Event::End if deviation.is_some_and(|d| d.event == index) => {
                lines.push((index, "the end".into()));
            }
            Event::End => {}
        }
    }
    lines
        .into_iter()
        .enumerate()
        .map(|(number, (index, text))| {
            let mark = if deviation.is_some_and(|d| d.event == index) { ">" } else { " " };
            format!("{mark} {:>2}  {text}", number + 1)
        })
        .collect()
}

/// What came how often, the most frequent first: `Release: SIGSEGV 12, Logoff: no return 3`.
pub fn in_order_of_number(counts: &std::collections::BTreeMap<String, usize>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    counts.iter().map(|(what, count)| format!("{what} {count}")).collect::<Vec<_>>().join(", ")
}

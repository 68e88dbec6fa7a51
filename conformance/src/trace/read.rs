//! JSON to events. Every error names the line, what is wrong with it, and what would be right.

mod answers;
mod callbacks;
mod calls;
mod fields;
mod names;
mod processes;
mod slots;

use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use mapi_session_spec::era::Era;
use mapi_session_spec::event::{Call, CallId, Event, ThreadId};
use mapi_session_spec::outcome::{Ending, Out, Outcome};
use serde_json::{Map, Value};
use strsim::levenshtein;

use super::SCHEMA;
use answers::signal;
use fields::Once;

/// A trace that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}\n  help: {mend}")]
pub struct ReadError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub mend: String,
}

/// The first line of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The era it was recorded in, if it says.
    pub era: Option<Era>,
    /// What came before is unknown, not absent.
    pub attached: bool,
    /// The trace was planned by this tester, whose breaches are on purpose.
    pub planned: bool,
}

/// A trace that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Its first line.
    pub header: Header,
    /// Its events.
    pub events: Vec<Event>,
    /// The line of each event, from 1.
    pub lines: Vec<usize>,
    /// It ends with its end, and nothing is missing in between.
    pub complete: bool,
}

type Fields = Map<String, Value>;

#[derive(Default)]
struct Reader {
    line: usize,
    names: names::Names,
    /// Calls and callbacks under way, and the thread that each is on.
    open: HashMap<CallId, (Call, ThreadId)>,
    open_callbacks: HashMap<CallId, ThreadId>,
    processes: processes::Processes,
    /// Numbers of threads beyond those that the state tells apart.
    threads: HashMap<u32, u8>,
    /// Calls under way that no rule is about.
    unjudged: HashSet<CallId>,
    /// The trace begins in the middle, or has a gap: names may stand for what it does not show.
    misses_some: bool,
    /// Events read so far, those that no rule is about among them.
    seen: usize,
}

/// What reading comes to.
pub type Read<T> = Result<T, ReadError>;

/// The events of a trace, read one after the other: what is kept does not grow with the trace.
pub struct Events<R> {
    input: R,
    reader: Reader,
    /// The first line.
    pub header: Header,
    allow_truncated: bool,
    /// The process that the last event read was in, numbered from 0 as they are met. What is said of no process is of all.
    pub process: Option<usize>,
    /// How many gaps the events read so far have between them.
    pub gaps: usize,
    ended: bool,
    /// The trace ends with its end, and nothing was missing in between. Known once all events are read.
    pub complete: bool,
}

impl<R: BufRead> Events<R> {
    /// Reads the first line. A truncated last line is an error later unless `allow_truncated`.
    ///
    /// # Errors
    /// If the first line is not what the format says.
    pub fn new(mut input: R, allow_truncated: bool) -> Read<Self> {
        let mut reader = Reader::default();
        let Some((head, _)) = reader.next_line(&mut input)? else {
            return Err(
                reader.error("the file is empty", "begin with {\"schema\":\"mapi-conform/trace/1\", …}")
            );
        };
        let header = reader.header(&head)?;
        reader.misses_some = header.attached;
        Ok(Self {
            input,
            reader,
            header,
            allow_truncated,
            process: None,
            gaps: 0,
            ended: false,
            complete: false,
        })
    }

    /// The next event and its line.
    fn read(&mut self) -> Read<Option<(Event, usize)>> {
        while let Some((line, cut)) = self.reader.next_line(&mut self.input)? {
            if self.ended {
                let mend = "let {\"end\":\"complete\"} be the last line";
                return Err(self.reader.error("there is more after the end", mend));
            }
            let fields: Fields = match serde_json::from_str::<Once>(&line) {
                Ok(Once(fields)) => fields,
                Err(_) if cut && self.allow_truncated => return Ok(None),
                Err(_) if cut => {
                    let mend = "record it again, or judge what is there with --allow-truncated";
                    return Err(self.reader.error("the last line is cut off", mend));
                }
                Err(error) => {
                    let what = format!("not a JSON object: {error}");
                    return Err(self.reader.error(&what, "one event a line"));
                }
            };
            match self.reader.event(&fields)? {
                Line::Event(Event::End) => {
                    (self.ended, self.complete) = (true, self.gaps == 0);
                    if self.complete {
                        self.process = None;
                        return Ok(Some((Event::End, self.reader.line)));
                    }
                }
                Line::Event(event) => {
                    self.reader.seen += 1;
                    self.process = self.reader.processes.of(&event);
                    return Ok(Some((event, self.reader.line)));
                }
                Line::Gap => {
                    self.gaps += 1;
                    self.reader.misses_some = true;
                    self.reader.seen += 1;
                }
                Line::Nothing => self.reader.seen += 1,
            }
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Events<R> {
    type Item = Read<(Event, usize)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Reads a whole trace. A truncated last line is an error unless `allow_truncated`.
///
/// # Errors
/// At the first line that is not what the format says.
pub fn read(input: impl BufRead, allow_truncated: bool) -> Read<Trace> {
    let mut read = Events::new(input, allow_truncated)?;
    let (mut events, mut lines) = (Vec::new(), Vec::new());
    for event in &mut read {
        let (event, line) = event?;
        events.push(event);
        lines.push(line);
    }
    Ok(Trace { header: read.header.clone(), events, lines, complete: read.complete })
}

enum Line {
    Event(Event),
    Gap,
    Nothing,
}

impl Reader {
    /// The next line that is not empty, and whether the file ends in the middle of it.
    fn next_line(&mut self, input: &mut impl BufRead) -> Read<Option<(String, bool)>> {
        loop {
            let mut bytes = Vec::new();
            self.line += 1;
            let read = input.read_until(b'\n', &mut bytes);
            if let Err(error) = read {
                return Err(self.error(&error.to_string(), "name a file that can be read"));
            }
            if bytes.is_empty() {
                return Ok(None);
            }
            let cut = bytes.last() != Some(&b'\n');
            let line = String::from_utf8(bytes)
                .map_err(|_| self.error("it is not UTF-8", "a trace is JSON Lines in UTF-8"))?;
            if !line.trim().is_empty() {
                return Ok(Some((line, cut)));
            }
        }
    }

    fn error(&self, what: &str, mend: &str) -> ReadError {
        let harmless = crate::text::harmless;
        ReadError { line: self.line, what: harmless(what), mend: harmless(mend) }
    }

    fn header(&self, line: &str) -> Read<Header> {
        let mend = "begin with {\"schema\":\"mapi-conform/trace/1\",\"era\":\"fast-shutdown\",\"starts\":\"process-start\"}";
        let fields: Fields =
            serde_json::from_str(line).map_err(|e| self.error(&format!("not a JSON object: {e}"), mend))?;
        match fields.get("schema") {
            Some(Value::String(schema)) if schema == SCHEMA => {}
            Some(other) => return Err(self.error(&format!("this is not {SCHEMA} but {other}"), mend)),
            None => return Err(self.error("the first line names no schema", mend)),
        }
        self.only(&fields, &["schema", "era", "origin", "starts", "level"])?;
        let era = match fields.get("era") {
            None => None,
            Some(value) => {
                let era = value.as_str().and_then(|text| text.parse().ok());
                Some(
                    era.ok_or_else(|| self.error(&format!("{value} is no era"), "classic or fast-shutdown"))?,
                )
            }
        };
        let attached = match fields.get("starts").and_then(Value::as_str) {
            None | Some("process-start") => false,
            Some("attached") => true,
            Some(other) => {
                return Err(self.error(&format!("{other:?} is no way to start"), "process-start or attached"));
            }
        };
        let planned = fields.get("origin").and_then(Value::as_str) == Some("planned");
        Ok(Header { era, attached, planned })
    }

    fn event(&mut self, fields: &Fields) -> Read<Line> {
        const KINDS: &[&str] = &[
            "call",
            "return",
            "callback",
            "callback_return",
            "settled",
            "crash",
            "hang",
            "exit",
            "exception",
            "dialog",
            "skipped",
            "gap",
            "end",
        ];
        let kinds: Vec<&str> = KINDS.iter().copied().filter(|kind| fields.contains_key(*kind)).collect();
        let kind = match kinds[..] {
            [kind] => kind,
            [] => {
                let odd = fields.keys().next().cloned().unwrap_or_default();
                let near =
                    KINDS.iter().min_by_key(|other| levenshtein(&odd, other)).copied().unwrap_or("call");
                let mend = format!("did you mean {near:?}? An event is one of {}", KINDS.join(", "));
                return Err(self.error(&format!("unknown event, beginning with {odd:?}"), &mend));
            }
            _ => {
                return Err(
                    self.error(&format!("both {} in one line", kinds.join(" and ")), "one event a line")
                );
            }
        };
        match kind {
            "call" => self.call(fields),
            "return" => self.returned(fields),
            "callback" => self.callback(fields),
            "callback_return" => {
                self.only(fields, &["callback_return", "thread"])?;
                let id = CallId(self.number(fields, "callback_return")?);
                let Some(began) = self.open_callbacks.remove(&id) else {
                    if self.misses_some {
                        return Ok(Line::Nothing);
                    }
                    return Err(
                        self.error("a return without its callback", "give the id of an open callback")
                    );
                };
                self.ends_where_it_began(fields, began)?;
                Ok(Line::Event(Event::CallbackReturn { id }))
            }
            "settled" => {
                self.only(fields, &["settled"])?;
                Ok(Line::Event(Event::Settled { milliseconds: self.number(fields, "settled")? }))
            }
            "crash" | "hang" | "exit" | "exception" => {
                self.only(fields, &[kind, "during", "thread"])?;
                let id = CallId(self.number(fields, "during")?);
                let Some((_, began)) = self.open.remove(&id) else {
                    return Err(
                        self.error("\"during\" names no call under way", "give the id of an open call")
                    );
                };
                self.ends_where_it_began(fields, began)?;
                let ending = match kind {
                    "crash" => {
                        Ending::Crashed(signal(fields.get("crash").and_then(Value::as_str).unwrap_or("")))
                    }
                    "hang" => Ending::Hung,
                    "exit" => Ending::Exited(0),
                    _ => Ending::Threw,
                };
                Ok(Line::Event(Event::Return { id, outcome: Outcome { ending, out: Out::None } }))
            }
            "dialog" => {
                self.only(fields, &["dialog", "thread"])?;
                Ok(Line::Nothing)
            }
            "skipped" => {
                self.only(fields, &["skipped", "reason", "thread"])?;
                Ok(Line::Nothing)
            }
            "gap" => {
                self.only(fields, &["gap"])?;
                if self.number(fields, "gap")? == 0 {
                    return Err(
                        self.error("a gap of no events", "say how many were lost, or leave the line out")
                    );
                }
                Ok(Line::Gap)
            }
            _ => {
                self.only(fields, &["end", "events"])?;
                if fields.get("end").and_then(Value::as_str) != Some("complete") {
                    return Err(self.error(
                        "\"end\" is not \"complete\"",
                        "leave the line out if the trace is not whole",
                    ));
                }
                if fields.contains_key("events") && self.number(fields, "events")? as usize != self.seen {
                    let mend = format!(
                        "{} were read: record it again, or say where some are missing with \"gap\"",
                        self.seen
                    );
                    return Err(self.error("the end counts other events than the trace holds", &mend));
                }
                Ok(Line::Event(Event::End))
            }
        }
    }
}

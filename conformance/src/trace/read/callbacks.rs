//! A line that begins a callback into a sink.

use mapi_session_spec::event::{CallId, Callback, Event};
use mapi_session_spec::flags::EventMask;

use super::{Fields, Line, Read, Reader};

impl Reader {
    pub(super) fn callback(&mut self, fields: &Fields) -> Read<Line> {
        self.only(fields, &["callback", "id", "thread", "object", "events"])?;
        let id = CallId(self.number(fields, "id")?);
        let thread = self.thread(fields)?;
        let on = self.text(fields, "object")?.to_owned();
        let sink = self.sink(&on)?;
        let callback = match self.text(fields, "callback")? {
            "QueryInterface" => Callback::QueryInterface,
            "AddRef" => {
                self.sink_counted(sink, true);
                Callback::AddRef
            }
            "Release" => {
                self.sink_counted(sink, false);
                Callback::Release
            }
            "OnNotify" => {
                let events = self.word_or(fields, "events", 0, &|n| EventMask::named(n).map(|f| f.0))?;
                Callback::OnNotify { events: EventMask(self.narrow(events)?) }
            }
            other => {
                let what = format!("{other:?} is no callback of this format");
                return Err(self.error(&what, "QueryInterface, AddRef, Release or OnNotify"));
            }
        };
        if self.open_callbacks.insert(id, thread).is_some() || self.open.contains_key(&id) {
            return Err(
                self.error(&format!("the id {} is taken by a call under way", id.0), "number calls upwards")
            );
        }
        Ok(Line::Event(Event::Callback { id, thread, sink, callback }))
    }
}

//! In which process each event is.

use std::collections::HashMap;

use mapi_session_spec::event::{Call, CallId, Event, SinkId};

/// The processes of a trace, numbered from 0 as they are met.
#[derive(Default)]
pub(super) struct Processes {
    numbers: HashMap<String, usize>,
    /// The one that the call being read is said to be in.
    said: usize,
    of_calls: HashMap<CallId, usize>,
    /// Where each sink was registered: it is called there.
    of_sinks: HashMap<SinkId, usize>,
}

impl Processes {
    /// The call that is read next is said to be in this one; no name is a name too.
    pub(super) fn say(&mut self, name: &str) {
        let next = self.numbers.len();
        self.said = *self.numbers.entry(name.to_owned()).or_insert(next);
    }

    /// The process of this event, in its turn. `None`: it is of all.
    pub(super) fn of(&mut self, event: &Event) -> Option<usize> {
        match *event {
            Event::Call { id, call, .. } => {
                self.of_calls.insert(id, self.said);
                if let Call::Advise { sink, .. } = call {
                    self.of_sinks.insert(sink, self.said);
                }
                Some(self.said)
            }
            Event::Callback { id, sink, .. } => {
                let process = self.of_sinks.get(&sink).copied().unwrap_or_default();
                self.of_calls.insert(id, process);
                Some(process)
            }
            Event::Return { id, .. } | Event::CallbackReturn { id } => {
                Some(self.of_calls.remove(&id).unwrap_or_default())
            }
            Event::Settled { .. } | Event::End => None,
        }
    }
}

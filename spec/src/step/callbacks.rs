//! What a callback into a sink changes: the references the session holds, and who has heard.

use crate::event::{CallId, Callback, SinkId, ThreadId};
use crate::flags::EventMask;
use crate::state::{OwedKind, Running, World};

impl World {
    pub(super) fn called_back(&mut self, id: CallId, thread: ThreadId, sink: SinkId, callback: Callback) {
        self.meet_sink(sink);
        let notify = matches!(callback, Callback::OnNotify { .. });
        if let Some(known) = self.sink_mut(sink) {
            match callback {
                Callback::AddRef | Callback::QueryInterface => {
                    known.held += 1;
                    known.was_held = true;
                }
                Callback::Release => known.held -= 1,
                Callback::OnNotify { .. } => {}
            }
        }
        if let Callback::OnNotify { events } = callback {
            self.hear(sink, events);
        }
        self.running.push(Running { id, thread, sink, notify });
    }

    fn hear(&mut self, sink: SinkId, events: EventMask) {
        let hearing: Vec<_> =
            self.registrations.iter().flatten().filter(|r| r.sink == sink).map(|r| r.session).collect();
        for owed in &mut self.owed {
            if let OwedKind::Told { listener, heard, .. } = &mut owed.kind
                && hearing.contains(listener)
            {
                *heard = heard.with(events);
                owed.paid |= heard.0 & EventMask::END_OF_SESSION.0 != 0;
            }
        }
    }
}

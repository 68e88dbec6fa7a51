//! What a callback into a sink changes: the references the session holds, and who has heard.

use crate::event::{Call, CallId, Callback, SessionId, SinkId, ThreadId};
use crate::flags::EventMask;
use crate::state::{Hush, OwedKind, Running, Session, World};

impl World {
    pub(super) fn called_back(&mut self, id: CallId, thread: ThreadId, sink: SinkId, callback: Callback) {
        self.meet_sink(sink);
        let notify = matches!(callback, Callback::OnNotify { .. });
        if let Some(known) = self.sink_mut(sink) {
            match callback {
                Callback::AddRef | Callback::QueryInterface => known.held += 1,
                Callback::Release => known.held -= 1,
                Callback::OnNotify { .. } => {}
            }
            if known.held <= 0 {
                self.note_that_it_came_back(sink);
            }
        }
        if let Callback::OnNotify { events } = callback {
            self.hear(sink, events);
        }
        self.running.push(Running { id, thread, sink, notify });
    }

    /// The sink has been given back, whoever takes it later.
    fn note_that_it_came_back(&mut self, of: SinkId) {
        for owed in &mut self.owed {
            owed.paid |= matches!(owed.kind, OwedKind::Unadvised { sink, .. } | OwedKind::Abandoned { sink, .. }
                if sink == of);
        }
    }

    /// Nobody who may share with this session has ended or is about to.
    fn nobody_it_may_share_with_leaves(&self, id: SessionId) -> bool {
        let Some(own) = self.session(id) else { return false };
        self.all_sessions().all(|(other, session)| {
            other == id || session.is_logged_on() || own.membership.is_apart_from(session.membership)
        })
    }

    /// It has done nothing that a word may come of: it is logged on, or ended long ago.
    fn nothing_new_of(&self, id: SessionId) -> bool {
        self.session(id).is_some_and(|session| session.is_logged_on() || session.wound_up)
    }

    /// Whoever this sink is registered by has long logged off; and of whom they may have shared with, only
    /// this one can be the reason for a word.
    fn is_news_to_who_has_left(&self, sink: SinkId, hearing: &[SessionId], leaver: SessionId) -> bool {
        let has_left = |id: &SessionId| self.session(*id).is_some_and(Session::has_long_left);
        let is_under_way = |call: &Call| match call {
            Call::Advise { sink: other, .. } => *other == sink,
            call => call.session().is_some_and(|session| hearing.contains(&session)),
        };
        self.sink(sink).is_some_and(|sink| sink.held > 0)
            && hearing.iter().all(has_left)
            && hearing.iter().all(|id| self.no_other_leaves(leaver, *id))
            && !self.pending.iter().any(|pending| is_under_way(&pending.call))
    }

    fn hear(&mut self, sink: SinkId, events: EventMask) {
        let hearing: Vec<_> =
            self.registrations.iter().flatten().filter(|r| r.sink == sink).map(|r| r.session).collect();
        let on: Vec<_> = hearing
            .iter()
            .copied()
            .filter(|id| self.session(*id).is_some_and(Session::is_logged_on))
            .filter(|id| self.nobody_it_may_share_with_leaves(*id))
            .collect();
        let ends = events.0 & EventMask::END_OF_SESSION.0 != 0;
        let mut owed = std::mem::take(&mut self.owed);
        for owed in &mut owed {
            match &mut owed.kind {
                OwedKind::Untold { listener, heard } => *heard |= on.contains(listener),
                OwedKind::Hushed { listener, caller, why: Hush::Left, heard } => {
                    *heard |= ends
                        && hearing.contains(listener)
                        && self.is_news_to_who_has_left(sink, &hearing, *caller);
                }
                OwedKind::Hushed { listener, caller, heard, .. } => {
                    *heard |= ends
                        && hearing.contains(listener)
                        && self.nothing_new_of(*caller)
                        && self.is_alone_in_leaving(*caller, *listener);
                }
                OwedKind::Told { listener, heard, times, .. } if hearing.contains(listener) => {
                    *heard = heard.with(events);
                    times.count(events);
                    owed.paid |= heard.0 & EventMask::END_OF_SESSION.0 != 0;
                }
                OwedKind::Told { .. } | OwedKind::Unadvised { .. } | OwedKind::Abandoned { .. } => {}
            }
        }
        self.owed = owed;
    }
}

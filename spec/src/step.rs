//! The transition relation: how each event changes what is remembered. Dispatch, and what every call shares; what
//! a kind of call does lives in the modules below, one a concept.
//!
//! No rule lives here: what a subject *may* answer is said by the arms in [`crate::rules`]. This is what follows
//! from what it did answer.

mod callbacks;
mod lifetimes;
mod logoff;
mod logon;
mod objects;
mod registrations;
mod reuse;

pub(crate) use logoff::is_badly_argued;

use crate::event::{Call, CallId, Callback, Event, SessionId, SinkId, Target, ThreadId};
use crate::flags::LogonFlags;
use crate::hresult::HResult;
use crate::outcome::{Ending, Outcome};
use crate::state::{Disturbance, Membership, ObjectKind, Owed, OwedKind, Pending, Session, World};

impl World {
    /// One more event of a trace.
    pub fn observe(&mut self, event: &Event) {
        match *event {
            Event::Call { id, thread, call } => self.call(id, thread, call),
            Event::Return { id, outcome } => self.finish(id, outcome),
            Event::Callback { id, thread, sink, callback } => self.call_back(id, thread, sink, callback),
            Event::CallbackReturn { id } => self.finish_callback(id),
            Event::Settled { .. } | Event::End => self.settle(),
        }
    }

    /// A call begins.
    pub fn call(&mut self, id: CallId, thread: ThreadId, call: Call) {
        let call = call.as_remembered();
        let session = self.session_of(&call);
        let nested = self.running.iter().any(|running| running.thread == thread);
        let mut overlapped = false;
        if session.is_some() {
            for other in 0..self.pending.len() {
                let same = self.session_of(&self.pending[other].call) == session;
                self.pending[other].overlapped |= same;
                overlapped |= same;
            }
        }
        overlapped |= self.meets_others_that_come_and_go(&call);
        self.lapse_what_the_caller_gives_up(&call);
        match call {
            Call::Logoff { session, flags, .. } => self.enter_logoff(session, flags, thread),
            Call::Advise { sink, .. } => self.meet_sink(sink),
            _ => {}
        }
        let saw = session.and_then(|id| self.session(id)).map(|session| session.phases);
        let as_before = self.must_be_as_before(&call);
        let failed_beside = false;
        self.pending.push(Pending { id, thread, call, saw, overlapped, nested, as_before, failed_beside });
        self.widen_what_pending_calls_saw();
    }

    /// Who is on, and whether MAPI is initialised, is decided by several calls under way at once: in which order, nobody
    /// knows. Marks those too.
    fn meets_others_that_come_and_go(&mut self, call: &Call) -> bool {
        let mut meets = false;
        for other in &mut self.pending {
            let together = match (*call, other.call) {
                (Call::LogonEx { flags: a, .. }, Call::LogonEx { flags: b, .. }) => {
                    a.has(LogonFlags::MAPI_ALLOW_OTHERS) || b.has(LogonFlags::MAPI_ALLOW_OTHERS)
                }
                (a, b) => {
                    let initialises = |call| matches!(call, Call::Initialize | Call::Uninitialize);
                    let logs_on = |call| matches!(call, Call::LogonEx { .. });
                    (initialises(a) && (initialises(b) || logs_on(b))) || (logs_on(a) && initialises(b))
                }
            };
            other.overlapped |= together;
            meets |= together;
        }
        meets
    }

    /// A call ends. Unknown calls are ignored: the trace reader has refused them already.
    pub fn finish(&mut self, id: CallId, outcome: Outcome) {
        let Some(index) = self.pending.iter().position(|pending| pending.id == id) else { return };
        let pending = self.pending.remove(index);
        if !matches!(outcome.ending, Ending::Returned(_)) {
            self.process.broken_off = true;
            return;
        }
        match pending.call {
            Call::Initialize if outcome.succeeded() => {
                self.process.initialised = self.process.initialised.saturating_add(1);
                self.process.fresh = false;
            }
            Call::Uninitialize => self.uninitialised(),
            Call::LogonEx { session, profile, flags } => {
                self.logged_on(&pending, session, profile, flags, outcome);
            }
            Call::AllocateBuffer { buffer } if outcome.succeeded() => self.allocated(buffer),
            Call::FreeBuffer { buffer } => self.freed(buffer),
            Call::QueryInterface { target, interface, object } => {
                self.queried(target, interface, object, outcome);
            }
            Call::AddRef { target } => self.added(target),
            Call::Release { target: Target::Session(session) } => self.released_session(session),
            Call::Release { target: Target::Object(object) } => self.released_object(object),
            Call::Method { session, method, object, .. } => {
                self.answered(&pending, session, method, object, outcome);
            }
            Call::OnObject { object, method } => self.answered_on_object(&pending, object, method, outcome),
            Call::Advise { session, mask, sink, registration } => {
                self.advised(&pending, session, mask, sink, registration, outcome);
            }
            Call::Unadvise { registration, .. } => self.unadvised(registration, outcome),
            Call::Logoff { session, flags, .. } => self.leave_logoff(&pending, session, flags, outcome),
            _ => {}
        }
        if let Some(session) = pending.call.session().and_then(|id| self.session_mut(id))
            && let Some(code) = outcome.code()
            && !is_silent_about_errors(&pending.call)
        {
            session.promises_error = code == HResult::MAPI_E_EXTENDED_ERROR;
        }
        self.widen_what_pending_calls_saw();
        if self.pending.is_empty() {
            self.sessions.iter_mut().flatten().for_each(|session| session.amid = 0);
            self.objects.iter_mut().flatten().for_each(|object| object.amid = false);
        }
    }

    /// A callback begins.
    pub fn call_back(&mut self, id: CallId, thread: ThreadId, sink: SinkId, callback: Callback) {
        self.called_back(id, thread, sink, callback);
    }

    /// A callback ends.
    pub fn finish_callback(&mut self, id: CallId) {
        self.running.retain(|running| running.id != id);
    }

    /// Everything that could come has come: what is owed has been judged.
    pub fn settle(&mut self) {
        let told = self.owed.iter().filter(|owed| owed.paid).filter_map(|owed| match owed.kind {
            OwedKind::Told { leaver, listener, heard, times, registrations, .. } => {
                Some((leaver, listener, heard, times.most().div_ceil(registrations.max(1))))
            }
            _ => None,
        });
        for (leaver, listener, heard, times) in told.collect::<Vec<_>>() {
            let once = self.session(leaver).is_some_and(|session| !session.ended_twice_over)
                && self.is_alone_in_leaving(leaver, listener);
            let group = self.session(leaver).and_then(Session::group);
            let Some(group) = group.and_then(|group| self.groups.get_mut(usize::from(group.0))) else {
                continue;
            };
            if group.announced == 0 {
                group.announced = heard.0;
            }
            if once {
                group.times = group.times.max(times);
            }
        }
        let unclear = self.whose_words_cannot_be_told_apart();
        let owed = std::mem::take(&mut self.owed);
        self.owed = owed
            .into_iter()
            .filter(|owed| !self.is_due(owed) || matches!(owed.kind, OwedKind::Untold { heard: false, .. }))
            .collect();
        let leaving: Vec<_> = self.pending.iter().filter_map(|pending| pending.call.session()).collect();
        for (slot, session) in self.sessions.iter_mut().enumerate() {
            let Some(session) = session else { continue };
            let busy = leaving.iter().any(|id| usize::from(id.0) == slot);
            session.words_unclear |= unclear.iter().any(|id| usize::from(id.0) == slot);
            let ended = session.is_logged_off() || session.is_released();
            session.wound_up |= !busy && !session.words_unclear && ended;
        }
    }

    /// Whether it must have happened once the subject has settled: not while the Logoff that brings it is still under way,
    /// or the `OnNotify` for whose end it waits.
    pub(crate) fn is_due(&self, owed: &Owed) -> bool {
        match owed.kind {
            OwedKind::Told { leaver, .. } => {
                !self.pending.iter().any(|pending| logoff::is_logoff_of(leaver, &pending.call))
            }
            OwedKind::Unadvised { sink, .. } | OwedKind::Abandoned { sink, .. } => {
                owed.paid || !self.running.iter().any(|running| running.notify && running.sink == sink)
            }
            OwedKind::Hushed { .. } | OwedKind::Untold { .. } => true,
        }
    }

    /// Those who left together and owed the same listener a word: one word pays for all of them.
    fn whose_words_cannot_be_told_apart(&self) -> Vec<SessionId> {
        let told = |owed: &Owed| match owed.kind {
            OwedKind::Told { leaver, listener, .. } => Some((leaver, listener)),
            _ => None,
        };
        let told: Vec<_> = self.owed.iter().filter_map(told).collect();
        let shared = |(leaver, listener): &(SessionId, SessionId)| {
            told.iter().any(|(other, theirs)| theirs == listener && other != leaver)
        };
        told.iter().filter(|pair| shared(pair)).map(|(leaver, _)| *leaver).collect()
    }

    /// Forgets what no rule will ask about again, so that a model need not tell such states apart: what happened to
    /// a session that has ended and to an object that is given back. What a call is under way on is left alone: it
    /// may have met the session alive.
    pub fn forget_what_is_over(&mut self) {
        let busy: Vec<_> = self.pending.iter().filter_map(|pending| self.session_of(&pending.call)).collect();
        for (slot, session) in self.sessions.iter_mut().enumerate() {
            let Some(session) = session else { continue };
            let is_busy = busy.iter().any(|id| usize::from(id.0) == slot);
            if !is_busy && session.must_work == 0 {
                session.forget_who_else_came_and_went();
            }
            if is_busy || !(session.is_logged_off() || session.is_released()) {
                continue;
            }
            session.worked = 0;
            session.must_work = 0;
            session.disturbed = None;
            session.told = false;
            session.queried = 0;
            session.added = 0;
            session.promises_error = false;
            session.ended_twice_over &= !session.wound_up;
            for object in self.objects.iter_mut().flatten().filter(|o| usize::from(o.session.0) == slot) {
                object.disturbed = None;
            }
        }
        if !self.pending.is_empty() {
            return;
        }
        for object in self.objects.iter_mut().flatten().filter(|object| !object.is_held()) {
            object.worked = 0;
            object.disturbed = None;
        }
        for registration in self.registrations.iter_mut().flatten().filter(|known| !known.active) {
            registration.connection = 0;
        }
        // In which order debts came to be is nobody's question.
        self.owed.sort_unstable();
    }

    fn uninitialised(&mut self) {
        self.process.initialised = self.process.initialised.saturating_sub(1);
        if self.process.attached {
            // Whether MAPI is initialised still, nobody knows.
            self.process.initialised = self.process.initialised.max(1);
            self.sessions.iter_mut().flatten().for_each(|session| *session = Session::met_in_the_middle());
        } else if self.process.initialised > 0 {
            self.process.uninitialised_in_part = true;
            self.disturb_all(Disturbance::Uninitialised);
        } else {
            // Never judged what becomes of sessions then (E-16), nor therefore whether a logon finds room.
            let all_ended = |session: &Session| session.is_logged_off() || session.is_released();
            if !self.sessions.iter().flatten().all(all_ended) {
                self.process.logon_worked = crate::state::LogonsThatWorked::default();
            }
            let is_over = self.sessions.iter().flatten().all(Session::has_logged_off);
            self.groups.iter_mut().for_each(|group| group.over |= is_over);
            for session in self.sessions.iter_mut().flatten() {
                if !all_ended(session) {
                    session.membership = Membership::Unknown;
                }
                session.phases = crate::phase::Phases::only(crate::phase::Phase::Released);
            }
            self.process.uninitialised_in_part = false;
        }
    }

    /// Marks everything as disturbed.
    fn disturb_all(&mut self, by: Disturbance) {
        for session in self.sessions.iter_mut().flatten() {
            session.disturb(by);
        }
        for object in self.objects.iter_mut().flatten() {
            object.disturb(by);
        }
    }

    /// Marks one session, and the objects it opened, as disturbed.
    fn disturb_session(&mut self, id: SessionId, by: Disturbance) {
        if let Some(session) = self.session_mut(id) {
            session.disturb(by);
        }
        for object in self.objects.iter_mut().flatten() {
            if object.session == id && object.kind != ObjectKind::ClientShutdown {
                object.disturb(by);
            }
        }
    }

    fn widen_what_pending_calls_saw(&mut self) {
        for place in 0..self.pending.len() {
            let session = self.session_of(&self.pending[place].call);
            let phases = session.and_then(|id| self.session(id)).map(|session| session.phases);
            let saw = &mut self.pending[place].saw;
            *saw = match (*saw, phases) {
                (Some(saw), Some(phases)) => Some(saw.or(phases)),
                (saw, phases) => saw.or(phases),
            };
        }
    }
}

/// Calls whose answer does not change what `GetLastError` is asked about.
const fn is_silent_about_errors(call: &Call) -> bool {
    matches!(
        call,
        Call::AddRef { .. }
            | Call::Release { .. }
            | Call::Method { method: crate::event::Method::GetLastError, .. }
    )
}

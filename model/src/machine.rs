//! The one machine: what the clients may do next, what the subject may answer, what may call back.

use mapi_session_spec::event::{Call, CallId, Callback, SinkId, ThreadId};
use mapi_session_spec::offers;
use mapi_session_spec::outcome::Outcome;
use mapi_session_spec::requirement::RequirementId;
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::{OwedKind, World};
use stateright::{Model, Property};

use crate::action::Action;
use crate::cast::{Cast, Company};
use crate::property;

/// What the model is in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// What the specification remembers.
    pub world: World,
    /// How often sinks have been notified: a bound.
    pub notified: u8,
    /// The sinks that have been told of an end, a bit each, where the clients act on it.
    pub heard: u16,
    /// The requirement that the last callback, or the last time of settling, broke. Only a broken twin breaks one.
    pub broke: Option<RequirementId>,
}

/// A model over the specification's transition relation.
#[derive(Debug, Clone)]
pub struct SessionModel {
    /// Its name on the command line.
    pub name: &'static str,
    /// The rules by which answers are offered: the documents', or a broken twin's.
    pub rules: Rules,
    /// The rules that the offers are held against.
    pub against: Rules,
    /// Level and era.
    pub demand: Demand,
    /// The requirements that have a property here: those whose rules bind in this model.
    pub keeps: &'static [RequirementId],
    pub(crate) company: Company,
    pub(crate) cast: &'static Cast,
}

/// The number of the call that a thread makes, and of one that it makes from inside a callback.
pub(crate) fn call_on(thread: ThreadId, nested: bool) -> CallId {
    CallId(1 + u32::from(thread.0) + if nested { 10 } else { 0 })
}

/// The number of the callback that runs on a thread.
fn callback_on(thread: ThreadId) -> CallId {
    CallId(101 + u32::from(thread.0))
}

impl State {
    pub(crate) fn new(world: World) -> Self {
        Self { world, notified: 0, heard: 0, broke: None }
    }

    /// A callback runs on this thread.
    pub(crate) fn is_called_back(&self, thread: ThreadId) -> bool {
        self.world.running.iter().any(|running| running.thread == thread)
    }

    /// Whether this sink has been told of an end.
    pub(crate) fn has_heard(&self, sink: SinkId) -> bool {
        self.heard & (1 << sink.0) != 0
    }

    /// Whether this sink's session is owed a word.
    fn is_owed_a_word(&self, sink: SinkId) -> bool {
        let owed = |listener| {
            self.world.owed.iter().any(|owed| {
                !owed.paid && matches!(owed.kind, OwedKind::Told { listener: l, .. } if l == listener)
            })
        };
        self.world.registrations.iter().flatten().any(|r| r.sink == sink && r.active && owed(r.session))
    }

    /// The number that the next call on this thread gets, if the thread is free to make one.
    pub(crate) fn next_call(&self, thread: ThreadId) -> Option<CallId> {
        let id = call_on(thread, self.is_called_back(thread));
        self.world.pending.iter().all(|pending| pending.id != id).then_some(id)
    }

    /// The threads of the calls that end something, the earliest first.
    pub(crate) fn leaving_threads(&self) -> impl Iterator<Item = ThreadId> {
        let ends = |call: &Call| matches!(call, Call::Logoff { .. } | Call::Unadvise { .. });
        self.world.pending.iter().filter(move |pending| ends(&pending.call)).map(|pending| pending.thread)
    }

    /// The calls that may return: those without a callback, or a call from inside one, on top of them.
    fn returnable(&self) -> impl Iterator<Item = CallId> {
        self.world
            .pending
            .iter()
            .filter(|p| p.id == call_on(p.thread, true) || !self.is_called_back(p.thread))
            .map(|p| p.id)
    }
}

impl SessionModel {
    /// The same model with so many clients, where its cast is made of clients: `shared`, `ending`.
    #[must_use]
    pub const fn with_company(mut self, company: Company) -> Self {
        self.company = company;
        self
    }

    /// The broken twin: a machine that keeps every rule but those on this requirement, held against all of them.
    #[must_use]
    pub fn twin(mut self, requirement: RequirementId) -> Self {
        self.rules = self.rules.without_any_on(requirement);
        self
    }

    /// Makes a call and takes the usual answer.
    pub(crate) fn make(&self, state: &mut State, call: Call) {
        let thread = ThreadId(0);
        let id = call_on(thread, false);
        state.world.call(id, thread, call);
        let outcome = offers::usual(&self.against, self.demand, &state.world, id).unwrap_or(Outcome::OK);
        state.world.finish(id, outcome);
    }

    /// A callback that returns at once.
    pub(crate) fn call_back(state: &mut State, thread: ThreadId, sink: SinkId, callback: Callback) {
        let id = CallId(201);
        state.world.call_back(id, thread, sink, callback);
        state.world.finish_callback(id);
    }

    /// Callbacks that the rules let come now: sinks are taken up by `Advise`, told during a Logoff, given back
    /// afterwards.
    fn callbacks(&self, state: &State) -> Vec<Action> {
        let world = &state.world;
        let mut all = Vec::new();
        for (index, sink) in world.sinks.iter().enumerate() {
            let Some(sink) = sink else { continue };
            let id = SinkId(index as u16);
            let advising = world
                .pending
                .iter()
                .find(|p| matches!(p.call, Call::Advise { sink, .. } if sink == id))
                .map(|p| p.thread);
            if let Some(thread) = advising
                && sink.held == 0
            {
                all.push((thread, id, Callback::AddRef));
            }
            let active = world.registrations.iter().flatten().any(|r| r.sink == id && r.active);
            if sink.held >= 0
                && let Some(thread) = state.leaving_threads().next().or((!active).then_some(ThreadId(0)))
            {
                all.push((thread, id, Callback::Release));
            }
            let may_be_told = !self.cast.tells_only_who_is_owed || state.is_owed_a_word(id);
            if state.notified < self.cast.most_notified && may_be_told {
                let telling = (self.cast.telling_threads)(state);
                for thread in telling.into_iter().filter(|thread| !state.is_called_back(*thread)) {
                    for events in self.cast.events {
                        all.push((thread, id, Callback::OnNotify { events: *events }));
                    }
                }
            }
        }
        all.retain(|(thread, sink, callback)| {
            property::broken_by_callback(&self.rules, self.demand, world, *thread, *sink, *callback).is_none()
        });
        all.into_iter().map(|(thread, sink, callback)| Action::Callback(thread, sink, callback)).collect()
    }

    fn returns(&self, state: &State, id: CallId, actions: &mut Vec<Action>) {
        let Some(pending) = state.world.pending.iter().find(|pending| pending.id == id) else { return };
        let mut answers = offers::answers(&self.rules, self.demand, &state.world, id);
        if matches!(pending.call, Call::Method { .. }) {
            let further = self.cast.further_answers.iter().copied();
            answers.extend(
                further.filter(|outcome| {
                    offers::is_allowed(&self.rules, self.demand, &state.world, id, *outcome)
                }),
            );
        }
        actions.extend(answers.into_iter().map(|outcome| Action::Return(id, outcome)));
    }
}

impl Model for SessionModel {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![(self.cast.begin)(self)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend(self.callbacks(state));
        for id in state.returnable() {
            self.returns(state, id, actions);
        }
        actions.extend(state.world.running.iter().filter_map(|running| {
            let nested = call_on(running.thread, true);
            let waits = state.world.pending.iter().any(|pending| pending.id == nested);
            (!waits).then_some(Action::CallbackReturn(running.id))
        }));
        actions.extend(
            (self.cast.client_calls)(self, state)
                .into_iter()
                .map(|(thread, call)| Action::Call(thread, call)),
        );
        let quiet = state.world.pending.is_empty() && state.world.running.is_empty();
        if quiet
            && !state.world.owed.is_empty()
            && property::broken_by_settling(&self.rules, self.demand, &state.world).is_none()
        {
            actions.push(Action::Settle);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        next.broke = match action {
            Action::Callback(thread, sink, callback) => {
                property::broken_by_callback(&self.against, self.demand, &last.world, thread, sink, callback)
            }
            Action::Settle => property::broken_by_settling(&self.against, self.demand, &last.world),
            Action::Call(..) | Action::Return(..) | Action::CallbackReturn(_) => None,
        };
        match action {
            Action::Call(thread, call) => next.world.call(last.next_call(thread)?, thread, call),
            Action::Return(id, outcome) => next.world.finish(id, outcome),
            Action::Callback(thread, sink, callback) => {
                let notifies = matches!(callback, Callback::OnNotify { .. });
                if notifies && self.cast.clients_remember_words {
                    next.heard |= 1 << sink.0;
                } else {
                    next.notified += u8::from(notifies);
                }
                if notifies && self.cast.callbacks_take_time {
                    next.world.call_back(callback_on(thread), thread, sink, callback);
                } else {
                    Self::call_back(&mut next, thread, sink, callback);
                }
            }
            Action::CallbackReturn(id) => next.world.finish_callback(id),
            Action::Settle => next.world.settle(),
        }
        // What no rule asks about any more need not be told apart.
        next.world.forget_what_is_over();
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        property::all(self)
    }

    fn format_action(&self, action: &Action) -> String {
        format!("{action:?}")
    }

    fn format_step(&self, last: &State, action: Action) -> Option<String> {
        let next = self.next_state(last, action)?;
        Some(crate::summary::summary(&next))
    }

    fn as_svg(&self, path: stateright::Path<State, Action>) -> Option<String> {
        Some(crate::diagram::sequence_diagram(&path.into_vec()))
    }
}

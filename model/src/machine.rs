//! The one machine: what the client may do next, what the subject may answer, what may call back.

use mapi_session_spec::alphabet::{self, Bounds, way_named};
use mapi_session_spec::dialect::Sharing;
use mapi_session_spec::event::{
    Call, CallId, Callback, Method, ObjectId, RegistrationId, SessionId, SinkId, Target, ThreadId,
};
use mapi_session_spec::flags::{EventMask, LogoffFlags};
use mapi_session_spec::offers;
use mapi_session_spec::outcome::Outcome;
use mapi_session_spec::phase::Phase;
use mapi_session_spec::requirement::{Family, RequirementId};
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::World;
use stateright::{Model, Property};

use crate::property;

/// What the model is in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// What the specification remembers.
    pub world: World,
    /// How often sinks have been notified: a bound.
    pub notified: u8,
    /// The requirement that the last callback, or the last time of settling, broke. Only a broken twin breaks one.
    pub broke: Option<RequirementId>,
}

/// One observable step.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The client calls.
    Call(Call),
    /// The call under way returns.
    Return(Outcome),
    /// The session calls a sink, which returns at once.
    Callback(SinkId, Callback),
    /// Everything that could come has come.
    Settle,
}

impl std::fmt::Debug for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Call(call) => match call {
                Call::Logoff { session, ui_param, flags, reserved, .. } => {
                    write!(f, "{session}->Logoff(0x{ui_param:X}, {flags}, 0x{reserved:X})")
                }
                Call::Release { target: Target::Session(id) } => write!(f, "{id}->Release()"),
                Call::Release { target: Target::Object(id) } => write!(f, "{id}->Release()"),
                Call::AddRef { target: Target::Session(id) } => write!(f, "{id}->AddRef()"),
                Call::OnObject { object, method } => write!(f, "{object}->{}()", method.name()),
                Call::Method { session, method, object, .. } => {
                    write!(f, "{object} = {session}->{}()", method.name())
                }
                Call::LogonEx { session, flags, .. } => write!(f, "{session} = MAPILogonEx({flags})"),
                other => match other.session() {
                    Some(session) => write!(f, "{session}->{}()", other.name()),
                    None => write!(f, "{}()", other.name()),
                },
            },
            Self::Return(outcome) => match outcome.code() {
                Some(code) => write!(f, "→ {code}"),
                None => write!(f, "→ {:?}", outcome.ending),
            },
            Self::Callback(sink, Callback::OnNotify { events }) => write!(f, "← {sink}->OnNotify({events})"),
            Self::Callback(sink, callback) => write!(f, "← {sink}->{callback:?}"),
            Self::Settle => f.write_str("settled"),
        }
    }
}

/// Which clients there are, and what they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cast {
    /// One client that does everything to one session.
    One(Bounds),
    /// Two members of a shared session, and a stranger, that log off with or without the flag.
    Three,
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
    pub(crate) cast: Cast,
}

/// What binds where one client does everything to one session.
pub(crate) const SESSION: &[RequirementId] = &[
    Family::Logoff.id(1),
    Family::Logoff.id(3),
    Family::Logoff.id(5),
    Family::Logoff.id(9),
    Family::Logoff.id(11),
    Family::Logoff.id(13),
    Family::Logoff.id(24),
    Family::Logoff.id(25),
    Family::Dead.id(2),
    Family::Dead.id(5),
    Family::Dead.id(6),
    Family::Dead.id(9),
    Family::Unk.id(1),
    Family::Unk.id(2),
    Family::Unk.id(3),
    Family::Unk.id(4),
    Family::Unk.id(6),
    Family::Unk.id(7),
    Family::Unk.id(8),
    Family::Unk.id(10),
    Family::Unk.id(11),
    Family::Unk.id(14),
    Family::Sess.id(1),
    Family::Sess.id(14),
    Family::Sess.id(15),
    Family::Notify.id(1),
    Family::Notify.id(3),
    Family::Notify.id(10),
    Family::Notify.id(12),
    Family::Notify.id(14),
    Family::Shared.id(9),
    Family::Err.id(1),
    Family::Err.id(3),
    Family::Err.id(4),
    Family::Err.id(5),
    Family::Err.id(10),
    Family::Err.id(12),
];

/// What binds between members of a shared session and a stranger.
pub(crate) const SHARED: &[RequirementId] = &[
    Family::Logoff.id(9),
    Family::Logoff.id(13),
    Family::Unk.id(10),
    Family::Unk.id(14),
    Family::Logon.id(1),
    Family::Logon.id(10),
    Family::Logon.id(21),
    Family::Sess.id(1),
    Family::Notify.id(3),
    Family::Notify.id(10),
    Family::Notify.id(14),
    Family::Shared.id(2),
    Family::Shared.id(3),
    Family::Shared.id(4),
    Family::Shared.id(5),
    Family::Shared.id(8),
    Family::Shared.id(9),
    Family::Shared.id(11),
    Family::Shared.id(12),
    Family::Shared.id(13),
    Family::Shared.id(17),
    Family::Err.id(3),
    Family::Err.id(4),
    Family::Err.id(10),
];

/// One session: every flag word, references 1 to 3, up to 2 open objects, a registration.
pub fn session(demand: Demand) -> SessionModel {
    let bounds = Bounds { references: 3, objects: 2, registrations: 1 };
    SessionModel {
        name: "session",
        rules: Rules::documented(),
        against: Rules::documented(),
        demand,
        keeps: SESSION,
        cast: Cast::One(bounds),
    }
}

/// Two members of a shared session and a stranger.
pub fn shared(demand: Demand) -> SessionModel {
    SessionModel {
        name: "shared",
        rules: Rules::documented(),
        against: Rules::documented(),
        demand,
        keeps: SHARED,
        cast: Cast::Three,
    }
}

/// The question that shows whether a session works.
fn question(session: SessionId, world: &World) -> Call {
    let object = ObjectId(world.objects.len() as u16);
    Call::Method { session, method: Method::QueryIdentity, flags: 0, object }
}

/// How often sinks are notified at most.
const MOST_NOTIFIED: u8 = 1;

const CALL: CallId = CallId(1);
const CALLBACK: CallId = CallId(2);

impl SessionModel {
    /// The broken twin: a machine that keeps every rule but those on this requirement, held against all of them.
    #[must_use]
    pub fn twin(mut self, requirement: RequirementId) -> Self {
        self.rules = self.rules.without_any_on(requirement);
        self
    }

    fn begin(&self) -> State {
        let mut world = World::default();
        world.process.dialect.sharing = Sharing::Offered;
        let mut state = State { world, notified: 0, broke: None };
        let ways: &[&str] = match self.cast {
            Cast::One(_) => &["by-name"],
            Cast::Three => &["sharing", "joining", "apart"],
        };
        self.make(&mut state, Call::Initialize);
        for (index, way) in ways.iter().enumerate() {
            let way = way_named(way);
            let session = SessionId(index as u16);
            self.make(&mut state, Call::LogonEx { session, profile: way.profile, flags: way.flags });
            if self.cast == Cast::Three {
                let ask = question(session, &state.world);
                self.make(&mut state, ask);
                // Whoever is to hear is registered before anybody leaves.
                let (sink, registration) = (SinkId(index as u16), RegistrationId(index as u16));
                let mask = EventMask::END_OF_SESSION;
                self.make(&mut state, Call::Advise { session, mask, sink, registration });
                state.world.call_back(CALLBACK, ThreadId(0), sink, Callback::AddRef);
                state.world.finish_callback(CALLBACK);
            }
        }
        state
    }

    /// Makes a call and takes the usual answer.
    fn make(&self, state: &mut State, call: Call) {
        state.world.call(CALL, ThreadId(0), call);
        let outcome = offers::usual(&self.against, self.demand, &state.world, CALL).unwrap_or(Outcome::OK);
        state.world.finish(CALL, outcome);
    }

    fn client_calls(&self, state: &State) -> Vec<Call> {
        let world = &state.world;
        match self.cast {
            Cast::One(bounds) => alphabet::client_calls(world, SessionId(0), bounds),
            Cast::Three => {
                let mut calls = Vec::new();
                for (session, known) in world.all_sessions().filter(|(_, known)| known.references > 0) {
                    if known.is_logged_on() {
                        for flags in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
                            calls.push(alphabet::logoff_with(session, flags));
                        }
                        if known.disturbed.is_some() {
                            calls.push(question(session, world));
                        }
                    }
                    calls.push(Call::Release { target: Target::Session(session) });
                }
                let next = SessionId(world.sessions.len() as u16);
                // The fourth comes once somebody has left: the question is what it finds then (E-10).
                if next.0 < 4 && world.all_sessions().any(|(_, known)| !known.is_logged_on()) {
                    let way = way_named("joining");
                    calls.push(Call::LogonEx { session: next, profile: way.profile, flags: way.flags });
                }
                calls
            }
        }
    }

    /// Sinks that the rules let be called now: taken up by `Advise`, told during a Logoff, given back afterwards.
    fn callbacks(&self, state: &State) -> Vec<(SinkId, Callback)> {
        let world = &state.world;
        let mut all = Vec::new();
        for (index, sink) in world.sinks.iter().enumerate() {
            let Some(sink) = sink else { continue };
            let id = SinkId(index as u16);
            let advising =
                world.pending.iter().any(|p| matches!(p.call, Call::Advise { sink, .. } if sink == id));
            if advising && sink.held == 0 {
                all.push((id, Callback::AddRef));
            }
            let active = world.registrations.iter().flatten().any(|r| r.sink == id && r.active);
            let leaving =
                world.pending.iter().any(|p| matches!(p.call, Call::Logoff { .. } | Call::Unadvise { .. }));
            if sink.held >= 0 && (leaving || !active) {
                all.push((id, Callback::Release));
            }
            if leaving && state.notified < MOST_NOTIFIED {
                for events in [EventMask::fnevCriticalError, EventMask::fnevObjectModified] {
                    all.push((id, Callback::OnNotify { events }));
                }
            }
        }
        all.retain(|(sink, callback)| {
            property::broken_by_callback(&self.rules, self.demand, world, *sink, *callback).is_none()
        });
        all
    }
}

impl Model for SessionModel {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.begin()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend(
            self.callbacks(state).into_iter().map(|(sink, callback)| Action::Callback(sink, callback)),
        );
        if let Some(pending) = state.world.pending.first() {
            let answers = offers::answers(&self.rules, self.demand, &state.world, pending.id);
            actions.extend(answers.into_iter().map(Action::Return));
        } else {
            actions.extend(self.client_calls(state).into_iter().map(Action::Call));
            let owes = !state.world.owed.is_empty();
            if owes && property::broken_by_settling(&self.rules, self.demand, &state.world).is_none() {
                actions.push(Action::Settle);
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        next.broke = match action {
            Action::Callback(sink, callback) => {
                property::broken_by_callback(&self.against, self.demand, &last.world, sink, callback)
            }
            Action::Settle => property::broken_by_settling(&self.against, self.demand, &last.world),
            Action::Call(_) | Action::Return(_) => None,
        };
        match action {
            Action::Call(call) => next.world.call(CALL, ThreadId(0), call),
            Action::Return(outcome) => next.world.finish(CALL, outcome),
            Action::Callback(sink, callback) => {
                next.world.call_back(CALLBACK, ThreadId(0), sink, callback);
                next.world.finish_callback(CALLBACK);
                next.notified += u8::from(matches!(callback, Callback::OnNotify { .. }));
            }
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
        Some(summary(&next))
    }

    fn as_svg(&self, path: stateright::Path<State, Action>) -> Option<String> {
        Some(crate::export::sequence_diagram(&path.into_actions()))
    }
}

/// The state in a few lines, for the Explorer.
pub(crate) fn summary(state: &State) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for (id, session) in state.world.all_sessions() {
        let phases: Vec<String> = session.phases.iter().map(|phase: Phase| phase.to_string()).collect();
        let _ = writeln!(
            text,
            "{id}: {}, {} references, {:?}",
            phases.join(" or "),
            session.references,
            session.membership
        );
    }
    for (id, object) in state.world.all_objects() {
        let _ = writeln!(text, "{id}: of {}, {} references", object.session, object.references);
    }
    for (id, registration) in state.world.all_registrations() {
        let active = if registration.active { "active" } else { "over" };
        let _ = writeln!(text, "{id}: {} on {}, {active}", registration.sink, registration.session);
    }
    for pending in &state.world.pending {
        let _ = writeln!(text, "under way: {:?}", Action::Call(pending.call));
    }
    text
}

//! Who is in a model, and what they do: the questions that the models ask.
//!
//! A cast says how a history begins and which calls the clients may make next. What may come back is the
//! specification's, and no cast knows a rule.

mod members;
mod methods;
mod process;
mod race;
mod session;
mod witness;

use mapi_session_spec::era::Era;
use mapi_session_spec::event::{Call, ThreadId};
use mapi_session_spec::flags::EventMask;
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::level::Level;
use mapi_session_spec::outcome::{Out, Outcome};
use mapi_session_spec::requirement::RequirementId;
use mapi_session_spec::rule::{Demand, Rules};

use crate::machine::{SessionModel, State};

/// Which clients there are, and what they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cast {
    /// One client that does everything to the life of one session.
    Session,
    /// Two members of a shared session, and a stranger, that log off with or without the flag.
    Members,
    /// One client from before `MAPIInitialize` on, that logs on in every way.
    Process,
    /// One client that uses one session in every way, and then logs off.
    Methods,
    /// Two members on two threads, whose calls overlap and whose sinks call back in.
    Race,
}

/// One session: every flag word, references 1 to 3, up to 2 open objects, a registration.
pub fn session(demand: Demand) -> SessionModel {
    model("session", Cast::Session, session::KEEPS, demand)
}

/// Two members of a shared session and a stranger.
pub fn shared(demand: Demand) -> SessionModel {
    model("shared", Cast::Members, members::KEEPS, demand)
}

/// Initialisation, every way to log on, and what is the client's own.
pub fn process(demand: Demand) -> SessionModel {
    model("process", Cast::Process, process::KEEPS, demand)
}

/// The methods of one session, and what must not matter to its Logoff.
pub fn methods(demand: Demand) -> SessionModel {
    model("methods", Cast::Methods, methods::KEEPS, at_least_robust(demand))
}

/// Calls that overlap on two threads, and calls from inside a callback.
pub fn race(demand: Demand) -> SessionModel {
    model("race", Cast::Race, race::KEEPS, at_least_robust(demand))
}

/// Some of what these models ask is demanded of a careful implementation only.
fn at_least_robust(demand: Demand) -> Demand {
    Demand { level: Level::Robust, ..demand }
}

/// Every model, at this level and in this era.
pub fn all(demand: Demand) -> Vec<SessionModel> {
    [session, shared, process, methods, race].map(|model| model(demand)).into()
}

fn model(name: &'static str, cast: Cast, keeps: &'static [RequirementId], demand: Demand) -> SessionModel {
    SessionModel { name, rules: Rules::documented(), against: Rules::documented(), demand, keeps, cast }
}

/// The models in which this requirement has a property, by name.
pub fn models_of(requirement: RequirementId) -> Vec<&'static str> {
    let demand = Demand { level: Level::Robust, era: Era::FastShutdown };
    let models = all(demand).into_iter();
    models.filter(|model| model.keeps.contains(&requirement)).map(|model| model.name).collect()
}

impl Cast {
    /// How the history begins.
    pub(crate) fn begin(self, model: &SessionModel) -> State {
        match self {
            Self::Session => session::begin(model),
            Self::Members => members::begin(model),
            Self::Process => process::begin(),
            Self::Methods => methods::begin(model),
            Self::Race => race::begin(model),
        }
    }

    /// What some state must show.
    pub(crate) fn witnesses(self) -> &'static [witness::Witness] {
        match self {
            Self::Session => session::WITNESSES,
            Self::Members => members::WITNESSES,
            Self::Process => process::WITNESSES,
            Self::Methods => methods::WITNESSES,
            Self::Race => race::WITNESSES,
        }
    }

    /// What the clients may call next.
    pub(crate) fn client_calls(self, state: &State) -> Vec<(ThreadId, Call)> {
        if self == Self::Race {
            return race::client_calls(state);
        }
        if !state.world.pending.is_empty() {
            return Vec::new();
        }
        let calls = match self {
            Self::Session => session::client_calls(state),
            Self::Members => members::client_calls(state),
            Self::Process => process::client_calls(state),
            Self::Methods => return methods::client_calls(state),
            Self::Race => Vec::new(),
        };
        calls.into_iter().map(|call| (ThreadId(0), call)).collect()
    }

    /// How often sinks are notified at most.
    pub(crate) fn most_notified(self) -> u8 {
        if self == Self::Race { 2 } else { 1 }
    }

    /// Whether calls can be made while a sink is being notified.
    pub(crate) fn callbacks_take_time(self) -> bool {
        self == Self::Race
    }

    /// What a sink may be told.
    pub(crate) fn events(self) -> &'static [EventMask] {
        if self == Self::Race {
            &[EventMask::fnevCriticalError, EventMask::fnevExtended, EventMask::END_OF_SESSION]
        } else {
            &[EventMask::fnevCriticalError, EventMask::fnevObjectModified]
        }
    }

    /// The threads on which a sink may be told: those of the calls that end something, and in a race one of the
    /// session's own.
    pub(crate) fn telling_threads(self, state: &State, leaving: &[ThreadId]) -> Vec<ThreadId> {
        if self == Self::Race {
            race::telling_threads(state)
        } else {
            leaving.first().copied().into_iter().collect()
        }
    }

    /// Answers besides the typical ones that make a difference to what this cast asks later.
    pub(crate) fn further_answers(self, call: &Call) -> Vec<Outcome> {
        match call {
            Call::Method { .. } if self == Self::Methods => {
                vec![Outcome::returned(HResult::MAPI_E_EXTENDED_ERROR, Out::Unchanged)]
            }
            _ => Vec::new(),
        }
    }
}

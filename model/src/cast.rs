//! Who is in a model, and what they do: the questions that the models ask.
//!
//! A cast says how a history begins and which calls the clients may make next. What may come back is the
//! specification's, and no cast knows a rule.

mod ending;
mod members;
mod methods;
mod process;
mod race;
mod session;
mod witness;

use mapi_session_spec::event::{Call, ThreadId};
use mapi_session_spec::flags::EventMask;
use mapi_session_spec::level::Level;
use mapi_session_spec::outcome::Outcome;
use mapi_session_spec::requirement::RequirementId;
use mapi_session_spec::rule::{Demand, Rules};

use crate::liveness::Promise;
use crate::machine::{SessionModel, State};
use witness::Witness;

/// How many clients are on when a history of several begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Company {
    /// Members of one shared session, the one who made it included: 2 or more.
    pub members: u16,
    /// Clients who asked for a session apart.
    pub outside: u16,
}

impl Default for Company {
    fn default() -> Self {
        Self { members: 2, outside: 1 }
    }
}

/// Which clients there are, and what they do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cast {
    /// The model's name on the command line.
    name: &'static str,
    /// The mildest level at which what this cast asks is demanded at all.
    from: Level,
    /// The requirements whose rules bind here: each is a property.
    keeps: &'static [RequirementId],
    /// What some state must show.
    pub(crate) witnesses: &'static [Witness],
    /// How the history begins.
    pub(crate) begin: fn(&SessionModel) -> State,
    /// What the clients may call next, and on which thread.
    pub(crate) client_calls: fn(&SessionModel, &State) -> Vec<(ThreadId, Call)>,
    /// The threads on which a sink may be told now.
    pub(crate) telling_threads: fn(&State) -> Vec<ThreadId>,
    /// What a sink may be told.
    pub(crate) events: &'static [EventMask],
    /// How often sinks are notified at most.
    pub(crate) most_notified: u8,
    /// Whether the clients remember who has been told of an end, and act on it: nothing else is counted then.
    pub(crate) clients_remember_words: bool,
    /// Whether only those are told who are owed a word.
    pub(crate) tells_only_who_is_owed: bool,
    /// What must come about at last.
    pub(crate) promises: &'static [Promise],
    /// Whether calls can be made while a sink is being notified.
    pub(crate) callbacks_take_time: bool,
    /// Answers to a method besides the typical ones, that make a difference to what is asked later.
    pub(crate) further_answers: &'static [Outcome],
}

/// Where calls do not overlap: one at a time, on the first thread, and a sink is told inside the call that ends something.
const ONE_AT_A_TIME: Cast = Cast {
    name: "",
    from: Level::Documented,
    keeps: &[],
    witnesses: &[],
    begin: session::begin,
    client_calls: |_, _| Vec::new(),
    telling_threads: |state| state.leaving_threads().take(1).collect(),
    events: &[EventMask::fnevCriticalError, EventMask::fnevObjectModified],
    most_notified: 1,
    clients_remember_words: false,
    tells_only_who_is_owed: false,
    promises: &[],
    callbacks_take_time: false,
    further_answers: &[],
};

/// These calls, on the first thread, where none is under way.
fn in_turn(
    model: &SessionModel,
    state: &State,
    calls: fn(&SessionModel, &State) -> Vec<Call>,
) -> Vec<(ThreadId, Call)> {
    if state.world.pending.is_empty() {
        calls(model, state).into_iter().map(|call| (ThreadId(0), call)).collect()
    } else {
        Vec::new()
    }
}

const CASTS: [&Cast; 6] =
    [&session::CAST, &members::CAST, &ending::CAST, &process::CAST, &methods::CAST, &race::CAST];

/// Every model, at this level and in this era; at a stricter level, where what a model asks is demanded there only.
pub fn all(demand: Demand) -> Vec<SessionModel> {
    CASTS.iter().map(|cast| model(cast, demand)).collect()
}

/// The model of that name: `session`, `shared`, `ending`, `process`, `methods` or `race`.
pub fn named(name: &str, demand: Demand) -> Option<SessionModel> {
    CASTS.iter().find(|cast| cast.name == name).map(|cast| model(cast, demand))
}

fn model(cast: &'static Cast, demand: Demand) -> SessionModel {
    SessionModel {
        name: cast.name,
        rules: Rules::documented(),
        against: Rules::documented(),
        demand: Demand { level: demand.level.max(cast.from), ..demand },
        keeps: cast.keeps,
        company: Company::default(),
        cast,
    }
}

/// The models in which this requirement has a property, by name.
pub fn models_of(requirement: RequirementId) -> Vec<&'static str> {
    CASTS.iter().filter(|cast| cast.keeps.contains(&requirement)).map(|cast| cast.name).collect()
}

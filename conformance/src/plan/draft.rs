//! A program in the making: the steps so far, and the state they usually lead to.

mod conclusions;
mod observing;
mod settling;
mod winding_down;

use conclusions::Conclusions;
use fixedbitset::FixedBitSet;
use mapi_session_spec::alphabet::{self, Way};
use mapi_session_spec::event::{
    Call, CallId, Callback, ObjectId, RegistrationId, SessionId, SinkId, Target, ThreadId,
};
use mapi_session_spec::flags::{EventMask, LogoffFlags};
use mapi_session_spec::moment::Moment;
use mapi_session_spec::offers;
use mapi_session_spec::outcome::{Ending, Out, Outcome};
use mapi_session_spec::rule::{Check, Moot};
use mapi_session_spec::state::World;

use super::{Brief, Observing, Planned};
use crate::program::{Action, Kept, Place, Program, Step, Wanted};

/// A program in the making.
#[derive(Clone)]
pub struct Draft<'r> {
    brief: Brief<'r>,
    observing: Observing,
    /// The state after the steps so far, if the subject answers as usual.
    pub world: World,
    steps: Vec<Kept>,
    /// The places of the arms that will bear on it.
    aims: FixedBitSet,
    next_call: u32,
    next_object: u16,
    next_session: u16,
    next_sink: u16,
    /// The guard that new steps get.
    guard: Option<(u16, Wanted)>,
    /// The thread that new steps run on.
    pub thread: ThreadId,
    /// New steps are of a race.
    racing: bool,
    leaves_a_ghost: bool,
    /// A Logoff that a person may have cancelled: of which session, and its step's number.
    may_have_been_cancelled: Option<(SessionId, u16)>,
    conclusions: Conclusions,
}

impl<'r> Draft<'r> {
    /// Nothing yet. Sharing is taken to be offered: what rests on it is not exercised where it is not.
    pub(super) fn new(brief: Brief<'r>, observing: Observing) -> Self {
        let mut world = World::default();
        world.process.dialect.sharing = mapi_session_spec::dialect::Sharing::Offered;
        Self {
            brief,
            observing,
            world,
            steps: Vec::new(),
            aims: FixedBitSet::with_capacity(brief.rules.arms().len()),
            next_call: 0,
            next_object: 0,
            next_session: 0,
            next_sink: 0,
            guard: None,
            thread: ThreadId(0),
            racing: false,
            leaves_a_ghost: false,
            may_have_been_cancelled: None,
            conclusions: Conclusions::default(),
        }
    }

    /// The same, and then `MAPIInitialize`, so many times.
    #[must_use]
    pub fn initialised(&self, times: u8) -> Self {
        let mut draft = self.clone();
        for _ in 0..times {
            draft.call(Call::Initialize);
        }
        draft
    }

    /// The same, and how programs end is worked out for each.
    #[cfg(test)]
    pub(super) fn forgetful(&self) -> Self {
        Self { conclusions: Conclusions::forgetful(), ..self.clone() }
    }

    /// Whether a usual subject refuses this call, made now.
    pub fn is_usually_refused(&self, call: Call) -> bool {
        let mut draft = self.clone();
        let (id, _) = draft.begin(call);
        offers::usual(self.brief.rules, self.brief.demand, &draft.world, id)
            .is_some_and(|outcome| !outcome.succeeded())
    }

    /// Whether the programs are those from which the smallest suite is chosen.
    pub fn is_least(&self) -> bool {
        self.observing == Observing::Least
    }

    /// Whether calls may carry a flag that lets the subject wait for a person.
    pub fn may_wait_for_a_person(&self) -> bool {
        self.brief.ui
    }

    /// Adds a call and takes the usual answer. Returns the step's number.
    pub fn call(&mut self, call: Call) -> u16 {
        let (id, index) = self.begin(call);
        let usual = offers::usual(self.brief.rules, self.brief.demand, &self.world, id);
        let outcome = usual.unwrap_or(Outcome::OK);
        self.finish(id, outcome);
        if let Call::LogonEx { session, .. } = call
            && !outcome.succeeded()
            && !self.racing
            && self.observing == Observing::Everything
        {
            self.end_if_it_came(session, index);
        }
        index
    }

    /// Where that logon has succeeded all the same, its session is ended at once: left on, it would haunt its process, and of
    /// what comes there later little could be judged.
    fn end_if_it_came(&mut self, session: SessionId, logon: u16) {
        let guard = self.guard.replace((logon, Wanted::Success));
        for call in [alphabet::plain_logoff(session), Call::Release { target: Target::Session(session) }] {
            self.untracked(Place::Thread(self.thread), call);
        }
        self.guard = guard;
    }

    /// The same, and takes a failure, where one may come as well as a success. Whether one may.
    pub fn call_refused(&mut self, call: Call) -> bool {
        let (id, _) = self.begin(call);
        let ways = offers::may_go_either_way(self.brief.rules, self.brief.demand, &self.world, id);
        let usual = || offers::usual(self.brief.rules, self.brief.demand, &self.world, id);
        let taken = ways.map(|(_, failure)| failure).or_else(usual).unwrap_or(Outcome::OK);
        self.finish(id, taken);
        !taken.succeeded()
    }

    fn begin(&mut self, call: Call) -> (CallId, u16) {
        self.next_call += 1;
        let id = CallId(self.next_call);
        let thread = self.thread;
        let place = if self.racing { Place::Racing { thread, pause: 0 } } else { Place::Thread(thread) };
        self.push(Action::Call(call), place);
        self.world.call(id, self.thread, call);
        self.note_bearing(id);
        if matches!(call, Call::Logoff { .. }) {
            self.note_what_a_told_sink_does();
        }
        self.imagine_callbacks_of(&call);
        let index = (self.steps.len() - 1) as u16;
        if let Some(session) = cancellable(&call) {
            self.may_have_been_cancelled = Some((session, index));
        }
        (id, index)
    }

    fn finish(&mut self, id: CallId, outcome: Outcome) {
        self.world.finish(id, outcome);
    }

    /// Which arms the answer to this call is put to.
    fn note_bearing(&mut self, id: CallId) {
        note_bearing_in(self.brief, &self.world, id, &mut self.aims);
    }

    /// A Logoff is under way: which arms the calls are put to that a sink makes, or has made, when it hears of it.
    fn note_what_a_told_sink_does(&mut self) {
        for step in &self.steps {
            let (Action::Call(call), Some(sink)) = (step.action, step.place.sink()) else { continue };
            let another = ThreadId(u8::from(self.thread == ThreadId(0)));
            let on = if matches!(step.place, Place::Inside(_) | Place::Releasing(_)) {
                self.thread
            } else {
                another
            };
            let (world, id) = while_told(&self.world, self.thread, sink, on, call);
            note_bearing_in(self.brief, &world, id, &mut self.aims);
        }
    }

    /// A sink that is registered is held; one whose registration ends is given back. Imagined so that what the
    /// plan awaits is what a usual subject does.
    fn imagine_callbacks_of(&mut self, call: &Call) {
        let imagined = match *call {
            Call::Advise { sink, .. } => Some((sink, Callback::AddRef)),
            Call::Unadvise { registration, .. } => {
                self.world.registration(registration).map(|r| (r.sink, Callback::Release))
            }
            _ => None,
        };
        if let Some((sink, callback)) = imagined {
            self.next_call += 1;
            let id = CallId(self.next_call);
            self.world.call_back(id, ThreadId(0), sink, callback);
            self.world.finish_callback(id);
        }
    }

    /// These threads' calls race. What the plan imagines is one way to overlap: the first thread's first call is under
    /// way throughout, and has its effect last.
    pub fn race(&mut self, threads: &[(ThreadId, Vec<Call>)]) {
        let main = self.thread;
        let Some(((first, calls), others)) = threads.split_first() else { return };
        self.racing = true;
        self.thread = *first;
        let (id, _) = self.begin(calls[0]);
        for (thread, calls) in others {
            self.thread = *thread;
            for call in calls {
                self.call(*call);
            }
        }
        let usual = offers::usual(self.brief.rules, self.brief.demand, &self.world, id);
        self.finish(id, usual.unwrap_or(Outcome::OK));
        self.thread = *first;
        for call in &calls[1..] {
            self.call(*call);
        }
        self.thread = main;
        self.racing = false;
    }

    /// Adds a step that runs inside, or beside, the first `OnNotify` of a sink. The state does not follow it.
    pub fn at_notification(&mut self, place: Place, call: Call) {
        // Who lets go of its session when it hears may leave it on: the state does not follow what is done there.
        self.leaves_a_ghost |= matches!(call, Call::Release { target: Target::Session(_) });
        self.untracked(place, call);
    }

    /// Adds a call on what only such a step may have brought. The state does not follow it: where there is nothing to
    /// call on, it is not made.
    pub fn ask_what_came_of_it(&mut self, call: Call) {
        self.untracked(Place::Thread(self.thread), call);
    }

    fn push(&mut self, action: Action, place: Place) {
        self.steps.push(Kept::of(Step { action, place, after: self.guard }));
    }

    fn untracked(&mut self, place: Place, call: Call) {
        self.push(Action::Call(call), place);
    }

    /// A client logs on.
    pub fn log_on(&mut self, way: Way) -> SessionId {
        let session = SessionId(self.next_session);
        self.next_session += 1;
        self.call(Call::LogonEx { session, profile: way.profile, flags: way.flags });
        session
    }

    /// A name for the next object.
    pub fn object(&mut self) -> ObjectId {
        self.next_object += 1;
        ObjectId(self.next_object - 1)
    }

    /// A sink of its own is registered on the session.
    pub fn advise(&mut self, session: SessionId, mask: EventMask) -> SinkId {
        let sink = SinkId(self.next_sink);
        let registration = RegistrationId(self.next_sink);
        self.next_sink += 1;
        self.call(Call::Advise { session, mask, sink, registration });
        sink
    }

    /// A sink that is registered already is registered once more.
    pub fn advise_again(&mut self, session: SessionId, mask: EventMask, sink: SinkId) -> RegistrationId {
        let registration = RegistrationId(self.next_sink);
        self.next_sink += 1;
        self.call(Call::Advise { session, mask, sink, registration });
        registration
    }

    /// The session opens an object with this method.
    pub fn open(&mut self, session: SessionId, method: mapi_session_spec::event::Method) -> ObjectId {
        let object = self.object();
        self.call(Call::Method { session, method, flags: 0, object });
        object
    }

    /// Whether some rule could be broken by the answer to this call, made now.
    pub fn is_worth_making(&self, call: &Call) -> bool {
        let mut world = self.world.clone();
        let id = CallId(u32::MAX);
        world.call(id, self.thread, *call);
        let mut owed = world.owed.iter().filter(|owed| !self.world.owed.contains(owed));
        if owed.any(|owed| {
            let bears = |check| matches!(check, Check::Settled { bears, .. } if bears(&world, owed));
            self.brief.rules.demanded_on(self.brief.demand, Moot::Settled).any(|(_, arm)| bears(arm.check))
        }) {
            return true;
        }
        let Some(pending) = world.pending.iter().find(|pending| pending.id == id) else { return false };
        let moment = Moment::new(&world, pending, self.brief.demand.era);
        self.brief
            .rules
            .bearing(&moment, self.brief.demand.level)
            .any(|(_, arm)| matches!(arm.check, Check::Return { .. }))
    }

    /// Whether some rule is broken if this call, made on another thread while the sink hears of that Logoff, never ends.
    pub fn may_not_wait_for(&self, sink: SinkId, logoff: Call, call: Call) -> bool {
        let mut world = self.world.clone();
        world.call(CallId(u32::MAX - 2), ThreadId(0), logoff);
        let (world, id) = while_told(&world, ThreadId(0), sink, ThreadId(1), call);
        let never = Outcome { ending: Ending::Hung, out: Out::None };
        !offers::is_allowed(self.brief.rules, self.brief.demand, &world, id, never)
    }

    /// Makes the call, the edge that the program is about, and ends the program for whichever way it goes: observes,
    /// settles, winds down.
    pub fn edge(self, call: Call) -> Planned {
        self.edge_then(call, |_| {})
    }

    /// The same, with more to do after the edge where it went as usual.
    pub fn edge_then(self, call: Call, then: impl Fn(&mut Self)) -> Planned {
        self.edge_whichever(call, &then, &|_| {}, &then)
    }

    /// The same, and with something to do where it failed.
    pub fn edge_either(self, call: Call, then: impl Fn(&mut Self), otherwise: impl Fn(&mut Self)) -> Planned {
        self.edge_whichever(call, &then, &otherwise, &otherwise)
    }

    /// The same, and with something to do where it was sure to fail.
    fn edge_whichever(
        mut self,
        call: Call,
        then: &dyn Fn(&mut Self),
        otherwise: &dyn Fn(&mut Self),
        refused: &dyn Fn(&mut Self),
    ) -> Planned {
        let (id, index) = self.begin(call);
        let ways = offers::may_go_either_way(self.brief.rules, self.brief.demand, &self.world, id);
        if let Some((success, failure)) = ways {
            self.may_have_been_cancelled = None;
            let mut other = self.clone();
            self.finish(id, success);
            self.guard = Some((index, Wanted::Success));
            then(&mut self);
            self.conclude();
            other.finish(id, failure);
            other.guard = Some((index, Wanted::Failure));
            let shared = other.steps.len();
            otherwise(&mut other);
            other.conclude();
            self.steps.extend_from_slice(&other.steps[shared..]);
            self.aims.union_with(&other.aims);
            self.leaves_a_ghost |= other.leaves_a_ghost;
        } else {
            let usual = offers::usual(self.brief.rules, self.brief.demand, &self.world, id);
            let usual = usual.unwrap_or(Outcome::OK);
            self.finish(id, usual);
            if usual.succeeded() {
                then(&mut self);
            } else {
                refused(&mut self);
            }
            self.conclude();
        }
        self.planned()
    }

    /// Ends the program where it is.
    pub fn end(mut self) -> Planned {
        self.conclude();
        self.planned()
    }

    /// The same, in a process of its own.
    pub fn end_alone(self) -> Planned {
        Planned { alone: true, ..self.end() }
    }

    fn planned(self) -> Planned {
        let program = Program { steps: self.steps };
        let leaves_a_ghost = self.leaves_a_ghost;
        let aims = self.aims.ones().map(|arm| arm as u16).collect();
        Planned { program, aims, alone: false, leaves_a_ghost, race: None }
    }
}

/// Notes which arms the answer to this call, under way in this world, is put to.
fn note_bearing_in(brief: Brief, world: &World, id: CallId, aims: &mut FixedBitSet) {
    let Some(pending) = world.pending.iter().find(|pending| pending.id == id) else { return };
    let moment = Moment::new(world, pending, brief.demand.era);
    aims.extend(brief.rules.bearing(&moment, brief.demand.level).map(|(i, _)| i));
}

/// The session, if the call is a Logoff that may wait for a person.
fn cancellable(call: &Call) -> Option<SessionId> {
    match call {
        Call::Logoff { session, flags, .. } if flags.has(LogoffFlags::MAPI_LOGOFF_UI) => Some(*session),
        _ => None,
    }
}

/// What may be when a sink hears on one thread, and this call is made on another, or on the same from inside it.
fn while_told(world: &World, told_on: ThreadId, sink: SinkId, on: ThreadId, call: Call) -> (World, CallId) {
    let (told, id) = (CallId(u32::MAX - 1), CallId(u32::MAX));
    let mut world = world.clone();
    world.call_back(told, told_on, sink, Callback::OnNotify { events: EventMask::END_OF_SESSION });
    world.call(id, on, call);
    (world, id)
}

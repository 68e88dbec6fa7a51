//! Belief over a stream of events: what was broken, by whom, and what was truly put to the test.

use crate::event::{CallId, Callback, Event, SinkId, ThreadId};
use crate::moment::Moment;
use crate::outcome::{Ending, Out, Outcome};
use crate::party::Party;
use crate::phase::{Phase, Phases};
use crate::requirement::RequirementId;
use crate::rule::{Arm, Check, Demand, Hearing, Moot, Rules};
use crate::state::{Hush, Owed, OwedKind, World};

/// What kind of fault a deviation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A result code that is not allowed.
    WrongResult,
    /// The code would do, the out parameter does not.
    BadOutParameter,
    /// Something that had to be called was not.
    MissingCallback,
    /// A sink was called that must not be, or with what must not come.
    UnexpectedCallback,
    /// A sink was called for what it had been called for before.
    RepeatedCallback,
    /// A sink was called when all that it was to hear had come.
    LateCallback,
    /// The right things in the wrong order.
    Order,
    /// A pointer is another's.
    Identity,
    /// A reference too many or too few.
    Lifetime,
    /// The process died.
    Crash,
    /// The call did not return.
    Hang,
    /// The process left.
    Exit,
    /// An exception crossed the interface.
    Exception,
    /// The client broke its duty.
    Protocol,
}

impl Kind {
    /// It is one callback too many, and may have been on its way when it was thought that all had come.
    pub const fn may_be_of_before(self) -> bool {
        matches!(self, Self::RepeatedCallback | Self::LateCallback)
    }

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongResult => "wrong-result",
            Self::BadOutParameter => "bad-out-parameter",
            Self::MissingCallback => "missing-callback",
            Self::UnexpectedCallback => "unexpected-callback",
            Self::RepeatedCallback => "repeated-callback",
            Self::LateCallback => "late-callback",
            Self::Order => "order",
            Self::Identity => "identity",
            Self::Lifetime => "lifetime",
            Self::Crash => "crash",
            Self::Hang => "hang",
            Self::Exit => "exit",
            Self::Exception => "exception",
            Self::Protocol => "protocol",
        }
    }
}

/// One rule broken at one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deviation {
    /// The place of the arm in the rules.
    pub arm: usize,
    /// The requirement it decides.
    pub requirement: RequirementId,
    /// Who broke it.
    pub blame: Party,
    /// What kind of fault.
    pub kind: Kind,
    /// The place of the event in the trace, from 0.
    pub event: usize,
    /// The call or callback it happened to, where it is one.
    pub call: Option<CallId>,
    /// What was owed, where that was at stake once the subject had settled.
    pub debt: Option<OwedKind>,
}

/// Something that could not be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inconclusive {
    /// The requirement, where one was at stake.
    pub requirement: Option<RequirementId>,
    /// The place of the event in the trace, from 0.
    pub event: usize,
    /// Why, in a few words.
    pub why: &'static str,
}

/// What a trace showed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// The rules that were broken, in the order they were.
    pub deviations: Vec<Deviation>,
    /// The places of the arms that bore on an observation which could have broken them, ascending.
    pub bound: Vec<usize>,
    /// What could not be decided.
    pub inconclusive: Vec<Inconclusive>,
    /// A call did not come back where the caller is to blame or no rule decides: what would have come after says nothing.
    pub forfeited: bool,
}

/// Judges one trace.
#[derive(Debug, Clone)]
pub struct Judge<'r> {
    rules: &'r Rules,
    demand: Demand,
    /// What is remembered of the trace so far.
    pub world: World,
    verdict: Verdict,
    events: usize,
    holds_client: bool,
    bound: Vec<bool>,
    /// The places of the rules that bore on the last event, and whether each allowed it.
    bore: Vec<(usize, bool)>,
}

impl<'r> Judge<'r> {
    /// A judge of a trace that starts in `world`. The client is held too if `holds_client`.
    pub fn new(rules: &'r Rules, demand: Demand, world: World, holds_client: bool) -> Self {
        let bound = vec![false; rules.arms().len()];
        Self {
            rules,
            demand,
            world,
            verdict: Verdict::default(),
            events: 0,
            holds_client,
            bound,
            bore: Vec::new(),
        }
    }

    /// One more event.
    pub fn observe(&mut self, event: &Event) {
        self.bore.clear();
        match *event {
            Event::Call { id, thread, call } => {
                if self.holds_client {
                    self.check_duty(id, &call);
                }
                self.world.call(id, thread, call);
            }
            Event::Return { id, outcome } => self.check_return(id, outcome),
            Event::Callback { id, thread, sink, callback } => {
                self.check_callback(id, thread, sink, callback);
                self.world.call_back(id, thread, sink, callback);
            }
            Event::CallbackReturn { id } => self.world.finish_callback(id),
            Event::Settled { .. } | Event::End => {
                self.check_settled();
                self.world.settle();
                if self.holds_client && matches!(event, Event::End) {
                    self.check_closing();
                }
            }
        }
        self.events += 1;
    }

    /// The trace stops here, and not because it is whole: what was under way, or had to be done yet, nobody knows.
    pub fn stops_short(&mut self) {
        let mut open = Vec::new();
        if !self.world.pending.is_empty() {
            open.push((None, "the trace stops inside a call"));
        }
        for (_, arm) in self.rules.demanded_on(self.demand, Moot::Closing).filter(|_| self.holds_client) {
            let Check::Closing { bears, done } = arm.check else { continue };
            if bears(&self.world) && !done(&self.world) {
                open.push((Some(arm.requirement), "the trace stops before its end"));
            }
        }
        let event = self.events;
        let open = open.into_iter().map(|(requirement, why)| Inconclusive { requirement, event, why });
        self.verdict.inconclusive.extend(open);
    }

    /// Events are missing here. What was known before them is not known any more.
    pub fn lose_track(&mut self) {
        let why = "events are missing: what they did is unknown";
        self.verdict.inconclusive.push(Inconclusive { requirement: None, event: self.events, why });
        self.world.lose_track();
    }

    fn arms_that_bound(&self) -> Vec<usize> {
        self.bound.iter().enumerate().filter(|(_, bound)| **bound).map(|(i, _)| i).collect()
    }

    /// What the trace showed. What is still owed, in a trace without an end, stays undecided.
    pub fn verdict(mut self) -> Verdict {
        let unheard = |owed: &&Owed| {
            matches!(owed.kind, OwedKind::Untold { heard: false, .. } | OwedKind::Hushed { heard: false, .. })
        };
        for owed in self.world.owed.iter().filter(|owed| !owed.paid && !unheard(owed)) {
            let requirement = self.at_stake(owed);
            if requirement.is_some() {
                let why = "the trace stops before the subject has settled";
                self.verdict.inconclusive.push(Inconclusive { requirement, event: self.events, why });
            }
        }
        self.verdict.bound = self.arms_that_bound();
        self.verdict
    }

    /// The places of the rules that bore on the last event, and whether each allowed it: why the judge goes on as it
    /// does.
    pub fn bore(&self) -> &[(usize, bool)] {
        &self.bore
    }

    /// Nothing was broken so far, and nothing left undecided.
    pub fn has_nothing_to_say(&self) -> bool {
        let Verdict { deviations, bound: _, inconclusive, forfeited } = &self.verdict;
        deviations.is_empty() && inconclusive.is_empty() && !forfeited
    }

    /// The rules that were broken so far.
    pub fn deviations(&self) -> &[Deviation] {
        &self.verdict.deviations
    }

    /// The same, and they are not kept for the verdict: a trace of any length can be judged.
    pub fn take_deviations(&mut self) -> Vec<Deviation> {
        std::mem::take(&mut self.verdict.deviations)
    }

    fn at_stake(&self, owed: &Owed) -> Option<RequirementId> {
        self.rules
            .demanded_on(self.demand, Moot::Settled)
            .find(|(_, arm)| matches!(arm.check, Check::Settled { bears, .. } if bears(&self.world, owed)))
            .map(|(_, arm)| arm.requirement)
    }

    fn accuse(
        &mut self,
        arm: usize,
        requirement: RequirementId,
        blame: Party,
        kind: Kind,
        call: Option<CallId>,
    ) {
        let event = self.events;
        let debt = None;
        self.verdict.deviations.push(Deviation { arm, requirement, blame, kind, event, call, debt });
    }

    fn check_duty(&mut self, id: CallId, call: &crate::event::Call) {
        let broken: Vec<(usize, RequirementId)> = self
            .rules
            .demanded_on(self.demand, Moot::Duty)
            .filter_map(|(i, arm)| match arm.check {
                Check::Duty { bears, allows } if bears(&self.world, call) => {
                    self.bound[i] = true;
                    let kept = allows(&self.world, call, self.demand.era);
                    self.bore.push((i, kept));
                    (!kept).then_some((i, arm.requirement))
                }
                _ => None,
            })
            .collect();
        for (arm, requirement) in broken {
            self.accuse(arm, requirement, Party::Client, Kind::Protocol, Some(id));
        }
    }

    fn check_closing(&mut self) {
        for (i, arm) in self.rules.demanded_on(self.demand, Moot::Closing) {
            let Check::Closing { bears, done } = arm.check else { continue };
            if bears(&self.world) {
                self.bound[i] = true;
                self.bore.push((i, done(&self.world)));
                if !done(&self.world) {
                    self.verdict.deviations.push(Deviation {
                        arm: i,
                        requirement: arm.requirement,
                        blame: Party::Client,
                        kind: Kind::Protocol,
                        event: self.events,
                        call: None,
                        debt: None,
                    });
                }
            }
        }
    }

    fn check_return(&mut self, id: CallId, outcome: Outcome) {
        let Some(pending) = self.world.pending.iter().find(|pending| pending.id == id).copied() else {
            return;
        };
        let moment = Moment::new(&self.world, &pending, self.demand.era);
        let mut broken = Vec::new();
        for (i, arm) in self.rules.bearing(&moment, self.demand.level) {
            self.bound[i] = true;
            let kept = arm.allows(&moment, &outcome);
            self.bore.push((i, kept));
            if !kept {
                broken.push((i, arm.requirement, kind_of_return(arm, &moment, &outcome)));
            }
        }
        let alive = moment.alive() || moment.first_logoff();
        let dead = moment.dead();
        for (arm, requirement, kind) in &broken {
            self.accuse(*arm, *requirement, Party::Session, *kind, Some(id));
        }
        if broken.is_empty() && !outcome.came_back() {
            // What a call from inside a callback may wait for is undecided where no rule bears, and the client asked for it.
            if outcome.hung() && !dead && !pending.nested {
                let why = "the call did not return, and no document says how long it may take";
                self.verdict.inconclusive.push(Inconclusive { requirement: None, event: self.events, why });
            } else {
                self.verdict.forfeited = true;
            }
        }
        let session = self.world.session_of(&pending.call);
        self.world.finish(id, outcome);
        if !broken.is_empty() && alive && !outcome.succeeded() {
            // What a subject did that no rule allows leaves it in any state: go on with both.
            if let Some(session) = session.and_then(|id| self.world.session_mut(id))
                && session.is_logged_on()
            {
                session.phases = Phases::only(Phase::LoggedOn).or(Phases::only(Phase::LoggedOff));
            }
        }
    }

    fn check_callback(&mut self, id: CallId, thread: ThreadId, sink: SinkId, callback: Callback) {
        let hearing = &Hearing { world: &self.world, thread, sink, callback };
        let mut broken = Vec::new();
        for (i, arm) in self.rules.demanded_on(self.demand, Moot::Callback) {
            let Check::Callback { bears, allows } = arm.check else { continue };
            if !bears(hearing) {
                continue;
            }
            self.bound[i] = true;
            let kept = allows(hearing);
            self.bore.push((i, kept));
            if !kept {
                let kind = match hearing.callback {
                    Callback::OnNotify { .. } => Kind::UnexpectedCallback,
                    _ => Kind::Lifetime,
                };
                broken.push((i, arm.requirement, kind));
            }
        }
        for (arm, requirement, kind) in broken {
            self.accuse(arm, requirement, Party::Session, kind, Some(id));
        }
    }

    fn check_settled(&mut self) {
        let mut broken = Vec::new();
        for owed in self.world.owed.iter().filter(|owed| !owed.lapsed && self.world.is_due(owed)) {
            for (i, arm) in self.rules.demanded_on(self.demand, Moot::Settled) {
                let Check::Settled { bears, paid } = arm.check else { continue };
                if !bears(&self.world, owed) {
                    continue;
                }
                self.bound[i] = true;
                let kept = paid(&self.world, owed);
                self.bore.push((i, kept));
                if !kept {
                    let kind = match owed.kind {
                        OwedKind::Told { .. } if crate::rules::tells_again(&self.world, owed) => {
                            Kind::RepeatedCallback
                        }
                        OwedKind::Told { .. } => Kind::MissingCallback,
                        OwedKind::Hushed { why: Hush::Again, .. } => Kind::RepeatedCallback,
                        OwedKind::Hushed { why: Hush::Left, .. } => Kind::LateCallback,
                        OwedKind::Untold { .. } | OwedKind::Hushed { .. } => Kind::UnexpectedCallback,
                        OwedKind::Unadvised { .. } | OwedKind::Abandoned { .. } => Kind::Lifetime,
                    };
                    broken.push(Deviation {
                        arm: i,
                        requirement: arm.requirement,
                        blame: Party::Session,
                        kind,
                        event: self.events,
                        call: None,
                        debt: Some(owed.kind),
                    });
                }
            }
        }
        self.verdict.deviations.extend(broken);
    }
}

/// What the fault is: how the call ended, or else which half of the answer would have to change.
fn kind_of_return(arm: &Arm, moment: &Moment, outcome: &Outcome) -> Kind {
    let Check::Return { allows, .. } = arm.check else { return Kind::Protocol };
    match outcome.ending {
        Ending::Crashed(_) => Kind::Crash,
        Ending::Hung => Kind::Hang,
        Ending::Exited(_) => Kind::Exit,
        Ending::Threw => Kind::Exception,
        Ending::Returned(_) => {
            let others = [Out::Null, Out::Unchanged, Out::Object, Out::Value(1), Out::None];
            let out_is_to_blame = others.iter().any(|out| allows(moment, &Outcome { out: *out, ..*outcome }));
            match (out_is_to_blame, outcome.out) {
                (true, Out::SameAs(_)) => Kind::Identity,
                (true, _) => Kind::BadOutParameter,
                (false, _) => Kind::WrongResult,
            }
        }
    }
}

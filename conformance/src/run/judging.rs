//! Many traces to verdicts: on all cores, what they have in common once for all of them, and each only once however often
//! the verdicts are asked for.

use mapi_session_spec::automaton::Automaton;
use mapi_session_spec::dialect::{Dialect, Inference};
use mapi_session_spec::event::Event;
use mapi_session_spec::judge::{Judge, Verdict};
use mapi_session_spec::requirement::Family;
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::{LogonsThatWorked, World};
use mapi_session_spec::symbols::Symbol;

use super::{Past, Ran, Request};
use crate::cores::{cores, with_tools};
use crate::isolation::parent::{Observed, SharedSymbols};

/// What is judged of one trace.
#[derive(Clone, Copy)]
pub(super) struct Showing<'a> {
    pub(super) past: Past,
    pub(super) observed: &'a Observed,
}

/// What one trace came to.
struct Judged {
    /// By which it is told whether more has come since.
    seen: Seen,
    /// What it was judged to have come after.
    past: Past,
    leaves_a_ghost: bool,
    logon_worked: LogonsThatWorked,
    verdict: Verdict,
}

/// How many events there were, and the last: what is seen of a trace grows, and its end is taken back if it does.
type Seen = (usize, Option<Symbol>);

fn seen(trace: &[Symbol]) -> Seen {
    (trace.len(), trace.last().copied())
}

/// Judges the traces of one run.
pub(super) struct Judging<'a> {
    judges: Judges<'a>,
    /// All processes are one: the subject runs in this.
    shares_all: bool,
    /// What was seen of the dialect before all was.
    inference: Inference,
    /// The dialect in which all that is known was judged.
    dialect: Option<Dialect>,
    /// Which logons worked in the traces that were foreseen so far.
    logon_worked: LogonsThatWorked,
    /// What is known, by the trace's place.
    known: Vec<Option<Judged>>,
}

pub(super) fn judged<'r>(rules: &'r Rules, demand: Demand, start: World, events: &[Event]) -> Judge<'r> {
    let mut judge = Judge::new(rules, demand, start, false);
    for event in events {
        judge.observe(event);
    }
    judge
}

impl<'a> Judging<'a> {
    pub(super) fn new(request: &Request<'a>, symbols: &SharedSymbols) -> Self {
        Self {
            judges: Judges::new(request, symbols.clone()),
            shares_all: !request.setting.has_a_process_of_its_own(),
            inference: Inference::default(),
            dialect: None,
            logon_worked: LogonsThatWorked::default(),
            known: Vec::new(),
        }
    }

    /// Judges these, the traces from that place on, before it is certain that nothing more will come of them: while the
    /// subject runs, or is listened to, there is time. What proves to be another trace, or in another dialect, is judged
    /// again.
    pub(super) fn foresee(&mut self, from: usize, showings: &[Showing]) {
        for showing in showings.iter().filter(|showing| showing.observed.speaks) {
            if self.inference.is_certain() {
                break;
            }
            self.inference.learn(&showing.observed.events());
        }
        let dialect = self.inference.dialect();
        self.speak(dialect);
        let logon_worked = self.logon_worked;
        let guess = |past| Past { logon_worked, ..past };
        let guessed: Vec<Showing> =
            showings.iter().map(|showing| Showing { past: guess(showing.past), ..*showing }).collect();
        let judged = self.judges.judge(dialect, &guessed);
        self.logon_worked = judged.iter().fold(logon_worked, |worked, judged| worked.or(judged.logon_worked));
        self.know((from..).zip(judged));
    }

    fn know(&mut self, judged: impl Iterator<Item = (usize, Judged)>) {
        for (place, judged) in judged {
            if place >= self.known.len() {
                self.known.resize_with(place + 1, || None);
            }
            self.known[place] = Some(judged);
        }
    }

    fn known(&self, place: usize) -> Option<&Judged> {
        self.known.get(place)?.as_ref()
    }

    /// This is the dialect: what was judged in another is not known any more.
    fn speak(&mut self, dialect: Dialect) {
        if self.dialect.replace(dialect) != Some(dialect) {
            self.known.clear();
        }
    }

    /// The verdict on every trace. What one leaves behind bears on those that came after it in its process.
    pub(super) fn verdicts(&mut self, ran: &[Ran], dialect: Dialect) -> Vec<&Verdict> {
        self.speak(dialect);
        let has_changed = |(i, ran): (usize, &Ran)| match self.known(i) {
            None => Some((i, ran.past)),
            Some(judged) => (judged.seen != seen(ran.observed.trace())).then_some((i, judged.past)),
        };
        let changed = ran.iter().enumerate().filter_map(has_changed).collect();
        self.learn(ran, dialect, changed);
        let actual = self.pasts(ran);
        let is_wrong = |(i, past): &(usize, Past)| self.known(*i).is_none_or(|judged| judged.past != *past);
        let wrong = actual.into_iter().enumerate().filter(is_wrong).collect();
        self.learn(ran, dialect, wrong);
        let by_place = |i| self.known(i).map(|judged| &judged.verdict);
        let verdicts: Vec<&Verdict> = (0..ran.len()).filter_map(by_place).collect();
        debug_assert_eq!(verdicts.len(), ran.len(), "a verdict for each trace, at its place");
        verdicts
    }

    /// What came before each trace in its process, as what is known of those traces says.
    fn pasts(&self, ran: &[Ran]) -> Vec<Past> {
        let mut process = None;
        let mut past = Past::default();
        let before_each = |(i, ran): (usize, &Ran)| {
            if !self.shares_all && process.replace(ran.process) != Some(ran.process) {
                past = Past::default();
            }
            let before = Past { fresh: ran.past.fresh, ..past };
            if let Some(judged) = self.known(i) {
                past.haunted |= judged.leaves_a_ghost;
                past.logon_worked = past.logon_worked.or(judged.logon_worked);
            }
            before
        };
        ran.iter().enumerate().map(before_each).collect()
    }

    /// Judges the traces of these places, after these pasts.
    fn learn(&mut self, ran: &[Ran], dialect: Dialect, which: Vec<(usize, Past)>) {
        let showing = |(i, past): &(usize, Past)| Showing { past: *past, observed: &ran[*i].observed };
        let judged = self.judges.judge(dialect, &which.iter().map(showing).collect::<Vec<_>>());
        self.know(which.into_iter().map(|(i, _)| i).zip(judged));
    }
}

/// A judge for each core.
struct Judges<'a> {
    automata: Vec<Automaton<'a>>,
    /// The list that the traces are written in.
    symbols: SharedSymbols,
    the_last_release_ends_it: bool,
}

impl<'a> Judges<'a> {
    fn new(request: &Request<'a>, symbols: SharedSymbols) -> Self {
        let Request { rules, demand, .. } = *request;
        let ends_it = Family::Unk.id(14);
        Self {
            automata: (0..cores()).map(|_| Automaton::new(rules, demand)).collect(),
            symbols,
            the_last_release_ends_it: rules.demanded(demand).any(|(_, arm)| arm.requirement == ends_it),
        }
    }

    fn judge(&mut self, dialect: Dialect, showings: &[Showing]) -> Vec<Judged> {
        let ends_it = self.the_last_release_ends_it;
        let symbols = &*self.symbols.read();
        with_tools(&mut self.automata, showings, &|automaton, showing| {
            let trace = showing.observed.trace();
            let (verdict, end) = automaton.judge(&showing.past.start(dialect), symbols, trace);
            Judged {
                seen: seen(trace),
                past: showing.past,
                leaves_a_ghost: end.leaves_a_ghost(ends_it),
                logon_worked: end.process.logon_worked,
                verdict,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mapi_session_spec::dialect::infer;
    use mapi_session_spec::event::{Call, CallId, ThreadId};
    use mapi_session_spec::hresult::HResult;
    use mapi_session_spec::outcome::{Out, Outcome};
    use mapi_session_spec::{Era, Level};

    use super::*;
    use crate::Subject;
    use crate::isolation::parent::Setting;

    /// `MAPIInitialize` in a process where it was not called before, answered with this.
    fn initialised(code: HResult) -> Vec<Event> {
        let id = CallId(1);
        vec![
            Event::Call { id, thread: ThreadId(0), call: Call::Initialize },
            Event::Return { id, outcome: Outcome::returned(code, Out::None) },
            Event::End,
        ]
    }

    #[test]
    fn what_was_foreseen_stands_unless_more_has_come_since() {
        let setting = Setting {
            program: None,
            subject: Subject::Reference,
            profile: None,
            timeout: None,
            settle: Duration::ZERO,
            patience: 0,
            linger: Duration::ZERO,
        };
        let rules = Rules::documented();
        let demand = Demand { level: Level::Robust, era: Era::FastShutdown };
        let request =
            Request { setting: &setting, rules: &rules, demand, planned: &[], seed: 0, selected: &|_| true };
        let past = Past::none(true);
        let (good, bad) = (initialised(HResult::S_OK), initialised(HResult::MAPI_E_CALL_FAILED));
        let symbols = SharedSymbols::default();
        let observed = |events: &[Event]| Observed::showing(&symbols, events);
        let ran = |events: &[Event]| Ran { program: 0, observed: observed(events), past, process: 0 };
        let mut judging = Judging::new(&request, &symbols);
        let foreseen = [observed(&good[..1]), observed(&bad)];
        judging.foresee(0, &foreseen.each_ref().map(|observed| Showing { past, observed }));
        // The first trace has grown. What is shown here as the second is another, of the same length, so that it can be
        // seen whether it was looked at.
        let ran = [ran(&bad), ran(&good), ran(&good)];
        let verdicts = judging.verdicts(&ran, infer([bad.as_slice()]));
        let broken: Vec<bool> = verdicts.iter().map(|verdict| !verdict.deviations.is_empty()).collect();
        assert_eq!(broken, [true, true, false]);
    }
}

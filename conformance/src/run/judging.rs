//! Many traces to verdicts: on all cores, those that show the same once for all of them, and each only once however often
//! the verdicts are asked for.

use std::collections::BTreeMap;

use mapi_session_spec::dialect::{self, Dialect};
use mapi_session_spec::event::Event;
use mapi_session_spec::judge::{Judge, Verdict};
use mapi_session_spec::requirement::Family;
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::World;

use super::{Past, Ran, Request};
use crate::alike::first_alike;
use crate::cores::on_all_cores;

/// What is judged of one trace.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Showing<'a> {
    pub(super) past: Past,
    pub(super) events: &'a [Event],
}

/// What one trace came to.
#[derive(Clone)]
struct Judged {
    leaves_a_ghost: bool,
    verdict: Verdict,
}

/// Judges the traces of one run.
pub(super) struct Judging<'a> {
    rules: &'a Rules,
    demand: Demand,
    the_last_release_ends_it: bool,
    /// All processes are one: the subject runs in this.
    shares_all: bool,
    /// The dialect in which all that is known was judged.
    dialect: Option<Dialect>,
    /// What is known, by the trace's place, and how many events it had.
    known: BTreeMap<usize, (usize, Judged)>,
    /// The same, of those before which something was left behind in their process.
    haunted: BTreeMap<usize, (usize, Judged)>,
}

pub(super) fn judged<'r>(rules: &'r Rules, demand: Demand, start: World, events: &[Event]) -> Judge<'r> {
    let mut judge = Judge::new(rules, demand, start, false);
    for event in events {
        judge.observe(event);
    }
    judge
}

impl<'a> Judging<'a> {
    pub(super) fn new(request: &Request<'a>) -> Self {
        let ends_it = Family::Unk.id(14);
        Self {
            rules: request.rules,
            demand: request.demand,
            the_last_release_ends_it: request
                .rules
                .demanded(request.demand)
                .any(|(_, arm)| arm.requirement == ends_it),
            shares_all: !request.setting.has_a_process_of_its_own(),
            dialect: None,
            known: BTreeMap::new(),
            haunted: BTreeMap::new(),
        }
    }

    /// Judges these, the traces from that place on, before it is certain that nothing more will come of them: while the
    /// subject is listened to, there is time. What proves to be another trace, or in another dialect, is judged again.
    pub(super) fn foresee(&mut self, from: usize, showings: &[Showing]) {
        let guess = || dialect::infer(showings.iter().map(|showing| showing.events));
        let dialect = *self.dialect.get_or_insert_with(guess);
        let judged = self.judge_each_kind_once(dialect, showings);
        let lengths = showings.iter().map(|showing| showing.events.len());
        self.known.extend((from..).zip(lengths.zip(judged)));
    }

    /// The verdict on every trace. What one leaves behind bears on those that came after it in its process.
    pub(super) fn verdicts(&mut self, ran: &[Ran], dialect: Dialect) -> Vec<&Verdict> {
        if self.dialect.replace(dialect) != Some(dialect) {
            self.known.clear();
            self.haunted.clear();
        }
        let showing = |i: usize| Showing { past: ran[i].past, events: &ran[i].observed.events };
        let known = self.learn(&self.known, dialect, 0..ran.len(), &showing);
        self.known.extend(known);
        let mut left_in = None;
        let mut haunted = Vec::new();
        for (i, ran) in ran.iter().enumerate() {
            if left_in.is_some_and(|process| self.shares_all || process == ran.process) {
                haunted.push(i);
            }
            if self.known.get(&i).is_some_and(|(_, judged)| judged.leaves_a_ghost) {
                left_in = Some(ran.process);
            }
        }
        let after_a_ghost = |i| {
            let showing = showing(i);
            Showing { past: Past { haunted: true, ..showing.past }, ..showing }
        };
        let again = self.learn(&self.haunted, dialect, haunted.iter().copied(), &after_a_ghost);
        self.haunted.extend(again);
        let is_haunted = |i: &usize| haunted.binary_search(i).is_ok();
        let by_place = |i| if is_haunted(&i) { self.haunted.get(&i) } else { self.known.get(&i) };
        let verdicts: Vec<&Verdict> =
            (0..ran.len()).filter_map(by_place).map(|(_, judged)| &judged.verdict).collect();
        debug_assert_eq!(verdicts.len(), ran.len(), "a verdict for each trace, at its place");
        verdicts
    }

    /// Judges those of these places that are not known, or have changed: what was seen of a trace only grows, so that its
    /// length tells.
    fn learn<'t>(
        &self,
        known: &BTreeMap<usize, (usize, Judged)>,
        dialect: Dialect,
        places: impl Iterator<Item = usize>,
        showing: &impl Fn(usize) -> Showing<'t>,
    ) -> Vec<(usize, (usize, Judged))> {
        let is_new = |i: &usize| known.get(i).is_none_or(|(length, _)| *length != showing(*i).events.len());
        let (places, showings): (Vec<usize>, Vec<Showing>) =
            places.filter(is_new).map(|i| (i, showing(i))).unzip();
        let judged = self.judge_each_kind_once(dialect, &showings);
        let lengths = showings.iter().map(|showing| showing.events.len());
        places.into_iter().zip(lengths.zip(judged)).collect()
    }

    /// Judges one of those that show the same, for all of them: the rounds of a race differ in a few ways only.
    fn judge_each_kind_once(&self, dialect: Dialect, showings: &[Showing]) -> Vec<Judged> {
        let first = first_alike(showings, |showing| *showing);
        let is_first = |(place, first): (usize, &usize)| (place == *first).then(|| showings[place]);
        let different: Vec<Showing> = first.iter().enumerate().filter_map(is_first).collect();
        let mut judged = on_all_cores(&different, &|showing| self.judge(dialect, *showing)).into_iter();
        let mut all: Vec<Judged> = Vec::with_capacity(showings.len());
        for (place, first) in first.into_iter().enumerate() {
            let of_it = if place == first { judged.next() } else { all.get(first).cloned() };
            all.extend(of_it);
        }
        all
    }

    fn judge(&self, dialect: Dialect, showing: Showing) -> Judged {
        let judge = judged(self.rules, self.demand, showing.past.start(dialect), showing.events);
        let leaves_a_ghost = judge.world.leaves_a_ghost(self.the_last_release_ends_it);
        Judged { leaves_a_ghost, verdict: judge.verdict() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mapi_session_spec::event::{Call, CallId, ThreadId};
    use mapi_session_spec::hresult::HResult;
    use mapi_session_spec::outcome::{Out, Outcome};
    use mapi_session_spec::{Era, Level};

    use super::*;
    use crate::Subject;
    use crate::isolation::parent::{Observed, Setting};

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
        let ran = |events: &[Event]| Ran {
            program: 0,
            observed: Observed { events: events.to_vec(), ..Observed::default() },
            past,
            process: 0,
        };
        let mut judging = Judging::new(&request);
        judging.foresee(0, &[Showing { past, events: &good[..1] }, Showing { past, events: &bad }]);
        // The first trace has grown. What is shown here as the second is another, of the same length, so that it can be
        // seen whether it was looked at.
        let ran = [ran(&bad), ran(&good), ran(&good)];
        let verdicts = judging.verdicts(&ran, dialect::infer([bad.as_slice()]));
        let broken: Vec<bool> = verdicts.iter().map(|verdict| !verdict.deviations.is_empty()).collect();
        assert_eq!(broken, [true, true, false]);
    }
}

//! The judge as an automaton that is built while it is used, for many traces that have much in common.
//!
//! What is remembered ([`World`]) and the next event decide what is remembered next and which rules bore on it: each such
//! step is worked out once, by [`Judge`], and looked up from then on. Engines for regular expressions build their
//! automata so (R. Cox, "Regular Expression Matching in the Wild", 2010, on the lazily built DFA of RE2).
//!
//! Where traces have little in common, keeping what nobody looks up would cost more than it saves: learning is paid for
//! with what was saved.

use std::borrow::Cow;

use fixedbitset::FixedBitSet;
use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::event::Event;
use crate::judge::{Judge, Verdict};
use crate::rule::{Demand, Rules};
use crate::state::World;
use crate::symbols::{Key, Symbol, Symbols};

/// How many states and steps are kept at most: some tens of megabytes.
const MOST: usize = 1 << 16;

/// How many steps that are looked up save what one costs that is learnt.
const COST: u32 = 32;
/// What learning may cost before anything was saved: some milliseconds.
const ADVANCE: u32 = 2_048 * COST;

/// A step that nothing can be said against.
#[derive(Debug, Clone, Copy)]
struct Step {
    to: u32,
    /// Which rules bore: a place in [`Automaton::bore`].
    bore: u32,
}

/// What one more event comes to.
enum Next<'r> {
    Step(Step),
    /// Something is broken or left undecided.
    ToTheJudge,
    /// It was worked out, and is not kept.
    Beyond(Box<Judge<'r>>),
}

/// Where a trace has come to that nothing can be said against.
enum At<'r> {
    Known(u32),
    /// What is peculiar about a call is mostly forgotten when it has come back: then it is looked whether this is known.
    BeyondForACall(Box<Judge<'r>>),
    Beyond(Box<Judge<'r>>),
}

/// Judges traces of sessions, the client not held. What it says is what [`Judge`] says.
#[derive(Debug, Clone)]
pub struct Automaton<'r> {
    rules: &'r Rules,
    demand: Demand,
    most: usize,
    /// What may be spent on learning, in steps looked up.
    credit: u32,
    states: IndexSet<World, FxBuildHasher>,
    /// By state and what happens. `None`: something is broken or left undecided here.
    steps: FxHashMap<(u32, Key), Option<Step>>,
    /// By state, the step that was taken last: the next trace mostly takes it too, and to compare costs less than to hash.
    /// [`Key::OF_NOTHING`]: none was.
    taken_last: Vec<(Key, Step)>,
    bore: IndexSet<FixedBitSet, FxBuildHasher>,
    /// For each of these sets, the last trace on which it bore.
    bore_last_on: Vec<u64>,
    /// Where the last trace started: the next mostly starts there too.
    start: u32,
    /// The number of the trace that is judged, from 1.
    trace: u64,
    /// The arms that bore on it.
    bound: FixedBitSet,
}

impl<'r> Automaton<'r> {
    /// One that knows nothing yet.
    pub fn new(rules: &'r Rules, demand: Demand) -> Self {
        Self::that_keeps(MOST, rules, demand)
    }

    /// The same, of at most so many states and steps. What goes beyond is judged all the same, without being kept.
    pub fn that_keeps(most: usize, rules: &'r Rules, demand: Demand) -> Self {
        Self {
            rules,
            demand,
            most,
            credit: ADVANCE,
            states: IndexSet::default(),
            steps: FxHashMap::default(),
            taken_last: Vec::new(),
            bore: IndexSet::default(),
            bore_last_on: Vec::new(),
            start: 0,
            trace: 0,
            bound: FixedBitSet::with_capacity(rules.arms().len()),
        }
    }

    /// What the trace that starts in this world shows, and the world at its end, where what is still under way is numbered in
    /// any way. All traces that one automaton judges are of the same list of symbols, however that has grown.
    pub fn judge(&mut self, start: &World, symbols: &Symbols, trace: &[Symbol]) -> (Verdict, Cow<'_, World>) {
        if let Some(end) = self.walk(start, symbols, trace) {
            let mut bound = Vec::with_capacity(self.bound.count_ones(..));
            bound.extend(self.bound.ones());
            let verdict = Verdict { bound, ..Verdict::default() };
            let end = match end {
                At::Known(number) => Cow::Borrowed(&self.states[number as usize]),
                At::BeyondForACall(judge) | At::Beyond(judge) => Cow::Owned(judge.world),
            };
            return (verdict, end);
        }
        let mut judge = self.judge_in(start.clone());
        for event in symbols.events(trace) {
            judge.observe(&event);
        }
        let end = judge.world.clone();
        (judge.verdict(), Cow::Owned(end))
    }

    fn judge_in(&self, world: World) -> Judge<'r> {
        Judge::new(self.rules, self.demand, world, false)
    }

    /// Where the trace ends, if nothing can be said against any of its steps and nothing is owed then.
    fn walk(&mut self, start: &World, symbols: &Symbols, trace: &[Symbol]) -> Option<At<'r>> {
        self.trace += 1;
        self.bound.clear();
        let mut at = self.begin(start);
        let mut looked_up = 0;
        for symbol in trace {
            at = match at {
                At::Known(state) => match self.next(state, symbols, *symbol) {
                    Next::Step(step) => {
                        looked_up += 1;
                        self.note(step.bore);
                        At::Known(step.to)
                    }
                    Next::ToTheJudge => return None,
                    Next::Beyond(judge) => self.beyond(judge, true)?,
                },
                At::BeyondForACall(mut judge) => {
                    judge.observe(&symbols.event(*symbol));
                    self.beyond(judge, true)?
                }
                At::Beyond(mut judge) => {
                    judge.observe(&symbols.event(*symbol));
                    self.beyond(judge, false)?
                }
            };
        }
        self.credit = (self.credit + looked_up).min(ADVANCE);
        let end = match &at {
            At::Known(number) => &self.states[*number as usize],
            At::BeyondForACall(judge) | At::Beyond(judge) => &judge.world,
        };
        end.owed.iter().all(|owed| owed.paid).then_some(at)
    }

    fn begin(&mut self, start: &World) -> At<'r> {
        if self.states.get_index(self.start as usize) == Some(start) {
            return At::Known(self.start);
        }
        match self.number_of(Cow::Borrowed(start)) {
            Some(number) => {
                self.start = number;
                At::Known(number)
            }
            None => At::Beyond(Box::new(self.judge_in(start.clone()))),
        }
    }

    /// Goes on from what the judge has just observed. `None` if it has something to say.
    fn beyond(&mut self, judge: Box<Judge<'r>>, for_a_call: bool) -> Option<At<'r>> {
        if !judge.has_nothing_to_say() {
            return None;
        }
        self.bound.extend(judge.bore().iter().map(|(arm, _)| *arm));
        if for_a_call && !judge.world.pending.is_empty() {
            return Some(At::BeyondForACall(judge));
        }
        let known = for_a_call.then(|| self.states.get_index_of(&judge.world)).flatten();
        Some(known.map_or(At::Beyond(judge), |number| At::Known(number as u32)))
    }

    fn note(&mut self, bore: u32) {
        let bore = bore as usize;
        if std::mem::replace(&mut self.bore_last_on[bore], self.trace) != self.trace {
            self.bound.union_with(&self.bore[bore]);
        }
    }

    #[inline]
    fn next(&mut self, at: u32, symbols: &Symbols, symbol: Symbol) -> Next<'r> {
        let key = symbols.key(symbol);
        let (last, step) = self.taken_last[at as usize];
        if last == key {
            return Next::Step(step);
        }
        let step = match self.steps.get(&(at, key)) {
            Some(known) => *known,
            None => match self.learn(at, key, &symbols.event(symbol)) {
                Ok(learnt) => learnt,
                Err(judge) => return Next::Beyond(judge),
            },
        };
        let Some(step) = step else { return Next::ToTheJudge };
        self.taken_last[at as usize] = (key, step);
        Next::Step(step)
    }

    /// Asks the judge. What it said, if that is kept; otherwise the judge.
    fn learn(&mut self, at: u32, key: Key, event: &Event) -> Result<Option<Step>, Box<Judge<'r>>> {
        let mut judge = Box::new(self.judge_in(self.states[at as usize].clone()));
        judge.observe(event);
        if self.steps.len() >= self.most || self.credit < COST {
            return Err(judge);
        }
        self.credit -= COST;
        let step = if judge.has_nothing_to_say() {
            let Some(to) = self.number_of(Cow::Borrowed(&judge.world)) else { return Err(judge) };
            Some(Step { to, bore: self.number_of_those_that_bore(&judge) })
        } else {
            None
        };
        self.steps.insert((at, key), step);
        Ok(step)
    }

    fn number_of(&mut self, world: Cow<World>) -> Option<u32> {
        if let Some(number) = self.states.get_index_of(&*world) {
            return Some(number as u32);
        }
        (self.states.len() < self.most).then(|| {
            self.taken_last.push((Key::OF_NOTHING, Step { to: 0, bore: 0 }));
            self.states.insert_full(world.into_owned()).0 as u32
        })
    }

    fn number_of_those_that_bore(&mut self, judge: &Judge) -> u32 {
        let mut bore = FixedBitSet::with_capacity(self.rules.arms().len());
        bore.extend(judge.bore().iter().map(|(arm, _)| *arm));
        let (number, is_new) = self.bore.insert_full(bore);
        if is_new {
            self.bore_last_on.push(0);
        }
        number as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Call, CallId, SessionId, ThreadId};
    use crate::flags::LogoffFlags;
    use crate::hresult::HResult;
    use crate::outcome::{Out, Outcome};
    use crate::{Era, Level};

    const DEMAND: Demand = Demand { level: Level::Robust, era: Era::Classic };

    /// `MAPIInitialize`, answered with this.
    fn initialised(code: HResult) -> [Event; 3] {
        let id = CallId(1);
        [
            Event::Call { id, thread: ThreadId(0), call: Call::Initialize },
            Event::Return { id, outcome: Outcome::returned(code, Out::None) },
            Event::End,
        ]
    }

    /// An automaton, and the list of what its traces are made of.
    struct Reader<'r> {
        automaton: Automaton<'r>,
        symbols: Symbols,
    }

    impl<'r> Reader<'r> {
        fn new(rules: &'r Rules) -> Self {
            Self { automaton: Automaton::new(rules, DEMAND), symbols: Symbols::default() }
        }

        fn walk(&mut self, events: &[Event]) -> Option<At<'r>> {
            let trace = self.symbols.spell(events).expect("calls that begin before they end");
            self.automaton.walk(&World::default(), &self.symbols, &trace)
        }
    }

    #[test]
    fn a_step_is_worked_out_once_and_a_broken_one_is_left_to_the_judge() {
        let rules = Rules::documented();
        let mut reader = Reader::new(&rules);
        assert!(reader.walk(&initialised(HResult::S_OK)).is_some());
        assert_eq!(reader.automaton.steps.len(), 3);
        assert!(reader.walk(&initialised(HResult::S_OK)).is_some());
        assert_eq!(reader.automaton.steps.len(), 3);
        assert!(reader.walk(&initialised(HResult::MAPI_E_CALL_FAILED)).is_none());
        assert_eq!(reader.automaton.steps.len(), 4);
        assert!(reader.walk(&initialised(HResult::MAPI_E_CALL_FAILED)).is_none());
        assert_eq!(reader.automaton.steps.len(), 4);
    }

    #[test]
    fn nothing_more_is_learnt_once_it_has_cost_more_than_it_saved() {
        let rules = Rules::documented();
        let mut reader = Reader::new(&rules);
        assert!(reader.walk(&initialised(HResult::S_OK)).is_some());
        reader.automaton.credit = COST;
        assert!(reader.walk(&initialised(HResult::MAPI_E_CALL_FAILED)).is_none());
        assert_eq!((reader.automaton.credit, reader.automaton.steps.len()), (0, 4));
        assert!(reader.walk(&initialised(HResult::S_FALSE)).is_some(), "the judge has nothing to say");
        assert_eq!(reader.automaton.steps.len(), 4);
        // What is known is looked up still, and earns.
        reader.automaton.credit = 0;
        assert!(reader.walk(&initialised(HResult::S_OK)).is_some());
        assert_eq!(reader.automaton.credit, 3);
    }

    #[test]
    fn a_step_that_is_not_kept_leads_back_to_what_is_known() {
        let rules = Rules::documented();
        let mut reader = Reader::new(&rules);
        let initialised = initialised(HResult::S_OK);
        assert!(reader.walk(&initialised).is_some());
        reader.automaton.credit = 0;
        let elsewhere = initialised.map(|event| match event {
            Event::Call { id, call, .. } => Event::Call { id, thread: ThreadId(1), call },
            other => other,
        });
        assert!(matches!(reader.walk(&elsewhere[..1]), Some(At::BeyondForACall(_))));
        assert!(matches!(reader.walk(&elsewhere), Some(At::Known(_))));
        let automaton = &reader.automaton;
        assert_eq!((automaton.credit, automaton.steps.len()), (1, 3), "one step was looked up, the last");
    }

    #[test]
    fn the_number_of_a_call_is_no_matter() {
        let rules = Rules::documented();
        let mut reader = Reader::new(&rules);
        let initialised = initialised(HResult::S_OK);
        assert!(reader.walk(&initialised).is_some());
        let renumbered = initialised.map(|event| match event {
            Event::Call { thread, call, .. } => Event::Call { id: CallId(7), thread, call },
            Event::Return { outcome, .. } => Event::Return { id: CallId(7), outcome },
            other => other,
        });
        assert!(reader.walk(&renumbered).is_some());
        assert_eq!(reader.automaton.steps.len(), 3);
    }

    #[test]
    fn window_handles_that_no_rule_tells_apart_and_how_long_it_was_waited_lead_to_the_same() {
        let rules = Rules::documented();
        let mut reader = Reader::new(&rules);
        let logoff = |ui_param| {
            let (session, flags) = (SessionId(0), LogoffFlags(0));
            let call = Call::Logoff { session, ui_param, flags, reserved: 0, dirty: false };
            Event::Call { id: CallId(1), thread: ThreadId(0), call }
        };
        for (handle, steps) in [(1, 1), (2, 1), (u64::MAX, 1), (0, 2)] {
            assert!(reader.walk(&[logoff(handle)]).is_some());
            assert_eq!(reader.automaton.steps.len(), steps, "{handle}");
        }
        for milliseconds in [0, 200] {
            assert!(reader.walk(&[Event::Settled { milliseconds }]).is_some());
            assert_eq!(reader.automaton.steps.len(), 3, "{milliseconds} ms");
        }
    }

    #[test]
    fn no_more_is_kept_than_it_may_keep() {
        let rules = Rules::documented();
        for most in 0..4 {
            let mut automaton = Automaton::that_keeps(most, &rules, DEMAND);
            let mut symbols = Symbols::default();
            let trace = symbols.spell(&initialised(HResult::S_OK)).expect("a trace");
            let (verdict, _) = automaton.judge(&World::default(), &symbols, &trace);
            assert!(!verdict.bound.is_empty());
            assert!(automaton.steps.len() <= most && automaton.states.len() <= most);
        }
    }
}

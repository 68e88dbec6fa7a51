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

/// How many states and steps are kept at most: some tens of megabytes.
const MOST: usize = 1 << 16;

/// How many steps that are looked up save what one costs that is learnt.
const COST: u32 = 16;
/// What learning may cost before anything was saved: some milliseconds.
const ADVANCE: u32 = 4_096 * COST;

/// A step that nothing can be said against.
#[derive(Debug, Clone, Copy)]
struct Step {
    to: u32,
    /// Which rules bore: a place in [`Automaton::bore`].
    bore: u32,
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
    /// By state and event. `None`: something is broken or left undecided here.
    steps: FxHashMap<(u32, Event), Option<Step>>,
    bore: IndexSet<FixedBitSet, FxBuildHasher>,
    /// Where the last trace started: the next mostly starts there too.
    start: u32,
    /// The arms that bore on the trace that is judged.
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
            bore: IndexSet::default(),
            start: 0,
            bound: FixedBitSet::with_capacity(rules.arms().len()),
        }
    }

    /// What the trace that starts in this world shows, and the world at its end.
    pub fn judge(&mut self, start: &World, events: &[Event]) -> (Verdict, Cow<'_, World>) {
        if let Some(end) = self.walk(start, events) {
            let bound = self.bound.ones().collect();
            let verdict = Verdict { bound, ..Verdict::default() };
            return (verdict, Cow::Borrowed(&self.states[end as usize]));
        }
        let mut judge = Judge::new(self.rules, self.demand, start.clone(), false);
        for event in events {
            judge.observe(event);
        }
        let end = judge.world.clone();
        (judge.verdict(), Cow::Owned(end))
    }

    /// The state in which the trace ends, if nothing can be said against any of its steps and nothing is owed then.
    fn walk(&mut self, start: &World, events: &[Event]) -> Option<u32> {
        if self.states.get_index(self.start as usize) != Some(start) {
            self.start = self.number_of(Cow::Borrowed(start))?;
        }
        self.bound.clear();
        let mut at = self.start;
        for event in events {
            let step = match self.steps.get(&(at, *event)) {
                Some(known) => (*known)?,
                None => self.learn(at, *event)?,
            };
            self.bound.union_with(&self.bore[step.bore as usize]);
            at = step.to;
        }
        self.credit = (self.credit + events.len() as u32).min(ADVANCE);
        self.states[at as usize].owed.iter().all(|owed| owed.paid).then_some(at)
    }

    /// Asks the judge.
    fn learn(&mut self, at: u32, event: Event) -> Option<Step> {
        if self.steps.len() >= self.most || self.credit < COST {
            return None;
        }
        self.credit -= COST;
        let mut judge = Judge::new(self.rules, self.demand, self.states[at as usize].clone(), false);
        judge.observe(&event);
        let step = if judge.has_nothing_to_say() {
            let mut bore = FixedBitSet::with_capacity(self.rules.arms().len());
            bore.extend(judge.bore().iter().map(|(arm, _)| *arm));
            let (bore, _) = self.bore.insert_full(bore);
            Some(Step { to: self.number_of(Cow::Owned(judge.world))?, bore: bore as u32 })
        } else {
            None
        };
        self.steps.insert((at, event), step);
        step
    }

    fn number_of(&mut self, world: Cow<World>) -> Option<u32> {
        if let Some(number) = self.states.get_index_of(&*world) {
            return Some(number as u32);
        }
        (self.states.len() < self.most).then(|| self.states.insert_full(world.into_owned()).0 as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Call, CallId, ThreadId};
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

    #[test]
    fn a_step_is_worked_out_once_and_a_broken_one_is_left_to_the_judge() {
        let rules = Rules::documented();
        let mut automaton = Automaton::new(&rules, DEMAND);
        let start = World::default();
        assert!(automaton.walk(&start, &initialised(HResult::S_OK)).is_some());
        assert_eq!(automaton.steps.len(), 3);
        assert!(automaton.walk(&start, &initialised(HResult::S_OK)).is_some());
        assert_eq!(automaton.steps.len(), 3);
        assert!(automaton.walk(&start, &initialised(HResult::MAPI_E_CALL_FAILED)).is_none());
        assert_eq!(automaton.steps.len(), 4);
        assert!(automaton.walk(&start, &initialised(HResult::MAPI_E_CALL_FAILED)).is_none());
        assert_eq!(automaton.steps.len(), 4);
    }

    #[test]
    fn nothing_more_is_learnt_once_it_has_cost_more_than_it_saved() {
        let rules = Rules::documented();
        let mut automaton = Automaton::new(&rules, DEMAND);
        let start = World::default();
        assert!(automaton.walk(&start, &initialised(HResult::S_OK)).is_some());
        automaton.credit = COST;
        assert!(automaton.walk(&start, &initialised(HResult::MAPI_E_CALL_FAILED)).is_none());
        assert_eq!((automaton.credit, automaton.steps.len()), (0, 4));
        assert!(automaton.walk(&start, &initialised(HResult::S_FALSE)).is_none());
        assert_eq!(automaton.steps.len(), 4);
        // What is known is looked up still, and earns.
        assert!(automaton.walk(&start, &initialised(HResult::S_OK)).is_some());
        assert_eq!(automaton.credit, 3);
    }

    #[test]
    fn no_more_is_kept_than_it_may_keep() {
        let rules = Rules::documented();
        for most in 0..4 {
            let mut automaton = Automaton::that_keeps(most, &rules, DEMAND);
            let (verdict, _) = automaton.judge(&World::default(), &initialised(HResult::S_OK));
            assert!(!verdict.bound.is_empty());
            assert!(automaton.steps.len() <= most && automaton.states.len() <= most);
        }
    }
}

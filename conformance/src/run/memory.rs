//! Judging many traces that are much alike: what was judged before is looked up.
//!
//! Between two quiet moments, when no call and no callback is under way, what a judge says depends on the state at the
//! first of them and on the events, and on nothing else. Traces that begin alike, or come to the same state, share that.
//! The verdict is the plain judge's to the last event, which a test holds.

use std::hash::{Hash, Hasher as _};

use mapi_session_spec::event::{Call, CallId, Event};
use mapi_session_spec::judge::{Deviation, Inconclusive, Judge, Verdict};
use mapi_session_spec::outcome::Out;
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::World;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHasher};

/// How many stretches are remembered: beyond that they are judged and forgotten.
const MOST: usize = 1 << 18;

/// What was judged so far.
pub struct Memory<'r> {
    rules: &'r Rules,
    demand: Demand,
    worlds: Vec<World>,
    /// By their hash.
    numbers: FxHashMap<u64, Vec<u32>>,
    /// By the hash of where they begin and what they hold; the few that share one are told apart by looking.
    stretches: FxHashMap<u64, Vec<Stretch>>,
    remembered: usize,
    /// The stretch at hand, as it is looked up.
    normal: Vec<Event>,
    /// The connection numbers that this trace has shown, in their order.
    connections: Vec<u64>,
}

/// A stretch of events from one quiet moment to the next, and what it comes to.
struct Stretch {
    from: u32,
    events: Box<[Event]>,
    to: u32,
    /// What the judge says of it: places and numbers as counted from its beginning.
    said: Verdict,
}

/// Where in its trace a stretch stands.
#[derive(Clone, Copy)]
struct Place {
    /// Events before it.
    event: usize,
    /// The number of its first call, less one.
    call: u32,
}

impl<'r> Memory<'r> {
    /// Nothing yet.
    pub fn new(rules: &'r Rules, demand: Demand) -> Self {
        Self {
            rules,
            demand,
            worlds: Vec::new(),
            numbers: FxHashMap::with_hasher(FxBuildHasher),
            stretches: FxHashMap::with_hasher(FxBuildHasher),
            remembered: 0,
            normal: Vec::new(),
            connections: Vec::new(),
        }
    }

    /// Judges a trace that starts in this state: what it showed, and the state it ends in.
    pub fn judge(&mut self, start: World, events: &[Event]) -> (Verdict, World) {
        let mut all = Verdict::default();
        let mut bound = vec![false; self.rules.arms().len()];
        let mut state = self.number(start);
        self.connections.clear();
        let mut begin = 0;
        while let Some(end) = quiet_after(events, begin) {
            let first = events[begin..end].iter().find_map(Event::call_id);
            let place = Place { event: begin, call: first.map_or(0, |id| id.0.saturating_sub(1)) };
            state = self.stretch(state, &events[begin..end], place, &mut all, &mut bound);
            begin = end;
        }
        // What is never quiet again, and what is owed in the end.
        let place = Place { event: begin, call: 0 };
        self.normalise(&events[begin..], place);
        let mut judge = Judge::new(self.rules, self.demand, self.worlds[state as usize].clone(), false);
        self.normal.iter().for_each(|event| judge.observe(event));
        let world = judge.world.clone();
        add(&judge.verdict(), place, &mut all, &mut bound);
        all.bound = bound.iter().enumerate().filter(|(_, bound)| **bound).map(|(arm, _)| arm).collect();
        (all, world)
    }

    fn number(&mut self, world: World) -> u32 {
        let alike = self.numbers.entry(hash_of(&world)).or_default();
        if let Some(known) = alike.iter().find(|number| self.worlds[**number as usize] == world) {
            return *known;
        }
        let number = u32::try_from(self.worlds.len()).unwrap_or(u32::MAX);
        self.worlds.push(world);
        alike.push(number);
        number
    }

    /// Judges one stretch, or remembers what was said of it. The number of the state it ends in.
    fn stretch(
        &mut self,
        from: u32,
        events: &[Event],
        place: Place,
        all: &mut Verdict,
        bound: &mut [bool],
    ) -> u32 {
        self.normalise(events, place);
        let hash = hash_of(&(from, &self.normal[..]));
        let alike = self.stretches.get(&hash);
        if let Some(known) =
            alike.and_then(|alike| alike.iter().find(|s| s.from == from && *s.events == self.normal[..]))
        {
            add(&known.said, place, all, bound);
            return known.to;
        }
        let mut judge = Judge::new(self.rules, self.demand, self.worlds[from as usize].clone(), false);
        self.normal.iter().for_each(|event| judge.observe(event));
        let (world, said) = judge.so_far();
        let to = self.number(world);
        add(&said, place, all, bound);
        if self.remembered < MOST {
            self.remembered += 1;
            let events = self.normal.clone().into_boxed_slice();
            self.stretches.entry(hash).or_default().push(Stretch { from, events, to, said });
        }
        to
    }

    /// The stretch with its calls numbered from one, and connection numbers told apart and no more: which number a subject
    /// takes is its own affair, as long as it is not zero and not another's.
    fn normalise(&mut self, events: &[Event], place: Place) {
        self.normal.clear();
        for event in events {
            let mut normal = *event;
            match &mut normal {
                Event::Call { id, .. } | Event::Callback { id, .. } | Event::CallbackReturn { id } => {
                    id.0 = id.0.wrapping_sub(place.call);
                }
                Event::Return { id, outcome } => {
                    id.0 = id.0.wrapping_sub(place.call);
                    if let Out::Value(value) = &mut outcome.out
                        && *value != 0
                        && is_advise(&self.normal, *id)
                    {
                        let known = self.connections.iter().position(|known| known == value);
                        let turn = known.unwrap_or_else(|| {
                            self.connections.push(*value);
                            self.connections.len() - 1
                        });
                        *value = turn as u64 + 1;
                    }
                }
                Event::Settled { milliseconds } => *milliseconds = 0,
                Event::End => {}
            }
            self.normal.push(normal);
        }
    }
}

fn hash_of(what: &impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    what.hash(&mut hasher);
    hasher.finish()
}

fn is_advise(events: &[Event], of: CallId) -> bool {
    events.iter().any(|event| matches!(event, Event::Call { id, call: Call::Advise { .. }, .. } if *id == of))
}

/// The place after the event that leaves nothing under way. `None` where that never comes.
fn quiet_after(events: &[Event], begin: usize) -> Option<usize> {
    let mut under_way = 0_usize;
    for (place, event) in events.iter().enumerate().skip(begin) {
        match event {
            Event::Call { .. } | Event::Callback { .. } => under_way += 1,
            Event::Return { .. } | Event::CallbackReturn { .. } => under_way = under_way.saturating_sub(1),
            Event::Settled { .. } | Event::End => {}
        }
        if under_way == 0 {
            return Some(place + 1);
        }
    }
    None
}

fn add(said: &Verdict, place: Place, all: &mut Verdict, bound: &mut [bool]) {
    for arm in &said.bound {
        bound[*arm] = true;
    }
    all.deviations.extend(said.deviations.iter().map(|deviation| Deviation {
        event: deviation.event + place.event,
        call: deviation.call.map(|id| CallId(id.0.wrapping_add(place.call))),
        ..*deviation
    }));
    let inconclusive = said.inconclusive.iter();
    all.inconclusive
        .extend(inconclusive.map(|open| Inconclusive { event: open.event + place.event, ..*open }));
    all.forfeited |= said.forfeited;
}

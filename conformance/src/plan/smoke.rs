//! The smallest choice of programs that still aims at everything.

use std::collections::{HashMap, HashSet};

use mapi_session_spec::event::{Call, ObjectId, SessionId, Target};

use super::Planned;
use crate::program::{Action, Place};

/// The most calls that the suite may make, logons and clean-up included.
pub const MOST_CALLS: usize = 1_000;

/// What a program contributes: an arm that bears, a Logoff's arguments, or a factor that some fault may rest on.
#[derive(PartialEq, Eq, Hash, Clone)]
enum Item {
    Arm(u16),
    Logoff {
        flags: u32,
        reserved: u32,
        ui_param: u64,
        dirty: bool,
    },
    /// A method, of a session or an object.
    Called(String),
    /// A call from inside a callback, or beside it, on this session.
    FromCallback {
        inside: bool,
        name: String,
        on: Option<SessionId>,
    },
    /// So many of these at once when a session logs off with these flags.
    Several {
        of_what: &'static str,
        how_many: usize,
        flags: u32,
    },
    /// A Logoff with these flags of one that logged on with those.
    LoggedOn {
        with: u32,
        flags: u32,
    },
    /// Two logons with the same flags, nobody having logged off.
    Twice(u32),
}

impl Item {
    /// What a fault is likelier to rest on counts twice.
    const fn weight(&self) -> usize {
        match self {
            Self::FromCallback { .. } | Self::Several { .. } | Self::Called(_) => 2,
            _ => 1,
        }
    }
}

/// What a program has done so far.
#[derive(Default)]
struct Count {
    logons: HashMap<SessionId, u32>,
    opened: HashMap<ObjectId, SessionId>,
    references: HashMap<SessionId, usize>,
    registrations: usize,
    logoffs: usize,
}

impl Count {
    /// How many there are of each thing when this session logs off: at most three are told apart.
    fn factors(&self, session: SessionId) -> [(&'static str, usize); 5] {
        let objects = self.opened.values().filter(|of| **of == session).count();
        [
            ("sessions", self.logons.len()),
            ("registrations", self.registrations),
            ("objects", objects),
            ("references", self.references.get(&session).copied().unwrap_or(0)),
            ("logoffs before", self.logoffs),
        ]
        .map(|(of_what, how_many)| (of_what, how_many.min(3)))
    }
}

fn items(planned: &Planned) -> HashSet<Item> {
    let mut items: HashSet<Item> = planned.aims.iter().map(|arm| Item::Arm(*arm)).collect();
    let mut count = Count::default();
    for step in &planned.program.steps {
        let Action::Call(call) = step.action else { continue };
        if let Place::Inside(_) | Place::Beside(_) = step.place {
            let inside = matches!(step.place, Place::Inside(_));
            items.insert(Item::FromCallback { inside, name: call.name(), on: call.session() });
            continue;
        }
        match call {
            Call::LogonEx { session, flags, .. } => {
                if count.logoffs == 0 && count.logons.values().any(|earlier| *earlier == flags.0) {
                    items.insert(Item::Twice(flags.0));
                }
                count.logons.insert(session, flags.0);
            }
            Call::Advise { .. } => count.registrations += 1,
            Call::AddRef { target: Target::Session(session) } | Call::QueryInterface { session, .. } => {
                *count.references.entry(session).or_default() += 1;
            }
            Call::Release { target: Target::Object(object) } => {
                count.opened.remove(&object);
            }
            Call::Method { session, method, flags, object } => {
                if method.opens() {
                    count.opened.insert(object, session);
                }
                items.insert(Item::Called(format!("{} {flags:x}", call.name())));
            }
            Call::OnObject { .. } => {
                items.insert(Item::Called(call.name()));
            }
            Call::Logoff { session, flags, reserved, ui_param, dirty } => {
                items.insert(Item::Logoff { flags: flags.0, reserved, ui_param, dirty });
                if flags.0 <= 3 && reserved == 0 && ui_param == 0 {
                    let with = count.logons.get(&session).copied().unwrap_or_default();
                    items.insert(Item::LoggedOn { with, flags: flags.0 });
                }
                if flags.0 <= 1 && reserved == 0 && ui_param == 0 {
                    items.extend(count.factors(session).map(|(of_what, how_many)| Item::Several {
                        of_what,
                        how_many,
                        flags: flags.0,
                    }));
                }
                count.logoffs += 1;
            }
            _ => {}
        }
    }
    items
}

/// Greedy cover, of the rules first and of everything else with the calls that are left.
pub(super) fn select(all: Vec<Planned>) -> Vec<Planned> {
    let mut cover = Cover {
        candidates: all.into_iter().map(|planned| (items(&planned), planned)).collect(),
        covered: HashSet::new(),
        chosen: Vec::new(),
        calls: 0,
    };
    cover.extend(|item| usize::from(matches!(item, Item::Arm(_))));
    cover.extend(Item::weight);
    cover.chosen
}

struct Cover {
    candidates: Vec<(HashSet<Item>, Planned)>,
    covered: HashSet<Item>,
    chosen: Vec<Planned>,
    calls: usize,
}

impl Cover {
    /// Takes the program that adds most for its calls, until nothing is added or the calls are spent.
    fn extend(&mut self, worth: impl Fn(&Item) -> usize) {
        loop {
            let best = self
                .candidates
                .iter()
                .enumerate()
                .filter(|(_, (_, planned))| self.calls + planned.program.calls() <= MOST_CALLS)
                .map(|(i, (items, planned))| {
                    let gain: usize = items.difference(&self.covered).map(&worth).sum();
                    (i, gain, planned.program.calls().max(1))
                })
                .filter(|(_, gain, _)| *gain > 0)
                .max_by(|a, b| (a.1 * b.2).cmp(&(b.1 * a.2)).then(b.0.cmp(&a.0)));
            let Some((index, _, cost)) = best else { return };
            let (items, planned) = self.candidates.swap_remove(index);
            self.covered.extend(items);
            self.calls += cost;
            self.chosen.push(planned);
        }
    }
}

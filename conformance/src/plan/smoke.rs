//! A choice of at most a thousand calls that still aims at everything.

use std::collections::{HashMap, HashSet};

use mapi_session_spec::event::{Call, Method, ObjectId, ObjectMethod, SessionId, Target};
use mapi_session_spec::flags::{LogoffFlags, LogonFlags};
use rustc_hash::FxHashMap;

use super::Planned;
use crate::program::{Action, Place};

/// The most calls that the suite may make, logons and clean-up included.
pub const MOST_CALLS: usize = 1_000;

/// What a program contributes: an arm that bears, a Logoff's arguments, or a factor that some fault may rest on.
#[derive(PartialEq, Eq, Hash, Clone)]
enum Item {
    Arm(u16),
    /// What a Logoff was called with: its known flags, and whether each of the other arguments was odd.
    Logoff {
        flags: u32,
        odd: [bool; 4],
    },
    /// A method of a session, with these flags.
    Called(Method, u32),
    /// A method of an object.
    CalledOnObject(ObjectMethod),
    /// A Logoff, or another call, from inside a callback, or beside it: on the session that logs off, or on another.
    FromCallback {
        place: Hold,
        logs_off: bool,
        on_the_leaver: bool,
    },
    /// So many of these at once when a session logs off with these flags.
    Several {
        of_what: &'static str,
        how_many: usize,
        flags: u32,
    },
    /// A Logoff with these flags of one that logged on with a wish to share, or without.
    LoggedOn {
        shares: bool,
        flags: u32,
    },
    /// A logon with these wishes while somebody is on who wished to share, or only others.
    Beside {
        shares: bool,
        wishes: u32,
    },
    /// A logon with these wishes after the newest session was the last to log off, or an older one, while somebody
    /// is on or nobody.
    After {
        the_newest: bool,
        somebody_is_on: bool,
        wishes: u32,
    },
    /// A table is given back while another is open, or right after another was.
    TableReleased {
        open: bool,
        after: bool,
    },
}

impl Item {
    /// What a fault is likelier to rest on counts more.
    const fn weight(&self) -> usize {
        match self {
            Self::FromCallback { .. } | Self::TableReleased { .. } => 4,
            Self::Several { .. } | Self::After { .. } => 3,
            Self::Called(..) | Self::CalledOnObject(_) | Self::LoggedOn { .. } => 2,
            _ => 1,
        }
    }
}

/// Where a call is made that a sink holds the session for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Hold {
    Inside,
    Beside,
    WaitedFor,
    Releasing,
}

impl Hold {
    const fn of(place: Place) -> Option<Self> {
        match place {
            Place::Inside(_) => Some(Self::Inside),
            Place::Beside(_) => Some(Self::Beside),
            Place::WaitedFor(_) => Some(Self::WaitedFor),
            Place::Releasing(_) => Some(Self::Releasing),
            Place::Thread(_) | Place::Racing { .. } => None,
        }
    }
}

/// What a program has done so far.
#[derive(Default)]
struct Count {
    logons: HashMap<SessionId, LogonFlags>,
    tables: HashMap<ObjectId, SessionId>,
    table_just_released: Option<SessionId>,
    references: HashMap<SessionId, usize>,
    registrations: HashMap<SessionId, usize>,
    /// Who logged off, and whether telling the others.
    left: Vec<(SessionId, bool)>,
}

impl Count {
    /// How many there are of each thing when this session logs off: at most three are told apart.
    fn factors(&self, session: SessionId) -> [(&'static str, usize); 7] {
        let of = |counts: &HashMap<SessionId, usize>| counts.get(&session).copied().unwrap_or(0);
        let may_be_told = |id: &&SessionId| {
            let apart = self.logons.get(*id).is_some_and(|flags| flags.has(LogonFlags::MAPI_NEW_SESSION));
            **id != session && !self.has_left(**id) && !apart
        };
        let listeners = self.registrations.keys().filter(may_be_told).count();
        [
            ("sessions", self.logons.len() - self.left.len().min(self.logons.len())),
            ("registrations", of(&self.registrations)),
            ("listeners", listeners),
            ("tables", self.tables.values().filter(|of| **of == session).count()),
            ("references", of(&self.references)),
            ("logoffs before", self.left.len()),
            ("announced before", self.left.iter().filter(|(_, tells)| *tells && listeners > 0).count()),
        ]
        .map(|(of_what, how_many)| (of_what, how_many.min(3)))
    }

    fn has_left(&self, session: SessionId) -> bool {
        self.left.iter().any(|(left, _)| *left == session)
    }

    fn on(&self) -> impl Iterator<Item = LogonFlags> {
        self.logons.iter().filter(|(id, _)| !self.has_left(**id)).map(|(_, flags)| *flags)
    }
}

const fn shares(flags: LogonFlags) -> bool {
    flags.has(LogonFlags::MAPI_ALLOW_OTHERS)
}

/// What a logon may ask for that others can feel.
const fn wishes(flags: LogonFlags) -> u32 {
    let felt = LogonFlags::MAPI_ALLOW_OTHERS.0 | LogonFlags::MAPI_NEW_SESSION.0 | LogonFlags::MAPI_NO_MAIL.0;
    flags.0 & felt
}

fn items(planned: &Planned) -> HashSet<Item> {
    let mut items: HashSet<Item> = planned.aims.iter().map(|arm| Item::Arm(*arm)).collect();
    let mut count = Count::default();
    let mut waiting: Vec<(Hold, Call)> = Vec::new();
    for step in &planned.program.steps {
        let Action::Call(call) = step.action else { continue };
        if let Some(place) = Hold::of(step.place) {
            waiting.push((place, call));
            continue;
        }
        if !matches!(call, Call::Release { .. }) {
            count.table_just_released = None;
        }
        match call {
            Call::LogonEx { session, flags, .. } => {
                let wishes = wishes(flags);
                items.extend(count.on().map(|on| Item::Beside { shares: shares(on), wishes }));
                if let Some((left, _)) = count.left.last() {
                    let the_newest = usize::from(left.0) + 1 == count.logons.len();
                    let somebody_is_on = count.on().next().is_some();
                    items.insert(Item::After { the_newest, somebody_is_on, wishes });
                }
                count.logons.insert(session, flags);
            }
            Call::Advise { session, .. } => *count.registrations.entry(session).or_default() += 1,
            Call::AddRef { target: Target::Session(session) }
            | Call::QueryInterface { target: Target::Session(session), .. } => {
                *count.references.entry(session).or_default() += 1;
            }
            Call::Release { target: Target::Object(object) } => {
                if let Some(of) = count.tables.remove(&object) {
                    let open = count.tables.values().any(|other| *other == of);
                    let after = count.table_just_released == Some(of);
                    count.table_just_released = Some(of);
                    items.insert(Item::TableReleased { open, after });
                }
            }
            Call::Method { session, method, flags, object } => {
                if method.opens_table() {
                    count.tables.insert(object, session);
                }
                items.insert(Item::Called(method, flags));
            }
            Call::OnObject { method, .. } => {
                items.insert(Item::CalledOnObject(method));
            }
            Call::Logoff { session, flags, reserved, ui_param, dirty } => {
                let odd = [flags.unknown() != 0, reserved != 0, ui_param != 0, dirty];
                items.insert(Item::Logoff { flags: flags.0 & 3, odd });
                if flags.0 <= 3 && reserved == 0 && ui_param == 0 {
                    let shares = count.logons.get(&session).is_some_and(|flags| shares(*flags));
                    items.insert(Item::LoggedOn { shares, flags: flags.0 });
                }
                if flags.0 <= 1 && reserved == 0 && ui_param == 0 {
                    items.extend(count.factors(session).map(|(of_what, how_many)| Item::Several {
                        of_what,
                        how_many,
                        flags: flags.0,
                    }));
                }
                items.extend(waiting.drain(..).map(|(place, call)| Item::FromCallback {
                    place,
                    logs_off: matches!(call, Call::Logoff { .. }),
                    on_the_leaver: call.session() == Some(session),
                }));
                count.left.push((session, flags.has(LogoffFlags::MAPI_LOGOFF_SHARED)));
            }
            _ => {}
        }
    }
    items
}

/// The tours, and a greedy cover with the calls that are left: of the rules first and then of everything else. In the
/// order that they came in.
pub(super) fn select(tours: &[Planned], all: Vec<Planned>) -> Vec<Planned> {
    let mut numbers: FxHashMap<Item, u32> = FxHashMap::default();
    let mut weights = Vec::new();
    let mut number = |item: Item| {
        *numbers.entry(item).or_insert_with_key(|item| {
            weights
                .push(Weight { of_a_rule: usize::from(matches!(item, Item::Arm(_))), of_all: item.weight() });
            u32::try_from(weights.len() - 1).unwrap_or(u32::MAX)
        })
    };
    let candidates = all
        .into_iter()
        .enumerate()
        .map(|(place, planned)| {
            let has: Vec<u32> = items(&planned).into_iter().map(&mut number).collect();
            Candidate { place, adds: has.clone(), has, is_a_tour: tours.contains(&planned), planned }
        })
        .collect();
    let mut cover = Cover { candidates, covered: vec![false; weights.len()], chosen: Vec::new(), calls: 0 };
    cover.take_tours();
    cover.extend(|item| weights[item as usize].of_a_rule);
    loop {
        cover.extend(|item| weights[item as usize].of_all);
        if !cover.drop_what_others_cover() {
            break;
        }
    }
    // The plainest first: a fault that needs a past shows once in a process.
    cover.chosen.sort_by_key(|chosen| chosen.place);
    cover.chosen.into_iter().map(|chosen| chosen.planned).collect()
}

/// What it is worth to cover an item.
struct Weight {
    of_a_rule: usize,
    of_all: usize,
}

struct Candidate {
    /// Where it came in the list.
    place: usize,
    /// The numbers of its items.
    has: Vec<u32>,
    /// Those that nothing chosen has yet.
    adds: Vec<u32>,
    is_a_tour: bool,
    planned: Planned,
}

struct Cover {
    candidates: Vec<Candidate>,
    covered: Vec<bool>,
    chosen: Vec<Candidate>,
    calls: usize,
}

impl Cover {
    fn take_tours(&mut self) {
        while let Some(tour) = self.candidates.iter().position(|candidate| candidate.is_a_tour) {
            self.take(tour);
        }
    }

    /// Takes the program that adds most for its calls, until nothing is added or the calls are spent.
    fn extend(&mut self, worth: impl Fn(u32) -> usize) {
        loop {
            let best = self
                .candidates
                .iter()
                .enumerate()
                .map(|(i, candidate)| (i, candidate, candidate.planned.program.most_calls()))
                .filter(|(_, _, calls)| self.calls + calls <= MOST_CALLS)
                .map(|(i, candidate, calls)| {
                    let gain: usize = candidate.adds.iter().map(|item| worth(*item)).sum();
                    (i, gain, calls.max(1))
                })
                .filter(|(_, gain, _)| *gain > 0)
                .max_by(|a, b| (a.1 * b.2).cmp(&(b.1 * a.2)).then(b.0.cmp(&a.0)));
            let Some((index, ..)) = best else { return };
            self.take(index);
        }
    }

    fn take(&mut self, index: usize) {
        let chosen = self.candidates.swap_remove(index);
        for item in &chosen.adds {
            self.covered[*item as usize] = true;
        }
        for candidate in &mut self.candidates {
            candidate.adds.retain(|item| !self.covered[*item as usize]);
        }
        self.calls += chosen.planned.program.most_calls();
        self.chosen.push(chosen);
    }

    /// What was chosen early may have nothing that the later ones have not: it goes. Whether any did.
    fn drop_what_others_cover(&mut self) -> bool {
        let mut have = vec![0_usize; self.covered.len()];
        for item in self.chosen.iter().flat_map(|chosen| &chosen.has) {
            have[*item as usize] += 1;
        }
        let before = self.chosen.len();
        self.chosen.retain(|chosen| {
            let is_needed = chosen.is_a_tour || chosen.has.iter().any(|item| have[*item as usize] == 1);
            if !is_needed {
                self.calls -= chosen.planned.program.most_calls();
                for item in &chosen.has {
                    have[*item as usize] -= 1;
                }
            }
            is_needed
        });
        self.chosen.len() < before
    }
}

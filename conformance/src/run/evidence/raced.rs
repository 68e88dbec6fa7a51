//! Evidence from a race, which two runs of the same calls need not show twice.

use mapi_session_spec::dialect::Dialect;
use mapi_session_spec::event::Event;
use mapi_session_spec::judge::{Deviation, Judge, Kind};
use mapi_session_spec::state::OwedKind;

use super::{Evidence, judge, patient, rests_on_waiting};
use crate::isolation::parent;
use crate::plan::{Planned, draw_pauses};
use crate::program::Program;
use crate::run::{Ran, Request, start};

/// How many rounds are run again, to say how often it shows.
const ROUNDS: usize = 200;

/// What was seen again of a deviation.
#[derive(Default)]
struct Seen {
    rounds: usize,
    shown: usize,
    first: Option<(Vec<Event>, Deviation)>,
}

/// What a race showed is a fact, and one time is enough. What did not come must be missing once more with patience;
/// what came too often must be more than any announcement of all the rounds brought.
pub(super) fn confirm(
    request: &Request,
    dialect: Dialect,
    all: &[Ran],
    ran: &Ran,
    deviation: &Deviation,
) -> Option<Evidence> {
    if deviation.kind == Kind::RepeatedCallback && !is_more_than_ever(request, dialect, all, deviation) {
        return None;
    }
    let planned = &request.planned[ran.program];
    let seen = look(request, dialect, deviation, &rounds_of(planned));
    let race = planned.race.map_or("the same calls", |round| round.race);
    let round = planned.race.map_or(0, |round| round.number + 1);
    let again = format!("{} of {} further rounds", seen.shown, seen.rounds);
    let decided_by = format!("a race ({race}), seed {}, in round {round} and in {again}", request.seed);
    let (events, deviation) = match seen.first {
        Some(shown) if needs_patience(deviation.kind) => shown,
        None if needs_patience(deviation.kind) => return None,
        _ => (ran.observed.events.clone(), *deviation),
    };
    Some(Evidence { program: planned.program.clone(), events, deviation, decided_by })
}

/// Whether only waiting decides. What came too often is not waited for.
const fn needs_patience(kind: Kind) -> bool {
    rests_on_waiting(kind) && !matches!(kind, Kind::RepeatedCallback)
}

/// One announcement may bring several words, and the later of them may come when the tester no longer waits for any.
/// Over all the rounds the most that one ever brought is known all the same: a word that came late was counted with
/// the next announcement.
fn is_more_than_ever(request: &Request, dialect: Dialect, all: &[Ran], deviation: &Deviation) -> bool {
    let Some(OwedKind::Told { times, registrations, .. }) = deviation.debt else { return false };
    let one_brings = |ran: &Ran| {
        let mut judge = Judge::new(request.rules, request.demand, start(dialect, ran.fresh), false);
        ran.observed.events.iter().for_each(|event| judge.observe(event));
        judge.world.groups.iter().map(|group| group.times).max().unwrap_or(0)
    };
    let races = all.iter().filter(|ran| request.planned[ran.program].race.is_some());
    let most = races.map(one_brings).max().unwrap_or(u8::MAX);
    u16::from(times.most()) > u16::from(most) * u16::from(registrations)
}

/// Runs these rounds, and looks for the same fault in each that was settled.
fn look(request: &Request, dialect: Dialect, deviation: &Deviation, programs: &[Program]) -> Seen {
    let mut setting = request.setting.clone();
    if needs_patience(deviation.kind) {
        setting = patient(&setting, deviation.kind);
        // One that waited in vain is enough, and the others need not.
        setting.patience = 1;
    }
    let mut seen = Seen::default();
    let batch = parent::run(&setting, &programs.iter().collect::<Vec<_>>());
    for observed in &batch.observed {
        // A round that was waited for no more says nothing of what did not come.
        if !observed.whole && needs_patience(deviation.kind) {
            continue;
        }
        let fresh = setting.has_a_process_of_its_own();
        let verdict = judge(request.rules, request.demand, dialect, fresh, &observed.events);
        let same = |d: &&Deviation| d.requirement == deviation.requirement && d.kind == deviation.kind;
        seen.rounds += 1;
        if let Some(again) = verdict.deviations.iter().find(same) {
            seen.shown += 1;
            seen.first.get_or_insert_with(|| (observed.events.clone(), *again));
        }
    }
    seen
}

/// The same calls again and again, with other pauses: the first time with those that it showed with.
fn rounds_of(planned: &Planned) -> Vec<Program> {
    let seed = planned.race.map_or(0, |round| u64::from(round.number));
    let mut random = fastrand::Rng::with_seed(seed);
    let mut next = planned.clone();
    let mut all = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        all.push(next.program.clone());
        draw_pauses(&mut next, &mut random);
    }
    all
}

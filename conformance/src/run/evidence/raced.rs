//! Evidence from a race, which two runs of the same calls need not show twice.

use mapi_session_spec::dialect::Dialect;
use mapi_session_spec::event::Event;
use mapi_session_spec::judge::{Deviation, Kind};

use super::{Evidence, judge, patient, rests_on_waiting};
use crate::isolation::parent;
use crate::plan::{Planned, draw_pauses};
use crate::program::{Action, Program};
use crate::run::{Ran, Request};

/// How many rounds are run again, to say how often it shows.
const ROUNDS: usize = 200;
/// The same where each is listened to for a while: in so many turns, until one shows it.
const ROUNDS_A_TURN: usize = 12;
const TURNS: usize = 6;
/// How long more of the same may come after an earlier announcement that says how much one brings, in milliseconds.
const LISTEN_ON: u16 = 100;

/// What was seen again of a deviation.
#[derive(Default)]
struct Seen {
    rounds: usize,
    shown: usize,
    first: Option<(Vec<Event>, Deviation)>,
}

/// What a race showed is a fact, and one time is enough. What did not come must be missing once more with patience;
/// what came too often must come so once more where earlier words had time to come.
pub(super) fn confirm(
    request: &Request,
    dialect: Dialect,
    ran: &Ran,
    deviation: &Deviation,
) -> Option<Evidence> {
    let planned = &request.planned[ran.program];
    let mut rounds = Rounds::of(planned);
    let mut seen = Seen::default();
    if deviation.kind == Kind::RepeatedCallback {
        for _ in 0..TURNS {
            let programs = rounds.next(ROUNDS_A_TURN, LISTEN_ON);
            look(request, dialect, deviation, &programs, &mut seen);
            if seen.shown > 0 {
                break;
            }
        }
    } else {
        look(request, dialect, deviation, &rounds.next(ROUNDS, 0), &mut seen);
    }
    let race = planned.race.map_or("the same calls", |round| round.race);
    let first = planned.race.map_or(0, |round| round.number + 1);
    let times = format!("{} of {} further rounds", seen.shown, seen.rounds);
    let decided_by = format!("a race ({race}), seed {}, in round {first} and in {times}", request.seed);
    let (events, deviation) = match seen.first {
        Some(shown) if rests_on_waiting(deviation.kind) => shown,
        None if rests_on_waiting(deviation.kind) => return None,
        _ => (ran.observed.events.clone(), *deviation),
    };
    Some(Evidence { program: planned.program.clone(), events, deviation, decided_by })
}

/// Runs these rounds, and looks for the same fault in each that was settled.
fn look(request: &Request, dialect: Dialect, deviation: &Deviation, programs: &[Program], seen: &mut Seen) {
    let mut setting = patient(request.setting, deviation.kind);
    if rests_on_waiting(deviation.kind) {
        // One that waited in vain is enough, and the others need not.
        setting.patience = 1;
    }
    let batch = parent::run(&setting, &programs.iter().collect::<Vec<_>>());
    for observed in &batch.observed {
        let fresh = setting.has_a_process_of_its_own();
        let verdict = judge(request.rules, request.demand, dialect, fresh, &observed.events);
        let same = |d: &&Deviation| d.requirement == deviation.requirement && d.kind == deviation.kind;
        // A round that was waited for no more says nothing of what did not come.
        if !observed.whole && rests_on_waiting(deviation.kind) {
            continue;
        }
        seen.rounds += 1;
        if let Some(again) = verdict.deviations.iter().find(same) {
            seen.shown += 1;
            seen.first.get_or_insert_with(|| (observed.events.clone(), *again));
        }
    }
}

/// The same calls again and again, with other pauses: the first time with those that it showed with.
struct Rounds {
    planned: Planned,
    random: fastrand::Rng,
}

impl Rounds {
    fn of(planned: &Planned) -> Self {
        let seed = planned.race.map_or(0, |round| u64::from(round.number));
        Self { planned: planned.clone(), random: fastrand::Rng::with_seed(seed) }
    }

    fn next(&mut self, how_many: usize, then: u16) -> Vec<Program> {
        let mut all = Vec::with_capacity(how_many);
        for _ in 0..how_many {
            let mut program = self.planned.program.clone();
            let race = program.steps.iter().position(|step| step.place.is_racing()).unwrap_or(0);
            for step in &mut program.steps[..race] {
                if let Action::Settle(awaited) = &mut step.action {
                    awaited.then = then;
                }
            }
            all.push(program);
            draw_pauses(&mut self.planned, &mut self.random);
        }
        all
    }
}

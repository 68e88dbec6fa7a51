//! Evidence from a race, which two runs of the same calls need not show twice.

use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use mapi_session_spec::dialect::Dialect;
use mapi_session_spec::event::Event;
use mapi_session_spec::judge::{Deviation, Judge, Kind};

use super::{
    Evidence, is_again, is_settling, judge, levels_that_forbid, patient, rests_on_every_settling,
    rests_on_waiting,
};
use crate::isolation::parent::{self, Observed, Setting};
use crate::plan::{Planned, draw_pauses};
use crate::program::{Action, Awaited, Program};
use crate::run::processes::ABREAST;
use crate::run::{Past, Ran, Request};

/// How many rounds are run again, to say how often it shows; where it must show, as many again until it does, for so
/// long. A session that tells late takes all of that in its first rounds.
const ROUNDS: usize = 200;
const LOOKING: Duration = Duration::from_secs(5);
/// The same where each listens to every Logoff in full: in so many turns, until one shows it.
const ROUNDS_A_TURN: usize = 12;
const TURNS: usize = 2;
/// How many rounds are listened to, to know how many words an announcement has.
const LISTENING: usize = 5;

/// What was seen again of a deviation.
#[derive(Default)]
struct Seen {
    rounds: usize,
    shown: usize,
    first: Option<(Vec<Event>, Deviation)>,
}

/// What a race showed is a fact, and one time is enough. What did not come must be missing once more with patience;
/// what came too often must come so once more after all that an earlier Logoff brings has had its time, where that is
/// more than one word.
pub(super) fn confirm(
    request: &Request,
    dialect: Dialect,
    ran: &Ran,
    deviation: &Deviation,
) -> Option<Evidence> {
    let planned = &request.planned[ran.program];
    let mut rounds = Rounds::of(planned);
    let mut seen = Seen::default();
    let late_words = match deviation.kind {
        Kind::RepeatedCallback => has_late_words(request, dialect, &mut rounds),
        // It may be the race's own, to the one who made the call, and late.
        Kind::LateCallback => true,
        Kind::MissingCallback => rests_on_every_settling(deviation),
        _ => false,
    };
    if late_words {
        for _ in 0..TURNS {
            let programs: Vec<Program> = rounds.next(ROUNDS_A_TURN).into_iter().map(listening).collect();
            look(request, dialect, deviation, &programs, true, &mut seen);
            if seen.shown > 0 {
                break;
            }
        }
    } else {
        let start = Instant::now();
        loop {
            look(request, dialect, deviation, &rounds.next(ROUNDS), false, &mut seen);
            if seen.shown > 0 || !needs_patience(deviation.kind) || start.elapsed() > LOOKING {
                break;
            }
        }
    }
    let race = planned.race.map_or("the same calls", |round| round.race);
    let round = planned.race.map_or(0, |round| round.number + 1);
    let again = format!("{} of {} further rounds", seen.shown, seen.rounds);
    let decided_by = format!("a race ({race}), seed {}, in round {round} and in {again}", request.seed);
    let must_show_again = late_words || needs_patience(deviation.kind);
    let (events, deviation) = match seen.first {
        Some(shown) if must_show_again => shown,
        None if must_show_again => return None,
        _ => (ran.observed.events(), *deviation),
    };
    let levels = levels_that_forbid(request, dialect, ran.past, &events, deviation.requirement);
    Some(Evidence { program: planned.program.clone(), events, deviation, levels, decided_by })
}

/// Whether only waiting decides: what came too often is there to be seen.
const fn needs_patience(kind: Kind) -> bool {
    rests_on_waiting(kind) && !kind.may_be_of_before()
}

/// Whether an announcement of this subject's has several words of a kind. Where it has one, nothing of an earlier Logoff
/// was still on its way when the race began, and whatever came is the race's.
fn has_late_words(request: &Request, dialect: Dialect, rounds: &mut Rounds) -> bool {
    let programs: Vec<Program> = rounds.next(LISTENING).into_iter().map(listening).collect();
    let words = |observed: &Observed| {
        let past = Past::none(request.setting.has_a_process_of_its_own());
        let mut judge = Judge::new(request.rules, request.demand, past.start(dialect), false);
        // What the race itself brought may be what is wrong: the earlier Logoff's words alone say how many one has.
        let events = observed.events();
        let settled = events.iter().position(|event| matches!(event, Event::Settled { .. }));
        for event in events.iter().take(settled.map_or(0, |index| index + 1)) {
            judge.observe(event);
        }
        judge.world.groups.iter().map(|group| group.times).max().unwrap_or(0)
    };
    listen(request, &programs).iter().map(words).max().is_none_or(|most| most != 1)
}

/// The same calls, with all the time there is for what a Logoff brings, the earlier one and those of the race: one
/// announcement may have several words, and the later of them are not to be taken for those of the next.
fn listening(mut program: Program) -> Program {
    let raced = program.steps.iter().rposition(|step| step.place.is_racing()).unwrap_or(0);
    let after =
        program.steps[raced..].iter().position(|step| is_settling(step)).map_or(raced, |index| raced + index);
    for step in program.steps[..=after].iter_mut().filter(|step| is_settling(step)) {
        step.change(|step| step.action = Action::Settle(Awaited::default()));
    }
    program
}

/// Runs rounds that listen, each in a process of its own where the subject has one: they mostly wait, and wait abreast.
fn listen(request: &Request, programs: &[Program]) -> Vec<Observed> {
    let setting = Setting { patience: u32::MAX, ..request.setting.clone() };
    if !setting.has_a_process_of_its_own() {
        return parent::run(&setting, &programs.iter().collect::<Vec<_>>()).observed;
    }
    let all = programs.chunks(ABREAST).flat_map(|abreast| {
        std::thread::scope(|scope| {
            let running: Vec<_> =
                abreast.iter().map(|program| scope.spawn(|| parent::run(&setting, &[program]))).collect();
            let ended =
                running.into_iter().map(|one| one.join().unwrap_or_else(|panic| resume_unwind(panic)));
            ended.flat_map(|batch| batch.observed).collect::<Vec<_>>()
        })
    });
    all.collect()
}

/// Runs these rounds, and looks for the same fault in each that was settled.
fn look(
    request: &Request,
    dialect: Dialect,
    deviation: &Deviation,
    programs: &[Program],
    listening: bool,
    seen: &mut Seen,
) {
    let observed = if listening {
        listen(request, programs)
    } else {
        let mut setting = request.setting.clone();
        if needs_patience(deviation.kind) {
            setting = patient(&setting, deviation);
            // One that waited in vain is enough, and the others need not.
            setting.patience = 1;
        }
        parent::run(&setting, &programs.iter().collect::<Vec<_>>()).observed
    };
    for observed in &observed {
        // A round that was waited for no more says nothing of what did not come.
        if !observed.whole && (listening || needs_patience(deviation.kind)) {
            continue;
        }
        let past = Past::none(request.setting.has_a_process_of_its_own());
        let events = observed.events();
        let verdict = judge(request.rules, request.demand, dialect, past, &events);
        let same = |d: &&Deviation| is_again(request.rules, d, deviation);
        seen.rounds += 1;
        if let Some(again) = verdict.deviations.iter().find(same) {
            seen.shown += 1;
            seen.first.get_or_insert((events, *again));
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

    fn next(&mut self, how_many: usize) -> Vec<Program> {
        let mut all = Vec::with_capacity(how_many);
        for _ in 0..how_many {
            all.push(self.planned.program.clone());
            draw_pauses(&mut self.planned, &mut self.random);
        }
        all
    }
}

//! Evidence from a race, which two runs of the same calls need not show twice.

use mapi_session_spec::dialect::Dialect;
use mapi_session_spec::judge::Deviation;

use super::{Evidence, judge, patient, rests_on_waiting};
use crate::isolation::parent;
use crate::plan::{Planned, draw_pauses};
use crate::program::Program;
use crate::run::{Ran, Request};

/// How many rounds are run again, to say how often it shows.
const ROUNDS_AGAIN: usize = 200;
/// The same for what is not there: each time is waited for in vain.
const ROUNDS_IN_VAIN: usize = 20;

/// What a race showed is a fact, and one time is enough; what it did not show must be missing once more with patience.
pub(super) fn confirm(
    request: &Request,
    dialect: Dialect,
    ran: &Ran,
    deviation: &Deviation,
) -> Option<Evidence> {
    let planned = &request.planned[ran.program];
    let waits = rests_on_waiting(deviation.kind);
    let rounds = rounds_of(planned, if waits { ROUNDS_IN_VAIN } else { ROUNDS_AGAIN });
    let setting = patient(request.setting, deviation.kind);
    let batch = parent::run(&setting, &rounds.iter().collect::<Vec<_>>());
    let mut shown = 0;
    let mut patient_one = None;
    for observed in &batch.observed {
        let fresh = setting.has_a_process_of_its_own();
        let verdict = judge(request.rules, request.demand, dialect, fresh, &observed.events);
        let same = |d: &&Deviation| d.requirement == deviation.requirement && d.kind == deviation.kind;
        if let Some(again) = verdict.deviations.iter().find(same) {
            shown += 1;
            patient_one.get_or_insert_with(|| (observed.events.clone(), *again));
        }
    }
    let race = planned.race.map_or("the same calls", |round| round.race);
    let first = planned.race.map_or(0, |round| round.number + 1);
    let times = format!("{shown} of {} further rounds", batch.observed.len());
    let decided_by = format!("a race ({race}), in round {first} and in {times}");
    let (events, deviation) = match patient_one {
        Some(shown) if waits => shown,
        None if waits => return None,
        _ => (ran.observed.events.clone(), *deviation),
    };
    Some(Evidence { program: planned.program.clone(), events, deviation, decided_by })
}

/// The same calls again, with other pauses: the first time with those that it showed with.
fn rounds_of(planned: &Planned, how_many: usize) -> Vec<Program> {
    let mut random = fastrand::Rng::with_seed(planned.race.map_or(0, |round| u64::from(round.number)));
    let mut again = planned.clone();
    (0..how_many)
        .map(|round| {
            if round > 0 {
                draw_pauses(&mut again, &mut random);
            }
            again.program.clone()
        })
        .collect()
}

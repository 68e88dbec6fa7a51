//! A suspicion becomes evidence: shown again alone, or after the shortest past it needs, and made small.

use std::time::Duration;

use mapi_session_spec::Level;
use mapi_session_spec::dialect::Dialect;
use mapi_session_spec::event::Event;
use mapi_session_spec::judge::{Deviation, Kind, Verdict};
use mapi_session_spec::requirement::RequirementId;
use mapi_session_spec::rule::Demand;

use super::{Past, Ran, Request, is_again, judge, patient, rests_on_every_settling, rests_on_waiting};
use crate::isolation::parent::{self, BatchEnd, Observed, Setting};
use crate::program::{Action, Awaited, Kept, Program, Step};
pub(super) use plainer::with_plain_arguments;
use shrinking::{leave_out_whole_kinds, shrink};

mod plainer;
mod raced;
mod shrinking;

/// How many traces are tried before a suspicion is given up.
const TRIES: usize = 4;
/// How many traces of the same process may be put in front of one that does not show its fault alone.
const PAST: usize = 64;
/// The same, in front of the first that showed it.
const LONG_PAST: usize = 512;
/// How many steps are tried in all while a program is made small, and how many make it a long one.
const STEPS_TRIED: usize = 100_000;
const LONG: usize = 400;
/// How many steps they may have in all: a step is named by 16 bits.
const STEPS_OF_THE_PAST: usize = 60_000;

const HANG_WHILE_SHRINKING: Duration = Duration::from_secs(1);
/// How long is settled while a trace is made small: long enough for a session that tells at once, then for one that tells
/// a little later. What a session that is later still did not say is shown at full length.
const SETTLE_WHILE_SHRINKING: [Duration; 2] = [Duration::from_millis(4), Duration::from_millis(40)];

/// A deviation, shown again.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// What was run, nothing in it that the fault does not need.
    pub program: Program,
    /// What happened.
    pub events: Vec<Event>,
    /// The deviation; its event counts in `events`.
    pub deviation: Deviation,
    /// The levels, up to the one run, that forbid it, ascending.
    pub levels: Vec<Level>,
    /// What decided: `repetition`, or the limit that passed without an answer.
    pub decided_by: String,
}

/// Runs a program alone, and looks for the same fault.
fn shows(
    request: &Request,
    setting: &Setting,
    dialect: Dialect,
    program: &Program,
    fault: &Deviation,
) -> Option<(Vec<Event>, Deviation, Vec<u16>)> {
    let batch = parent::run(setting, &[program]);
    if matches!(batch.end, BatchEnd::NotLoaded(_) | BatchEnd::Broken(_)) {
        return None;
    }
    let observed = batch.observed.into_iter().next()?;
    let events = observed.events();
    let past = Past::none(setting.has_a_process_of_its_own());
    let verdict = judge(request.rules, request.demand, dialect, past, &events);
    let found = verdict.deviations.iter().find(|d| is_again(request.rules, d, fault)).copied()?;
    Some((events, found, observed.ran()))
}

/// Confirms the first of these traces that can be shown again alone, and makes it small.
pub(super) fn confirm(
    request: &Request,
    ran: &[Ran],
    dialect: Dialect,
    suspects: &[(usize, Deviation)],
) -> Option<Evidence> {
    // Each try of what rests on waiting waits out its whole time.
    let tries = |kind| if rests_on_waiting(kind) { TRIES / 2 } else { TRIES };
    let mut worth_a_try =
        suspects.iter().enumerate().filter(|(n, (_, d))| *n < tries(d.kind)).map(|(_, s)| s);
    worth_a_try.find_map(|(i, deviation)| {
        let planned = &request.planned[ran[*i].program];
        if planned.program.races() {
            return raced::confirm(request, dialect, &ran[*i], deviation);
        }
        let program = up_to_the_fault(&planned.program, &ran[*i].observed, deviation);
        minimise(request, dialect, program, deviation)
    })
}

/// The same, for a fault that needs what ran before.
pub(super) fn confirm_with_its_past(
    request: &Request,
    ran: &[Ran],
    verdicts: &[&Verdict],
    dialect: Dialect,
    suspects: &[(usize, Deviation)],
) -> Option<Evidence> {
    // A race needs luck, not a past; and what an announcement lacks, the one before it in the same trace shows.
    let needs_none = |(i, deviation): &&(usize, Deviation)| {
        request.planned[ran[*i].program].program.races()
            || (deviation.kind == Kind::MissingCallback && rests_on_every_settling(deviation))
    };
    let steady: Vec<(usize, Deviation)> = suspects.iter().filter(|one| !needs_none(one)).copied().collect();
    let (program, deviation) = with_its_past(request, ran, verdicts, dialect, &steady)?;
    minimise(request, dialect, program, &deviation)
}

/// A fault that needs what ran before: the clean traces of the same process are put in front, fewer each time.
fn with_its_past(
    request: &Request,
    ran: &[Ran],
    verdicts: &[&Verdict],
    dialect: Dialect,
    suspects: &[(usize, Deviation)],
) -> Option<(Program, Deviation)> {
    // The earliest has the shortest past: all of it is tried, where it is not too long.
    let earliest = suspects.iter().min_by_key(|(i, _)| *i).map(|suspect| (suspect, LONG_PAST));
    let shortest = suspects.iter().take(2).map(|suspect| (suspect, PAST));
    earliest.into_iter().chain(shortest).find_map(|((i, deviation), most)| {
        let careful = patient(request.setting, deviation);
        // A long past waits often, and patience is for what shows without.
        let fails = |program: &Program| {
            [request.setting, &careful]
                .into_iter()
                .all(|setting| shows(request, setting, dialect, program, deviation).is_some())
        };
        let itself =
            &up_to_the_fault(&request.planned[ran[*i].program].program, &ran[*i].observed, deviation);
        // What deviated itself may have left the process in any state: it is no fair past.
        let past: Vec<usize> = (0..*i)
            .filter(|j| ran[*j].process == ran[*i].process && verdicts[*j].deviations.is_empty())
            .collect();
        let mut length = 1;
        while length <= most.min(past.len().next_power_of_two() * 2) {
            let start = past.len().saturating_sub(length);
            let before = past[start..].iter().map(|j| &request.planned[ran[*j].program].program);
            if before.clone().map(|program| program.steps.len()).sum::<usize>() > STEPS_OF_THE_PAST {
                break;
            }
            let program = joined(before, itself);
            if fails(&program) {
                return Some((program, *deviation));
            }
            length *= 2;
        }
        None
    })
}

/// Several programs one after the other, as one. Names are shifted so that none is used twice.
fn joined<'a>(past: impl Iterator<Item = &'a Program>, last: &'a Program) -> Program {
    let mut all = Program::default();
    for program in past.chain(std::iter::once(last)) {
        let offset = all.steps.len() as u16;
        let names = crate::rename::Offsets::after(&all);
        all.steps.extend(program.steps.iter().map(|step| {
            let after = step.after.map(|(index, wanted)| (index + offset, wanted));
            Kept::of(Step { after, ..names.shift(step) })
        }));
    }
    all
}

/// Takes away every step that the fault does not need, and shows what is left once more with all patience.
fn minimise(
    request: &Request,
    dialect: Dialect,
    program: Program,
    deviation: &Deviation,
) -> Option<Evidence> {
    let (requirement, kind) = (deviation.requirement, deviation.kind);
    let careful = patient(request.setting, deviation);
    let is_waited_for =
        |(events, found, _): &(Vec<Event>, Deviation, _)| was_waited_for(events, found, careful.settle);
    let shown =
        |program: &Program| shows(request, &careful, dialect, program, deviation).filter(is_waited_for);
    // Most that is late is late and no more: that is found out before anything is made small.
    let at_length = if rests_on_waiting(kind) {
        let whole = waiting_to_the_end(program.clone(), deviation);
        let found = shown(&whole)?;
        Some((whole, found))
    } else {
        None
    };
    let mut settles: Vec<Duration> =
        SETTLE_WHILE_SHRINKING.iter().map(|limit| request.setting.settle.min(*limit)).collect();
    settles.dedup();
    if !rests_on_waiting(kind) {
        settles.drain(..settles.len() - 1);
    }
    // Waiting in vain is waited for briefly while shrinking; the last, patient run decides.
    let small = settles.into_iter().find_map(|settle| {
        let mut quick = careful.clone();
        quick.timeout = request.setting.timeout.map(|limit| limit.min(HANG_WHILE_SHRINKING));
        quick.settle = settle;
        let small = shrunk(request, dialect, &quick, &careful, &program, deviation)?;
        shown(&small).map(|found| (small, found))
    });
    let (program, (events, deviation, _)) = small.or_else(|| match at_length {
        Some(at_length) => Some(at_length),
        None => shown(&program).map(|found| (program, found)),
    })?;
    let decided_by = match kind {
        Kind::Hang => {
            format!("no return within {} s, alone", careful.timeout.map_or(0, |limit| limit.as_secs()))
        }
        kind if rests_on_waiting(kind) => {
            format!("shown again alone, settling for {} ms", careful.settle.as_millis())
        }
        _ => "shown again alone".to_owned(),
    };
    let past = Past::none(request.setting.has_a_process_of_its_own());
    let levels = levels_that_forbid(request, dialect, past, &events, requirement);
    Some(Evidence { program, events, deviation, levels, decided_by })
}

/// The levels, up to the one run, at which the trace breaks the requirement. What a rule demands may rest on what others
/// demanded before: so it is asked of each level, and not of the rule.
fn levels_that_forbid(
    request: &Request,
    dialect: Dialect,
    past: Past,
    events: &[Event],
    requirement: RequirementId,
) -> Vec<Level> {
    let is_broken_at = |level: Level| {
        let demand = Demand { level, ..request.demand };
        let verdict = judge(request.rules, demand, dialect, past, events);
        verdict.deviations.iter().any(|deviation| deviation.requirement == requirement)
    };
    let run = request.demand.level;
    Level::ALL.into_iter().filter(|level| *level == run || (*level < run && is_broken_at(*level))).collect()
}

/// The program without what the fault does not need, as far as quick runs can tell.
fn shrunk(
    request: &Request,
    dialect: Dialect,
    quick: &Setting,
    careful: &Setting,
    program: &Program,
    deviation: &Deviation,
) -> Option<Program> {
    let kind = deviation.kind;
    let (_, _, ran) = shows(request, quick, dialect, program, deviation)
        .or_else(|| shows(request, careful, dialect, program, deviation))?;
    let fails = |steps: &[Step]| {
        let program = Program::of(steps.iter().copied());
        shows(request, quick, dialect, &program, deviation).is_some()
    };
    let mut steps: Vec<Step> = program
        .steps
        .iter()
        .enumerate()
        .filter(|(i, step)| ran.contains(&(*i as u16)) || matches!(step.action, Action::Settle(_)))
        .map(|(_, step)| Step { after: None, ..**step })
        .collect();
    if !fails(&steps) {
        steps = program.steps.iter().map(|step| **step).collect();
    }
    if steps.len() > LONG {
        leave_out_whole_kinds(&mut steps, &fails);
    }
    // Each try of these waits, also one that shows the fault: a hang for its limit, a callback too many for a moment.
    let budget = match kind {
        Kind::Hang => 12,
        kind if kind.may_be_of_before() => 48,
        _ => (STEPS_TRIED / steps.len().max(1)).clamp(20, 200),
    };
    // What rests on absence needs the waiting: a trace without it shows only that the subject was not quick.
    let keep = if rests_on_waiting(kind) { is_settling } else { |_: &Step| false };
    shrink(&mut steps, keep, budget, &fails);
    Some(waiting_to_the_end(crate::rename::compact(&Program::of(steps)), deviation))
}

/// The run that decides cuts no waiting short: what was awaited may have come, and more be on its way. Where nothing at
/// all was heard, it is the last settling that it is missing from, and the others only lead there.
fn waiting_to_the_end(mut program: Program, deviation: &Deviation) -> Program {
    if rests_on_waiting(deviation.kind) {
        let settlings = program.steps.iter_mut().filter(|step| is_settling(step)).rev();
        let which = if rests_on_every_settling(deviation) { usize::MAX } else { 1 };
        for step in settlings.take(which) {
            step.change(|step| step.action = Action::Settle(Awaited::default()));
        }
    }
    program
}

/// The program without the calls that came after the settling that showed the fault. What callbacks may do stays.
fn up_to_the_fault(program: &Program, observed: &Observed, deviation: &Deviation) -> Program {
    let mut program = program.clone();
    let events = observed.events();
    if !matches!(events.get(deviation.event), Some(Event::Settled { .. })) {
        return program;
    }
    let is_called_back = |step: &Kept| step.place.sink().is_some();
    let earlier =
        events[..deviation.event].iter().filter(|event| matches!(event, Event::Call { .. })).count();
    let ran = observed.ran();
    let later = ran.iter().skip(earlier).map(|step| usize::from(*step));
    let next = later.filter(|step| program.steps.get(*step).is_some_and(|step| !is_called_back(step))).min();
    if let Some(next) = next {
        let mut index = 0;
        program.steps.retain(|step| {
            index += 1;
            index <= next || is_called_back(step)
        });
    }
    program
}

/// Whether what is missing was waited for as long as may be: a settling that was cut short, such as those of what ran
/// before, says nothing of what it did not await.
fn was_waited_for(events: &[Event], deviation: &Deviation, limit: Duration) -> bool {
    let is_missing = matches!(deviation.kind, Kind::MissingCallback | Kind::Lifetime);
    match events.get(deviation.event) {
        Some(Event::Settled { milliseconds }) if is_missing => {
            Duration::from_millis(u64::from(*milliseconds)) >= limit
        }
        _ => true,
    }
}

fn is_settling(step: &Step) -> bool {
    matches!(step.action, Action::Settle(awaited) if !awaited.strays)
}

#[cfg(test)]
mod tests {
    use mapi_session_spec::party::Party;
    use mapi_session_spec::requirement::Family;

    use super::*;

    #[test]
    fn a_settling_that_was_cut_short_is_no_evidence_of_what_is_missing() {
        let limit = Duration::from_secs(2);
        let deviation = |kind| Deviation {
            arm: 0,
            requirement: Family::Thread.id(5),
            blame: Party::Session,
            kind,
            event: 0,
            call: None,
            debt: None,
        };
        for kind in [Kind::MissingCallback, Kind::Lifetime] {
            let waited =
                |milliseconds| was_waited_for(&[Event::Settled { milliseconds }], &deviation(kind), limit);
            assert_eq!([0, 200, 2000].map(waited), [false, false, true]);
            assert!(
                was_waited_for(&[Event::End], &deviation(kind), limit),
                "it shows in a callback, or at the end"
            );
        }
        let came = deviation(Kind::RepeatedCallback);
        assert!(
            was_waited_for(&[Event::Settled { milliseconds: 0 }], &came, limit),
            "it was there to be heard"
        );
    }
}

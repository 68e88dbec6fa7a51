//! Programs into processes: how many share one, what a death cuts off, and when several processes run abreast.

mod kept_out;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use mapi_session_spec::event::Call;

use super::judging::Showing;
use super::past::Past;
use super::quarantine::Quarantine;
use super::{NotTested, Ran};
use crate::isolation::parent::{self, BatchEnd, Observed, Setting, SharedSymbols, Task};
use crate::plan::Planned;
use crate::program::{Action, Awaited, Kept, Program};

/// How many programs share one process.
const BATCH: usize = 100_000;
/// The same where `MAPIUninitialize` is left out because it kills the subject: what is left behind adds up.
const BATCH_WITHOUT_CLEANING: usize = 1_000;

/// How many processes run abreast where the subject mostly waits, as one that tells its members from a thread of its own
/// may do in every trace.
pub(super) const ABREAST: usize = 8;
/// The same where it is no race that waits: those have four threads each.
const ABREAST_WITHOUT_RACES: usize = 16;
/// A race that takes longer than this, on the average, is one that waits.
const WAITS: Duration = Duration::from_millis(2);

/// How long a call of a subject that has hung may take at least in what is still to run, and which part of the limit: what
/// is reported is waited for at length.
const HANGS_AGAIN: Duration = Duration::from_secs(1);
const IN_A_HURRY: u32 = 5;

/// What is run, how, and the list that what is observed is written in.
#[derive(Clone, Copy)]
struct Run<'a> {
    setting: &'a Setting,
    planned: &'a [Planned],
    symbols: &'a SharedSymbols,
}

/// Runs one part of the plan after the other.
pub(super) struct Parts<'a> {
    run: Run<'a>,
    abreast: usize,
    /// The number of the next process.
    process: usize,
    /// Of the last part that ran in one process after the other.
    quarantine: Quarantine,
}

impl<'a> Parts<'a> {
    pub(super) fn new(setting: &'a Setting, planned: &'a [Planned], symbols: &'a SharedSymbols) -> Self {
        Self {
            run: Run { setting, planned, symbols },
            abreast: 1,
            process: 0,
            quarantine: Quarantine::default(),
        }
    }

    /// Runs this part.
    pub(super) fn run(
        &mut self,
        which: Range<usize>,
        progress: &mut dyn FnMut(usize, usize),
        foresee: &mut dyn FnMut(usize, &[Showing]),
    ) -> Result<Vec<Ran>, NotTested> {
        let is_of_races = self.run.planned.get(which.start).is_some_and(|planned| planned.race.is_some());
        let count = u32::try_from(which.len()).unwrap_or(u32::MAX);
        let clock = Instant::now();
        let mut ran = if self.abreast > 1 {
            run_abreast(self.run, which, self.abreast, &self.quarantine, progress)?
        } else {
            self.quarantine = self.quarantine.anew();
            let (mut ran, rest) = run_some(self.run, which, true, &mut self.quarantine, progress, foresee)?;
            if !rest.is_empty() {
                let mut process = ran.last().map_or(0, |ran| ran.process + 1);
                let mut others = self.run_what_waits(rest, &ran, progress)?;
                number_from(&mut others, &mut process);
                ran.extend(others);
            }
            ran
        };
        if is_of_races
            && count > 0
            && self.run.setting.has_a_process_of_its_own()
            && clock.elapsed() > WAITS * count
        {
            self.abreast = ABREAST;
        }
        number_from(&mut ran, &mut self.process);
        Ok(ran)
    }

    /// Runs these of a subject that mostly waits, these having run alone before: abreast, unless its processes keep each
    /// other out.
    fn run_what_waits(
        &mut self,
        rest: Range<usize>,
        alone: &[Ran],
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Ran>, NotTested> {
        let abreast = run_abreast(self.run, rest.clone(), ABREAST_WITHOUT_RACES, &self.quarantine, progress)?;
        if kept_out::keep_each_other_out(observed(alone), observed(&abreast)) {
            let quarantine = &mut self.quarantine.anew();
            return run_some(self.run, rest, false, quarantine, progress, &mut |_, _| {}).map(|(ran, _)| ran);
        }
        self.abreast = ABREAST;
        Ok(abreast)
    }
}

fn observed(ran: &[Ran]) -> impl Iterator<Item = &Observed> {
    ran.iter().map(|ran| &ran.observed)
}

/// Gives the processes of these the numbers from `next` on.
fn number_from(ran: &mut [Ran], next: &mut usize) {
    let used = ran.last().map_or(0, |ran| ran.process + 1);
    for ran in ran {
        ran.process += *next;
    }
    *next += used;
}

/// Runs these in as many shares as processes run abreast. Each learns for itself what is to be left out.
fn run_abreast(
    run: Run,
    which: Range<usize>,
    abreast: usize,
    known: &Quarantine,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Ran>, NotTested> {
    let shares = in_shares(which.clone(), abreast, |i| waits(&run.planned[i].program));
    let (report, reports) = channel();
    std::thread::scope(|scope| {
        let running: Vec<_> = shares
            .into_iter()
            .enumerate()
            .map(|(number, share)| {
                let report = report.clone();
                scope.spawn(move || {
                    let start = share.start;
                    // Nobody listens any more only where the run is over.
                    let mut progress = |done: usize, _| {
                        let _ = report.send((number, done.saturating_sub(start)));
                    };
                    run_some(run, share, false, &mut known.anew(), &mut progress, &mut |_, _| {})
                })
            })
            .collect();
        drop(report);
        let mut done = vec![0; running.len()];
        for (number, of_it) in reports {
            done[number] = of_it;
            progress(which.start + done.iter().sum::<usize>(), run.planned.len());
        }
        let mut all = Vec::with_capacity(which.len());
        let mut process = 0;
        for share in running {
            let (mut ran, _) = share.join().unwrap_or_else(|panic| resume_unwind(panic))?;
            number_from(&mut ran, &mut process);
            all.extend(ran);
        }
        Ok(all)
    })
}

/// How often a program may wait for the subject.
fn waits(program: &Program) -> usize {
    let waits = |step: &&Kept| match step.action {
        Action::Settle(awaited) => awaited != Awaited::default(),
        Action::Call(call) => matches!(call, Call::LogonEx { .. } | Call::Logoff { .. }),
    };
    program.steps.iter().filter(waits).count()
}

/// Cuts these into at most so many shares, one after the other, of about the same weight.
fn in_shares(which: Range<usize>, how_many: usize, weight: impl Fn(usize) -> usize) -> Vec<Range<usize>> {
    let total: usize = which.clone().map(|i| 1 + weight(i)).sum();
    let share = total.div_ceil(how_many).max(1);
    let mut shares = Vec::new();
    let (mut start, mut sum) = (which.start, 0);
    for i in which.clone() {
        sum += 1 + weight(i);
        if sum >= share * (shares.len() + 1) {
            shares.push(start..i + 1);
            start = i + 1;
        }
    }
    if start < which.end {
        shares.push(start..which.end);
    }
    shares
}

/// Runs every program, in as many processes as it takes. Calls that kill the subject are left out after that, and
/// what a death cut off is run without them.
///
/// # Errors
/// If the subject cannot be loaded, or its process writes nonsense.
pub fn run_all(
    setting: &Setting,
    planned: &[Planned],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Ran>, NotTested> {
    let run = Run { setting, planned, symbols: &SharedSymbols::default() };
    let mut quarantine = Quarantine::default();
    run_some(run, 0..planned.len(), false, &mut quarantine, progress, &mut |_, _| {}).map(|(ran, _)| ran)
}

/// How often the subject's process may die of what no quarantine keeps it from, before nothing more is run.
const DEATHS: u32 = 100;

/// The same, of these alone, and which are left: none, unless it `may_stop` where the subject mostly waits. `foresee` is
/// shown what may prove to be all there is of the next traces, from that place on, while the subject is still listened to.
fn run_some(
    run: Run,
    which: Range<usize>,
    may_stop: bool,
    quarantine: &mut Quarantine,
    progress: &mut dyn FnMut(usize, usize),
    foresee: &mut dyn FnMut(usize, &[Showing]),
) -> Result<(Vec<Ran>, Range<usize>), NotTested> {
    let Run { setting, planned, symbols } = run;
    let mut ran: Vec<Ran> = Vec::with_capacity(which.len());
    let mut process = 0;
    let end = which.end;
    let mut queue: Queue = which.map(|i| (i, Cow::Borrowed(&planned[i].program))).collect();
    while !queue.is_empty() {
        let batch: Vec<(usize, Cow<Program>)> =
            queue.drain(..next_batch(planned, &queue, quarantine)).collect();
        let programs: Vec<&Program> = batch.iter().map(|(_, program)| &**program).collect();
        let past = |offset: usize| Past::none(offset == 0 && setting.has_a_process_of_its_own());
        let races = batch.iter().any(|(program, _)| planned[*program].race.is_some());
        let task = Task { programs: &programs, races, may_stop, symbols };
        let result =
            parent::run_and_meanwhile(&in_a_hurry(setting, quarantine), task, &mut |from, observed| {
                let observed = observed.iter().zip(from..);
                let showings: Vec<_> =
                    observed.map(|(observed, i)| Showing { past: past(i), observed }).collect();
                foresee(ran.len() + from, &showings);
            });
        let begun = result.observed.len();
        for (offset, observed) in result.observed.into_iter().enumerate() {
            ran.push(Ran { program: batch[offset].0, observed, past: past(offset), process });
        }
        process += 1;
        let mut again = Vec::new();
        match result.end {
            BatchEnd::Finished => {}
            BatchEnd::Waited if may_stop => return Ok((ran, batch[begun].0..end)),
            BatchEnd::Waited => {
                return Err(NotTested::Broken(
                    "the subject's process stopped before its last program".into(),
                ));
            }
            BatchEnd::NotLoaded(why) => return Err(NotTested::NotLoaded(why)),
            BatchEnd::Broken(why) => return Err(NotTested::Broken(why)),
            BatchEnd::Died(last) => {
                let it_died_in = ran.len() - begun + last;
                let killed =
                    ran.get(it_died_in).is_some_and(|ran| quarantine.note(&ran.observed, &batch[last].1));
                if !killed && quarantine.deaths > DEATHS {
                    // What was run until here is judged; who asks for the rest finds it missing.
                    return Ok((ran, end..end));
                }
                let kept = quarantine.without_lethal(&batch[last].1);
                if killed && kept != *batch[last].1 {
                    again.push((batch[last].0, Cow::Owned(kept)));
                }
                again.extend(batch[begun..].iter().cloned());
                // Whatever else was quarantined was left out of them before.
                if killed {
                    for (_, program) in again.iter_mut().chain(&mut queue) {
                        *program = Cow::Owned(quarantine.without_lethal(program));
                    }
                }
            }
        }
        for left in again.into_iter().rev() {
            queue.push_front(left);
        }
        progress(end.saturating_sub(queue.len()), planned.len());
    }
    Ok((ran, end..end))
}

/// Where a call has hung, others may, and none of them is waited for as long as that one.
fn in_a_hurry<'s>(setting: &'s Setting, quarantine: &Quarantine) -> Cow<'s, Setting> {
    match setting.timeout {
        Some(limit) if quarantine.has_hung => Cow::Owned(Setting {
            timeout: Some(limit.min(HANGS_AGAIN.max(limit / IN_A_HURRY))),
            ..setting.clone()
        }),
        _ => Cow::Borrowed(setting),
    }
}

/// Programs still to run, with their places in the plan.
type Queue<'a> = VecDeque<(usize, Cow<'a, Program>)>;

/// How many of the queue share the next process: one that needs a past of its own shares it with nobody.
fn next_batch(planned: &[Planned], queue: &Queue, quarantine: &Quarantine) -> usize {
    let most = if quarantine.leaves_things_behind() { BATCH_WITHOUT_CLEANING } else { BATCH };
    let sociable = queue.iter().take(most).take_while(|(program, _)| !planned[*program].alone).count();
    sociable.max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::subject::Subject;

    #[test]
    fn where_a_call_has_hung_the_others_are_waited_for_less_and_never_longer_than_asked() {
        let limits = |limit: Option<u64>, has_hung| {
            let timeout = limit.map(Duration::from_millis);
            let setting = Setting {
                program: None,
                subject: Subject::Reference,
                profile: None,
                timeout,
                settle: Duration::ZERO,
                patience: 0,
                linger: Duration::ZERO,
            };
            let mut quarantine = Quarantine::default();
            quarantine.has_hung = has_hung;
            in_a_hurry(&setting, &quarantine).timeout.map(|limit| limit.as_millis())
        };
        assert_eq!(limits(Some(5_000), false), Some(5_000));
        assert_eq!(limits(Some(5_000), true), Some(1_000));
        assert_eq!(limits(Some(400), true), Some(400));
        assert_eq!(limits(Some(60_000), true), Some(12_000), "whoever says so knows a slow subject");
        assert_eq!(limits(None, true), None, "somebody steps through it");
    }

    proptest! {
        #[test]
        fn shares_have_every_program_once_in_order_and_none_has_more_than_a_program_too_much(
            weights in proptest::collection::vec(0_usize..20, 1..200),
            how_many in 1_usize..20,
        ) {
            let shares = in_shares(0..weights.len(), how_many, |i| weights[i]);
            prop_assert!(shares.len() <= how_many);
            prop_assert!(shares.iter().cloned().flatten().eq(0..weights.len()));
            let weight = |share: &Range<usize>| share.clone().map(|i| 1 + weights[i]).sum::<usize>();
            let fair = shares.iter().map(weight).sum::<usize>().div_ceil(how_many);
            for share in &shares {
                prop_assert!(weight(share) < fair + 1 + weights.iter().max().unwrap_or(&0));
            }
        }
    }
}

//! Calls that kill the subject, and when no further program makes them.

use std::collections::HashMap;

use mapi_session_spec::event::{Call, Event, Profile};
use mapi_session_spec::flags::LogoffFlags;
use mapi_session_spec::outcome::Ending;

use crate::isolation::parent::Observed;
use crate::program::{Action, Place, Program, Wanted};

/// How often a call may crash the subject in legal use before no further program makes it.
const CRASHES: u32 = 4;

/// A kind of call that kills the subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Lethal {
    name: String,
    after_logoff: bool,
    /// The session was called in between, which nobody may do.
    after_misuse: bool,
    /// The session shares with others: it joined them, or one of them left with `MAPI_LOGOFF_SHARED`.
    joined: bool,
    told: bool,
    waits_for_a_person: bool,
    /// A callback waits for it, which makes a hang of what returns elsewhere.
    is_waited_for: bool,
}

impl Lethal {
    fn of(program: &Program, index: usize) -> Option<Self> {
        let Action::Call(call) = program.steps.get(index)?.action else { return None };
        let session = call.session();
        let (mut after_logoff, mut after_misuse, mut joined, mut told) = (false, false, false, false);
        for (place, step) in program.steps[..index].iter().enumerate() {
            let Action::Call(earlier) = step.action else { continue };
            if is_another_way(program.steps[index].after, step.after) {
                continue;
            }
            match earlier {
                Call::Logoff { session: s, flags, reserved, .. } if Some(s) == session => {
                    after_logoff |= match program.steps[index].after {
                        Some((which, wanted)) if usize::from(which) == place => wanted == Wanted::Success,
                        // One that is planned to be refused mostly is.
                        _ => flags.unknown() == 0 && reserved == 0,
                    };
                }
                Call::Logoff { flags, .. } => told |= flags.has(LogoffFlags::MAPI_LOGOFF_SHARED),
                Call::LogonEx { session: s, profile, .. } if Some(s) == session => {
                    joined = profile == Profile::Null;
                }
                _ => {
                    after_misuse |= after_logoff && earlier.session() == session && !is_of_iunknown(&earlier);
                }
            }
        }
        let waits_for_a_person = matches!(call, Call::Logoff { flags, .. }
            if flags.has(LogoffFlags::MAPI_LOGOFF_UI));
        let is_waited_for = matches!(program.steps[index].place, Place::WaitedFor(_));
        let (name, told) = (call.name(), told && session.is_some());
        Some(Self { name, after_logoff, after_misuse, joined, told, waits_for_a_person, is_waited_for })
    }
}

/// Of two steps that are made where the same call went one way, and where it went the other, a program makes one.
fn is_another_way(one: Option<(u16, Wanted)>, other: Option<(u16, Wanted)>) -> bool {
    matches!((one, other), (Some((of, wanted)), Some((same, another))) if of == same && wanted != another)
}

/// These are made after Logoff, too.
const fn is_of_iunknown(call: &Call) -> bool {
    matches!(call, Call::AddRef { .. } | Call::Release { .. } | Call::QueryInterface { .. })
}

/// The calls that no further program makes.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    counts: HashMap<Lethal, u32>,
    pub(super) deaths: u32,
    /// A call never came back that had no reason to wait: for a person, or for a callback, or because it was illegal.
    pub(super) has_hung: bool,
}

impl Quarantine {
    /// For other programs: what one call does to a subject, it may do in few of them, and each is worth a try.
    pub(super) fn anew(&self) -> Self {
        Self { has_hung: self.has_hung, ..Self::default() }
    }

    /// `MAPIUninitialize` is made no more: what it would have cleaned up stays.
    pub(super) fn leaves_things_behind(&self) -> bool {
        let mut lethal = self.counts.iter().filter(|(_, deaths)| **deaths >= CRASHES);
        lethal.any(|(lethal, _)| lethal.name == Call::Uninitialize.name())
    }

    /// Notes a death. Whether the call that died is quarantined from now on.
    pub(super) fn note(&mut self, observed: &Observed, program: &Program) -> bool {
        self.deaths += 1;
        let Some((lethal, call)) = observed.died_at.and_then(|index| {
            let Action::Call(call) = program.steps.get(index)?.action else { return None };
            Some((Lethal::of(program, index)?, call))
        }) else {
            return false;
        };
        let hung = observed
            .events()
            .iter()
            .any(|event| matches!(event, Event::Return { outcome, .. } if outcome.ending == Ending::Hung));
        let is_misuse = lethal.after_misuse || (lethal.after_logoff && !is_of_iunknown(&call));
        self.has_hung |= hung && !is_misuse && !lethal.waits_for_a_person && !lethal.is_waited_for;
        let weight = match () {
            () if hung || is_misuse || lethal.waits_for_a_person => CRASHES,
            () if lethal.after_logoff => CRASHES / 2,
            () => 1,
        };
        let count = self.counts.entry(lethal).or_default();
        *count += weight;
        *count >= CRASHES
    }

    pub(super) fn without_lethal(&self, program: &Program) -> Program {
        let mut kept = program.clone();
        for index in 0..kept.steps.len() {
            let lethal = Lethal::of(program, index);
            if lethal.is_some_and(|lethal| self.counts.get(&lethal).is_some_and(|n| *n >= CRASHES)) {
                // A place that never comes: the numbers of the other steps stay.
                let never = Place::Inside(mapi_session_spec::event::SinkId(u16::MAX));
                kept.steps[index].change(|step| step.place = never);
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use mapi_session_spec::alphabet::{logoff_with, plain_logoff};
    use mapi_session_spec::event::{CallId, Method, ObjectId, SessionId, SinkId, ThreadId};
    use mapi_session_spec::outcome::{Out, Outcome};

    use super::*;
    use crate::isolation::parent::SharedSymbols;
    use crate::program::Step;

    /// Whether a question counts as asked after the Logoff that comes before it.
    fn is_after(logoff: Call, guard: Option<Wanted>) -> bool {
        let question = Call::Method {
            session: SessionId(0),
            method: Method::GetLastError,
            flags: 0,
            object: ObjectId(0),
        };
        let asked = Step { after: guard.map(|wanted| (0, wanted)), ..Step::call(question) };
        let program = Program::of([Step::call(logoff), asked]);
        Lethal::of(&program, 1).expect("a call").after_logoff
    }

    #[test]
    fn what_is_done_where_a_call_went_the_other_way_says_nothing() {
        let (first, second) = (SessionId(0), SessionId(1));
        let on =
            |session| Call::Method { session, method: Method::GetLastError, flags: 0, object: ObjectId(0) };
        let step = |call, wanted| Step { after: Some((0, wanted)), ..Step::call(call) };
        let mut steps = vec![Step::call(plain_logoff(first)), step(plain_logoff(second), Wanted::Success)];
        steps.extend([Wanted::Success, Wanted::Failure].map(|wanted| step(on(second), wanted)));
        let program = Program::of(steps);
        let after_logoff = |index| Lethal::of(&program, index).expect("a call").after_logoff;
        assert_eq!((after_logoff(2), after_logoff(3)), (true, false));
    }

    #[test]
    fn what_is_asked_after_a_logoff_that_was_refused_is_in_legal_use() {
        let (good, bad) = (plain_logoff(SessionId(0)), logoff_with(SessionId(0), LogoffFlags(0x4)));
        assert!(is_after(good, None) && !is_after(bad, None));
        for logoff in [good, bad] {
            assert!(is_after(logoff, Some(Wanted::Success)));
            assert!(!is_after(logoff, Some(Wanted::Failure)));
        }
    }

    /// Whether a subject in which this call, made there, ends so is known to hang, in other programs too.
    fn has_hung(call: Call, place: Place, ending: Ending) -> bool {
        let (id, thread) = (CallId(0), ThreadId(0));
        let outcome = Outcome { ending, out: Out::None };
        let events = [Event::Call { id, thread, call }, Event::Return { id, outcome }];
        let mut observed = Observed::showing(&SharedSymbols::default(), &events);
        observed.died_at = Some(0);
        let mut quarantine = Quarantine::default();
        quarantine.note(&observed, &Program::of([Step { place, ..Step::call(call) }]));
        quarantine.anew().has_hung
    }

    #[test]
    fn a_subject_hangs_where_a_call_does_not_come_back_that_has_no_reason_to_wait() {
        let (plain, asks) =
            (plain_logoff(SessionId(0)), logoff_with(SessionId(0), LogoffFlags::MAPI_LOGOFF_UI));
        let (first, waited_for) = (Place::Thread(ThreadId(0)), Place::WaitedFor(SinkId(0)));
        assert!(has_hung(plain, first, Ending::Hung));
        assert!(!has_hung(asks, first, Ending::Hung), "somebody may think it over");
        assert!(!has_hung(plain, waited_for, Ending::Hung), "it may wait for the callback");
        assert!(!has_hung(plain, first, Ending::Crashed(11)));
    }
}

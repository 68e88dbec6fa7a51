//! Calls that kill the subject, and when no further program makes them.

use std::collections::HashMap;

use mapi_session_spec::event::{Call, Event};
use mapi_session_spec::outcome::Ending;

use crate::isolation::parent::Observed;
use crate::program::{Action, Place, Program};

/// How often a call may crash the subject in legal use before no further program makes it.
const CRASHES: u32 = 4;

/// A kind of call that kills the subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Lethal {
    name: String,
    after_logoff: bool,
    waits_for_a_person: bool,
    /// A callback waits for it, which makes a hang of what returns elsewhere.
    is_waited_for: bool,
}

impl Lethal {
    fn of(program: &Program, index: usize) -> Option<Self> {
        let Action::Call(call) = program.steps.get(index)?.action else { return None };
        let session = call.session();
        let after_logoff = session.is_some()
            && program.steps[..index].iter().any(
                |step| matches!(step.action, Action::Call(Call::Logoff { session: s, .. }) if Some(s) == session),
            );
        let waits_for_a_person = matches!(call, Call::Logoff { flags, .. }
            if flags.has(mapi_session_spec::flags::LogoffFlags::MAPI_LOGOFF_UI));
        let is_waited_for = matches!(program.steps[index].place, Place::WaitedFor(_));
        Some(Self { name: call.name(), after_logoff, waits_for_a_person, is_waited_for })
    }
}

/// The calls that no further program makes.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    counts: HashMap<Lethal, u32>,
    pub(super) deaths: u32,
}

impl Quarantine {
    /// `MAPIUninitialize` is made no more: what it would have cleaned up stays.
    pub(super) fn leaves_things_behind(&self) -> bool {
        let mut lethal = self.counts.iter().filter(|(_, deaths)| **deaths >= CRASHES);
        lethal.any(|(lethal, _)| lethal.name == Call::Uninitialize.name())
    }

    /// Notes a death. Whether the call that died is quarantined from now on.
    pub(super) fn note(&mut self, observed: &Observed, program: &Program) -> bool {
        self.deaths += 1;
        let Some(lethal) = observed.died_at.and_then(|index| Lethal::of(program, index)) else {
            return false;
        };
        let hung = observed
            .events
            .iter()
            .any(|event| matches!(event, Event::Return { outcome, .. } if outcome.ending == Ending::Hung));
        let weight = if hung || lethal.after_logoff || lethal.waits_for_a_person { CRASHES } else { 1 };
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
                kept.steps[index].place = Place::Inside(mapi_session_spec::event::SinkId(u16::MAX));
            }
        }
        kept
    }
}

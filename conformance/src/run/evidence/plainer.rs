//! The same fault with plain arguments: where it shows with those, nothing peculiar about the others is to blame.

use mapi_session_spec::alphabet::plain_logoff;
use mapi_session_spec::dialect::Dialect;
use mapi_session_spec::event::{Call, Event, call_with};

use super::{Evidence, minimise};
use crate::isolation::parent;
use crate::program::Action;
use crate::run::{Past, Request, judge};

/// What a Logoff with plain arguments is answered in the same trace, if that is the same and as wrong, of whichever
/// requirement. `None` also where the arguments are plain, or a race decides.
pub(in crate::run) fn with_plain_arguments(
    request: &Request,
    dialect: Dialect,
    evidence: &Evidence,
) -> Option<Evidence> {
    let Event::Return { id, outcome } = *evidence.events.get(evidence.deviation.event)? else { return None };
    let peculiar = *call_with(id, &evidence.events)?;
    let Call::Logoff { session, .. } = peculiar else { return None };
    let plain = plain_logoff(session);
    if plain == peculiar || evidence.program.races() || !outcome.came_back() {
        return None;
    }
    let mut program = evidence.program.clone();
    let step = program.steps.iter_mut().rev().find(|step| step.action == Action::Call(peculiar))?;
    step.change(|step| step.action = Action::Call(plain));
    let observed = parent::run(request.setting, &[&program]).observed.into_iter().next()?;
    let events = observed.events();
    let past = Past::none(request.setting.has_a_process_of_its_own());
    let verdict = judge(request.rules, request.demand, dialect, past, &events);
    let is_it = |event: usize| match events.get(event) {
        Some(Event::Return { id, outcome: came }) => {
            *came == outcome && call_with(*id, &events) == Some(&plain)
        }
        _ => false,
    };
    let found = verdict.deviations.iter().find(|found| is_it(found.event))?;
    if !(request.selected)(found.requirement) {
        return None;
    }
    minimise(request, dialect, program, found)
}

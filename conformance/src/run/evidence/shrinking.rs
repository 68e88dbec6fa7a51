//! Fewer steps that still show the fault.

use mapi_session_spec::calls::CallKind;

use crate::program::{Action, Step};

/// Takes away all calls of a kind at once, where the fault does not need them: what a past is made of is mostly questions.
pub(super) fn leave_out_whole_kinds(steps: &mut Vec<Step>, fails: &dyn Fn(&[Step]) -> bool) {
    // A client that gives nothing back is to blame itself.
    for kind in CallKind::ALL.into_iter().filter(|kind| *kind != CallKind::Release) {
        let is_other =
            |step: &Step| !matches!(step.action, Action::Call(call) if CallKind::of(&call) == kind);
        let fewer: Vec<Step> = steps.iter().copied().filter(is_other).collect();
        if fewer.len() < steps.len() && fails(&fewer) {
            *steps = fewer;
        }
    }
}

/// Takes steps away, in ever smaller runs, until none can go or the budget is spent. Steps to `keep` stay.
pub(super) fn shrink(
    steps: &mut Vec<Step>,
    keep: fn(&Step) -> bool,
    mut budget: usize,
    fails: &dyn Fn(&[Step]) -> bool,
) {
    let mut size = (steps.len() / 2).max(1);
    loop {
        let mut removed = false;
        let mut end = steps.len();
        while end > 0 {
            if budget == 0 {
                return;
            }
            let start = end.saturating_sub(size);
            let mut fewer = steps[..start].to_vec();
            fewer.extend(steps[start..end].iter().copied().filter(keep));
            fewer.extend_from_slice(&steps[end..]);
            if fewer.len() == steps.len() {
                end = start;
                continue;
            }
            budget -= 1;
            if fails(&fewer) {
                *steps = fewer;
                removed = true;
            }
            end = start;
        }
        if size == 1 && !removed {
            return;
        }
        size = if removed && size == 1 { 1 } else { (size / 2).max(1) };
    }
}

#[cfg(test)]
mod tests {
    use mapi_session_spec::alphabet::{plain_logoff, questions};
    use mapi_session_spec::event::{Call, ObjectId, SessionId, Target};

    use super::super::is_settling;
    use super::*;
    use crate::program::Awaited;

    const SESSION: SessionId = SessionId(0);

    fn made_of(calls: impl IntoIterator<Item = Call>) -> Vec<Step> {
        calls.into_iter().map(Step::call).collect()
    }

    fn has(steps: &[Step], call: Call) -> bool {
        steps.contains(&Step::call(call))
    }

    #[test]
    fn of_a_long_past_whole_kinds_of_calls_go_but_what_was_held_is_given_back() {
        let release = Call::Release { target: Target::Session(SESSION) };
        let mut steps = made_of(questions(SESSION, ObjectId(0)));
        steps.extend(made_of([Call::Initialize, plain_logoff(SESSION), release]));
        leave_out_whole_kinds(&mut steps, &|fewer| has(fewer, plain_logoff(SESSION)));
        assert_eq!(steps, made_of([plain_logoff(SESSION), release]));
    }

    #[test]
    fn a_program_shrinks_to_what_the_fault_needs_and_what_is_to_be_kept() {
        let settle = Step { action: Action::Settle(Awaited::default()), ..Step::call(Call::Initialize) };
        let mut steps = made_of(questions(SESSION, ObjectId(0)));
        steps.extend([settle, Step::call(plain_logoff(SESSION)), Step::call(Call::Uninitialize), settle]);
        let fails = |fewer: &[Step]| has(fewer, plain_logoff(SESSION));
        let mut in_no_time = steps.clone();
        shrink(&mut in_no_time, is_settling, 0, &fails);
        assert_eq!(in_no_time, steps, "each try is paid for");
        shrink(&mut steps, is_settling, 200, &fails);
        assert_eq!(steps, [settle, Step::call(plain_logoff(SESSION)), settle]);
    }
}

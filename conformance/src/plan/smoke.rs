//! The smallest choice of programs that still aims at everything.

use std::collections::HashSet;

use mapi_session_spec::event::Call;

use super::Planned;
use crate::program::Action;

/// The most calls that the suite may make, logons and clean-up included.
pub const MOST_CALLS: usize = 1_000;

/// What a program contributes: an arm that bears, or a Logoff's arguments.
#[derive(PartialEq, Eq, Hash, Clone, Copy)]
enum Item {
    Arm(u16),
    Logoff { flags: u32, reserved: u32, ui_param: u64, dirty: bool },
}

fn items(planned: &Planned) -> HashSet<Item> {
    let arms = planned.aims.iter().map(|arm| Item::Arm(*arm));
    let logoffs = planned.program.steps.iter().filter_map(|step| match step.action {
        Action::Call(Call::Logoff { flags, reserved, ui_param, dirty, .. }) => {
            Some(Item::Logoff { flags: flags.0, reserved, ui_param, dirty })
        }
        _ => None,
    });
    arms.chain(logoffs).collect()
}

/// Greedy cover: the program that adds most for its calls, until nothing is added or the calls are spent.
pub(super) fn select(all: Vec<Planned>) -> Vec<Planned> {
    let mut candidates: Vec<(HashSet<Item>, Planned)> =
        all.into_iter().map(|planned| (items(&planned), planned)).collect();
    let mut covered: HashSet<Item> = HashSet::new();
    let mut chosen = Vec::new();
    let mut calls = 0;
    loop {
        let best = candidates
            .iter()
            .enumerate()
            .filter(|(_, (_, planned))| calls + planned.program.calls() <= MOST_CALLS)
            .map(|(i, (items, planned))| {
                (i, items.difference(&covered).count(), planned.program.calls().max(1))
            })
            .filter(|(_, gain, _)| *gain > 0)
            .max_by(|a, b| (a.1 * b.2).cmp(&(b.1 * a.2)).then(b.0.cmp(&a.0)));
        let Some((index, _, cost)) = best else { return chosen };
        let (items, planned) = candidates.swap_remove(index);
        covered.extend(items);
        calls += cost;
        chosen.push(planned);
    }
}

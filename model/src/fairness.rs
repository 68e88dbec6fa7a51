//! In which states a fair run may stay for ever.
//!
//! Strong fairness: a duty that there is again and again a chance to do is done again and again. A run may stay in a
//! strongly connected component if every duty that some state of it gives a chance to do is done by some step within
//! it; a component that leaves one undone is looked at again without the states that give the chance (the recursion
//! for Streett acceptance: Emerson and Lei, "Modalities for model checking: branching time logic strikes back", 1987).

use std::collections::{BTreeSet, HashMap, HashSet};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// A graph whose steps may do duties.
#[derive(Debug, Clone)]
pub(crate) struct Steps<D> {
    /// Each state's steps: the duty that one does, if any, and where it leads.
    pub(crate) moves: Vec<Vec<(Option<D>, usize)>>,
    /// The duties that each state gives a chance to do.
    pub(crate) open: Vec<Vec<D>>,
}

/// The largest sets of states in which a fair run may stay, going round or standing still.
pub(crate) fn fair_components<D: Copy + Ord>(steps: &Steps<D>) -> Vec<Vec<usize>> {
    let mut fair = Vec::new();
    let mut left: Vec<Vec<usize>> = vec![(0..steps.moves.len()).collect()];
    while let Some(part) = left.pop() {
        for component in components(steps, &part) {
            let undone = undone(steps, &component);
            if undone.is_empty() {
                fair.push(component);
                continue;
            }
            // Whoever stays here must keep away from the chances.
            let tempts = |state: &usize| steps.open[*state].iter().any(|duty| undone.contains(duty));
            let kept: Vec<usize> = component.into_iter().filter(|state| !tempts(state)).collect();
            if !kept.is_empty() {
                left.push(kept);
            }
        }
    }
    fair
}

/// The strongly connected components among these states. A run can stay in one that is a state alone too: nothing makes it
/// go on but duties.
fn components<D>(steps: &Steps<D>, part: &[usize]) -> Vec<Vec<usize>> {
    let place: HashMap<usize, NodeIndex> =
        part.iter().enumerate().map(|(place, state)| (*state, NodeIndex::new(place))).collect();
    let mut graph = DiGraph::<(), ()>::with_capacity(part.len(), part.len());
    for _ in part {
        graph.add_node(());
    }
    for state in part {
        for to in steps.moves[*state].iter().filter_map(|(_, to)| place.get(to)) {
            graph.add_edge(place[state], *to, ());
        }
    }
    let named = |nodes: Vec<NodeIndex>| nodes.into_iter().map(|node| part[node.index()]).collect();
    kosaraju_scc(&graph).into_iter().map(named).collect()
}

/// The duties that there is a chance to do in this component, and that no step within it does.
fn undone<D: Copy + Ord>(steps: &Steps<D>, component: &[usize]) -> BTreeSet<D> {
    let inside: HashSet<usize> = component.iter().copied().collect();
    let mut open: BTreeSet<D> =
        component.iter().flat_map(|state| steps.open[*state].iter().copied()).collect();
    for (duty, to) in component.iter().flat_map(|state| &steps.moves[*state]) {
        if inside.contains(to)
            && let Some(duty) = duty
        {
            open.remove(duty);
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 6;

    fn graphs() -> impl Strategy<Value = Steps<u8>> {
        let step = (proptest::option::of(0_u8..3), 0..MOST);
        let moves = proptest::collection::vec(proptest::collection::vec(step, 0..4), MOST);
        let more = proptest::collection::vec(proptest::collection::vec(0_u8..3, 0..2), MOST);
        (moves, more).prop_map(|(moves, more)| {
            let done =
                |moves: &Vec<(Option<u8>, usize)>| moves.iter().filter_map(|(duty, _)| *duty).collect();
            let mut open: Vec<Vec<u8>> = moves.iter().map(done).collect();
            open.iter_mut().zip(more).for_each(|(open, more)| open.extend(more));
            Steps { moves, open }
        })
    }

    /// Whether one can go from each of these states to each other.
    fn goes_round(steps: &Steps<u8>, set: &[usize]) -> bool {
        set.iter().all(|from| {
            let mut seen = HashSet::from([*from]);
            let mut queue = vec![*from];
            while let Some(state) = queue.pop() {
                for (_, to) in steps.moves[state].iter().filter(|(_, to)| set.contains(to)) {
                    if seen.insert(*to) {
                        queue.push(*to);
                    }
                }
            }
            seen.len() == set.len()
        })
    }

    proptest! {
        #[test]
        fn a_state_is_in_a_fair_component_if_some_set_of_states_around_it_can_be_gone_round_fairly(
            steps in graphs()
        ) {
            let mut by_trying_all = BTreeSet::new();
            for bits in 1_u32..1 << MOST {
                let set: Vec<usize> = (0..MOST).filter(|state| bits & (1 << state) != 0).collect();
                if goes_round(&steps, &set) && undone(&steps, &set).is_empty() {
                    by_trying_all.extend(set);
                }
            }
            let found: BTreeSet<usize> = fair_components(&steps).into_iter().flatten().collect();
            prop_assert_eq!(found, by_trying_all);
        }
    }
}

//! The same with each of many, on all cores.

use std::hash::{BuildHasher as _, Hash};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustc_hash::{FxBuildHasher, FxHashMap};

/// How many a core takes at a time.
const AT_ONCE: usize = 512;

/// Does the same with each, in shares. What came of it, in their order.
pub fn on_all_cores<T: Sync, R: Send>(all: &[T], one: &(impl Fn(&T) -> R + Sync)) -> Vec<R> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let parts: Vec<&[T]> = all.chunks(AT_ONCE).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(turn) else { return done };
            done.push((turn, part.iter().map(one).collect::<Vec<R>>()));
        }
    };
    let mut done: Vec<(usize, Vec<R>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers.min(parts.len())).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    done.sort_unstable_by_key(|(turn, _)| *turn);
    done.into_iter().flat_map(|(_, done)| done).collect()
}

/// For each the place of the first whose `face` equals its own: its own place, if none before it does.
pub fn first_alike<'a, T: Sync, F: Hash + Eq>(all: &'a [T], face: impl Fn(&'a T) -> F + Sync) -> Vec<usize> {
    let places: Vec<usize> = (0..all.len()).collect();
    let hashes = on_all_cores(&places, &|place| FxBuildHasher.hash_one(face(&all[*place])));
    let mut first: FxHashMap<u64, usize> = FxHashMap::with_capacity_and_hasher(all.len(), FxBuildHasher);
    let found: Vec<usize> =
        hashes.into_iter().zip(&places).map(|(hash, place)| *first.entry(hash).or_insert(*place)).collect();
    let is_alike = |place: &usize| found[*place] == *place || face(&all[found[*place]]) == face(&all[*place]);
    if on_all_cores(&places, &is_alike).into_iter().all(|alike| alike) {
        return found;
    }
    // Two that differ have one hash: the long way.
    let mut first: FxHashMap<F, usize> = FxHashMap::default();
    all.iter().zip(places).map(|(one, place)| *first.entry(face(one)).or_insert(place)).collect()
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use super::*;

    #[test]
    fn what_came_of_each_is_in_the_order_of_what_it_came_of() {
        let all: Vec<usize> = (0..=3 * AT_ONCE).collect();
        assert_eq!(on_all_cores(&all, &|one| one * 2), all.iter().map(|one| one * 2).collect::<Vec<_>>());
        assert!(on_all_cores(&[], &|one: &u8| *one).is_empty());
    }

    #[test]
    fn the_first_that_is_alike_is_found_and_none_is_taken_for_another_of_the_same_hash() {
        #[derive(PartialEq, Eq)]
        struct Plain(u8);
        impl Hash for Plain {
            fn hash<H: Hasher>(&self, _: &mut H) {}
        }
        let all = [3, 1, 3, 2, 1, 3];
        assert_eq!(first_alike(&all, |one| Plain(*one)), [0, 1, 0, 3, 1, 0]);
    }
}

//! The same with each of many, on all cores.

use std::hash::{BuildHasher as _, Hash, Hasher};
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
    let mut first: FxHashMap<Faced<F>, usize> = FxHashMap::with_capacity_and_hasher(all.len(), FxBuildHasher);
    let faced = all.iter().zip(hashes).map(|(one, hash)| Faced { hash, face: face(one) });
    faced.zip(places).map(|(faced, place)| *first.entry(faced).or_insert(place)).collect()
}

/// A face, and its hash.
#[derive(PartialEq, Eq)]
struct Faced<F> {
    hash: u64,
    face: F,
}

impl<F> Hash for Faced<F> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

#[cfg(test)]
mod tests {
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

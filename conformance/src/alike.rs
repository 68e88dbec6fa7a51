//! What equals something that was there before.

use std::hash::{BuildHasher as _, Hash};

use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::cores::on_all_cores;

/// For each the place of the first whose `face` equals its own: its own place, if none before it does.
pub(crate) fn first_alike<'a, T: Sync, F: Hash + Eq>(
    all: &'a [T],
    face: impl Fn(&'a T) -> F + Sync,
) -> Vec<usize> {
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

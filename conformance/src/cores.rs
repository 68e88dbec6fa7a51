//! The same with each of many, on all cores.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many a core takes at a time.
const AT_ONCE: usize = 512;

/// How many threads can work at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Does the same with each, in shares. What came of it, in their order.
pub(crate) fn on_all_cores<T: Sync, R: Send>(all: &[T], one: &(impl Fn(&T) -> R + Sync)) -> Vec<R> {
    with_tools(&mut vec![(); cores()], all, &|(), item| one(item))
}

/// The same, each worker with a tool of its own: as many work as there are tools.
pub(crate) fn with_tools<S: Send, T: Sync, R: Send>(
    tools: &mut [S],
    all: &[T],
    one: &(impl Fn(&mut S, &T) -> R + Sync),
) -> Vec<R> {
    if let ([tool, ..], true) = (&mut *tools, all.len() <= AT_ONCE) {
        return all.iter().map(|item| one(tool, item)).collect();
    }
    let parts: Vec<&[T]> = all.chunks(AT_ONCE).collect();
    let next = AtomicUsize::new(0);
    let work = |tool: &mut S| {
        let mut done = Vec::new();
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(turn) else { return done };
            done.push((turn, part.iter().map(|item| one(tool, item)).collect::<Vec<R>>()));
        }
    };
    let work = &work;
    let mut done: Vec<(usize, Vec<R>)> = std::thread::scope(|scope| {
        let workers: Vec<_> =
            tools.iter_mut().take(parts.len()).map(|tool| scope.spawn(move || work(tool))).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    done.sort_unstable_by_key(|(turn, _)| *turn);
    done.into_iter().flat_map(|(_, done)| done).collect()
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
}

//! Work on many things on as many threads as there are processors: recovering senders is most of what a transaction costs.

use std::thread;

/// Fewer are done faster on one thread.
const PARALLEL_MIN: usize = 8;

/// What `work` makes of each, in order. What a thread that panicked had to do is missing.
pub(crate) fn map<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if things.len() < PARALLEL_MIN {
        return things.iter().map(work).collect();
    }
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get());
    let (part, work) = (things.len().div_ceil(threads), &work);
    thread::scope(|scope| {
        let parts: Vec<_> = things
            .chunks(part)
            .map(|part| scope.spawn(move || part.iter().map(work).collect::<Vec<R>>()))
            .collect();
        // The panic has said so itself.
        parts
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_default())
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_done_once_and_in_order() {
        for count in [0, 1, 7, 8, 9, 1_000] {
            let things: Vec<u32> = (0..count).collect();
            let doubled: Vec<u32> = things.iter().map(|thing| thing * 2).collect();
            assert_eq!(map(&things, |thing| thing * 2), doubled);
        }
    }
}

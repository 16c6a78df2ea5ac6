//! The same work for each of a list, on all cores.

use super::Diagnostics;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A batch of entries that take about a tenth of a millisecond each, such as changesets.
pub const BATCH: usize = 32;

/// Does the same for each entry of a list; results and problems are in the order of the list. Entries without a result
/// are left out. A core takes `batch` entries at a time, so that one that is busy with other things, or has large
/// entries, does not keep the others waiting.
///
/// # Panics
/// If `each` does.
pub fn on_all_cores<E: Sync, T: Send>(
    list: &[E],
    batch: usize,
    each: impl Fn(&E, &mut Diagnostics) -> Option<T> + Sync,
) -> (Vec<T>, Diagnostics) {
    let batches: Vec<&[E]> = list.chunks(batch.max(1)).collect();
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(batches.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(batch) = batches.get(number) else { return done };
            let mut out = Diagnostics::default();
            let results: Vec<T> = batch.iter().filter_map(|entry| each(entry, &mut out)).collect();
            done.push((number, results, out));
        }
    };
    let mut parts: Vec<(usize, Vec<T>, Diagnostics)> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        handles.into_iter().flat_map(|handle| handle.join().expect("the work does not panic")).collect()
    });
    parts.sort_unstable_by_key(|(number, ..)| *number);
    let (mut all, mut problems) = (Vec::with_capacity(list.len()), Diagnostics::default());
    for (_, results, found) in parts {
        all.extend(results);
        problems.append(found);
    }
    (all, problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Code, Diagnostic};

    #[test]
    fn results_and_problems_are_in_the_order_of_the_list() {
        let list: Vec<usize> = (0..1000).collect();
        for batch in [0, 1, 7, 2000] {
            let (even, odd) = on_all_cores(&list, batch, |&n, out| {
                if n % 2 == 1 {
                    out.push(Diagnostic::error(Code::WrongValue, n.to_string()));
                }
                (n % 2 == 0).then_some(n)
            });
            assert!(even.into_iter().eq((0..1000).step_by(2)));
            let odd: Vec<String> = odd.iter().map(|problem| problem.message.clone()).collect();
            assert!(odd.into_iter().eq((1..1000).step_by(2).map(|n| n.to_string())));
        }
        assert!(on_all_cores(&[], 1, |&n: &usize, _| Some(n)).0.is_empty());
    }
}

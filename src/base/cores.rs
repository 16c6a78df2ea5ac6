//! The same work for each of a list, on all cores.

use super::Diagnostics;

/// Entries below which another core is not worth its start.
const FEW: usize = 64;

/// Does the same for each entry of a list; results and problems are in the order of the list. Entries without a result
/// are left out.
///
/// # Panics
/// If `each` does.
pub fn on_all_cores<E: Sync, T: Send>(
    list: &[E],
    each: impl Fn(&E, &mut Diagnostics) -> Option<T> + Sync,
) -> (Vec<T>, Diagnostics) {
    let each = &each;
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(list.len() / FEW + 1);
    let size = list.len().div_ceil(workers).max(1);
    let parts: Vec<(Vec<T>, Diagnostics)> = std::thread::scope(|scope| {
        let work = |chunk: &[E]| {
            let mut out = Diagnostics::default();
            let done = chunk.iter().filter_map(|entry| each(entry, &mut out)).collect();
            (done, out)
        };
        let handles: Vec<_> = list.chunks(size).map(|chunk| scope.spawn(move || work(chunk))).collect();
        handles.into_iter().map(|handle| handle.join().expect("the work does not panic")).collect()
    });
    let (mut all, mut problems) = (Vec::with_capacity(list.len()), Diagnostics::default());
    for (part, found) in parts {
        all.extend(part);
        problems.append(found);
    }
    (all, problems)
}

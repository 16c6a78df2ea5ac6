//! Every case on other server versions: `tests/versions.sh` fetches some and names them in
//! `DAGMAR_TEST_PG_BINS`, folders of binaries between colons.

use crate::cases::{self, round_trip};
use crate::harness::Server;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn cases_go_up_down_and_up_on_other_versions() {
    let Some(bins) = std::env::var_os("DAGMAR_TEST_PG_BINS") else { return };
    let failed = Mutex::new(Vec::new());
    for (n, bin) in std::env::split_paths(&bins).enumerate() {
        let server: &'static Server = Box::leak(Box::new(Server::start(bin.clone(), &format!("-{n}"))));
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    while let Some(name) = cases::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if catch_unwind(|| round_trip::check(name, server)).is_err() {
                            failed.lock().unwrap().push(format!("{name} on {}", bin.display()));
                        }
                    }
                });
            }
        });
    }
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{failed:#?}");
}

//! `dagmar diff`: pairs of databases, and back.

use crate::support::pairs::{PAIRS, there_and_back};
use crate::support::server;

/// Every fourth pair.
fn some(first: usize) {
    for number in (first..PAIRS.len()).step_by(4) {
        there_and_back(&number.to_string(), server());
    }
}

#[test]
fn what_differs_becomes_changesets_that_do_not_block_1() {
    some(0);
}

#[test]
fn what_differs_becomes_changesets_that_do_not_block_2() {
    some(1);
}

#[test]
fn what_differs_becomes_changesets_that_do_not_block_3() {
    some(2);
}

#[test]
fn what_differs_becomes_changesets_that_do_not_block_4() {
    some(3);
}

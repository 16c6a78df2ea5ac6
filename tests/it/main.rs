//! The tests that need a real server or the binary as a process. One binary: linking is
//! what costs time here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

mod approved;
mod approving;
mod architecture;
mod attacks;
mod authoring;
mod backfills;
mod bad_files;
mod bad_input;
mod bad_server;
mod cases;
mod environments;
mod forging;
mod full_disk;
mod gates;
mod harness;
mod hooks;
mod integrity;
mod killing;
mod lease;
mod odd_places;
mod parallel;
mod policies;
mod poolers;
mod preflight;
mod promoting;
mod proxy;
mod repair;
mod running;
mod sample;
mod sealing;
mod smoke;
mod stopping;
mod tampering;
mod tools;
mod undoing;
mod versions;
mod wire;

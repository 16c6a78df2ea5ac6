//! The tests that need a real server or the binary as a process. One binary: linking is
//! what costs time here.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

mod about;
mod approved;
mod approving;
mod architecture;
mod attacks;
mod attic;
mod authenticating;
mod authoring;
mod backfills;
mod bad_files;
mod bad_input;
mod bad_server;
mod cases;
mod embedding;
mod environments;
mod fake_server;
mod files;
mod forging;
mod frames;
mod full_disk;
mod gates;
mod harness;
mod hooks;
mod integrity;
mod killing;
mod lease;
mod located;
mod masking;
mod mistakes;
mod odd_places;
mod parallel;
mod policies;
mod poolers;
mod preflight;
mod promoting;
mod proxy;
mod rehearsing;
mod repair;
mod running;
mod sample;
mod saying;
mod scripts;
mod sealing;
mod secrets;
mod shell;
mod smoke;
mod stopping;
mod tampering;
mod terminal;
mod tools;
mod undoing;
mod versions;
mod wire;

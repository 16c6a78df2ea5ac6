//! Everything known about SQL text: where statements end, what each does to the server,
//! which objects it touches. Pure; the SQL grammar's crates stay inside this folder.

pub mod facts;

pub use facts::{Facts, LockMode, Outside};

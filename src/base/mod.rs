//! The common vocabulary: diagnostics and their places, names and quoting, checksums, time, failures and exit codes,
//! reading files. It imports no other room.

mod actor;
pub mod checksum;
pub mod code;
mod content;
mod cores;
pub mod diag;
pub mod duration;
pub mod failure;
pub mod file;
mod fill;
pub mod keywords;
mod leg;
pub mod limits;
pub mod lines;
pub mod name;
pub mod pace;
pub mod remedy;
mod role;
pub mod rule;
pub mod secret;
mod size;
pub mod text;
pub mod time;
pub mod typed;
pub mod words;

pub use actor::{Actor, Origin};
pub use code::Code;
pub use content::Content;
pub use cores::{BATCH, on_all_cores};
pub use diag::{Diagnostic, Diagnostics, FileId, PathSeg, Place, Severity, Sources};
pub use duration::HumanDuration;
pub use failure::{Cause, Failure, FailureKind, Location};
pub use fill::fill;
pub use leg::Leg;
pub use limits::{Granularity, Limits};
pub use lines::Lines;
pub use name::{Ident, QualifiedName};
pub use pace::{Pace, PaceSpec};
pub use remedy::{Operation, Remedy, Setting, Wording};
pub use role::Role;
pub use rule::{Level, Rule};
pub use secret::{Secret, Secrets};
pub use size::{HumanSize, size};
pub use words::count;

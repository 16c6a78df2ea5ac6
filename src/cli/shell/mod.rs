//! Shared parts of the commands: options, streams, questions, signals, progress.

pub(crate) mod chosen;
pub(crate) mod complete;
pub(crate) mod completion;
pub(crate) mod counted;
pub(crate) mod everywhere;
pub(crate) mod file;
pub(crate) mod gates;
pub(crate) mod generated;
pub(crate) mod global;
pub(crate) mod left;
pub(crate) mod manual;
pub(crate) mod open;
pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod rehearsal;
pub(crate) mod running;
pub(crate) mod schema_line;
pub(crate) mod sealing;
pub(crate) mod task;
pub(crate) mod wording;

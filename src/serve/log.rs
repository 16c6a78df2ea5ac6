//! The log, as text or as JSON, a line for each event.

use crate::base::text::one_line;
use std::io::Write;
pub use tracing_subscriber::filter::LevelFilter as Level;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: an object on each line.
    Json,
}

/// Has this process write its log to this writer, and faults with it. Only the first call counts.
pub fn start<W: Write + 'static>(format: LogFormat, level: Level, writer: fn() -> W) {
    let log = tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_target(false).with_writer(writer);
    let _ = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    // a fault is a line like any other, also for programs
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        let said = one_line(panic.payload_as_str().unwrap_or_default());
        tracing::error!(place, "internal error in dagmar: {said}; please report it");
    }));
}

//! The progress of work that is counted: a bar on a terminal, nothing elsewhere.

use super::global::Global;
use super::output::Output;
use super::progress::{show, style};
use indicatif::ProgressBar;
use std::time::Duration;

/// A bar on a terminal.
pub struct Counted {
    bar: ProgressBar,
}

impl Counted {
    /// A bar, if the messages go to a terminal and are wanted.
    pub fn new(global: &Global, out: &Output) -> Self {
        if global.quiet || !out.messages().is_terminal {
            return Self { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::new(0);
        bar.set_style(style("{spinner} {took} [{bar:20}] {pos}/{len} {prefix} {wide_msg}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar }
    }

    /// Shows what is done, and with what.
    pub fn at(&self, what: &str, name: &str, done: usize, of: usize) {
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
        show(&self.bar, what, name);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

//! The progress of work that is counted: a bar on a terminal, nothing elsewhere.

use super::global::Global;
use super::output::Output;
use crate::report::{Line, Style};
use indicatif::{ProgressBar, ProgressStyle};
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
        let style = ProgressStyle::with_template("{spinner} {elapsed} [{bar:20}] {pos}/{len} {prefix} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar }
    }

    /// Shows what is done, and with what.
    #[allow(clippy::disallowed_methods)] // they come from a `Line`
    pub fn at(&self, what: &str, name: &str, done: usize, of: usize) {
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
        self.bar.set_prefix(Line::from(what).write(Style::PLAIN, None));
        self.bar.set_message(Line::from(name).write(Style::PLAIN, None));
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

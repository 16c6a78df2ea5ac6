//! A run as it goes: lines or a spinner on stderr, or JSON lines on stdout.

use super::global::Global;
use super::output::{Form, Output};
use crate::plan::{Direction, Mode};
use crate::report::{Style, Tone, printable};
use crate::run::{Event, Observer};
use indicatif::{HumanCount, HumanDuration, MultiProgress, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// The observer that the options ask for.
pub fn observer(form: Form, global: &Global, out: &Output) -> Box<dyn Observer> {
    match form {
        Form::Json => Box::new(JsonLines),
        Form::Text if global.quiet => Box::new(()),
        Form::Text if std::io::stderr().is_terminal() => Box::new(Spinners::new(out.err_style)),
        Form::Text => Box::new(Lines { style: out.err_style }),
    }
}

/// One JSON object per event.
struct JsonLines;

impl Observer for JsonLines {
    fn on(&mut self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        }
    }
}

/// The line for an event that is worth one.
fn line(event: &Event, style: Style) -> Option<String> {
    Some(match event {
        Event::Waiting { message } => message.clone(),
        Event::HookStarted { hook } => format!("before the run: {hook}"),
        Event::HookSaid { line } => format!("  {}", printable(line)),
        Event::HookDone { hook, outcome, took_ms } if outcome == "done" => {
            let took = style.paint(Tone::Muted, &format!(" ({})", short(*took_ms)));
            format!("{} {hook}{took}", style.paint(Tone::Good, "✓"))
        }
        Event::HookDone { hook, .. } => format!("{} {hook}", style.paint(Tone::Bad, "✗")),
        Event::StepDone { changeset, direction, took_ms } => {
            let sign = match direction {
                Direction::Forward => "✓",
                Direction::Rollback => "↶",
            };
            let took = took_ms.map(|ms| style.paint(Tone::Muted, &format!(" ({})", short(ms)))).unwrap_or_default();
            format!("{} {changeset}{took}", style.paint(Tone::Good, sign))
        }
        Event::StepFailed { changeset, .. } => format!("{} {changeset}", style.paint(Tone::Bad, "✗")),
        Event::SegmentStarted { segment, mode, gist, .. } if *mode != Mode::Transaction => {
            format!("  segment {} {}: {gist}", segment + 1, mode.words())
        }
        Event::Retry { changeset, attempt, of, wait_ms, reason } => {
            format!("  {changeset}: {reason}; attempt {attempt} of {of} in {wait_ms} ms")
        }
        Event::Blocked { changeset, by, waiting_behind } => {
            let behind =
                if *waiting_behind > 0 { format!("; {waiting_behind} waiting behind it") } else { String::new() };
            format!("  {changeset} waits for a lock, held by {}{behind}", by.join("; "))
        }
        Event::BackfillWaits { changeset, paused, reason, .. } => {
            let word = if *paused { "waits" } else { "waits, the server is busy" };
            format!("  {changeset} {}: {reason}", style.paint(Tone::Warn, word))
        }
        Event::BackfillGoesOn { changeset, waited_ms, .. } => {
            format!("  {changeset} goes on after {}", short(*waited_ms))
        }
        // IF EXISTS and its like have nothing to tell
        Event::Notice { severity, message } if severity == "NOTICE" && message.ends_with(", skipping") => return None,
        Event::Notice { severity, message } => format!("  {}: {message}", severity.to_lowercase()),
        _ => return None,
    })
}

/// How fast a backfill goes and how long it still takes.
fn pace(rate: u64, eta_ms: Option<u64>, pass: i64) -> String {
    let left = eta_ms.map_or_else(String::new, |ms| format!(", {} left", HumanDuration(Duration::from_millis(ms))));
    let again = if pass > 1 { format!(", walk {pass} for what came in meanwhile") } else { String::new() };
    format!(", {}/s{left}{again}", HumanCount(rate))
}

fn short(ms: u64) -> String {
    if ms >= 10_000 { format!("{} s", ms / 1000) } else { format!("{ms} ms") }
}

/// Plain lines, for logs.
struct Lines {
    style: Style,
}

impl Observer for Lines {
    fn on(&mut self, event: &Event) {
        if let Some(line) = line(event, self.style) {
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }
}

/// A line for each step that runs: a spinner, or a bar while a backfill or an index build
/// says how far it is.
struct Spinners {
    style: Style,
    all: MultiProgress,
    running: HashMap<String, ProgressBar>,
}

impl Spinners {
    fn new(style: Style) -> Self {
        Self { style, all: MultiProgress::new(), running: HashMap::new() }
    }

    fn start(&mut self, changeset: &str, message: String) {
        let bar = self.all.add(ProgressBar::new_spinner());
        bar.set_style(spinner_style());
        bar.set_message(message);
        bar.enable_steady_tick(Duration::from_millis(100));
        if let Some(before) = self.running.insert(changeset.to_owned(), bar) {
            before.finish_and_clear();
        }
    }

    /// Shows how far a step is.
    fn count(&self, changeset: &str, done: u64, of: u64, words: String) {
        let Some(bar) = self.running.get(changeset) else { return };
        if bar.length().is_none() {
            bar.set_style(bar_style());
        }
        bar.set_length(of.max(done));
        bar.set_position(done);
        bar.set_prefix(words);
    }

    fn end(&mut self, changeset: &str) {
        if let Some(bar) = self.running.remove(changeset) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }
}

fn spinner_style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {human_pos}/{human_len}{prefix}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Observer for Spinners {
    fn on(&mut self, event: &Event) {
        match event {
            Event::StepStarted { changeset, number, of, .. } => {
                self.start(changeset, format!("{number}/{of} {changeset}"));
            }
            Event::BatchDone { changeset, table_rows, seen, rate, eta_ms, pass, .. } => {
                let positive = |n: i64| u64::try_from(n).unwrap_or(0);
                let words = format!(" rows{}", pace(*rate, *eta_ms, *pass));
                self.count(changeset, positive(*seen), positive(*table_rows), words);
            }
            Event::IndexProgress { changeset, phase, done, total } => {
                self.count(changeset, *done, *total, format!(" {phase}"));
            }
            Event::BackfillWaits { changeset, reason, .. } => {
                if let Some(bar) = self.running.get(changeset) {
                    bar.set_prefix(format!(" rows, waits: {reason}"));
                }
            }
            Event::SegmentDone { changeset, .. } => {
                if let Some(bar) = self.running.get(changeset) {
                    bar.set_style(spinner_style());
                    bar.unset_length();
                }
            }
            Event::StepDone { changeset, .. } | Event::StepFailed { changeset, .. } => self.end(changeset),
            Event::RunFinished { .. } => {
                self.running.drain().for_each(|(_, bar)| bar.finish_and_clear());
                let _ = self.all.clear();
            }
            _ => {}
        }
        if let Some(line) = line(event, self.style) {
            let _ = self.all.println(line);
        }
    }
}

impl Drop for Spinners {
    fn drop(&mut self) {
        self.running.drain().for_each(|(_, bar)| bar.finish_and_clear());
        let _ = self.all.clear();
    }
}

//! A run as it goes: lines or a spinner on stderr, or JSON lines on stdout.

use super::global::Global;
use super::output::{Form, Output};
use crate::plan::{Direction, Mode};
use crate::report::{Style, Tone, printable};
use crate::run::{Event, Observer};
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// The observer that the options ask for.
pub fn observer(form: Form, global: &Global, out: &Output) -> Box<dyn Observer> {
    match form {
        Form::Json => Box::new(JsonLines),
        Form::Text if global.quiet => Box::new(()),
        Form::Text if std::io::stderr().is_terminal() => Box::new(Spinner::new(out.err_style)),
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

/// A spinner for the step that runs, a bar while a backfill runs.
struct Spinner {
    style: Style,
    bar: ProgressBar,
    counting: bool,
}

impl Spinner {
    fn new(style: Style) -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_style(spinner_style());
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { style, bar, counting: false }
    }
}

fn spinner_style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {human_pos}/{human_len} rows{prefix}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Observer for Spinner {
    fn on(&mut self, event: &Event) {
        match event {
            Event::StepStarted { changeset, number, of, .. } => {
                self.bar.set_message(format!("{number}/{of} {changeset}"));
            }
            Event::BatchDone { table_rows, seen, rate, eta_ms, pass, .. } => {
                if !self.counting {
                    self.counting = true;
                    self.bar.set_style(bar_style());
                }
                let seen = u64::try_from(*seen).unwrap_or(0);
                self.bar.set_length(u64::try_from(*table_rows).unwrap_or(0).max(seen));
                self.bar.set_position(seen);
                self.bar.set_prefix(pace(*rate, *eta_ms, *pass));
            }
            Event::BackfillWaits { reason, .. } => self.bar.set_prefix(format!(", waits: {reason}")),
            Event::SegmentDone { .. } | Event::StepDone { .. } if self.counting => {
                self.counting = false;
                self.bar.set_style(spinner_style());
            }
            _ => {}
        }
        if let Some(line) = line(event, self.style) {
            self.bar.println(line);
        }
        if matches!(event, Event::RunFinished { .. }) {
            self.bar.finish_and_clear();
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

//! A run as it goes: lines or spinners on stderr, or JSON lines on stdout.

use super::global::Global;
use super::output::{self, Form, Output, Screen};
use crate::base::words::short;
use crate::ops::lines::RunEvent;
use crate::ops::test::TestEvent;
use crate::plan::{Direction, Mode};
use crate::report::{Line, Style, Text, Tone};
use crate::run::{Event, HookOutcome, Observer};
use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use std::collections::HashMap;
use std::time::Duration;

/// The observer that the options ask for.
pub fn observer(form: Form, global: &Global, out: &Output) -> Box<dyn Observer> {
    let screen = out.messages();
    match form {
        Form::Json => Box::new(JsonLines),
        Form::Text if global.quiet => Box::new(()),
        Form::Text if screen.is_terminal => Box::new(Spinners::new(screen)),
        Form::Text => Box::new(Lines { screen }),
    }
}

/// The observer of a command that only waits for the lock: as text also where the answer is JSON, of
/// which there is one.
pub fn waiting(global: &Global, out: &Output) -> Box<dyn Observer> {
    observer(Form::Text, global, out)
}

/// One JSON object per event.
struct JsonLines;

impl Observer for JsonLines {
    fn on(&mut self, event: &Event) {
        output::event(&RunEvent::Event(event));
    }
}

/// What is to be said of an event that is worth it.
fn said(event: &Event) -> Option<Text> {
    let line = match event {
        Event::Waiting { message } => Line::from(message),
        Event::HookStarted { hook } => Line::from(format!("before the run: {hook}")),
        Event::HookSaid { line } => Line::from(format!("  {line}")),
        Event::HookDone { hook, outcome, took_ms } if *outcome == HookOutcome::Done => {
            Line::new().paint(Tone::Good, "✓").plain(format!(" {hook}")).paint(Tone::Muted, took(Some(*took_ms)))
        }
        Event::HookDone { hook, .. } => Line::new().paint(Tone::Bad, "✗").plain(format!(" {hook}")),
        Event::StepDone { changeset, direction, took_ms } => {
            let sign = match direction {
                Direction::Forward | Direction::Purge => "✓",
                Direction::Rollback | Direction::Restore => "↶",
            };
            Line::new().paint(Tone::Good, sign).plain(format!(" {changeset}")).paint(Tone::Muted, took(*took_ms))
        }
        Event::StepFailed { changeset, .. } => Line::new().paint(Tone::Bad, "✗").plain(format!(" {changeset}")),
        Event::SegmentStarted { changeset, mode, gist, .. } if *mode != Mode::Transaction => {
            Line::from(format!("  {changeset}: {gist} ({})", mode.words()))
        }
        Event::Retry { changeset, attempt, of, wait_ms, reason } => {
            Line::from(format!("  {changeset}: {reason}; attempt {attempt} of {of} in {}", short(*wait_ms)))
        }
        Event::Blocked { changeset, by, waiting_behind } => {
            let behind = if *waiting_behind > 0 { format!("; {waiting_behind} waiting for it") } else { String::new() };
            Line::from(format!("  {changeset} waits for a lock, held by {}{behind}", by.join("; ")))
        }
        Event::BackfillWaits { changeset, paused, reason, .. } => {
            let word = if *paused { "waits" } else { "waits because the server is busy" };
            Line::from(format!("  {changeset} ")).paint(Tone::Warn, word).plain(format!(": {reason}"))
        }
        Event::BackfillGoesOn { changeset, waited_ms, .. } => {
            Line::from(format!("  {changeset} continues after {}", short(*waited_ms)))
        }
        // IF EXISTS and its like have nothing to tell
        Event::Notice { severity, message } if severity == "NOTICE" && message.ends_with(", skipping") => return None,
        Event::Notice { severity, message } => {
            let mut text = Text::new();
            text.message(Line::from(format!("  {}: ", severity.to_lowercase())), message);
            return Some(text);
        }
        _ => return None,
    };
    Some(line.into())
}

/// How long something took, behind its name.
fn took(ms: Option<u64>) -> String {
    ms.map_or_else(String::new, |ms| format!(" ({})", short(ms)))
}

/// How fast a backfill goes and how long it still takes.
fn pace(rate: u64, eta_ms: Option<u64>, pass: i64) -> String {
    // what is cut off where a terminal ends comes last
    let left = eta_ms.map_or_else(String::new, |ms| format!("{} left, ", short(ms)));
    let again = if pass > 1 { format!(", pass {pass} for rows inserted meanwhile") } else { String::new() };
    format!("{left}{}/s{again}", HumanCount(rate))
}

/// Plain lines, for logs.
struct Lines {
    screen: Screen,
}

impl Observer for Lines {
    fn on(&mut self, event: &Event) {
        if let Some(text) = said(event) {
            self.screen.text(text);
        }
    }
}

/// A line for each step that runs, with the time that it has taken so far: a spinner, or a bar while a
/// backfill or an index build says how far it is.
struct Spinners {
    screen: Screen,
    all: MultiProgress,
    running: HashMap<String, ProgressBar>,
}

impl Spinners {
    fn new(screen: Screen) -> Self {
        Self { screen, all: MultiProgress::new(), running: HashMap::new() }
    }

    fn start(&mut self, changeset: &str, name: &str) {
        let bar = self.all.add(ProgressBar::new_spinner());
        bar.set_style(spinner_style());
        show(&bar, name, "");
        bar.enable_steady_tick(Duration::from_millis(100));
        if let Some(before) = self.running.insert(changeset.to_owned(), bar) {
            before.finish_and_clear();
        }
    }

    /// Shows how far a step is.
    fn count(&self, changeset: &str, done: u64, of: u64, words: &str) {
        let Some(bar) = self.running.get(changeset) else { return };
        if of > 0 {
            if bar.length().is_none() {
                bar.set_style(bar_style(self.screen.limit));
            }
            bar.set_length(of.max(done));
            bar.set_position(done);
        }
        says(bar, words);
    }

    fn end(&mut self, changeset: &str) {
        if let Some(bar) = self.running.remove(changeset) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    #[allow(clippy::disallowed_methods)] // it comes from a `Text`
    fn print(&self, text: &Text) {
        let _ = self.all.println(text.write(self.screen.style, self.screen.limit).trim_end());
    }
}

/// The name of a step, and what it does.
#[allow(clippy::disallowed_methods)] // they come from a `Line`
pub(super) fn show(bar: &ProgressBar, name: &str, words: &str) {
    bar.set_prefix(Line::from(name).write(Style::PLAIN, None));
    bar.set_message(Line::from(words).write(Style::PLAIN, None));
}

/// What a step does.
fn says(bar: &ProgressBar, words: &str) {
    show(bar, &bar.prefix(), words);
}

fn spinner_style() -> ProgressStyle {
    style("{spinner} {took} {prefix} {wide_msg}")
}

/// The bar, the smaller the terminal the shorter; the words behind it are cut off at its edge.
fn bar_style(limit: Option<usize>) -> ProgressStyle {
    let wide = if limit.is_some_and(|columns| columns < 100) { 10 } else { 30 };
    style(&format!("{{spinner}} {{took}} {{prefix}} [{{bar:{wide}}}] {{percent}}% {{wide_msg}}"))
}

/// A bar or spinner; `{took}` is the time since its beginning.
pub(super) fn style(template: &str) -> ProgressStyle {
    let took = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let seconds = state.elapsed().as_secs();
        let _ = match seconds / 3600 {
            0 => write!(out, "{}:{:02}", seconds / 60, seconds % 60),
            hours => write!(out, "{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
        };
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()).with_key("took", took)
}

impl Observer for Spinners {
    fn on(&mut self, event: &Event) {
        match event {
            Event::StepStarted { changeset, number, of, .. } => {
                self.start(changeset, &format!("{number}/{of} {changeset}"));
            }
            Event::BatchDone { changeset, table_rows, seen, rate, eta_ms, pass, .. } => {
                let positive = |n: i64| u64::try_from(n).unwrap_or(0);
                let (seen, rows) = (positive(*seen), positive(*table_rows));
                let of = if rows > 0 { format!("/{}", HumanCount(rows.max(seen))) } else { String::new() };
                let words = format!("{}{of} rows, {}", HumanCount(seen), pace(*rate, *eta_ms, *pass));
                self.count(changeset, seen, rows, &words);
            }
            Event::IndexProgress { changeset, phase, done, total } => {
                self.count(changeset, *done, *total, phase);
            }
            Event::BackfillWaits { changeset, reason, .. } => {
                if let Some(bar) = self.running.get(changeset) {
                    says(bar, &format!("waits: {reason}"));
                }
            }
            Event::BackfillGoesOn { changeset, .. } => {
                if let Some(bar) = self.running.get(changeset) {
                    says(bar, "");
                }
            }
            Event::Blocked { changeset, .. } => {
                if let Some(bar) = self.running.get(changeset) {
                    says(bar, "waits for a lock");
                }
            }
            Event::SegmentStarted { changeset, gist, .. } => {
                if let Some(bar) = self.running.get(changeset) {
                    says(bar, gist);
                }
            }
            Event::SegmentDone { changeset, .. } => {
                if let Some(bar) = self.running.get(changeset) {
                    bar.set_style(spinner_style());
                    bar.unset_length();
                    says(bar, "");
                }
            }
            Event::StepDone { changeset, .. } | Event::StepFailed { changeset, .. } => self.end(changeset),
            Event::RunFinished { .. } => {
                self.running.drain().for_each(|(_, bar)| bar.finish_and_clear());
                let _ = self.all.clear();
            }
            _ => {}
        }
        if let Some(text) = said(event) {
            self.print(&text);
        }
    }
}

/// The test that runs, on a terminal.
pub struct Tally {
    bar: Option<ProgressBar>,
    wrong: usize,
}

impl Tally {
    /// The progress of tests, if it is to be shown.
    pub fn new(global: &Global, out: &Output) -> Self {
        let bar = (out.messages().is_terminal && !global.quiet).then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(spinner_style());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self { bar, wrong: 0 }
    }

    /// Takes note of an event.
    pub fn on(&mut self, event: &TestEvent<'_>) {
        if let TestEvent::Ended(result) = event {
            self.wrong += usize::from(result.failure.is_some());
        }
        let Some(bar) = &self.bar else { return };
        match event {
            TestEvent::Starts => says(bar, "starts a private server"),
            TestEvent::Began(number, of, name) => {
                let wrong = if self.wrong > 0 { format!(", {} did not pass", self.wrong) } else { String::new() };
                show(bar, &format!("{number}/{of}{wrong}"), name);
            }
            TestEvent::Ended(_) => {}
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

impl Drop for Spinners {
    fn drop(&mut self) {
        self.running.drain().for_each(|(_, bar)| bar.finish_and_clear());
        let _ = self.all.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser;

    #[test]
    fn a_bar_stays_while_its_backfill_waits() {
        let cli = Cli::try_parse_from(["dagmar", "apply"]).expect("a command line");
        let mut spinners = Spinners::new(Output::new(&cli.global).messages());
        let changeset = "a".to_owned();
        let bar = |spinners: &Spinners| {
            let bar = &spinners.running["a"];
            (bar.prefix(), bar.message(), bar.position(), bar.length())
        };
        let is = |words: &str, done, of| ("1/2 a".to_owned(), words.to_owned(), done, of);
        let direction = Direction::Forward;
        spinners.on(&Event::StepStarted { changeset: changeset.clone(), direction, number: 1, of: 2 });
        assert_eq!(bar(&spinners), is("", 0, None));
        spinners.on(&Event::BatchDone {
            changeset: changeset.clone(),
            segment: 0,
            rows: 500,
            table_rows: 2000,
            seen: 500,
            pass: 1,
            took_ms: 10,
            rate: 1000,
            eta_ms: Some(1500),
        });
        assert_eq!(bar(&spinners), is("500/2,000 rows, 1.5 s left, 1,000/s", 500, Some(2000)));
        let reason = "paused by anna@laptop: lunch".to_owned();
        spinners.on(&Event::BackfillWaits { changeset: changeset.clone(), segment: 0, paused: true, reason });
        assert_eq!(bar(&spinners), is("waits: paused by anna@laptop: lunch", 500, Some(2000)));
        spinners.on(&Event::BackfillGoesOn { changeset: changeset.clone(), segment: 0, waited_ms: 3500 });
        assert_eq!(bar(&spinners), is("", 500, Some(2000)));
        spinners.on(&Event::StepDone { changeset, direction, took_ms: Some(4000) });
        assert!(spinners.running.is_empty());
    }
}

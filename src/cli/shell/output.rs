//! Where text goes: data to stdout, everything else to stderr, colour only on a terminal. The only door to
//! both: what others wrote (a server, a file, a process) comes to a terminal as text and as nothing else.
#![allow(clippy::disallowed_methods)] // this is the door

use super::global::Global;
use super::wording::{with_todo, worded};
use crate::base::{Diagnostics, Failure, FailureKind, Sources};
use crate::ops::lines::Stamped;
use crate::report::{
    self, FailureAnswer, Line, LintAnswer, LintFormat, Rendered, Style, Text, Tone, coloured, diff, printable,
};
use crate::run::{Event, Observer};
use std::io::{IsTerminal, Write};

/// The two streams of the process.
#[derive(Debug)]
pub struct Output {
    quiet: bool,
    verbose: bool,
    stdout: Screen,
    stderr: Screen,
    json: bool,
    /// Whether an answer as JSON has told the failure along.
    is_told: bool,
}

/// How a command writes its results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// One of the two streams, and what is known of where it leads.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    stream: Stream,
    /// Whether it is a terminal.
    pub is_terminal: bool,
    /// How text on it is styled.
    pub style: Style,
    /// How many columns it has, where lines are to be broken.
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Stream {
    Out,
    Err,
}

impl Screen {
    fn new(stream: Stream, colour: bool) -> Self {
        let (is_terminal, size) = match stream {
            Stream::Out => (std::io::stdout().is_terminal(), terminal_size::terminal_size_of(std::io::stdout())),
            Stream::Err => (std::io::stderr().is_terminal(), terminal_size::terminal_size_of(std::io::stderr())),
        };
        // as other programs do it: the variable is stronger, also where there is no terminal
        let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let limit = asked.or(size.map(|(width, _)| usize::from(width.0))).filter(|columns| *columns > 0);
        let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        Self { stream, is_terminal, style: Style::colored(colour && !dumb && is_terminal), limit }
    }

    /// Writes lines.
    pub fn text(&self, text: impl Into<Text>) {
        self.bytes(&text.into().write(self.style, self.limit));
    }

    /// Writes what is harmless already. A reader that went away is no failure of ours.
    fn bytes(&self, text: &str) {
        let _ = match self.stream {
            Stream::Out => {
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
            }
            Stream::Err => std::io::stderr().lock().write_all(text.as_bytes()),
        };
    }
}

impl Observer for Output {
    /// What is worth knowing besides a run.
    fn on(&mut self, event: &Event) {
        match event {
            Event::Warning { message, todo_parts } => self.warn(&with_todo(message, todo_parts.as_ref())),
            Event::Waiting { message } => self.say(message.as_str()),
            Event::Note { message } if self.verbose => self.say(format!("note: {message}")),
            _ => {}
        }
    }
}

impl Output {
    /// The output that the options ask for.
    pub fn new(global: &Global) -> Self {
        let colour = !global.no_color && wants_colour();
        Self {
            quiet: global.quiet,
            verbose: global.verbose > 0,
            stdout: Screen::new(Stream::Out, colour),
            stderr: Screen::new(Stream::Err, colour),
            json: global.format.as_deref() == Some("json"),
            is_told: false,
        }
    }

    /// The columns of where data go.
    pub fn limit(&self) -> Option<usize> {
        self.stdout.limit
    }

    /// Where messages go.
    pub fn messages(&self) -> Screen {
        self.stderr
    }

    /// Writes data for people.
    pub fn data(&mut self, text: impl Into<Text>) {
        self.stdout.text(text);
    }

    /// Writes the text of a file: into a file or pipe exactly as it is, on a terminal so that nothing in
    /// it is acted on.
    pub fn document(&mut self, text: &str) {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        if self.stdout.is_terminal {
            self.stdout.bytes(&format!("{}{end}", printable(text)));
        } else {
            self.stdout.bytes(&format!("{text}{end}"));
        }
    }

    /// Writes a report in its format.
    pub fn report(&mut self, report: Rendered) {
        match report {
            Rendered::Text(text) => self.data(text),
            Rendered::Document(text) => self.document(&text),
        }
    }

    /// Writes a review in its format. As JSON it is the answer of the command, also where the review fails.
    pub fn review(&mut self, format: LintFormat, answer: &LintAnswer, sources: &dyn Sources) {
        let text = format.render(answer, sources, self.stdout.style);
        match format {
            LintFormat::Text => self.stdout.bytes(&coloured(&text)),
            _ => self.document(&text),
        }
        self.is_told = self.json;
    }

    /// Writes a report that says itself whether the command fails: as JSON it is the answer also then.
    pub fn verdict(&mut self, report: Rendered) {
        self.report(report);
        self.is_told = self.json;
    }

    /// Writes a value as JSON.
    pub fn json(&mut self, value: &impl serde::Serialize) {
        self.stdout.bytes(&report::json::pretty(value));
    }

    /// Writes as JSON what has the failure of the command in it, where there is one: there is one answer.
    pub fn json_with(&mut self, failure: Option<&Failure>, value: &impl serde::Serialize) {
        match failure {
            Some(_) => self.json_line(value),
            None => self.json(value),
        }
        self.is_told = failure.is_some();
    }

    /// Writes a value as a line of JSON.
    pub fn json_line(&mut self, value: &impl serde::Serialize) {
        self.stdout.bytes(&report::json::line(value));
    }

    /// Tells something on the way, unless it should be quiet.
    pub fn say(&mut self, text: impl Into<Text>) {
        if !self.quiet {
            self.stderr.text(text);
        }
    }

    /// Warns of something, unless it should be quiet.
    pub fn warn(&mut self, text: &str) {
        let mut lines = Text::new();
        lines.message(Line::new().paint(Tone::Warn, "warning").plain(": "), text);
        self.say(lines);
    }

    /// Tells what is worth knowing of the files and refuses nothing, unless it should be quiet.
    pub fn warnings(&mut self, warnings: &Diagnostics) {
        if !warnings.is_empty() && !self.json && !self.quiet {
            let text = report::diag::text(warnings, self.stderr.style, worded);
            // what follows is no part of the last one
            self.stderr.bytes(&format!("{}\n\n", coloured(text.trim_end())));
        }
    }

    /// Tells why the command ends.
    pub fn failure(&mut self, failure: &Failure) {
        if self.json {
            // on one line: it may follow JSON lines
            if !self.is_told {
                self.json_line(&FailureAnswer::of(failure, worded));
            }
            return;
        }
        if !failure.diagnostics.is_empty() {
            let problems = report::diag::text(&failure.diagnostics, self.stderr.style, worded);
            self.stderr.bytes(&format!("{}\n\n", coloured(problems.trim_end())));
        }
        let mut text = Text::new();
        text.message(Line::new().paint(Tone::Bad, "error").plain(": "), &failure.message);
        if let Some(at) = &failure.location {
            text.message(Line::from("  --> "), &at.to_string());
        }
        for note in failure.notes.iter().map(worded) {
            // a statement, or the words of another program
            if note.starts_with('|') { text.block("  ", &note) } else { text.message(Line::from("  "), &note) }
        }
        for changed in &failure.diffs {
            text.append(diff::text(changed, "  "));
        }
        if let Some(help) = &failure.help {
            text.message(Line::new().paint(Tone::Strong, "help").plain(": "), &worded(help));
        }
        self.stderr.text(text);
    }
}

/// Whether the environment has nothing against colours.
fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Now, in milliseconds since 1970, by the clock of this machine.
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Writes an event of a run as a line of JSON on stdout, with its time.
pub fn event(event: &impl serde::Serialize) {
    let line = report::json::line(&Stamped::new(now(), event));
    Screen::new(Stream::Out, false).bytes(&line);
}

/// Where the log of a service goes: lines that were made harmless already.
#[cfg(feature = "serve")]
pub fn log_writer() -> impl Write {
    std::io::stderr()
}

/// What clap has to say: help and version to stdout, what is wrong with the command line to stderr.
pub fn of_clap(e: &clap::Error) {
    let screen = Screen::new(if e.use_stderr() { Stream::Err } else { Stream::Out }, wants_colour());
    let text = e.render();
    screen.bytes(&coloured(&if screen.style.is_colored() { text.ansi().to_string() } else { text.to_string() }));
}

/// Has a fault of dagmar itself told like any other error, as text and nothing else.
pub fn tell_of_faults() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let said = panic.payload_as_str().unwrap_or_default();
        let screen = Screen::new(Stream::Err, wants_colour());
        screen.text(fault(said, &place));
        let trace = std::backtrace::Backtrace::capture();
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            let mut text = Text::new();
            text.block("  ", &trace.to_string());
            screen.text(text);
        }
    }));
}

fn fault(said: &str, place: &str) -> Text {
    let mut text = Text::new();
    let head = Line::new().paint(Tone::Bad, "error").plain(": internal error in dagmar").plain(place).plain(": ");
    text.message(head, said);
    text.message(
        Line::new().paint(Tone::Strong, "help").plain(": "),
        "the completed steps are in the ledger, see `dagmar status`; please report it, with RUST_BACKTRACE=1",
    );
    text
}

/// Tells a shell what may come next; the names were made harmless, and the shell's own signs stay.
pub fn candidates(text: &str) {
    Screen::new(Stream::Out, false).bytes(text);
}

/// Asks a question that is answered with yes or no.
///
/// # Errors
/// When there is nobody to ask.
pub fn ask(question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(
            Failure::new(FailureKind::Refused, "cannot ask for confirmation: not a terminal").help("pass `--yes`")
        );
    }
    dialoguer::Confirm::new()
        .with_prompt(Line::from(question).write(Style::PLAIN, None))
        .default(false)
        .interact()
        .map_err(|e| Failure::new(FailureKind::Usage, format!("cannot ask: {e}")))
}

/// The format that was asked for, of those that a command has; the first is the default.
pub fn choose<T: Copy>(global: &Global, known: &[(&str, T)]) -> Result<T, Failure> {
    let Some(asked) = global.format.as_deref() else { return Ok(known[0].1) };
    known.iter().find(|(name, _)| *name == asked).map(|(_, form)| *form).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        Failure::new(FailureKind::Usage, format!("this command has no format `{asked}`"))
            .help(format!("it has: {}", names.join(", ")))
    })
}

/// Refuses any format but text, of a command that has no other.
pub fn only_text(global: &Global) -> Result<(), Failure> {
    choose(global, &[("text", ())])
}

/// Text or JSON.
pub fn form(global: &Global) -> Result<Form, Failure> {
    choose(global, &[("text", Form::Text), ("json", Form::Json)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_as_text() {
        let text = fault("no \u{1b}[2J\nerror: more", " at src/x.rs:1").write(Style::PLAIN, None);
        let said = "error: internal error in dagmar at src/x.rs:1: no ␛[2J\n  error: more\nhelp: the completed steps";
        assert!(text.starts_with(said), "{text}");
    }
}

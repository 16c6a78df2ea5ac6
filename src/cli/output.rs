//! Where text goes: data to stdout, everything else to stderr, colour only on a terminal.

use super::global::Global;
use crate::base::{Diagnostics, Failure, Kind};
use crate::report::{self, Sources, Style, Tone};
use crate::source::SourceSet;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};

/// The two streams of the process.
#[derive(Debug)]
pub struct Output {
    quiet: bool,
    /// How data on stdout is styled.
    pub style: Style,
    /// How messages on stderr are styled.
    pub err_style: Style,
    json: bool,
    sources: Option<SourceSet>,
}

/// How a command writes its results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Output {
    /// The output that the options ask for.
    pub fn new(global: &Global) -> Self {
        let colour = !global.no_color && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        Self {
            quiet: global.quiet,
            style: Style::colored(colour && !dumb && std::io::stdout().is_terminal()),
            err_style: Style::colored(colour && !dumb && std::io::stderr().is_terminal()),
            json: global.format.as_deref() == Some("json"),
            sources: None,
        }
    }

    /// Remembers the texts that problems point into.
    pub fn sources(&mut self, sources: &SourceSet) {
        self.sources = Some(sources.clone());
    }

    /// Writes data. A reader that went away is no failure of ours.
    pub fn data(&mut self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(text.as_bytes());
        if !text.ends_with('\n') {
            let _ = stdout.write_all(b"\n");
        }
        let _ = stdout.flush();
    }

    /// Writes a value as JSON.
    pub fn json(&mut self, value: &impl serde::Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.data(&text),
            Err(e) => self.data(&json!({ "error": e.to_string() }).to_string()),
        }
    }

    /// Tells something on the way, unless it should be quiet.
    pub fn say(&mut self, text: &str) {
        if !self.quiet {
            self.err(text);
        }
    }

    /// Tells what is worth knowing of the files and refuses nothing, unless it should be quiet.
    pub fn warnings(&mut self, warnings: &Diagnostics) {
        if !warnings.is_empty() && !self.json {
            let sources = SourceTexts(self.sources.clone().unwrap_or_default());
            self.say(&report::diag::text(warnings, &sources, self.err_style));
        }
    }

    fn err(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Tells why the command ends.
    pub fn failure(&mut self, failure: &Failure) {
        if self.json {
            // on one line: it may follow JSON lines
            let value = self.failure_json(failure);
            self.data(&value.to_string());
            return;
        }
        if !failure.diagnostics.is_empty() {
            let sources = SourceTexts(self.sources.clone().unwrap_or_default());
            self.err(report::diag::text(&failure.diagnostics, &sources, self.err_style).trim_end());
            self.err("");
        }
        self.err(&format!("{}: {}", self.err_style.paint(Tone::Bad, "error"), failure.message));
        for note in &failure.notes {
            self.err(&format!("  {note}"));
        }
        if let Some(help) = &failure.help {
            self.err(&format!("{}: {help}", self.err_style.paint(Tone::Strong, "help")));
        }
    }

    fn failure_json(&self, failure: &Failure) -> Value {
        let mut value = json!({
            "error": {
                "kind": failure.kind,
                "exitCode": failure.kind.exit_code(),
                "message": failure.message,
                "notes": failure.notes,
                "help": failure.help,
            }
        });
        if !failure.diagnostics.is_empty() {
            let sources = SourceTexts(self.sources.clone().unwrap_or_default());
            let text = report::diag::json(&failure.diagnostics, &sources);
            if let Ok(Value::Object(map)) = serde_json::from_str(&text) {
                value.as_object_mut().expect("an object").extend(map);
            }
        }
        value
    }
}

/// The texts of a project, as the reports want them.
pub struct SourceTexts(pub SourceSet);

impl Sources for SourceTexts {
    fn path(&self, file: crate::base::FileId) -> &str {
        &self.0.get(file).path
    }
    fn text(&self, file: crate::base::FileId) -> &str {
        &self.0.get(file).text
    }
}

/// The format that was asked for, of those that a command has; the first is the default.
pub fn choose<T: Copy>(global: &Global, known: &[(&str, T)]) -> Result<T, Failure> {
    let Some(asked) = global.format.as_deref() else { return Ok(known[0].1) };
    known.iter().find(|(name, _)| *name == asked).map(|(_, form)| *form).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        Failure::new(Kind::Usage, format!("this command has no format `{asked}`"))
            .help(format!("it has: {}", names.join(", ")))
    })
}

/// Text or JSON.
pub fn form(global: &Global) -> Result<Form, Failure> {
    choose(global, &[("text", Form::Text), ("json", Form::Json)])
}

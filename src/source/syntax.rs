//! Why a text is no YAML, in words: which key is out of line, which quote or bracket has no end,
//! where quotes are missing. The parser says only at which character it gave up.

use super::shape::{self, Line};
use crate::base::{Code, Diagnostic, FileId, Lines, Place};

/// The code of a file that is no YAML.
const CODE: Code = Code::NotYaml;

/// What the parser said, and where.
struct ParserError<'a> {
    file: FileId,
    text: &'a str,
    lines: Lines,
    /// What was wrong, in its words.
    what: &'a str,
    /// The byte at which it gave up.
    at: usize,
    /// The byte at which that began which it was reading.
    since: Option<usize>,
}

/// The problems behind an error of the YAML parser: one, or several of the same kind.
#[must_use]
pub fn explain(file: FileId, text: &str, said: &str, at: usize) -> Vec<Diagnostic> {
    let lines = Lines::of(text);
    let (what, context) = said.split_once(" at line ").unwrap_or((said, ""));
    let since = context.rsplit_once("at line ").and_then(|(_, place)| {
        let (line, column) = place.split_once(" column ")?;
        let column: usize = column.split_whitespace().next()?.parse().ok()?;
        let start = lines.start(line.parse().ok()?);
        Some(text[start..].char_indices().nth(column - 1).map_or(text.len(), |(n, _)| start + n))
    });
    let said = ParserError { file, text, lines, what, at, since };
    let variables = said.variables_in_flow();
    if !variables.is_empty() {
        return variables;
    }
    let explained = said.quote().or_else(|| said.bracket()).or_else(|| said.behind_quotes()).or_else(|| said.anchor());
    let explained = explained.or_else(|| said.character()).or_else(|| said.colon_in_text());
    let explained = explained.or_else(|| said.no_colon()).or_else(|| said.indentation());
    vec![explained.unwrap_or_else(|| {
        let help = "see yaml.org/spec; quote texts that hold `: `, ` #` or start with a special character";
        said.problem(said.what, said.at).help(help)
    })]
}

impl ParserError<'_> {
    fn problem(&self, message: impl std::fmt::Display, at: usize) -> Diagnostic {
        self.problem_of(message, at, at)
    }

    fn problem_of(&self, message: impl std::fmt::Display, start: usize, end: usize) -> Diagnostic {
        Diagnostic::error(CODE, format!("not YAML: {message}")).at(Place::bytes(self.file, start..end))
    }

    fn line_of(&self, at: usize) -> usize {
        self.lines.line_column(self.text, at).0
    }

    /// The line of this number, from 1, without its end.
    fn line(&self, number: usize) -> &str {
        self.text[self.lines.start(number)..].lines().next().unwrap_or_default()
    }

    /// `{ table: ${schema}.t }`: the brace of the variable opens a mapping.
    fn variables_in_flow(&self) -> Vec<Diagnostic> {
        let found = shape::variables_in_flow(self.text);
        // the parser stops behind the `$` of the first one
        if !found.iter().any(|range| range.contains(&self.at)) {
            return Vec::new();
        }
        let problem = |range: &std::ops::Range<usize>| {
            let value = &self.text[range.clone()];
            let before = self.text[..range.start].rsplit(['{', '[', ',', '\n']).next().unwrap_or_default().trim_start();
            let brackets = if before.is_empty() { "`[ ]`" } else { "`{ }`" };
            let quoted = value.replace('"', "\\\"");
            self.problem_of(format!("`{value}` needs quotes inside of {brackets}"), range.start, range.end)
                .help(format!("write `{before}\"{quoted}\"`: without quotes the `{{` of the variable opens a mapping"))
        };
        found.iter().map(problem).collect()
    }

    fn quote(&self) -> Option<Diagnostic> {
        let since = self.since.filter(|_| self.what.contains("unexpected end of stream"))?;
        let quote = self.text[since..].chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let help = format!(
            "write `{quote}` after the text; inside it, {} stands for a quote",
            if quote == '"' { "`\\\"`" } else { "`''`" }
        );
        Some(self.problem_of("this quote is not closed", since, since + 1).help(help))
    }

    /// A bracket without its end, or a comma that is missing between brackets.
    fn bracket(&self) -> Option<Diagnostic> {
        if !self.what.contains("expected ',' or") && !self.what.contains("expected node content") {
            return None;
        }
        let is_open = |at: &usize| self.text[*at..].starts_with(['{', '[']);
        // where a value was expected the parser does not say which bracket is open
        let open = self.since.filter(is_open).or_else(|| {
            let before = self.text[..self.at].trim_end();
            before.ends_with([',', '{', '[']).then(|| before.rfind(['{', '['])).flatten()
        })?;
        let (bracket, close) = if self.text[open..].starts_with('{') { ('{', '}') } else { ('[', ']') };
        let same_line = self.line_of(open) == self.line_of(self.at);
        if same_line && self.at < self.text.len() && !self.text[self.at..].starts_with(['}', ']', '\n', '\r']) {
            let message = format!("a `,` or `{close}` is missing before this");
            return Some(self.problem(message, self.at).help("quote texts that hold `,`, `:`, `{` or `[`"));
        }
        let problem = self.problem_of(format!("this `{bracket}` is not closed"), open, open + 1);
        let problem = problem.help(format!("the `{close}` is missing"));
        let here = Place::bytes(self.file, self.at..self.at);
        Some(if self.at < self.text.len() {
            problem.related(here, format!("a `{close}` or `,` was expected here"))
        } else {
            problem
        })
    }

    /// Text behind a text in quotes.
    fn behind_quotes(&self) -> Option<Diagnostic> {
        let quoted = self.text[..self.at].trim_end_matches(' ').ends_with(['"', '\'']);
        let rest = self.text[self.at..].lines().next().unwrap_or_default().trim_end();
        (quoted && self.what.contains("expected key") && !rest.is_empty()).then(|| {
            self.problem_of("no text is allowed after a quoted text", self.at, self.at + rest.len())
                .help("put all of it into the quotes")
        })
    }

    /// `*name` without `&name` before it.
    fn anchor(&self) -> Option<Diagnostic> {
        let name = self.text[self.at..].strip_prefix('*').filter(|_| self.what.contains("unknown anchor"))?;
        let end = name.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-')).unwrap_or(name.len());
        let name = &name[..end];
        Some(self.problem_of(format!("unknown anchor `{name}`"), self.at, self.at + 1 + end).help(format!(
            "write `&{name}` before the value that `*{name}` stands for; a text that begins with `*` needs quotes"
        )))
    }

    /// What a text without quotes cannot begin with.
    fn character(&self) -> Option<Diagnostic> {
        let line = self.line(self.line_of(self.at));
        if self.text[self.at..].starts_with('\t') || line.trim_start_matches(' ').starts_with('\t') {
            let help = "YAML is indented with spaces, not with tabs";
            return Some(self.problem("a line is indented with a tab", self.at).help(help));
        }
        if !self.what.contains("cannot start any token") {
            return None;
        }
        let sign = match self.text[self.at..].chars().next()? {
            '`' => "a backtick".to_owned(),
            sign => format!("`{sign}`"),
        };
        let value = self.text[self.at..].lines().next().unwrap_or_default().trim_end();
        let quoted = value.replace('\'', "''");
        Some(
            self.problem_of(format!("a text cannot begin with {sign}"), self.at, self.at + value.len())
                .help(format!("write it in quotes: '{quoted}'")),
        )
    }

    /// `description: a: b`.
    fn colon_in_text(&self) -> Option<Diagnostic> {
        if !self.what.contains("mapping values are not allowed") {
            return None;
        }
        let number = self.line_of(self.at);
        let (start, line) = (self.lines.start(number), self.line(number));
        let (column, key) = Line::of(line).key?;
        let value = column + key.len() + 1;
        // the key of the line itself is a matter of indentation
        if start + value > self.at {
            return None;
        }
        let text = line[value..].trim();
        let quoted = text.replace('\'', "''");
        Some(
            self.problem_of("a text that holds `: ` needs quotes", self.at, self.at + 1)
                .help(format!("write `{key}: '{quoted}'`")),
        )
    }

    /// A line that is neither a key nor a part of a text.
    fn no_colon(&self) -> Option<Diagnostic> {
        let since = self.since.filter(|_| self.what.contains("could not find expected ':'"))?;
        let number = self.line_of(since);
        if let Some(ended) = self.text_ended(number) {
            return Some(ended);
        }
        let word = self.line(number).trim();
        Some(
            self.problem_of(format!("`{word}` is not a `key: value` pair"), since, since + word.len())
                .help("a `:` is missing after it; indent a line that continues the previous text"),
        )
    }

    /// A line that was meant to belong to the text after `|` or `>` before it.
    fn text_ended(&self, number: usize) -> Option<Diagnostic> {
        let start = self.lines.start(number);
        let line = Line::of(self.line(number));
        let open = shape::levels(&self.text[..start]).text.filter(|_| line.name().is_none())?;
        let message = format!("the text of `{}` ends before this line, which is indented less", open.name);
        let end = start + self.line(number).trim_end().len();
        let problem = self.problem_of(message, start + line.indent, end);
        Some(problem.help(format!("indent it like line {}", open.line + 1)))
    }

    /// A key or list entry that stands in no column where one may stand.
    fn indentation(&self) -> Option<Diagnostic> {
        let words =
            ["expected '-' indicator", "expected key", "mapping values are not allowed", "expected <document start>"];
        if !words.iter().any(|words| self.what.contains(words)) {
            return None;
        }
        let number = self.line_of(self.at);
        let start = self.lines.start(number);
        let line = Line::of(self.line(number));
        let column = line.indent;
        // what is wrong further on in the line is no matter of its indentation
        if start + column < self.at && !self.what.contains("mapping values") {
            return None;
        }
        let levels = shape::levels(&self.text[..start]);
        let dash = !line.dashes.is_empty();
        let Some(name) = line.name() else { return self.text_ended(number) };
        let beside = levels.open.iter().rev().filter(|level| level.dash == dash);
        // of two that are as near the one with the same key
        let beside = beside.min_by_key(|level| (level.column.abs_diff(column), level.name != name))?;
        if beside.column == column {
            return None;
        }
        let spaces = |n: usize| if n == 1 { "1 space".to_owned() } else { format!("{n} spaces") };
        let what = if dash { "list entry" } else { "key" };
        let there = self.lines.start(beside.line) + beside.column;
        let end = start + column + if dash { 1 } else { name.len() };
        let message = format!("the {what} `{name}` is out of line: it is indented by {}", spaces(column));
        let other = format!("`{}`, beside which it seems to belong, by {}", beside.name, spaces(beside.column));
        let length = if dash { 1 } else { beside.name.len() };
        Some(
            self.problem_of(message, start + column, end)
                .related(Place::bytes(self.file, there..there + length), other)
                .help(format!("indent it by {}, like `{}`", spaces(beside.column), beside.name)),
        )
    }
}

//! Secrets in what is shown of the sources. Everything that is quoted from a file, and
//! everything that is said about it, passes through here.
//!
//! Of `dagmar.yaml` only those values are shown whose keys hold no secret, also where the file is
//! no YAML. In every file URLs with a user and what follows `password` are masked. Each
//! character becomes one of the same size, so that places stay right.

use super::config;
use super::schema::project_schema;
use crate::base::Diagnostic;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;

/// The key whose names are shown, and whose values are not.
const VARIABLES: &str = "variables";

/// Keys of `dagmar.yaml` whose values may be secrets.
const SECRET: [&str; 5] = ["url", "urlCommand", "urlFile", VARIABLES, "run"];

/// Words before a password.
const WORDS: [&str; 4] = ["password", "passwd", "passphrase", "pwd"];

/// The shortest masked text that is looked for in what is said about a file.
const SHORTEST: usize = 4;

/// The text as it may be shown; `None`: as it is.
#[must_use]
pub fn text(path: &str, text: &str) -> Option<String> {
    let secrets = secrets(path, text);
    if secrets.is_empty() { None } else { Some(masked(text, &secrets)) }
}

/// A text that quotes the sources, as it may be shown.
#[must_use]
pub fn masked_text(text: &str) -> String {
    masked(text, &patterns(text, false))
}

/// Takes secrets out of what is said; `about` is the path and text of the file.
pub fn problem(problem: &mut Diagnostic, about: Option<(&str, &str)>) {
    let is_project = about.is_some_and(|(path, _)| path == config::FILE);
    let known: Vec<&str> = match about {
        Some((path, text)) if is_project => secrets(path, text)
            .into_iter()
            .map(|range| {
                text[range].trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ']' | '{' | '}'))
            })
            .filter(|secret| secret.len() >= SHORTEST)
            .collect(),
        _ => Vec::new(),
    };
    let clean = |said: &mut String| {
        if is_project && let Some(at) = said.find("found the text \"") {
            said.truncate(at);
            said.push_str("found a text");
        }
        for secret in &known {
            if said.contains(secret) {
                *said = said.replace(secret, "***");
            }
        }
        let found = patterns(said, is_project);
        if !found.is_empty() {
            *said = masked(said, &found);
        }
    };
    clean(&mut problem.message);
    problem.label.iter_mut().for_each(clean);
    problem.help.iter_mut().for_each(|help| help.each_text(clean));
    problem.related.iter_mut().for_each(|(_, label)| clean(label));
}

/// Each character as one of the same number of bytes.
fn masked(text: &str, secrets: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for range in secrets {
        out.push_str(&text[from..range.start]);
        for c in text[range.clone()].chars() {
            out.push(match c.len_utf8() {
                _ if matches!(c, '\n' | '\r') => c,
                1 => '*',
                2 => '\u{b7}',
                3 => '\u{2022}',
                _ => '\u{1f512}',
            });
        }
        from = range.end;
    }
    out.push_str(&text[from..]);
    out
}

/// The bytes that are secret, in order.
fn secrets(path: &str, text: &str) -> Vec<Range<usize>> {
    let is_project = path == config::FILE;
    let mut found = patterns(text, is_project);
    if is_project {
        found.extend(Scan::of(text));
    }
    found.retain(|range| !range.is_empty());
    found.sort_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// What looks like a secret in any text. `spaces`: a URL may hold white space and quotes.
fn patterns(text: &str, spaces: bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let ends = |c: char| c == '\n' || !spaces && (c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>'));
        let end = text[start..].find(ends).map_or(text.len(), |n| start + n);
        if let Some(user) = text[start..end].rfind('@') {
            found.push(start..start + user);
        }
    }
    let lower = text.to_ascii_lowercase();
    for (at, word) in WORDS.iter().flat_map(|word| lower.match_indices(word)) {
        found.extend(after_word(text, at + word.len()));
    }
    found.sort_by_key(|range| range.start);
    let mut last = 0;
    found.retain(|range| {
        let apart = range.start >= last;
        last = if apart { range.end } else { last };
        apart
    });
    found
}

/// The value after `password=`, `password: ` or `PASSWORD '`.
fn after_word(text: &str, from: usize) -> Option<Range<usize>> {
    let rest = &text[from..];
    let rest = rest.strip_prefix(['"', '\'']).unwrap_or(rest).trim_start_matches([' ', '\t']);
    let sign = rest.strip_prefix(['=', ':']);
    let rest = sign.unwrap_or(rest).trim_start_matches([' ', '\t']);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    if sign.is_none() && quote.is_none() {
        return None;
    }
    let rest = quote.map_or(rest, |_| &rest[1..]);
    let start = text.len() - rest.len();
    let ends = |c: char| match quote {
        Some(quote) => c == quote || c == '\n',
        None => c.is_whitespace() || matches!(c, '&' | ',' | '}' | ']' | '`' | '"' | '\''),
    };
    let end = rest.find(ends).map_or(text.len(), |n| start + n);
    // a variable is no secret, its value is
    (!text[start..end].starts_with("${")).then_some(start..end)
}

/// The keys of `dagmar.yaml` whose values are shown.
fn harmless() -> &'static BTreeSet<String> {
    static KEYS: OnceLock<BTreeSet<String>> = OnceLock::new();
    KEYS.get_or_init(|| {
        fn collect(schema: &Value, keys: &mut BTreeSet<String>) {
            match schema {
                Value::Object(map) => {
                    let properties = map.get("properties").and_then(Value::as_object);
                    keys.extend(properties.into_iter().flatten().map(|(key, _)| key.clone()));
                    map.values().for_each(|inner| collect(inner, keys));
                }
                Value::Array(list) => list.iter().for_each(|inner| collect(inner, keys)),
                _ => {}
            }
        }
        let mut keys = BTreeSet::new();
        collect(&project_schema(), &mut keys);
        keys.retain(|key| !SECRET.contains(&key.as_str()));
        keys
    })
}

/// A walk through the lines of `dagmar.yaml`, which may be no YAML.
struct Scan<'a> {
    text: &'a str,
    found: Vec<Range<usize>>,
    /// Lines that are indented more than this belong to a secret.
    inside: Option<usize>,
}

impl<'a> Scan<'a> {
    fn of(text: &'a str) -> Vec<Range<usize>> {
        let mut scan = Self { text, found: Vec::new(), inside: None };
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let end = start + line.trim_end().len();
            scan.line(start, end);
            start += line.len();
        }
        scan.found
    }

    fn line(&mut self, start: usize, end: usize) {
        let line = &self.text[start..end];
        let body = line.trim_start();
        let indent = line.len() - body.len();
        if body.is_empty() || body.starts_with('#') {
            return;
        }
        let begin = start + indent;
        if let Some(outer) = self.inside {
            if indent > outer || indent == outer && body.starts_with('-') {
                // names of variables are shown, values are not
                let item = begin + body.len() - body.trim_start_matches(['-', ' ']).len();
                let value = key_of(self.text, item, end).map_or(item, |(_, value)| value);
                self.found.push(value..end);
                return;
            }
            self.inside = None;
        }
        self.entries(begin, end, indent);
    }

    /// Keys and values of a line, of which there may be several in flow style.
    fn entries(&mut self, mut at: usize, end: usize, indent: usize) {
        let mut variables_end = 0;
        while at < end {
            let signs = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ']' | ',' | '-' | '[');
            at += self.text[at..end].len() - self.text[at..end].trim_start_matches(signs).len();
            if at >= end {
                return;
            }
            let Some((key, value)) = key_of(self.text, at, end) else {
                // what goes on from the line before, or is no YAML
                self.found.push(at..end);
                return;
            };
            let rest = &self.text[value..end];
            if rest.is_empty() || rest.starts_with('#') {
                if SECRET.contains(&key) {
                    self.inside = Some(indent);
                }
                return;
            }
            if rest.starts_with('{') && (key == VARIABLES || !SECRET.contains(&key)) {
                if key == VARIABLES {
                    // its names are shown, its values are not
                    variables_end = rest.find('}').map_or(end, |n| value + n);
                    self.inside = Some(indent).filter(|_| variables_end == end);
                }
                at = value;
                continue;
            }
            let is_secret = at < variables_end || !harmless().contains(key);
            let next = if is_secret { secret_end(self.text, value, end) } else { self.shown_end(value, end) };
            if is_secret {
                self.found.push(value..next);
                let goes_on = next == end || rest.starts_with(['|', '>']);
                self.inside = self.inside.or(Some(indent).filter(|_| goes_on));
            }
            at = next;
        }
    }

    /// The end of a value that is shown.
    fn shown_end(&self, value: usize, end: usize) -> usize {
        let rest = &self.text[value..end];
        let len = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map_or(rest.len(), |n| n + 2),
            Some('[') => rest.find(']').map_or(rest.len(), |n| n + 1),
            _ => rest.find([',', '}']).unwrap_or(rest.len()),
        };
        value + len
    }
}

/// The key that begins at `at`, and where its value begins.
fn key_of(text: &str, at: usize, end: usize) -> Option<(&str, usize)> {
    let line = &text[at..end];
    let (key, rest) = match line.chars().next()? {
        quote @ ('"' | '\'') => {
            let close = line[1..].find(quote)? + 1;
            (&line[1..close], &line[close + 1..])
        }
        _ => {
            let colon = line.find(':')?;
            (line[..colon].trim_end(), &line[colon..])
        }
    };
    let key = key.trim_start_matches(['-', ' ']);
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let after = rest.trim_start().strip_prefix(':')?;
    let separated = after.is_empty() || after.starts_with([' ', '\t']) || line.starts_with(['"', '\'']);
    (is_key && separated).then(|| (key, end - after.trim_start().len()))
}

/// The end of a value that is secret: where the next key of a flow mapping begins, or the line
/// ends.
fn secret_end(text: &str, value: usize, end: usize) -> usize {
    let rest = &text[value..end];
    if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        return rest[1..].find(quote).map_or(end, |n| value + n + 2);
    }
    let mut from = 0;
    while let Some(comma) = rest[from..].find(", ").map(|n| from + n) {
        if key_of(text, value + comma + 2, end).is_some() {
            return value + comma;
        }
        from = comma + 2;
    }
    // the braces of a flow mapping that ends with the line
    let open = text[..value].rsplit('\n').next().is_some_and(|line| line.contains('{'));
    if open { value + rest.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '}' | ']')).len() } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Code;

    fn shown(path: &str, source: &str) -> String {
        text(path, source).unwrap_or_else(|| source.to_owned())
    }

    #[test]
    fn masks_keep_every_place() {
        for (given, masked) in [
            ("a: postgres://u:p@h/db # x", "a: ***********************"),
            ("plans: db # postgres://u:é😀語@h", "plans: db # postgres://**·🔒•@h"),
            ("plans: db\nsoak: 2d", "plans: db\nsoak: 2d"),
            ("variables:\n  a: b c\n\n  d: |\n    e\nplans: db", "variables:\n  a: ***\n\n  d: *\n    *\nplans: db"),
            ("variables: { a: \"x, y\", b: 2 }\nplans: db", "variables: { a: ******, b: * }\nplans: db"),
            ("variables: {\n  a: x,\n  b: { c: y } }\nplans: db", "variables: {\n  a: **\n  b: **********\nplans: db"),
            ("environments:\n  dev: { url: x, soak: 2d }", "environments:\n  dev: { url: *, soak: 2d }"),
            ("environments:\n  dev: { url: h1,h2 , soak: 2d }", "environments:\n  dev: { url: ******, soak: 2d }"),
            ("e: {\"url\": \"x\", \"jobs\": 3}", "e: {\"url\": ***, \"jobs\": 3}"),
            ("urlCommand:\n- a\n- b\njobs: 3", "urlCommand:\n- *\n- *\njobs: 3"),
            ("url: \"open\nvariables: x\njobs: 3", "url: *****\nvariables: *\njobs: 3"),
            (
                "freeze:\n  - { from: 2026-01-01, reason: the year }",
                "freeze:\n  - { from: 2026-01-01, reason: the year }",
            ),
            ("this is no YAML", "***************"),
        ] {
            assert_eq!(shown("dagmar.yaml", given), masked, "{given}");
            assert_eq!(shown("dagmar.yaml", given).len(), given.len(), "{given}");
        }
    }

    #[test]
    fn other_files_show_all_but_passwords() {
        for (given, masked) in [
            ("uri: x, a: postgres://h/db", "uri: x, a: postgres://h/db"),
            ("see https://x.org by a@b.org", "see https://x.org by a@b.org"),
            ("'postgres://u:p@h/db' a@b", "'postgres://***@h/db' a@b"),
            ("host=h password=se_cret user=u", "host=h password=******* user=u"),
            ("CREATE ROLE r PASSWORD 'it is'", "CREATE ROLE r PASSWORD '*****'"),
            ("PASSWORD '${pw}'", "PASSWORD '${pw}'"),
            ("app_password: \"x y\"", "app_password: \"***\""),
            ("a column password text", "a column password text"),
        ] {
            assert_eq!(shown("plans/a.yaml", given), masked, "{given}");
        }
    }

    #[test]
    fn what_is_said_holds_no_secret() {
        let source = "variables: { a: hunter2hunter2 }\nurl: it's\nsoak: 2 d";
        let said = |message: &str| {
            let mut d = Diagnostic::error(Code::NothingInFile, message).help(message).label(message);
            problem(&mut d, Some(("dagmar.yaml", source)));
            assert_eq!(d.help, Some(d.message.as_str().into()));
            d.message
        };
        assert_eq!(said("expected a list, found the text \"x\""), "expected a list, found a text");
        assert_eq!(said("`2 d` is not a valid duration"), "`2 d` is not a valid duration");
        assert_eq!(said("unknown value `hunter2hunter2`, the variable `a`"), "unknown value `***`, the variable `a`");
        assert_eq!(said("`http://a:b c@d` is none"), "`http://*****@d` is none");
    }
}

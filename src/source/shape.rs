//! The shape of a text that should be YAML, line by line: enough to say what is wrong with it,
//! and which ids are in it, when the parser cannot read it.

use std::ops::Range;

/// A line: its list entries, its key, whether a text begins behind it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line<'a> {
    /// Spaces before it.
    pub indent: usize,
    /// The columns of its `-`, from 0.
    pub dashes: Vec<usize>,
    /// The column of its key, and the key.
    pub key: Option<(usize, &'a str)>,
    /// Whether `|` or `>` stands at its end.
    pub opens_text: bool,
}

impl<'a> Line<'a> {
    /// Reads a line.
    #[must_use]
    pub fn of(line: &'a str) -> Self {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let (mut column, mut dashes) = (indent, Vec::new());
        while line[column..].starts_with("- ") || &line[column..] == "-" {
            dashes.push(column);
            let rest = &line[column + 1..];
            column += 1 + rest.len() - rest.trim_start_matches(' ').len();
        }
        let rest = &line[column..];
        let key = rest.split(':').next().filter(|key| {
            let after = rest[key.len()..].strip_prefix(':');
            let word =
                !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
            word && after.is_some_and(|after| after.is_empty() || after.starts_with([' ', '\r', '\t']))
        });
        let last = rest.split_whitespace().next_back().unwrap_or_default();
        let opens_text = last.starts_with(['|', '>'])
            && last[1..].chars().all(|c| matches!(c, '+' | '-' | '0'..='9'))
            && (key.is_some() || !dashes.is_empty());
        Self { indent, dashes, key: key.map(|key| (column, key)), opens_text }
    }

    /// What to call it; `None`: it is a part of a text.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        self.key.map(|(_, key)| key).or(if self.dashes.is_empty() { None } else { Some("-") })
    }

    /// Lines of its text are indented more than this.
    fn text_indent(&self) -> usize {
        self.key.map(|(column, _)| column).or(self.dashes.last().copied()).unwrap_or(self.indent)
    }
}

/// A column in which keys or list entries of an open collection stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// From 0.
    pub column: usize,
    /// The line of the last one, from 1.
    pub line: usize,
    /// Its key, or that of the list entry.
    pub name: String,
    /// Whether it is a list entry.
    pub dash: bool,
}

/// What is open at the end of a text.
#[derive(Debug, Default)]
pub struct Levels {
    /// From the outside to the inside.
    pub open: Vec<Level>,
    /// The text after `|` or `>` that the last line belongs to.
    pub text: Option<Level>,
}

/// The columns in which a next line may begin.
#[must_use]
pub fn levels(text: &str) -> Levels {
    let mut levels = Levels::default();
    for (i, line) in text.lines().enumerate() {
        let shape = Line::of(line);
        if line.trim().is_empty() || line[shape.indent..].starts_with('#') {
            continue;
        }
        if let Some(open) = &levels.text {
            if shape.indent > open.column {
                continue;
            }
            levels.text = None;
        }
        let Some(name) = shape.name() else { continue };
        levels.open.retain(|level| level.column < shape.indent);
        let level = |column, dash, name: &str| Level { column, line: i + 1, name: name.to_owned(), dash };
        levels.open.extend(shape.dashes.iter().map(|column| level(*column, true, name)));
        levels.open.extend(shape.key.map(|(column, key)| level(column, false, key)));
        if shape.opens_text {
            levels.text = Some(level(shape.text_indent(), false, name));
        }
    }
    levels
}

/// Texts without quotes inside of `{ }` or `[ ]` that hold a variable: their bytes.
#[must_use]
pub fn variables_in_flow(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let (mut depth, mut quote, mut skip) = (0usize, None::<u8>, None::<usize>);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let shape = Line::of(line.trim_end());
        let is_text = skip.is_some_and(|indent| line.trim().is_empty() || shape.indent > indent);
        if !is_text {
            skip = None;
            flow_of_line(line, start, &mut depth, &mut quote, &mut found);
            skip = skip.or((depth == 0 && quote.is_none() && shape.opens_text).then(|| shape.text_indent()));
        }
        start += line.len();
    }
    found
}

fn flow_of_line(line: &str, start: usize, depth: &mut usize, quote: &mut Option<u8>, found: &mut Vec<Range<usize>>) {
    let bytes = line.as_bytes();
    // where the scalar that is being read begins
    let mut scalar = 0;
    let mut i = 0;
    // the last byte before that is no white space, and up to where it was looked for
    let (mut before, mut seen) = (None, 0);
    while i < bytes.len() {
        let b = bytes[i];
        before = bytes[seen..i].iter().rev().find(|b| !b.is_ascii_whitespace()).copied().or(before);
        seen = i;
        if let Some(q) = *quote {
            let escapes = b == b'\\' && q == b'"' || b == q && q == b'\'' && bytes.get(i + 1) == Some(&q);
            if escapes {
                i += 1;
            } else if b == q {
                *quote = None;
            }
            i += 1;
            continue;
        }
        let begins = matches!(before, None | Some(b'{' | b'[' | b',' | b':' | b'-'));
        match b {
            b'#' if i == 0 || bytes[i - 1].is_ascii_whitespace() => return,
            b'"' | b'\'' if begins => *quote = Some(b),
            b'{' if *depth > 0 && i > 0 && bytes[i - 1] == b'$' => {
                let end = scalar_end(line, i - 1);
                let from = scalar + line[scalar..i].len() - line[scalar..i].trim_start().len();
                found.push(start + from..start + end);
                i = end;
                continue;
            }
            b'{' | b'[' if *depth > 0 || begins => {
                *depth += 1;
                scalar = i + 1;
            }
            b'}' | b']' => *depth = depth.saturating_sub(1),
            b',' => scalar = i + 1,
            b':' if bytes.get(i + 1).is_none_or(u8::is_ascii_whitespace) => scalar = i + 1,
            _ => {}
        }
        i += 1;
    }
}

/// Where a text with a variable at `at` was meant to end.
fn scalar_end(line: &str, at: usize) -> usize {
    let mut end = at;
    loop {
        let rest = &line[end..];
        if rest.starts_with("${")
            && let Some(close) = rest.find('}')
        {
            end += close + 1;
            continue;
        }
        match rest.chars().next() {
            None | Some(',' | '}' | ']' | '\n') => return at + line[at..end].trim_end().len(),
            Some(c) => end += c.len_utf8(),
        }
    }
}

/// The ids that changesets of this text seem to have.
#[must_use]
pub fn ids(text: &str) -> Vec<&str> {
    let word = |rest: &'_ str| {
        rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '}')).unwrap_or(rest.len())
    };
    text.match_indices("id:")
        .filter(|(at, _)| {
            text[..*at]
                .chars()
                .next_back()
                .is_none_or(|c| c.is_whitespace() || matches!(c, '{' | ',' | '-' | '"' | '\''))
        })
        .filter_map(|(at, _)| {
            let rest = text[at + 3..].trim_start_matches([' ', '"', '\'']);
            Some(&rest[..word(rest)]).filter(|id| !id.is_empty())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_one_by_one() {
        let line = Line::of("  - - id: a");
        assert_eq!((line.indent, line.dashes.as_slice(), line.key), (2, [2, 4].as_slice(), Some((6, "id"))));
        assert_eq!((Line::of("  sql: |2-").opens_text, Line::of("- >").opens_text), (true, true));
        for text in ["a > b", "x: a |b", "|", "-1", "http://x", ""] {
            let line = Line::of(text);
            assert!(!line.opens_text && line.dashes.is_empty(), "{text}: {line:?}");
        }
        assert_eq!((Line::of("a b: c").key, Line::of("-").name(), Line::of("x").name()), (None, Some("-"), None));
    }

    #[test]
    fn what_is_open_at_the_end() {
        let text = "changesets:\n  - id: a\n    changes:\n      - sql:\n          forward: |\n            a: b\n\n              c\n";
        let found = levels(text);
        let columns: Vec<(usize, &str, bool)> =
            found.open.iter().map(|l| (l.column, l.name.as_str(), l.dash)).collect();
        let expected = [
            (0, "changesets", false),
            (2, "id", true),
            (4, "changes", false),
            (6, "sql", true),
            (8, "sql", false),
            (10, "forward", false),
        ];
        assert_eq!(columns, expected);
        assert_eq!(found.text.map(|l| (l.line, l.name)), Some((5, "forward".to_owned())));
        assert_eq!(levels(&format!("{text}  - id: b\n")).open.len(), 3);
        assert!(levels("# x\n\n").open.is_empty());
    }

    #[test]
    fn variables_are_found_inside_of_brackets_only() {
        let text = "a: { b: ${x}.t, 'c': \"${ok}\", d: [x ${y} z , ${v:-a, b}] } # ${no}\ne: ${ok} { }\nf: |\n  { ${ok} }\ng: { h: 'it''s ${ok}',\n  i: ${z} }\n";
        let found: Vec<&str> = variables_in_flow(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["${x}.t", "x ${y} z", "${v:-a, b}", "${z}"]);
        assert!(variables_in_flow("a: {b: ${").iter().all(|range| range.end <= 9));
    }

    #[test]
    fn ids_are_found_in_any_style() {
        let text = "- id: a-1\n- { id: \"b\", x: y }\n- {id: c}\n  \"id\": d\nvalid: no\n# id: e\n";
        assert_eq!(ids(text), ["a-1", "b", "c", "e"]);
    }
}

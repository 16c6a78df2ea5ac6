//! Values that the expressions of constraints name.

use super::pattern;
use super::values::{Kind, lengths, value};
use crate::rows::contents::Value;
use crate::rows::table::{Column, Oid, TypeKind, Types};
use crate::sql::{Constants, constants};
use jiff::civil::DateTime;
use jiff::{Span, ToSpan};

/// A value that a column may have, and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub value: Value,
    pub what: Shows,
}

/// What a value shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    Null,
    Plain,
    Low,
    High,
}

/// Texts of usual forms, for checks that call a function.
const USUAL: &[&str] = &[
    "user@example.org",
    "https://example.org/a",
    "a",
    "A",
    "ab",
    "AB",
    "abc",
    "ABC",
    "abc-def",
    "abc_def",
    "Abc",
    "1",
    "12",
    "123",
    "12345",
    "+4930123456",
    "2024-01-01",
    "00000000-0000-4000-8000-000000000001",
    "192.0.2.1",
    "#aabbcc",
    "en",
    "en-US",
    "EUR",
    "{}",
    "/a/b",
    "a.b",
];

/// Numbers up to which a length is taken for one.
const LONGEST: usize = 500;

/// The values to try for a column that constraints name: those that the expressions lead to, ordinary ones from number
/// `n`, extremes, NULL if the column accepts it. `apart`: as in [`value`].
pub(super) fn options(
    types: &Types,
    column: &Column,
    expressions: &[String],
    n: u64,
    nullable: bool,
    apart: bool,
) -> Vec<Candidate> {
    let mut texts: Vec<(String, Shows)> = Vec::new();
    let named: Vec<Constants> =
        expressions.iter().chain(&column.default).map(|expression| constants(expression)).collect();
    let mut hints = of_type(types, column.kind, &column.written, &named);
    let plain = |n| value(types, column.kind, &column.written, n, Kind::Plain, apart);
    // few options are looked at where many columns depend on each other: the best come first
    texts.extend(hints.drain(..hints.len().min(1)).map(|text| (text, Shows::Plain)));
    texts.extend(plain(n).map(|text| (text, Shows::Plain)));
    texts.extend(hints.into_iter().map(|text| (text, Shows::Plain)));
    texts.extend((1..6).filter_map(|next| Some((plain(n + next)?, Shows::Plain))));
    for (kind, shows) in [(Kind::Low, Shows::Low), (Kind::High, Shows::High)] {
        texts.extend(value(types, column.kind, &column.written, n, kind, false).map(|text| (text, shows)));
    }
    if base(types, column.kind).is_some_and(|kind| kind.category == 'N') {
        // sums and products of the others
        let more = [2 * n + 2, 2 * n + 3, 0, 1, 2, 3, 10, 100].into_iter();
        texts.extend(more.map(|number| (number.to_string(), Shows::Plain)));
    }
    if is_text(types, column.kind) {
        texts.extend(USUAL.iter().map(|text| ((*text).to_owned(), Shows::Plain)));
    }
    let most = room(types, column);
    let mut found: Vec<Candidate> = Vec::new();
    for (text, what) in texts {
        if most.is_some_and(|most| text.chars().count() > most) {
            continue;
        }
        let value = Some(text.into_boxed_str());
        if !found.iter().any(|other| other.value == value) {
            found.push(Candidate { value, what });
        }
    }
    if nullable {
        found.insert(found.len().min(1), Candidate { value: None, what: Shows::Null });
    }
    found
}

/// The type below domains.
fn base(types: &Types, mut kind: Oid) -> Option<&crate::rows::table::Type> {
    for _ in 0..32 {
        let this = types.get(&kind)?;
        if this.kind != TypeKind::Domain {
            return Some(this);
        }
        kind = this.of?;
    }
    None
}

/// The length of a text type. A cast would cut a longer text, and the table refuses it.
fn room(types: &Types, column: &Column) -> Option<usize> {
    if !is_text(types, column.kind) {
        return None;
    }
    let of_domain = types.get(&column.kind).and_then(|kind| kind.written.as_deref()).unwrap_or("");
    lengths(&column.written).first().or(lengths(of_domain).first()).copied()
}

fn is_text(types: &Types, kind: Oid) -> bool {
    base(types, kind).is_some_and(|kind| kind.kind == TypeKind::Base && kind.category == 'S')
}

fn of_type(types: &Types, kind: Oid, written: &str, named: &[Constants]) -> Vec<String> {
    let Some(this) = base(types, kind) else { return Vec::new() };
    let texts = || named.iter().flat_map(|constants| &constants.texts);
    let numbers = || {
        let numbers = named.iter().flat_map(|constants| constants.numbers.iter().chain(&constants.texts));
        numbers.filter_map(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite())
    };
    match (this.kind, this.category) {
        (TypeKind::Enum, _) => this.labels.clone(),
        (TypeKind::Base, 'A') if this.array => arrays(types, this.of, written, named),
        (TypeKind::Base, 'B') => vec!["true".to_owned(), "false".to_owned()],
        (TypeKind::Base, 'N') => near(&numbers().collect::<Vec<f64>>(), &this.name, written),
        (TypeKind::Base, 'D') => texts().flat_map(|text| days(text)).collect(),
        (TypeKind::Base, 'S') => text(named),
        (TypeKind::Base, 'U') if matches!(this.name.as_str(), "json" | "jsonb") => json(named),
        _ => texts().cloned().collect(),
    }
}

/// Numbers at, beside and between those that are named.
fn near(numbers: &[f64], name: &str, written: &str) -> Vec<String> {
    let (whole, most) = match name {
        "int2" => (true, f64::from(i16::MAX)),
        "int4" | "oid" => (true, f64::from(i32::MAX)),
        "int8" => (true, 9.0e18),
        _ => match lengths(written)[..] {
            [digits, scale] => (false, 10f64.powi(i32::try_from(digits.saturating_sub(scale)).unwrap_or(0)) - 1.0),
            [digits] => (false, 10f64.powi(i32::try_from(digits).unwrap_or(0)) - 1.0),
            _ => (false, 1.0e30),
        },
    };
    let mut found = Vec::new();
    for (i, number) in numbers.iter().enumerate() {
        found.extend([number + 1.0, *number, number - 1.0]);
        if !whole {
            found.extend([number + 0.5, number - 0.5]);
        }
        found.extend([number * 2.0, number / 2.0]);
        found.extend(numbers[..i].iter().map(|other| (other + number) / 2.0));
    }
    if whole {
        found.iter_mut().for_each(|number| *number = number.trunc());
    }
    found.retain(|number| number.abs() <= most);
    found.iter().map(|number| if whole { format!("{number:.0}") } else { number.to_string() }).collect()
}

/// The text itself, and times beside it.
fn days(text: &str) -> Vec<String> {
    let mut found = vec![text.to_owned()];
    let civil: String = text.chars().take(19).collect();
    let time = civil.replace(' ', "T").parse::<DateTime>();
    let time = time.or_else(|_| text.parse::<jiff::civil::Date>().map(|day| day.at(0, 0, 0, 0)));
    if let Ok(time) = time {
        let zone = text.get(19..).filter(|rest| rest.starts_with(['+', '-'])).unwrap_or("");
        let steps: [Span; 4] = [1.day(), -1.day(), 1.hour(), 1.month()];
        found.extend(steps.into_iter().filter_map(|step| {
            let there = time.checked_add(step).ok()?;
            Some(format!("{}{zone}", there.strftime("%Y-%m-%d %H:%M:%S")))
        }));
    }
    found
}

fn text(named: &[Constants]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for constants in named {
        let is_like = constants.texts.iter().any(|text| text.contains(['%', '_']));
        let is_regex = |text: &str| text.contains(['^', '$', '[', '(', '+', '*', '\\', '{']);
        for text in &constants.texts {
            if is_regex(text) {
                found.extend(pattern::regex(text));
            }
            if is_like {
                found.extend(pattern::like(text));
            }
            found.push(text.clone());
            found.push(format!("{text}a"));
        }
        let has_length = ["length", "char_length", "character_length", "octet_length", "bit_length"];
        if has_length.iter().any(|word| constants.words.contains(*word)) {
            let lengths = constants.numbers.iter().filter_map(|number| number.parse::<usize>().ok());
            for length in lengths.filter(|length| *length <= LONGEST) {
                for length in [length, length + 1, length.saturating_sub(1)] {
                    found.extend(["a".repeat(length), "1".repeat(length)]);
                }
            }
        }
    }
    found
}

fn arrays(types: &Types, of: Option<Oid>, written: &str, named: &[Constants]) -> Vec<String> {
    let quoted = |text: &String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let written = written.trim_end_matches("[]");
    let elements = of.map(|of| of_type(types, of, written, named)).unwrap_or_default();
    let mut found: Vec<String> = elements.iter().take(10).map(|text| format!("{{{}}}", quoted(text))).collect();
    found.push("{}".to_owned());
    let plain = |n| of.and_then(|of| value(types, of, written, n, Kind::Plain, false));
    let lengths = named.iter().flat_map(|constants| &constants.numbers).filter_map(|number| number.parse::<u64>().ok());
    for length in lengths.filter(|length| (1..=10).contains(length)) {
        let values: Vec<String> = (0..length).filter_map(plain).map(|text| quoted(&text)).collect();
        found.push(format!("{{{}}}", values.join(",")));
    }
    found
}

/// Objects with the names that the expressions have as keys, with texts, numbers, lists and objects as values.
fn json(named: &[Constants]) -> Vec<String> {
    let mut keys: Vec<&String> = named.iter().flat_map(|constants| &constants.texts).collect();
    keys.retain(|key| !matches!(key.as_str(), "object" | "array" | "string" | "number" | "boolean" | "null"));
    keys.dedup();
    let object = |value: &str| {
        let fields = keys.iter().map(|key| format!("{}: {value}", serde_json::Value::from(key.as_str())));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
    };
    let mut found: Vec<String> = ["\"a\"", "1", "[]", "{}", "true"].into_iter().map(object).collect();
    found.extend(["[]", "{}", "\"a\"", "1", "[1]", "true", "null", "[{}]"].map(str::to_owned));
    found
}

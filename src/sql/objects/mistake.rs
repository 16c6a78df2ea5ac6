//! What the parser says of a text that it cannot read, in words of SQL.

use super::object::Mistake;
use crate::sql::split::Piece;
use crate::sql::token::{Kind, scan};
use std::collections::HashSet;

/// A comment on a line of its own before a statement that PostgreSQL can read and the parser cannot.
pub const UNPARSED_MARK: &str = "-- unparsed";

/// Keeps the first mistake of each statement, and the first in its bodies: the others follow from it. Those of statements with the mark are marked
/// as expected.
pub(super) fn first_of_each(mistakes: &mut Vec<Mistake>, sql: &str, pieces: &[Piece<'_>]) {
    if mistakes.is_empty() {
        return;
    }
    let marks: Vec<usize> = scan(sql)
        .map_while(Result::ok)
        .filter(|tok| tok.kind == Kind::Comment && tok.text.trim_end() == UNPARSED_MARK)
        .map(|tok| tok.start)
        .collect();
    mistakes.sort_by_key(|mistake| mistake.at.start);
    let statement = |at: usize| pieces.partition_point(|piece| piece.start + piece.text.len() < at);
    let mut seen = HashSet::new();
    mistakes.retain_mut(|mistake| {
        let n = statement(mistake.at.start);
        if !seen.insert((n, mistake.in_body)) {
            return false;
        }
        let begin = n.checked_sub(1).and_then(|before| pieces.get(before)).map_or(0, |p| p.start + p.text.len());
        let end = pieces.get(n).map_or(sql.len(), |p| p.start + p.text.len());
        mistake.expected = marks.iter().any(|mark| (begin..end).contains(mark));
        mistake.message = words(&mistake.message, sql, mistake.at.start);
        true
    });
}

/// `expected command, found CREATE_KW` in words of SQL, with what stands there.
fn words(message: &str, sql: &str, at: usize) -> String {
    let there: Vec<&str> = sql.get(at..).unwrap_or_default().split_whitespace().take(3).collect();
    let there = there.join(" ");
    let there: String = there.chars().take(40).collect();
    if message.starts_with("expected command") {
        return format!("no statement begins with `{there}`");
    }
    let plain: Vec<String> = message.split(' ').map(plain_word).collect();
    let plain = plain.join(" ");
    if there.is_empty() { format!("{plain}, at the end") } else { format!("{plain}, at `{there}`") }
}

/// `SELECT_KW` as `SELECT`.
fn plain_word(word: &str) -> String {
    let (name, rest) = word.split_at(word.find([',', '.']).unwrap_or(word.len()));
    let is_kind = name.len() > 1 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let plain = match name {
        _ if !is_kind => name.to_owned(),
        "IDENT" => "a name".to_owned(),
        "STRING" => "a string".to_owned(),
        "EOF" => "the end".to_owned(),
        "L_PAREN" => "`(`".to_owned(),
        "R_PAREN" => "`)`".to_owned(),
        "COMMA" => "`,`".to_owned(),
        "SEMICOLON" => "`;`".to_owned(),
        "ERROR" => "a mistake".to_owned(),
        _ => format!("`{}`", name.trim_end_matches("_KW")),
    };
    plain + rest
}

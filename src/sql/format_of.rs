//! Messages that a statement's author wrote.

use super::token::{Kind, dollar_quoted, scan};

/// Dollar quoted and quoted texts inside of each other.
const DEEPEST: usize = 4;

/// The constant of a statement that a message is made of: itself, or the format of a RAISE,
/// with `%` where a value comes in.
#[must_use]
pub fn format_of(statement: &str, message: &str) -> Option<String> {
    find(statement, message, DEEPEST)
}

fn find(sql: &str, message: &str, depth: usize) -> Option<String> {
    for tok in scan(sql).map_while(Result::ok).filter(|tok| tok.kind == Kind::Text) {
        let text = match dollar_quoted(tok.text) {
            Some((_, body)) => body.to_owned(),
            None => {
                let start = tok.text.find('\'').map_or(0, |at| at + 1);
                tok.text[start..].strip_suffix('\'').unwrap_or_default().replace("''", "'")
            }
        };
        if is_made_of(message, &text) {
            return Some(text);
        }
        if depth > 0
            && let Some(found) = find(&text, message, depth - 1)
        {
            return Some(found);
        }
    }
    None
}

/// Whether a message is this format with something in the place of each `%`.
fn is_made_of(message: &str, format: &str) -> bool {
    let pieces: Vec<&str> = format.split('%').collect();
    // a format of nothing but values says nothing
    if !format.contains(char::is_alphabetic) {
        return false;
    }
    let [first, middle @ .., last] = pieces.as_slice() else { return message == format };
    let Some(mut rest) = message.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else { return false };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_leads_to_its_format() {
        let sql =
            "DO $$ BEGIN IF x THEN RAISE EXCEPTION 'row % of % is it''s', a, b; END IF; RAISE EXCEPTION '%', c; END $$";
        assert_eq!(format_of(sql, "row 5 of 9 is it's").as_deref(), Some("row % of % is it's"));
        for message in ["row 5", "anything", "row 5 of 9 is it's not", ""] {
            assert_eq!(format_of(sql, message), None, "{message}");
        }
        assert_eq!(format_of("SELECT raise('done')", "done").as_deref(), Some("done"));
    }
}

//! SQL in pieces, for colours.

use super::token::{Kind, scan};
use crate::base::keywords::needs_quotes;

/// What a piece of SQL is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Names, signs, white space.
    Plain,
    /// A key word.
    Keyword,
    /// A string constant.
    Text,
    /// A number.
    Number,
    /// A comment.
    Comment,
}

/// The pieces of `sql` in their order; together they are `sql`. Words in capital letters are taken for key
/// words, and so are those that PostgreSQL reserves.
#[must_use]
pub fn pieces(sql: &str) -> Vec<(Class, &str)> {
    let mut pieces: Vec<(Class, &str)> = Vec::new();
    let mut at = 0;
    // what follows an unclosed string is plain
    for tok in scan(sql).map_while(Result::ok) {
        let class = match tok.kind {
            Kind::Word if is_keyword(tok.text) => Class::Keyword,
            Kind::Text => Class::Text,
            Kind::Number => Class::Number,
            Kind::Comment => Class::Comment,
            Kind::Word | Kind::Quoted | Kind::Sign(_) => continue,
        };
        if at < tok.start {
            pieces.push((Class::Plain, &sql[at..tok.start]));
        }
        pieces.push((class, tok.text));
        at = tok.end();
    }
    if at < sql.len() {
        pieces.push((Class::Plain, &sql[at..]));
    }
    pieces
}

fn is_keyword(word: &str) -> bool {
    let capitals = word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    capitals || needs_quotes(&word.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_texts_and_comments_are_told_apart() {
        use Class::{Comment, Keyword, Number, Plain, Text};
        let sql = "ALTER TABLE a.t ADD x text DEFAULT 'y' -- z\nCHECK (x > 1)";
        let expected = [
            (Keyword, "ALTER"),
            (Plain, " "),
            (Keyword, "TABLE"),
            (Plain, " a.t "),
            (Keyword, "ADD"),
            (Plain, " x text "),
            (Keyword, "DEFAULT"),
            (Plain, " "),
            (Text, "'y'"),
            (Plain, " "),
            (Comment, "-- z"),
            (Plain, "\n"),
            (Keyword, "CHECK"),
            (Plain, " (x > "),
            (Number, "1"),
            (Plain, ")"),
        ];
        assert_eq!(pieces(sql), expected);
        assert_eq!(pieces("SELECT 'open"), [(Keyword, "SELECT"), (Plain, " 'open")]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(sql in "(SELECT |'|\\$\\$|--|\n|/\\*|\\*/|é|\"|E'\\\\|x| ){0,20}") {
            let whole: String = pieces(&sql).into_iter().map(|(_, text)| text).collect();
            prop_assert_eq!(whole, sql);
        }
    }
}

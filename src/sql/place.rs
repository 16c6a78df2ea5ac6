//! Where in a text something is.

use super::token::{Kind, scan};

/// A place in a text, as people count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineColumn<'a> {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The text of the line, without its end.
    pub text: &'a str,
}

/// The line and column of PostgreSQL's position of an error: a count of characters from 1
/// (manual, chapter 55.8). A position behind the text is its end.
#[must_use]
pub fn line_column(text: &str, position: usize) -> LineColumn<'_> {
    let offset = text.char_indices().nth(position.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
    line_column_at(text, offset)
}

/// The line and column of an offset in bytes from 0, such as [`SqlError`](super::SqlError)'s.
#[must_use]
pub fn line_column_at(text: &str, offset: usize) -> LineColumn<'_> {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let start = text[..offset].rfind('\n').map_or(0, |n| n + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |n| offset + n);
    LineColumn {
        line: text[..start].matches('\n').count() + 1,
        column: text[start..offset].chars().count() + 1,
        text: text[start..end].trim_end_matches('\r'),
    }
}

/// The character, from 0, at which a statement begins behind its comments.
#[must_use]
pub fn first_word(statement: &str) -> usize {
    let first = scan(statement).map_while(Result::ok).find(|tok| tok.kind != Kind::Comment);
    let start = first.map_or(0, |tok| tok.start);
    statement[..start].chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_offsets_bytes() {
        let text = "SELECT 'é',\r\n  nope\nFROM t";
        assert_eq!(line_column(text, 1), LineColumn { line: 1, column: 1, text: "SELECT 'é'," });
        assert_eq!(line_column(text, 16), LineColumn { line: 2, column: 3, text: "  nope" });
        assert_eq!(line_column_at(text, 16), LineColumn { line: 2, column: 3, text: "  nope" });
        assert_eq!(line_column(text, 999), LineColumn { line: 3, column: 7, text: "FROM t" });
        assert_eq!((first_word("-- é\n /* x */ SELECT 1"), first_word("SELECT"), first_word("-- x")), (14, 0, 0));
        // in the middle of a character: the character
        assert_eq!(line_column_at(text, 9).column, 9);
        assert_eq!(line_column("", 1), LineColumn { line: 1, column: 1, text: "" });
    }
}

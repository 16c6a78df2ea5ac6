//! Lines and columns of a text, as people count, in a time that does not depend on its length.

/// Bytes between two marks of a text that is not ASCII.
const STRIDE: usize = 1024;

/// The byte offsets of the lines of a text.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    starts: Vec<usize>,
    /// Characters before every [`STRIDE`]th byte; empty: each byte is one.
    characters: Vec<usize>,
}

impl Lines {
    /// The lines of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut characters = Vec::new();
        if !text.is_ascii() {
            let mut count = 0;
            for chunk in text.as_bytes().chunks(STRIDE) {
                characters.push(count);
                count += starting(chunk);
            }
        }
        Self { starts, characters }
    }

    /// The line and column of a byte, both from 1; columns count characters, and the `\r` of a CRLF does not
    /// count. `text` must be the same text.
    #[must_use]
    pub fn line_column(&self, text: &str, at: usize) -> (usize, usize) {
        let at = at.min(text.len());
        let line = self.line(at);
        let start = self.start(line);
        let returns = text.as_bytes()[start..at].iter().rev().take_while(|b| **b == b'\r').count();
        (line, self.before(text, at - returns) - self.before(text, start) + 1)
    }

    /// The byte offset of a line, from 1; behind the last line the end of the text.
    #[must_use]
    pub fn start(&self, line: usize) -> usize {
        self.starts.get(line.saturating_sub(1)).or(self.starts.last()).copied().unwrap_or(0)
    }

    /// The byte offset behind the last character of a line, from 1, without its line break.
    #[must_use]
    pub fn end(&self, text: &str, line: usize) -> usize {
        self.starts.get(line.max(1)).map_or(text.len(), |next| next - 1)
    }

    /// The number of the line of a byte, from 1.
    #[must_use]
    pub fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).max(1)
    }

    /// The byte offset of a character, from 0; behind the last one the end of the text.
    #[must_use]
    pub fn byte(&self, text: &str, character: usize) -> usize {
        if self.characters.is_empty() {
            return character.min(text.len());
        }
        let mark = self.characters.partition_point(|count| *count <= character).saturating_sub(1);
        // a mark may be inside of a character, which counts as before it
        let from = (mark * STRIDE..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let more = character - self.characters[mark];
        text[from..].char_indices().nth(more).map_or(text.len(), |(at, _)| from + at)
    }

    /// Characters before a byte.
    #[must_use]
    pub fn before(&self, text: &str, at: usize) -> usize {
        match self.characters.get(at / STRIDE) {
            Some(count) => count + starting(&text.as_bytes()[at - at % STRIDE..at]),
            None if self.characters.is_empty() => at,
            // the end of a text whose length is a multiple of the stride
            None => starting(text.as_bytes()),
        }
    }
}

/// Characters that start in these bytes of UTF-8.
fn starting(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| (**b & 0xc0) != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "a: 日本\r\n\tb: x\n";
        let lines = Lines::of(text);
        let at = |part: &str| lines.line_column(text, text.find(part).unwrap());
        assert_eq!(lines.line_column(text, 0), (1, 1));
        assert_eq!(at("本"), (1, 5));
        assert_eq!(at("\n"), (1, 6));
        assert_eq!(at("b"), (2, 2));
        assert_eq!(lines.line_column(text, 999), (3, 1));
        assert_eq!((lines.start(1), lines.start(2), lines.start(9)), (0, 11, text.len()));
        assert_eq!(Lines::default().line_column("", 3), (1, 1));
    }

    #[test]
    fn long_lines_count_right_at_every_byte() {
        let text = format!("{}\n{}", "é".repeat(2000), "xé".repeat(700));
        let lines = Lines::of(&text);
        for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let start = text[..at].rfind('\n').map_or(0, |n| n + 1);
            let expected = (text[..at].matches('\n').count() + 1, text[start..at].chars().count() + 1);
            assert_eq!(lines.line_column(&text, at), expected, "{at}");
            assert_eq!(lines.byte(&text, lines.before(&text, at)), at);
        }
        assert_eq!((lines.end(&text, 1), lines.end(&text, 2), lines.end(&text, 3)), (4000, text.len(), text.len()));
        assert_eq!((lines.line(4000), lines.line(4001), lines.byte(&text, 99_999)), (1, 2, text.len()));
        let even = "é".repeat(STRIDE);
        assert_eq!(Lines::of(&even).line_column(&even, even.len()), (1, STRIDE + 1));
    }
}

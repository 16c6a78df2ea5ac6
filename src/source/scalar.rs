//! Where each byte of a YAML text stands in the file: quotes, escapes, indentation and folded
//! lines lie between what is written and what it means.

use granit_parser::ScalarStyle;
use std::ops::Range;

/// A part of a value that stands in the file as it is; or, with `len` 0, one that does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its first byte in the value.
    pub value: usize,
    /// Its first byte in the file.
    pub file: usize,
    /// How many bytes are the same; the rest of it, up to the next one, stands at `file`.
    pub len: usize,
}

/// The way from the bytes of a value to those of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map {
    stretches: Vec<Stretch>,
    end: usize,
}

impl Map {
    /// A text that is the whole file.
    #[must_use]
    pub fn whole(text: &str) -> Self {
        Self { stretches: vec![Stretch { value: 0, file: 0, len: text.len() }], end: text.len() }
    }

    /// Reads a scalar of this style; `span` is what the YAML parser says of it.
    #[must_use]
    pub fn of(text: &str, span: Range<usize>, style: ScalarStyle) -> Self {
        let mut reader = Reader { text, at: span.start, end: span.end.min(text.len()), out: Self::default(), value: 0 };
        match style {
            ScalarStyle::Plain => reader.flow(None),
            ScalarStyle::SingleQuoted => reader.flow(Some(b'\'')),
            ScalarStyle::DoubleQuoted => reader.flow(Some(b'"')),
            ScalarStyle::Literal => reader.block(false),
            ScalarStyle::Folded => reader.block(true),
        }
        reader.out.end = reader.at;
        reader.out
    }

    /// The stretches, in order.
    #[must_use]
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// The byte of the file at which a byte of the value stands.
    #[must_use]
    pub fn place(&self, value: usize) -> usize {
        let n = self.stretches.partition_point(|s| s.value <= value);
        let Some(stretch) = n.checked_sub(1).map(|n| self.stretches[n]) else { return self.end };
        let inside = value - stretch.value;
        if n == self.stretches.len() && inside >= stretch.len.max(1) {
            return self.end;
        }
        stretch.file + inside.min(stretch.len)
    }

    /// The bytes of the file in which these of the value stand.
    #[must_use]
    pub fn range(&self, value: &Range<usize>) -> Range<usize> {
        let start = self.place(value.start);
        // the end of a part is behind its last byte, not before the first one of the next
        let end = if value.end > value.start { self.place(value.end - 1) + 1 } else { start };
        start..end.clamp(start, self.end.max(start))
    }

    fn push(&mut self, value: usize, file: usize, len: usize) {
        if let Some(last) = self.stretches.last_mut()
            && len > 0
            && last.len > 0
            && last.value + last.len == value
            && last.file + last.len == file
        {
            last.len += len;
            return;
        }
        self.stretches.push(Stretch { value, file, len });
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    end: usize,
    out: Map,
    /// Bytes of the value so far.
    value: usize,
}

impl Reader<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().filter(|_| at < self.end).unwrap_or(0)
    }

    /// Takes bytes as they stand.
    fn copy(&mut self, len: usize) {
        self.out.push(self.value, self.at, len);
        (self.value, self.at) = (self.value + len, self.at + len);
    }

    /// Takes `len` bytes of the value that are `written` differently in the file.
    fn instead(&mut self, len: usize, written: usize) {
        self.out.push(self.value, self.at, 0);
        (self.value, self.at) = (self.value + len, self.at + written);
    }

    /// Bytes up to the end of the line.
    fn line(&self) -> usize {
        self.text[self.at..self.end].find(['\n', '\r']).unwrap_or(self.end - self.at)
    }

    /// Bytes of the line break that is here.
    fn line_break(&self) -> usize {
        match (self.byte(self.at), self.byte(self.at + 1)) {
            (b'\r', b'\n') => 2,
            (b'\n' | b'\r', _) => 1,
            _ => 0,
        }
    }

    fn blanks(&self, at: usize) -> usize {
        self.text[at..self.end].bytes().take_while(|b| matches!(b, b' ' | b'\t')).count()
    }

    /// Plain and quoted scalars: white space around line breaks is one space, or as many line
    /// breaks as there are empty lines.
    fn flow(&mut self, quote: Option<u8>) {
        self.at += usize::from(quote.is_some());
        while self.at < self.end {
            let rest = &self.text[self.at..self.end];
            let special = |b: u8| matches!(b, b'\n' | b'\r' | b' ' | b'\t') || Some(b) == quote || b == b'\\';
            let plain = rest.bytes().position(special).unwrap_or(rest.len());
            if plain > 0 {
                self.copy(plain);
                continue;
            }
            match self.byte(self.at) {
                b'\'' if quote == Some(b'\'') && self.byte(self.at + 1) == b'\'' => self.instead(1, 2),
                b if Some(b) == quote => return,
                b'\\' if quote == Some(b'"') => self.escape(),
                b' ' | b'\t' => {
                    let blanks = self.blanks(self.at);
                    if matches!(self.byte(self.at + blanks), b'\n' | b'\r') {
                        self.at += blanks;
                    } else {
                        self.copy(blanks);
                    }
                }
                b'\n' | b'\r' => self.folded_break(),
                _ => self.copy(1),
            }
        }
    }

    /// One or several line breaks with the white space after each.
    fn folded_break(&mut self) {
        let (start, mut breaks) = (self.at, 0);
        while self.line_break() > 0 {
            self.at += self.line_break();
            self.at += self.blanks(self.at);
            breaks += 1;
        }
        let after = self.at;
        self.at = start;
        // one line break is a space, each further one is itself
        self.instead(breaks.max(2) - 1, after - start);
    }

    /// A backslash in double quotes (YAML 1.2, chapter 5.7).
    fn escape(&mut self) {
        let digits = match self.byte(self.at + 1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            b'\n' | b'\r' => {
                // a line that goes on
                self.at += 1;
                self.at += self.line_break();
                self.at += self.blanks(self.at);
                return;
            }
            b'_' | b'N' => return self.instead(2, 2),
            b'L' | b'P' => return self.instead(3, 2),
            _ => return self.instead(1, 2),
        };
        let hex = self.text.get(self.at + 2..self.at + 2 + digits).unwrap_or_default();
        let len = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32).map_or(1, char::len_utf8);
        self.instead(len, 2 + digits);
    }

    /// `|` and `>`: the span starts at the first character of the text, behind its indentation.
    fn block(&mut self, folded: bool) {
        let first = self.text[..self.at].rfind('\n').map_or(0, |n| n + 1);
        let indent = self.at - first;
        let empty = self.text[..first].lines().rev().take_while(|line| line.trim().is_empty()).count();
        if empty > 0 {
            self.out.push(0, first, 0);
            self.value = empty;
        }
        while self.at < self.end {
            let here = self.line();
            let is_text = here > 0 && !self.is_blank();
            if here > 0 {
                self.copy(here);
            }
            let (start, mut breaks) = (self.at, 0);
            loop {
                let one = self.line_break();
                if one == 1 && !folded {
                    self.copy(1);
                } else if one > 0 {
                    self.at += one;
                    breaks += 1;
                } else {
                    break;
                }
                let indentation = self.text[self.at..self.end].bytes().take(indent).take_while(|b| *b == b' ');
                self.at += indentation.count();
            }
            if breaks > 0 {
                let after = self.at;
                // between two lines of a folded text one line break is a space
                let between = folded && is_text && !self.is_blank() && after < self.end;
                self.at = start;
                self.instead(if between { breaks.max(2) - 1 } else { breaks }, after - start);
            }
        }
    }

    fn is_blank(&self) -> bool {
        matches!(self.byte(self.at), b' ' | b'\t')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use granit_parser::{Event, Parser};

    /// Every scalar of a text with its map.
    fn scalars(text: &str) -> Vec<(String, Map)> {
        let events = Parser::new_from_str(text).map(|next| next.expect("is YAML"));
        let scalar = |(event, span): (Event<'_>, granit_parser::Span)| match event {
            Event::Scalar(value, style, ..) => {
                let bytes = span.byte_range().expect("read from a text");
                Some((value.into_owned(), Map::of(text, bytes, style)))
            }
            _ => None,
        };
        events.filter_map(scalar).collect()
    }

    /// Every letter of every value is found where it is written; each is there once, so that a
    /// shift does not stay unseen.
    fn check(text: &str) {
        for (value, map) in scalars(text) {
            for (at, c) in value.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
                let place = map.place(at);
                let written = text[place..].chars().next();
                let right = written == Some(c) && (text.matches(c).count() > 1 || text.find(c) == Some(place));
                assert!(right || written == Some('\\'), "{c} of {value:?} is at {place} of {text:?}: {map:?}");
            }
            let _ = map.place(value.len() + 5);
        }
    }

    #[test]
    fn letters_are_found_in_every_style() {
        for text in [
            "A: bcd efg\n",
            "A: bcd\n  efg\n\n\n  hij\n",
            "A: 'b''c''''d  e\n   f'\n",
            "A: \"b\\tc\\\"d\\x41\\u00e9f\\\\g \\\n   h\\N\\Li\\_j\n\n  k\"\n",
            "A: |\n   bc é\n\n     de\n   f\n",
            "A: |2-\n    b\n  c\n  # d\n",
            "A: |\n\n\n  b\n  c\n",
            "A:\n  - |+\n    b\n    c\n\n\n  - d\n",
            "A: >-\n  b c\n  d\n\n  e\n    f\n    g\n\n  h\n  i\n",
            "A: >\n\n  b\n\n\n  c\n",
            "A: |\r\n  bc\r\n\r\n  d\r\nx: >\r\n  e\r\n  f\r\n",
            "A: [ b c, 'd', \"e\" ]\n",
        ] {
            check(text);
        }
    }

    #[test]
    fn a_part_ends_behind_its_last_byte() {
        let text = "a: |\n  SELECT\n  nope\n";
        let (value, map) = scalars(text).pop().unwrap();
        let at = value.find("nope").unwrap();
        assert_eq!(&text[map.range(&(at..at + 4))], "nope");
        assert_eq!(&text[map.range(&(0..value.len() - 1))], "SELECT\n  nope");
        assert_eq!(map.range(&(999..1000)), text.len()..text.len());
    }
}

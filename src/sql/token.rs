//! Tokens without white space and comments, and a cursor over them. The SQL lexer's crate
//! is named here only.

use super::error::SqlError;
use crate::base::{Ident, QualifiedName, name::MAX_BYTES};
use squawk_lexer::{LiteralKind, Token, TokenKind, tokenize};

/// The class of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A key word or a bare name.
    Word,
    /// A name in double quotes.
    Quoted,
    /// Any string constant.
    Text,
    /// A number or `$1`.
    Number,
    /// One other character.
    Sign(u8),
    /// A comment.
    Comment,
}

/// One token and where it starts, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tok<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub start: usize,
}

impl Tok<'_> {
    /// Whether it is this key word; `word` in lower case.
    pub fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    pub fn is_any(&self, words: &[&str]) -> bool {
        self.kind == Kind::Word && words.iter().any(|w| self.text.eq_ignore_ascii_case(w))
    }

    pub fn sign(&self) -> Option<u8> {
        if let Kind::Sign(c) = self.kind { Some(c) } else { None }
    }

    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// What the token means as a name: folded, unquoted, cut like the server does.
    pub fn name(&self) -> Option<Ident> {
        let name = match self.kind {
            Kind::Word => self.text.to_ascii_lowercase(),
            Kind::Quoted => unquote(self.text),
            _ => return None,
        };
        let mut end = name.len().min(MAX_BYTES);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        Ident::new(&name[..end]).ok()
    }
}

/// `"a""b"` to `a"b`, `U&"d\0061t"` to `dat` (manual, chapter 4.1.2.3).
fn unquote(text: &str) -> String {
    let escaped = text.starts_with(['U', 'u']);
    let inner = text.trim_start_matches(['U', 'u', '&']);
    let inner = inner.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(inner).replace("\"\"", "\"");
    if !escaped {
        return inner;
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner.as_str();
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (skip, digits) = if rest.starts_with('+') { (1, 6) } else { (0, 4) };
        let code = rest.get(skip..skip + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        if let Some(c) = code.and_then(char::from_u32) {
            out.push(c);
            rest = &rest[skip + digits..];
        } else {
            out.push('\\');
            rest = rest.strip_prefix('\\').unwrap_or(rest);
        }
    }
    out + rest
}

/// The tokens of `sql`, comments included, white space left out.
pub(super) fn scan(sql: &str) -> Scan<'_> {
    Scan { sql, at: 0, tokens: Box::new(tokenize(sql)), escape: false, line_break: false }
}

pub(super) struct Scan<'a> {
    sql: &'a str,
    at: usize,
    tokens: Box<dyn Iterator<Item = Token> + 'a>,
    /// Whether the last token was an `E''` string, and whether a line break came after it:
    /// then a plain string goes on in the same way (manual, chapter 4.1.2.1).
    escape: bool,
    line_break: bool,
}

impl Scan<'_> {
    /// A string that comes next does not go on with the one before.
    pub fn end_statement(&mut self) {
        self.escape = false;
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Result<Tok<'a>, SqlError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let token = self.tokens.next()?;
            let start = self.at;
            self.at += token.len as usize;
            let mut text = &self.sql[start..self.at];
            let kind = match token.kind {
                TokenKind::Whitespace => {
                    self.line_break |= text.contains(['\n', '\r']);
                    continue;
                }
                TokenKind::Eof => return None,
                TokenKind::LineComment | TokenKind::BlockComment { terminated: true } => Kind::Comment,
                TokenKind::BlockComment { terminated: false } => {
                    return Some(Err(SqlError::open(start, "comment", "`*/` is missing; comments nest")));
                }
                TokenKind::Ident => Kind::Word,
                TokenKind::QuotedIdent { terminated: true, .. } => Kind::Quoted,
                TokenKind::QuotedIdent { terminated: false, .. } => {
                    return Some(Err(SqlError::open(start, "quoted name", "the closing `\"` is missing")));
                }
                TokenKind::Literal { kind: LiteralKind::Int { .. } | LiteralKind::Numeric { .. } }
                | TokenKind::PositionalParam { .. } => Kind::Number,
                TokenKind::Literal { kind: LiteralKind::Str { .. } } if self.escape && self.line_break => {
                    // the lexer does not know that the escapes go on: read the string anew
                    let Some(end) = escaped_end(self.sql, start) else {
                        return Some(Err(open_literal(LiteralKind::EscStr { terminated: false }, start, text)));
                    };
                    text = &self.sql[start..end];
                    if end != self.at {
                        self.at = end;
                        self.tokens = Box::new(tokenize(&self.sql[end..]));
                    }
                    Kind::Text
                }
                TokenKind::Literal { kind } => {
                    if !is_closed(kind) {
                        return Some(Err(open_literal(kind, start, text)));
                    }
                    self.escape = matches!(kind, LiteralKind::EscStr { .. });
                    self.line_break = false;
                    return Some(Ok(Tok { kind: Kind::Text, text, start }));
                }
                _ => Kind::Sign(text.bytes().next().unwrap_or(b' ')),
            };
            if kind == Kind::Comment {
                self.line_break |= text.starts_with("--");
            } else {
                self.escape &= kind == Kind::Text;
                self.line_break = false;
            }
            return Some(Ok(Tok { kind, text, start }));
        }
    }
}

/// Where the string that starts at `start` ends when backslashes escape.
fn escaped_end(sql: &str, start: usize) -> Option<usize> {
    let bytes = sql.as_bytes();
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            // the byte after a backslash may start a longer character; none of its other
            // bytes is a quote
            b'\\' => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

fn is_closed(kind: LiteralKind) -> bool {
    match kind {
        LiteralKind::Int { .. } | LiteralKind::Numeric { .. } => true,
        LiteralKind::Str { terminated }
        | LiteralKind::NationalStr { terminated }
        | LiteralKind::ByteStr { terminated }
        | LiteralKind::BitStr { terminated }
        | LiteralKind::DollarQuotedString { terminated }
        | LiteralKind::UnicodeEscStr { terminated }
        | LiteralKind::EscStr { terminated } => terminated,
    }
}

fn open_literal(kind: LiteralKind, start: usize, text: &str) -> SqlError {
    if matches!(kind, LiteralKind::DollarQuotedString { .. }) {
        let tag = text[1..].find('$').map_or(text, |end| &text[..end + 2]);
        return SqlError::open(start, "dollar quoted string", format!("the closing `{tag}` is missing"));
    }
    SqlError::open(start, "string", "the closing `'` is missing; a quote inside of a string is written twice: `''`")
}

/// Delimiter and text of a dollar quoted constant.
pub(super) fn dollar_quoted(constant: &str) -> Option<(&str, &str)> {
    let end = constant.strip_prefix('$')?.find('$')? + 2;
    let (delimiter, rest) = constant.split_at(end);
    Some((delimiter, rest.strip_suffix(delimiter)?))
}

/// The tokens of one statement without comments; what follows an unclosed string is left out.
pub(super) fn words(sql: &str) -> Vec<Tok<'_>> {
    scan(sql).map_while(Result::ok).filter(|t| t.kind != Kind::Comment).collect()
}

/// Reads tokens from left to right.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'t, 'a> {
    toks: &'t [Tok<'a>],
    at: usize,
}

impl<'t, 'a> Cursor<'t, 'a> {
    pub fn new(toks: &'t [Tok<'a>]) -> Self {
        Self { toks, at: 0 }
    }

    pub fn peek(&self) -> Option<&'t Tok<'a>> {
        self.toks.get(self.at)
    }

    /// What is left.
    pub fn rest(&self) -> &'t [Tok<'a>] {
        &self.toks[self.at.min(self.toks.len())..]
    }

    pub fn bump(&mut self) -> Option<&'t Tok<'a>> {
        let tok = self.toks.get(self.at);
        self.at += 1;
        tok
    }

    /// Whether these key words come next.
    pub fn sees(&self, words: &str) -> bool {
        words.split(' ').enumerate().all(|(n, word)| self.toks.get(self.at + n).is_some_and(|t| t.is(word)))
    }

    /// Takes these key words when they come next.
    pub fn eat(&mut self, words: &str) -> bool {
        let seen = self.sees(words);
        if seen {
            self.at += words.split(' ').count();
        }
        seen
    }

    /// Takes the first of these that comes next.
    pub fn eat_any(&mut self, choices: &[&str]) -> bool {
        choices.iter().any(|c| self.eat(c))
    }

    pub fn sees_sign(&self, sign: u8) -> bool {
        self.peek().is_some_and(|t| t.sign() == Some(sign))
    }

    pub fn eat_sign(&mut self, sign: u8) -> bool {
        let seen = self.sees_sign(sign);
        self.at += usize::from(seen);
        seen
    }

    /// Goes behind the next of these key words on this level of parentheses.
    pub fn skip_past(&mut self, words: &str) -> bool {
        let mut depth = 0usize;
        let mut ahead = *self;
        while ahead.peek().is_some() {
            if depth == 0 && ahead.eat(words) {
                *self = ahead;
                return true;
            }
            match ahead.bump().and_then(Tok::sign) {
                Some(b'(') => depth += 1,
                Some(b')') => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        false
    }

    /// Whether these key words come later on, on this level of parentheses.
    pub fn has(&self, words: &str) -> bool {
        let mut ahead = *self;
        ahead.skip_past(words)
    }

    /// Goes behind the next of these signs, on whatever level.
    pub fn skip_past_sign(&mut self, sign: u8) -> bool {
        while let Some(tok) = self.bump() {
            if tok.sign() == Some(sign) {
                return true;
            }
        }
        false
    }

    /// Takes a group in parentheses and returns what is inside.
    pub fn group(&mut self) -> Option<&'t [Tok<'a>]> {
        if !self.eat_sign(b'(') {
            return None;
        }
        let first = self.at;
        let mut depth = 1usize;
        while let Some(tok) = self.bump() {
            match tok.sign() {
                Some(b'(') => depth += 1,
                Some(b')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(&self.toks[first..self.at - 1]);
            }
        }
        None
    }

    /// Takes one part of a name.
    pub fn ident(&mut self) -> Option<Ident> {
        let name = self.peek()?.name()?;
        self.at += 1;
        Some(name)
    }

    /// All parts of a dotted name.
    pub fn parts(&mut self) -> Vec<Ident> {
        let mut parts = Vec::new();
        while let Some(part) = self.ident() {
            parts.push(part);
            if !self.eat_sign(b'.') {
                break;
            }
        }
        parts
    }

    /// Takes a name with its schema; a database in front is left out.
    pub fn qname(&mut self) -> Option<QualifiedName> {
        qualified(self.parts())
    }

    /// Takes names between commas, each with `ONLY` before it or `*` behind it.
    pub fn qnames(&mut self) -> Vec<QualifiedName> {
        self.qnames_or_only().into_iter().map(|(name, _)| name).collect()
    }

    /// The same; true: with `ONLY`.
    pub fn qnames_or_only(&mut self) -> Vec<(QualifiedName, bool)> {
        let mut names = Vec::new();
        loop {
            let only = self.eat("only");
            let Some(name) = self.qname() else { break };
            names.push((name, only));
            self.eat_sign(b'*');
            if !self.eat_sign(b',') {
                break;
            }
        }
        names
    }
}

/// The last two parts of a dotted name.
pub(super) fn qualified(mut parts: Vec<Ident>) -> Option<QualifiedName> {
    let name = parts.pop()?;
    Some(QualifiedName { schema: parts.pop(), name })
}

/// Splits at the commas outside of parentheses and brackets.
pub(super) fn by_comma<'t, 'a>(toks: &'t [Tok<'a>]) -> Vec<&'t [Tok<'a>]> {
    let mut depth = 0usize;
    toks.split(|t| {
        match t.sign() {
            Some(b'(' | b'[') => depth += 1,
            Some(b')' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && t.sign() == Some(b',')
    })
    .collect()
}

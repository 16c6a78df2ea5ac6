//! The syntax tree of a text, made so that no text can end the process.

use super::body::adapted;
use crate::sql::token::{Kind, dollar_quoted, words};
use rowan::TextRange;
use squawk_syntax::syntax_error::SyntaxError;
use squawk_syntax::{Parse, SourceFile, SyntaxKind};

/// How many tokens may depend on each other; each can be a level of the parser's recursion,
/// and a chain of prefixes takes it quadratic time.
const MAX_CHAIN: usize = 16_000;

/// The stack for [`MAX_CHAIN`] levels. It is memory only where it is used.
const STACK: usize = 128 << 20;

/// The length from which on a text gets a stack of its own.
const SHORT: usize = 500;

/// Calls `f` with the tree of `sql`. `None` where the text is nested so deep that the parser, which calls itself,
/// could run out of its stack.
pub(in crate::sql) fn with_tree<T: Send>(sql: &str, f: impl FnOnce(&Parse<SourceFile>) -> T + Send) -> Option<T> {
    let chain = if sql.len() < SHORT { 0 } else { deepest(sql) };
    if chain > MAX_CHAIN {
        return None;
    }
    let parse = || {
        let adapted = adapted(sql);
        f(&SourceFile::parse(adapted.as_deref().unwrap_or(sql)))
    };
    if chain < SHORT {
        return Some(parse());
    }
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, parse);
        worker.ok()?.join().ok()
    })
}

/// What the parser does not understand, and whether it is in the body of a function, which is no part of the statement.
pub(super) fn mistakes(parsed: &Parse<SourceFile>) -> Vec<(SyntaxError, bool)> {
    let errors = parsed.errors();
    if errors.is_empty() {
        return Vec::new();
    }
    let nodes = parsed.syntax_node().descendants();
    let bodies: Vec<TextRange> =
        nodes.filter(|node| node.kind() == SyntaxKind::AS_DEFINITION).map(|node| node.text_range()).collect();
    let is_in_body = |error: &SyntaxError| bodies.iter().any(|body| body.contains_range(error.range()));
    let in_bodies: Vec<bool> = errors.iter().map(is_in_body).collect();
    errors.into_iter().zip(in_bodies).collect()
}

/// Whether the parser does not understand a statement; bodies of functions are no part of it.
pub(in crate::sql) fn has_mistake(parsed: &Parse<SourceFile>) -> bool {
    mistakes(parsed).iter().any(|(_, in_body)| !in_body)
}

/// The longest chain of a text and of the bodies in it.
fn deepest(sql: &str) -> usize {
    let toks = words(sql);
    let bodies = toks.iter().filter(|tok| tok.kind == Kind::Text && tok.text.len() > SHORT);
    let inner = |text: &str| {
        dollar_quoted(text).map_or_else(|| text.trim_matches('\'').to_owned(), |(_, inner)| inner.to_owned())
    };
    bodies.map(|tok| chain(&inner(tok.text))).max().unwrap_or(0).max(chain(sql))
}

/// The longest run of tokens that no comma or semicolon parts, with those around its
/// parentheses: more levels than these no tree can have.
fn chain(sql: &str) -> usize {
    let mut around = Vec::new();
    let (mut now, mut sum, mut longest) = (0usize, 0usize, 0usize);
    for tok in words(sql) {
        match tok.kind {
            Kind::Sign(b'(' | b'[') => {
                sum += now + 1;
                around.push(now + 1);
                now = 0;
            }
            Kind::Sign(b')' | b']') => {
                now = around.pop().unwrap_or_default() + 1;
                sum = sum.saturating_sub(now - 1);
            }
            Kind::Sign(b',' | b';') => now = 0,
            _ => now += 1,
        }
        longest = longest.max(sum + now);
    }
    longest
}

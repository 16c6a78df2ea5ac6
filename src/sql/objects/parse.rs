//! The syntax tree of a text, made so that no text can end the process.

use crate::sql::token::{Kind, words};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

/// How many tokens may depend on each other; each can be a level of the parser's recursion,
/// and a chain of prefixes takes it quadratic time.
const MAX_CHAIN: usize = 16_000;

/// The stack for [`MAX_CHAIN`] levels. It is memory only where it is used.
const STACK: usize = 128 << 20;

/// The length from which on a text gets a stack of its own.
const SHORT: usize = 500;

/// Calls `f` with the tree of `sql`. `None` where the text has a mistake or is nested so deep
/// that the parser, which calls itself, could run out of its stack.
pub(in crate::sql) fn with_tree<T: Send>(sql: &str, f: fn(&SyntaxNode) -> T) -> Option<T> {
    let chain = chain(sql);
    if chain > MAX_CHAIN {
        return None;
    }
    if chain < SHORT {
        return parse(sql, f);
    }
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || parse(sql, f));
        worker.ok()?.join().ok()?
    })
}

fn parse<T>(sql: &str, f: fn(&SyntaxNode) -> T) -> Option<T> {
    let parsed = SourceFile::parse(sql);
    let root = parsed.syntax_node();
    let errors = parsed.errors();
    if !errors.is_empty() {
        // bodies of functions are the server's business
        let bodies: Vec<_> =
            root.descendants().filter(|n| n.kind() == SyntaxKind::AS_DEFINITION).map(|n| n.text_range()).collect();
        if errors.iter().any(|e| !bodies.iter().any(|body| body.contains_range(e.range()))) {
            return None;
        }
    }
    Some(f(&root))
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

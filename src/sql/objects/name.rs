//! Names in a syntax tree.

use crate::base::{Ident, QualifiedName};
use crate::sql::token::{Cursor, Kind, Tok, qualified, words};
use squawk_syntax::{SyntaxKind, SyntaxNode};

/// The parts of a dotted name, folded and unquoted as the server does.
pub(super) fn parts(node: &SyntaxNode) -> Vec<Ident> {
    let tokens = node.descendants_with_tokens().filter_map(|element| element.into_token());
    let name = |text: &str| {
        let kind = if text.ends_with('"') { Kind::Quoted } else { Kind::Word };
        Tok { kind, text, start: 0 }.name()
    };
    tokens
        .filter(|token| !token.kind().is_trivia() && token.text().starts_with(|c: char| c != '.' && c != '*'))
        .filter_map(|token| name(token.text()))
        .collect()
}

/// A name with its schema; a database in front is left out.
pub(in crate::sql) fn qualified_name(node: &SyntaxNode) -> Option<QualifiedName> {
    qualified(parts(node))
}

/// The last part of a name.
pub(in crate::sql) fn ident(node: &SyntaxNode) -> Option<Ident> {
    parts(node).pop()
}

/// The first child of one of these kinds.
pub(in crate::sql) fn child(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Option<SyntaxNode> {
    node.children().find(|n| kinds.contains(&n.kind()))
}

/// Whether a node of one of these kinds is around it.
pub(super) fn is_under(node: &SyntaxNode, kinds: &[SyntaxKind]) -> bool {
    node.ancestors().skip(1).any(|n| kinds.contains(&n.kind()))
}

/// Whether the node itself has this word.
pub(super) fn has_word(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.children_with_tokens().any(|element| element.kind() == kind)
}

/// The name inside of a string: `'app."Users"'`.
pub(super) fn in_text(literal: &SyntaxNode) -> Option<QualifiedName> {
    let inner = text_of(literal)?;
    let toks = words(&inner);
    let mut c = Cursor::new(&toks);
    let name = c.qname()?;
    c.peek().is_none().then_some(name)
}

/// The value of a plain string constant.
pub(super) fn text_of(literal: &SyntaxNode) -> Option<String> {
    let text = literal.text().to_string();
    if let Some((_, inner)) = crate::sql::token::dollar_quoted(text.trim()) {
        return Some(inner.to_owned());
    }
    let inner = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    Some(inner.replace("''", "'"))
}

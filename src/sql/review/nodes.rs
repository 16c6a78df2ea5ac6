//! Reading the syntax tree.

use crate::base::{Ident, QualifiedName};
use crate::sql::objects;
pub(super) use crate::sql::objects::{ident, qualified_name as name};
use squawk_syntax::{SyntaxKind, SyntaxNode};
use std::ops::Range;

/// The first child of this kind.
pub(super) fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    objects::child(node, &[kind])
}

/// Whether there is a child of this kind.
pub(super) fn has(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.children().any(|n| n.kind() == kind)
}

/// The bytes of a node, without the blanks and comments before it.
pub(super) fn range(node: &SyntaxNode) -> Range<usize> {
    let whole = node.text_range();
    let first = node.descendants_with_tokens().filter_map(|e| e.into_token()).find(|t| !t.kind().is_trivia());
    let start = first.map_or(whole.start(), |t| t.text_range().start());
    usize::from(start)..usize::from(whole.end())
}

/// The text of a node.
pub(super) fn text(node: &SyntaxNode) -> String {
    node.text().to_string().trim().to_owned()
}

/// The names of all descendants of this kind.
pub(super) fn names(node: &SyntaxNode, kind: SyntaxKind) -> Vec<QualifiedName> {
    node.descendants().filter(|n| n.kind() == kind).filter_map(|n| name(&n)).collect()
}

/// The names of the children of this kind.
pub(super) fn idents(node: &SyntaxNode, kind: SyntaxKind) -> Vec<Ident> {
    node.children().filter(|n| n.kind() == kind).filter_map(|n| ident(&n)).collect()
}

/// Whether one of the node's own tokens is this word.
pub(super) fn has_word(node: &SyntaxNode, word: &str) -> bool {
    node.children_with_tokens().filter_map(|e| e.into_token()).any(|t| t.text().eq_ignore_ascii_case(word))
}

/// Whether a role of the statement is `PUBLIC`.
pub(super) fn last_word_is_public(node: &SyntaxNode) -> bool {
    let is_public =
        |n: &SyntaxNode| n.kind() == SyntaxKind::ROLE_REF && n.text().to_string().trim().eq_ignore_ascii_case("public");
    node.descendants().any(|n| is_public(&n))
}

/// The name without a schema of the first child of this kind.
pub(super) fn named(node: &SyntaxNode, kind: SyntaxKind) -> Option<Ident> {
    child(node, kind).and_then(|n| ident(&n))
}

//! Which relations an expression can name columns of.

use super::name::{child, ident, parts, qualified_name};
use crate::base::{Ident, QualifiedName};
use squawk_syntax::{
    SyntaxKind::{self, *},
    SyntaxNode,
};
use std::collections::BTreeSet;

/// An entry of a FROM list.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The name that expressions use for it.
    pub alias: Option<Ident>,
    /// The relation; `None`: a subquery, a function or a `WITH` query, whose columns are not known.
    pub relation: Option<QualifiedName>,
}

impl Item {
    /// A relation under its own name.
    pub fn of(relation: &QualifiedName) -> Self {
        Self { alias: Some(relation.name.clone()), relation: Some(relation.clone()) }
    }

    /// A relation under another name.
    pub fn named(alias: &str, relation: &QualifiedName) -> Self {
        Self { alias: Ident::new(alias).ok(), relation: Some(relation.clone()) }
    }
}

/// What stands around an expression, the innermost query last.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    frames: Vec<Vec<Item>>,
}

impl Scope {
    pub fn push(&mut self, frame: Vec<Item>) {
        self.frames.push(frame);
    }

    pub fn pop(&mut self) {
        self.frames.pop();
    }

    /// The relation that a name in front of a dot means; `Some(None)`: something without known columns.
    pub fn qualifier(&self, name: &Ident) -> Option<Option<&QualifiedName>> {
        let items = self.frames.iter().rev().flatten();
        items.into_iter().find(|item| item.alias.as_ref() == Some(name)).map(|item| item.relation.as_ref())
    }

    /// Whether a relation is in a FROM list around.
    pub fn has(&self, relation: &QualifiedName) -> bool {
        self.frames.iter().flatten().any(|item| item.relation.as_ref() == Some(relation))
    }

    /// The relations that a column without a table can be of; empty where it can be of something else.
    pub fn among(&self) -> Vec<QualifiedName> {
        let mut among: Vec<QualifiedName> = Vec::new();
        for item in self.frames.iter().rev().flatten() {
            let Some(relation) = &item.relation else { return Vec::new() };
            if !among.contains(relation) {
                among.push(relation.clone());
            }
        }
        among
    }
}

/// The entries of a FROM list, of joins and of what `USING` names.
pub(super) fn items(list: &SyntaxNode, ctes: &BTreeSet<Ident>) -> Vec<Item> {
    let mut found = Vec::new();
    collect(list, ctes, &mut found);
    found
}

fn collect(node: &SyntaxNode, ctes: &BTreeSet<Ident>, found: &mut Vec<Item>) {
    for node in node.children() {
        match node.kind() {
            RELATION_FROM_ITEM => {
                let Some(relation) = child(&node, &[RELATION_NAME_REF]).as_ref().and_then(qualified_name) else {
                    continue;
                };
                let is_query = relation.schema.is_none() && ctes.contains(&relation.name);
                let alias = alias(&node).or(Some(relation.name.clone()));
                found.push(Item { alias, relation: (!is_query).then_some(relation) });
            }
            PAREN_FROM_ITEM => {
                let before = found.len();
                if let Some(inner) = child(&node, &[PAREN_EXPR]) {
                    collect(&inner, ctes, found);
                }
                if found.len() == before {
                    found.push(Item { alias: alias(&node), relation: None });
                }
            }
            kind if is_derived(kind) => found.push(Item { alias: alias(&node), relation: None }),
            JOIN_EXPR | JOIN | PAREN_EXPR => collect(&node, ctes, found),
            _ => {}
        }
    }
}

fn is_derived(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        FUNCTION_FROM_ITEM
            | EXPR_FROM_ITEM
            | GRAPH_TABLE_FROM_ITEM
            | JSON_TABLE_FROM_ITEM
            | ROWS_FROM_ITEM
            | XML_TABLE_FROM_ITEM
    )
}

/// The name after `AS`.
pub(super) fn alias(node: &SyntaxNode) -> Option<Ident> {
    let alias = child(node, &[FROM_ALIAS, REQUIRED_AS_ALIAS, OPTIONAL_AS_ALIAS])?;
    ident(&child(&alias, &[TABLE_ALIAS])?)
}

/// The relation that INSERT, UPDATE, DELETE, MERGE or COPY changes, with its name in expressions.
pub(super) fn target(statement: &SyntaxNode) -> Option<Item> {
    let node = child(statement, &[RELATION_NAME_REF, RELATION_NAME, TABLE_RELATION_NAME, TABLE_NAME_REF])?;
    let relation = crate::sql::token::qualified(
        parts(&node).into_iter().filter(|part| part.as_str() != "only" || node.kind() == RELATION_NAME_REF).collect(),
    )?;
    let alias = alias(statement).or(Some(relation.name.clone()));
    Some(Item { alias, relation: Some(relation) })
}

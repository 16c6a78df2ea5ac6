//! Statements that change rows.

use super::action::{Action, Change, Does, Insert, Rows};
use super::nodes::{child, has, idents, name, names, range, text};
use crate::base::QualifiedName;
use squawk_syntax::SyntaxKind::*;
use squawk_syntax::SyntaxNode;

/// What a statement and its `WITH` queries insert, update and delete.
pub(super) fn rows(statement: &SyntaxNode, out: &mut Vec<Action>) {
    // names of WITH queries are no tables
    let own: Vec<QualifiedName> = names(statement, CTE_NAME);
    for node in statement.descendants().filter(|n| matches!(n.kind(), INSERT | UPDATE | DELETE)) {
        let does = if node.kind() == INSERT { insert(&node, &own) } else { change(&node, &own) };
        out.extend(does.map(|does| Action { at: range(&node), does }));
    }
}

/// The tables that a query reads.
fn tables(node: &SyntaxNode, own: &[QualifiedName]) -> Vec<QualifiedName> {
    let items = node.descendants().filter(|n| matches!(n.kind(), RELATION_FROM_ITEM | TABLE));
    let found = items.filter_map(|n| child(&n, RELATION_NAME_REF).or_else(|| child(&n, RELATION_NAME)));
    found.filter_map(|n| name(&n)).filter(|name| !own.contains(name)).collect()
}

fn insert(node: &SyntaxNode, own: &[QualifiedName]) -> Option<Does> {
    let table = child(node, RELATION_NAME_REF).and_then(|n| name(&n))?;
    let source = node.children().find(|n| matches!(n.kind(), SELECT | COMPOUND_SELECT | PAREN_SELECT | TABLE));
    let conflict = child(node, ON_CONFLICT_CLAUSE);
    let columns = conflict.as_ref().map(|clause| {
        let items = clause.descendants().filter(|n| n.kind() == CONFLICT_INDEX_ITEM);
        items.flat_map(|item| idents(&item, NAME_REF)).collect()
    });
    let guarded = source.as_ref().is_some_and(|query| {
        let text = query.text().to_string().to_lowercase();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        ["not exists", "not in (", " except ", " is null"].iter().any(|words| text.contains(words))
    });
    let targets = child(node, COLUMN_TARGET_LIST);
    let columns_given = targets.iter().flat_map(SyntaxNode::children).flat_map(|n| idents(&n, COLUMN_NAME_REF));
    Some(Does::Insert(Insert {
        table,
        columns: columns_given.collect(),
        from: source.map(|query| tables(&query, own)).unwrap_or_default(),
        guarded,
        on_conflict: columns,
    }))
}

fn change(node: &SyntaxNode, own: &[QualifiedName]) -> Option<Does> {
    let table = child(node, RELATION_NAME).and_then(|n| child(&n, RELATION_NAME_REF)).and_then(|n| name(&n))?;
    let rows = match child(node, WHERE_CLAUSE).and_then(|clause| clause.children().next()) {
        None if has(node, WHERE_CURRENT_OF) => Rows::Chosen,
        None => Rows::All,
        Some(condition) if is_chosen(&condition) => Rows::Chosen,
        Some(_) => Rows::Many,
    };
    let clause = child(node, SET_CLAUSE);
    let single = clause.iter().flat_map(SyntaxNode::descendants).filter(|n| n.kind() == SET_SINGLE_COLUMN);
    let assignment = |n: SyntaxNode| {
        let column = child(&n, COLUMN_TARGET).and_then(|target| idents(&target, COLUMN_NAME_REF).pop())?;
        Some((column, child(&n, SET_EXPR).map(|value| text(&value)).unwrap_or_default()))
    };
    Some(Does::Change(Change {
        table,
        deletes: node.kind() == DELETE,
        set: single.filter_map(assignment).collect(),
        condition: child(node, WHERE_CLAUSE).and_then(|clause| clause.children().next()).map(|n| text(&n)),
        rows,
        from: tables(node, own),
    }))
}

/// Whether one of the conditions that must all hold compares a column with constants.
fn is_chosen(condition: &SyntaxNode) -> bool {
    let text = condition.text().to_string();
    if condition.kind() == PAREN_EXPR {
        return condition.children().any(|n| is_chosen(&n));
    }
    if condition.kind() == BETWEEN_EXPR {
        return true;
    }
    if condition.kind() != BIN_EXPR {
        return false;
    }
    let parts: Vec<SyntaxNode> = condition.children().collect();
    let operator = condition
        .children_with_tokens()
        .find(|e| e.kind() != WHITESPACE && parts.first().is_none_or(|p| e.as_node() != Some(p)));
    let operator = operator.map(|e| e.to_string().to_lowercase()).unwrap_or_default();
    match operator.as_str() {
        "and" => parts.iter().any(is_chosen),
        "=" => parts.iter().any(|p| matches!(p.kind(), LITERAL | CAST_EXPR)),
        "in" => !text.to_lowercase().contains("select"),
        _ => false,
    }
}

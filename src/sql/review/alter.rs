//! Changes of existing objects, and functions.

use super::action::{Action, Does};
use super::nodes::{child, has_word, ident, name, named, names, range, text};
use super::tables::{column, constraint, type_of};
use crate::base::QualifiedName;
use squawk_syntax::SyntaxKind::*;
use squawk_syntax::SyntaxNode;

/// `ALTER TABLE`.
pub(super) fn table(statement: &SyntaxNode, out: &mut Vec<Action>) {
    let relation = child(statement, TABLE_RELATION_NAME);
    let Some(table) = relation.as_ref().and_then(|n| child(n, TABLE_NAME_REF)).and_then(|n| name(&n)) else { return };
    for node in statement.children().filter(|n| n.kind() != TABLE_RELATION_NAME) {
        let Some(does) = action(&node, &table) else { continue };
        out.push(Action { at: range(&node), does });
        if let Some(cascade) = child(&node, CASCADE) {
            out.push(Action { at: range(&cascade), does: Does::Cascade });
        }
    }
}

fn action(node: &SyntaxNode, table: &QualifiedName) -> Option<Does> {
    let table = table.clone();
    match node.kind() {
        ADD_COLUMN => Some(Does::AddColumn { table, column: column(node)? }),
        ADD_CONSTRAINT => {
            let constraint = node.children().find_map(|n| constraint(&n))?;
            Some(Does::AddConstraint { table, constraint })
        }
        VALIDATE_CONSTRAINT => Some(Does::Validate { table, constraint: named(node, CONSTRAINT_NAME_REF)? }),
        DROP_COLUMN => Some(Does::DropColumn { table, column: named(node, COLUMN_NAME_REF)? }),
        DROP_CONSTRAINT => Some(Does::DropConstraint { table, constraint: named(node, CONSTRAINT_NAME_REF)? }),
        ATTACH_PARTITION => {
            let partition = child(node, TABLE_NAME_REF).and_then(|n| name(&n))?;
            Some(Does::AttachPartition { table, partition })
        }
        TABLE_RENAME_TO => {
            let to = child(node, TABLE_NAME).map(|n| text(&n))?;
            Some(Does::Rename { kind: "table", from: table.to_string(), of: table, to })
        }
        RENAME_COLUMN => {
            let from = child(node, COLUMN_NAME_REF).map(|n| text(&n))?;
            let to = child(node, COLUMN_NAME).map(|n| text(&n))?;
            Some(Does::Rename { kind: "column", of: table, from, to })
        }
        ALTER_COLUMN => {
            let column = child(node, COLUMN_NAME_REF).and_then(|n| ident(&n))?;
            let option = node.children().find(|n| matches!(n.kind(), SET_NOT_NULL | SET_TYPE))?;
            if option.kind() == SET_NOT_NULL {
                return Some(Does::SetNotNull { table, column });
            }
            let using = child(&option, USING_EXPR).and_then(|n| n.children().next()).map(|n| text(&n));
            Some(Does::SetType { table, column, to: type_of(&option), using })
        }
        _ => None,
    }
}

/// `ALTER TYPE`.
pub(super) fn type_(statement: &SyntaxNode, out: &mut Vec<Action>) {
    let Some(of) = child(statement, TYPE_NAME_REF).and_then(|n| name(&n)) else { return };
    for node in statement.children() {
        let literals = || node.children().filter(|n| n.kind() == LITERAL).map(|n| literal(&n));
        let does = match node.kind() {
            ADD_VALUE => literals().next().map(|value| Does::AddValue { of: of.clone(), value }),
            RENAME_VALUE => {
                let values: Vec<String> = literals().collect();
                match values.as_slice() {
                    [from, to] => {
                        Some(Does::Rename { kind: "enum value", of: of.clone(), from: from.clone(), to: to.clone() })
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        out.extend(does.map(|does| Action { at: range(&node), does }));
    }
}

/// The text of a literal without its quotes.
fn literal(node: &SyntaxNode) -> String {
    text(node).trim_matches('\'').replace("''", "'")
}

/// `ALTER SCHEMA … RENAME TO`.
pub(super) fn schema(statement: &SyntaxNode, out: &mut Vec<Action>) {
    let to = statement.descendants().find(|n| n.kind() == SCHEMA).map(|n| text(&n));
    let (Some(of), Some(to)) = (names(statement, SCHEMA_REF).into_iter().next(), to) else { return };
    let does = Does::Rename { kind: "schema", from: of.to_string(), of, to };
    out.push(Action { at: range(statement), does });
}

/// `ALTER VIEW … RENAME TO`.
pub(super) fn view(statement: &SyntaxNode, out: &mut Vec<Action>) {
    let to = statement.descendants().find(|n| n.kind() == VIEW).map(|n| text(&n));
    let (Some(of), Some(to)) = (names(statement, VIEW_REF).into_iter().next(), to) else { return };
    out.push(Action { at: range(statement), does: Does::Rename { kind: "view", from: of.to_string(), of, to } });
}

/// `CREATE FUNCTION` and `CREATE PROCEDURE`.
pub(super) fn function(statement: &SyntaxNode, out: &mut Vec<Action>) {
    let named = statement.children().find(|n| matches!(n.kind(), FUNCTION_NAME | PROCEDURE_NAME));
    let Some(function) = named.and_then(|n| name(&n)) else { return };
    let at = range(statement);
    out.push(Action { at: at.clone(), does: Does::CreateObject { name: function.clone() } });
    if child(statement, OR_REPLACE).is_none() {
        out.push(Action { at: at.clone(), does: Does::NewFunction { name: function.clone() } });
    }
    let options = child(statement, FUNC_OPTION_LIST);
    let options = || options.iter().flat_map(SyntaxNode::children);
    let Some(definer) = options().find(|n| n.kind() == SECURITY_DEFINER_FUNC_OPTION) else { return };
    let setting = options().filter(|n| n.kind() == SET_FUNC_OPTION).find(|n| {
        let parameter = n.descendants().find(|d| d.kind() == CONFIG_PARAMETER_REF);
        parameter.is_some_and(|p| text(&p).eq_ignore_ascii_case("search_path"))
    });
    let search_path = setting.map(|n| {
        let values = n.descendants().find(|d| d.kind() == TO_CONFIG_VALUE).or_else(|| child(&n, SET_CONFIG_PARAM));
        let parts = values.iter().flat_map(SyntaxNode::children).filter(|v| v.kind() != CONFIG_PARAMETER_REF);
        // FROM CURRENT takes whatever the path is when the function is made
        parts.map(|v| text(&v).trim_matches(['\'', '"']).to_lowercase()).collect()
    });
    let at = if has_word(&definer, "definer") { range(&definer) } else { at };
    out.push(Action { at, does: Does::Definer { function, search_path } });
}

//! What a statement does, as far as the rules of the review ask: from its text to a list of [`Action`]s. Statements
//! that the parser does not understand have none.

mod action;
mod alter;
mod nodes;
mod rows;
mod tables;

use super::objects::{has_mistake, with_tree};
use super::squawk::{self, Violation};
pub use action::*;
use nodes::{child, has, name, names, range};
use squawk_syntax::SyntaxKind::*;
use squawk_syntax::{Parse, SourceFile, SyntaxNode};

/// What a statement does.
#[must_use]
pub fn actions(sql: &str) -> Vec<Action> {
    with_tree(sql, |parsed| if has_mistake(parsed) { Vec::new() } else { of_tree(parsed) }).unwrap_or_default()
}

/// What a statement does, and what squawk finds in it.
#[must_use]
pub fn review(sql: &str) -> (Vec<Action>, Vec<Violation>) {
    with_tree(sql, |parsed| match has_mistake(parsed) {
        true => Default::default(),
        false => (of_tree(parsed), squawk::violations(parsed, sql)),
    })
    .unwrap_or_default()
}

fn of_tree(parsed: &Parse<SourceFile>) -> Vec<Action> {
    let mut out = Vec::new();
    parsed.syntax_node().children().for_each(|statement| statement_actions(&statement, &mut out));
    out
}

fn statement_actions(statement: &SyntaxNode, out: &mut Vec<Action>) {
    let whole = range(statement);
    let mut push = |does| out.push(Action { at: whole.clone(), does });
    let cascade = has(statement, CASCADE);
    match statement.kind() {
        CREATE_INDEX => out.extend(tables::index(statement)),
        CREATE_TABLE | CREATE_TABLE_AS => out.extend(tables::table(statement)),
        ALTER_TABLE | ALTER_FOREIGN_TABLE => alter::table(statement, out),
        DROP_INDEX => push(Does::DropIndex {
            indexes: names(statement, INDEX_REF),
            concurrently: nodes::has_word(statement, "concurrently"),
        }),
        DROP_TABLE => push(Does::DropTable { tables: names(statement, TABLE_NAME_REF) }),
        DROP_SCHEMA => push(Does::DropSchema { schemas: names(statement, SCHEMA_REF) }),
        DROP_VIEW | DROP_MATERIALIZED_VIEW => {
            push(Does::DropObject { kind: "view", names: names(statement, VIEW_REF) });
        }
        DROP_FUNCTION | DROP_PROCEDURE => {
            let mut all = names(statement, FUNCTION_NAME_REF);
            all.extend(names(statement, PROCEDURE_NAME_REF));
            push(Does::DropObject { kind: "function", names: all });
        }
        DROP_TYPE | DROP_DOMAIN => {
            let mut all = names(statement, TYPE_NAME_REF);
            all.extend(names(statement, DOMAIN_REF));
            push(Does::DropObject { kind: "type", names: all });
        }
        DROP_SEQUENCE => push(Does::DropObject { kind: "sequence", names: names(statement, SEQUENCE_REF) }),
        DROP_EXTENSION => push(Does::DropObject { kind: "extension", names: names(statement, EXTENSION_REF) }),
        TRUNCATE => push(Does::Truncate { tables: names(statement, TABLE_NAME_REF) }),
        ALTER_TYPE => alter::type_(statement, out),
        ALTER_SCHEMA => alter::schema(statement, out),
        ALTER_VIEW => alter::view(statement, out),
        CREATE_TYPE => {
            if let Some(name) = child(statement, TYPE_NAME).and_then(|n| name(&n)) {
                push(Does::CreateType { name: name.clone() });
                push(Does::CreateObject { name });
            }
        }
        CREATE_VIEW | CREATE_MATERIALIZED_VIEW => {
            if let Some(name) = child(statement, VIEW).and_then(|n| name(&n)) {
                push(Does::CreateObject { name });
            }
        }
        CREATE_FUNCTION | CREATE_PROCEDURE => alter::function(statement, out),
        REVOKE if nodes::last_word_is_public(statement) => {
            push(Does::RevokePublic { functions: names(statement, FUNCTION_NAME_REF) });
        }
        INSERT | UPDATE | DELETE | SELECT | MERGE | COMPOUND_SELECT => rows::rows(statement, out),
        _ => {}
    }
    if cascade && !matches!(statement.kind(), TRUNCATE | REVOKE) {
        let at = child(statement, CASCADE).map_or(whole, |node| range(&node));
        out.push(Action { at, does: Does::Cascade });
    }
}

#[cfg(test)]
mod tests;

//! New tables, columns, constraints and indexes.

use super::action::{Action, Does, Keeps, NewColumn, NewConstraint, NewIndex};
use super::nodes::{child, has, has_word, ident, idents, name, named, range, text};
use squawk_syntax::SyntaxKind::{self, *};
use squawk_syntax::SyntaxNode;

/// The types of a column.
const TYPES: [SyntaxKind; 10] = [
    PATH_TYPE,
    ARRAY_TYPE,
    BIT_TYPE,
    BIT_VARYING_TYPE,
    CHARACTER_TYPE,
    DOUBLE_TYPE,
    INTERVAL_TYPE,
    TIME_TYPE,
    TIMESTAMP_TYPE,
    VARCHAR_TYPE,
];

/// The type below a node as it is written, in lower case.
pub(super) fn type_of(node: &SyntaxNode) -> String {
    let found = node.children().find(|n| TYPES.contains(&n.kind()));
    found.map(|n| text(&n).to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

/// `CREATE INDEX`.
pub(super) fn index(statement: &SyntaxNode) -> Option<Action> {
    let table = child(statement, TABLE_RELATION_NAME).and_then(|n| child(&n, TABLE_NAME_REF)).and_then(|n| name(&n))?;
    let items = |node: &SyntaxNode| {
        let list = child(node, PARTITION_ITEM_LIST);
        list.iter().flat_map(SyntaxNode::children).map(|item| text(&item)).collect()
    };
    let new = NewIndex {
        name: named(statement, INDEX),
        table,
        columns: items(statement),
        using: child(statement, USING_METHOD)
            .and_then(|n| child(&n, ACCESS_METHOD_REF))
            .map(|n| text(&n).to_lowercase())
            .filter(|method| method != "btree"),
        include: child(statement, INDEX_INCLUDE_CLAUSE).map(|n| items(&n)).unwrap_or_default(),
        condition: child(statement, WHERE_CLAUSE).and_then(|n| n.children().next()).map(|n| text(&n)),
        unique: has_word(statement, "unique"),
        concurrently: has_word(statement, "concurrently"),
        if_not_exists: has(statement, IF_NOT_EXISTS),
    };
    Some(Action { at: range(statement), does: Does::CreateIndex(new) })
}

/// `CREATE TABLE`; of a temporary one nothing matters.
pub(super) fn table(statement: &SyntaxNode) -> Option<Action> {
    let table = child(statement, TABLE_NAME).and_then(|n| name(&n)).filter(|_| !has(statement, TEMP))?;
    let list = child(statement, TABLE_ARG_LIST);
    let args = || list.iter().flat_map(SyntaxNode::children);
    let columns = args().filter(|n| n.kind() == COLUMN).filter_map(|n| column(&n)).collect();
    let constraints = args().filter_map(|n| constraint(&n)).collect();
    let derives = statement.kind() == CREATE_TABLE_AS
        || [INHERITS, PARTITION_OF, OF_TYPE].iter().any(|kind| has(statement, *kind))
        || args().any(|n| n.kind() == LIKE_CLAUSE);
    Some(Action { at: range(statement), does: Does::CreateTable { table, columns, constraints, derives } })
}

/// A column with its constraints.
pub(super) fn column(node: &SyntaxNode) -> Option<NewColumn> {
    let name = named(node, COLUMN_NAME)?;
    let constraints = node.children().filter_map(|n| constraint(&n)).map(|mut constraint| {
        constraint.columns = vec![name.clone()];
        constraint
    });
    let generated = child(node, GENERATED_CONSTRAINT);
    let generated_as = |kind| generated.as_ref().is_some_and(|n| has(n, kind));
    Some(NewColumn {
        at: range(node),
        type_: type_of(node),
        not_null: has(node, NOT_NULL_CONSTRAINT),
        default: child(node, DEFAULT_CONSTRAINT).and_then(|n| n.children().last()).map(|n| text(&n)),
        identity: generated_as(GENERATED_IDENTITY),
        stored: generated.iter().flat_map(SyntaxNode::descendants).any(|n| n.kind() == STORED),
        constraints: constraints.collect(),
        name,
    })
}

/// A constraint, of a table or a column.
pub(super) fn constraint(node: &SyntaxNode) -> Option<NewConstraint> {
    let kind = match node.kind() {
        CHECK_CONSTRAINT => Keeps::Check,
        FOREIGN_KEY_CONSTRAINT | REFERENCES_CONSTRAINT => Keeps::ForeignKey,
        UNIQUE_CONSTRAINT => Keeps::Unique,
        PRIMARY_KEY_CONSTRAINT => Keeps::PrimaryKey,
        EXCLUDE_CONSTRAINT => Keeps::Exclusion,
        _ => return None,
    };
    let lists: Vec<_> = node.children().filter(|n| n.kind() == FOREIGN_KEY_COLUMN_LIST).collect();
    let parameters = child(node, INDEX_PARAMETERS).and_then(|n| child(&n, CONSTRAINT_COLUMN_REF_LIST));
    let columns = match kind {
        Keeps::ForeignKey => lists.first().map(|n| idents(n, COLUMN_NAME_REF)).unwrap_or_default(),
        _ => parameters.map(|n| idents(&n, COLUMN_NAME_REF)).unwrap_or_default(),
    };
    let referenced = match node.kind() {
        FOREIGN_KEY_CONSTRAINT => lists.get(1).map(|n| idents(n, COLUMN_NAME_REF)).unwrap_or_default(),
        _ => idents(node, COLUMN_NAME_REF),
    };
    Some(NewConstraint {
        at: range(node),
        name: child(node, CONSTRAINT_NAME_CLAUSE).and_then(|n| named(&n, CONSTRAINT_NAME)),
        kind,
        columns,
        references: child(node, TABLE_NAME_REF).and_then(|n| name(&n)).map(|table| (table, referenced)),
        expression: (kind == Keeps::Check).then(|| expression(node)).flatten(),
        not_valid: has(node, NOT_VALID),
        using_index: child(node, USING_INDEX_NAME).and_then(|n| child(&n, INDEX_REF)).and_then(|n| ident(&n)),
    })
}

/// The expression of a check, without its parentheses.
fn expression(node: &SyntaxNode) -> Option<String> {
    let found = node.children().find(|n| !matches!(n.kind(), CONSTRAINT_NAME_CLAUSE | NOT_VALID | NO_INHERIT))?;
    Some(text(&found))
}

//! One pass over a syntax tree that notes every name of an object.

use super::types;
use crate::base::{Ident, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use crate::sql::token::{Cursor, Kind, qualified, words};
use squawk_syntax::{
    SyntaxKind::{self, *},
    SyntaxNode,
};
use std::collections::BTreeSet;

/// What the statements below `root` touch.
pub(super) fn effects(root: &SyntaxNode) -> Option<Effects> {
    let mut effects = Effects::default();
    let mut temporary = BTreeSet::new();
    for statement in root.children() {
        let mut walk = Walk::new(&statement, &mut effects);
        walk.all()?;
        temporary.extend(walk.temporary());
    }
    effects.touches.retain(|t| t.name.schema.is_some() || !temporary.contains(&t.name.name));
    effects.columns.retain(|(table, _)| table.schema.is_some() || !temporary.contains(&table.name));
    let mut seen = BTreeSet::new();
    effects.touches.retain(|t| seen.insert(t.clone()));
    Some(effects)
}

struct Walk<'e> {
    statement: SyntaxNode,
    effects: &'e mut Effects,
    /// Names of `WITH` queries.
    ctes: BTreeSet<Ident>,
    /// The first object that the statement names: renamed names and indexes are in its schema.
    subject: Option<QualifiedName>,
    /// Whether it runs the functions that it calls.
    runs: bool,
}

/// The parts of a dotted name.
fn parts(node: &SyntaxNode) -> Vec<Ident> {
    let text = node.text().to_string();
    Cursor::new(&words(&text)).parts()
}

fn name(node: &SyntaxNode) -> Option<QualifiedName> {
    qualified(parts(node))
}

fn child(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Option<SyntaxNode> {
    node.children().find(|n| kinds.contains(&n.kind()))
}

fn is_under(node: &SyntaxNode, kinds: &[SyntaxKind]) -> bool {
    node.ancestors().skip(1).any(|n| kinds.contains(&n.kind()))
}

impl<'e> Walk<'e> {
    fn new(statement: &SyntaxNode, effects: &'e mut Effects) -> Self {
        let ctes = statement.descendants().filter(|n| n.kind() == CTE_NAME).filter_map(|n| parts(&n).pop()).collect();
        let subject = statement
            .descendants()
            .find(|n| {
                matches!(n.kind(), TABLE_NAME_REF | VIEW_REF | INDEX_REF | SEQUENCE_REF)
                    || matches!(n.kind(), TYPE_NAME_REF | DOMAIN_REF | FUNCTION_NAME_REF | RELATION_NAME_REF)
            })
            .and_then(|n| name(&n));
        let defines = matches!(
            statement.kind(),
            CREATE_TABLE
                | CREATE_FOREIGN_TABLE
                | CREATE_VIEW
                | CREATE_INDEX
                | CREATE_DOMAIN
                | CREATE_TRIGGER
                | CREATE_EVENT_TRIGGER
                | CREATE_POLICY
                | CREATE_RULE
                | CREATE_FUNCTION
                | CREATE_PROCEDURE
                | CREATE_STATISTICS
                | ALTER_TABLE
                | ALTER_FOREIGN_TABLE
                | ALTER_DOMAIN
                | ALTER_POLICY
        );
        Self { statement: statement.clone(), effects, ctes, subject, runs: !defines }
    }

    /// Notes all names; `None` where the statement may do anything.
    fn all(&mut self) -> Option<()> {
        if matches!(self.statement.kind(), DO | CALL | EXECUTE | IMPORT_FOREIGN_SCHEMA | REASSIGN | DROP_OWNED | ERROR)
        {
            return None;
        }
        if self.statement.kind() == DROP_SCHEMA && child(&self.statement, &[CASCADE]).is_some() {
            return None;
        }
        for node in self.statement.descendants() {
            match node.kind() {
                EXECUTE | CALL => return None, // EXPLAIN ANALYZE EXECUTE, and rules
                CALL_EXPR => self.call(&node)?,
                PATH_TYPE => self.path_type(&node),
                OBJECT_COLUMN | QUALIFIED_COLUMN_NAME_REF => self.column(&node),
                ADD_COLUMN => self.added(&node),
                TABLE_NAME => self.made(ObjectClass::Table, &node),
                VIEW => self.made(ObjectClass::View, &node),
                INDEX => self.index(&node),
                SEQUENCE => self.made(ObjectClass::Sequence, &node),
                FUNCTION_NAME | PROCEDURE_NAME | AGGREGATE_NAME | ROUTINE_NAME => {
                    self.made(ObjectClass::Function, &node)
                }
                TYPE_NAME | DOMAIN => self.made(ObjectClass::Type, &node),
                SCHEMA => self.made(ObjectClass::Schema, &node),
                EXTENSION => self.made(ObjectClass::Extension, &node),
                ROLE => self.made(ObjectClass::Role, &node),
                TABLE_NAME_REF | RELATION_NAME_REF => self.relation(&node),
                VIEW_REF => self.used(ObjectClass::View, &node),
                INDEX_REF => self.used(ObjectClass::Index, &node),
                SEQUENCE_REF => self.used(ObjectClass::Sequence, &node),
                FUNCTION_NAME_REF | PROCEDURE_NAME_REF | ROUTINE_NAME_REF => self.used(ObjectClass::Function, &node),
                TYPE_NAME_REF | DOMAIN_REF => self.used(ObjectClass::Type, &node),
                SCHEMA_REF => self.used(ObjectClass::Schema, &node),
                EXTENSION_REF => self.used(ObjectClass::Extension, &node),
                ROLE_REF => self.role(&node),
                _ => {}
            }
        }
        Some(())
    }

    fn note(&mut self, object: ObjectClass, name: Option<QualifiedName>, how: Access) {
        if let Some(name) = name {
            self.effects.touch(object, &name, how);
        }
    }

    /// A name that the statement brings into being; renamed objects stay in their schema.
    fn made(&mut self, object: ObjectClass, node: &SyntaxNode) {
        let Some(mut made) = name(node) else { return };
        let parent = node.parent().map(|p| p.kind());
        let renamed = parent != Some(self.statement.kind()) && !matches!(parent, Some(INTO_CLAUSE | NAMED_SCHEMA));
        if renamed && made.schema.is_none() && object != ObjectClass::Schema {
            made.schema = self.subject.as_ref().and_then(|s| s.schema.clone());
        }
        self.effects.touch(object, &made, Access::Create);
    }

    /// An index changes its table, and is in the table's schema.
    fn index(&mut self, node: &SyntaxNode) {
        let Some(index) = name(node) else { return };
        let index =
            if let (None, Some(table)) = (&index.schema, &self.subject) { table.sibling(index.name) } else { index };
        self.effects.touch(ObjectClass::Index, &index, Access::Create);
    }

    /// A relation that is there; the words around it say what happens to it.
    fn relation(&mut self, node: &SyntaxNode) {
        let Some(name) = name(node) else { return };
        if name.schema.is_none() && self.ctes.contains(&name.name) {
            return;
        }
        let wrappers = [TABLE_RELATION_NAME, RELATION_NAME, TABLE_LIST, RELATION_LIST, TABLE_NAME_REF_LIST];
        let owner = node.ancestors().skip(1).find(|n| !wrappers.contains(&n.kind()));
        let how = match owner.as_ref().map(SyntaxNode::kind) {
            Some(REFERENCES_CONSTRAINT | FOREIGN_KEY_CONSTRAINT | REFERENCES_TABLE) => Access::Reference,
            Some(RELATION_FROM_ITEM | LIKE_CLAUSE | TABLE) => Access::Read,
            Some(INSERT | UPDATE | DELETE | MERGE) if self.runs => Access::Write,
            Some(INSERT | UPDATE | DELETE | MERGE) => Access::Read, // a rule or a body writes later
            Some(TRUNCATE) => Access::Write,
            Some(COPY_TABLE) if child(&self.statement, &[COPY_FROM]).is_some() => Access::Write,
            Some(COPY_TABLE) => Access::Read,
            Some(DROP_TABLE | DROP_FOREIGN_TABLE) => Access::Drop,
            _ => Access::Alter,
        };
        self.effects.touch(ObjectClass::Table, &name, how);
    }

    /// An object that is there, as the statement's subject or beside it.
    fn used(&mut self, object: ObjectClass, node: &SyntaxNode) {
        let Some(mut name) = name(node) else { return };
        let kind = self.statement.kind();
        let dropped: &[SyntaxKind] = match object {
            ObjectClass::View => &[DROP_VIEW, DROP_MATERIALIZED_VIEW],
            ObjectClass::Index => &[DROP_INDEX],
            ObjectClass::Sequence => &[DROP_SEQUENCE],
            ObjectClass::Function => &[DROP_FUNCTION, DROP_PROCEDURE, DROP_ROUTINE, DROP_AGGREGATE],
            ObjectClass::Type => &[DROP_TYPE, DROP_DOMAIN],
            ObjectClass::Schema => &[DROP_SCHEMA],
            ObjectClass::Extension => &[DROP_EXTENSION],
            ObjectClass::Table | ObjectClass::Role => &[],
        };
        let how = if dropped.contains(&kind) {
            Access::Drop
        } else if kind == REFRESH {
            Access::Write
        } else if is_under(node, &[SET_SCHEMA, EXTENSION_SCHEMA]) || format!("{kind:?}").starts_with("CREATE_") {
            Access::Read
        } else {
            Access::Alter
        };
        let beside_table = matches!(kind, ALTER_TABLE | CLUSTER | ALTER_MATERIALIZED_VIEW);
        if object == ObjectClass::Index && beside_table && name.schema.is_none() {
            name.schema = self.subject.as_ref().and_then(|s| s.schema.clone());
        }
        self.effects.touch(object, &name, how);
    }

    fn role(&mut self, node: &SyntaxNode) {
        // `GRANT USAGE ON …`: the tree takes the privilege for a role
        if is_under(node, &[REVOKE_COMMAND]) && child(&self.statement, &[ON_PRIVILEGE_OBJECTS_CLAUSE]).is_some() {
            return;
        }
        let Some(name) = name(node) else { return };
        if ["public", "current_user", "current_role", "session_user"].contains(&name.name.as_str()) {
            return;
        }
        let how = match self.statement.kind() {
            DROP_ROLE | DROP_USER | DROP_USERS | DROP_GROUP => Access::Drop,
            ALTER_ROLE | ALTER_USER | ALTER_GROUP => Access::Alter,
            _ => Access::Read,
        };
        self.effects.touch(ObjectClass::Role, &name, how);
    }

    /// `schema.table.column`.
    fn column(&mut self, node: &SyntaxNode) {
        let inner = child(node, &[PATH_REF, QUALIFIED_COLUMN_NAME_REF]);
        if node.kind() == OBJECT_COLUMN && inner.as_ref().is_some_and(|n| n.kind() == QUALIFIED_COLUMN_NAME_REF) {
            return; // comes next
        }
        let mut parts = parts(inner.as_ref().unwrap_or(node));
        parts.pop();
        let owned = is_under(node, &[OPTION_OWNED_BY]);
        self.note(ObjectClass::Table, qualified(parts), if owned { Access::Read } else { Access::Alter });
    }

    fn added(&mut self, node: &SyntaxNode) {
        if let Some(table) = self.subject.clone()
            && let Some(column) = child(node, &[COLUMN_NAME]).and_then(|n| parts(&n).pop())
        {
            self.effects.adds_column(&table, column.as_str());
        }
    }

    fn path_type(&mut self, node: &SyntaxNode) {
        let Some(name) = name(node) else { return };
        // `%TYPE` and the options of an aggregate are no types
        if is_under(node, &[ATTRIBUTE_VALUE]) {
            return;
        }
        let own =
            name.schema.as_ref().map_or_else(|| types::is_own(name.name.as_str()), |s| s.as_str() == "pg_catalog");
        if !own {
            self.effects.touch(ObjectClass::Type, &name, Access::Read);
        }
    }

    /// A function that is called: part of a definition, or run here and now.
    fn call(&mut self, node: &SyntaxNode) -> Option<()> {
        let callee = child(node, &[NAME_REF, FIELD_EXPR]);
        let Some(function) = callee.as_ref().and_then(name) else { return Some(()) };
        let own = matches!(function.schema.as_ref().map(Ident::as_str), Some("pg_catalog" | "information_schema"));
        if ["nextval", "currval", "setval"].contains(&function.name.as_str()) && (own || function.schema.is_none()) {
            self.note(ObjectClass::Sequence, sequence(node), Access::Read);
            return Some(());
        }
        if own {
            return Some(());
        }
        if self.runs {
            return if function.schema.is_some() { None } else { Some(()) };
        }
        self.effects.touch(ObjectClass::Function, &function, Access::Read);
        Some(())
    }

    /// The name of a table that goes away with the session.
    fn temporary(&self) -> Option<Ident> {
        let kind = self.statement.kind();
        let into = child(&self.statement, &[INTO_CLAUSE]);
        let place = match kind {
            CREATE_TABLE | CREATE_TABLE_AS | CREATE_VIEW | CREATE_SEQUENCE => &self.statement,
            _ => into.as_ref()?,
        };
        let text = place.text().to_string();
        let toks = words(&text);
        let temp = toks.iter().take(5).any(|t| t.is_any(&["temp", "temporary"]));
        if !temp {
            return None;
        }
        let made = child(place, &[TABLE_NAME, VIEW, SEQUENCE])?;
        parts(&made).pop()
    }
}

/// The sequence in `nextval('schema.name')`.
fn sequence(call: &SyntaxNode) -> Option<QualifiedName> {
    let text = child(call, &[ARG_LIST])?.text().to_string();
    let toks = words(&text);
    let literal = toks.get(1).filter(|t| t.kind == Kind::Text)?;
    let inner = literal.text.strip_prefix('\'')?.strip_suffix('\'')?;
    name_in(inner)
}

fn name_in(text: &str) -> Option<QualifiedName> {
    Cursor::new(&words(text)).qname()
}

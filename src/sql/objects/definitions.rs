//! Objects that a statement makes, changes, drops or stands beside.

use super::name::{child, has_word, ident, is_under, qualified_name};
use super::object::{Arguments, Object};
use super::signature;
use super::walk::Walk;
use crate::base::{Ident, QualifiedName};
use crate::effects::{Access, ObjectClass};
use squawk_syntax::{
    SyntaxKind::{self, *},
    SyntaxNode,
};

impl Walk<'_> {
    /// A name that the statement brings into being; renamed objects stay in their schema.
    pub(super) fn made(&mut self, class: ObjectClass, node: &SyntaxNode) {
        let Some(mut made) = qualified_name(node) else { return };
        let parent = node.parent().map(|p| p.kind());
        let renamed = parent != Some(self.statement.kind())
            && !matches!(parent, Some(INTO_CLAUSE | NAMED_SCHEMA))
            && !is_under(node, &[SELECT_INTO]);
        if renamed && made.schema.is_none() && class != ObjectClass::Schema {
            made.schema = self.subject.as_ref().and_then(|s| s.schema.clone());
        }
        if self.is_temporary(node) {
            made.schema = Ident::new("pg_temp").ok();
        }
        let object = match class {
            ObjectClass::Schema => Object::Schema(made.name),
            ObjectClass::Role => Object::Role(made.name),
            ObjectClass::Extension => Object::Extension(made.name),
            ObjectClass::Type => Object::Type(made),
            ObjectClass::Function => {
                let arguments = match child(&self.statement, &[PARAM_LIST]) {
                    Some(list) if !renamed => signature::of(&list),
                    _ => Arguments::Any,
                };
                Object::Function(made, arguments)
            }
            _ => {
                if renamed && let Some(subject) = self.subject.clone() {
                    self.objects.renames.push((subject, made.clone()));
                }
                Object::Relation(made)
            }
        };
        self.note(object, class, Access::Create, node);
    }

    /// Extended statistics, which have their own names.
    pub(super) fn statistics(&mut self, node: &SyntaxNode) {
        let Some(name) = self.qualified(node) else { return };
        let how = match (node.kind(), self.statement.kind()) {
            (STATISTICS, CREATE_STATISTICS) => Access::Create,
            (STATISTICS_REF, DROP_STATISTICS) => Access::Drop,
            (STATISTICS_REF, _) => Access::Alter,
            // another name for the same
            _ => return,
        };
        // they are a part of a table, as an index is
        self.note(Object::Statistics(name), ObjectClass::Index, how, node);
    }

    /// A relation in another schema.
    pub(super) fn moved(&mut self, node: &SyntaxNode) {
        let schema = child(node, &[SCHEMA_REF]).and_then(|node| ident(&node));
        let is_relation = matches!(
            self.statement.kind(),
            ALTER_TABLE | ALTER_VIEW | ALTER_MATERIALIZED_VIEW | ALTER_SEQUENCE | ALTER_FOREIGN_TABLE
        );
        if let (Some(schema), Some(subject), true) = (schema, self.subject.clone(), is_relation) {
            let moved = QualifiedName { schema: Some(schema), name: subject.name.clone() };
            self.objects.renames.push((subject, moved));
        }
    }

    /// An index is in its table's schema.
    pub(super) fn index(&mut self, node: &SyntaxNode) {
        let Some(index) = qualified_name(node) else { return };
        let index =
            if let (None, Some(table)) = (&index.schema, &self.subject) { table.sibling(index.name) } else { index };
        if self.statement.kind() == ALTER_INDEX
            && let Some(subject) = self.subject.clone()
        {
            self.objects.renames.push((subject, index.clone()));
        }
        self.relation_noted(ObjectClass::Index, index, Access::Create, node);
    }

    /// The index that a constraint brings, under its name.
    pub(super) fn index_of(&mut self, constraint: &SyntaxNode) {
        let kinds = [UNIQUE_CONSTRAINT, PRIMARY_KEY_CONSTRAINT, EXCLUDE_CONSTRAINT];
        if let (Some(table), Some(name), true) = (&self.subject, ident(constraint), is_under(constraint, &kinds)) {
            let index = table.sibling(name);
            self.relation_noted(ObjectClass::Index, index, Access::Create, constraint);
            // it is no object of its own
            if let Some(mention) = self.objects.mentions.last_mut() {
                mention.defines = false;
            }
        }
    }

    /// A relation that is there; the words around it say what happens to it.
    pub(super) fn relation(&mut self, node: &SyntaxNode) {
        let Some(name) = qualified_name(node) else { return };
        if name.schema.is_none() && self.ctes.contains(&name.name) {
            return;
        }
        let name = self.in_schema(name);
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
        self.relation_noted(ObjectClass::Table, name, how, node);
    }

    /// An object that is there, as the statement's subject or beside it.
    pub(super) fn used(&mut self, class: ObjectClass, node: &SyntaxNode) {
        let Some(mut name) = self.qualified(node) else { return };
        let kind = self.statement.kind();
        let dropped: &[SyntaxKind] = match class {
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
        } else if is_under(node, &[SET_SCHEMA, EXTENSION_SCHEMA]) || self.is_create {
            Access::Read
        } else {
            Access::Alter
        };
        let beside_table = matches!(kind, ALTER_TABLE | CLUSTER | ALTER_MATERIALIZED_VIEW);
        if class == ObjectClass::Index && beside_table && name.schema.is_none() {
            name.schema = self.subject.as_ref().and_then(|s| s.schema.clone());
        }
        let object = match class {
            ObjectClass::Schema => Object::Schema(name.name),
            ObjectClass::Extension => Object::Extension(name.name),
            ObjectClass::Type => Object::Type(name),
            ObjectClass::Function => {
                let list = node.parent().and_then(|parent| child(&parent, &[PARAM_LIST]));
                Object::Function(name, list.map_or(Arguments::Any, |list| signature::of(&list)))
            }
            _ => Object::Relation(name),
        };
        self.note(object, class, how, node);
        if kind == CALL
            && class == ObjectClass::Function
            && let Some(mention) = self.objects.mentions.last_mut()
        {
            mention.calls = true;
        }
        if let Some(list) = node.parent().and_then(|parent| child(&parent, &[PARAM_LIST])) {
            self.visit(&list);
        }
    }

    pub(super) fn role(&mut self, node: &SyntaxNode) {
        // `GRANT USAGE ON …`: the tree takes the privilege for a role
        if is_under(node, &[REVOKE_COMMAND]) && child(&self.statement, &[ON_PRIVILEGE_OBJECTS_CLAUSE]).is_some() {
            return;
        }
        let Some(name) = ident(node) else { return };
        if ["public", "current_user", "current_role", "session_user"].contains(&name.as_str()) {
            return;
        }
        let how = match self.statement.kind() {
            DROP_ROLE | DROP_USER | DROP_USERS | DROP_GROUP => Access::Drop,
            ALTER_ROLE | ALTER_USER | ALTER_GROUP => Access::Alter,
            _ => Access::Read,
        };
        self.note(Object::Role(name), ObjectClass::Role, how, node);
    }

    /// Whether a name goes away with the session.
    pub(super) fn is_temporary(&self, node: &SyntaxNode) -> bool {
        let place = node.parent();
        place.is_some_and(|place| {
            child(&place, &[TEMP]).is_some() || has_word(&place, TEMP_KW) || has_word(&place, TEMPORARY_KW)
        })
    }
}

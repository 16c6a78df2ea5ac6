//! Queries and statements that change rows, and the columns that they name.

use super::name::{child, ident, qualified_name, text_of};
use super::object::Object;
use super::scope::{self, Item};
use super::types;
use super::walk::Walk;
use crate::base::QualifiedName;
use crate::effects::{Access, ObjectClass};
use squawk_syntax::{SyntaxKind::*, SyntaxNode};

impl Walk<'_> {
    /// A query: its FROM list holds for everything in it.
    pub(super) fn query(&mut self, node: &SyntaxNode) {
        let items = child(node, &[FROM_CLAUSE]).map(|from| scope::items(&from, &self.ctes)).unwrap_or_default();
        self.scope.push(self.placed(items));
        self.below(node);
        self.scope.pop();
    }

    /// The entries with the schema that the function around them looks into.
    fn placed(&self, mut items: Vec<Item>) -> Vec<Item> {
        for relation in items.iter_mut().filter_map(|item| item.relation.as_mut()) {
            if relation.schema.is_none() {
                relation.schema.clone_from(&self.context.schema);
            }
        }
        items
    }

    /// `INSERT`: what it reads does not see the table that it writes.
    pub(super) fn insert(&mut self, node: &SyntaxNode) {
        let target = scope::target(node);
        let items = self.placed(target.into_iter().collect());
        let relation = items.first().and_then(|item| item.relation.clone());
        let around = std::mem::replace(&mut self.target, relation.clone());
        let mut frame = items;
        frame.extend(relation.as_ref().map(|relation| Item::named("excluded", relation)));
        for part in node.children() {
            if matches!(part.kind(), ON_CONFLICT_CLAUSE | RETURNING_CLAUSE) {
                self.scope.push(if part.kind() == RETURNING_CLAUSE {
                    frame[..1.min(frame.len())].to_vec()
                } else {
                    frame.clone()
                });
                self.visit(&part);
                self.scope.pop();
            } else {
                self.visit(&part);
            }
        }
        self.target = around;
    }

    /// `UPDATE`, `DELETE`, `MERGE`.
    pub(super) fn change(&mut self, node: &SyntaxNode) {
        let mut items: Vec<Item> = scope::target(node).into_iter().collect();
        if let Some(list) = child(node, &[FROM_CLAUSE, USING_CLAUSE, USING_ON_CLAUSE]) {
            items.extend(scope::items(&list, &self.ctes));
        }
        let items = self.placed(items);
        let around = std::mem::replace(&mut self.target, items.first().and_then(|item| item.relation.clone()));
        self.scope.push(items);
        self.below(node);
        self.scope.pop();
        self.target = around;
    }

    /// A column of a new table, or one that is added.
    pub(super) fn column(&mut self, node: &SyntaxNode) {
        if let Some(name) = child(node, &[COLUMN_NAME]) {
            self.of_subject(&name, Object::Column, Access::Create);
        }
        // the default of an enum is one of its values
        let of =
            child(node, &[PATH_TYPE]).and_then(|of| child(&of, &[PATH_REF])).and_then(|path| self.qualified(&path));
        let literal = child(node, &[DEFAULT_CONSTRAINT]).and_then(|default| child(&default, &[LITERAL]));
        if let (Some(of), Some(literal)) = (of, literal)
            && !(of.schema.is_none() && types::is_own(of.name.as_str()))
            && let Some(value) = text_of(&literal)
        {
            self.note(Object::EnumValue(of, value), ObjectClass::Type, Access::Read, &literal);
        }
        self.below(node);
    }

    /// A column that is there: of which table, says what is around it.
    pub(super) fn column_ref(&mut self, node: &SyntaxNode) {
        let Some(name) = ident(node) else { return };
        let Some(parent) = node.parent() else { return };
        let mut how = Access::Read;
        let referenced = |parent: &SyntaxNode| -> Option<QualifiedName> {
            child(parent, &[TABLE_NAME_REF]).as_ref().and_then(qualified_name)
        };
        let table = match parent.kind() {
            REFERENCES_CONSTRAINT => referenced(&parent),
            FOREIGN_KEY_COLUMN_LIST => {
                let constraint = parent.parent();
                let lists = constraint.iter().flat_map(SyntaxNode::children).filter(|n| n.kind() == parent.kind());
                if lists.take(1).any(|first| first == parent) {
                    self.subject.clone()
                } else {
                    constraint.as_ref().and_then(referenced)
                }
            }
            COLUMN_TARGET | CONFLICT_INDEX_ITEM => self.target.clone(),
            DROP_COLUMN | RENAME_COLUMN => {
                how = Access::Drop;
                self.subject.clone()
            }
            ALTER_COLUMN => {
                how = Access::Alter;
                self.subject.clone()
            }
            CONSTRAINT_COLUMN_REF_LIST | TRIGGER_EVENT_UPDATE => self.subject.clone(),
            COLUMN_REF_LIST => match parent.parent() {
                Some(around) if around.kind() == JOIN_USING_CLAUSE => return self.among(name, node),
                Some(around) if matches!(around.kind(), COPY_TABLE | REVOKE_COMMAND | ALL_PRIVILEGES) => {
                    self.subject.clone()
                }
                _ => None,
            },
            _ => None,
        };
        let Some(table) = table else { return };
        let table = QualifiedName { schema: table.schema.or_else(|| self.context.schema.clone()), name: table.name };
        self.note(Object::Column(table, name), ObjectClass::Table, how, node);
    }
}

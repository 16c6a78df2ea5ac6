//! `GRANT` and `REVOKE`: privileges as objects, so that one that gives and one that takes have an order.

use super::name::{child, ident};
use super::object::{Arguments, Object};
use super::signature;
use super::walk::Walk;
use crate::base::Ident;
use crate::effects::{Access, ObjectClass};
use squawk_syntax::{SyntaxKind::*, SyntaxNode};

impl Walk<'_> {
    /// Notes each privilege on each object of each role. Those on all objects of a schema are left out: which these are,
    /// the text does not tell.
    pub(super) fn privileges(&mut self) {
        let statement = self.statement.clone();
        let Some(clause) = child(&statement, &[ON_PRIVILEGE_OBJECTS_CLAUSE]) else { return };
        let how = if statement.kind() == GRANT { Access::Create } else { Access::Drop };
        let words = |node: &SyntaxNode| {
            let text = node.text().to_string();
            text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_uppercase()
        };
        let privileges: Vec<String> = match child(&statement, &[REVOKE_COMMAND_LIST]) {
            Some(list) => list.children().map(|privilege| words(&privilege)).collect(),
            None => vec!["ALL".to_owned()],
        };
        let roles: Vec<(Ident, SyntaxNode)> = child(&statement, &[ROLE_REF_LIST])
            .into_iter()
            .flat_map(|list| list.children().collect::<Vec<_>>())
            .filter_map(|role| Some((ident(&role)?, role)))
            .collect();
        let is_whole_schema = clause.children().any(|n| format!("{:?}", n.kind()).contains("_IN_SCHEMA"));
        if is_whole_schema {
            return;
        }
        let objects: Vec<Object> = clause.descendants().filter_map(|node| self.granted(&node)).collect();
        for on in objects {
            for privilege in &privileges {
                for (to, node) in &roles {
                    let (on, privilege, to) = (Box::new(on.clone()), privilege.clone(), to.clone());
                    self.note(Object::Grant { on, privilege, to }, ObjectClass::Role, how, node);
                }
            }
        }
    }

    fn granted(&self, node: &SyntaxNode) -> Option<Object> {
        Some(match node.kind() {
            RELATION_NAME_REF | SEQUENCE_REF => Object::Relation(self.qualified(node)?),
            TYPE_NAME_REF | DOMAIN_REF => Object::Type(self.qualified(node)?),
            SCHEMA_REF => Object::Schema(ident(node)?),
            FUNCTION_NAME_REF | PROCEDURE_NAME_REF | ROUTINE_NAME_REF => {
                let list = node.parent().and_then(|parent| child(&parent, &[PARAM_LIST]));
                let arguments = list.map_or(Arguments::Any, |list| signature::of(&list));
                Object::Function(self.qualified(node)?, arguments)
            }
            _ => return None,
        })
    }
}

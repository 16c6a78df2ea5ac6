//! Names in expressions: columns, functions, types, constants that name objects.

use super::name::{child, has_word, ident, in_text, is_under, parts, qualified_name, text_of};
use super::object::{Arguments, Lookup, LooseColumn, Object};
use super::settings::path_of;
use super::types;
use super::walk::Walk;
use crate::base::{Ident, QualifiedName};
use crate::effects::{Access, ObjectClass};
use crate::sql::token::qualified;
use squawk_syntax::{SyntaxKind::*, SyntaxNode};

impl Walk<'_> {
    /// `schema.table.column`.
    pub(super) fn qualified_column(&mut self, node: &SyntaxNode) {
        let inner = child(node, &[PATH_REF, QUALIFIED_COLUMN_NAME_REF]);
        if node.kind() == OBJECT_COLUMN && inner.as_ref().is_some_and(|n| n.kind() == QUALIFIED_COLUMN_NAME_REF) {
            return self.below(node);
        }
        let mut parts = parts(inner.as_ref().unwrap_or(node));
        let column = parts.pop();
        let how = if is_under(node, &[OPTION_OWNED_BY]) { Access::Read } else { Access::Alter };
        let Some(table) = qualified(parts).map(|name| self.in_schema(name)) else { return };
        self.relation_noted(ObjectClass::Table, table.clone(), how, node);
        if let Some(column) = column {
            self.note(Object::Column(table, column), ObjectClass::Table, Access::Read, node);
        }
    }

    pub(super) fn attribute(&mut self, node: &SyntaxNode) {
        let how = match node.parent().map(|p| p.kind()) {
            Some(DROP_ATTRIBUTE) => Access::Drop,
            Some(RENAME_ATTRIBUTE) if node.kind() == COMPOSITE_FIELD_REF => Access::Drop,
            Some(ALTER_ATTRIBUTE) => Access::Alter,
            _ => Access::Create,
        };
        self.of_subject(node, Object::Column, how);
    }

    pub(super) fn path_type(&mut self, node: &SyntaxNode) {
        let Some(name) = child(node, &[PATH_REF]).as_ref().and_then(qualified_name) else { return };
        // the options of an aggregate are no types
        if is_under(node, &[ATTRIBUTE_VALUE]) {
            return;
        }
        let own =
            name.schema.as_ref().map_or_else(|| types::is_own(name.name.as_str()), |s| s.as_str() == "pg_catalog");
        if !own {
            let name = self.in_schema(name);
            self.note(Object::Type(name), ObjectClass::Type, Access::Read, node);
        }
    }

    pub(super) fn percent_type(&mut self, node: &SyntaxNode) {
        let Some(path) = child(node, &[PATH_REF]) else { return };
        let mut parts = parts(&path);
        let column = parts.pop();
        if let (Some(table), Some(column)) = (qualified(parts), column) {
            let table = self.in_schema(table);
            self.note(Object::Column(table, column), ObjectClass::Table, Access::Read, node);
        }
    }

    /// A function that is called: part of a definition, or run here and now.
    pub(super) fn call(&mut self, node: &SyntaxNode) {
        let callee = child(node, &[NAME_REF, FIELD_EXPR]);
        let function = callee.as_ref().and_then(qualified_name);
        for other in node.children().filter(|n| Some(n) != callee.as_ref()) {
            self.visit(&other);
        }
        let (Some(callee), Some(function)) = (callee, function) else { return };
        let own = matches!(function.schema.as_ref().map(Ident::as_str), Some("pg_catalog" | "information_schema"));
        let literal = |n: usize| {
            let arg = child(node, &[ARG_LIST])?.children().filter(|n| n.kind() == ARG).nth(n)?;
            let literal = arg.descendants().find(|n| n.kind() == LITERAL)?;
            Some((in_text(&literal), text_of(&literal)))
        };
        if own || function.schema.is_none() {
            match function.name.as_str() {
                "nextval" | "currval" | "setval" => {
                    if let Some((Some(sequence), _)) = literal(0) {
                        let sequence = self.in_schema(sequence);
                        self.relation_noted(ObjectClass::Sequence, sequence, Access::Read, node);
                    }
                    return;
                }
                "set_config" => {
                    if let (Some((_, Some(name))), Some((_, Some(value)))) = (literal(0), literal(1))
                        && name.eq_ignore_ascii_case("search_path")
                        && self.context.lookup == Lookup::Statement
                    {
                        self.sets_path(path_of(&value));
                    }
                    return;
                }
                _ => {}
            }
        }
        if own {
            return;
        }
        // what the ledger's functions do in place of statements
        if let Some((make, how)) = kept(function.name.as_str())
            && let Some((Some(table), _)) = literal(0)
            && let Some(object) = make(table, literal(1).and_then(|(_, text)| text))
        {
            self.note(object, ObjectClass::Table, how, node);
        }
        if self.runs && function.schema.is_some() {
            self.runs_code();
        }
        let count = child(node, &[ARG_LIST]).map_or(0, |list| list.children().filter(|n| n.kind() == ARG).count());
        let function = self.in_schema(function);
        let runs = self.runs;
        self.note(Object::Function(function, Arguments::Call(count)), ObjectClass::Function, Access::Read, &callee);
        if runs && let Some(mention) = self.objects.mentions.last_mut() {
            (mention.calls, mention.defines) = (true, false);
        }
    }

    /// A cast of a constant: a value of an enum, or an object's name.
    pub(super) fn cast(&mut self, node: &SyntaxNode) {
        let literal = child(node, &[LITERAL]);
        let of = child(node, &[PATH_TYPE]).as_ref().and_then(qualified_name);
        if let (Some(literal), Some(of)) = (literal, of) {
            let plain = of.schema.is_none() || of.schema.as_ref().is_some_and(|s| s.as_str() == "pg_catalog");
            if plain && of.name.as_str() == "regclass" {
                if let Some(relation) = in_text(&literal) {
                    let relation = self.in_schema(relation);
                    self.relation_noted(ObjectClass::Table, relation, Access::Read, &literal);
                }
            } else if !(plain && types::is_own(of.name.as_str()))
                && let Some(value) = text_of(&literal)
            {
                let of = self.in_schema(of);
                self.note(Object::EnumValue(of, value), ObjectClass::Type, Access::Read, &literal);
            }
        }
        self.below(node);
    }

    pub(super) fn enum_values(&mut self, node: &SyntaxNode) {
        let Some(of) = self.subject.clone() else { return self.below(node) };
        let literals: Vec<SyntaxNode> = node.descendants().filter(|n| n.kind() == LITERAL).collect();
        for (n, literal) in literals.iter().enumerate() {
            let how = match (node.kind(), n) {
                (ENUM_TYPE, _) | (ADD_VALUE, 0) => Access::Create,
                (RENAME_VALUE, 0) => Access::Drop,
                (RENAME_VALUE, _) => Access::Create,
                _ => Access::Read,
            };
            if let Some(value) = text_of(literal) {
                self.note(Object::EnumValue(of.clone(), value), ObjectClass::Type, how, literal);
            }
        }
    }

    /// A column without a table.
    pub(super) fn loose_column(&mut self, node: &SyntaxNode) {
        let Some(name) = ident(node) else { return };
        let is_whole_row = self.scope.qualifier(&name).is_some();
        if is_whole_row || self.context.hidden.contains(&name) {
            return;
        }
        // the name of a result comes before that of a column
        let sorts = is_under(node, &[ORDER_BY_CLAUSE, GROUP_BY_CLAUSE]);
        if sorts && node.ancestors().any(|query| has_result(&query, &name)) {
            return;
        }
        self.among(name, node);
    }

    /// Notes a column of one of the relations around.
    pub fn among(&mut self, name: Ident, node: &SyntaxNode) {
        let mut among = self.scope.among();
        match among.len() {
            0 => {}
            1 => {
                if let Some(table) = among.pop() {
                    self.note(Object::Column(table, name), ObjectClass::Table, Access::Read, node);
                }
            }
            _ => self.objects.columns.push(LooseColumn {
                name,
                among,
                lookup: self.context.lookup,
                guarded: self.context.guarded,
                at: (self.context.bytes)(node.text_range()),
            }),
        }
    }

    /// `alias.column`, `schema.table.column`.
    pub(super) fn field(&mut self, node: &SyntaxNode) {
        let is_plain = |node: &SyntaxNode| node.descendants().all(|n| matches!(n.kind(), FIELD_EXPR | NAME_REF));
        if !is_plain(node) {
            // a field of a row that is computed
            return node.children().take(1).for_each(|base| self.visit(&base));
        }
        if has_word(node, STAR) {
            return;
        }
        let mut parts = parts(node);
        let Some(column) = parts.pop() else { return };
        let table = match parts.as_slice() {
            [one] => self.scope.qualifier(one).flatten().cloned(),
            _ => qualified(parts).filter(|name| self.scope.has(name)),
        };
        if let Some(table) = table {
            self.note(Object::Column(table, column), ObjectClass::Table, Access::Read, node);
        }
    }
}

type Make = fn(QualifiedName, Option<String>) -> Option<Object>;

/// What a function of the ledger drops or makes, by its first arguments: a table, and a column of it.
fn kept(function: &str) -> Option<(Make, Access)> {
    let table: Make = |table, _| Some(Object::Relation(table));
    let column: Make = |table, column| Some(Object::Column(table, Ident::new(column?).ok()?));
    match function {
        "keep_table" => Some((table, Access::Drop)),
        "restore_table" => Some((table, Access::Create)),
        "keep_column" => Some((column, Access::Drop)),
        "restore_column" => Some((column, Access::Create)),
        _ => None,
    }
}

/// Whether a query has a result of this name.
fn has_result(query: &SyntaxNode, name: &Ident) -> bool {
    let list = child(query, &[SELECT_CLAUSE]).and_then(|clause| child(&clause, &[TARGET_LIST]));
    let names = list.into_iter().flat_map(|list| list.children().collect::<Vec<_>>());
    names.filter_map(|target| child(&target, &[AS_NAME])).any(|alias| ident(&alias).as_ref() == Some(name))
}

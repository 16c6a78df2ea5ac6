//! What the statements of a plan make, for the statements after them.

use super::{Catalog, Child, ForeignKey, Listed, Question};
use crate::base::{Ident, QualifiedName};
use crate::sql::also::Through;
use crate::sql::facts::Facts;
use crate::sql::objects::is_own_type;
use crate::sql::token::{Cursor, Tok, by_comma, words};

/// Types that make a sequence for their column.
const SERIAL: [&str; 6] = ["serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"];

impl Catalog {
    /// Takes over what a statement does, and returns the table that it makes. After one that runs something unknown,
    /// only what is made later is known completely.
    pub fn note(&mut self, sql: &str, facts: &Facts) -> Option<QualifiedName> {
        let recalls = facts.also.iter().any(|also| also.through == Through::Recalled);
        if facts.runs_unknown() || recalls {
            self.is_certain = false;
            self.made.clear();
            return None;
        }
        let toks = words(sql);
        let mut c = Cursor::new(&toks);
        if c.eat("create") {
            return self.create(c, facts);
        } else if c.eat_any(&["alter table", "alter foreign table"]) {
            self.alter(c);
        } else if c.eat_any(&["drop table", "drop foreign table"]) {
            c.eat("if exists");
            for name in c.qnames() {
                let name = self.find(&name);
                self.forget(&name);
            }
        } else if c.eat("do") {
            // what is in the block has run, or has not
            self.is_certain = false;
            self.made.clear();
        }
        None
    }

    fn create(&mut self, mut c: Cursor<'_, '_>, facts: &Facts) -> Option<QualifiedName> {
        c.eat("or replace");
        c.eat_any(&["global", "local"]);
        c.eat_any(&["temporary", "temp"]);
        c.eat_any(&["unlogged", "unique", "recursive", "constraint"]);
        if c.eat_any(&["table", "foreign table"]) {
            return self.table(c);
        } else if c.eat("index") {
            c.eat("if not exists");
            let name = if c.sees("on") { None } else { c.ident() };
            c.eat("on");
            c.eat("only");
            if let (Some(name), Some(table)) = (name, c.qname()) {
                let index = table.sibling(name);
                self.add_to(Through::IndexTable, &index, &table);
            }
        } else if c.eat_any(&["view", "materialized view"]) {
            c.eat("if not exists");
            let view = c.qname()?;
            for (base, _) in facts.locks.iter().filter(|(base, _)| *base != view) {
                let base = self.find(base);
                self.base(view.clone(), base);
            }
            self.made.insert(view);
        } else if c.eat("trigger") {
            self.fires(c, "on");
        } else if c.eat("rule") {
            self.fires(c, "to");
        } else if c.eat("domain") {
            let domain = c.qname()?;
            let words = ["check", "not null", "default"];
            if words.iter().any(|word| c.has(word)) {
                self.add_to(Through::ColumnDomain, &domain, &domain);
            }
            self.made.insert(domain);
        } else if c.eat("type")
            && let Some(name) = c.qname()
        {
            self.made.insert(name);
        }
        None
    }

    fn fires(&mut self, mut c: Cursor<'_, '_>, word: &str) {
        if c.skip_past(word)
            && let Some(table) = c.qname()
        {
            self.add_to(Through::Triggers, &table, &table);
        }
    }

    /// Adds a table to the list of a connection.
    fn add_to(&mut self, through: Through, of: &QualifiedName, table: &QualifiedName) {
        let (of, table) = (self.find(of), self.find(table));
        let question = Question { through, of: Some(of), class: None, part: None };
        self.lists.entry(question).or_default().push(Listed::kept(table));
    }

    fn table(&mut self, mut c: Cursor<'_, '_>) -> Option<QualifiedName> {
        let may_exist = c.eat("if not exists");
        let table = c.qname()?;
        if !may_exist {
            self.forget(&table);
            self.made.insert(table.clone());
        }
        if c.eat("of")
            && let Some(kind) = c.qname()
        {
            self.add_to(Through::TypedTables, &kind, &table);
        }
        let partition_of = c.eat("partition of").then(|| c.qname()).flatten();
        for element in c.group().map(by_comma).unwrap_or_default() {
            self.element(&table, element);
        }
        if let Some(parent) = partition_of {
            let default = c.sees("default");
            self.joins(&parent, &table, true, default);
        }
        if c.eat("inherits")
            && let Some(parents) = c.group()
        {
            for parent in Cursor::new(parents).qnames() {
                self.joins(&parent, &table, false, false);
            }
        }
        (!may_exist).then_some(table)
    }

    fn joins(&mut self, parent: &QualifiedName, name: &QualifiedName, partition: bool, default: bool) {
        let (parent, name) = (self.find(parent), self.find(name));
        if partition {
            // a partition has the foreign keys of its table
            let keys = self.keys_from.get(&parent).into_iter().flatten().filter_map(|at| self.keys.get(*at));
            let keys: Vec<ForeignKey> = keys.map(|key| ForeignKey { from: name.clone(), ..key.clone() }).collect();
            keys.into_iter().for_each(|key| self.foreign_key(key));
        }
        self.child(Child { parent, name, partition, default });
    }

    /// A column or constraint in `CREATE TABLE`, or of `ADD`.
    fn element(&mut self, table: &QualifiedName, element: &[Tok<'_>]) {
        let mut c = Cursor::new(element);
        let mut name = None;
        if c.eat("constraint") {
            name = c.ident();
        }
        if c.eat("foreign key") {
            let columns = c.group().map(names).unwrap_or_default();
            self.references(table, c, name, columns);
        } else if name.is_none()
            && !c.peek().is_some_and(|t| t.is_any(&["check", "unique", "primary", "exclude", "like"]))
        {
            let Some(column) = c.ident() else { return };
            self.column(table, &column, c);
            // CONSTRAINT name REFERENCES
            let named = element.windows(3).find(|three| three[0].is("constraint") && three[2].is("references"));
            self.references(table, c, named.and_then(|three| three[1].name()), vec![column]);
        }
    }

    fn column(&mut self, table: &QualifiedName, column: &Ident, mut c: Cursor<'_, '_>) {
        if c.peek().is_some_and(|t| t.is_any(&SERIAL)) || c.has("as identity") {
            let name = format!("{}_{column}_seq", table.name);
            if let Ok(name) = Ident::new(name) {
                self.sequence(self.find(table), column.clone(), table.sibling(name));
            }
        }
        if let Some(kind) = c.qname()
            && !(kind.schema.is_none() && is_own_type(kind.name.as_str()))
        {
            self.add_to(Through::DomainUsers, &kind, table);
        }
    }

    fn references(&mut self, table: &QualifiedName, mut c: Cursor<'_, '_>, name: Option<Ident>, columns: Vec<Ident>) {
        if !c.skip_past("references") {
            return;
        }
        let Some(to) = c.qname() else { return };
        let to_columns = c.group().map(names).unwrap_or_default();
        let cascades = ["cascade", "set null", "set default"].iter().any(|word| c.has(word));
        let (from, to) = (self.find(table), self.find(&to));
        self.foreign_key(ForeignKey { name, from, columns, to, to_columns, key: None, cascades });
    }

    fn alter(&mut self, mut c: Cursor<'_, '_>) {
        c.eat("if exists");
        c.eat("only");
        let Some(table) = c.qname() else { return };
        c.eat_sign(b'*');
        for action in by_comma(c.rest()) {
            let mut c = Cursor::new(action);
            if c.eat("add") {
                c.eat("column");
                c.eat("if not exists");
                self.element(&table, c.rest());
            } else if c.eat("attach partition") {
                if let Some(partition) = c.qname() {
                    self.joins(&table, &partition, true, c.sees("default"));
                }
            } else if c.eat("inherit") {
                if let Some(parent) = c.qname() {
                    self.joins(&parent, &table, false, false);
                }
            } else if c.eat("drop constraint") {
                c.eat("if exists");
                if let Some(name) = c.ident() {
                    let table = self.find(&table);
                    self.drop_key(&table, &name);
                }
            } else if c.eat_any(&["rename to", "set schema"]) {
                // under its new name nobody knows what is connected with it
                let table = self.find(&table);
                self.made.remove(&table);
                self.is_certain = false;
            }
        }
    }

    /// A foreign key is gone, also from partitions.
    fn drop_key(&mut self, table: &QualifiedName, name: &Ident) {
        let tables = self.with_partitions(table);
        let keys = &self.keys;
        let is_gone =
            |at: &usize| keys.get(*at).is_some_and(|key| key.name.as_ref() == Some(name) && tables.contains(&key.from));
        let lists = self.keys_from.values_mut().chain(self.keys_to.values_mut());
        lists.for_each(|list| list.retain(|at| !is_gone(at)));
    }

    /// A table that is gone, or is another one under this name from here on.
    fn forget(&mut self, table: &QualifiedName) {
        for lists in [&mut self.children, &mut self.parents] {
            lists.remove(table);
            lists.values_mut().for_each(|list| list.retain(|child| child.name != *table && child.parent != *table));
        }
        self.keys_from.remove(table);
        self.keys_to.remove(table);
        self.sequences.remove(table);
        self.bases.remove(table);
        self.lists.remove(&Question { through: Through::Triggers, of: Some(table.clone()), class: None, part: None });
    }
}

fn names(list: &[Tok<'_>]) -> Vec<Ident> {
    list.iter().filter_map(Tok::name).collect()
}

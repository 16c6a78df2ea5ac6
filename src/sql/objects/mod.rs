//! Finds the objects that SQL names: any SQL goes in, [`Objects`] come out.
//!
//! It reads the syntax tree of the grammar's crate. To add a class of objects: a variant of [`Object`] and its kinds of
//! nodes in [`walk`].

mod body;
mod definitions;
mod expressions;
mod mistake;
mod name;
mod nested;
mod object;
mod parse;
mod privileges;
mod rows;
mod scope;
mod settings;
mod signature;
mod touch;
mod types;
mod walk;

pub(super) use types::is_own as is_own_type;

pub use object::{Arguments, Lookup, LooseColumn, Mention, Mistake, Object, Objects, Unknown};

pub(super) use name::{child, ident, qualified_name};
pub(super) use parse::{has_mistake, with_tree};

use super::split::split;
use crate::effects::Effects;
use walk::Context;

pub use mistake::UNPARSED_MARK;

/// What a text of SQL says about objects, down to columns, constraints, values of enums and arguments of functions.
/// `None` where it cannot be read: a quote is open, or it is nested too deep.
///
/// Bodies of functions in SQL and PL/pgSQL and `DO` blocks are read too; `EXECUTE` of a text that is built at run time
/// and other languages are noted as unknown. Objects that CASCADE drags along are not in the text.
#[must_use]
pub fn objects(sql: &str) -> Option<Objects> {
    let pieces = split(sql).ok()?;
    parse::with_tree(sql, |parsed| {
        let mut objects = Objects::default();
        walk::statements(&parsed.syntax_node(), &mut objects, &Context::of_text());
        let mistakes = parse::mistakes(parsed).into_iter().map(|(error, in_body)| {
            Mistake::new(error.message(), usize::from(error.range().start())..usize::from(error.range().end()), in_body)
        });
        objects.mistakes.extend(mistakes);
        mistake::first_of_each(&mut objects.mistakes, sql, &pieces);
        objects
    })
}

/// The objects that a text of SQL touches, in the order in which they occur.
///
/// `None` when it cannot be known: a DO block, `CALL`, `EXECUTE`, a function outside of
/// `pg_catalog` that a query calls by its schema, `IMPORT FOREIGN SCHEMA`, `REASSIGN OWNED`, a
/// schema dropped with all that is in it, SQL with a mistake. A function's body does not run
/// when the function is made and touches nothing, unless it is written as `BEGIN ATOMIC`,
/// which the server binds at once. Objects that CASCADE drags along are not in the text;
/// temporary tables are left out, and functions called without a schema in a query are taken for
/// the server's own.
#[must_use]
pub fn touches(sql: &str) -> Option<Effects> {
    objects(sql)?.touches()
}

impl Objects {
    /// The objects that the text touches, as [`touches`].
    #[must_use]
    pub fn touches(&self) -> Option<Effects> {
        touch::effects(self)
    }
}

#[cfg(test)]
mod tests;

//! What SQL says about objects: which it names, what it does to them, when the server looks them up.

use crate::base::{Ident, QualifiedName};
use crate::effects::{Access, ObjectClass};
use std::ops::Range;

/// An object, by the name that SQL gives it. Names without a schema are looked up along the `search_path`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// A schema.
    Schema(Ident),
    /// A table, view, materialized view, sequence or index: they share their names (`pg_class`).
    Relation(QualifiedName),
    /// A column of a relation, or an attribute of a composite type.
    Column(QualifiedName, Ident),
    /// A constraint of a table or domain.
    Constraint(QualifiedName, Ident),
    /// A trigger of a table.
    Trigger(QualifiedName, Ident),
    /// A policy of a table.
    Policy(QualifiedName, Ident),
    /// A rule of a table or view.
    Rule(QualifiedName, Ident),
    /// Extended statistics of a table.
    Statistics(QualifiedName),
    /// An enum, domain, range or composite type.
    Type(QualifiedName),
    /// A value of an enum.
    EnumValue(QualifiedName, String),
    /// A function, procedure or aggregate.
    Function(QualifiedName, Arguments),
    /// An extension.
    Extension(Ident),
    /// A role.
    Role(Ident),
    /// A privilege on an object that a role has.
    Grant {
        /// The object.
        on: Box<Object>,
        /// The privilege, in capitals: `SELECT`, `SELECT (a, b)`, `ALL`.
        privilege: String,
        /// The role; `public` is all of them.
        to: Ident,
    },
}

/// Which of the functions of one name are meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arguments {
    /// Those with exactly these types of input arguments; how many need not be given.
    Types {
        /// The types, with the server's names for its own.
        types: Vec<String>,
        /// How many have no default.
        needed: usize,
        /// Whether the last stands for any number.
        variadic: bool,
    },
    /// A call with this number of arguments.
    Call(usize),
    /// Any: the name stands without arguments.
    Any,
}

impl Arguments {
    /// Whether a use with these arguments can mean a function that was made with those.
    #[must_use]
    pub fn can_mean(&self, made: &Arguments) -> bool {
        match (self, made) {
            (Arguments::Types { types, .. }, Arguments::Types { types: made, .. }) => types == made,
            (Arguments::Call(count), Arguments::Types { types, needed, variadic }) => {
                count >= needed && (*variadic || *count <= types.len())
            }
            _ => true,
        }
    }
}

impl Object {
    /// What the object belongs to by its name: the name of the table of a column; its own otherwise.
    #[must_use]
    pub fn name(&self) -> Option<&QualifiedName> {
        match self {
            Object::Relation(name) | Object::Statistics(name) | Object::Type(name) | Object::Function(name, _) => {
                Some(name)
            }
            Object::Column(name, _)
            | Object::Constraint(name, _)
            | Object::Trigger(name, _)
            | Object::Policy(name, _)
            | Object::Rule(name, _)
            | Object::EnumValue(name, _) => Some(name),
            Object::Grant { on, .. } => on.name(),
            Object::Schema(_) | Object::Extension(_) | Object::Role(_) => None,
        }
    }

    /// The same object with its name looked up anew.
    #[must_use]
    pub fn with_name(&self, look: impl Fn(&QualifiedName) -> QualifiedName) -> Self {
        match self {
            Object::Relation(name) => Object::Relation(look(name)),
            Object::Statistics(name) => Object::Statistics(look(name)),
            Object::Type(name) => Object::Type(look(name)),
            Object::Function(name, arguments) => Object::Function(look(name), arguments.clone()),
            Object::Column(name, of) => Object::Column(look(name), of.clone()),
            Object::Constraint(name, of) => Object::Constraint(look(name), of.clone()),
            Object::Trigger(name, of) => Object::Trigger(look(name), of.clone()),
            Object::Policy(name, of) => Object::Policy(look(name), of.clone()),
            Object::Rule(name, of) => Object::Rule(look(name), of.clone()),
            Object::EnumValue(name, of) => Object::EnumValue(look(name), of.clone()),
            Object::Grant { on, privilege, to } => {
                Object::Grant { on: Box::new(on.with_name(look)), privilege: privilege.clone(), to: to.clone() }
            }
            Object::Schema(_) | Object::Extension(_) | Object::Role(_) => self.clone(),
        }
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Object::Schema(name) => write!(f, "schema {name}"),
            Object::Relation(name) => write!(f, "{name}"),
            Object::Column(of, name) => write!(f, "column {of}.{name}"),
            Object::Constraint(of, name) => write!(f, "constraint {name} of {of}"),
            Object::Trigger(of, name) => write!(f, "trigger {name} of {of}"),
            Object::Policy(of, name) => write!(f, "policy {name} of {of}"),
            Object::Rule(of, name) => write!(f, "rule {name} of {of}"),
            Object::Statistics(name) => write!(f, "statistics {name}"),
            Object::Type(name) => write!(f, "type {name}"),
            Object::EnumValue(of, value) => write!(f, "value '{value}' of type {of}"),
            Object::Function(name, Arguments::Types { types, .. }) => {
                write!(f, "function {name}({})", types.join(", "))
            }
            Object::Function(name, _) => write!(f, "function {name}"),
            Object::Extension(name) => write!(f, "extension {name}"),
            Object::Role(name) => write!(f, "role {name}"),
            Object::Grant { on, privilege, to } => write!(f, "privilege {privilege} on {on} of {to}"),
        }
    }
}

/// When the server looks up a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lookup {
    /// When it runs the statement.
    Statement,
    /// When it creates the function whose body has the name (`check_function_bodies`).
    Creation,
    /// When the function is called whose body has the name.
    Call,
}

/// A place where SQL names an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The object.
    pub object: Object,
    /// Its class, as far as the statement tells: a view after `FROM` is taken for a table.
    pub class: ObjectClass,
    /// What happens to it.
    pub how: Access,
    /// When the server looks it up.
    pub lookup: Lookup,
    /// Whether the statement does nothing without it, or if it is there: `IF EXISTS`, `IF NOT EXISTS`, a branch of
    /// a `DO` block.
    pub guarded: bool,
    /// Whether it makes or changes a definition; comments, grants and owners are none.
    pub defines: bool,
    /// Whether it is added to an object that is there.
    pub adds: bool,
    /// Whether the statement calls the function.
    pub calls: bool,
    /// The bytes of the text that name it.
    pub at: Range<usize>,
}

/// A column without its table: it belongs to one of the relations around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LooseColumn {
    /// The column.
    pub name: Ident,
    /// The relations that it can be of, in the order of the text.
    pub among: Vec<QualifiedName>,
    /// When the server looks it up.
    pub lookup: Lookup,
    /// As in [`Mention::guarded`].
    pub guarded: bool,
    /// The bytes of the text that name it.
    pub at: Range<usize>,
}

/// A part of the text that does not tell what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// What it is, as a noun: `EXECUTE of a text that is built at run time`.
    pub what: &'static str,
    /// When it happens.
    pub lookup: Lookup,
    /// Its bytes.
    pub at: Range<usize>,
}

/// A place where the text is not PostgreSQL's SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What the parser says.
    pub message: String,
    /// The bytes.
    pub at: Range<usize>,
    /// Whether it is in the body of a function, which the server may read only when the function is called.
    pub in_body: bool,
    /// Whether the text says that the parser cannot read the statement ([`super::UNPARSED_MARK`]).
    pub expected: bool,
}

impl Mistake {
    pub(super) fn new(message: &str, at: Range<usize>, in_body: bool) -> Self {
        Self { message: message.to_owned(), at, in_body, expected: false }
    }
}

/// Everything that a text of SQL says about objects, in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Objects {
    /// The objects.
    pub mentions: Vec<Mention>,
    /// Columns whose table the text does not name.
    pub columns: Vec<LooseColumn>,
    /// Tables and views whose columns are not all in the text: `LIKE`, `INHERITS`, `AS SELECT`.
    pub open: Vec<QualifiedName>,
    /// What the text does not tell.
    pub unknown: Vec<Unknown>,
    /// Tables that get another name or schema: before and after.
    pub renames: Vec<(QualifiedName, QualifiedName)>,
    /// The `search_path` from a byte of the text on; empty: the session's.
    pub search_paths: Vec<(usize, Vec<Ident>)>,
    /// Whether bodies of functions are checked from here on, if the text says so.
    pub check_function_bodies: Option<bool>,
    /// Where it is not SQL.
    pub mistakes: Vec<Mistake>,
    /// Whether it runs code whose effects are not in the text, so that no other step may run beside it.
    pub runs_code: bool,
}

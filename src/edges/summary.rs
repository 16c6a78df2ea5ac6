//! What a changeset as a whole does to objects: what it needs, and what it leaves behind.

use super::register::Register;
use crate::base::{Ident, QualifiedName};
use crate::effects::Access;
use crate::plan::step::Examined;
use crate::sql::{Lookup, Mention, Object, Objects};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// A place in the SQL of a changeset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The position of the change; behind the changes come the `verify` checks.
    pub change: usize,
    /// The bytes of its SQL.
    pub at: Range<usize>,
}

/// An object in a changeset, at the first place that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The object, with the schema that the server would look into.
    pub object: Object,
    /// Other objects that the name can mean, along the `search_path`.
    pub or: Vec<Object>,
    /// When the server looks it up.
    pub lookup: Lookup,
    /// Whether nothing happens without it, or if it is there.
    pub guarded: bool,
    /// Whether its definition changes.
    pub changes: bool,
    /// Whether it is a column that belongs to one of several tables.
    pub loose: bool,
    /// Whether it is made by giving another one its name.
    pub renamed: bool,
    /// Whether the changeset drops it before it makes it.
    pub again: bool,
    /// Where.
    pub spot: Spot,
}

impl Use {
    /// An object that the server looks up when it runs the statement.
    fn new(object: Object, spot: Spot) -> Self {
        Self {
            object,
            or: Vec::new(),
            lookup: Lookup::Statement,
            guarded: false,
            changes: false,
            loose: false,
            renamed: false,
            again: false,
            spot,
        }
    }
}

/// What a changeset does to objects.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Objects that were there before it.
    pub uses: Vec<Use>,
    /// Objects that are there after it, and that it made or made again.
    pub makes: Vec<Use>,
    /// Objects that were there before it and are not there after it.
    pub drops: Vec<Use>,
    /// Tables whose columns are not all in its text.
    pub open: Vec<QualifiedName>,
    /// What its text does not tell, at which place; bodies of functions are left out.
    pub unknown: Vec<(&'static str, Spot)>,
}

/// The schema that names without one mean, if nobody says otherwise.
const DEFAULT_SCHEMA: &str = "public";

/// Schemas of the server, which no changeset makes.
const OWN_SCHEMAS: [&str; 3] = ["pg_catalog", "information_schema", "pg_toast"];

impl Summary {
    /// Sums up what was found in the SQL of a changeset.
    #[must_use]
    pub fn of(examined: &Examined, ledger: &Ident) -> Self {
        let mut build = Build {
            ledger,
            summary: Self::default(),
            path: Vec::new(),
            made: Register::default(),
            makes: Register::default(),
            drops: Register::default(),
            seen: HashMap::new(),
            temporary: HashSet::new(),
            checked: true,
        };
        for (change, said) in examined.said.iter().enumerate() {
            match said {
                Some(objects) => build.add(change, objects),
                None => {
                    let spot = Spot { change, at: 0..0 };
                    build.summary.unknown.push(("SQL that is nested too deep to be read", spot));
                }
            }
        }
        Self { makes: build.makes.list(), drops: build.drops.list(), ..build.summary }
    }
}

struct Build<'a> {
    ledger: &'a Ident,
    summary: Summary,
    /// The `search_path` that the changeset has set; empty: the session's.
    path: Vec<Ident>,
    /// What it has made so far.
    made: Register<Object>,
    /// What becomes of it in the summary.
    makes: Register<Use>,
    drops: Register<Use>,
    /// What is noted already, and where in `uses`.
    seen: HashMap<Object, usize>,
    temporary: HashSet<Ident>,
    /// Whether bodies of functions are checked when they are created.
    checked: bool,
}

impl Build<'_> {
    fn add(&mut self, change: usize, objects: &Objects) {
        if let Some(checks) = objects.check_function_bodies {
            self.checked = checks;
        }
        // columns come in the order of the text too
        let mut columns = objects.columns.iter().peekable();
        for mention in &objects.mentions {
            while let Some(column) = columns.next_if(|column| column.at.start < mention.at.start) {
                self.loose(change, column);
            }
            self.mention(change, mention);
        }
        columns.for_each(|column| self.loose(change, column));
        for (from, to) in &objects.renames {
            let at = objects.mentions.iter().find(|m| m.object.name() == Some(from)).map_or(0..0, |m| m.at.clone());
            let spot = Spot { change, at };
            self.renamed(from, to, &spot);
        }
        let open = objects.open.iter().map(|name| self.home(name)).collect::<Vec<_>>();
        self.summary.open.extend(open);
        for unknown in objects.unknown.iter().filter(|unknown| unknown.lookup == Lookup::Statement) {
            self.summary.unknown.push((unknown.what, Spot { change, at: unknown.at.clone() }));
        }
        if let Some(path) = &objects.search_path {
            self.path.clone_from(path);
        }
    }

    /// The name of an object that is made.
    fn home(&self, name: &QualifiedName) -> QualifiedName {
        let schema = name.schema.clone().or_else(|| self.path.first().cloned());
        plain(QualifiedName { schema, name: name.name.clone() })
    }

    /// The names that an object can have that is used.
    fn candidates(&self, object: &Object) -> (Object, Vec<Object>) {
        if object.name().is_none_or(|name| name.schema.is_some()) {
            return (object.with_name(|name| plain(name.clone())), Vec::new());
        }
        let paths: Vec<Option<Ident>> = match self.path.as_slice() {
            [] => vec![None],
            path => path.iter().cloned().map(Some).collect(),
        };
        let mut all = paths.into_iter().map(|schema| {
            object.with_name(|name| plain(QualifiedName { schema: schema.clone(), name: name.name.clone() }))
        });
        let first = all.next().unwrap_or_else(|| object.clone());
        (first, all.collect())
    }

    /// When a name is looked up: bodies that are not checked at creation wait for a call.
    fn lookup(&self, lookup: Lookup) -> Lookup {
        match lookup {
            Lookup::Creation if !self.checked => Lookup::Call,
            lookup => lookup,
        }
    }

    fn is_foreign(&self, object: &Object) -> bool {
        let schema = match object {
            Object::Schema(schema) => Some(schema),
            other => other.name().and_then(|name| name.schema.as_ref()),
        };
        schema.is_some_and(|schema| schema == self.ledger || OWN_SCHEMAS.contains(&schema.as_str()))
    }

    fn is_temporary(&self, object: &Object) -> bool {
        object.name().is_some_and(|name| match &name.schema {
            Some(schema) => schema.as_str() == "pg_temp",
            None => self.temporary.contains(&name.name),
        })
    }

    fn mention(&mut self, change: usize, mention: &Mention) {
        if self.is_foreign(&mention.object) {
            return;
        }
        if let (Object::Relation(name), Access::Create) = (&mention.object, mention.how)
            && name.schema.as_ref().is_some_and(|schema| schema.as_str() == "pg_temp")
        {
            self.temporary.insert(name.name.clone());
            return;
        }
        if self.is_temporary(&mention.object) {
            return;
        }
        let spot = Spot { change, at: mention.at.clone() };
        let lookup = self.lookup(mention.lookup);
        if mention.how == Access::Create && lookup == Lookup::Statement {
            let object = mention.object.with_name(|name| self.home(name));
            self.make(object, mention.guarded, spot);
            return;
        }
        let (object, or) = self.candidates(&mention.object);
        let changes = mention.how == Access::Alter && mention.defines;
        let used = Use { or, lookup, guarded: mention.guarded, changes, ..Use::new(object, spot) };
        if mention.how == Access::Drop && lookup == Lookup::Statement { self.drop(used) } else { self.used(used) }
    }

    fn loose(&mut self, change: usize, column: &crate::sql::LooseColumn) {
        let mut objects = Vec::new();
        for table in &column.among {
            let (object, or) = self.candidates(&Object::Column(table.clone(), column.name.clone()));
            if self.is_foreign(&object) || self.is_temporary(&object) {
                return;
            }
            objects.push(object);
            objects.extend(or);
        }
        let lookup = self.lookup(column.lookup);
        if let [first, rest @ ..] = objects.as_slice() {
            let spot = Spot { change, at: column.at.clone() };
            let (or, guarded) = (rest.to_vec(), column.guarded);
            self.used(Use { or, lookup, guarded, loose: true, ..Use::new(first.clone(), spot) });
        }
    }

    fn make(&mut self, object: Object, guarded: bool, spot: Spot) {
        let again = self.drops.take(&object, |drop| same(&drop.object, &object)).is_some();
        if let Some(schema) = object.name().and_then(|name| name.schema.clone()) {
            self.used(Use::new(Object::Schema(schema), spot.clone()));
        }
        if !self.has_exactly(&object) {
            self.made.push(&object, object.clone());
            self.makes.push(&object, Use { guarded, again, ..Use::new(object.clone(), spot) });
        }
    }

    /// Whether the changeset has made this very object.
    fn has_exactly(&self, object: &Object) -> bool {
        self.made.get(object, |made| made == object).is_some()
    }

    /// Whether the changeset has made it, or the table that it belongs to.
    fn has_made(&self, object: &Object) -> bool {
        let of = |name: &QualifiedName| self.has_exactly(&Object::Relation(name.clone()));
        let of_type = |name: &QualifiedName| self.has_exactly(&Object::Type(name.clone()));
        self.made.get(object, |made| same(object, made)).is_some()
            || match object {
                Object::Column(table, _)
                | Object::Constraint(table, _)
                | Object::Trigger(table, _)
                | Object::Policy(table, _)
                | Object::Rule(table, _) => of(table) || of_type(table),
                Object::EnumValue(of, _) => of_type(of),
                Object::Type(name) => of(name),
                _ => false,
            }
    }

    fn used(&mut self, used: Use) {
        if std::iter::once(&used.object).chain(&used.or).any(|object| self.has_made(object)) {
            return;
        }
        match self.seen.get(&used.object) {
            Some(&known) => {
                let known = &mut self.summary.uses[known];
                known.changes |= used.changes;
                // the strictest place counts
                if (used.lookup, used.guarded) < (known.lookup, known.guarded) {
                    *known = Use { changes: known.changes, ..used };
                }
            }
            None => {
                self.seen.insert(used.object.clone(), self.summary.uses.len());
                self.summary.uses.push(used);
            }
        }
    }

    fn drop(&mut self, used: Use) {
        if let Some(made) = self.made.take(&used.object, |made| same(&used.object, made)) {
            while self.makes.take(&made, |make| make.object == made).is_some() {}
            return;
        }
        if self.has_made(&used.object) {
            return;
        }
        self.used(used.clone());
        if self.drops.get(&used.object, |drop| drop.object == used.object).is_none() {
            let object = used.object.clone();
            self.drops.push(&object, used);
        }
    }

    /// Another name: the old one is gone, the new one is there, with all that belongs to it.
    fn renamed(&mut self, from: &QualifiedName, to: &QualifiedName, spot: &Spot) {
        let (from, to) = (self.home(from), self.home(to));
        let was_made = self.has_exactly(&Object::Relation(from.clone()));
        self.drop(Use { changes: true, ..Use::new(Object::Relation(from), spot.clone()) });
        let new = Object::Relation(to);
        if was_made && !self.has_exactly(&new) {
            self.made.push(&new, new.clone());
        }
        if self.makes.get(&new, |make| make.object == new).is_none() {
            self.makes.push(&new, Use { renamed: true, ..Use::new(new.clone(), spot.clone()) });
        }
    }
}

/// Names in the schema of names without one are written without it.
fn plain(name: QualifiedName) -> QualifiedName {
    QualifiedName { schema: name.schema.filter(|schema| schema.as_str() != DEFAULT_SCHEMA), name: name.name }
}

/// Whether a use can mean what was made.
pub(super) fn same(used: &Object, made: &Object) -> bool {
    match (used, made) {
        (Object::Function(name, used), Object::Function(other, made)) => name == other && used.can_mean(made),
        _ => used == made,
    }
}

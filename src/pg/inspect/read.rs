//! Rows of the catalog as objects.

use super::classes::Class;
use crate::base::name::quote_ident;
use crate::base::{Failure, FailureKind};
use crate::inspect::{Address, Grant, OWNER, Object, ObjectKey, ObjectKind, Snapshot, privileges_of};
use crate::pg::connect::query::{Answer, Texts};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Collects objects.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub objects: BTreeMap<ObjectKey, Object>,
    /// Those whose values the role may not read.
    pub unreadable: BTreeSet<ObjectKey>,
    at: BTreeMap<Address, ObjectKey>,
}

/// How the text of a column is read.
#[derive(Debug, Clone, Copy)]
enum Form {
    Text,
    Bool,
    Number,
    Json,
    Acl,
    Several,
}

const FORMS: [(&str, Form); 4] =
    [(":bool", Form::Bool), (":number", Form::Number), (":json", Form::Json), (":acl", Form::Acl)];

impl Reader {
    /// Adds what the query of a class answered.
    ///
    /// # Errors
    /// If the answer is not what was asked for.
    pub fn add(&mut self, class: &Class, answer: &Answer) -> Result<(), Failure> {
        self.rows(class.name, class.units(), answer)
    }

    /// Adds properties to objects that were found.
    ///
    /// # Errors
    /// If the answer is not what was asked for.
    pub fn amend(&mut self, what: &str, answer: &Answer) -> Result<(), Failure> {
        self.rows(what, 0, answer)
    }

    /// The sequences that were found, and their oids.
    pub fn sequences(&self) -> impl Iterator<Item = (&ObjectKey, u32)> {
        let sequences = self.objects.iter().filter(|(key, _)| key.kind == ObjectKind::Sequence);
        sequences.map(|(key, object)| (key, object.address.oid))
    }

    /// Adds what another one read.
    pub fn extend(&mut self, other: Self) {
        self.objects.extend(other.objects);
        self.unreadable.extend(other.unreadable);
        self.at.extend(other.at);
    }

    /// Adds what depends on what. What was not read is as in `base`.
    pub fn depend(&mut self, answer: &Answer, base: Option<&Snapshot>) {
        for row in &answer.rows {
            let number = |at: usize| text(row, Some(at)).and_then(|text| text.parse().ok()).unwrap_or_default();
            let sub = |at: usize| text(row, Some(at)).and_then(|text| text.parse().ok()).unwrap_or_default();
            let at = |class: u32, oid: u32, sub: i32| {
                // what has no name of its own is the whole: a column of an index
                let key = |sub| {
                    let at = Address { class, oid, sub };
                    self.at.get(&at).or_else(|| base?.at(at))
                };
                key(sub).or_else(|| key(0)).cloned()
            };
            let (from, to) = (at(number(0), number(1), sub(2)), at(number(3), number(4), sub(5)));
            if let (Some(from), Some(to)) = (from, to)
                && from != to
                && let Some(object) = self.objects.get_mut(&from)
            {
                object.depends.insert(to);
            }
        }
    }

    fn rows(&mut self, what: &str, units: u32, answer: &Answer) -> Result<(), Failure> {
        let columns = Columns::of(&answer.columns);
        for row in &answer.rows {
            self.row(units, &columns, row).ok_or_else(|| {
                let message = format!("the server's answer about {} cannot be read", what.replace('_', " "));
                Failure::new(FailureKind::Database, message).help("check that this is a PostgreSQL server")
            })?;
        }
        Ok(())
    }

    /// `None`: it cannot be read.
    fn row(&mut self, units: u32, columns: &Columns<'_>, row: &Texts) -> Option<()> {
        let number = |at: Option<usize>| -> Option<u32> { text(row, at)?.parse().ok() };
        let sub = text(row, columns.sub).map_or(Some(0), |sub| sub.parse().ok())?;
        let address = Address { class: number(columns.class)?, oid: number(columns.oid)?, sub };
        let mut properties = BTreeMap::new();
        for (at, name, form) in &columns.properties {
            let Some(text) = text(row, Some(*at)) else { continue };
            match (form, value(*form, text)?) {
                (Form::Several, Value::Object(several)) => properties.extend(several),
                (_, value) => drop(properties.insert((*name).to_owned(), value)),
            }
        }
        let Some(kind) = text(row, columns.kind) else {
            // of an object that is out of scope
            let Some(object) = self.at.get(&address).and_then(|key| self.objects.get_mut(key)) else { return Some(()) };
            object.properties.extend(properties);
            return Some(());
        };
        let key = ObjectKey::new(ObjectKind::of_word(kind)?, text(row, columns.name)?);
        let parent = match text(row, columns.parent_kind) {
            Some(kind) => Some(ObjectKey::new(ObjectKind::of_word(kind)?, text(row, columns.parent)?)),
            None => None,
        };
        let of_parent = || parent.as_ref().and_then(|parent| self.objects.get(parent)?.text("owner"));
        // default privileges have a role in the place of an owner
        let owner = properties.get("owner").or_else(|| properties.get("role"));
        let owner =
            owner.and_then(Value::as_str).or_else(|| text(row, columns.owner)).or_else(of_parent).map(str::to_owned);
        for name in ["privileges", "initialPrivileges"] {
            if let (Some(owner), Some(grants)) = (&owner, properties.get_mut(name)) {
                *grants = without_owner(grants, owner);
            }
        }
        let object = Object {
            properties,
            parent,
            position: number(columns.position),
            address,
            unit: Address { class: units, oid: number(columns.unit)?, sub: 0 },
            ..Object::default()
        };
        if text(row, columns.unreadable) == Some("t") {
            self.unreadable.insert(key.clone());
        }
        // comments on what belongs to an extension do not count
        if key.kind != ObjectKind::Privileges {
            self.at.insert(address, key.clone());
        }
        self.objects.insert(key, object);
        Some(())
    }
}

fn text(row: &Texts, at: Option<usize>) -> Option<&str> {
    row.get(at?)?.as_deref()
}

fn value(form: Form, text: &str) -> Option<Value> {
    Some(match form {
        Form::Text => Value::String(text.to_owned()),
        Form::Bool => Value::Bool(text == "t"),
        Form::Number => text.parse::<i64>().ok()?.into(),
        Form::Json | Form::Several => serde_json::from_str(text).ok()?,
        Form::Acl => {
            let items: Vec<String> = serde_json::from_str(text).ok()?;
            to_value(items.iter().map(|item| Grant::of_item(item)).collect::<Option<_>>()?)
        }
    })
}

/// Privileges with `OWNER` for the owner: another owner has the same.
fn without_owner(privileges: &Value, owner: &str) -> Value {
    let mut grants = privileges_of(privileges);
    for grant in &mut grants {
        for role in [&mut grant.grantee, &mut grant.grantor] {
            if *role == quote_ident(owner) {
                OWNER.clone_into(role);
            }
        }
    }
    to_value(grants)
}

fn to_value(mut grants: Vec<Grant>) -> Value {
    grants.sort();
    grants.iter().map(|grant| Value::String(grant.to_string())).collect()
}

/// Where which column is.
#[derive(Debug, Default)]
struct Columns<'a> {
    kind: Option<usize>,
    name: Option<usize>,
    parent_kind: Option<usize>,
    parent: Option<usize>,
    class: Option<usize>,
    oid: Option<usize>,
    sub: Option<usize>,
    unit: Option<usize>,
    position: Option<usize>,
    unreadable: Option<usize>,
    owner: Option<usize>,
    properties: Vec<(usize, &'a str, Form)>,
}

impl<'a> Columns<'a> {
    fn of(names: &'a [String]) -> Self {
        let mut columns = Self::default();
        for (at, name) in names.iter().enumerate() {
            let place = match name.as_str() {
                "kind" => &mut columns.kind,
                "name" => &mut columns.name,
                "parentKind" => &mut columns.parent_kind,
                "parent" => &mut columns.parent,
                "class" => &mut columns.class,
                "oid" => &mut columns.oid,
                "sub" => &mut columns.sub,
                "unit" => &mut columns.unit,
                "position" => &mut columns.position,
                "unreadable" => &mut columns.unreadable,
                "ownedByRole" => &mut columns.owner,
                "*" => {
                    columns.properties.push((at, name, Form::Several));
                    continue;
                }
                name => {
                    let form = FORMS.iter().find_map(|(end, form)| Some((name.strip_suffix(end)?, *form)));
                    let (name, form) = form.unwrap_or((name, Form::Text));
                    columns.properties.push((at, name, form));
                    continue;
                }
            };
            *place = Some(at);
        }
        columns
    }
}

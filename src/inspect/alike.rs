//! Catalogs made comparable: another owner, fewer schemas, without differences that do not count.

use super::compare::{Change, Difference};
use super::object::ObjectKey;
use super::privileges::{Grant, privileges_of};
use super::snapshot::Snapshot;
use crate::base::name::quote_ident;
use serde_json::Value;

impl Snapshot {
    /// The same catalog with one role in the place of another: what a role owns on one server, and its counterpart on
    /// another one.
    #[must_use]
    pub fn with_role(self, old: &str, new: &str) -> Self {
        if old == new {
            return self;
        }
        let (old_sql, new_sql) = (quote_ident(old), quote_ident(new));
        let objects = self.objects().iter().map(|(key, object)| {
            let mut object = object.clone();
            if object.text("owner") == Some(old) {
                object.properties.insert("owner".to_owned(), Value::from(new));
            }
            if let Some(privileges) = object.properties.get_mut("privileges") {
                let mut grants: Vec<Grant> = privileges_of(privileges);
                for role in grants.iter_mut().flat_map(|grant| [&mut grant.grantee, &mut grant.grantor]) {
                    if *role == *old_sql {
                        *role = new_sql.clone().into_owned();
                    }
                }
                grants.sort();
                *privileges = grants.iter().map(|grant| Value::String(grant.to_string())).collect();
            }
            (key.clone(), object)
        });
        self.with_objects(objects.collect())
    }

    /// Without the owners of objects that have none in the other catalog.
    #[must_use]
    pub fn with_owners_as(mut self, other: &Self) -> Self {
        let without = |key: &ObjectKey| other.get(key).is_some_and(|object| object.text("owner").is_none());
        let keys: Vec<ObjectKey> = self.objects().keys().filter(|key| without(key)).cloned().collect();
        for key in keys {
            if let Some(mut object) = self.get(&key).cloned() {
                object.properties.remove("owner");
                self.insert(key, object);
            }
        }
        self
    }

    /// Only what is in these schemas, with the schemas themselves; of none: everything.
    #[must_use]
    pub fn only(self, schemas: &[String]) -> Self {
        if schemas.is_empty() {
            return self;
        }
        let is_in = |name: &str| {
            let inside = |schema: &String| {
                let schema = quote_ident(schema);
                name == schema || name.strip_prefix(&*schema).is_some_and(|rest| rest.starts_with('.'))
            };
            schemas.iter().any(inside)
        };
        let objects = self.objects().iter().filter(|(key, _)| is_in(&key.name));
        self.with_objects(objects.map(|(key, object)| (key.clone(), object.clone())).collect())
    }

    /// Makes a difference go away: what is not expected is taken out here, what is missing there, and a property gets the
    /// same value in both.
    pub fn settle(&mut self, expected: &mut Self, difference: &Difference) {
        let key = &difference.object;
        match &difference.change {
            Change::Extra => self.remove_whole(key),
            Change::Missing => expected.remove_whole(key),
            Change::Changed { property, found, .. } => {
                if let Some(mut object) = expected.get(key).cloned() {
                    if found.is_null() {
                        object.properties.remove(property);
                    } else {
                        object.properties.insert(property.clone(), found.clone());
                    }
                    expected.insert(key.clone(), object);
                }
            }
            Change::Moved { .. } => {}
        }
    }

    fn remove_whole(&mut self, key: &ObjectKey) {
        for part in self.children(key).cloned().collect::<Vec<_>>() {
            self.remove_whole(&part);
        }
        self.remove(key);
    }

    fn with_objects(&self, mut other: Self) -> Self {
        other.major = self.major;
        other.not_compared.clone_from(&self.not_compared);
        other
    }
}

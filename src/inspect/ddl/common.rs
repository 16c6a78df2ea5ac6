//! What objects of all kinds have: names, owners, comments, privileges.

use crate::base::name::{quote_ident, quote_literal};
use crate::inspect::kind::ObjectKind as Kind;
use crate::inspect::object::{Object, ObjectKey};
use crate::inspect::privileges::{Grant, OWNER, privileges_of};
use serde_json::Value;

/// The kind in SQL.
pub(super) fn keyword(kind: Kind) -> String {
    match kind {
        Kind::Attribute => "COLUMN".to_owned(),
        kind => kind.word().to_uppercase().replace('-', " "),
    }
}

/// The last part of the name of something that is a part: the column without its table.
pub(super) fn local<'a>(key: &'a ObjectKey, object: &Object) -> &'a str {
    let parent = object.parent.as_ref().map_or("", |parent| parent.name.as_str());
    key.name.strip_prefix(parent).and_then(|rest| rest.strip_prefix('.')).unwrap_or(&key.name)
}

/// An object as `COMMENT ON` and `DROP` name it.
pub(super) fn target(key: &ObjectKey, object: &Object) -> String {
    let word = keyword(key.kind);
    match (key.kind, &object.parent) {
        (Kind::Constraint, Some(of)) if of.kind == Kind::Domain => {
            format!("{word} {} ON DOMAIN {}", local(key, object), of.name)
        }
        (Kind::Constraint | Kind::Trigger | Kind::Rule | Kind::Policy, Some(of)) => {
            format!("{word} {} ON {}", local(key, object), of.name)
        }
        _ => format!("{word} {}", key.name),
    }
}

/// Gives it this owner; `None`: its owner cannot be changed.
pub(super) fn owner(key: &ObjectKey, object: &Object) -> Option<String> {
    let owner = quote_ident(object.text("owner")?).into_owned();
    if matches!(key.kind, Kind::Extension | Kind::Database) {
        return None;
    }
    Some(format!("ALTER {} OWNER TO {owner}", target(key, object)))
}

/// Gives it its comment.
pub(super) fn comment(key: &ObjectKey, object: &Object) -> Option<String> {
    // its name is not known here
    if key.kind == Kind::Database {
        return None;
    }
    let text = object.text("comment").map_or_else(|| "NULL".to_owned(), quote_literal);
    Some(format!("COMMENT ON {} IS {text}", target(key, object)))
}

/// How `GRANT` and `REVOKE` are written for an object.
#[derive(Debug, Default)]
struct Granting {
    /// What stands before them.
    before: String,
    on: String,
    /// ` (column)`.
    part: String,
}

fn granting(key: &ObjectKey, object: &Object) -> Option<Granting> {
    let word = match key.kind {
        Kind::Table | Kind::View | Kind::MaterializedView | Kind::ForeignTable => "TABLE",
        Kind::Sequence => "SEQUENCE",
        Kind::Function | Kind::Aggregate => "FUNCTION",
        Kind::Procedure => "PROCEDURE",
        Kind::Type => "TYPE",
        Kind::Domain => "DOMAIN",
        Kind::Schema => "SCHEMA",
        Kind::Language => "LANGUAGE",
        Kind::ForeignDataWrapper => "FOREIGN DATA WRAPPER",
        Kind::Server => "FOREIGN SERVER",
        Kind::Column => {
            let on = format!("TABLE {}", object.parent.as_ref()?.name);
            return Some(Granting { on, part: format!(" ({})", local(key, object)), ..Granting::default() });
        }
        Kind::DefaultPrivileges => {
            let schema = object.text("schema").map_or_else(String::new, |schema| format!(" IN SCHEMA {schema}"));
            let before = format!("ALTER DEFAULT PRIVILEGES FOR ROLE {}{schema} ", quote_ident(object.text("role")?));
            return Some(Granting { before, on: object.text("objects")?.to_owned(), ..Granting::default() });
        }
        _ => return None,
    };
    Some(Granting { on: format!("{word} {}", key.name), ..Granting::default() })
}

/// Brings privileges from `found` to those of the object. `None`: others than the owner granted some.
pub(super) fn privileges(key: &ObjectKey, object: &Object, found: &Value) -> Option<Vec<String>> {
    let Granting { before, on, part } = granting(key, object)?;
    let grants = |privileges: &Value| -> Option<Vec<Grant>> {
        privileges_of(privileges).into_iter().map(|grant| named(grant, object)).collect()
    };
    let (expected, found) = (grants(object.property("privileges"))?, grants(found)?);
    let by_owner = |grants: &[Grant]| grants.iter().all(|grant| grant.grantor == OWNER);
    if !by_owner(&expected) || !by_owner(&found) {
        return None;
    }
    let words = |privileges: &[&(String, bool)]| {
        privileges.iter().map(|(word, _)| format!("{word}{part}")).collect::<Vec<_>>().join(", ")
    };
    let mut sql = Vec::new();
    let has = |grants: &[Grant], grantee: &str, wanted: &dyn Fn(&(String, bool)) -> bool| {
        grants.iter().any(|grant| grant.grantee == grantee && grant.privileges.iter().any(wanted))
    };
    for Grant { grantee, privileges, .. } in &found {
        let too_many = privileges.iter().filter(|(word, _)| !has(&expected, grantee, &|(other, _)| other == word));
        let too_many: Vec<_> = too_many.collect();
        if !too_many.is_empty() {
            sql.push(format!("{before}REVOKE {} ON {on} FROM {grantee}", words(&too_many)));
        }
        let options = privileges
            .iter()
            .filter(|(word, option)| *option && has(&expected, grantee, &|(other, kept)| other == word && !kept));
        let options: Vec<_> = options.collect();
        if !options.is_empty() {
            sql.push(format!("{before}REVOKE GRANT OPTION FOR {} ON {on} FROM {grantee}", words(&options)));
        }
    }
    for Grant { grantee, privileges, .. } in &expected {
        for with_option in [false, true] {
            let lacks = privileges.iter().filter(|(word, option)| {
                *option == with_option && !has(&found, grantee, &|(other, there)| other == word && (*there || !option))
            });
            let lacks: Vec<_> = lacks.collect();
            if !lacks.is_empty() {
                let option = if with_option { " WITH GRANT OPTION" } else { "" };
                sql.push(format!("{before}GRANT {} ON {on} TO {grantee}{option}", words(&lacks)));
            }
        }
    }
    Some(sql)
}

/// Brings default privileges to what they are without a setting, or from there to those of the object.
pub(super) fn default_acl(key: &ObjectKey, object: &Object, major: u32, reset: bool) -> Option<Vec<String>> {
    let kind = match object.text("objects")? {
        "TABLES" => Kind::Table,
        "SEQUENCES" => Kind::Sequence,
        "FUNCTIONS" => Kind::Function,
        "TYPES" => Kind::Type,
        "SCHEMAS" => Kind::Schema,
        _ => return None,
    };
    // those of a schema are added to the others
    let usual = if object.text("schema").is_some() { Vec::new() } else { default_privileges(kind, major)? };
    let usual: Value = usual.iter().map(|grant| Value::String(grant.to_string())).collect();
    if reset {
        let mut without = object.clone();
        without.properties.insert("privileges".to_owned(), usual);
        return privileges(key, &without, object.property("privileges"));
    }
    privileges(key, object, &usual)
}

/// A grant with the name of the owner where it is the grantee; `None`: that is not known.
fn named(mut grant: Grant, object: &Object) -> Option<Grant> {
    if grant.grantee == OWNER {
        grant.grantee = quote_ident(object.text("owner").or_else(|| object.text("role"))?).into_owned();
    }
    Some(grant)
}

/// What a new object of this kind grants, unless default privileges say otherwise.
fn default_privileges(kind: Kind, major: u32) -> Option<Vec<Grant>> {
    let (own, public): (&[&str], &[&str]) = match kind {
        Kind::Table | Kind::View | Kind::MaterializedView | Kind::ForeignTable => {
            (&["DELETE", "INSERT", "MAINTAIN", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE"], &[])
        }
        Kind::Sequence => (&["SELECT", "UPDATE", "USAGE"], &[]),
        Kind::Function | Kind::Aggregate | Kind::Procedure => (&["EXECUTE"], &["EXECUTE"]),
        Kind::Type | Kind::Domain | Kind::Language => (&["USAGE"], &["USAGE"]),
        Kind::Schema => (&["CREATE", "USAGE"], &[]),
        Kind::ForeignDataWrapper | Kind::Server => (&["USAGE"], &[]),
        Kind::Column => (&[], &[]),
        _ => return None,
    };
    let known = |words: &[&str]| -> Vec<(String, bool)> {
        let words = words.iter().filter(|word| major >= 17 || **word != "MAINTAIN");
        words.map(|word| ((*word).to_owned(), false)).collect()
    };
    let grant = |grantee: &str, words: &[&str]| Grant {
        grantee: grantee.to_owned(),
        privileges: known(words),
        grantor: OWNER.to_owned(),
    };
    let grants = [grant("PUBLIC", public), grant(OWNER, own)];
    Some(grants.into_iter().filter(|grant| !grant.privileges.is_empty()).collect())
}

/// What a new object still needs: owner, privileges, comment. `None`: some of it does not follow.
pub(super) fn finish(key: &ObjectKey, object: &Object, major: u32) -> Option<Vec<String>> {
    let mut sql = Vec::new();
    if object.text("owner").is_some() && key.kind != Kind::Extension {
        sql.push(owner(key, object)?);
    }
    if object.properties.contains_key("privileges") && key.kind != Kind::DefaultPrivileges {
        let grants = privileges_of(object.property("privileges"));
        let by_default = default_privileges(key.kind, major)?;
        let by_default: Value = by_default.iter().map(|grant| Value::String(grant.to_string())).collect();
        let sorted = |mut grants: Vec<Grant>| {
            grants.sort();
            grants
        };
        if sorted(privileges_of(&by_default)) != sorted(grants) {
            sql.extend(privileges(key, object, &by_default)?);
        }
    }
    if object.text("comment").is_some() {
        sql.push(comment(key, object)?);
    }
    Some(sql)
}

/// `SET (…)` and `RESET (…)` from some options to others; `prefix` is put before each name.
pub(super) fn options(expected: &Value, found: &Value, prefix: &str) -> Vec<String> {
    let empty = serde_json::Map::new();
    let (expected, found) = (expected.as_object().unwrap_or(&empty), found.as_object().unwrap_or(&empty));
    let set = expected.iter().filter(|(name, value)| found.get(*name) != Some(value));
    let set: Vec<String> = set.map(|(name, value)| format!("{prefix}{name} = {}", literal(value))).collect();
    let reset = found.keys().filter(|name| !expected.contains_key(*name));
    let reset: Vec<String> = reset.map(|name| format!("{prefix}{name}")).collect();
    let mut sql = Vec::new();
    if !set.is_empty() {
        sql.push(format!("SET ({})", set.join(", ")));
    }
    if !reset.is_empty() {
        sql.push(format!("RESET ({})", reset.join(", ")));
    }
    sql
}

fn literal(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), quote_literal)
}

/// `WITH (…)` for a new object, with a space before it.
pub(super) fn with_options(object: &Object) -> String {
    let options = options(object.property("options"), &Value::Null, "");
    options.first().map_or_else(String::new, |set| set.replacen("SET", " WITH", 1))
}

/// `OPTIONS (…)` for a new object, with a space before it.
pub(super) fn foreign_options(object: &Object) -> String {
    let options = object.property("foreignOptions").as_object().into_iter().flatten();
    let options: Vec<String> =
        options.map(|(name, value)| format!("{} {}", quote_ident(name), literal(value))).collect();
    if options.is_empty() { String::new() } else { format!(" OPTIONS ({})", options.join(", ")) }
}

/// `OPTIONS (…)` from some options to others; `None`: some are secret.
pub(super) fn change_foreign_options(expected: &Value, found: &Value) -> Option<String> {
    let empty = serde_json::Map::new();
    let (expected, found) = (expected.as_object().unwrap_or(&empty), found.as_object().unwrap_or(&empty));
    let mut all = Vec::new();
    for (name, value) in expected.iter().filter(|(name, value)| found.get(*name) != Some(value)) {
        let word = if found.contains_key(name) { "SET" } else { "ADD" };
        all.push((value != "***").then(|| format!("{word} {} {}", quote_ident(name), literal(value)))?);
    }
    let gone = found.keys().filter(|name| !expected.contains_key(*name));
    all.extend(gone.map(|name| format!("DROP {}", quote_ident(name))));
    Some(format!("OPTIONS ({})", all.join(", ")))
}

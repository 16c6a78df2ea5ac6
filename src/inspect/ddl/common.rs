//! What objects of all kinds have: names, owners, comments, privileges.

use super::text::without_arguments;
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
        // one of no arguments
        (Kind::Aggregate, _) if key.name.ends_with("()") => format!("{word} {}(*)", without_arguments(&key.name)),
        _ => format!("{word} {}", key.name),
    }
}

/// The texts of a list.
pub(super) fn texts<'a>(object: &'a Object, property: &str) -> Vec<&'a str> {
    object.property(property).as_array().into_iter().flatten().filter_map(Value::as_str).collect()
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

/// Gives it its security labels, and takes away those that only `found` has.
pub(super) fn labels(key: &ObjectKey, object: &Object, found: &Value) -> Vec<String> {
    let empty = serde_json::Map::new();
    let (new, old) = (object.property("securityLabels").as_object(), found.as_object());
    let (new, old) = (new.unwrap_or(&empty), old.unwrap_or(&empty));
    let label = |provider: &str, text: &str| {
        format!("SECURITY LABEL FOR {} ON {} IS {text}", quote_ident(provider), target(key, object))
    };
    let gone = old.keys().filter(|provider| !new.contains_key(*provider)).map(|provider| label(provider, "NULL"));
    let set = new.iter().filter(|(provider, text)| old.get(*provider) != Some(text));
    gone.chain(set.map(|(provider, text)| label(provider, &literal(text)))).collect()
}

/// Lets it depend on its extensions, and on none of those that only `found` has.
pub(super) fn extensions(key: &ObjectKey, object: &Object, found: &Object) -> Vec<String> {
    let (new, old) = (texts(object, "dependsOnExtensions"), texts(found, "dependsOnExtensions"));
    let alter = |no: &str, name: &str| format!("ALTER {} {no}DEPENDS ON EXTENSION {name}", target(key, object));
    let gone = old.iter().filter(|name| !new.contains(name)).map(|name| alter("NO ", name));
    gone.chain(new.iter().filter(|name| !old.contains(name)).map(|name| alter("", name))).collect()
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
        Kind::Privileges => return outside(&key.name),
        Kind::DefaultPrivileges => {
            let schema = object.text("schema").map_or_else(String::new, |schema| format!(" IN SCHEMA {schema}"));
            let before = format!("ALTER DEFAULT PRIVILEGES FOR ROLE {}{schema} ", quote_ident(object.text("role")?));
            return Some(Granting { before, on: object.text("objects")?.to_owned(), ..Granting::default() });
        }
        _ => return None,
    };
    Some(Granting { on: format!("{word} {}", key.name), ..Granting::default() })
}

/// The same for an object of the server or of an extension, by the words of its privileges: `on function f()`.
fn outside(name: &str) -> Option<Granting> {
    let name = name.strip_prefix("on ")?;
    if let Some((_, column)) = name.split_once(" column ") {
        let local = super::text::last_part(column);
        let table = column.strip_suffix(local)?.strip_suffix('.')?;
        return Some(Granting { on: format!("TABLE {table}"), part: format!(" ({local})"), ..Granting::default() });
    }
    let words = [
        ("function", "FUNCTION"),
        ("aggregate", "FUNCTION"),
        ("procedure", "PROCEDURE"),
        ("table", "TABLE"),
        ("view", "TABLE"),
        ("materialized view", "TABLE"),
        ("foreign table", "TABLE"),
        ("sequence", "SEQUENCE"),
        ("type", "TYPE"),
        ("schema", "SCHEMA"),
        ("language", "LANGUAGE"),
        ("foreign-data wrapper", "FOREIGN DATA WRAPPER"),
    ];
    words.iter().find_map(|(kind, word)| {
        let name = name.strip_prefix(kind)?.strip_prefix(' ')?;
        Some(Granting { on: format!("{word} {name}"), ..Granting::default() })
    })
}

/// Brings privileges of an object of the server or of an extension to what they were at first, or from there to what
/// they are.
pub(super) fn outside_acl(key: &ObjectKey, object: &Object, reset: bool) -> Option<Vec<String>> {
    let initial = object.property("initialPrivileges");
    if !reset {
        return privileges(key, object, initial);
    }
    let properties = [("privileges".to_owned(), initial.clone())].into_iter().collect();
    privileges(key, &Object { properties, ..Object::default() }, object.property("privileges"))
}

/// Brings privileges from `found` to those of the object. `None`: others than the owner granted some.
pub(super) fn privileges(key: &ObjectKey, object: &Object, found: &Value) -> Option<Vec<String>> {
    let Granting { before, on, part } = granting(key, object)?;
    let (expected, found) = (privileges_of(object.property("privileges")), privileges_of(found));
    let role = |grantee: &str| match grantee {
        OWNER => object.text("owner").or_else(|| object.text("role")).map(|name| quote_ident(name).into_owned()),
        role => Some(role.to_owned()),
    };
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
            sql.push(format!("{before}REVOKE {} ON {on} FROM {}", words(&too_many), role(grantee)?));
        }
        let options = privileges
            .iter()
            .filter(|(word, option)| *option && has(&expected, grantee, &|(other, kept)| other == word && !kept));
        let options: Vec<_> = options.collect();
        if !options.is_empty() {
            sql.push(format!("{before}REVOKE GRANT OPTION FOR {} ON {on} FROM {}", words(&options), role(grantee)?));
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
                sql.push(format!("{before}GRANT {} ON {on} TO {}{option}", words(&lacks), role(grantee)?));
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
    sql.extend(finish_owned(key, object, major)?);
    Some(sql)
}

/// The same without the owner, which it has by what it is a part of.
pub(super) fn finish_owned(key: &ObjectKey, object: &Object, major: u32) -> Option<Vec<String>> {
    let mut sql = Vec::new();
    if object.properties.contains_key("privileges") && !matches!(key.kind, Kind::DefaultPrivileges | Kind::Privileges) {
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
    sql.extend(labels(key, object, &Value::Null));
    sql.extend(extensions(key, object, &Object::default()));
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
pub(super) fn foreign_options(object: &Object, property: &str) -> String {
    let options = object.property(property).as_object().into_iter().flatten();
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

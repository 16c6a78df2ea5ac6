//! Settings of the database and of roles in it. No statement names the current database, so that a block looks for
//! its name.

use crate::base::name::{quote_dollar, quote_ident, quote_literal};
use crate::inspect::object::{Object, ObjectKey};

/// Settings whose value is a list of names, each of which is quoted.
const LISTS: [&str; 5] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
];

/// Sets what differs from `found`, and resets what only that has.
pub(super) fn change(key: &ObjectKey, object: &Object, found: &Object) -> Vec<String> {
    let set = object.properties.iter().filter(|(name, value)| found.property(name) != *value);
    let set = set.filter_map(|(name, value)| Some(format!("SET {} = {}", setting(name), of(name, value.as_str()?))));
    let reset = found.properties.keys().filter(|name| !object.properties.contains_key(*name));
    let reset = reset.map(|name| format!("RESET {}", setting(name)));
    reset.chain(set).map(|what| alter(key, &what)).collect()
}

/// Resets all.
pub(super) fn drop(key: &ObjectKey) -> String {
    alter(key, "RESET ALL")
}

/// A setting of an extension has a dot.
fn setting(name: &str) -> String {
    name.split('.').map(|part| quote_ident(part).into_owned()).collect::<Vec<_>>().join(".")
}

fn of(name: &str, value: &str) -> String {
    if !LISTS.contains(&name.to_lowercase().as_str()) {
        return quote_literal(value);
    }
    let each = super::text::list(value).into_iter().map(|one| quote_literal(&super::text::unquoted_part(one)));
    each.collect::<Vec<_>>().join(", ")
}

fn alter(key: &ObjectKey, what: &str) -> String {
    match key.name.strip_prefix("of ").filter(|role| *role != "all roles") {
        Some(role) => on_database(&format!("ALTER ROLE {role} IN DATABASE "), &format!(" {what}")),
        None => on_database("ALTER DATABASE ", &format!(" {what}")),
    }
}

/// A statement with the name of the current database between these texts.
pub(super) fn on_database(before: &str, after: &str) -> String {
    let sql = format!("{}%I{}", before.replace('%', "%%"), after.replace('%', "%%"));
    let sql = format!("BEGIN EXECUTE pg_catalog.format({}, pg_catalog.current_database()); END", quote_literal(&sql));
    format!("DO {}", quote_dollar(&sql, "do"))
}

//! Text search: parsers, templates, dictionaries, configurations.

use super::common::target;
use super::operator::definition;
use super::text::{find, list};
use crate::base::name::quote_ident;
use crate::inspect::kind::ObjectKind as Kind;
use crate::inspect::object::{Object, ObjectKey};
use serde_json::Value;

/// The statements that make an object of text search.
pub(super) fn create(key: &ObjectKey, object: &Object) -> Option<Vec<String>> {
    let name = |property: &str| object.text(property).map(str::to_owned);
    let options = match key.kind {
        Kind::TextSearchParser => definition(&[
            ("START", name("start")),
            ("GETTOKEN", name("token")),
            ("END", name("end")),
            ("HEADLINE", name("headline")),
            ("LEXTYPES", name("lexTypes")),
        ]),
        Kind::TextSearchTemplate => definition(&[("INIT", name("init")), ("LEXIZE", name("lexize"))]),
        Kind::TextSearchDictionary => {
            let options = object.text("options").map_or_else(String::new, |options| format!(", {options}"));
            format!("TEMPLATE = {}{options}", object.text("template")?)
        }
        _ => format!("PARSER = {}", object.text("parser")?),
    };
    let mut sql = vec![format!("CREATE {} ({options})", target(key, object))];
    sql.extend(change_mappings(key, object, &Object::default()));
    Some(sql)
}

/// Brings the mappings of a configuration from those of `found` to its own.
pub(super) fn change_mappings(key: &ObjectKey, object: &Object, found: &Object) -> Vec<String> {
    let empty = serde_json::Map::new();
    let (new, old) = (object.property("mappings").as_object(), found.property("mappings").as_object());
    let (new, old) = (new.unwrap_or(&empty), old.unwrap_or(&empty));
    let alter = |what: String| format!("ALTER {} {what}", target(key, object));
    let mut sql = Vec::new();
    for token in old.keys().filter(|token| !new.contains_key(*token)) {
        sql.push(alter(format!("DROP MAPPING FOR {}", quote_ident(token))));
    }
    for (token, dictionaries) in new.iter().filter(|(token, own)| old.get(*token) != Some(own)) {
        let word = if old.contains_key(token) { "ALTER" } else { "ADD" };
        let names: Vec<&str> = dictionaries.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        sql.push(alter(format!("{word} MAPPING FOR {} WITH {}", quote_ident(token), names.join(", "))));
    }
    sql
}

/// Brings the options of a dictionary from those of `found` to its own.
pub(super) fn change_options(key: &ObjectKey, object: &Object, found: &Object) -> String {
    let options = |object: &Object| -> Vec<String> {
        let text = object.text("options").unwrap_or_default();
        list(text).into_iter().filter(|option| !option.is_empty()).map(str::to_owned).collect()
    };
    let name = |option: &str| find(option, " = ").map_or(option, |at| &option[..at]).to_owned();
    let mut all = options(object);
    let names: Vec<String> = all.iter().map(|option| name(option)).collect();
    all.extend(options(found).iter().map(|option| name(option)).filter(|name| !names.contains(name)));
    format!("ALTER {} ({})", target(key, object), all.join(", "))
}

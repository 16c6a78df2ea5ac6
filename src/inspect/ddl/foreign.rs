//! Foreign-data wrappers, servers and user mappings.

use super::common::{change_foreign_options, foreign_options, target};
use crate::base::name::quote_literal;
use crate::inspect::object::{Object, ObjectKey};
use serde_json::Value;

/// `CREATE FOREIGN DATA WRAPPER`. `None`: an option is secret.
pub(super) fn wrapper(key: &ObjectKey, object: &Object) -> Option<String> {
    let mut sql = format!("CREATE {}", target(key, object));
    for (word, property) in [("HANDLER", "handler"), ("VALIDATOR", "validator")] {
        sql += &object.text(property).map_or_else(String::new, |function| format!(" {word} {function}"));
    }
    Some(sql + &options(object)?)
}

/// `CREATE SERVER`. `None`: an option is secret.
pub(super) fn server(key: &ObjectKey, object: &Object) -> Option<String> {
    let mut sql = format!("CREATE {}", target(key, object));
    for (word, property) in [("TYPE", "type"), ("VERSION", "version")] {
        sql += &object.text(property).map_or_else(String::new, |text| format!(" {word} {}", quote_literal(text)));
    }
    sql += &format!(" FOREIGN DATA WRAPPER {}", object.text("wrapper")?);
    Some(sql + &options(object)?)
}

/// `CREATE USER MAPPING`. `None`: it has options, of which only the names are known.
pub(super) fn mapping(key: &ObjectKey, object: &Object) -> Option<String> {
    let known = object.property("optionNames").is_null();
    known.then(|| format!("CREATE {}", target(key, object)))
}

fn options(object: &Object) -> Option<String> {
    change_foreign_options(object.property("options"), &Value::Null)?;
    Some(foreign_options(object, "options"))
}

/// Brings a function of a wrapper to its own.
pub(super) fn change_function(key: &ObjectKey, object: &Object, property: &str) -> String {
    let word = property.to_uppercase();
    let what = object.text(property).map_or_else(|| format!("NO {word}"), |function| format!("{word} {function}"));
    format!("ALTER {} {what}", target(key, object))
}

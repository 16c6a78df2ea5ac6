//! Collations, conversions, languages, transforms, access methods.

use super::common::target;
use super::operator::definition;
use super::text::without_arguments;
use crate::base::name::quote_literal;
use crate::inspect::object::{Object, ObjectKey};

/// `CREATE COLLATION`. `None`: its provider is that of the database.
pub(super) fn collation(key: &ObjectKey, object: &Object) -> Option<String> {
    let provider = object.text("provider").filter(|provider| *provider != "default")?;
    let constant = |property: &str| object.text(property).map(quote_literal);
    let locale = constant("locale");
    // where there is no locale, it is in two parts
    let part = |property: &str| constant(property).filter(|_| locale.is_none());
    let (collate, ctype) = (part("collate"), part("ctype"));
    let options = [
        ("PROVIDER", Some(provider.to_owned())),
        ("LOCALE", locale.clone()),
        ("LC_COLLATE", collate),
        ("LC_CTYPE", ctype),
        ("DETERMINISTIC", object.is("nondeterministic").then(|| "false".to_owned())),
        ("RULES", constant("rules")),
    ];
    Some(format!("CREATE {} ({})", target(key, object), definition(&options)))
}

/// `CREATE CONVERSION`.
pub(super) fn conversion(key: &ObjectKey, object: &Object) -> Option<String> {
    let default = if object.is("default") { "DEFAULT " } else { "" };
    let (from, to) = (quote_literal(object.text("from")?), quote_literal(object.text("to")?));
    let function = object.text("function")?;
    Some(format!("CREATE {default}CONVERSION {} FOR {from} TO {to} FROM {function}", key.name))
}

/// `CREATE LANGUAGE`.
pub(super) fn language(key: &ObjectKey, object: &Object) -> Option<String> {
    let trusted = if object.is("trusted") { "TRUSTED " } else { "" };
    let mut sql =
        format!("CREATE {trusted}LANGUAGE {} HANDLER {}", key.name, without_arguments(object.text("handler")?));
    for (word, property) in [("INLINE", "inlineHandler"), ("VALIDATOR", "validator")] {
        let function = object.text(property).map(without_arguments);
        sql += &function.map_or_else(String::new, |function| format!(" {word} {function}"));
    }
    Some(sql)
}

/// `CREATE TRANSFORM`.
pub(super) fn transform(key: &ObjectKey, object: &Object) -> String {
    let functions = [("FROM", "fromSql"), ("TO", "toSql")];
    let each = functions
        .iter()
        .filter_map(|(word, property)| Some(format!("{word} SQL WITH FUNCTION {}", object.text(property)?)));
    format!("CREATE {} ({})", target(key, object), each.collect::<Vec<_>>().join(", "))
}

/// `CREATE ACCESS METHOD`.
pub(super) fn access_method(key: &ObjectKey, object: &Object) -> Option<String> {
    let kind = object.text("type")?.to_uppercase();
    Some(format!("CREATE {} TYPE {kind} HANDLER {}", target(key, object), object.text("handler")?))
}

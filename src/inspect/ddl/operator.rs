//! Aggregates, operators, and the families and classes of operators.

use super::common::texts;
use super::text::{arguments, list, without_arguments};
use crate::base::name::quote_literal;
use crate::inspect::object::{Object, ObjectKey};

/// `CREATE AGGREGATE`.
pub(super) fn aggregate(key: &ObjectKey, object: &Object, replace: bool) -> Option<String> {
    let text = |property: &str| object.text(property);
    let function = |property: &str| text(property).map(without_arguments).map(str::to_owned);
    let number = |property: &str| object.property(property).as_i64().map(|n| n.to_string());
    let constant = |property: &str| text(property).map(quote_literal);
    let kind = text("aggregateKind");
    let usual = if kind.is_some() { "read write" } else { "read only" };
    let modify =
        |property: &str| text(property).filter(|mode| *mode != usual).map(|mode| mode.replace(' ', "_").to_uppercase());
    let flag = |property: &str| object.is(property).then(String::new);
    let options = [
        ("SFUNC", function("stateFunction")),
        ("STYPE", text("stateType").map(str::to_owned)),
        ("SSPACE", number("stateSize")),
        ("FINALFUNC", function("finalFunction")),
        ("FINALFUNC_EXTRA", flag("finalExtra")),
        ("FINALFUNC_MODIFY", modify("finalModify")),
        ("COMBINEFUNC", function("combineFunction")),
        ("SERIALFUNC", function("serialFunction")),
        ("DESERIALFUNC", function("deserialFunction")),
        ("INITCOND", constant("initialState")),
        ("MSFUNC", function("movingStateFunction")),
        ("MINVFUNC", function("movingInverseFunction")),
        ("MSTYPE", text("movingStateType").map(str::to_owned)),
        ("MSSPACE", number("movingStateSize")),
        ("MFINALFUNC", function("movingFinalFunction")),
        ("MFINALFUNC_EXTRA", flag("movingFinalExtra")),
        ("MFINALFUNC_MODIFY", modify("movingFinalModify")),
        ("MINITCOND", constant("movingInitialState")),
        ("SORTOP", text("sortOperator").map(operator_name)),
        ("PARALLEL", text("parallel").map(str::to_uppercase)),
        ("HYPOTHETICAL", (kind == Some("hypothetical set")).then(String::new)),
    ];
    let name = without_arguments(&key.name);
    let arguments = Some(text("arguments").unwrap_or_default()).filter(|text| !text.is_empty()).unwrap_or("*");
    let replace = if replace { "OR REPLACE " } else { "" };
    Some(format!("CREATE {replace}AGGREGATE {name}({arguments}) ({})", definition(&options)))
}

/// `NAME = value` for what there is; an empty value has none.
pub(super) fn definition(options: &[(&str, Option<String>)]) -> String {
    let each = options.iter().filter_map(|(name, value)| match value.as_deref()? {
        "" => Some((*name).to_owned()),
        value => Some(format!("{name} = {value}")),
    });
    each.collect::<Vec<_>>().join(", ")
}

/// An operator without its arguments, as options name it.
fn operator_name(operator: &str) -> String {
    let name = without_arguments(operator);
    // no operator has a dot
    let schema = if name.contains('.') { "" } else { "pg_catalog." };
    format!("OPERATOR({schema}{name})")
}

/// `CREATE OPERATOR`. `None`: it is no more than a name, which other operators have brought.
pub(super) fn operator(key: &ObjectKey, object: &Object) -> Option<String> {
    let function = |property: &str| object.text(property).map(without_arguments).map(str::to_owned);
    let flag = |property: &str| object.is(property).then(String::new);
    let arguments = list(arguments(&key.name));
    let argument = |at: usize| arguments.get(at).filter(|text| **text != "NONE").map(|text| (*text).to_owned());
    let options = [
        ("FUNCTION", Some(function("function")?)),
        ("LEFTARG", argument(0)),
        ("RIGHTARG", argument(1)),
        ("COMMUTATOR", object.text("commutator").map(operator_name)),
        ("NEGATOR", object.text("negator").map(operator_name)),
        ("RESTRICT", function("restrict")),
        ("JOIN", function("join")),
        ("HASHES", flag("hashes")),
        ("MERGES", flag("merges")),
    ];
    Some(format!("CREATE OPERATOR {} ({})", without_arguments(&key.name), definition(&options)))
}

/// Sets the functions that estimate how many rows an operator selects.
pub(super) fn change_operator(key: &ObjectKey, object: &Object, property: &str) -> String {
    let function = object.text(property).map_or("NONE", without_arguments);
    format!("ALTER OPERATOR {} SET ({} = {function})", key.name, property.to_uppercase())
}

/// The operators and functions of a family or class, as statements list them.
fn members(object: &Object) -> Vec<String> {
    let operators = texts(object, "operators").into_iter().map(|text| format!("OPERATOR {text}"));
    let functions = texts(object, "functions").into_iter().map(|text| format!("FUNCTION {text}"));
    operators.chain(functions).collect()
}

/// `CREATE OPERATOR FAMILY` with its own members.
pub(super) fn family(key: &ObjectKey, object: &Object) -> Vec<String> {
    let mut sql = vec![format!("CREATE OPERATOR FAMILY {}", key.name)];
    sql.extend(change_family(key, object, &Object::default()));
    sql
}

/// Brings the members of a family from those of `found` to its own.
pub(super) fn change_family(key: &ObjectKey, object: &Object, found: &Object) -> Vec<String> {
    let (new, old) = (members(object), members(found));
    let add: Vec<&str> = new.iter().filter(|one| !old.contains(one)).map(String::as_str).collect();
    let drop: Vec<String> = old.iter().filter(|one| !new.contains(one)).map(|one| without_name(one)).collect();
    let mut sql = Vec::new();
    if !drop.is_empty() {
        sql.push(format!("ALTER OPERATOR FAMILY {} DROP {}", key.name, drop.join(", ")));
    }
    if !add.is_empty() {
        sql.push(format!("ALTER OPERATOR FAMILY {} ADD {}", key.name, add.join(", ")));
    }
    sql
}

/// A member as `DROP` names it: by its number and types, which come first in that of a function.
fn without_name(member: &str) -> String {
    let mut words = member.splitn(3, ' ');
    let (word, number) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let types = super::text::find(member, "(").map_or("", |at| &member[at..]);
    let end = super::text::find(types, ")").map_or(types.len(), |at| at + 1);
    format!("{word} {number} {}", &types[..end])
}

/// `CREATE OPERATOR CLASS`.
pub(super) fn class(key: &ObjectKey, object: &Object) -> Option<String> {
    let (name, method) = key.name.rsplit_once(" USING ")?;
    let default = if object.is("default") { "DEFAULT " } else { "" };
    let (of, family) = (object.text("type")?, object.text("family")?);
    let mut all = members(object);
    // a class has to have something
    let storage = object.text("storageType").or(all.is_empty().then_some(of));
    all.extend(storage.map(|storage| format!("STORAGE {storage}")));
    Some(format!(
        "CREATE OPERATOR CLASS {name} {default}FOR TYPE {of} USING {method} FAMILY {family} AS {}",
        all.join(", ")
    ))
}

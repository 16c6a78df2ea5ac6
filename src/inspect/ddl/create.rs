//! Objects that are missing.

use super::column::{self, other_options};
use super::common::{finish, finish_owned, keyword, local, texts};
use super::inherit::{self, Inherited};
use super::set::{enabled, own, sequence};
use super::table::{self, Form};
use super::{constraint, foreign, operator, others, search, setting, text};
use crate::base::name::quote_literal;
use crate::inspect::kind::ObjectKind as Kind;
use crate::inspect::object::{Object, ObjectKey};
use crate::inspect::snapshot::Snapshot;
use std::collections::BTreeSet;

/// The statements that make an object with all its parts, its partitions among them; `None`: they do not follow.
pub(super) fn create(catalog: &Snapshot, key: &ObjectKey) -> Option<Vec<String>> {
    let object = catalog.get(key)?;
    let is_table = matches!(key.kind, Kind::Table | Kind::ForeignTable);
    let form = if is_table { table::form(catalog, key, object) } else { Form::Alone };
    // the parts come before the parent, which would bring some of its own
    let detached = form != Form::Inherits;
    let form = if detached { Form::Alone } else { form };
    let mut sql = made(catalog, key, object, &BTreeSet::new(), form)?;
    if key.kind == Kind::Sequence {
        sql.extend(own(key, object)?);
    }
    // a column is complete
    if key.kind == Kind::Column {
        return Some(sql);
    }
    let parts = || catalog.children(key).filter(|part| !matches!(part.kind, Kind::Column | Kind::Attribute));
    let before = |part: &&ObjectKey| matches!(part.kind, Kind::Constraint | Kind::Index);
    for part in parts().filter(before) {
        sql.extend(part_of_table(catalog, part, is_table && detached)?);
    }
    if is_table && detached {
        sql.extend(table::attach(key, object));
    }
    for part in parts().filter(|part| !before(part)) {
        sql.extend(create(catalog, part)?);
    }
    if object.properties.contains_key("partitionKey") {
        for partition in inherit::children(catalog, key) {
            sql.extend(create(catalog, partition)?);
        }
    }
    if key.kind == Kind::Index {
        for index in constraint::attached(catalog, key) {
            let of = catalog.get(index)?.parent.as_ref().filter(|of| of.kind == Kind::Constraint);
            sql.extend(create(catalog, of.unwrap_or(index))?);
        }
    }
    Some(sql)
}

/// A constraint or index with its own parts.
fn part_of_table(catalog: &Snapshot, key: &ObjectKey, detached: bool) -> Option<Vec<String>> {
    let object = catalog.get(key)?;
    let mut sql = match key.kind {
        Kind::Constraint if is_of_domain(object) => Vec::new(),
        Kind::Constraint => constraint::create(catalog, key, object, detached)?,
        _ => constraint::create_index(catalog, key, object, detached)?,
    };
    sql.extend(finish(key, object, catalog.major)?);
    for part in catalog.children(key) {
        sql.extend(part_of_table(catalog, part, detached)?);
    }
    Some(sql)
}

/// The statements that make an object without its parts; columns in `later` without their default.
pub(super) fn alone(catalog: &Snapshot, key: &ObjectKey, later: &BTreeSet<ObjectKey>) -> Option<Vec<String>> {
    let object = catalog.get(key)?;
    if key.kind == Kind::Constraint && is_of_domain(object) {
        return finish(key, object, catalog.major);
    }
    let is_table = matches!(key.kind, Kind::Table | Kind::ForeignTable);
    let form = if is_table { table::form(catalog, key, object) } else { Form::Alone };
    made(catalog, key, object, later, form)
}

/// Whether a constraint is made with its domain: where the domain is used, it cannot always be added.
fn is_of_domain(constraint: &Object) -> bool {
    let is_valid = || constraint.text("definition") == inherit::validated(constraint);
    constraint.parent.as_ref().is_some_and(|of| of.kind == Kind::Domain) && is_valid()
}

/// The same, with the form of a table.
fn made(
    catalog: &Snapshot,
    key: &ObjectKey,
    object: &Object,
    later: &BTreeSet<ObjectKey>,
    form: Form,
) -> Option<Vec<String>> {
    let mut sql = match key.kind {
        Kind::Table | Kind::ForeignTable => table::create(catalog, key, object, later, form)?,
        _ => itself(catalog, key, object, later)?,
    };
    let of_table = catalog.children(key).filter(|part| part.kind == Kind::Column);
    for column in of_table.chain([key]).filter(|column| column.kind == Kind::Column) {
        for sequence in catalog.children(column).filter(|part| part.kind == Kind::Sequence) {
            sql.extend(finish_owned(sequence, catalog.get(sequence)?, catalog.major)?);
        }
    }
    // a column is complete, and the sequence of an identity column comes with it
    if key.kind != Kind::Column && (key.kind != Kind::Sequence || object.parent.is_none()) {
        sql.extend(finish(key, object, catalog.major)?);
    }
    Some(sql)
}

/// An object alone.
fn itself(catalog: &Snapshot, key: &ObjectKey, object: &Object, later: &BTreeSet<ObjectKey>) -> Option<Vec<String>> {
    let parent = object.parent.as_ref();
    let name = &key.name;
    let definition = || object.text("definition").map(|text| text.trim_end().trim_end_matches(';').to_owned());
    Some(match key.kind {
        Kind::Schema => vec![format!("CREATE SCHEMA {name}")],
        Kind::Extension => {
            let (schema, version) = (object.text("schema")?, object.text("version")?);
            vec![format!("CREATE EXTENSION {name} SCHEMA {schema} VERSION {}", quote_literal(version))]
        }
        Kind::View | Kind::MaterializedView => table::create_view(catalog, key, object, false)?,
        Kind::Column => {
            let table = parent.filter(|table| matches!(table.kind, Kind::Table | Kind::ForeignTable))?;
            let none = Inherited::default();
            let column = column::definition(catalog, key, &column::now(key, object, later), &none)?;
            let mut sql = vec![format!("ALTER {} {} ADD COLUMN {column}", keyword(table.kind), table.name)];
            sql.extend(column::finish(catalog, key, object, &none)?);
            sql
        }
        Kind::Attribute => {
            let collate =
                object.text("collation").map_or_else(String::new, |collation| format!(" COLLATE {collation}"));
            let of = &parent?.name;
            vec![format!("ALTER TYPE {of} ADD ATTRIBUTE {} {}{collate}", local(key, object), object.text("type")?)]
        }
        Kind::Constraint => constraint::create(catalog, key, object, false)?,
        Kind::Index => constraint::create_index(catalog, key, object, false)?,
        // that of a partition comes with its parent's, and that of a view with the view
        Kind::Trigger | Kind::Rule => {
            let is_there = object.text("inheritance").is_some() || is_of_view(key, object);
            let mut sql = if is_there { Vec::new() } else { vec![definition()?] };
            if is_there || object.properties.contains_key("enabled") {
                sql.extend(enabled(key, object)?);
            }
            sql
        }
        Kind::Policy => vec![policy(key, object)?],
        Kind::Statistics => {
            let mut sql = vec![definition()?];
            sql.extend(
                object.property("statistics").as_i64().map(|n| format!("ALTER STATISTICS {name} SET STATISTICS {n}")),
            );
            sql
        }
        Kind::Function | Kind::Procedure => vec![object.text("definition")?.trim_end().to_owned()],
        // that of an identity column is made with it
        Kind::Sequence if parent.is_some() => Vec::new(),
        Kind::Sequence => {
            let unlogged = if object.text("persistence").is_some() { "UNLOGGED " } else { "" };
            let options = other_options(object)?.iter().map(|option| format!(" {option}")).collect::<String>();
            let mut sql = vec![format!("CREATE {unlogged}SEQUENCE {name} AS {}{options}", object.text("type")?)];
            if object.properties.contains_key("lastValue") {
                sql.extend(sequence(key, object, "lastValue")?);
            }
            sql
        }
        Kind::Type => match object.text("typeKind")? {
            "enum" => {
                let labels: Vec<String> = labels(object).into_iter().map(quote_literal).collect();
                vec![format!("CREATE TYPE {name} AS ENUM ({})", labels.join(", "))]
            }
            "composite" => table::create_composite(catalog, key),
            "range" => vec![range(key, object)?],
            "shell" => vec![format!("CREATE TYPE {name}")],
            _ => return None,
        },
        Kind::Domain => {
            let mut sql = format!("CREATE DOMAIN {name} AS {}", object.text("baseType")?);
            for (word, property) in [("COLLATE", "collation"), ("DEFAULT", "default")] {
                sql += &object.text(property).map_or_else(String::new, |text| format!(" {word} {text}"));
            }
            sql += if object.is("notNull") && catalog.major < 17 { " NOT NULL" } else { "" };
            let constraints = catalog.children(key).filter_map(|part| Some((part, catalog.get(part)?)));
            for (part, constraint) in constraints.filter(|(_, constraint)| is_of_domain(constraint)) {
                sql += &format!(" CONSTRAINT {} {}", local(part, constraint), constraint.text("definition")?);
            }
            vec![sql]
        }
        Kind::DefaultPrivileges => super::common::default_acl(key, object, catalog.major, false)?,
        Kind::Privileges => super::common::outside_acl(key, object, false)?,
        Kind::EventTrigger => {
            let tags: Vec<String> = texts(object, "tags").into_iter().map(quote_literal).collect();
            let tags = if tags.is_empty() { String::new() } else { format!(" WHEN TAG IN ({})", tags.join(", ")) };
            let (event, function) = (object.text("event")?, object.text("function")?);
            let mut sql = vec![format!("CREATE EVENT TRIGGER {name} ON {event}{tags} EXECUTE FUNCTION {function}")];
            if object.properties.contains_key("enabled") {
                sql.extend(enabled(key, object)?);
            }
            sql
        }
        Kind::Publication => vec![publication(catalog, key, object)?],
        Kind::Cast => {
            let how = match (object.text("method")?, object.text("function")) {
                ("function", Some(function)) => format!("WITH FUNCTION {function}"),
                ("inout", _) => "WITH INOUT".to_owned(),
                _ => "WITHOUT FUNCTION".to_owned(),
            };
            let context = match object.text("context")? {
                "explicit" => String::new(),
                context => format!(" AS {}", context.to_uppercase()),
            };
            vec![format!("CREATE CAST {name} {how}{context}")]
        }
        Kind::Aggregate => vec![operator::aggregate(key, object, false)?],
        Kind::Operator => vec![operator::operator(key, object)?],
        Kind::OperatorFamily => operator::family(key, object),
        Kind::OperatorClass => vec![operator::class(key, object)?],
        Kind::TextSearchParser
        | Kind::TextSearchTemplate
        | Kind::TextSearchDictionary
        | Kind::TextSearchConfiguration => search::create(key, object)?,
        Kind::ForeignDataWrapper => vec![foreign::wrapper(key, object)?],
        Kind::Server => vec![foreign::server(key, object)?],
        Kind::UserMapping => vec![foreign::mapping(key, object)?],
        Kind::Collation => vec![others::collation(key, object)?],
        Kind::Conversion => vec![others::conversion(key, object)?],
        Kind::Language => vec![others::language(key, object)?],
        Kind::Transform => vec![others::transform(key, object)],
        Kind::AccessMethod => vec![others::access_method(key, object)?],
        Kind::Setting => setting::change(key, object, &Object::default()),
        _ => return None,
    })
}

/// Whether a rule is the query of a view.
fn is_of_view(key: &ObjectKey, rule: &Object) -> bool {
    let of_view = rule.parent.as_ref().is_some_and(|of| matches!(of.kind, Kind::View | Kind::MaterializedView));
    of_view && local(key, rule) == "\"_RETURN\""
}

fn publication(catalog: &Snapshot, key: &ObjectKey, object: &Object) -> Option<String> {
    // without ONLY its children come with a table
    let only = |table: &str| {
        let name = &table[..text::find(table, " ").unwrap_or(table.len())];
        inherit::only(catalog, &ObjectKey::new(Kind::Table, name))
    };
    let tables: Vec<String> = texts(object, "tables").into_iter().map(|one| format!("{}{one}", only(one))).collect();
    let tables = (!tables.is_empty()).then(|| format!("TABLE {}", tables.join(", ")));
    let schemas = texts(object, "schemas").into_iter().map(|schema| format!("TABLES IN SCHEMA {schema}"));
    let parts: Vec<String> = tables.into_iter().chain(schemas).collect();
    let what = match (object.is("allTables"), parts.is_empty()) {
        (true, _) => " FOR ALL TABLES".to_owned(),
        (false, true) => String::new(),
        (false, false) => format!(" FOR {}", parts.join(", ")),
    };
    let mut options = vec![format!("publish = {}", quote_literal(object.text("publish").unwrap_or_default()))];
    options.extend(object.is("viaRoot").then(|| "publish_via_partition_root = true".to_owned()));
    options.extend(object.text("generatedColumns").map(|kind| format!("publish_generated_columns = {kind}")));
    Some(format!("CREATE PUBLICATION {}{what} WITH ({})", key.name, options.join(", ")))
}

/// The labels of an enum.
pub(super) fn labels(object: &Object) -> Vec<&str> {
    texts(object, "labels")
}

fn range(key: &ObjectKey, object: &Object) -> Option<String> {
    let options = [
        ("SUBTYPE", "subtype"),
        ("SUBTYPE_OPCLASS", "subtypeOperatorClass"),
        ("COLLATION", "subtypeCollation"),
        ("MULTIRANGE_TYPE_NAME", "multirange"),
    ];
    let mut all: Vec<String> =
        options.iter().filter_map(|(word, property)| Some(format!("{word} = {}", object.text(property)?))).collect();
    for (word, property) in [("SUBTYPE_DIFF", "differenceFunction"), ("CANONICAL", "canonicalFunction")] {
        // only the name, without arguments
        all.extend(object.text(property).map(|text| format!("{word} = {}", text::without_arguments(text))));
    }
    Some(format!("CREATE TYPE {} AS RANGE ({})", key.name, all.join(", ")))
}

fn policy(key: &ObjectKey, object: &Object) -> Option<String> {
    let table = object.parent.as_ref()?;
    let kind = if object.is("restrictive") { "RESTRICTIVE" } else { "PERMISSIVE" };
    let mut sql = format!(
        "CREATE POLICY {} ON {} AS {kind} FOR {} TO {}",
        local(key, object),
        table.name,
        object.text("command")?,
        roles(object)
    );
    for (word, property) in [("USING", "using"), ("WITH CHECK", "check")] {
        sql += &object.text(property).map_or_else(String::new, |text| format!(" {word} ({text})"));
    }
    Some(sql)
}

/// The roles of a policy.
pub(super) fn roles(object: &Object) -> String {
    texts(object, "roles").join(", ")
}

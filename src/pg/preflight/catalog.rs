//! What a server knows of tables that statements lock and do not name. One query, and only if a plan needs it.

use crate::base::name::quote_literal;
use crate::base::{Failure, FailureKind, Ident, QualifiedName, fill};
use crate::pg::connect::Connection;
use crate::plan::Plan;
use crate::sql::catalog::{Child, ForeignKey, Listed, Question};
use crate::sql::{AlsoLocked, Catalog, Through};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};

/// Names the tables that the statements of a plan lock as well, by the server's catalog and by what the plan itself
/// makes. If the server cannot be asked, by the plan alone.
pub async fn resolve(connection: &Connection, version: i32, plan: &mut Plan) {
    let catalog = {
        let segments = plan.steps.iter().flat_map(|step| &step.segments);
        let statements = segments.flat_map(|segment| &segment.statements);
        let entries: Vec<&AlsoLocked> = statements.flat_map(|statement| &statement.facts.also).collect();
        read(connection, version, &entries).await
    };
    crate::plan::resolve(plan, catalog.unwrap_or_default());
}

/// Asks a server of this major version what is needed to resolve these entries.
///
/// # Errors
/// When the server does not answer.
pub async fn read(connection: &Connection, version: i32, entries: &[&AlsoLocked]) -> Result<Catalog, Failure> {
    let mut catalog = Catalog::of_server(version);
    let mut questions: Vec<Question> = Vec::new();
    let mut seen = HashSet::new();
    for question in entries.iter().filter_map(|also| Question::of(also)) {
        if seen.insert(question.clone()) {
            questions.push(question);
        }
    }
    if questions.is_empty() {
        return Ok(catalog);
    }
    let sql = fill(
        include_str!("catalog.sql"),
        &[
            ("path", &quote_literal(connection.author_path())),
            ("questions", &format!("{}::jsonb", quote_literal(&asked(&questions).to_string()))),
            ("views", if questions.iter().any(|q| q.through == Through::BaseRelations) { "true" } else { "false" }),
        ],
    );
    let rows = connection.interpreted("cannot query the tables that are locked as well", &sql).await?;
    let text = rows.first().and_then(|row| row.first()?.as_deref()).unwrap_or("{}");
    let answer: Answer = serde_json::from_str(text)
        .map_err(|e| Failure::new(FailureKind::Internal, format!("cannot read the catalog: {e}")))?;
    answer.fill(&questions, &mut catalog);
    Ok(catalog)
}

fn asked(questions: &[Question]) -> Value {
    let one = |(i, question): (usize, &Question)| {
        let (schema, name) = match &question.of {
            Some(of) => (of.schema.as_ref().map(Ident::as_str), Some(of.name.as_str())),
            None => (None, None),
        };
        json!({ "i": i, "through": question.through, "class": question.class, "schema": schema, "name": name,
                "part": question.part.as_ref().map(|part| part.name.as_str()) })
    };
    questions.iter().enumerate().map(one).collect()
}

/// A foreign key: name, table, referenced table, columns, referenced columns, index, whether it cascades.
type Key = (String, String, String, String, String, Vec<String>, Vec<String>, Option<String>, bool);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    names: Vec<(usize, String, String)>,
    children: Vec<(String, String, String, String, bool, bool)>,
    keys: Vec<Key>,
    sequences: Vec<(String, String, String, String, String)>,
    bases: Vec<(String, String, String, String)>,
    lists: Vec<(usize, String, String, bool, bool)>,
}

impl Answer {
    fn fill(self, questions: &[Question], catalog: &mut Catalog) {
        let mut real: BTreeMap<usize, QualifiedName> = BTreeMap::new();
        for (i, schema, name) in self.names {
            if let (Some(name), Some(said)) = (named(&schema, &name), questions.get(i).and_then(|q| q.of.clone())) {
                catalog.name(said, name.clone());
                real.insert(i, name);
            }
        }
        for (schema, parent, child_schema, child, partition, default) in self.children {
            if let (Some(parent), Some(name)) = (named(&schema, &parent), named(&child_schema, &child)) {
                catalog.child(Child { parent, name, partition, default });
            }
        }
        for (name, schema, from, to_schema, to, columns, to_columns, key, cascades) in self.keys {
            if let (Some(from), Some(to)) = (named(&schema, &from), named(&to_schema, &to)) {
                let idents = |names: Vec<String>| names.into_iter().filter_map(|n| Ident::new(n).ok()).collect();
                let key = key.and_then(|key| Ident::new(key).ok());
                let (name, columns, to_columns) = (Ident::new(name).ok(), idents(columns), idents(to_columns));
                catalog.foreign_key(ForeignKey { name, from, columns, to, to_columns, key, cascades });
            }
        }
        for (schema, table, column, own_schema, sequence) in self.sequences {
            let column = Ident::new(column).ok();
            if let (Some(t), Some(c), Some(s)) = (named(&schema, &table), column, named(&own_schema, &sequence)) {
                catalog.sequence(t, c, s);
            }
        }
        for (schema, view, base_schema, base) in self.bases {
            if let (Some(view), Some(base)) = (named(&schema, &view), named(&base_schema, &base)) {
                catalog.base(view, base);
            }
        }
        let mut lists: Vec<Vec<Listed>> = vec![Vec::new(); questions.len()];
        for (i, schema, name, is_dropped, loses_data) in self.lists {
            if let (Some(list), Some(name)) = (lists.get_mut(i), named(&schema, &name)) {
                list.push(Listed { name, is_dropped, loses_data });
            }
        }
        for (i, (question, list)) in questions.iter().zip(lists).enumerate() {
            let of = real.get(&i).cloned().or_else(|| question.of.clone());
            catalog.list(Question { of, ..question.clone() }, list);
        }
    }
}

fn named(schema: &str, name: &str) -> Option<QualifiedName> {
    let schema = (!schema.is_empty()).then(|| Ident::new(schema)).transpose().ok()?;
    Some(QualifiedName { schema, name: Ident::new(name).ok()? })
}

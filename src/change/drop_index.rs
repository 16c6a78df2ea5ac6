use super::create_index::CreateIndex;
use super::{ChangeType, Scope, Undo};
use crate::base::{Code, Diagnostic, Diagnostics, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Drops an index, concurrently, so that reads and writes of its table go on (manual, DROP
/// INDEX). Undone by building it again: with `was` concurrently, without it from the
/// definition that is remembered, while writes to the table wait.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DropIndex {
    /// The index, with its schema.
    index: QualifiedName,
    /// Its table; with it the plan knows what must not run meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<QualifiedName>,
    /// What the index was, as `createIndex` takes it: then a rollback builds it concurrently.
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<Box<CreateIndex>>,
    /// `false` asks for the form that blocks the table for a moment, and that partitioned
    /// tables need; left out: concurrent.
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrently: Option<bool>,
}

impl DropIndex {
    fn created_here(&self, scope: &Scope) -> bool {
        scope
            .before
            .touches
            .iter()
            .any(|t| t.object == ObjectClass::Index && t.how == Access::Create && t.name == self.index)
    }
}

impl ChangeType for DropIndex {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        let Some(was) = &self.was else { return };
        was.check(&place.child("was"), out);
        if was.index() != self.index {
            out.push(
                Diagnostic::error(
                    Code::DescribesAnother,
                    format!("`was` describes the index `{}`, not `{}`", was.index(), self.index),
                )
                .at(place.child("was").child("name"))
                .related(place.child("index"), "this one is dropped"),
            );
        }
        if self.table.as_ref().is_some_and(|table| table != was.table()) {
            out.push(
                Diagnostic::error(Code::DescribesAnother, format!("`was` describes an index of `{}`", was.table()))
                    .at(place.child("was").child("table"))
                    .related(place.child("table"), "but it is said to be of this one"),
            );
        }
    }

    fn effects(&self, effects: &mut Effects) {
        effects.touch(ObjectClass::Index, &self.index, Access::Drop);
        if let Some(table) = self.table.as_ref().or(self.was.as_ref().map(|was| was.table())) {
            effects.alters(table);
        }
    }

    fn undo(&self, scope: &Scope) -> Undo {
        if self.created_here(scope) { Undo::Nothing } else { Undo::Derived }
    }

    fn extra(&self, scope: &Scope, context: &mut Map<String, Value>) {
        let here = self.created_here(scope);
        let online = self.concurrently.unwrap_or(!here);
        context.insert("online".to_owned(), online.into());
        context.insert("remember".to_owned(), (!here && self.was.is_none()).into());
        if let (Some(was), Some(Value::Object(map))) = (&self.was, context.get_mut("was")) {
            was.extra(scope, map);
            map.insert("online".to_owned(), online.into());
        }
    }
}

use super::create_index::CreateIndex;
use super::{ChangeType, Scope, Undo};
use crate::base::{Code, Diagnostic, Diagnostics, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Drops an index concurrently, so that reads and writes of its table continue (manual, DROP INDEX). The
/// rollback builds it again: concurrently with `was`; otherwise from the remembered definition, which blocks
/// writes to the table meanwhile.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DropIndex {
    /// The index, with its schema.
    index: QualifiedName,
    /// The table of the index; with it the plan knows which steps must not run concurrently.
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<QualifiedName>,
    /// The parameters of the index as in `createIndex`; the rollback then builds it concurrently.
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<Box<CreateIndex>>,
    /// `false` blocks the table for a short time; partitioned tables need it. Default: concurrently.
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

use super::piece::{check_piece, tidy_all};
use super::{ChangeType, Scope};
use crate::base::{Code, Diagnostic, Diagnostics, Ident, Place, QualifiedName};
use crate::effects::{Access, Effects, ObjectClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Creates a trigger; in a repeatable changeset creates or replaces it. The rollback drops it (manual, CREATE
/// TRIGGER).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateTrigger {
    /// The trigger's name, without a schema: it belongs to its table.
    name: Ident,
    /// The table or view, with its schema.
    table: QualifiedName,
    /// The time at which it fires.
    timing: Timing,
    /// The events on which it fires.
    events: Vec<Event>,
    /// An UPDATE fires the trigger only if it sets one of these columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    update_of: Vec<Ident>,
    /// Fires for each row, or once per statement.
    #[serde(default)]
    for_each: ForEach,
    /// The name of the transition table with all old rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_table: Option<Ident>,
    /// The name of the transition table with all new rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_table: Option<Ident>,
    /// The condition for the trigger, with `OLD` and `NEW`.
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<String>,
    /// The trigger function, with its schema.
    function: QualifiedName,
    /// The arguments in `TG_ARGV`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    arguments: Vec<String>,
    /// A comment, stored in the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

/// When a trigger fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Timing {
    /// Before the row or statement.
    Before,
    /// After it.
    After,
    /// Instead of it: on views.
    InsteadOf,
}

/// An event that fires a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Event {
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// TRUNCATE.
    Truncate,
}

/// How often a trigger fires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ForEach {
    /// For each row.
    #[default]
    Row,
    /// Once per statement.
    Statement,
}

impl CreateTrigger {
    /// What the server would refuse, as place and words.
    fn contradictions(&self) -> Vec<(&'static str, &'static str)> {
        let on = |event| self.events.contains(&event);
        let instead = self.timing == Timing::InsteadOf;
        let transition = self.old_table.is_some() || self.new_table.is_some();
        [
            (self.events.is_empty(), "events", "it has no event"),
            (!self.update_of.is_empty() && !on(Event::Update), "updateOf", "`updateOf` needs the event `update`"),
            (
                on(Event::Truncate) && self.for_each == ForEach::Row,
                "forEach",
                "TRUNCATE has no rows: write `forEach: statement`",
            ),
            (instead && self.for_each == ForEach::Statement, "forEach", "`insteadOf` fires for each row"),
            (instead && on(Event::Truncate), "events", "`insteadOf` cannot stand for TRUNCATE"),
            (instead && !self.update_of.is_empty(), "updateOf", "`insteadOf` takes no list of columns"),
            (instead && self.when.is_some(), "when", "`insteadOf` takes no condition"),
            (transition && self.timing != Timing::After, "timing", "only `after` sees all rows as a table"),
            (
                self.old_table.is_some() && !on(Event::Update) && !on(Event::Delete),
                "oldTable",
                "old rows exist only for `update` and `delete`",
            ),
            (
                self.new_table.is_some() && !on(Event::Update) && !on(Event::Insert),
                "newTable",
                "new rows exist only for `insert` and `update`",
            ),
        ]
        .into_iter()
        .filter(|(wrong, ..)| *wrong)
        .map(|(_, key, why)| (key, why))
        .collect()
    }
}

// no home: although it goes with its table, its function may have to go before
impl ChangeType for CreateTrigger {
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        for (key, why) in self.contradictions() {
            out.push(
                Diagnostic::error(Code::Contradiction, format!("trigger `{}`: {why}", self.name)).at(place.child(key)),
            );
        }
        for (i, event) in self.events.iter().enumerate() {
            if self.events[..i].contains(event) {
                let message = format!("trigger `{}` has an event twice", self.name);
                out.push(Diagnostic::error(Code::ElementTwice, message).at(place.child("events").at(i)));
            }
        }
        if let Some(when) = &self.when {
            check_piece(when, &place.child("when"), out);
        }
    }

    fn effects(&self, effects: &mut Effects) {
        effects.alters(&self.table);
        effects.touch(ObjectClass::Function, &self.function, Access::Read);
    }

    fn extra(&self, _: &Scope, context: &mut Map<String, Value>) {
        let events: Vec<Value> = self
            .events
            .iter()
            .map(|event| match event {
                Event::Update if !self.update_of.is_empty() => json!({ "event": event, "columns": self.update_of }),
                event => json!({ "event": event }),
            })
            .collect();
        context.insert("events".to_owned(), events.into());
        tidy_all(context, &["when"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::testing::problems;

    #[test]
    fn what_the_server_refuses_is_found() {
        let trigger = |extra: Value| {
            let mut t =
                json!({"name": "t", "table": "app.t", "timing": "before", "events": ["insert"], "function": "app.f"});
            t.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            problems("createTrigger", &t)
        };
        assert!(trigger(json!({})).is_empty());
        for (extra, words) in [
            (json!({"events": []}), "no event"),
            (json!({"updateOf": ["a"]}), "updateOf"),
            (json!({"events": ["truncate"]}), "forEach: statement"),
            (json!({"timing": "insteadOf", "when": "true"}), "condition"),
            (json!({"newTable": "n"}), "after"),
            (json!({"events": ["insert", "insert"]}), "twice"),
        ] {
            let found = trigger(extra.clone());
            assert!(found.len() == 1 && found[0].contains(words), "{extra}: {found:?}");
        }
    }
}

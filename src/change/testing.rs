//! What the tests of change types share.

use super::{Change, Scope, Undo, find};
use crate::base::{Diagnostics, FileId, Place};
use crate::effects::Effects;
use crate::render::{Renderer, Section};
use serde_json::Value;

fn change(kind: &str, value: &Value, out: &mut Diagnostics) -> Option<Box<dyn Change>> {
    let place = Place::value(FileId(0), vec![]);
    let change = (find(kind).expect("is registered").parse)(value, &place, out)?;
    change.check(&place, out);
    Some(change)
}

/// What is wrong with a change: codes and messages.
pub fn problems(kind: &str, value: &Value) -> Vec<String> {
    let mut out = Diagnostics::default();
    change(kind, value, &mut out);
    out.iter().map(|d| format!("{} {}", d.code, d.message)).collect()
}

/// How the last of some changes of one changeset is undone, and its SQL both ways.
pub fn last(changes: &[(&str, Value)]) -> (Undo, String, String) {
    let mut scope =
        Scope { changeset: "cs".into(), ledger: "dagmar".into(), repeatable: false, before: Effects::default() };
    let mut out = Diagnostics::default();
    let (own, before) = changes.split_last().expect("there are some");
    for (kind, value) in before {
        change(kind, value, &mut out).expect("is right").effects(&mut scope.before);
    }
    let change = change(own.0, &own.1, &mut out).expect("is right");
    assert!(out.is_empty(), "{out:?}");
    let renderer = Renderer::new(&[]).expect("templates are right");
    let values = change.context(&scope).into();
    let forward = renderer.render(own.0, Section::Forward, &values).expect("renders");
    let undo = change.undo(&scope);
    let rollback = match undo {
        Undo::Derived => renderer.render(own.0, Section::Rollback, &values).expect("renders"),
        _ => String::new(),
    };
    (undo, forward, rollback)
}

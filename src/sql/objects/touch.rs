//! What steps have to know of each other, to run at the same time.

use super::object::{Arguments, Lookup, Mention, Object, Objects};
use crate::base::QualifiedName;
use crate::effects::{Access, Effects, ObjectClass, Touch};
use std::collections::BTreeSet;

/// The objects that the statements themselves touch; `None`: the text does not tell.
pub(super) fn effects(objects: &Objects) -> Option<Effects> {
    let is_read = objects.mistakes.iter().all(|mistake| mistake.in_body);
    if objects.runs_code || !is_read {
        return None;
    }
    let mut effects = Effects::default();
    let mut temporary = BTreeSet::new();
    for mention in objects.mentions.iter().filter(|m| m.lookup == Lookup::Statement) {
        if let (Object::Relation(name), Access::Create) = (&mention.object, mention.how)
            && name.schema.as_ref().is_some_and(|schema| schema.as_str() == "pg_temp")
        {
            temporary.insert(name.name.clone());
            continue;
        }
        if let (Object::Column(table, column), Access::Create, ObjectClass::Table) =
            (&mention.object, mention.how, mention.class)
            && mention.adds
        {
            effects.adds_column(table, column.as_str());
        }
        if let Some(name) = touched(mention) {
            effects.touch(mention.class, &name, mention.how);
        }
    }
    let is_lasting = |name: &QualifiedName| name.schema.is_some() || !temporary.contains(&name.name);
    effects.touches.retain(|t| is_lasting(&t.name));
    effects.columns.retain(|(table, _)| is_lasting(table));
    let mut seen: BTreeSet<Touch> = BTreeSet::new();
    effects.touches.retain(|t| seen.insert(t.clone()));
    Some(effects)
}

/// The name of what counts as an object of its own.
fn touched(mention: &Mention) -> Option<QualifiedName> {
    let whole = |name: &crate::base::Ident| QualifiedName { schema: None, name: name.clone() };
    match &mention.object {
        Object::Relation(name) | Object::Type(name) => Some(name.clone()),
        // a query that calls a function does nothing to it
        Object::Function(_, Arguments::Call(_)) if !mention.defines => None,
        Object::Function(name, _) => Some(name.clone()),
        Object::Schema(name) | Object::Extension(name) | Object::Role(name) => Some(whole(name)),
        _ => None,
    }
}

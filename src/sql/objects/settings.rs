//! Settings that change how names are looked up.

use super::name::{ident, text_of};
use crate::base::Ident;
use squawk_syntax::{SyntaxKind::*, SyntaxNode};

/// The one schema that the function itself looks into: `SET search_path = app, pg_temp`.
pub(super) fn own_path(statement: &SyntaxNode) -> Option<Ident> {
    let option = statement.descendants().find(|n| n.kind() == SET_FUNC_OPTION)?;
    let mut path = path(&option)?;
    path.retain(|schema| !matches!(schema.as_str(), "pg_catalog" | "pg_temp"));
    if path.len() == 1 { path.pop() } else { None }
}

/// The schemas that a `SET search_path` names.
pub(super) fn path(set: &SyntaxNode) -> Option<Vec<Ident>> {
    let parameter = set.descendants().find(|n| n.kind() == CONFIG_PARAMETER_REF)?;
    if ident(&parameter)?.as_str() != "search_path" {
        return None;
    }
    let Some(value) = set.descendants().find(|n| n.kind() == TO_CONFIG_VALUE) else { return Some(Vec::new()) };
    let mut schemas = Vec::new();
    for part in value.children() {
        match part.kind() {
            CONFIG_VALUE_NAME => schemas.extend(ident(&part)),
            LITERAL => schemas.extend(text_of(&part).map(|text| path_of(&text)).unwrap_or_default()),
            _ => {}
        }
    }
    Some(schemas)
}

/// The schemas of a text: `app, "My schema"`.
pub(super) fn path_of(text: &str) -> Vec<Ident> {
    let names = text.split(',').map(|name| name.trim().trim_matches('"'));
    names.filter_map(|name| Ident::new(name).ok()).collect()
}

/// Whether `SET check_function_bodies` turns the check of bodies on or off.
pub(super) fn checks_bodies(set: &SyntaxNode) -> Option<bool> {
    let parameter = set.descendants().find(|n| n.kind() == CONFIG_PARAMETER_REF)?;
    if ident(&parameter)?.as_str() != "check_function_bodies" {
        return None;
    }
    let value = set.descendants().find(|n| n.kind() == TO_CONFIG_VALUE)?.text().to_string().to_ascii_lowercase();
    Some(!["off", "false", "0", "no"].iter().any(|off| value.contains(off)))
}

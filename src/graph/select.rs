//! Selectors: which changesets a command is about.

use super::Graph;
use crate::base::diag::nearest;
use crate::source::Changelog;
use std::collections::BTreeSet;

/// The changesets that any of `selectors` names, by position: `id`, `+id` (with what it
/// depends on), `id+` (with what depends on it), `+id+`, `label:x` and `+label:x+` likewise;
/// several in one text are separated by commas.
///
/// # Errors
/// A selector that names nothing.
pub fn select(selectors: &[String], changelog: &Changelog, graph: &Graph) -> Result<BTreeSet<usize>, String> {
    let mut found = BTreeSet::new();
    for selector in selectors.iter().flat_map(|s| s.split(',')).map(str::trim) {
        if selector.is_empty() {
            return Err("a selector is empty: it would choose nothing".to_owned());
        }
        let (up, rest) = selector.strip_prefix('+').map_or((false, selector), |rest| (true, rest));
        let (down, name) = rest.strip_suffix('+').map_or((false, rest), |name| (true, name));
        let base = named(name, changelog, graph)?;
        if up {
            found.extend(graph.with_ancestors(base.iter().copied()));
        }
        if down {
            found.extend(graph.with_dependents(base.iter().copied()));
        }
        found.extend(base);
    }
    Ok(found)
}

fn named(name: &str, changelog: &Changelog, graph: &Graph) -> Result<Vec<usize>, String> {
    if let Some(label) = name.strip_prefix("label:") {
        let with: Vec<usize> = changelog
            .changesets
            .iter()
            .enumerate()
            .filter(|(_, c)| c.labels.iter().any(|l| l == label))
            .map(|(i, _)| i)
            .collect();
        if !with.is_empty() {
            return Ok(with);
        }
        let labels = changelog.changesets.iter().flat_map(|c| c.labels.iter().map(String::as_str));
        let near = nearest(label, labels).map(|near| format!("; did you mean `label:{near}`?")).unwrap_or_default();
        return Err(format!("no changeset has the label `{label}`{near}"));
    }
    match graph.position(name) {
        Some(position) => Ok(vec![position]),
        None => {
            let ids = changelog.changesets.iter().map(|c| c.id.as_str());
            let near = nearest(name, ids).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            Err(format!("the changeset `{name}` does not exist{near}"))
        }
    }
}

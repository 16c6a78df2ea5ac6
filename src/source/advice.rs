//! Warnings: what is allowed, and is rarely what its author means. And what names changesets from outside of them.

use super::changeset::Changelog;
use super::prove::ProveConfig;
use crate::base::{Code, Diagnostic, Diagnostics, Place, diag::nearest};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// What a change type makes, and the key of its name.
const MAKES: [(&str, &str, &str); 4] = [
    ("createTable", "table", "table"),
    ("createView", "name", "view"),
    ("createFunction", "name", "function"),
    ("createEnum", "name", "type"),
];

/// Names that a change gives: capital letters that nobody else will write, no schema.
pub fn names(kind: &str, parameters: &Value, place: &Place, out: &mut Diagnostics) {
    let Some((_, key, what)) = MAKES.iter().find(|(known, ..)| *known == kind) else { return };
    let Some(name) = parameters[key].as_str() else { return };
    let mut quoted = false;
    let mut bare = String::new();
    for c in name.chars() {
        quoted ^= c == '"';
        bare.extend((!quoted && c != '"').then_some(c));
    }
    if bare.contains(char::is_uppercase) {
        let parts: Vec<String> = name.split('.').map(|part| format!("\"{}\"", part.trim_matches('"'))).collect();
        let exact = parts.join(".");
        out.push(
            Diagnostic::warning(Code::CapitalLetters, format!("the {what} `{name}` contains uppercase letters"))
                .at(place.child(key))
                .help(format!(
                    "SQL must write it as `{exact}`, because PostgreSQL folds unquoted names to lower case: write `{}`, or `'{exact}'` if this is intended",
                    name.to_lowercase()
                )),
        );
    }
    if !bare.contains('.') {
        out.push(
            Diagnostic::warning(
                Code::NoSchema,
                format!("a {what} without a schema is created in the first schema of the `search_path`"),
            )
            .at(place.child(key))
            .help("name its schema, as in `app.orders`"),
        );
    }
}

/// Edges to changesets that an environment never gets: what they make is not there.
pub fn edges(changelog: &Changelog, environments: &[String], environment: &str, out: &mut Diagnostics) {
    // only those that not every environment gets can be missing
    let limited = changelog.changesets.iter().filter(|c| !c.environments.is_empty());
    let limited: HashMap<&str, &super::Changeset> = limited.map(|c| (c.id.as_str(), c)).collect();
    if limited.is_empty() {
        return;
    }
    let declared: Vec<&str> = match environments {
        [] => vec![environment],
        names => names.iter().map(String::as_str).collect(),
    };
    for changeset in &changelog.changesets {
        for dependency in &changeset.depends_on {
            let Some(needed) = limited.get(dependency.id.as_str()) else { continue };
            let without: Vec<&str> =
                declared.iter().copied().filter(|name| changeset.is_for(name) && !needed.is_for(name)).collect();
            if !without.is_empty() {
                let message = format!(
                    "`{}` goes to {}, `{}`, which it depends on, does not",
                    changeset.id,
                    without.join(", "),
                    needed.id
                );
                out.push(
                    Diagnostic::warning(Code::DependencyElsewhere, message)
                        .at(dependency.place.clone())
                        .related(needed.place.child("environments").as_key(), "only for these environments")
                        .help("the dependency is missing there: give both the same `environments`, or remove the dependency"),
                );
            }
        }
    }
}

/// Files that look like migrations and are not read.
pub fn ignored(ignored: &[String], used: &BTreeSet<&str>, folder: &str) -> Option<Diagnostic> {
    let left: Vec<&str> = ignored.iter().map(String::as_str).filter(|path| !used.contains(path)).collect();
    let first = left.first()?;
    const MOST: usize = 5;
    let mut names: Vec<String> = left.iter().take(MOST).map(|path| format!("`{path}`")).collect();
    if left.len() > MOST {
        names.push(format!("and {} more", left.len() - MOST));
    }
    let verb = if left.len() == 1 { "is not read" } else { "are not read" };
    let help = match left.iter().find(|path| path.ends_with("sql")) {
        Some(sql) => format!(
            "SQL is run by a changeset in a YAML file: `- sqlFile: {{ path: {sql} }}`, with its `rollbackPath` or a `rollback`"
        ),
        None => format!(
            "changesets stand in files that end with `.yaml` or `.yml`: rename `{first}`, or move it out of `{folder}`"
        ),
    };
    Some(Diagnostic::warning(Code::UnusedFile, format!("{} {verb}", names.join(", "))).help(help))
}

/// Refuses findings of proofs that are accepted of changesets which do not exist.
pub fn accepted(config: &ProveConfig, changelog: &Changelog, out: &mut Diagnostics) {
    let known = || changelog.changesets.iter().map(|changeset| changeset.id.as_str());
    for accepted in &config.ignore {
        let id = accepted.changeset.as_str();
        if changelog.unseen || changelog.unread.contains(id) || known().any(|known| known == id) {
            continue;
        }
        let problem = Diagnostic::error(Code::ProofIgnore, format!("the changeset `{id}` does not exist"));
        let place = accepted.place.as_ref().map(|place| place.child("changeset"));
        out.push(Diagnostic { place, ..problem.meant(nearest(id, known())) });
    }
}

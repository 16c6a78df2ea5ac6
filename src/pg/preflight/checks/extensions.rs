//! Extensions that the server does not have, or not for this role.

use crate::pg::preflight::report::Report;
use crate::pg::preflight::view::View;

pub(super) fn check(view: &View<'_>, report: &mut Report<'_>) {
    for extension in &view.facts.extensions {
        let name = &extension.name;
        let wanted = view.asked.extensions.get(name).and_then(Option::as_deref);
        if extension.installed.is_some() {
            continue;
        }
        if extension.versions.is_empty() {
            report.error(
                format!("the server does not have the extension `{name}`"),
                "install its package on the server's machine, or ask the provider to allow it",
            );
        } else if let Some(wanted) = wanted.filter(|w| !extension.versions.iter().any(|v| v == w)) {
            report.error(
                format!("the server does not have version {wanted} of the extension `{name}`"),
                format!("it has: {}", extension.versions.join(", ")),
            );
        } else if extension.superuser && !view.facts.superuser {
            // managed services let their own administrators do it
            report.warning(
                format!("installing the extension `{name}` usually needs a superuser"),
                format!("let a superuser run CREATE EXTENSION {name} here first: the changeset then uses it"),
            );
        }
    }
}

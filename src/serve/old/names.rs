//! The names that scripts give migrations: `008_active_organization.sql` is the changeset `008-active-organization`.

use crate::base::diag::nearest;
use crate::base::{Failure, FailureKind};

/// Endings of files that are no part of a name.
const ENDINGS: [&str; 3] = [".sql", ".js", ".ts"];

/// The changeset that a name means: the one with this id, the one that had it before, the one whose id is the same as the
/// name of a file, or the only one that begins so. `known` are the ids, each with its earlier ones.
///
/// # Errors
/// If none or several are meant.
pub fn resolve<'a>(known: &[(&'a str, Vec<&'a str>)], name: &str) -> Result<&'a str, Failure> {
    let same = |id: &&'a str| *id == name;
    if let Some(id) = known.iter().map(|(id, _)| *id).find(same) {
        return Ok(id);
    }
    if let Some((id, _)) = known.iter().find(|(_, earlier)| earlier.contains(&name)) {
        return Ok(id);
    }
    let plain = plain(name);
    let matching = |fits: &dyn Fn(&str) -> bool| -> Vec<&'a str> {
        known.iter().map(|(id, _)| *id).filter(|id| fits(&id.replace('_', "-"))).collect()
    };
    let mut found = matching(&|id| id == plain);
    if found.is_empty() && !plain.is_empty() {
        found = matching(&|id| id.strip_prefix(plain.as_str()).is_some_and(|rest| rest.starts_with('-')));
    }
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let failure = Failure::new(FailureKind::Usage, format!("no changeset has the name `{name}`"));
            let ids = known.iter().map(|(id, _)| *id);
            Err(match nearest(name, ids.clone()).or_else(|| nearest(&plain, ids)) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure.help("name it by its id"),
            })
        }
        several => {
            let names: Vec<String> = several.iter().map(|id| format!("`{id}`")).collect();
            Err(Failure::new(FailureKind::Usage, format!("several changesets may be meant by `{name}`"))
                .note(names.join(", "))
                .help("name one by its whole id"))
        }
    }
}

/// A name without the ending of a file, with `-` for `_`.
fn plain(name: &str) -> String {
    let name = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    name.replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Remedy;
    use crate::base::remedy::Part;

    const KNOWN: [&str; 6] = ["001-core", "008-active-organization", "008-active_users", "010-x", "010-x-y", "plan_b"];

    fn resolved(name: &str) -> Result<&'static str, String> {
        let known: Vec<_> =
            KNOWN.iter().map(|id| (*id, if *id == "001-core" { vec!["0-core", "plan-b"] } else { vec![] })).collect();
        resolve(&known, name).map_err(|failure| {
            let said = failure.notes.iter().chain(&failure.help).flat_map(Remedy::parts).map(|part| match part {
                Part::Text { text } => text.clone(),
                other => format!("{other:?}"),
            });
            [failure.message.clone()].into_iter().chain(said).collect::<Vec<_>>().join("; ")
        })
    }

    #[test]
    fn names_of_scripts_mean_changesets() {
        for (name, id) in [
            ("001-core", "001-core"),
            ("0-core", "001-core"),
            ("plan-b", "001-core"),
            ("001_core.sql", "001-core"),
            ("001", "001-core"),
            ("008_active_organization", "008-active-organization"),
            ("008_active_organization.ts", "008-active-organization"),
            ("008-active-users.js", "008-active_users"),
            ("010_x", "010-x"),
            ("010_x_y.sql", "010-x-y"),
            ("plan_b.sql", "plan_b"),
        ] {
            assert_eq!(resolved(name), Ok(id), "{name}");
        }
    }

    #[test]
    fn a_name_that_means_none_or_several_is_refused() {
        for (name, why) in [
            (
                "008",
                "several changesets may be meant by `008`; `008-active-organization`, `008-active_users`; name one by its whole id",
            ),
            ("010", "several changesets may be meant by `010`; `010-x`, `010-x-y`; name one by its whole id"),
            ("001-cora", "no changeset has the name `001-cora`; did you mean `001-core`?"),
            ("001_cora.sql", "no changeset has the name `001_cora.sql`; did you mean `001-core`?"),
            ("00", "no changeset has the name `00`; name it by its id"),
            ("", "no changeset has the name ``; name it by its id"),
            (".sql", "no changeset has the name `.sql`; name it by its id"),
        ] {
            assert_eq!(resolved(name), Err(why.to_owned()), "{name}");
        }
    }
}

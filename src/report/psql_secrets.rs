//! Secret variables in a psql script: psql puts in the values, dagmar never knows them.
//!
//! psql fills in `:'name'` as a quoted constant, but nothing inside of quotes. So a constant
//! that is nothing but the variable becomes `:'name'`; any other is put together with `\set`
//! first, and a variable stands for all of it.

use crate::base::name::quote_literal;
use crate::sql::secret::{Part, Parts, SecretError, has_secrets, parts};
use std::collections::BTreeSet;
use std::fmt::Write;

/// What a script with secrets begins with: each must be set, and no message may repeat one.
pub(super) fn head<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let Some(first) = names.first() else { return String::new() };
    let mut out = format!(
        "-- It needs secrets as variables of psql: {}. Set them in a file that only you can read, or from\n\
         -- the environment, and not with -v, which others on the machine can see:\n\
         --   psql -X -f secrets.psql -f FILE                where secrets.psql has: \\set {first} '...'\n\
         --   psql -X -c '\\getenv {first} NAME' -f FILE     with psql 15 or later\n\
         \\set VERBOSITY terse\n",
        names.join(", "),
    );
    for name in names {
        let refuse = refuse(&format!("the psql variable {name} is not set"));
        let _ = writeln!(out, "\\if :{{?{name}}}\n\\else\n{refuse}\n\\endif");
    }
    out
}

/// The lines that come before a statement, and the statement as psql is to read it.
///
/// # Errors
/// A placeholder that does not stand in a string constant.
pub(super) fn for_psql(sql: &str) -> Result<(String, String), SecretError> {
    if !has_secrets(sql) {
        return Ok((String::new(), sql.to_owned()));
    }
    let parts = parts(sql)?;
    let (mut before, mut out) = (checks(&parts), String::new());
    let (mut at, mut constants) = (0, 0);
    while at < parts.list.len() {
        let group = parts.groups.iter().map(|g| &g.range).filter(|r| r.start == at).max_by_key(|r| r.end);
        match (group, parts.list[at]) {
            (Some(range), _) => {
                constants += 1;
                let _ = writeln!(before, "\\set dagmar_text_{constants}{}", arguments(&parts.list[range.clone()]));
                let _ = write!(out, ":dagmar_text_{constants}");
                at = range.end;
                continue;
            }
            (None, Part::Sql(text)) => out.push_str(text),
            (None, Part::Whole { name, .. } | Part::Piece { name }) => {
                let _ = write!(out, ":'{name}'");
            }
        }
        at += 1;
    }
    Ok((before, out))
}

/// Parts as arguments of `\set`, which puts them together.
fn arguments(parts: &[Part<'_>]) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('\'', "''").replace('\n', "\\n").replace('\r', "\\r");
    let argument = |part: &Part<'_>| match part {
        Part::Sql(text) => format!(" '{}'", escaped(text)),
        Part::Whole { name, .. } => format!(" :'{name}'"),
        Part::Piece { name } => format!(" :{name}"),
    };
    parts.iter().map(argument).collect()
}

/// Refuses values that would mean more than themselves where they stand.
fn checks(parts: &Parts<'_>) -> String {
    let mut unfit: BTreeSet<(&str, String)> = BTreeSet::new();
    for (i, part) in parts.list.iter().enumerate() {
        let Some(name) = part.name() else { continue };
        let mut signs = Vec::new();
        if matches!(part, Part::Piece { .. }) && !parts.is_bare(i) {
            signs.extend(['\'', '\\']);
        }
        if parts.groups.iter().any(|g| g.delimiter.is_some() && g.range.contains(&i)) {
            signs.push('$');
        }
        if !signs.is_empty() {
            let has = |sign: &char| format!("pg_catalog.strpos(:'{name}', pg_catalog.chr({})) > 0", u32::from(*sign));
            unfit.insert((name, signs.iter().map(has).collect::<Vec<_>>().join(" OR ")));
        }
    }
    let mut out = String::new();
    for (name, condition) in unfit {
        let refuse = refuse(&format!(
            "the value of the psql variable {name} cannot stand where it is used: it has a quote, a backslash or a $"
        ));
        let _ = writeln!(out, "SELECT {condition} AS dagmar_unfit \\gset\n\\if :dagmar_unfit\n{refuse}\n\\endif");
    }
    out
}

/// A statement that ends the script.
fn refuse(message: &str) -> String {
    format!("DO $$ BEGIN RAISE EXCEPTION USING MESSAGE = {}; END $$;", quote_literal(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(sql: &str) -> (Vec<String>, String) {
        let (before, sql) = for_psql(&sql.replace("${", "${secret:")).unwrap();
        (before.lines().filter(|l| l.starts_with("\\set")).map(str::to_owned).collect(), sql)
    }

    #[test]
    fn constants_become_variables_of_psql() {
        for (sql, set, expected) in [
            ("SELECT 1", vec![], "SELECT 1"),
            ("CREATE ROLE a PASSWORD '${pw}'", vec![], "CREATE ROLE a PASSWORD :'pw'"),
            (
                "SELECT 'a=''x'' b=${pw}', '${pw}'",
                vec![r"\set dagmar_text_1 '''a=''''x'''' b=' :pw ''''"],
                "SELECT :dagmar_text_1, :'pw'",
            ),
            (
                "DO $$ BEGIN\n PERFORM '${pw}', 'x${pw}', E'\\n'; END $$",
                vec![r"\set dagmar_text_1 '$$' ' BEGIN\n PERFORM ' :'pw' ', ' '''x' :pw '''' ', E''\\n''; END ' '$$'"],
                "DO :dagmar_text_1",
            ),
            ("SELECT $a$${pw}$a$", vec![r"\set dagmar_text_1 '$a$' :pw '$a$'"], "SELECT :dagmar_text_1"),
        ] {
            let set: Vec<String> = set.into_iter().map(str::to_owned).collect();
            assert_eq!(written(sql), (set, expected.to_owned()), "{sql}");
        }
    }
}

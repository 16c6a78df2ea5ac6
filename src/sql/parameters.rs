//! Statements with parameters: `$1`, `$2` and so on.

use super::token::{Kind, scan, words};
use std::collections::BTreeSet;
use std::ops::Range;

/// Puts SQL in place of the parameters of a statement: the first of `values` for `$1`. Constants, names
/// in quotes and comments stay as they are, and so do parameters without a value.
#[must_use]
pub fn bind(statement: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(statement.len());
    let mut end = 0;
    for tok in scan(statement).map_while(Result::ok) {
        let number = (tok.kind == Kind::Number).then(|| number_of(tok.text)).flatten();
        if let Some(value) = number.and_then(|n| values.get(n.checked_sub(1)?)) {
            out.push_str(&statement[end..tok.start]);
            out.push_str(value);
            end = tok.end();
        }
    }
    out.push_str(&statement[end..]);
    out
}

/// The bytes of the first parameter.
#[must_use]
pub fn first_parameter(text: &str) -> Option<Range<usize>> {
    let mut toks = scan(text).map_while(Result::ok);
    toks.find(|tok| tok.kind == Kind::Number && number_of(tok.text).is_some()).map(|tok| tok.start..tok.end())
}

/// The numbers of a statement's parameters.
#[must_use]
pub fn parameters(statement: &str) -> BTreeSet<usize> {
    words(statement).iter().filter(|tok| tok.kind == Kind::Number).filter_map(|tok| number_of(tok.text)).collect()
}

fn number_of(text: &str) -> Option<usize> {
    text.strip_prefix('$')?.parse().ok()
}

/// The common table expressions of a statement, from `WITH` on, and the statement that they are for.
/// `None` where it has none.
#[must_use]
pub fn split_with(statement: &str) -> Option<(&str, &str)> {
    let toks = words(statement);
    toks.first().filter(|tok| tok.is("with"))?;
    let mut depth = 0usize;
    let main = toks.iter().find(|tok| {
        match tok.sign() {
            Some(b'(') => depth += 1,
            Some(b')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && tok.is_any(&["select", "insert", "update", "delete", "merge", "values", "table"])
    })?;
    Some((statement[..main.start].trim_end(), &statement[main.start..]))
}

/// What a batch's statement has as parameters: the last key of the walk (`jsonb`, NULL: none), whether
/// the walk begins, and the number of rows.
const PARAMETERS: [usize; 3] = [1, 2, 3];

/// What is wrong with a statement that is to run in batches.
#[must_use]
pub fn batch_fault(statement: &str) -> Option<String> {
    let Some((list, _)) = split_with(statement) else {
        return Some("it is not a SELECT after its common table expressions".to_owned());
    };
    let found = parameters(list);
    match found.iter().find(|n| !PARAMETERS.contains(n)) {
        Some(more) => Some(format!("it has a parameter ${more}")),
        None if found.len() < PARAMETERS.len() => Some("it lacks one of the parameters $1, $2 and $3".to_owned()),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_put_in_where_they_are_parameters() {
        let sql = "SELECT $1, '$1', $$ $1 $$, E'\\'$1', \"$1\", a$1, /* $1 */ $2 -- $1\n, $3, $10";
        let bound = "SELECT 'x $2', '$1', $$ $1 $$, E'\\'$1', \"$1\", a$1, /* $1 */ 7 -- $1\n, $3, $10";
        assert_eq!(bind(sql, &["'x $2'", "7"]), bound);
        assert_eq!(parameters(sql), BTreeSet::from([1, 2, 3, 10]));
    }

    #[test]
    fn the_main_statement_comes_after_the_list() {
        let with = "WITH a AS MATERIALIZED (SELECT ')' FROM t), \"select\" AS (DELETE FROM u RETURNING 1)";
        assert_eq!(split_with(&format!("{with}\nSELECT 1 FROM a")), Some((with, "SELECT 1 FROM a")));
        for none in ["SELECT 1", "WITH a AS (SELECT 1)", ""] {
            assert_eq!(split_with(none), None, "{none}");
        }
    }
}

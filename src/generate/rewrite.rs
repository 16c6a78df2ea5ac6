//! Which new types of a column write its table or an index anew (manual, ALTER TABLE, notes).

use crate::inspect::{Change, Difference};

/// Whether a difference is of the type of a column.
pub(super) fn is_type(difference: &Difference) -> bool {
    let Change::Changed { property, .. } = &difference.change else { return false };
    property == "type" || property == "collation"
}

/// Whether `ALTER COLUMN TYPE` reads or writes all rows, or builds an index again, under a lock that blocks all access.
/// The types as `format_type` writes them.
pub(super) fn rewrites(old: &str, new: &str) -> bool {
    let (from, to) = (Modified::of(old), Modified::of(new));
    match (from.name.as_str(), to.name.as_str()) {
        _ if old == new => false,
        ("character varying", "text") | ("cidr", "inet") => false,
        ("text", "character varying") => !to.modifiers.is_empty(),
        ("numeric", "numeric") => match (from.modifiers.as_slice(), to.modifiers.as_slice()) {
            (_, []) => false,
            ([precision, scale], [new_precision, new_scale]) => scale != new_scale || new_precision < precision,
            _ => true,
        },
        (from_name, to_name) if from_name == to_name && grows(to_name) => {
            match (from.modifiers.as_slice(), to.modifiers.as_slice()) {
                (_, []) => false,
                ([old], [new]) => new < old,
                _ => true,
            }
        }
        _ => true,
    }
}

/// Whether all values of the type with a modifier fit one with a larger modifier as they are.
fn grows(name: &str) -> bool {
    let times = ["timestamp ", "time ", "interval"];
    matches!(name, "character varying" | "bit varying") || times.iter().any(|time| name.starts_with(time))
}

/// A type with the numbers in parentheses.
struct Modified {
    name: String,
    modifiers: Vec<i64>,
}

impl Modified {
    fn of(text: &str) -> Self {
        let parts = text.split_once('(').and_then(|(head, rest)| {
            let (inside, tail) = rest.split_once(')')?;
            let modifiers = inside.split(',').map(|number| number.trim().parse().ok()).collect::<Option<Vec<i64>>>()?;
            // those of the elements of an array are written anew
            (!tail.starts_with('[')).then(|| Self { name: format!("{head}{tail}"), modifiers })
        });
        parts.unwrap_or_else(|| Self { name: text.to_owned(), modifiers: Vec::new() })
    }
}

/// Whether the conversion may follow settings of the session (`TimeZone`, `DateStyle`, `bytea_output`, `search_path`): the
/// sessions of the application may have others.
pub(super) fn follows_the_session(old: &str, new: &str) -> bool {
    let is_zoned =
        |name: &str| name.contains(" with time zone") || name.starts_with("tstz") || name.starts_with("money");
    match (is_text(old), is_text(new)) {
        (true, true) => false,
        (true, false) => !is_plain(new),
        (false, true) => !is_plain(old),
        (false, false) => is_zoned(old) != is_zoned(new),
    }
}

fn is_text(name: &str) -> bool {
    name == "text" || name.starts_with("character") || name == "name" || name.ends_with("citext")
}

/// Types whose text is the same in every session.
fn is_plain(name: &str) -> bool {
    let plain =
        ["smallint", "integer", "bigint", "numeric", "boolean", "uuid", "json", "inet", "cidr", "macaddr", "bit"];
    // types of the project are enums and composite ones; those of a session are the server's
    plain.iter().any(|plain| name.starts_with(plain)) || name.contains('.')
}

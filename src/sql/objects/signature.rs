//! The arguments of functions, written in one way.

use super::name::child;
use super::object::Arguments;
use squawk_syntax::{SyntaxKind::*, SyntaxNode};

/// Names of types that mean another one (manual, table 8.1).
const ALIASES: [(&str, &str); 17] = [
    ("int", "integer"),
    ("int4", "integer"),
    ("int2", "smallint"),
    ("int8", "bigint"),
    ("bool", "boolean"),
    ("varchar", "character varying"),
    ("char varying", "character varying"),
    ("char", "character"),
    ("bpchar", "character"),
    ("decimal", "numeric"),
    ("dec", "numeric"),
    ("float", "double precision"),
    ("float8", "double precision"),
    ("float4", "real"),
    ("timestamptz", "timestamp with time zone"),
    ("timetz", "time with time zone"),
    ("varbit", "bit varying"),
];

/// The arguments that a function is called with.
pub(super) fn of(list: &SyntaxNode) -> Arguments {
    let (mut types, mut needed, mut variadic) = (Vec::new(), 0, false);
    for param in list.children().filter(|n| n.kind() == PARAM) {
        if child(&param, &[PARAM_OUT]).is_some() {
            continue;
        }
        let is_type = |n: &SyntaxNode| {
            let kind = n.kind();
            kind == PERCENT_TYPE || format!("{kind:?}").ends_with("_TYPE")
        };
        let Some(of) = param.children().find(is_type) else { continue };
        variadic |= child(&param, &[PARAM_VARIADIC]).is_some();
        needed += usize::from(child(&param, &[PARAM_DEFAULT]).is_none() && !variadic);
        types.push(normal(&of.text().to_string()));
    }
    Arguments::Types { types, needed, variadic }
}

/// `VARCHAR(10) []` to `character varying[]`.
pub(super) fn normal(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.extend(c.to_lowercase()),
            _ => {}
        }
    }
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = plain.strip_prefix("pg_catalog.").unwrap_or(&plain);
    let end = plain.find('[').unwrap_or(plain.len());
    let (base, bounds) = (plain[..end].trim_end(), &plain[end..]);
    let base = base.strip_suffix(" without time zone").unwrap_or(base);
    let known = ALIASES.iter().find(|(alias, _)| *alias == base).map_or(base, |(_, name)| name);
    format!("{known}{}", if bounds.is_empty() { "" } else { "[]" })
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn types_have_one_name() {
        for (text, expected) in [
            ("VARCHAR(10)", "character varying"),
            ("int4 [3]", "integer[]"),
            ("pg_catalog.int8", "bigint"),
            ("timestamp (3) with time zone", "timestamp with time zone"),
            ("timestamp without time zone", "timestamp"),
            ("app.mood", "app.mood"),
        ] {
            assert_eq!(normal(text), expected, "{text}");
        }
    }
}

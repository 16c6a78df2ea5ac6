//! Texts of the server, in which names may be quoted.

/// Where this text first is, outside of quotes.
pub(super) fn find(text: &str, wanted: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if text[at..].starts_with(wanted) => return Some(at),
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None => {}
        }
    }
    None
}

/// The parts between commas, which are outside of quotes.
pub(super) fn list(mut text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    while let Some(at) = find(text, ", ") {
        parts.push(&text[..at]);
        text = &text[at + 2..];
    }
    parts.push(text);
    parts
}

/// A function or operator without its arguments: `app.f` of `app.f(integer)`.
pub(super) fn without_arguments(text: &str) -> &str {
    find(text, "(").map_or(text, |at| &text[..at])
}

/// The arguments between the parentheses.
pub(super) fn arguments(text: &str) -> &str {
    let rest = find(text, "(").map_or("", |at| &text[at + 1..]);
    rest.strip_suffix(')').unwrap_or(rest)
}

/// The last part of a name: `x` of `app.x`.
pub(super) fn last_part(name: &str) -> &str {
    let mut last = name;
    while let Some(at) = find(last, ".") {
        last = &last[at + 1..];
    }
    last
}

/// The last part of a name, as it is without quotes.
pub(super) fn unquoted(name: &str) -> String {
    unquoted_part(last_part(name))
}

/// One part of a name, as it is without quotes.
pub(super) fn unquoted_part(part: &str) -> String {
    match part.strip_prefix('"').and_then(|part| part.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => part.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_respected() {
        assert_eq!(without_arguments(r#"app."f(x"(integer, text)"#), r#"app."f(x""#);
        assert_eq!(arguments(r#"app."f(x"(integer, text)"#), "integer, text");
        assert_eq!(list(r#"integer, "a, b", text"#), ["integer", r#""a, b""#, "text"]);
        assert_eq!(unquoted(r#"app."Odd "".Name""#), r#"Odd ".Name"#);
        assert_eq!(unquoted("app.plain"), "plain");
        assert_eq!(find("a = 'x, y', b", ", "), Some(10));
        assert_eq!(arguments("app.f"), "");
    }
}

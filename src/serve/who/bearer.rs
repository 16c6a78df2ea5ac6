//! The `Authorization` header.

use crate::serve::exchange::Head;

/// The longest header that is looked at.
const LONGEST: usize = 8 << 10;

/// What a request shows.
#[derive(Debug, PartialEq, Eq)]
pub enum Shown<'h> {
    /// No header.
    Nothing,
    /// A bearer's text.
    Bearer(&'h str),
    /// Anything else: another scheme, two headers, something behind the text.
    Wrong,
}

/// What the headers show: exactly one `Authorization`, with the scheme `Bearer`, one space and a text.
#[must_use]
pub fn shown(head: &Head) -> Shown<'_> {
    if head.all("authorization").next().is_none() {
        return Shown::Nothing;
    }
    let text = head.one("authorization").filter(|value| value.len() <= LONGEST).and_then(|value| {
        let (scheme, text) = value.split_once(' ')?;
        let is_fine = scheme.eq_ignore_ascii_case("bearer") && !text.is_empty() && !text.contains(' ');
        is_fine.then_some(text)
    });
    text.map_or(Shown::Wrong, Shown::Bearer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_is_a_bearer() {
        let head = |values: &[&str]| Head::of(values.iter().map(|value| ("authorization", value.as_bytes())));
        assert_eq!(shown(&head(&[])), Shown::Nothing);
        for right in ["Bearer abc", "bearer abc", "BEARER abc"] {
            assert_eq!(shown(&head(&[right])), Shown::Bearer("abc"));
        }
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer  abc",
            "Bearer abc ",
            "Bearer abc def",
            "Basic abc",
            "abc",
            "Bearer \u{e4}",
        ] {
            assert_eq!(shown(&head(&[wrong])), Shown::Wrong, "{wrong}");
        }
        assert_eq!(shown(&head(&["Bearer abc", "Bearer abc"])), Shown::Wrong);
        assert_eq!(shown(&head(&[&format!("Bearer {}", "a".repeat(LONGEST))])), Shown::Wrong);
    }
}

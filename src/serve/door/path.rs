//! Paths have one spelling: what is spelt otherwise means nothing, so that no guard is walked around. Only within a
//! parameter (the id of a changeset) a slash is encoded: no fixed part of a route has one.

use crate::serve::exchange::percent_decoded;

/// The decoded segments of a path; `None`: it is spelt in a way that no path here is.
#[must_use]
pub fn segments(path: &str) -> Option<Vec<String>> {
    let inside = path.strip_prefix('/')?;
    if inside.is_empty() {
        return Some(Vec::new());
    }
    inside
        .split('/')
        .map(|segment| {
            let segment = percent_decoded(segment)?;
            let is_odd =
                segment.split('/').any(|part| ["", ".", ".."].contains(&part)) || segment.contains(['\\', '\0']);
            (!is_odd).then_some(segment)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_spellings_mean_nothing() {
        let found = |path| segments(path).map(|segments| segments.join("|"));
        assert_eq!(found("/"), Some(String::new()));
        assert_eq!(found("/status"), Some("status".to_owned()));
        assert_eq!(found("/a/b%20c/%C3%A4"), Some("a|b c|ä".to_owned()));
        // a route has no such part: it may be in a parameter alone
        assert_eq!(found("/a%2fb/c"), Some("a/b|c".to_owned()));
        for odd in [
            "",
            "status",
            "//",
            "//status",
            "/status/",
            "/a//b",
            "/./status",
            "/a/../status",
            "/%2e/status",
            "/%2E%2e/status",
            "/a%2f",
            "/%2Fa",
            "/a%2f%2fb",
            "/a%2f..",
            "/a%2F.%2fb",
            "/a%2f%2e%2e%2fb",
            "/a%5cb",
            "/a%00",
            "/a%",
            "/a%2",
            "/a%zz",
            "/%ff",
        ] {
            assert_eq!(found(odd), None, "{odd}");
        }
    }
}

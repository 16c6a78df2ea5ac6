//! Where a form was sent from: a browser tells it, and a foreign page cannot change that (Fetch standard, chapters
//! "`Origin` header" and "Fetch metadata").

use crate::serve::exchange::Head;

/// Whether a request that writes comes from a page of this service; `host` is its `Host` header.
#[must_use]
pub fn is_own(head: &Head, host: Option<&str>, is_https: bool) -> bool {
    let mut origins = head.all("origin");
    match (origins.next(), origins.next()) {
        (Some(origin), None) => {
            let origin = std::str::from_utf8(origin).unwrap_or_default().to_ascii_lowercase();
            let authority = match origin.split_once("://") {
                Some(("https", authority)) => authority,
                Some(("http", authority)) if !is_https => authority,
                _ => return false,
            };
            host.is_some_and(|host| host == authority)
        }
        // not every browser sends it with its own forms
        (None, _) => head.one("sec-fetch-site") == Some("same-origin"),
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_service_are_its_own() {
        let own = |headers: &[(&str, &str)], is_https| {
            let head = Head::of(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
            is_own(&head, Some("d.org:8080"), is_https)
        };
        assert!(own(&[("origin", "http://d.org:8080")], false) && own(&[("origin", "https://D.org:8080")], true));
        assert!(own(&[("origin", "https://d.org:8080")], false), "TLS ends at a proxy");
        assert!(own(&[("sec-fetch-site", "same-origin")], true));
        for wrong in [
            &[] as &[(&str, &str)],
            &[("origin", "null")],
            &[("origin", "")],
            &[("origin", "http://d.org:8080")],
            &[("origin", "https://d.org")],
            &[("origin", "https://d.org:8080.evil.org")],
            &[("origin", "https://evil.org")],
            &[("origin", "https://evil.org"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://d.org:8080"), ("origin", "https://evil.org")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(!own(wrong, true), "{wrong:?}");
        }
        assert!(!is_own(&Head::of([("origin", b"http://".as_slice())]), None, false));
    }
}

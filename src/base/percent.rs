//! Percent-encoding (RFC 3986, chapter 2).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same, with the `/` between segments.
const PATH: &AsciiSet = &PART.remove(b'/');

/// A text as a segment of a path, or as a name or value of a query.
#[must_use]
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

/// A path: its `/` stay.
#[must_use]
pub fn encoded_path(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_harmless_is_encoded() {
        assert_eq!(encoded("aZ0-._~"), "aZ0-._~");
        assert_eq!(encoded("a b&c=\u{f6}/x?#%\"<>+"), "a%20b%26c%3D%C3%B6%2Fx%3F%23%25%22%3C%3E%2B");
        assert_eq!(encoded_path("/tmp/a b&c=\u{f6}/run"), "/tmp/a%20b%26c%3D%C3%B6/run");
    }
}

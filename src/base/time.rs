//! Points in time, as the server's clock gives them.

use jiff::Timestamp;

/// Milliseconds since 1970 as RFC 3339 in UTC, to the second: `2026-03-01T12:00:00Z`.
#[must_use]
pub fn rfc3339(millis: i64) -> String {
    Timestamp::from_second(millis.div_euclid(1000)).map_or_else(|_| "?".to_owned(), |t| t.to_string())
}

#[cfg(test)]
mod tests {
    #[test]
    fn to_the_second_in_utc() {
        assert_eq!(super::rfc3339(1_772_366_400_999), "2026-03-01T12:00:00Z");
    }
}

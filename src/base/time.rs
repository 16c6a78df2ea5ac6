//! Points in time, as the server's clock gives them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Milliseconds since 1970 as RFC 3339 in UTC, to the second: `2026-03-01T12:00:00Z`.
#[must_use]
pub fn rfc3339(millis: i64) -> String {
    Timestamp::from_second(millis.div_euclid(1000)).map_or_else(|_| "?".to_owned(), |t| t.to_string())
}

/// Milliseconds since 1970 as RFC 3339 in UTC, to the millisecond: `2026-03-01T12:00:00.042Z`.
#[must_use]
pub fn rfc3339_millis(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map_or_else(|_| "?".to_owned(), |t| format!("{t:.3}"))
}

/// Whether it is a time that can be shown and stored: until the year 9999.
#[must_use]
pub fn is_in_range(millis: i64) -> bool {
    Timestamp::from_millisecond(millis).is_ok()
}

/// Parses a time in RFC 3339, or a day (its start in UTC), to milliseconds since 1970.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp());
    text.parse::<Timestamp>().ok().or_else(day).map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    #[test]
    fn to_the_second_in_utc() {
        assert_eq!(super::rfc3339(1_772_366_400_999), "2026-03-01T12:00:00Z");
    }

    #[test]
    fn to_the_millisecond_in_utc() {
        assert_eq!(super::rfc3339_millis(1_772_366_400_042), "2026-03-01T12:00:00.042Z");
        assert_eq!(super::rfc3339_millis(1_772_366_400_000), "2026-03-01T12:00:00.000Z");
    }

    #[test]
    fn no_time_after_the_year_9999_can_be_shown() {
        assert!(super::is_in_range(253_370_764_800_000) && super::is_in_range(0));
        assert!(!super::is_in_range(9_100_000_000_000_000) && !super::is_in_range(i64::MIN));
    }

    #[test]
    fn points_and_days_are_read() {
        assert_eq!(super::parse("2026-03-01T12:00:00Z"), Some(1_772_366_400_000));
        assert_eq!(super::parse("2026-03-01T13:00:00.5+01:00"), Some(1_772_366_400_500));
        assert_eq!(super::parse("2026-03-01"), Some(1_772_323_200_000));
        assert_eq!((super::parse("yesterday"), super::parse("2026-02-30")), (None, None));
    }
}

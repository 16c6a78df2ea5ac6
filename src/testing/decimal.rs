//! Numbers as they are written, compared without rounding.

/// Whether two texts are the same number: `10.5` and `10.50`, `1e3` and `1000`.
#[must_use]
pub fn is_same(a: &str, b: &str) -> bool {
    decimal(a).is_some_and(|a| Some(a) == decimal(b))
}

/// Sign, digits without zeros at both ends, and the power of ten of the last digit.
fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (is_negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_end_matches('0');
    let power = i64::from(exponent) - fraction.len() as i64 + (digits.len() - significant.len()) as i64;
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    Some((is_negative, significant.to_owned(), power))
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn the_same_number_is_written_in_several_ways() {
        for (a, b) in
            [("10.5", "10.50"), ("1e3", "1000"), ("-0", "0.00"), ("+7", "7"), ("0.001", "1E-3"), (".5", "0.5")]
        {
            assert!(is_same(a, b), "{a} {b}");
        }
        for (a, b) in [("1", "10"), ("1", "-1"), ("1", "1.0000000000000000000001"), ("a", "a"), ("", ""), ("1e", "1")] {
            assert!(!is_same(a, b), "{a} {b}");
        }
    }
}

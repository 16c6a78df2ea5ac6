//! Words for people.

use std::fmt::Display;

/// A number with its noun: `1 step`, `2 steps`, `2 entries`.
#[must_use]
pub fn count<N: Display + PartialEq + From<u8>>(n: N, noun: &str) -> String {
    let nouns = plural(&n, noun);
    format!("{n} {nouns}")
}

/// The noun alone: `step` for one, `steps` for any other number.
#[must_use]
pub fn plural<N: PartialEq + From<u8>>(n: &N, noun: &str) -> String {
    if *n == N::from(1) {
        return noun.to_owned();
    }
    match noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        Some(stem) => format!("{stem}ies"),
        None => format!("{noun}s"),
    }
}

/// A time in milliseconds: `21 ms`, `6.0 s`, `2 min 3 s`, `1 h 5 min`.
#[must_use]
pub fn short(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds}.{} s", ms % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A number with thousands separators: `2,000,000`.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!([0_usize, 1, 2].map(|n| count(n, "row")), ["0 rows", "1 row", "2 rows"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(plural(&1_i64, "row"), "row");
        assert_eq!(["dependency", "day"].map(|noun| plural(&2_i64, noun)), ["dependencies", "days"]);
    }

    #[test]
    fn times_are_short() {
        let said = [0, 999, 1000, 59_950, 60_000, 3_599_000, 3_900_000].map(short);
        assert_eq!(said, ["0 ms", "999 ms", "1.0 s", "59.9 s", "1 min 0 s", "59 min 59 s", "1 h 5 min"]);
    }
}

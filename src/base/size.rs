//! Numbers of bytes as people read them.

/// `100 bytes`, `20 MB`; the unit that leaves at most four digits.
#[must_use]
pub fn size(bytes: i64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"];
    let (mut left, mut unit) = (bytes.max(0), 0);
    while left >= 10_240 && unit + 1 < units.len() {
        left /= 1024;
        unit += 1;
    }
    format!("{left} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_follows_from_the_number() {
        assert_eq!((size(100), size(20 << 20), size(3 << 30)), ("100 bytes".into(), "20 MB".into(), "3072 MB".into()));
    }
}

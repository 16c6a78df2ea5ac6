//! Lines of comma-separated values, by RFC 4180.

/// One line with its end.
#[must_use]
pub fn line(fields: &[&str]) -> String {
    let quoted = |field: &&str| match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => (*field).to_owned(),
    };
    format!("{}\r\n", fields.iter().map(quoted).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_would_end_a_field_is_quoted() {
        assert_eq!(super::line(&["a b", "", "c,d", "e\"f", "g\nh"]), "a b,,\"c,d\",\"e\"\"f\",\"g\nh\"\r\n");
    }
}

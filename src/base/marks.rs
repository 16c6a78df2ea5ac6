//! Marks such as `@ledger@` in our own SQL.

/// Puts values in the place of marks, in one pass: what is filled in is not searched again, so
/// that a name may read like a mark.
#[must_use]
pub fn fill(template: &str, marks: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('@') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let known = marks.iter().find(|(mark, _)| from.starts_with(mark));
        let (value, taken) = known.map_or(("@", 1), |(mark, value)| (*value, mark.len()));
        out.push_str(value);
        rest = &from[taken..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_not_searched() {
        let marks = [("@a@", "1@b@"), ("@b@", "2@a@")];
        assert_eq!(fill("x @a@ y@@b@ @c@ z@", &marks), "x 1@b@ y@2@a@ @c@ z@");
    }
}

//! Placeholders in texts that are part of the program.

/// Replaces each `@name@` of these names with its value, in one pass; values are not searched for placeholders.
/// Any other `@` is unchanged.
#[must_use]
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let value = values.iter().find_map(|(name, value)| {
            let behind = after.strip_prefix(name)?.strip_prefix('@')?;
            Some((value, behind))
        });
        match value {
            Some((value, behind)) => {
                out.push_str(value);
                rest = behind;
            }
            None => {
                out.push('@');
                rest = after;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_no_placeholders() {
        assert_eq!(fill("@a@.@b@ x@y @c@@a@", &[("a", "@b@"), ("b", "2")]), "@b@.2 x@y @c@@b@");
        assert_eq!(fill("@", &[]), "@");
    }
}

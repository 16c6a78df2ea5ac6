//! Whether a connection that stands in a file has its password with it.

/// Whether `url`, or a list of libpq's keywords, holds a password itself: not as `${NAME}`, which is filled
/// in from the process.
#[must_use]
pub fn has_password(url: &str) -> bool {
    let literal = |value: &str| !value.is_empty() && !value.starts_with("${");
    let Some((_, rest)) = url.split_once("://") else {
        return url.split_whitespace().any(|word| word.strip_prefix("password=").is_some_and(literal));
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let user = place.rsplit_once('@').map_or("", |(user, _)| user);
    // the `:` of `${NAME:-x}` begins no password
    let start = user.find("${").and_then(|at| user[at..].find('}').map(|end| at + end)).unwrap_or(0);
    let own = user[start..].split_once(':').or_else(|| user.split_once(':').filter(|(name, _)| !name.contains('$')));
    own.is_some_and(|(_, password)| literal(password))
        || query.split('&').any(|pair| pair.strip_prefix("password=").is_some_and(literal))
}

#[cfg(test)]
mod tests {
    use super::has_password;

    #[test]
    fn what_is_filled_in_is_no_password() {
        for url in [
            "postgres://u:secret@h/d",
            "postgresql://u:secret@h:5432/d?sslmode=require",
            "postgres://${USER}:secret@h/d",
            "postgres://u@h/d?password=x",
            "host=h user=u password=x",
        ] {
            assert!(has_password(url), "{url}");
        }
        for url in [
            "postgres://u@h/d",
            "postgres://u:${PASSWORD}@h/d",
            "postgres://${USER}:${PASSWORD}@h/d",
            "postgres://${USER}@h/d",
            "postgres://u:@h:5432/d",
            "postgres://h:5432/d",
            "postgres://u@h/d?password=${PASSWORD}",
            "host=h user=u password=${PASSWORD}",
            "${STAGING_DATABASE_URL}",
            "embedded",
        ] {
            assert!(!has_password(url), "{url}");
        }
    }
}

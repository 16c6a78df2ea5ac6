//! The password file (manual, chapter 34.16): `host:port:database:user:password` per line.

/// Who wants a password.
pub(crate) struct Wanted<'a> {
    /// `localhost` for the default socket directory.
    pub host: &'a str,
    /// The port.
    pub port: u16,
    /// The database.
    pub database: &'a str,
    /// The role.
    pub user: &'a str,
}

/// The password of the first line that fits. A field is `*` or the exact text, where a
/// backslash stands before `:` and a backslash.
pub(crate) fn password(file: &str, wanted: &Wanted<'_>) -> Option<String> {
    let port = wanted.port.to_string();
    file.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut rest = line.strip_suffix('\r').unwrap_or(line);
        for exact in [wanted.host, &port, wanted.database, wanted.user] {
            let raw = field(&mut rest)?;
            if raw != "*" && plain(raw) != exact {
                return None;
            }
        }
        Some(plain(rest)).filter(|p| !p.is_empty())
    })
}

/// Takes a field and its colon off the front of `rest`.
fn field<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        if c == ':' && !escaped {
            let (field, after) = rest.split_at(at);
            *rest = &after[1..];
            return Some(field);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

fn plain(raw: &str) -> String {
    let mut chars = raw.chars();
    let mut out = String::new();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(
        "# db.example.com:5432:app:alice:commented\n",
        "db.example.com:5433:app:alice:port\n",
        "db.example.com:5432:app:alice:a\\:b\\\\c:d\r\n",
        "db.example.com:*:*:bob:star\n",
        "\\:\\:1:5432:app:alice:six\n",
        "localhost:*:*:*:local\n",
        "short:line\n",
        "empty:*:*:*:\n",
        "empty:*:*:*:later\n",
        "\\*:*:*:*:a host of that name\n",
    );

    #[test]
    fn the_first_line_that_fits_is_taken() {
        for (host, port, database, user, expected) in [
            ("db.example.com", 5432, "app", "alice", Some("a:b\\c:d")),
            ("db.example.com", 5433, "app", "alice", Some("port")),
            ("db.example.com", 1, "other", "bob", Some("star")),
            ("db.example.com", 5432, "other", "alice", None),
            ("::1", 5432, "app", "alice", Some("six")),
            ("localhost", 5432, "x", "y", Some("local")),
            ("short", 5432, "x", "y", None),
            ("empty", 5432, "x", "y", Some("later")),
            ("*", 5432, "x", "y", Some("a host of that name")),
            ("elsewhere", 5432, "x", "y", None),
        ] {
            let found = password(FILE, &Wanted { host, port, database, user });
            assert_eq!(found.as_deref(), expected, "{host}:{port}:{database}:{user}");
        }
    }
}

//! Connection strings as libpq reads them: `postgresql://` addresses and `key=value` lists
//! (manual, chapter 34.1.1).

/// A connection string, taken apart: keys in the order they came in, later ones win.
pub(crate) type Pairs = Vec<(String, String)>;

/// Takes a connection string apart. Which keys there are is not checked here.
///
/// # Errors
/// One line that never repeats the string: it may hold a password.
pub(crate) fn parse(text: &str) -> Result<Pairs, String> {
    match text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://")) {
        Some(rest) => address(rest),
        None => list(text),
    }
}

/// `[user[:password]@][host[:port],...][/dbname][?key=value&...]`
fn address(rest: &str) -> Result<Pairs, String> {
    let mut pairs = Pairs::new();
    let mut rest = rest;
    if let Some(at) = rest.find(['@', '/']).filter(|at| rest[*at..].starts_with('@')) {
        let (user, password) = match rest[..at].split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (&rest[..at], None),
        };
        store(&mut pairs, "user", decode(user)?);
        store(&mut pairs, "password", decode(password.unwrap_or(""))?);
        rest = &rest[at + 1..];
    }
    // what libpq would take for a host, a port or a database is a piece of a password
    // whose `/` or `@` was not encoded: it must not get into messages
    if rest.split('?').next().is_some_and(|place| place.contains('@')) {
        return Err("an `@` is in the wrong place; in a password write `@` as %40 and `/` as %2F".to_owned());
    }
    let (hosts, ports, after) = authority(rest)?;
    if hosts.iter().any(|h| !h.is_empty()) {
        store(&mut pairs, "host", hosts.join(","));
    }
    if ports.iter().any(|p| !p.is_empty()) {
        store(&mut pairs, "port", ports.join(","));
    }
    let (path, query) = after.split_once('?').map_or((after, None), |(path, query)| (path, Some(query)));
    store(&mut pairs, "dbname", decode(path.strip_prefix('/').unwrap_or(path))?);
    for part in query.into_iter().flat_map(|q| q.split('&')).filter(|p| !p.is_empty()) {
        let (key, value) =
            part.split_once('=').ok_or_else(|| "a part of the query has no `=` after its key".to_owned())?;
        if value.contains('=') {
            // the key may be a piece of a password: it is not repeated
            return Err("the value of a parameter holds a second `=`; write it as %3D".to_owned());
        }
        match (decode(key)?, decode(value)?) {
            // the JDBC driver's word for it
            (key, value) if key == "ssl" && value == "true" => pairs.push(("sslmode".to_owned(), "require".to_owned())),
            pair => pairs.push(pair),
        }
    }
    Ok(pairs)
}

fn store(pairs: &mut Pairs, key: &str, value: String) {
    if !value.is_empty() {
        pairs.push((key.to_owned(), value));
    }
}

/// Hosts, ports, and what follows them.
type Authority<'a> = (Vec<String>, Vec<String>, &'a str);

/// The hosts with their ports, up to the path or the query.
fn authority(mut rest: &str) -> Result<Authority<'_>, String> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    loop {
        let host = if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').ok_or_else(|| "an IPv6 address has no closing `]`".to_owned())?;
            if end == 0 {
                return Err("an IPv6 address is empty".to_owned());
            }
            rest = &inner[end + 1..];
            if !rest.is_empty() && !rest.starts_with([':', '/', '?', ',']) {
                return Err("after the `]` of an IPv6 address comes `:`, `/`, `?` or `,`".to_owned());
            }
            &inner[..end]
        } else {
            cut(&mut rest, &[':', '/', '?', ','])
        };
        hosts.push(decode(host)?);
        ports.push(match rest.strip_prefix(':') {
            Some(after) => {
                rest = after;
                decode(cut(&mut rest, &['/', '?', ',']))?
            }
            None => String::new(),
        });
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => return Ok((hosts, ports, rest)),
        }
    }
}

/// Takes the part of `rest` before one of `ends`.
fn cut<'a>(rest: &mut &'a str, ends: &[char]) -> &'a str {
    let (part, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
    *rest = after;
    part
}

/// Undoes percent encoding.
fn decode(text: &str) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else {
            return Err("a `%` is not followed by two hexadecimal digits; write a plain `%` as %25".to_owned());
        };
        match u8::try_from(high * 16 + low) {
            Ok(0) | Err(_) => return Err("%00 is not allowed".to_owned()),
            Ok(byte) => out.push(byte),
        }
    }
    String::from_utf8(out).map_err(|_| "a percent-encoded part is not valid UTF-8".to_owned())
}

/// `key = value key='quoted value'`, with backslashes before quotes and backslashes.
fn list(text: &str) -> Result<Pairs, String> {
    let mut pairs = Pairs::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(pairs);
        }
        let mut key = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=' && !c.is_whitespace()) {
            key.push(c);
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.next_if_eq(&'=').is_none() || key.is_empty() {
            // the word may be a piece of a password: it is not repeated
            return Err("a word has no `=` after it".to_owned());
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        pairs.push((key, value(&mut chars)?));
    }
}

fn value(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, String> {
    let quoted = chars.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match chars.next() {
            Some('\'') if quoted => return Ok(value),
            Some('\\') => value.extend(chars.next()),
            Some(c) if !quoted && c.is_whitespace() => return Ok(value),
            Some(c) => value.push(c),
            None if quoted => return Err("a quoted value has no closing quote".to_owned()),
            None => return Ok(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(pairs) => pairs.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" | "),
            Err(message) => format!("error: {message}"),
        }
    }

    // most lines are libpq's own cases (src/interfaces/libpq/t/001_uri.pl)
    #[test]
    fn addresses_are_read_like_libpq_reads_them() {
        for (text, expected) in [
            (
                "postgresql://uri-user:secret@host:12345/db",
                "user=uri-user | password=secret | host=host | port=12345 | dbname=db",
            ),
            ("postgresql://uri-user@host/db", "user=uri-user | host=host | dbname=db"),
            ("postgres://host", "host=host"),
            ("postgresql://", ""),
            ("postgresql:///db", "dbname=db"),
            ("postgresql://host?", "host=host"),
            ("postgresql://host/", "host=host"),
            ("postgresql://%68ost/", "host=host"),
            ("postgresql://host/db?u%7aer=testuser", "host=host | dbname=db | uzer=testuser"),
            ("postgresql://host:12345?user=uri-user", "host=host | port=12345 | user=uri-user"),
            ("postgresql://[2001:db8::1234]:99/db", "host=2001:db8::1234 | port=99 | dbname=db"),
            ("postgresql://[::1]", "host=::1"),
            ("postgres://a,b:6000,[::2]/x", "host=a,b,::2 | port=,6000, | dbname=x"),
            ("postgresql://%2Fvar%2Frun/db", "host=/var/run | dbname=db"),
            ("postgresql:///db?host=/path/to/socket/dir", "dbname=db | host=/path/to/socket/dir"),
            ("postgresql://otheruser@?host=/no/such", "user=otheruser | host=/no/such"),
            ("postgresql://:pw@host", "password=pw | host=host"),
            ("postgresql://u:p%40ss%25@h", "user=u | password=p@ss% | host=h"),
            ("postgresql://h?options=-c%20a%3Db", "host=h | options=-c a=b"),
            ("postgresql://h?ssl=true", "host=h | sslmode=require"),
            ("postgresql://h?zzz", "error: a part of the query has no `=` after its key"),
            ("postgresql://h?a=b=c", "error: the value of a parameter holds a second `=`; write it as %3D"),
            ("postgres://[::1", "error: an IPv6 address has no closing `]`"),
            ("postgres://[]", "error: an IPv6 address is empty"),
            ("postgres://[::1]z", "error: after the `]` of an IPv6 address comes `:`, `/`, `?` or `,`"),
            ("postgresql://%00", "error: %00 is not allowed"),
            ("postgresql://%zz", "error: a `%` is not followed by two hexadecimal digits; write a plain `%` as %25"),
            ("postgresql://%", "error: a `%` is not followed by two hexadecimal digits; write a plain `%` as %25"),
            (
                "postgresql://u:p@ss@h/db",
                "error: an `@` is in the wrong place; in a password write `@` as %40 and `/` as %2F",
            ),
            (
                "postgresql://u:1/ss@h/db",
                "error: an `@` is in the wrong place; in a password write `@` as %40 and `/` as %2F",
            ),
            ("postgresql://%ff", "error: a percent-encoded part is not valid UTF-8"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn lists_are_read_like_libpq_reads_them() {
        for (text, expected) in [
            ("host=localhost port=5432", "host=localhost | port=5432"),
            ("host = localhost  dbname =x", "host=localhost | dbname=x"),
            (r"password='it\'s \\ here' user=a\ b", r"password=it's \ here | user=a b"),
            ("dbname='' user=''", "dbname= | user="),
            ("host=", "host="),
            ("", ""),
            ("hunter2 host=x", "error: a word has no `=` after it"),
            ("=x", "error: a word has no `=` after it"),
            ("password='hunter2", "error: a quoted value has no closing quote"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}

//! The connection service file (manual, chapter 34.17).

use super::keys;
use super::url::Pairs;

/// The parameters of the service `name`; absent: the file does not define it.
///
/// # Errors
/// Message and help, with the number of the line.
pub(crate) fn lookup(file: &str, name: &str) -> Result<Option<Pairs>, (String, String)> {
    let mut found: Option<Pairs> = None;
    for (at, line) in file.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if section.strip_suffix(']') == Some(name) {
                found = Some(Pairs::new());
            }
            continue;
        }
        let Some(pairs) = &mut found else { continue };
        let wrong = |message: &str, help: &str| (format!("line {}: {message}", at + 1), help.to_owned());
        if line.starts_with("ldap") {
            return Err(wrong("dagmar does not look up services in LDAP", "write the parameters into the file"));
        }
        let (key, value) =
            line.split_once('=').ok_or_else(|| wrong("a line has no `=`", "write `key=value`, without spaces"))?;
        if key == "service" || key == "servicefile" {
            return Err(wrong("a service cannot name another service", "write its parameters here"));
        }
        keys::taken(key).map_err(|(message, help)| wrong(&message, &help))?;
        // the first one counts, as in libpq
        if pairs.iter().all(|(k, _)| k != key) {
            pairs.push((key.to_owned(), value.to_owned()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# ours\n[first]\nhost=a\nport=1\n\n[second]\nhost=b\nhost=c\n dbname=x=y\n[third]\nhots=1\n";

    #[test]
    fn a_section_is_read_up_to_the_next() {
        let pairs = |name: &str| {
            let found = lookup(FILE, name).expect("well formed")?;
            Some(found.iter().map(|(k, v)| format!("{k}:{v}")).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(pairs("first").as_deref(), Some("host:a port:1"));
        assert_eq!(pairs("second").as_deref(), Some("host:b dbname:x=y"));
        assert_eq!(pairs("fourth"), None);
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let (message, help) = lookup(FILE, "third").expect_err("a typo");
        assert_eq!(message, "line 11: unknown connection parameter `hots`");
        assert_eq!(help, "did you mean `host`?");
        assert!(lookup("[a]\nservice=b\n", "a").is_err());
        assert!(lookup("[a]\nhost\n", "a").is_err());
    }
}

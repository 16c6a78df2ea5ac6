//! Access privileges: from the server's letters to words, and back to values.

use crate::base::name::quote_ident;
use serde_json::Value;

/// The privileges that one role granted to another on one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The role that has them, as SQL; `PUBLIC`: all roles; [`OWNER`].
    pub grantee: String,
    /// The privileges, and for each whether it may be granted to others.
    pub privileges: Vec<(String, bool)>,
    /// The role that granted them, as SQL, or [`OWNER`].
    pub grantor: String,
}

/// The owner of the object, whoever that is. A role of this name would be quoted.
pub const OWNER: &str = "OWNER";

const WITH_OPTION: &str = " WITH GRANT OPTION";

/// `app: INSERT, SELECT WITH GRANT OPTION (by owner)`.
impl std::fmt::Display for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<String> = self
            .privileges
            .iter()
            .map(|(word, option)| format!("{word}{}", if *option { WITH_OPTION } else { "" }))
            .collect();
        write!(f, "{}: {} (by {})", self.grantee, words.join(", "), self.grantor)
    }
}

/// The privileges of a property, as [`Grant`]'s text has them.
#[must_use]
pub fn privileges_of(property: &Value) -> Vec<Grant> {
    let texts = property.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.filter_map(parse).collect()
}

fn parse(text: &str) -> Option<Grant> {
    let (rest, grantor) = text.strip_suffix(')')?.rsplit_once(" (by ")?;
    let (grantee, words) = rest.rsplit_once(": ")?;
    let privilege = |word: &str| match word.strip_suffix(WITH_OPTION) {
        Some(word) => (word.to_owned(), true),
        None => (word.to_owned(), false),
    };
    let privileges = words.split(", ").map(privilege).collect();
    Some(Grant { grantee: grantee.to_owned(), privileges, grantor: grantor.to_owned() })
}

/// The words of the letters in an `aclitem` (manual, chapter 5.8).
const LETTERS: [(char, &str); 15] = [
    ('r', "SELECT"),
    ('a', "INSERT"),
    ('w', "UPDATE"),
    ('d', "DELETE"),
    ('D', "TRUNCATE"),
    ('x', "REFERENCES"),
    ('t', "TRIGGER"),
    ('m', "MAINTAIN"),
    ('X', "EXECUTE"),
    ('U', "USAGE"),
    ('C', "CREATE"),
    ('c', "CONNECT"),
    ('T', "TEMPORARY"),
    ('s', "SET"),
    ('A', "ALTER SYSTEM"),
];

impl Grant {
    /// Reads an `aclitem` as text: `app=ar*/owner`.
    #[must_use]
    pub fn of_item(item: &str) -> Option<Self> {
        let (grantee, rest) = name(item)?;
        let (letters, grantor) = rest.strip_prefix('=')?.split_once('/')?;
        let (grantor, _) = name(grantor)?;
        let grantee = if grantee.is_empty() { "PUBLIC".to_owned() } else { quote_ident(&grantee).into_owned() };
        let mut privileges: Vec<(String, bool)> = Vec::new();
        for letter in letters.chars() {
            if letter == '*' {
                privileges.last_mut()?.1 = true;
            } else {
                let word = LETTERS.iter().find(|(known, _)| *known == letter);
                privileges.push((word.map_or_else(|| letter.to_string(), |(_, word)| (*word).to_owned()), false));
            }
        }
        privileges.sort();
        Some(Self { grantee, privileges, grantor: quote_ident(&grantor).into_owned() })
    }
}

/// The name at the beginning, which may be quoted, and the rest.
fn name(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(['=', '/']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '"' {
            name.push(c);
        } else if chars.next_if(|(_, next)| *next == '"').is_some() {
            name.push('"');
        } else {
            return Some((name, &quoted[at + 1..]));
        }
    }
    None
}

//! Names of database objects, and how they are quoted.

use super::keywords;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// The longest name PostgreSQL keeps, in bytes; it cuts longer ones silently, so that
/// two names can become one (manual, chapter 4.1.1).
pub const MAX_BYTES: usize = 63;

/// A name as the catalog stores it, with its case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Ident(String);

impl Ident {
    /// Checks a name.
    ///
    /// # Errors
    /// If it is empty, longer than 63 bytes, or contains a NUL.
    pub fn new(name: impl Into<String>) -> Result<Self, String> {
        let name = name.into();
        if name.is_empty() {
            return Err("a name must not be empty".to_owned());
        }
        if name.contains('\0') {
            return Err("a name must not hold a NUL character".to_owned());
        }
        if name.len() > MAX_BYTES {
            return Err(format!("the name `{name}` has {} bytes; PostgreSQL cuts names after {MAX_BYTES}", name.len()));
        }
        Ok(Self(name))
    }

    /// The name itself, unquoted.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as SQL.
    #[must_use]
    pub fn sql(&self) -> Cow<'_, str> {
        quote_ident(&self.0)
    }
}

impl std::fmt::Display for Ident {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Ident {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Ident {
    fn schema_name() -> Cow<'static, str> {
        "Identifier".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A name of at most 63 bytes, as the catalog stores it (case is kept).",
            "minLength": 1
        })
    }
}

/// A name with an optional schema: `platform.users`, `users`, `"Odd.Name".t`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualifiedName {
    /// The schema; absent: the first of the `search_path`.
    pub schema: Option<Ident>,
    /// The name of the object.
    pub name: Ident,
}

impl QualifiedName {
    /// The name as SQL.
    #[must_use]
    pub fn sql(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", schema.sql(), self.name.sql()),
            None => self.name.sql().into_owned(),
        }
    }

    /// Another object in the same schema.
    #[must_use]
    pub fn sibling(&self, name: Ident) -> Self {
        Self { schema: self.schema.clone(), name }
    }
}

impl std::str::FromStr for QualifiedName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = split_name(text)?;
        let name = Ident::new(parts.pop().unwrap_or_default())?;
        let schema = parts.pop().map(Ident::new).transpose()?;
        if parts.is_empty() {
            Ok(Self { schema, name })
        } else {
            Err(format!("`{text}` has more than two parts; write `schema.name`"))
        }
    }
}

/// Splits at dots outside of double quotes.
fn split_name(text: &str) -> Result<Vec<String>, String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                parts.last_mut().expect("never empty").push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            c => parts.last_mut().expect("never empty").push(c),
        }
    }
    if quoted { Err(format!("`{text}` has a double quote that is not closed")) } else { Ok(parts) }
}

/// Written so that parsing gives the same name: parts with a dot or a quote are quoted.
impl std::fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let part = |p: &Ident| -> String { if p.0.contains(['.', '"']) { always_quote(&p.0) } else { p.0.clone() } };
        if let Some(schema) = &self.schema {
            write!(f, "{}.", part(schema))?;
        }
        f.write_str(&part(&self.name))
    }
}

impl Serialize for QualifiedName {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for QualifiedName {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for QualifiedName {
    fn schema_name() -> Cow<'static, str> {
        "QualifiedName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A name with its schema: schema.name. Put a part with a dot in double quotes.",
            "minLength": 1,
            "examples": ["platform.users"]
        })
    }
}

fn always_quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `name` as an SQL identifier: unquoted if that means the same name on every supported server, otherwise
/// quoted (manual, chapter 4.1.1).
#[must_use]
pub fn quote_ident(name: &str) -> Cow<'_, str> {
    let mut chars = name.bytes();
    let plain = chars.next().is_some_and(|c| c.is_ascii_lowercase() || c == b'_')
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
        && !keywords::needs_quotes(name);
    if plain { Cow::Borrowed(name) } else { Cow::Owned(always_quote(name)) }
}

/// `text` as an SQL string constant. A text with backslashes uses the `E''` form, so that the result does not
/// depend on `standard_conforming_strings` (manual, chapter 4.1.2).
#[must_use]
pub fn quote_literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

/// `text` in dollar quotes with a tag that does not occur in it.
#[must_use]
pub fn quote_dollar(text: &str, tag: &str) -> String {
    let mut fence = format!("${tag}$");
    let mut n = 0;
    while text.contains(fence.trim_end_matches('$')) {
        n += 1;
        fence = format!("${tag}{n}$");
    }
    format!("{fence}{text}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotes_only_what_needs_it() {
        for (name, sql) in [
            ("users", "users"),
            ("Users", "\"Users\""),
            ("order", "\"order\""),
            ("a b", "\"a b\""),
            ("x\"y", "\"x\"\"y\""),
            ("é", "\"é\""),
            ("1a", "\"1a\""),
        ] {
            assert_eq!(quote_ident(name), sql);
        }
    }

    #[test]
    fn names_over_63_bytes_are_refused() {
        assert!(Ident::new("é".repeat(31)).is_ok());
        assert!(Ident::new("é".repeat(32)).unwrap_err().contains("64 bytes"));
        assert!("a.b.c".parse::<QualifiedName>().is_err());
        assert!("".parse::<QualifiedName>().is_err());
    }

    #[test]
    fn dollar_quotes_avoid_what_is_inside() {
        assert_eq!(quote_dollar("x $q$ y $q1", "q"), "$q2$x $q$ y $q1$q2$");
    }

    proptest! {
        #[test]
        fn qualified_names_survive_writing(schema in "[^\0]{1,12}", name in "[^\0]{1,12}") {
            let q = QualifiedName { schema: Some(Ident::new(schema).unwrap()), name: Ident::new(name).unwrap() };
            prop_assert_eq!(q.to_string().parse::<QualifiedName>().unwrap(), q);
        }

        #[test]
        fn quoted_names_never_end_early(name in "[^\0]{1,20}") {
            let sql = quote_ident(&name);
            if let Some(inner) = sql.strip_prefix('"').and_then(|s| s.strip_suffix('"')) {
                prop_assert_eq!(inner.replace("\"\"", ""), name.replace('"', ""));
                prop_assert_eq!(inner.matches('"').count() % 2, 0);
            } else {
                prop_assert_eq!(sql.as_ref(), name.as_str());
            }
        }

        #[test]
        fn literals_never_end_early(text in "[^\0]{0,20}") {
            let sql = quote_literal(&text);
            let inner = sql.trim_start_matches('E');
            let inner = &inner[1..inner.len() - 1];
            prop_assert_eq!(inner.replace("''", "").contains('\''), false);
        }
    }
}

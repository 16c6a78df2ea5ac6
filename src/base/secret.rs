//! Texts that never show themselves, and what stands in their place until they are needed.

use std::collections::BTreeMap;

/// A password or another secret text. `Debug` writes stars and there is no `Display`: only [`Secret::expose`]
/// returns the text, so that every use can be found.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, which only the server may receive.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// The start of a placeholder. No variable can have such a name.
pub const PLACEHOLDER: &str = "${secret:";

/// The placeholder that SQL contains for a secret variable until it is sent.
#[must_use]
pub fn placeholder(name: &str) -> String {
    format!("{PLACEHOLDER}{name}}}")
}

/// The names of the secret variables in a text, in order, with the byte ranges of their placeholders.
pub fn placeholders(text: &str) -> impl Iterator<Item = (&str, std::ops::Range<usize>)> {
    text.match_indices(PLACEHOLDER).filter_map(|(start, _)| {
        let name = text[start + PLACEHOLDER.len()..].split('}').next()?;
        let end = start + PLACEHOLDER.len() + name.len() + 1;
        (is_secret_name(name) && end <= text.len()).then_some((name, start..end))
    })
}

/// Whether the name has only letters, digits and `_`, and no digit at its start, as psql requires for a
/// variable.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The secret variables of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, Result<Secret, String>>);

impl Secrets {
    /// Sets a variable: its value, or the reason why it has none.
    pub fn set(&mut self, name: &str, value: Result<Secret, String>) {
        self.0.insert(name.to_owned(), value);
    }

    /// Whether this variable is secret.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value of a variable.
    ///
    /// # Errors
    /// The reason why it has no value.
    pub fn value(&self, name: &str) -> Result<&Secret, String> {
        match self.0.get(name) {
            Some(Ok(secret)) => Ok(secret),
            Some(Err(why)) => Err(why.clone()),
            None => Err("dagmar.yaml declares no secret variable of this name for this environment".to_owned()),
        }
    }

    /// The known values.
    pub fn values(&self) -> impl Iterator<Item = &Secret> {
        self.0.values().filter_map(|value| value.as_ref().ok())
    }

    /// The names of the variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found() {
        let text = format!("a {} b {} ${{secret:no name}} ${{secret:open", placeholder("x"), placeholder("y_1"));
        let found: Vec<_> = placeholders(&text).map(|(name, at)| (name, &text[at])).collect();
        assert_eq!(found, [("x", "${secret:x}"), ("y_1", "${secret:y_1}")]);
    }

    #[test]
    fn secrets_do_not_show_themselves() {
        let mut secrets = Secrets::default();
        secrets.set("a", Ok(Secret::new("hunter2")));
        secrets.set("b", Err("it is not set".to_owned()));
        assert!(!format!("{secrets:?}").contains("hunter2"));
        assert_eq!(secrets.value("a").map(Secret::expose), Ok("hunter2"));
        assert_eq!(secrets.value("b").unwrap_err(), "it is not set");
        assert!(secrets.value("c").unwrap_err().contains("no secret variable"));
    }
}

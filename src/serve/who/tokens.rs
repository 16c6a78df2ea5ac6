//! The file of tokens: hashes, and what each token may do.

use super::secret::SecretHash;
use super::token::{Token, is_id};
use crate::base::{Failure, FailureKind, Role, Secret, file, time};
use crate::serve::config::refuse_shared;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The name of the file in a project.
pub const FILE: &str = "tokens.json";

/// The largest file.
const LARGEST: u64 = 1 << 20;

/// The most tokens.
const MOST: usize = 1000;

/// The most characters of a name, an environment or a group.
const LONGEST: usize = 128;

/// The most groups or environments of a token.
const MOST_OF_ONE: usize = 100;

/// The file of tokens.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenFile {
    /// The tokens, those that do not count any more with them.
    pub tokens: Vec<TokenEntry>,
}

/// A token. Its text is not here: only its hash.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenEntry {
    /// The id, which its text has too.
    pub id: String,
    /// The name, by which people and the history know it.
    pub name: String,
    /// The SHA-256 of its text.
    pub hash: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// The environments that it sees; null: all.
    #[serde(deserialize_with = "present")]
    pub environments: Option<Vec<String>>,
    /// The groups of who uses it.
    #[serde(default)]
    pub groups: Vec<String>,
    /// When it was made.
    pub created: String,
    /// By whom.
    pub created_by: String,
    /// Until when it counts; null: without an end.
    #[serde(deserialize_with = "present")]
    pub expires: Option<String>,
    /// That it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
}

/// That a token was revoked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// When.
    pub at: String,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What may be null and may not be left out: a mistyped key must not make a token more than it was.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(d)
}

/// Whether a token counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Valid,
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
}

impl Standing {
    /// The word for people and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Standing::Valid => "valid",
            Standing::Revoked => "revoked",
            Standing::Expired => "expired",
        }
    }
}

impl TokenEntry {
    /// The entry of a token.
    #[must_use]
    pub fn new(token: &Token, name: &str, roles: Vec<Role>, created: i64, created_by: String) -> Self {
        Self {
            id: token.id.clone(),
            name: name.to_owned(),
            hash: SecretHash::of(token.text.expose()).text(),
            roles,
            environments: None,
            groups: Vec::new(),
            created: time::rfc3339(created),
            created_by,
            expires: None,
            revoked: None,
        }
    }

    /// Until when it counts, in milliseconds since 1970; `None`: without an end.
    #[must_use]
    pub fn expires_at(&self) -> Option<i64> {
        // a file with anything else was refused
        self.expires.as_deref().map(|text| time::parse(text).unwrap_or(i64::MIN))
    }

    /// Whether it counts at this time.
    #[must_use]
    pub fn standing(&self, now: i64) -> Standing {
        match &self.revoked {
            Some(_) => Standing::Revoked,
            None if self.expires_at().is_some_and(|end| end <= now) => Standing::Expired,
            None => Standing::Valid,
        }
    }

    /// What is wrong with it.
    fn mistake(&self) -> Option<&'static str> {
        let lists = [Some(&self.groups), self.environments.as_ref()];
        let fits = |list: &Vec<String>| list.len() <= MOST_OF_ONE && list.iter().all(|text| is_text(text));
        let times = [Some(&self.created), self.expires.as_ref(), self.revoked.as_ref().map(|revoked| &revoked.at)];
        let mistakes = [
            (!is_id(&self.id), "its `id` is not 8 hexadecimal digits in lower case"),
            (!is_name(&self.name), "its `name` is not 1 to 128 letters, digits and `-_.@`"),
            (SecretHash::read(&self.hash).is_none(), "its `hash` is not `sha256:` and 64 hexadecimal digits"),
            (self.roles.is_empty(), "its `roles` are empty"),
            (self.environments.as_ref().is_some_and(Vec::is_empty), "its `environments` are empty: null is all"),
            (!lists.into_iter().flatten().all(fits), "its `groups` or `environments` are too many or too long"),
            (times.into_iter().flatten().any(|text| time::parse(text).is_none()), "it has a time that is none"),
        ];
        mistakes.into_iter().find(|(is_there, _)| *is_there).map(|(_, why)| why)
    }
}

/// Whether a text may be the name of a token: a path, a shell and a line of the history take it as it is.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    (1..=LONGEST).contains(&text.len()) && !text.starts_with('-') && text.chars().all(plain)
}

/// Whether a text may be the name of a group or an environment.
#[must_use]
pub fn is_text(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && !text.chars().any(char::is_control)
}

impl TokenFile {
    /// Reads a file, and what is known of it.
    ///
    /// # Errors
    /// It cannot be read, others can read it, or it has a mistake.
    pub fn open(path: &Path, now: i64) -> Result<(Self, Metadata), Failure> {
        let wrong =
            |why: String| Failure::new(FailureKind::Usage, format!("the tokens' file `{}` {why}", path.display()));
        let content = file::read(path, LARGEST).map_err(|e| wrong(e.to_string()))?;
        refuse_shared(path, content.about.mode())?;
        let file = Self::read(&content.bytes, now).map_err(|why| wrong(format!("is not valid: {why}")))?;
        Ok((file, content.about))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// Its first mistake.
    pub fn read(text: &[u8], now: i64) -> Result<Self, String> {
        let file: Self = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        if file.tokens.len() > MOST {
            return Err(format!("it has more than {MOST} tokens"));
        }
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        for (at, entry) in file.tokens.iter().enumerate() {
            let wrong = |why: &str| Err(format!("tokens[{at}]: {why}"));
            if let Some(why) = entry.mistake() {
                return wrong(why);
            }
            if !ids.insert(&entry.id) {
                return wrong(&format!("the id `{}` is there twice", entry.id));
            }
            if entry.standing(now) == Standing::Valid && !names.insert(&entry.name) {
                return wrong(&format!("there are two valid tokens with the name `{}`", entry.name));
            }
        }
        Ok(file)
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> String {
        crate::report::json::pretty(self)
    }

    /// The entry of a token, valid or not; `None`: it is none of these.
    #[must_use]
    pub fn find(&self, token: &Token) -> Option<&TokenEntry> {
        let entry = self.entry(&token.id);
        // an unknown id takes as long as a known one
        let hash = entry.and_then(|entry| SecretHash::read(&entry.hash)).unwrap_or_else(|| SecretHash::of(""));
        let is_it = hash.is(token.text.expose());
        entry.filter(|_| is_it)
    }

    /// The entry of this id.
    #[must_use]
    pub fn entry(&self, id: &str) -> Option<&TokenEntry> {
        self.tokens.iter().find(|entry| entry.id == id)
    }

    /// Adds a new token with an id that no other has, as `describe` says; its text.
    ///
    /// # Errors
    /// There are too many, a valid one has this name, it has a mistake, or there are no random numbers.
    pub fn add(&mut self, now: i64, describe: impl Fn(&Token) -> TokenEntry) -> Result<Secret, Failure> {
        let usage = |why: String| Failure::new(FailureKind::Usage, why);
        let none = || Failure::new(FailureKind::Internal, "the system has no random numbers");
        let token = loop {
            let token = Token::new().ok_or_else(none)?;
            if self.entry(&token.id).is_none() {
                break token;
            }
        };
        let entry = describe(&token);
        if let Some(why) = entry.mistake() {
            return Err(usage(format!("the token cannot be made: {why}")));
        }
        let is_taken = |other: &TokenEntry| other.name == entry.name && other.standing(now) == Standing::Valid;
        if self.tokens.iter().any(is_taken) {
            return Err(usage(format!("there is a valid token `{}`", entry.name)));
        }
        if self.tokens.len() >= MOST {
            return Err(usage(format!(
                "there are {MOST} tokens; remove those that do not count any more from the file"
            )));
        }
        self.tokens.push(entry);
        Ok(token.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW: i64 = 1_790_000_000_000;

    fn made(name: &str) -> (TokenFile, Token) {
        let mut file = TokenFile::default();
        let text = file.add(NOW, |token| TokenEntry::new(token, name, vec![Role::Run], NOW, "a@b".to_owned())).unwrap();
        (file, Token::read(text.expose()).unwrap())
    }

    #[test]
    fn a_token_is_found_by_its_whole_text() {
        let (file, token) = made("ci");
        let file = TokenFile::read(file.text().as_bytes(), NOW).unwrap();
        assert_eq!(file.find(&token).unwrap().name, "ci");
        assert!(!file.text().contains(token.text.expose().rsplit('_').next().unwrap()));
        let other = Token::new().unwrap();
        assert!(file.find(&other).is_none());
        let forged = format!("dgm_{}_{}", token.id, other.text.expose().rsplit('_').next().unwrap());
        assert!(file.find(&Token::read(&forged).unwrap()).is_none());
    }

    #[test]
    fn a_token_counts_until_its_end_or_until_it_is_revoked() {
        let (mut file, _) = made("ci");
        let entry = &mut file.tokens[0];
        assert_eq!(entry.standing(i64::MAX), Standing::Valid);
        entry.expires = Some(time::rfc3339(NOW + 10_000));
        let standing = |entry: &TokenEntry, at: i64| entry.standing(at);
        assert_eq!((standing(entry, NOW), standing(entry, NOW + 10_000)), (Standing::Valid, Standing::Expired));
        entry.revoked = Some(Revoked { at: time::rfc3339(NOW), by: "a@b".to_owned(), reason: "gone".to_owned() });
        assert_eq!(standing(entry, NOW), Standing::Revoked);
        assert!(TokenFile::read(file.text().as_bytes(), NOW).is_ok());
    }

    #[test]
    fn names_are_unique_among_valid_tokens() {
        let (mut file, _) = made("ci");
        let again = |file: &mut TokenFile| {
            let describe = |token: &Token| TokenEntry::new(token, "ci", vec![Role::Read], NOW, "a@b".to_owned());
            file.add(NOW, describe).map(drop).map_err(|failure| failure.message)
        };
        assert_eq!(again(&mut file), Err("there is a valid token `ci`".to_owned()));
        file.tokens[0].expires = Some(time::rfc3339(NOW - 1000));
        assert_eq!(again(&mut file), Ok(()));
        assert!(TokenFile::read(file.text().as_bytes(), NOW).is_ok());
        assert!(TokenFile::read(file.text().as_bytes(), NOW - 10_000).unwrap_err().contains("two valid tokens"));
    }

    #[test]
    fn a_file_is_strict() {
        let (file, _) = made("ci");
        let good: Value = serde_json::from_str(&file.text()).unwrap();
        let read = |value: &Value| TokenFile::read(value.to_string().as_bytes(), NOW).map(drop);
        assert_eq!(read(&good), Ok(()));
        let with = |key: &str, value: Value| {
            let mut file = good.clone();
            file["tokens"][0][key] = value;
            file
        };
        for (key, value, why) in [
            ("id", json!("9F3A01BC"), "`id`"),
            ("name", json!(""), "`name`"),
            ("name", json!("a b"), "`name`"),
            ("name", json!("-a"), "`name`"),
            ("hash", json!("sha256:00"), "`hash`"),
            ("hash", json!("dgm_0"), "`hash`"),
            ("roles", json!([]), "`roles`"),
            (
                "roles",
                json!(["root"]),
                "unknown variant `root`, expected one of `read`, `plan`, `approve`, `run`, `admin` at line 1 column",
            ),
            ("environments", json!([]), "`environments`"),
            ("environments", json!(["a\nb"]), "`groups` or `environments`"),
            ("groups", json!(["x".repeat(129)]), "`groups` or `environments`"),
            ("expires", json!("tomorrow"), "a time"),
            ("created", json!(1), "invalid type: integer `1`, expected a string at line 1 column"),
            ("revoked", json!({ "at": "2026-01-01", "by": "a" }), "missing field `reason`"),
            ("environment", json!(null), "unknown field"),
        ] {
            let said = read(&with(key, value)).unwrap_err();
            assert!(said.contains(why), "{key}: {said}");
        }
        // what is left out is no null
        for key in ["id", "name", "hash", "roles", "environments", "created", "createdBy", "expires"] {
            let mut file = good.clone();
            file["tokens"][0].as_object_mut().unwrap().remove(key);
            assert!(read(&file).unwrap_err().contains("missing field"), "{key}");
        }
        let mut twice = good.clone();
        twice["tokens"].as_array_mut().unwrap().push(good["tokens"][0].clone());
        assert!(read(&twice).unwrap_err().contains("is there twice"));
        for text in
            ["", "{}", "[]", "{\"tokens\": []} x", "{\"tokens\": [], \"tokens\": []}", "\u{feff}{\"tokens\":[]}"]
        {
            assert!(TokenFile::read(text.as_bytes(), NOW).is_err(), "{text}");
        }
        let many = json!({ "tokens": vec![&good["tokens"][0]; 1001] });
        assert!(read(&many).unwrap_err().contains("more than 1000"));
    }
}

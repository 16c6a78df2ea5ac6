//! Secrets taken out of what servers and programs say.
//!
//! Every password and secret variable that this process uses is noted here, once for all
//! connections: a server may repeat what it was sent in any of its texts.

use crate::base::Secret;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{PoisonError, RwLock};

/// What stands in their place.
const STARS: &str = "***";

/// Passwords that are shorter are not looked for once the server has let us in: a password
/// `app` would take every `app` out of every message.
const SHORT: usize = 6;

/// Bytes of a secret that give away which it is: a larger text in base64 is looked through for
/// as many.
const TELLING: usize = 6;

/// So many passwords of connections are known, the latest: a command may give a new one to every connection of a service
/// that runs for months.
const PASSWORDS: usize = 1000;

static KNOWN: RwLock<Known> = RwLock::new(Known::new());

/// Notes a secret: from then on it is taken out of what servers and hooks say.
pub fn remember(secret: &Secret) {
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).remember(secret);
}

/// Notes a password of a connection, unless it is too short.
pub(crate) fn remember_password(password: &Secret) {
    if password.expose().len() >= SHORT {
        KNOWN.write().unwrap_or_else(PoisonError::into_inner).remember_password(password);
    }
}

/// A text of a server without the secrets that are known.
pub(crate) fn hidden(text: &str) -> String {
    KNOWN.read().unwrap_or_else(PoisonError::into_inner).hidden(text)
}

/// The secrets of this process.
struct Known {
    /// Every form of each, the longest first, and of how many secrets it is one.
    forms: BTreeMap<(Reverse<usize>, String), usize>,
    /// Those that stay.
    lasting: Vec<Secret>,
    /// The passwords of connections, the latest last.
    passwords: VecDeque<Secret>,
}

impl Known {
    const fn new() -> Self {
        Self { forms: BTreeMap::new(), lasting: Vec::new(), passwords: VecDeque::new() }
    }

    fn remember(&mut self, secret: &Secret) {
        if self.lasting.iter().all(|known| known.expose() != secret.expose()) {
            self.add(secret);
            self.lasting.push(secret.clone());
        }
    }

    fn remember_password(&mut self, password: &Secret) {
        match self.passwords.iter().rposition(|known| known.expose() == password.expose()) {
            // it is in use, and none that goes
            Some(at) => {
                self.passwords.remove(at);
            }
            None => self.add(password),
        }
        self.passwords.push_back(password.clone());
        if self.passwords.len() > PASSWORDS
            && let Some(oldest) = self.passwords.pop_front()
        {
            self.remove(&oldest);
        }
    }

    fn add(&mut self, secret: &Secret) {
        for form in Mask::of([secret]).0 {
            *self.forms.entry((Reverse(form.len()), form)).or_default() += 1;
        }
    }

    fn remove(&mut self, secret: &Secret) {
        for form in Mask::of([secret]).0 {
            let form = (Reverse(form.len()), form);
            match self.forms.get_mut(&form) {
                Some(number) if *number > 1 => *number -= 1,
                _ => _ = self.forms.remove(&form),
            }
        }
    }

    fn hidden(&self, text: &str) -> String {
        without(self.forms.keys().map(|(_, form)| form), text)
    }
}

/// A text without these.
fn without<'a>(forms: impl Iterator<Item = &'a String>, text: &str) -> String {
    forms.fold(text.to_owned(), |text, secret| {
        if text.contains(secret.as_str()) { text.replace(secret.as_str(), STARS) } else { text }
    })
}

/// Texts that nobody may see, in every form in which they are usually written; the longest
/// first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mask(Vec<String>);

impl Mask {
    /// Of these secrets.
    pub(crate) fn of<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut mask = Self::default();
        mask.add(Self(secrets.into_iter().flat_map(|secret| forms(secret.expose())).collect()));
        mask
    }

    fn add(&mut self, other: Self) {
        self.0.extend(other.0);
        self.0.retain(|text| !text.is_empty());
        self.0.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.0.dedup();
    }

    /// A text without them.
    pub(crate) fn hidden(&self, text: &str) -> String {
        without(self.0.iter(), text)
    }

    /// How many bytes at the end of a line may be the beginning of a secret that goes on in the
    /// next one.
    pub(crate) fn begun(&self, line: &str) -> usize {
        let begun = |secret: &String| {
            let longest = (TELLING.min(secret.len())..secret.len()).rev();
            longest.filter(|n| secret.is_char_boundary(*n)).find(|n| line.ends_with(&secret[..*n])).unwrap_or(0)
        };
        self.0.iter().map(begun).max().unwrap_or(0)
    }
}

/// A text as it is, quoted for SQL and for a shell, encoded for URLs and forms, and in base64.
fn forms(plain: &str) -> Vec<String> {
    let mut all = vec![
        plain.to_owned(),
        plain.replace('\'', "''"),
        plain.replace('\\', "\\\\").replace('\'', "''"),
        plain.replace('\'', "'\\''"),
        serde_json::Value::from(plain).to_string().trim_matches('"').to_owned(),
    ];
    for hex in [|b: u8| format!("%{b:02X}"), |b: u8| format!("%{b:02x}")] {
        for (kept, space) in [("-_.~", "%20"), ("-_.~", "+"), ("-_.!~*'()", "%20"), ("*-._", "+"), ("", "%20")] {
            let encoded = plain.bytes().map(|b| match b {
                b' ' => space.to_owned(),
                b if b.is_ascii_alphanumeric() || kept.as_bytes().contains(&b) => char::from(b).to_string(),
                b => hex(b),
            });
            all.push(encoded.collect());
        }
    }
    if plain.len() >= TELLING {
        // where a text begins in the middle of three bytes, its first and last signs depend on
        // its neighbours
        for offset in 0..3 {
            let padded = [&b"   "[..offset], plain.as_bytes()].concat();
            for encoded in [STANDARD.encode(&padded), URL_SAFE.encode(&padded)] {
                let own = encoded.trim_end_matches('=');
                let first = (offset * 8).div_ceil(6);
                let last = if (padded.len() * 8).is_multiple_of(6) { own.len() } else { own.len() - 1 };
                all.push(own[first..last].to_owned());
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form() {
        let secret = Secret::new("c4n4ry /+'x\\");
        let mask = Mask::of([&secret]);
        let plain = secret.expose();
        let mut forms = vec![
            format!("it is {plain} here"),
            "password='c4n4ry /+''x\\'".to_owned(),
            "E'c4n4ry /+''x\\\\'".to_owned(),
            "postgres://u:c4n4ry%20%2F%2B%27x%5C@h".to_owned(),
            "postgres://u:c4n4ry%20%2f%2b%27x%5c@h".to_owned(),
            "pw=c4n4ry+%2F%2B%27x%5C&b=1".to_owned(),
            "{\"pw\": \"c4n4ry /+'x\\\\\"}".to_owned(),
        ];
        for before in ["", "u:", "user:", "a longer user:"] {
            forms.push(STANDARD.encode(format!("{before}{plain}")));
            forms.push(URL_SAFE.encode(format!("{before}{plain}@host")));
        }
        for form in forms {
            let shown = mask.hidden(&form);
            assert!(shown.contains(STARS) && !shown.contains("c4n4ry"), "{form}: {shown}");
        }
        assert_eq!(mask.hidden("nothing of it"), "nothing of it");
        assert_eq!(Mask::of([&Secret::new("")]).hidden("a"), "a");
    }

    #[test]
    fn the_latest_passwords_are_known_and_secrets_for_ever() {
        let mut known = Known::new();
        known.remember(&Secret::new("lasting-secret"));
        let password = |n: usize| Secret::new(format!("password-of-{n}-connections"));
        // one that is also a secret stays when it goes as a password
        known.remember_password(&Secret::new("lasting-secret"));
        for n in 0..PASSWORDS {
            known.remember_password(&password(n));
            known.remember_password(&password(0));
        }
        let shown = |n: usize| known.hidden(password(n).expose());
        assert_eq!(shown(0), STARS, "it is in use");
        assert_eq!((shown(2), shown(PASSWORDS - 1)), (STARS.to_owned(), STARS.to_owned()));
        assert_eq!(known.passwords.len(), PASSWORDS);
        known.remember_password(&password(PASSWORDS));
        assert_eq!(known.hidden(password(1).expose()), password(1).expose(), "the oldest one is gone");
        let several = format!("lasting-secret {} {}", password(2).expose(), STANDARD.encode(password(7).expose()));
        assert!(!["lasting", "connections", "cGFzc3"].iter().any(|part| known.hidden(&several).contains(part)));
        for n in 0..PASSWORDS + 8 {
            known.remember_password(&Secret::new(format!("another-{n}-password")));
        }
        assert_eq!(known.hidden("lasting-secret"), STARS);
        assert!(
            !known.forms.keys().any(|(_, form)| form.contains("connections")),
            "nothing is left of those that went"
        );
    }

    #[test]
    fn the_beginning_of_a_secret_is_seen() {
        let mask = Mask::of([&Secret::new("hunter2-and-more")]);
        assert_eq!(mask.begun("it is hunter2-a"), "hunter2-a".len());
        assert_eq!((mask.begun("it is hun"), mask.begun("hunter2-and-more")), (0, 0));
    }
}

//! Sessions of the pages: a cookie that only this service can read or make. Pages take it, the API never does.

use crate::base::checksum::{hex, sha256_hex};
use crate::base::{Failure, FailureKind, Secret};
use crate::serve::caller::Proof;
use crate::serve::exchange::Head;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

/// How long a session lasts, in milliseconds.
const LASTS: i64 = 12 * 3600 * 1000;

/// The bytes of a key.
pub const KEY: usize = 32;

/// The longest value of a cookie: browsers keep no longer ones.
const LONGEST: usize = 4096;

/// A session of somebody in a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// By what he was let in.
    pub proof: Proof,
    /// When it ends, in milliseconds since 1970.
    pub expires: i64,
    /// What makes its form token its own.
    pub salt: String,
}

/// Makes and opens sessions.
pub struct Sessions {
    seal: LessSafeKey,
    forms: hmac::Key,
    random: SystemRandom,
    /// Whether browsers come by TLS.
    is_https: bool,
}

impl Sessions {
    /// Sessions under this key, or under one of their own: they end with the service.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new(key: Option<&Secret>, is_https: bool) -> Result<Self, Failure> {
        let random = SystemRandom::new();
        let main = match key {
            Some(key) => key.expose().as_bytes().to_vec(),
            None => bytes::<KEY>(&random).ok_or_else(no_random)?.to_vec(),
        };
        let main = hmac::Key::new(hmac::HMAC_SHA256, &main);
        let part = |what: &str| hmac::sign(&main, what.as_bytes());
        let seal = UnboundKey::new(&AES_256_GCM, part("session").as_ref()).map_err(|_| no_random())?;
        let forms = hmac::Key::new(hmac::HMAC_SHA256, part("form").as_ref());
        Ok(Self { seal: LessSafeKey::new(seal), forms, random, is_https })
    }

    /// A session that begins now, as the value of `Set-Cookie`; `until`: what let him in ends then.
    ///
    /// # Errors
    /// The system has no random numbers, or the session is too long for a cookie.
    pub fn begin(&self, proof: Proof, now: i64, until: Option<i64>) -> Result<String, Failure> {
        let expires = until.unwrap_or(i64::MAX).min(now.saturating_add(LASTS));
        let session = Session { proof, expires, salt: hex(&bytes::<16>(&self.random).ok_or_else(no_random)?) };
        let internal = |why: String| Failure::new(FailureKind::Internal, why);
        let mut text = serde_json::to_vec(&session).map_err(|e| internal(e.to_string()))?;
        let nonce = bytes::<NONCE_LEN>(&self.random).ok_or_else(no_random)?;
        let sealed = Nonce::assume_unique_for_key(nonce);
        let sealed = self.seal.seal_in_place_append_tag(sealed, Aad::empty(), &mut text);
        sealed.map_err(|_| internal("the session cannot be sealed".to_owned()))?;
        let cookie = self.cookie(&URL_SAFE_NO_PAD.encode([nonce.as_slice(), &text].concat()));
        if cookie.len() > LONGEST {
            let why = "dagmar.yaml names too many of your groups for a session in a browser";
            return Err(Failure::new(FailureKind::Usage, why).help("use the API with the token, or name fewer groups"));
        }
        Ok(cookie)
    }

    /// The value of `Set-Cookie` that ends a session.
    #[must_use]
    pub fn end(&self) -> String {
        self.cookie("") + "; Max-Age=0"
    }

    /// The session that a request shows.
    #[must_use]
    pub fn shown(&self, head: &Head, now: i64) -> Option<Session> {
        let name = self.name();
        let mut found = None;
        for header in head.all("cookie") {
            for pair in std::str::from_utf8(header).ok()?.split(';') {
                let Some((_, value)) = pair.trim().split_once('=').filter(|(own, _)| *own == name) else { continue };
                // two of them: somebody else has put one there
                if found.replace(value).is_some() {
                    return None;
                }
            }
        }
        let bytes = URL_SAFE_NO_PAD.decode(found.filter(|value| value.len() <= LONGEST)?).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let text = self.seal.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut sealed).ok()?;
        let session: Session = serde_json::from_slice(text).ok()?;
        (session.expires > now).then_some(session)
    }

    /// The token that every form of this caller carries.
    #[must_use]
    pub fn form_token(&self, caller: &str, session: Option<&Session>) -> String {
        hex(hmac::sign(&self.forms, &form(caller, session)).as_ref())
    }

    /// Whether a form carries the token of this caller; that takes as long whatever it carries.
    #[must_use]
    pub fn is_form_token(&self, token: &str, caller: &str, session: Option<&Session>) -> bool {
        unhex(token).is_some_and(|token| hmac::verify(&self.forms, &form(caller, session), &token).is_ok())
    }

    /// `__Host-` keeps other hosts of the domain from setting it; browsers take that name only with TLS.
    fn name(&self) -> &'static str {
        if self.is_https { "__Host-dagmar" } else { "dagmar" }
    }

    fn cookie(&self, value: &str) -> String {
        let secure = if self.is_https { "; Secure" } else { "" };
        format!("{}={value}; Path=/{secure}; HttpOnly; SameSite=Strict", self.name())
    }
}

/// The digest by which a session remembers what let somebody in.
#[must_use]
pub fn mark(hash: &[u8]) -> String {
    sha256_hex(&[b"dagmar session ".as_slice(), hash].concat())
}

/// What a form token stands for: the salt has no `:`.
fn form(caller: &str, session: Option<&Session>) -> Vec<u8> {
    format!("{}:{caller}", session.map_or("", |session| &session.salt)).into_bytes()
}

fn no_random() -> Failure {
    Failure::new(FailureKind::Internal, "the system has no random numbers")
}

fn bytes<const N: usize>(random: &SystemRandom) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    random.fill(&mut bytes).ok().map(|()| bytes)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let (pairs, rest) = digits.as_ref()?.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(key: &str, is_https: bool) -> Sessions {
        Sessions::new(Some(&Secret::new(key)), is_https).unwrap()
    }

    fn head(cookie: &str) -> Head {
        Head::of([("cookie", cookie.as_bytes())])
    }

    #[test]
    fn a_cookie_is_one_that_browsers_keep() {
        let ours = sessions("k", true);
        let of = |groups: usize| {
            let groups = (0..groups).map(|i| format!("cn=group-{i:04},ou=teams,dc=example,dc=org")).collect();
            let proof = Proof::Oidc { issuer: "https://id.example.org".to_owned(), person: "anna".to_owned(), groups };
            ours.begin(proof, 1000, None)
        };
        assert!(of(45).unwrap().len() <= LONGEST);
        assert_eq!(of(90).unwrap_err().kind, FailureKind::Usage);
    }

    fn proof() -> Proof {
        Proof::Secret { mark: "m".to_owned() }
    }

    #[test]
    fn a_session_is_that_of_its_key_and_ends() {
        let ours = sessions("k", true);
        let set = ours.begin(proof(), 1000, None).unwrap();
        assert!(set.starts_with("__Host-dagmar=") && set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"));
        let cookie = set.split(';').next().unwrap();
        let session = ours.shown(&head(cookie), 1000).unwrap();
        assert_eq!((session.proof, session.expires), (proof(), 1000 + LASTS));
        assert!(ours.shown(&head(&format!("a=b; {cookie}; c")), 1000 + LASTS - 1).is_some());
        assert!(ours.shown(&head(cookie), 1000 + LASTS).is_none(), "it has ended");
        assert!(sessions("other", true).shown(&head(cookie), 1000).is_none(), "another key");
        assert!(ours.shown(&head(&format!("{cookie}; {cookie}")), 1000).is_none(), "two of them");
        let plain = cookie.replace("__Host-", "");
        assert!(ours.shown(&head(&plain), 1000).is_none() && sessions("k", false).shown(&head(&plain), 1000).is_some());
        let until = ours.begin(proof(), 1000, Some(1010)).unwrap();
        assert_eq!(ours.shown(&head(until.split(';').next().unwrap()), 1000).unwrap().expires, 1010);
        assert!(ours.shown(&head(ours.end().split(';').next().unwrap()), 1000).is_none());
        for at in 0..cookie.len() {
            let mut changed = cookie.as_bytes().to_vec();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(ours.shown(&head(&changed), 1000).is_none(), "byte {at}");
        }
        for odd in ["", "__Host-dagmar", "__Host-dagmar=", "__Host-dagmar=0", "__Host-dagmar=ä", "__Host-dagmar=00ff"]
        {
            assert!(ours.shown(&head(odd), 1000).is_none(), "{odd}");
        }
    }

    #[test]
    fn a_form_token_is_that_of_one_caller_in_one_session() {
        let ours = sessions("k", false);
        let session = |salt: &str| Session { proof: proof(), expires: 9, salt: salt.to_owned() };
        let (one, other) = (session("1"), session("2"));
        let token = ours.form_token("secret:a", Some(&one));
        assert!(ours.is_form_token(&token, "secret:a", Some(&one)));
        for (caller, session) in [("secret:a", Some(&other)), ("secret:b", Some(&one)), ("secret:a", None)] {
            assert!(!ours.is_form_token(&token, caller, session));
        }
        assert!(!ours.is_form_token("", "secret:a", Some(&one)) && !ours.is_form_token("zz", "secret:a", Some(&one)));
    }
}

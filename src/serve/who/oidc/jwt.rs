//! A token of OpenID Connect: a JWT (RFC 7519) with a signature (RFC 7515), as it is shown. Nothing of it is believed here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The longest token.
const LONGEST: usize = 8 << 10;

/// The ways to sign that are taken: none that needs no key, and none with a shared one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA with PKCS #1 v1.5 and SHA-256.
    Rs256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// The algorithm of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    /// Parts that must be understood: there are none.
    #[serde(default)]
    crit: Option<Value>,
}

/// A token in its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Jwt<'t> {
    /// How it says to be signed.
    pub algorithm: Algorithm,
    /// The name of the key.
    pub kid: Option<String>,
    /// What it says.
    pub claims: Map<String, Value>,
    /// What is signed.
    pub signed: &'t [u8],
    /// The signature.
    pub signature: Vec<u8>,
}

impl<'t> Jwt<'t> {
    /// Reads a text; `None`: it is no token that could count.
    #[must_use]
    pub fn read(text: &'t str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&decoded(header)?).ok()?;
        let is_token =
            |typ: &str| ["jwt", "at+jwt", "application/at+jwt"].iter().any(|known| known.eq_ignore_ascii_case(typ));
        if header.crit.is_some() || !header.typ.as_deref().is_none_or(is_token) {
            return None;
        }
        Some(Self {
            algorithm: Algorithm::of(&header.alg)?,
            kid: header.kid,
            claims: serde_json::from_slice(&decoded(claims)?).ok()?,
            signed: signed.as_bytes(),
            signature: decoded(signature)?,
        })
    }
}

/// The bytes of a text in base64 for URLs, without padding.
#[must_use]
pub fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_form() {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let of = |header: &str, claims: &str| format!("{}.{}.{}", part(header), part(claims), part("x"));
        let good = of(r#"{"alg":"EdDSA","typ":"JWT","kid":"1"}"#, r#"{"iss":"a"}"#);
        let jwt = Jwt::read(&good).unwrap();
        assert_eq!(
            (jwt.algorithm, jwt.kid.as_deref(), jwt.signature.as_slice()),
            (Algorithm::EdDsa, Some("1"), &b"x"[..])
        );
        assert_eq!(jwt.signed, good.rsplit_once('.').unwrap().0.as_bytes());
        for typ in ["at+jwt", "AT+JWT", "jwt"] {
            assert!(Jwt::read(&of(&format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#), "{}")).is_some(), "{typ}");
        }
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"None"}"#,
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"RS512"}"#,
            r#"{"alg":"rs256"}"#,
            r#"{"alg":["RS256"]}"#,
            r#"{"alg":"RS256","alg":"none"}"#,
            r#"{"alg":"RS256","typ":"JOSE"}"#,
            r#"{"alg":"RS256","crit":[]}"#,
            r#"{"alg":"RS256","kid":1}"#,
            r#"{}"#,
            r#"[]"#,
            "",
        ] {
            assert_eq!(Jwt::read(&of(header, "{}")), None, "{header}");
        }
        let (most, _) = good.rsplit_once('.').unwrap();
        for text in [
            String::new(),
            most.to_owned(),
            format!("{good}.x"),
            format!("{good}="),
            format!("{good}+"),
            format!(".{good}"),
            of(r#"{"alg":"RS256"}"#, "[]"),
            of(r#"{"alg":"RS256"}"#, "{} {}"),
            of(r#"{"alg":"RS256"}"#, &format!("{{\"a\":\"{}\"}}", "a".repeat(8000))),
        ] {
            assert_eq!(Jwt::read(&text), None, "{text}");
        }
    }
}

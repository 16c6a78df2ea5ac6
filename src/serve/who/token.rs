//! A token: `dgm_<id>_<secret>`, a fixed form that scanners for secrets find.

use crate::base::Secret;
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt::Write;

/// What every token begins with.
pub const PREFIX: &str = "dgm_";

/// The digits of an id.
const ID: usize = 8;

/// The digits of a secret: 256 bits.
const SECRET: usize = 64;

/// The text of a token, and the id in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The id of its entry in the file of tokens.
    pub id: String,
    /// The whole text.
    pub text: Secret,
}

impl Token {
    /// A new one; `None` if the system has no random numbers.
    #[must_use]
    pub fn new() -> Option<Self> {
        let id = digits(ID)?;
        let text = Secret::new(format!("{PREFIX}{id}_{}", digits(SECRET)?));
        Some(Self { id, text })
    }

    /// The token that a text is; `None`: it has not the form of one.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_one = is_id(id) && secret.len() == SECRET && secret.bytes().all(is_digit);
        is_one.then(|| Self { id: id.to_owned(), text: Secret::new(text) })
    }
}

/// Whether a text is the id of a token.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == ID && text.bytes().all(is_digit)
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// Random hexadecimal digits.
fn digits(number: usize) -> Option<String> {
    let mut bytes = vec![0; number / 2];
    SystemRandom::new().fill(&mut bytes).ok()?;
    let mut text = String::with_capacity(number);
    bytes.iter().try_for_each(|byte| write!(text, "{byte:02x}")).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_one_form() {
        let token = Token::new().unwrap();
        let text = token.text.expose();
        assert_eq!((text.len(), Token::read(text)), (4 + 8 + 1 + 64, Some(token.clone())));
        assert_ne!(Token::new().unwrap().text, token.text);
        assert!(!format!("{token:?}").contains(&text[20..]));
        let secret = "a".repeat(64);
        assert!(Token::read(&format!("dgm_0123abcd_{secret}")).is_some());
        for wrong in [
            String::new(),
            "dgm_".to_owned(),
            format!("dgm_0123abcd{secret}"),
            format!("dgm_0123abc_{secret}"),
            format!("dgm_0123abcde_{secret}"),
            format!("dgm_0123abcg_{secret}"),
            format!("dgm_0123ABCD_{secret}"),
            format!("dgm_0123abcd_{}", &secret[1..]),
            format!("dgm_0123abcd_{secret}a"),
            format!("dgm_0123abcd_{}A", &secret[1..]),
            format!("dgm_0123abcd_{}_", &secret[1..]),
            format!(" dgm_0123abcd_{secret}"),
            format!("DGM_0123abcd_{secret}"),
            format!("dgm_0123abcd_{}\u{e4}", &secret[2..]),
        ] {
            assert_eq!(Token::read(&wrong), None, "{wrong}");
        }
    }
}

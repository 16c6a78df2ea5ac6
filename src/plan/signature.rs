//! Ed25519 keys in the files that OpenSSL writes too, and signatures of digests: the only user
//! of ring.

use crate::base::remedy::Argument;
use crate::base::{Failure, FailureKind, Operation, checksum::hex};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

/// What a private key is wrapped in: PKCS #8 (RFC 8410), before its 32 bytes.
const PRIVATE: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// What a public key is wrapped in: SubjectPublicKeyInfo, before its 32 bytes.
const PUBLIC: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// In front of what is signed, so that a signature of something else is none of a plan.
const CONTEXT: &str = "dagmar sealed plan\n";

/// Who signed a plan, and the signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The public key, in base64.
    pub key: String,
    /// The signature of the digest, in base64.
    pub value: String,
}

/// A private key.
pub struct PrivateKey(Ed25519KeyPair);

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrivateKey")
    }
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// Makes a pair of keys: the text of the private and of the public file.
///
/// # Errors
/// When the system has no randomness.
pub fn generate() -> Result<(String, String), Failure> {
    let mut seed = [0; 32];
    let wrong = || Failure::new(FailureKind::Internal, "the operating system provides no random numbers");
    SystemRandom::new().fill(&mut seed).map_err(|_| wrong())?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| wrong())?;
    let private = pem("PRIVATE KEY", &[&PRIVATE, &seed[..]].concat());
    Ok((private, pem("PUBLIC KEY", &[&PUBLIC, pair.public_key().as_ref()].concat())))
}

impl PrivateKey {
    /// Reads the text of a private file.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let der = unwrap(text, "PRIVATE KEY");
        let pair = der.and_then(|der| Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).ok());
        pair.map(Self).ok_or_else(|| {
            Failure::new(FailureKind::Usage, "this is not a private Ed25519 key").help(
                Operation::KeyNew.on(Argument::Open) + " creates one, as does `openssl genpkey -algorithm ed25519`",
            )
        })
    }

    /// Its public half.
    ///
    /// # Panics
    /// Never: the public half of an Ed25519 key has 32 bytes.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key().as_ref().try_into().expect("32 bytes"))
    }

    /// Signs a digest.
    #[must_use]
    pub fn sign(&self, digest: &str) -> Signature {
        Signature {
            key: STANDARD.encode(self.0.public_key().as_ref()),
            value: STANDARD.encode(self.0.sign(format!("{CONTEXT}{digest}").as_bytes()).as_ref()),
        }
    }
}

impl PublicKey {
    /// Reads the text of a public file, or a key in base64 as it stands in a plan.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let raw = match unwrap(text, "PUBLIC KEY") {
            Some(der) => der.strip_prefix(&PUBLIC).map(<[u8]>::to_vec),
            None => STANDARD.decode(text.trim()).ok(),
        };
        let key = raw.and_then(|raw| raw.try_into().ok()).map(Self).filter(|key| !key.is_weak());
        key.ok_or_else(|| {
            Failure::new(FailureKind::Usage, "this is not a public Ed25519 key").help(
                Operation::KeyNew.on(Argument::Open)
                    + " writes it into FILE.pub; `openssl pkey -pubout` derives it from a private key",
            )
        })
    }
}

/// Encodings of the points of small order, without the sign: with such a key anybody's signature
/// holds (RFC 8032, chapter 5.1.7; the list is that of libsodium).
const WEAK: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

impl PublicKey {
    /// The key in base64, in the one spelling that a signature has.
    #[must_use]
    pub fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    fn is_weak(&self) -> bool {
        let mut bytes = self.0;
        bytes[31] &= 0x7f;
        WEAK.contains(&hex(&bytes).as_str())
    }
}

impl Signature {
    /// Whether it is of this digest; where a key is named: by that key.
    #[must_use]
    pub fn is_good(&self, digest: &str, key: Option<&PublicKey>) -> bool {
        let (Ok(own), Ok(value)) = (PublicKey::parse(&self.key), STANDARD.decode(&self.value)) else { return false };
        let message = format!("{CONTEXT}{digest}");
        // another spelling of the key would be shown and recorded as another key
        own.base64() == self.key
            && key.is_none_or(|key| *key == own)
            && UnparsedPublicKey::new(&ED25519, own.0).verify(message.as_bytes(), &value).is_ok()
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn unwrap(text: &str, label: &str) -> Option<Vec<u8>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let inner = text.split_once(&begin)?.1.split_once(&end)?.0;
    STANDARD.decode(inner.split_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_checks() {
        let (private, public) = generate().unwrap();
        let (_, other) = generate().unwrap();
        let signature = PrivateKey::parse(&private).unwrap().sign("p1:x");
        let (public, other) = (PublicKey::parse(&public).unwrap(), PublicKey::parse(&other).unwrap());
        assert!(signature.is_good("p1:x", None) && signature.is_good("p1:x", Some(&public)));
        assert!(!signature.is_good("p1:y", None) && !signature.is_good("p1:x", Some(&other)));
        let forged = Signature { key: STANDARD.encode(other.0), ..signature.clone() };
        assert!(!forged.is_good("p1:x", None) && !forged.is_good("p1:x", Some(&other)));
        assert_eq!(PublicKey::parse(&signature.key).unwrap(), public);
    }

    #[test]
    fn a_key_has_one_spelling_and_is_no_point_of_small_order() {
        let (private, public) = generate().unwrap();
        let good = PrivateKey::parse(&private).unwrap().sign("p1:x");
        let der = public.lines().nth(1).unwrap();
        for other in [format!(" {}", good.key), format!("{}\n", good.key), public.clone(), der.to_owned()] {
            assert!(!Signature { key: other.clone(), ..good.clone() }.is_good("p1:x", None), "{other}");
        }
        for weak in WEAK {
            let mut bytes: Vec<u8> =
                (0..32).map(|i| u8::from_str_radix(&weak[2 * i..2 * i + 2], 16).unwrap()).collect();
            for sign in [0, 0x80] {
                bytes[31] |= sign;
                assert!(PublicKey::parse(&STANDARD.encode(&bytes)).is_err(), "{weak}");
            }
        }
    }

    /// The test vector of RFC 8410, chapter 10.3, which OpenSSL reads as well.
    #[test]
    fn reads_what_openssl_writes() {
        let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        let signature = PrivateKey::parse(private).unwrap().sign("x");
        assert!(signature.is_good("x", Some(&PublicKey::parse(public).unwrap())));
        assert!(PrivateKey::parse(public).is_err() && PublicKey::parse(private).is_err());
        assert!(PrivateKey::parse("").is_err() && PublicKey::parse("AAAA").is_err());
    }
}

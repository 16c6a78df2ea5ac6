//! Keys of issuers (RFC 7517), and signatures by them.

use super::jwt::{Algorithm, Jwt, decoded};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

/// The most keys of an issuer that are looked at.
const MOST: usize = 64;

/// A key as an issuer writes it.
#[derive(Deserialize)]
struct Written {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

#[derive(Deserialize)]
struct WrittenSet {
    keys: Vec<serde_json::Value>,
}

/// A key that signatures are checked with. It fits one algorithm, whatever a token says.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its name.
    pub kid: Option<String>,
    algorithm: Algorithm,
    /// The modulus of RSA, or the point.
    bytes: Vec<u8>,
    /// The exponent of RSA.
    exponent: Vec<u8>,
}

impl Key {
    /// The keys of a set that sign tokens; others are left out.
    ///
    /// # Errors
    /// It is no set of keys.
    pub fn all(text: &[u8]) -> Result<Vec<Self>, String> {
        let set: WrittenSet = serde_json::from_slice(text).map_err(|e| format!("it is no set of keys: {e}"))?;
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        Ok(keys.filter_map(Self::of).take(MOST).collect())
    }

    fn of(written: Written) -> Option<Self> {
        let Written { kty, kid, purpose, alg, key_ops, crv, n, e, x, y } = written;
        let part = |text: Option<String>| decoded(&text?);
        let (algorithm, bytes, exponent) = match (kty.as_str(), crv.as_deref()) {
            ("RSA", _) => (Algorithm::Rs256, part(n)?, part(e)?),
            ("EC", Some("P-256")) => {
                let (x, y) = (part(x)?, part(y)?);
                if x.len() != 32 || y.len() != 32 {
                    return None;
                }
                (Algorithm::Es256, [&[4], x.as_slice(), &y].concat(), Vec::new())
            }
            ("OKP", Some("Ed25519")) => (Algorithm::EdDsa, part(x)?, Vec::new()),
            _ => return None,
        };
        let signs = purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && key_ops.is_none_or(|all| all.iter().any(|one| one == "verify"))
            && alg.as_deref().is_none_or(|alg| alg == algorithm.word());
        signs.then_some(Self { kid, algorithm, bytes, exponent })
    }

    /// Whether a token may be signed by it, as far as it is said.
    #[must_use]
    pub fn fits(&self, jwt: &Jwt<'_>) -> bool {
        self.algorithm == jwt.algorithm && (jwt.kid.is_none() || jwt.kid == self.kid)
    }

    /// Whether a token is signed by it.
    #[must_use]
    pub fn has_signed(&self, jwt: &Jwt<'_>) -> bool {
        if !self.fits(jwt) {
            return false;
        }
        let checked = match self.algorithm {
            Algorithm::Rs256 => {
                let key = RsaPublicKeyComponents { n: &self.bytes, e: &self.exponent };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, jwt.signed, &jwt.signature)
            }
            Algorithm::Es256 => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.bytes).verify(jwt.signed, &jwt.signature)
            }
            Algorithm::EdDsa => UnparsedPublicKey::new(&ED25519, &self.bytes).verify(jwt.signed, &jwt.signature),
        };
        checked.is_ok()
    }
}

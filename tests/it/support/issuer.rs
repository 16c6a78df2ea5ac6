//! An issuer of OpenID Connect: an HTTP server with a discovery document and keys, and tokens by them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An answer: its status, where 0 is none at all, and its body.
type Answers = HashMap<String, (u16, String)>;

#[derive(Default)]
struct State {
    answers: Answers,
    asked: Vec<String>,
}

/// A server; it ends with the process.
pub struct Issuer {
    /// Its address, without a path.
    pub url: String,
    state: Arc<Mutex<State>>,
}

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

impl Issuer {
    pub fn new() -> Self {
        Self::start(None)
    }

    /// With TLS, by the certificate `first` of the tests, which is that of `localhost`.
    pub fn with_tls() -> Self {
        let chain = vec![CertificateDer::from_pem_file(data("tls/first.cert.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_file(data("tls/first.key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key);
        Self::start(Some(Arc::new(config.unwrap())))
    }

    fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = if tls.is_some() { format!("https://localhost:{port}") } else { format!("http://127.0.0.1:{port}") };
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared, tls) = (stream.unwrap(), shared.clone(), tls.clone());
                std::thread::spawn(move || match tls {
                    None => answer(stream, &shared),
                    Some(tls) => answer(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream), &shared),
                });
            }
        });
        Self { url, state }
    }

    /// The issuer at this path, with these keys.
    pub fn at(&self, path: &str, keys: &[&Key]) -> String {
        let issuer = format!("{}{path}", self.url);
        self.discovery(path, &issuer, &format!("{issuer}/keys"));
        self.keys(path, keys);
        issuer
    }

    /// Writes the discovery document of a path.
    pub fn discovery(&self, path: &str, issuer: &str, keys: &str) {
        let text = json!({ "issuer": issuer, "jwks_uri": keys, "authorization_endpoint": "https://a" }).to_string();
        self.set(&format!("{path}/.well-known/openid-configuration"), 200, &text);
    }

    /// Writes the keys of a path.
    pub fn keys(&self, path: &str, keys: &[&Key]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
        self.set(&format!("{path}/keys"), 200, &json!({ "keys": keys }).to_string());
    }

    pub fn set(&self, path: &str, status: u16, body: &str) {
        self.state.lock().unwrap().answers.insert(path.to_owned(), (status, body.to_owned()));
    }

    /// How often paths that begin so were asked.
    pub fn asked(&self, path: &str) -> usize {
        self.state.lock().unwrap().asked.iter().filter(|asked| asked.starts_with(path)).count()
    }
}

fn answer<S: Read + Write>(mut stream: S, shared: &Mutex<State>) {
    let mut text = Vec::new();
    let mut buffer = [0; 1024];
    while !text.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(n) if n > 0 => text.extend(&buffer[..n]),
            _ => return,
        }
    }
    let text = String::from_utf8(text).unwrap();
    let path = text.split(' ').nth(1).unwrap().to_owned();
    let answer = {
        let mut state = shared.lock().unwrap();
        state.asked.push(path.clone());
        state.answers.get(&path).cloned().unwrap_or((404, String::new()))
    };
    match answer {
        (0, _) => std::thread::sleep(Duration::from_secs(60)),
        (status, body) => {
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nLocation: /elsewhere\r\n", body.len());
            let _ = stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes());
            let _ = stream.flush();
        }
    }
}

/// A key of an issuer.
pub struct Key {
    pub kid: String,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
}

pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    fn of(kid: &str, pair: Pair) -> Self {
        Self { kid: kid.to_owned(), pair }
    }

    /// Always the same one.
    pub fn rsa(kid: &str) -> Self {
        let der = PrivatePkcs8KeyDer::from_pem_file(data("oidc/rsa.pem")).unwrap();
        Self::of(kid, Pair::Rsa(RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap().into()))
    }

    pub fn ec(kid: &str) -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self::of(kid, Pair::Ec(EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &random).unwrap().into()))
    }

    pub fn ed(kid: &str, seed: u8) -> Self {
        Self::of(kid, Pair::Ed(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap().into()))
    }

    /// The name of its algorithm.
    pub fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Ec(_) => "ES256",
            Pair::Ed(_) => "EdDSA",
        }
    }

    /// The public part, as JSON.
    pub fn public(&self) -> Value {
        let mut key = match &self.pair {
            Pair::Rsa(pair) => {
                let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": base64(n), "e": base64(e) })
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": base64(&point[1..33]), "y": base64(&point[33..]) })
            }
            Pair::Ed(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key().as_ref()) }),
        };
        key["kid"] = self.kid.as_str().into();
        key["use"] = "sig".into();
        key
    }

    pub fn sign(&self, text: &str) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).unwrap();
                signature
            }
            Pair::Ec(pair) => pair.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(text.as_bytes()).as_ref().to_vec(),
        }
    }

    /// A token with this header and these claims.
    pub fn token_of(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
        format!("{signed}.{}", base64(self.sign(&signed)))
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.token_of(&json!({ "alg": self.algorithm(), "typ": "JWT", "kid": self.kid }), claims)
    }
}

/// Seconds since 1970.
pub fn seconds() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Whether somebody listens there: for an issuer that is away.
pub fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    port
}

//! TLS for a connection: certificates read, rustls set up, and a note of whether it was used.

use super::certificate::Verifier;
use super::guard::Guarded;
use super::link::Link;
use super::settings::{Root, SslMode, TlsSettings};
use crate::base::file::{self, FileContent};
use crate::base::{Failure, FailureKind};
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Makes TLS streams. Clones share the note of whether a handshake was begun.
#[derive(Clone)]
pub(crate) struct Tls {
    inner: MakeRustlsConnect,
    used: Arc<AtomicBool>,
}

impl Tls {
    /// Reads the certificates that the settings name.
    ///
    /// # Errors
    /// A file that cannot be read or used.
    pub(crate) fn new(settings: &TlsSettings) -> Result<Self, Failure> {
        Ok(Self { inner: MakeRustlsConnect::new(client_config(settings)?), used: Arc::default() })
    }

    /// The same with a fresh note, for one more attempt.
    pub(crate) fn fresh(&self) -> Self {
        Self { inner: self.inner.clone(), used: Arc::default() }
    }

    /// A handshake with the server of this name.
    pub(crate) fn handshake(&self, host: &str) -> Handshake {
        let Ok(inner) = MakeTlsConnect::<Link>::make_tls_connect(&mut self.inner.clone(), host);
        Handshake { inner, used: Arc::clone(&self.used) }
    }

    /// Whether a handshake was begun.
    pub(crate) fn used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }
}

/// What the driver of the connection itself makes for one handshake.
type Inner = <MakeRustlsConnect as MakeTlsConnect<Link>>::TlsConnect;

/// One handshake.
pub(crate) struct Handshake {
    inner: Inner,
    used: Arc<AtomicBool>,
}

impl TlsConnect<Guarded<Link>> for Handshake {
    type Stream = Guarded<<Inner as TlsConnect<Link>>::Stream>;
    type Error = <Inner as TlsConnect<Link>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    /// The watch moves from the connection to what is said inside of TLS.
    fn connect(self, stream: Guarded<Link>) -> Self::Future {
        self.used.store(true, Ordering::Relaxed);
        let (link, watch) = stream.into_parts();
        let connecting = TlsConnect::<Link>::connect(self.inner, link);
        Box::pin(async move { Ok(Guarded::new(connecting.await?, watch.encrypted())) })
    }
}

fn client_config(settings: &TlsSettings) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(ring::default_provider());
    let versions: &[_] = match settings.versions {
        (true, false) => &[&rustls::version::TLS12],
        (false, _) => &[&rustls::version::TLS13],
        (true, true) => &[&rustls::version::TLS13, &rustls::version::TLS12],
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|e| Failure::new(FailureKind::Internal, format!("TLS cannot be set up: {e}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier(settings, provider)?));
    let mut config = match &settings.client {
        Some((cert, key)) => {
            let chain = certificates(cert, "client certificate")?;
            builder.with_client_auth_cert(chain, private_key(key)?).map_err(|e| {
                unusable(cert, "client certificate", &e).help("certificate and key must belong to each other")
            })?
        }
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = settings.sni;
    if settings.direct {
        // the server demands it of connections that begin with TLS (manual, chapter 54.2.11)
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(config)
}

fn verifier(settings: &TlsSettings, provider: Arc<CryptoProvider>) -> Result<Verifier, Failure> {
    let name = settings.mode == SslMode::VerifyFull;
    let checks = match settings.mode {
        SslMode::Disable | SslMode::Allow | SslMode::Prefer => false,
        // libpq's rule: with a root certificate at hand `require` means `verify-ca`
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => true,
    };
    let given = match &settings.root {
        Root::File(path) if checks => certificates(path, "root certificate")?,
        Root::System if checks => system_roots()?,
        _ => return Ok(Verifier::trusting(provider)),
    };
    let mut store = RootCertStore::empty();
    let (good, bad) = store.add_parsable_certificates(given.iter().cloned());
    if good == 0 {
        let message = format!("none of the {bad} root certificates can be used");
        return Err(Failure::new(FailureKind::Database, message).help("give X.509 version 3 certificates in PEM form"));
    }
    let mut crls = Vec::new();
    for path in &settings.crls {
        crls.extend(revocations(path)?);
    }
    let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider))
        .with_crls(crls)
        .build()
        .map_err(|e| Failure::new(FailureKind::Database, format!("the revocation lists cannot be used: {e}")))?;
    Ok(Verifier::checking(provider, chain, given, name))
}

fn system_roots() -> Result<Vec<CertificateDer<'static>>, Failure> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(Failure::new(FailureKind::Database, "the operating system has no root certificates")
            .notes(found.errors.iter().map(ToString::to_string))
            .help("install them (the package is called `ca-certificates`), or give `sslrootcert=FILE`"));
    }
    Ok(found.certs)
}

fn certificates(path: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let bytes = read(path, what)?.bytes;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(list) if !list.is_empty() => Ok(list),
        Ok(_) => Err(unusable(path, what, &"it holds no certificate").help("give a file in PEM form")),
        Err(e) => Err(unusable(path, what, &e).help("give a file in PEM form")),
    }
}

/// Reads a key, with libpq's rule for its permissions (manual, chapter 34.19.2).
fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Failure> {
    let what = "client key";
    let FileContent { bytes, about } = read(path, what)?;
    let open = if about.uid() == 0 && rustix::process::geteuid().as_raw() != 0 { 0o027 } else { 0o077 };
    if about.mode() & open != 0 {
        let message = format!("other users may read it (mode {:04o})", about.mode() & 0o777);
        return Err(unusable(path, what, &message).help("run `chmod 0600` on it"));
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|e| {
        let encrypted = bytes.windows(9).any(|w| w == b"ENCRYPTED");
        let help = if encrypted {
            "the key is encrypted; write a plain one with `openssl pkey -in KEY -out PLAIN`"
        } else {
            "give a file in PEM form"
        };
        unusable(path, what, &e).help(help)
    })
}

/// The revocation lists of a file, or of every file of a directory.
fn revocations(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
    let what = "revocation list";
    let mut files: Vec<PathBuf> = vec![path.to_owned()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|e| unusable(path, what, &e))?;
        files = entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_file()).collect();
        files.sort();
    }
    let mut lists = Vec::new();
    for file in files {
        let bytes = read(&file, what)?.bytes;
        for list in CertificateRevocationListDer::pem_slice_iter(&bytes) {
            lists.push(list.map_err(|e| unusable(&file, what, &e).help("give files in PEM form"))?);
        }
    }
    Ok(lists)
}

/// The most that is read of a certificate, a key or a revocation list; some of the last are
/// large.
const MOST: u64 = 64 << 20;

fn read(path: &Path, what: &str) -> Result<FileContent, Failure> {
    file::read(path, MOST).map_err(|e| {
        unusable(path, what, &format!("it {e}")).help("check the path and that this user may read the file")
    })
}

fn unusable(path: &Path, what: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Database, format!("the {what} `{}` cannot be used: {why}", path.display()))
}

//! TLS by the files of a certificate.

use crate::base::{Failure, FailureKind, file};
use crate::serve::config::{TlsFiles, refuse_shared};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The largest file.
const LARGEST: u64 = 1 << 20;

/// Reads the files.
///
/// # Errors
/// Files that cannot be read or do not fit each other, and a key that others can read.
pub fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, Failure> {
    let cert = read(&files.cert, "certificate")?.bytes;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&cert)
        .collect::<Result<_, _>>()
        .map_err(|e| wrong(&files.cert, &format!("is no certificate as PEM: {e:?}")))?;
    if chain.is_empty() {
        return Err(wrong(&files.cert, "has no certificate as PEM"));
    }
    let key = read(&files.key, "private key")?;
    refuse_shared(&files.key, key.about.mode())?;
    // what is wrong with a key is not said: it would be shown in part
    let key = PrivateKeyDer::from_pem_slice(&key.bytes).map_err(|_| wrong(&files.key, "has no private key as PEM"))?;
    let config = ServerConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|e| Failure::new(FailureKind::Internal, format!("cannot set up TLS: {e}")))?
        .with_no_client_auth()
        .with_single_cert(chain, key);
    let mut config = config.map_err(|e| wrong(&files.cert, &format!("and its private key cannot be used: {e}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read(path: &Path, what: &str) -> Result<file::FileContent, Failure> {
    file::read(path, LARGEST)
        .map_err(|e| Failure::new(FailureKind::Usage, format!("the {what} `{}` {e}", path.display())))
}

fn wrong(path: &Path, why: &str) -> Failure {
    Failure::new(FailureKind::Usage, format!("`{}` {why}", path.display()))
}

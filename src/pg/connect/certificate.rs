//! Which server certificates are good enough: the rules of libpq on top of rustls.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use std::sync::Arc;

/// Checks as much of a certificate as `sslmode` asks for (manual, chapter 34.19.1).
#[derive(Debug)]
pub(crate) struct Verifier {
    provider: Arc<CryptoProvider>,
    /// Absent: every certificate is taken.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// The trusted certificates: a server may show one of them itself.
    roots: Vec<CertificateDer<'static>>,
    /// Whether the certificate must name the host.
    name: bool,
}

impl Verifier {
    /// Takes every certificate.
    pub(crate) fn trusting(provider: Arc<CryptoProvider>) -> Self {
        Self { provider, chain: None, roots: Vec::new(), name: false }
    }

    /// Takes certificates that lead to `roots`; `name`: and that name the host.
    pub(crate) fn checking(
        provider: Arc<CryptoProvider>,
        chain: Arc<WebPkiServerVerifier>,
        roots: Vec<CertificateDer<'static>>,
        name: bool,
    ) -> Self {
        Self { provider, chain: Some(chain), roots, name }
    }

    /// Where every certificate is taken, one that webpki cannot read is taken too: version 1
    /// is what `openssl x509 -req` writes, and a signature by a key that nobody vouches for
    /// proves nothing.
    fn unless_unreadable(
        &self,
        answer: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        match answer {
            Err(Error::InvalidCertificate(CertificateError::BadEncoding | CertificateError::Other(_)))
                if self.chain.is_none() =>
            {
                Ok(HandshakeSignatureValid::assertion())
            }
            answer => answer,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(leaf, between, host, ocsp, now) {
            // the name is looked at last: the chain is good
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            // A self-signed certificate is usually an authority of its own, which webpki refuses
            // at the end of a chain and OpenSSL takes when it is trusted as it is. Its dates were
            // looked at before.
            Err(Error::InvalidCertificate(CertificateError::Other(other)))
                if format!("{other:?}").contains("CaUsedAsEndEntity") && self.roots.iter().any(|r| r == leaf) =>
            {
                if self.name {
                    rustls::client::verify_server_name(&ParsedCertificate::try_from(leaf)?, host)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            answer => answer,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let answer = verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms);
        self.unless_unreadable(answer)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let answer = verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms);
        self.unless_unreadable(answer)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

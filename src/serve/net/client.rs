//! A client of HTTP: a question, an answer, no redirects, with limits of size and time.

use crate::base::WebAddress;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The largest answer.
const LARGEST: usize = 256 << 10;

/// How long an answer may take, from the name of the host to its last byte.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client that trusts the certificates that this machine trusts.
pub struct Client {
    tls: TlsConnector,
}

impl Client {
    /// Reads the certificates of this machine.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new() -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let config = ClientConfig::builder_with_provider(default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(|e| format!("cannot set up TLS: {e}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// GET: the body of an answer with the status 200.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get(&self, address: &WebAddress) -> Result<Bytes, String> {
        let asked = tokio::time::timeout(PATIENCE, self.ask(address)).await;
        asked
            .unwrap_or_else(|_| Err("it does not answer in time".to_owned()))
            .map_err(|why| format!("{address}: {why}"))
    }

    async fn ask(&self, address: &WebAddress) -> Result<Bytes, String> {
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await.map_err(text)?;
        if !address.is_https {
            return send(stream, address).await;
        }
        let name = ServerName::try_from(address.host.clone()).map_err(text)?;
        send(self.tls.connect(name, stream).await.map_err(text)?, address).await
    }
}

fn text(why: impl Display) -> String {
    why.to_string()
}

async fn send<S: AsyncRead + AsyncWrite + Unpin + 'static>(stream: S, address: &WebAddress) -> Result<Bytes, String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(text)?;
    // it ends with its sender
    let driver = spawn_local(connection);
    let path = if address.path.is_empty() { "/" } else { &address.path };
    let request = Request::get(path)
        .header(HOST, address.authority())
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, concat!("dagmar/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(text)?;
    let reply = sender.send_request(request).await.map_err(text)?;
    if reply.status() != hyper::StatusCode::OK {
        return Err(format!("it answers {}", reply.status().as_u16()));
    }
    let body = Limited::new(reply.into_body(), LARGEST).collect().await.map_err(text)?;
    driver.abort();
    Ok(body.to_bytes())
}

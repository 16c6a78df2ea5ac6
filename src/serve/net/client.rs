//! A client of HTTP: a question, an answer, no redirects, with limits of size and time.

use crate::base::WebAddress;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::http::request::Builder;
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

/// The same for who is told something.
const PATIENCE_TO_TELL: Duration = Duration::from_secs(10);

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
        let asked = async {
            let path = if address.path.is_empty() { "/" } else { &address.path };
            let request = Request::get(path).header(ACCEPT, "application/json");
            self.ask(address, request, Bytes::new(), LARGEST).await
        };
        let (status, body) = tokio::time::timeout(PATIENCE, asked)
            .await
            .unwrap_or_else(|_| Err("it does not answer in time".to_owned()))
            .map_err(|why| format!("{address}: {why}"))?;
        if status == 200 { Ok(body) } else { Err(format!("{address}: it answers {status}")) }
    }

    /// POST of JSON with these headers, to an address with a query: an answer of success is wanted.
    ///
    /// # Errors
    /// Why there is none, without the address: that may be a secret.
    pub async fn post(
        &self,
        address: &WebAddress,
        query: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<(), String> {
        let path = if address.path.is_empty() { "/" } else { &address.path };
        let mut request = Request::post(format!("{path}{query}")).header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let asked = tokio::time::timeout(PATIENCE_TO_TELL, self.ask(address, request, body.into(), 0)).await;
        match asked.unwrap_or_else(|_| Err("it does not answer in time".to_owned()))? {
            (200..=299, _) => Ok(()),
            (status, _) => Err(format!("it answers {status}")),
        }
    }

    /// The status and the body of an answer, of which this much is wanted.
    async fn ask(
        &self,
        address: &WebAddress,
        request: Builder,
        body: Bytes,
        most: usize,
    ) -> Result<(u16, Bytes), String> {
        let request = request
            .header(HOST, address.authority())
            .header(USER_AGENT, concat!("dagmar/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(body))
            .map_err(text)?;
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await.map_err(text)?;
        if !address.is_https {
            return send(stream, request, most).await;
        }
        let name = ServerName::try_from(address.host.clone()).map_err(text)?;
        send(self.tls.connect(name, stream).await.map_err(text)?, request, most).await
    }
}

fn text(why: impl Display) -> String {
    why.to_string()
}

async fn send<S>(stream: S, request: Request<Full<Bytes>>, most: usize) -> Result<(u16, Bytes), String>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(text)?;
    // it ends with its sender
    let driver = spawn_local(connection);
    let reply = sender.send_request(request).await.map_err(text)?;
    let status = reply.status().as_u16();
    let body = match status {
        200 if most > 0 => Limited::new(reply.into_body(), most).collect().await.map_err(text)?.to_bytes(),
        // what it says is of no use
        _ => Bytes::new(),
    };
    driver.abort();
    Ok((status, body))
}

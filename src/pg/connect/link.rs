//! The bare connection to a server: TCP or a unix socket, before anything is said on it.

use super::process_env::user_name;
use super::settings::{Keepalives, Place, Settings, Target};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// Where a connection goes, and what is known of it before anything is sent.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    place: Place,
    port: u16,
    ip: Option<IpAddr>,
    keepalives: Keepalives,
    require_peer: Option<String>,
}

impl Endpoint {
    /// An address of a server; none for a unix socket.
    pub(crate) fn new(settings: &Settings, target: &Target, ip: Option<IpAddr>) -> Self {
        Self {
            place: target.place.clone(),
            port: target.port,
            ip,
            keepalives: settings.keepalives.clone(),
            require_peer: settings.require_peer.clone(),
        }
    }

    /// The name that a certificate must have.
    pub(crate) fn host(&self) -> &str {
        match &self.place {
            Place::Tcp { host, .. } => host,
            Place::Socket(_) => "",
        }
    }

    /// Whether what is sent leaves the machine.
    pub(crate) fn leaves_machine(&self) -> bool {
        self.ip.is_some_and(|ip| !ip.to_canonical().is_loopback())
    }

    /// Connects, and refuses a socket whose server is of another user than `requirepeer` says.
    ///
    /// # Errors
    /// What the system says; of [`io::ErrorKind::PermissionDenied`] with a [`WrongPeer`].
    pub(crate) async fn open(&self) -> io::Result<Link> {
        match (&self.place, self.ip) {
            (Place::Socket(dir), _) => {
                let stream = UnixStream::connect(dir.join(format!(".s.PGSQL.{}", self.port))).await?;
                if let Some(required) = &self.require_peer {
                    check_peer(required, stream.peer_cred()?.uid())?;
                }
                Ok(Link::Unix(stream))
            }
            (Place::Tcp { .. }, Some(ip)) => {
                let stream = TcpStream::connect((ip, self.port)).await?;
                stream.set_nodelay(true)?;
                self.keepalives.put_on(&SockRef::from(&stream))?;
                Ok(Link::Tcp(stream))
            }
            (Place::Tcp { .. }, None) => Err(io::Error::new(io::ErrorKind::InvalidInput, "the host has no address")),
        }
    }
}

impl Keepalives {
    /// The system's own figures find a dead peer after two hours.
    fn put_on(&self, socket: &SockRef<'_>) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(self.user_timeout.unwrap_or(Duration::from_secs(30))))?;
        if self.off {
            return Ok(());
        }
        let figures = TcpKeepalive::new()
            .with_time(self.idle.unwrap_or(Duration::from_secs(15)))
            .with_interval(self.interval.unwrap_or(Duration::from_secs(5)))
            .with_retries(self.count.unwrap_or(3));
        socket.set_tcp_keepalive(&figures)
    }
}

/// The server of a socket runs as somebody else.
#[derive(Debug, thiserror::Error)]
#[error("requirepeer specifies \"{required}\", but actual peer user name is \"{actual}\"")]
pub(crate) struct WrongPeer {
    required: String,
    actual: String,
}

fn check_peer(required: &str, uid: u32) -> io::Result<()> {
    let actual = user_name(uid).unwrap_or_else(|| format!("the user with the id {uid}"));
    if actual == required {
        return Ok(());
    }
    let wrong = WrongPeer { required: required.to_owned(), actual };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, wrong))
}

/// An open connection.
#[derive(Debug)]
pub(crate) enum Link {
    /// Over the network, or to this machine.
    Tcp(TcpStream),
    /// A unix socket.
    Unix(UnixStream),
}

impl AsyncRead for Link {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Link::Tcp(stream) => Pin::new(stream).poll_read(context, into),
            Link::Unix(stream) => Pin::new(stream).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Link::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Link::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Link::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Link::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Link::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Link::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

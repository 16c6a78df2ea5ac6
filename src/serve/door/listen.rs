//! The addresses that the service listens on.

use crate::base::{Failure, FailureKind};
use crate::serve::config::{Config, Listen};
use std::fmt::Display;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// An address that is listened on.
pub enum Listener {
    /// A TCP port.
    Tcp(TcpListener, SocketAddr),
    /// A Unix socket.
    Unix(UnixListener, Socket),
}

/// A socket's file, which goes with the value, unless another process has put its own there.
pub struct Socket {
    path: PathBuf,
    id: (u64, u64),
}

impl Listener {
    /// Listens on all addresses of the configuration.
    ///
    /// # Errors
    /// One that cannot be listened on.
    pub async fn all(config: &Config) -> Result<Vec<Self>, Failure> {
        let mut listeners = Vec::new();
        for listen in &config.listen {
            listeners.push(Self::open(listen, config.socket_mode).await?);
        }
        Ok(listeners)
    }

    /// Listens on one address; a Unix socket has these rights.
    ///
    /// # Errors
    /// It cannot be listened on.
    pub async fn open(listen: &Listen, mode: u32) -> Result<Self, Failure> {
        match listen {
            Listen::Tcp(host, port) => {
                let failed = |e: io::Error| cannot(format!("{host}:{port}"), &e);
                let listener = TcpListener::bind((host.as_str(), *port)).await.map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                Ok(Listener::Tcp(listener, address))
            }
            Listen::Unix(path) => {
                let (listener, socket) = unix(path, mode).await?;
                Ok(Listener::Unix(listener, socket))
            }
        }
    }

    /// The TCP address.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Listener::Tcp(_, address) => Some(*address),
            Listener::Unix(..) => None,
        }
    }

    /// The address as clients write it.
    #[must_use]
    pub fn url(&self, is_tls: bool) -> String {
        match self {
            Listener::Tcp(_, address) => format!("{}://{address}", if is_tls { "https" } else { "http" }),
            Listener::Unix(_, socket) => format!("unix:{}", socket.path.display()),
        }
    }
}

fn cannot(place: impl Display, why: &io::Error) -> Failure {
    let failure = Failure::new(FailureKind::Usage, format!("cannot listen on {place}: {why}"));
    match why.kind() {
        io::ErrorKind::AddrInUse => failure.help("another process listens there: stop it, or choose another address"),
        io::ErrorKind::PermissionDenied => failure.help("choose a port above 1023, or a folder that you may write to"),
        io::ErrorKind::AddrNotAvailable => failure.help("choose an address of this machine"),
        _ => failure,
    }
}

/// Makes the socket beside its place and moves it there: at no time does it have other rights, and a socket that a killed
/// process left is replaced.
async fn unix(path: &Path, mode: u32) -> Result<(UnixListener, Socket), Failure> {
    let failed = |e: io::Error| cannot(path.display(), &e);
    match fs::symlink_metadata(path) {
        Ok(about) if !about.file_type().is_socket() => {
            let why = format!("cannot listen on {}: it is there and no socket", path.display());
            return Err(Failure::new(FailureKind::Usage, why).help("choose another path"));
        }
        Ok(_) if UnixStream::connect(path).await.is_ok() => return Err(failed(io::ErrorKind::AddrInUse.into())),
        _ => {}
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let _ = fs::remove_file(&beside);
    let listener = UnixListener::bind(&beside).map_err(failed)?;
    let made = fs::set_permissions(&beside, fs::Permissions::from_mode(mode))
        .and_then(|()| fs::symlink_metadata(&beside))
        .and_then(|about| fs::rename(&beside, path).map(|()| about));
    match made {
        Ok(about) => Ok((listener, Socket { path: path.to_owned(), id: (about.dev(), about.ino()) })),
        Err(e) => {
            let _ = fs::remove_file(&beside);
            Err(failed(e))
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path).is_ok_and(|about| (about.dev(), about.ino()) == self.id);
        if is_ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}

//! Where the server is and how to talk to it.

use super::require_auth::RequireAuth;
use crate::base::Secret;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::config::{ChannelBinding, Config, SslNegotiation};

/// The required level of TLS (manual, chapter 34.19.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// Never.
    Disable,
    /// Only when the server refuses to do without.
    Allow,
    /// When the server offers it; the default.
    Prefer,
    /// Always; the certificate is checked only when there is a root certificate.
    Require,
    /// Always, with a certificate of a trusted authority.
    VerifyCa,
    /// Always, with a trusted certificate that names the host.
    VerifyFull,
}

impl SslMode {
    /// The modes by the names of the manual.
    pub(crate) const NAMES: [(&'static str, Self); 6] = [
        ("disable", Self::Disable),
        ("allow", Self::Allow),
        ("prefer", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];

    /// The name in connection strings.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, mode)| *mode == self).map_or("", |(name, _)| name)
    }
}

/// The acceptable kinds of server, if there are several: `target_session_attrs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKind {
    /// Every one.
    Any,
    /// One that takes writes.
    ReadWrite,
    /// One that refuses writes.
    ReadOnly,
    /// One that is not in recovery.
    Primary,
    /// One that is in recovery.
    Standby,
    /// A standby; any other when none answers.
    PreferStandby,
}

impl SessionKind {
    /// The kinds by the names of the manual.
    pub(crate) const NAMES: [(&'static str, Self); 6] = [
        ("any", Self::Any),
        ("read-write", Self::ReadWrite),
        ("read-only", Self::ReadOnly),
        ("primary", Self::Primary),
        ("standby", Self::Standby),
        ("prefer-standby", Self::PreferStandby),
    ];

    /// The name in connection strings.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// The end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The directory of a unix socket.
    Socket(PathBuf),
    /// A host by its name or address.
    Tcp {
        /// What certificates must name.
        host: String,
        /// `hostaddr`: spares the look-up.
        address: Option<IpAddr>,
    },
}

/// One server that may answer.
#[derive(Debug, Clone)]
pub struct Target {
    /// The address of the server.
    pub place: Place,
    /// The port; for a Unix socket a part of its name.
    pub port: u16,
    /// The password for it: given, or of the password file.
    pub password: Option<Secret>,
}

impl Target {
    /// `host:port`.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.place {
            Place::Socket(dir) => format!("{}:{}", dir.display().to_string().replace('\0', "@"), self.port),
            Place::Tcp { host, .. } if host.contains(':') => format!("[{host}]:{}", self.port),
            Place::Tcp { host, .. } => format!("{host}:{}", self.port),
        }
    }
}

/// The certificates that vouch for a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Root {
    /// None: nothing to check against.
    Absent,
    /// Those of the operating system.
    System,
    /// Those of a file.
    File(PathBuf),
}

/// What TLS needs to know.
#[derive(Debug, Clone)]
pub(crate) struct TlsSettings {
    pub mode: SslMode,
    pub direct: bool,
    pub root: Root,
    /// Certificate and key of the client.
    pub client: Option<(PathBuf, PathBuf)>,
    /// Files and directories with revocation lists.
    pub crls: Vec<PathBuf>,
    pub sni: bool,
    /// Whether TLS 1.2 and TLS 1.3 are allowed.
    pub versions: (bool, bool),
    pub channel_binding: ChannelBinding,
}

/// `keepalives` and its like.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keepalives {
    pub off: bool,
    pub idle: Option<Duration>,
    pub interval: Option<Duration>,
    pub count: Option<u32>,
    pub user_timeout: Option<Duration>,
}

/// Connection settings, complete: URL, environment, service file and password file are read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The servers to try, in order.
    pub targets: Vec<Target>,
    /// The role.
    pub user: String,
    /// The database.
    pub dbname: String,
    /// Server settings for the session, as `-c name=value`.
    pub options: Option<String>,
    /// The `application_name` in `pg_stat_activity`.
    pub application_name: String,
    /// Words behind it, which tell the sessions of one request from others.
    pub mark: Option<String>,
    /// For each server address; absent: as long as the network takes.
    pub connect_timeout: Option<Duration>,
    /// For the first answer of a server that has let us in; absent: as long as it takes.
    pub answer_timeout: Option<Duration>,
    /// The acceptable kinds of server.
    pub session: SessionKind,
    /// Warnings that do not prevent a connection, such as an ignored password file.
    pub warnings: Vec<String>,
    pub(crate) shuffle: bool,
    /// Whether no host was given and the usual local places are tried.
    pub(crate) local: bool,
    pub(crate) keepalives: Keepalives,
    pub(crate) tls: TlsSettings,
    /// The ways in which a server may ask who we are; absent: all.
    pub(crate) require_auth: Option<RequireAuth>,
    /// The user of the operating system that the server of a unix socket must run as.
    pub(crate) require_peer: Option<String>,
}

/// How long a server may take to let us in, unless `connect_timeout` says so.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may then take for its first answer: a pooler may let it wait for a place.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

impl Settings {
    /// A server on a unix socket, as `user`, without a password.
    #[must_use]
    pub fn socket(dir: impl Into<PathBuf>, port: u16, user: &str, dbname: &str) -> Self {
        Self {
            targets: vec![Target { place: Place::Socket(dir.into()), port, password: None }],
            user: user.to_owned(),
            dbname: dbname.to_owned(),
            options: None,
            application_name: "dagmar".to_owned(),
            mark: None,
            connect_timeout: Some(CONNECT_TIMEOUT),
            answer_timeout: Some(ANSWER_TIMEOUT),
            session: SessionKind::Any,
            warnings: Vec::new(),
            shuffle: false,
            local: false,
            keepalives: Keepalives::default(),
            tls: TlsSettings {
                mode: SslMode::Disable,
                direct: false,
                root: Root::Absent,
                client: None,
                crls: Vec::new(),
                sni: true,
                versions: (true, true),
                channel_binding: ChannelBinding::Prefer,
            },
            require_auth: None,
            require_peer: None,
        }
    }

    /// The settings for another database of the same server.
    #[must_use]
    pub fn with_dbname(mut self, dbname: &str) -> Self {
        dbname.clone_into(&mut self.dbname);
        self
    }

    /// The settings with another `application_name`.
    #[must_use]
    pub fn with_application_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.application_name);
        self
    }

    /// The name with its mark, of which the server keeps 63 bytes.
    fn marked_name(&self) -> String {
        let Some(mark) = &self.mark else { return self.application_name.clone() };
        let mut name = self.application_name.clone();
        while name.len() + 1 + mark.len() > 63 && name.pop().is_some() {}
        format!("{name} {mark}")
    }

    /// The required level of TLS.
    #[must_use]
    pub fn ssl_mode(&self) -> SslMode {
        self.tls.mode
    }

    /// `host:port/dbname as user`, for messages: never a secret.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{}/{} as {}", self.address(), self.dbname, self.user)
    }

    /// `host:port`, for messages: never a secret. Of several servers all that may answer.
    #[must_use]
    pub fn address(&self) -> String {
        if self.local {
            return format!("local:{}", self.targets.first().map_or(5432, |t| t.port));
        }
        self.targets.iter().map(Target::describe).collect::<Vec<_>>().join(",")
    }

    /// What the driver has to know for a session on an open connection.
    pub(crate) fn config(&self, target: &Target) -> Config {
        let mut config = Config::new();
        config.user(&self.user).dbname(&self.dbname).application_name(self.marked_name());
        if let Some(options) = &self.options {
            config.options(options);
        }
        if let Some(password) = &target.password {
            config.password(password.expose());
        }
        if self.tls.direct {
            config.ssl_negotiation(SslNegotiation::Direct);
        }
        config.channel_binding(self.tls.channel_binding);
        config
    }
}

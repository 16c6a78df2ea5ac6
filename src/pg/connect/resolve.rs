//! From a connection string and its surroundings to [`Settings`], by the rules of libpq.

use super::keys::{self, KEYS};
use super::pgpass;
use super::process_env::ProcessEnv;
use super::require_auth::RequireAuth;
use super::service;
use super::settings::{
    ANSWER_TIMEOUT, CONNECT_TIMEOUT, Keepalives, Place, Root, SessionKind, Settings, SslMode, Target, TlsSettings,
};
use super::url;
use crate::base::diag::nearest;
use crate::base::{Failure, FailureKind, Secret};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_postgres::config::ChannelBinding;

/// Where local servers put their sockets: Debian and Red Hat, then everyone else.
const SOCKET_DIRS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// Where distributions keep the service file of the whole system.
const SYSCONF_DIRS: [&str; 2] = ["/etc/postgresql-common", "/etc/sysconfig/pgsql"];

/// Parameters by name; a value may be empty, which stands for the default.
type Values = BTreeMap<&'static str, String>;

impl Settings {
    /// Reads connection settings. `url` is a `postgresql://` address or a `key=value` list;
    /// what it leaves out comes from the service file, then from the `PG*` variables, then
    /// from the defaults (manual, chapters 34.1, 34.15 to 34.17: a service file is stronger
    /// than the environment). Unlike libpq, `connect_timeout` is 10 seconds unless given and
    /// a certificate file that was asked for must exist.
    ///
    /// # Errors
    /// A malformed string, an unknown or refused parameter, a service that is not defined. No
    /// message repeats the string: it may hold a password.
    pub fn resolve(url: Option<&str>, env: &ProcessEnv) -> Result<Self, Failure> {
        keys::check_variables(env).map_err(|(message, help)| wrong(message, &help))?;
        let mut values = Values::new();
        for (name, value) in url::parse(url.unwrap_or_default().trim()).map_err(|m| wrong(m, ""))? {
            let key = keys::taken(&name).map_err(|(message, help)| wrong(message, &help))?;
            values.insert(key.name, value);
        }
        add_service(&mut values, env)?;
        for key in KEYS {
            if let Some(value) = key.env.and_then(|name| env.var(name))
                && keys::taken(key.name).is_ok()
            {
                values.entry(key.name).or_insert_with(|| value.to_owned());
            }
        }
        if env.var(keys::REQUIRESSL).is_some_and(|value| value.starts_with('1')) {
            values.entry("sslmode").or_insert_with(|| "require".to_owned());
        }
        let mut settings = Reader { values: &values, env }.settings()?;
        for (name, why) in keys::idle_vars().filter(|(name, _)| env.var(name).is_some()) {
            settings.warnings.push(format!("the variable `{name}` is ignored: {why}"));
        }
        Ok(settings)
    }
}

fn wrong(message: impl Into<String>, help: &str) -> Failure {
    let failure = Failure::new(FailureKind::Usage, format!("the connection settings are wrong: {}", message.into()));
    if help.is_empty() {
        failure.help("write `postgresql://user@host:5432/database` or `host=... dbname=... user=...`")
    } else {
        failure.help(help)
    }
}

/// Adds the parameters of the service file, where a service is named.
fn add_service(values: &mut Values, env: &ProcessEnv) -> Result<(), Failure> {
    let given = |key: &str, var: &str| values.get(key).map(String::as_str).or_else(|| env.var(var)).map(str::to_owned);
    let Some(name) = given("service", "PGSERVICE").filter(|s| !s.is_empty()) else { return Ok(()) };
    let own = given("servicefile", "PGSERVICEFILE").filter(|f| !f.is_empty()).map(PathBuf::from);
    let system: Vec<PathBuf> = match env.var("PGSYSCONFDIR") {
        Some(dir) => vec![PathBuf::from(dir)],
        None => SYSCONF_DIRS.iter().map(PathBuf::from).collect(),
    };
    let files = own
        .or_else(|| env.at_home(".pg_service.conf"))
        .into_iter()
        .chain(system.into_iter().map(|dir| dir.join("pg_service.conf")));
    let mut looked = Vec::new();
    for file in files {
        let content = match (env.read)(&file) {
            Ok(content) if content.regular => content,
            Ok(_) => return Err(wrong(format!("`{}` is not a regular file", file.display()), "name the service file")),
            Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
                return Err(wrong(format!("`{}` {e}", file.display()), "name the service file"));
            }
            Err(_) => continue,
        };
        let found = service::lookup(&content.text, &name)
            .map_err(|(message, help)| wrong(format!("`{}`, {message}", file.display()), &help))?;
        if let Some(pairs) = found {
            for (key, value) in pairs {
                let key = keys::taken(&key).map_err(|(message, help)| wrong(message, &help))?;
                values.entry(key.name).or_insert(value);
            }
            return Ok(());
        }
        looked.push(format!("`{}`", file.display()));
    }
    let help = if looked.is_empty() {
        "write a file `~/.pg_service.conf` with a section of that name".to_owned()
    } else {
        format!("define it in {}", looked.join(" or "))
    };
    Err(wrong(format!("the service `{name}` is not defined"), &help))
}

/// The merged parameters on their way to types.
struct Reader<'a> {
    values: &'a Values,
    env: &'a ProcessEnv,
}

impl Reader<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str).filter(|v| !v.is_empty())
    }

    fn settings(&self) -> Result<Settings, Failure> {
        self.check_fixed()?;
        let user = match self.get("user").or(self.env.user.as_deref()) {
            Some(user) => user.to_owned(),
            None => return Err(wrong("no user is given and this process has none", "add `user=...`")),
        };
        let dbname = self.get("dbname").unwrap_or(&user).to_owned();
        let mut warnings = Vec::new();
        let (mut targets, local) = self.targets()?;
        self.add_passwords(&mut targets, &user, &dbname, &mut warnings);
        let application = self.get("application_name").or_else(|| self.get("fallback_application_name"));
        Ok(Settings {
            targets,
            local,
            options: self.get("options").map(str::to_owned),
            application_name: application.unwrap_or("dagmar").to_owned(),
            mark: None,
            connect_timeout: self.limit(CONNECT_TIMEOUT)?,
            answer_timeout: self.limit(ANSWER_TIMEOUT)?,
            session: self.one_of("target_session_attrs", &SessionKind::NAMES)?.unwrap_or(SessionKind::Any),
            shuffle: self.one_of("load_balance_hosts", &[("disable", false), ("random", true)])?.unwrap_or(false),
            keepalives: self.keepalives()?,
            tls: self.tls()?,
            require_auth: self.get("require_auth").map(RequireAuth::parse).transpose().map_err(|why| {
                wrong(
                    why,
                    &format!("write methods with commas between them, or each with a `!`: {}", RequireAuth::names()),
                )
            })?,
            require_peer: self.get("requirepeer").map(str::to_owned),
            user,
            dbname,
            warnings,
        })
    }

    /// `connect_timeout`, where 0 is no limit.
    fn limit(&self, unless_given: Duration) -> Result<Option<Duration>, Failure> {
        Ok(match self.number("connect_timeout")? {
            None => Some(unless_given),
            Some(seconds) => u64::try_from(seconds).ok().filter(|s| *s > 0).map(Duration::from_secs),
        })
    }

    /// Parameters of which dagmar can do one value only.
    fn check_fixed(&self) -> Result<(), Failure> {
        if self.one_of("gssencmode", &[("disable", false), ("prefer", false), ("require", true)])? == Some(true) {
            let help = "dagmar does not support GSSAPI; use `sslmode` for encryption";
            return Err(wrong("`gssencmode=require` cannot be met", help));
        }
        if let Some(encoding) = self.get("client_encoding")
            && !["utf8", "utf-8", "unicode", "auto"].contains(&encoding.to_ascii_lowercase().as_str())
        {
            let message = format!("`client_encoding={encoding}` is refused: the project's files are UTF-8");
            return Err(wrong(message, "remove the key"));
        }
        match self.get("min_protocol_version") {
            None | Some("3.0") => Ok(()),
            Some(_) => Err(wrong("`min_protocol_version` cannot be met: dagmar supports 3.0", "remove the key")),
        }
    }

    fn list(&self, key: &str) -> Vec<&str> {
        self.get(key).map(|v| v.split(',').map(str::trim).collect()).unwrap_or_default()
    }

    fn targets(&self) -> Result<(Vec<Target>, bool), Failure> {
        let (hosts, addresses, ports) = (self.list("host"), self.list("hostaddr"), self.list("port"));
        let count = hosts.len().max(addresses.len()).max(1);
        if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
            let message = format!("{} in `host`, {} in `hostaddr`", entries(&hosts), entries(&addresses));
            return Err(wrong(message, "give one address for each host"));
        }
        if ports.len() > 1 && ports.len() != count {
            let message = format!("{} in `port` for {count} in `host`", entries(&ports));
            return Err(wrong(message, "give one port, or one for each host"));
        }
        let mut targets = Vec::new();
        for at in 0..count {
            let port = match ports.get(at).or(ports.first().filter(|_| ports.len() == 1)) {
                None | Some(&"") => 5432,
                Some(text) => text.parse().ok().filter(|p| *p > 0).ok_or_else(|| {
                    wrong(
                        "a port is not a number from 1 to 65535",
                        "the default is 5432; in a password write `:` as %3A and `/` as %2F",
                    )
                })?,
            };
            let address: Option<IpAddr> = match addresses.get(at) {
                None | Some(&"") => None,
                Some(text) => Some(text.parse().map_err(|_| {
                    wrong(
                        format!("`{text}` in `hostaddr` is not a valid address"),
                        "give names in `host`, addresses in `hostaddr`",
                    )
                })?),
            };
            let mut add = |place| targets.push(Target { place, port, password: None });
            match (hosts.get(at).copied().unwrap_or(""), address) {
                ("", Some(ip)) => add(Place::Tcp { host: ip.to_string(), address }),
                ("", None) => {
                    SOCKET_DIRS.iter().for_each(|dir| add(Place::Socket(PathBuf::from(dir))));
                    add(Place::Tcp { host: "localhost".to_owned(), address: None });
                }
                (host, None) if host.starts_with('/') => add(Place::Socket(PathBuf::from(host))),
                // a socket of the abstract namespace
                (host, None) if host.starts_with('@') => add(Place::Socket(PathBuf::from(host.replacen('@', "\0", 1)))),
                (host, address) => add(Place::Tcp { host: host.to_owned(), address }),
            }
        }
        Ok((targets, hosts.iter().all(|h| h.is_empty()) && addresses.is_empty()))
    }

    fn add_passwords(&self, targets: &mut [Target], user: &str, dbname: &str, warnings: &mut Vec<String>) {
        if let Some(password) = self.get("password") {
            targets.iter_mut().for_each(|t| t.password = Some(Secret::new(password)));
            return;
        }
        let given = self.get("passfile").map(PathBuf::from);
        let Some(path) = given.or_else(|| self.env.at_home(".pgpass")) else { return };
        let file = match (self.env.read)(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
                warnings.push(format!("the password file `{}` is ignored: it {e}", path.display()));
                return;
            }
            Err(_) => return,
        };
        if !file.regular {
            warnings.push(format!("the password file `{}` is ignored: it is not a regular file", path.display()));
            return;
        }
        if file.mode & 0o077 != 0 {
            let reason = format!("other users may read it (mode {:04o}); run `chmod 0600` on it", file.mode & 0o777);
            warnings.push(format!("the password file `{}` is ignored: {reason}", path.display()));
            return;
        }
        for target in targets {
            let host = match &target.place {
                Place::Socket(dir) if SOCKET_DIRS.iter().any(|d| Path::new(d) == dir) => "localhost".to_owned(),
                Place::Socket(dir) => dir.display().to_string(),
                Place::Tcp { host, .. } => host.clone(),
            };
            let wanted = pgpass::Wanted { host: &host, port: target.port, database: dbname, user };
            target.password = pgpass::password(&file.text, &wanted).map(Secret::new);
        }
    }

    fn keepalives(&self) -> Result<Keepalives, Failure> {
        let positive = |key: &str| -> Result<Option<u64>, Failure> {
            Ok(self.number(key)?.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0))
        };
        Ok(Keepalives {
            off: self.number("keepalives")? == Some(0),
            idle: positive("keepalives_idle")?.map(Duration::from_secs),
            interval: positive("keepalives_interval")?.map(Duration::from_secs),
            count: positive("keepalives_count")?.and_then(|n| u32::try_from(n).ok()),
            user_timeout: positive("tcp_user_timeout")?.map(Duration::from_millis),
        })
    }

    fn tls(&self) -> Result<TlsSettings, Failure> {
        let at_home =
            |name: &str| self.env.at_home(&format!(".postgresql/{name}")).filter(|path| (self.env.read)(path).is_ok());
        let root = match self.get("sslrootcert") {
            Some("system") => Root::System,
            Some(path) => Root::File(PathBuf::from(path)),
            None => at_home("root.crt").map_or(Root::Absent, Root::File),
        };
        let default = if root == Root::System { SslMode::VerifyFull } else { SslMode::Prefer };
        let mode = self.one_of("sslmode", &SslMode::NAMES)?.unwrap_or(default);
        if root == Root::System && mode != SslMode::VerifyFull {
            let message = format!("`sslmode={}` is too weak for `sslrootcert=system`", mode.name());
            return Err(wrong(message, "write `sslmode=verify-full`"));
        }
        let direct = self.one_of("sslnegotiation", &[("postgres", false), ("direct", true)])?.unwrap_or(false);
        if direct && mode < SslMode::Require {
            let message = format!("`sslmode={}` is too weak for `sslnegotiation=direct`", mode.name());
            return Err(wrong(message, "write `sslmode=require` or stronger"));
        }
        if mode >= SslMode::VerifyCa && root == Root::Absent {
            let message = format!("`sslmode={}` needs a root certificate", mode.name());
            return Err(wrong(message, "add `sslrootcert=FILE`, or `sslrootcert=system` for a public authority"));
        }
        let crls = match (self.get("sslcrl"), self.get("sslcrldir")) {
            (None, None) => at_home("root.crl").into_iter().collect(),
            (file, dir) => file.into_iter().chain(dir).map(PathBuf::from).collect(),
        };
        let bindings = [
            ("disable", ChannelBinding::Disable),
            ("prefer", ChannelBinding::Prefer),
            ("require", ChannelBinding::Require),
        ];
        Ok(TlsSettings {
            mode,
            direct,
            root,
            client: self.client_certificate(at_home)?,
            crls,
            sni: self.one_of("sslsni", &[("0", false), ("1", true)])?.unwrap_or(true),
            versions: self.tls_versions()?,
            channel_binding: self.one_of("channel_binding", &bindings)?.unwrap_or(ChannelBinding::Prefer),
        })
    }

    fn client_certificate(
        &self,
        at_home: impl Fn(&str) -> Option<PathBuf>,
    ) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
        let modes = [("disable", 0), ("allow", 1), ("require", 2)];
        match self.one_of("sslcertmode", &modes)? {
            Some(0) => return Ok(None),
            Some(2) => {
                let help = "write `sslcertmode=allow`; the server's pg_hba.conf can demand the certificate";
                return Err(wrong("`sslcertmode=require` is refused: it cannot be checked", help));
            }
            _ => {}
        }
        let Some(cert) = self.get("sslcert").map(PathBuf::from).or_else(|| at_home("postgresql.crt")) else {
            return match self.get("sslkey") {
                Some(_) => Err(wrong("`sslkey` is given without a certificate", "add `sslcert=FILE`")),
                None => Ok(None),
            };
        };
        match self.get("sslkey").map(PathBuf::from).or_else(|| at_home("postgresql.key")) {
            Some(key) => Ok(Some((cert, key))),
            None => Err(wrong(format!("the certificate `{}` has no key", cert.display()), "add `sslkey=FILE`")),
        }
    }

    /// Whether TLS 1.2 and 1.3 may be spoken; there is nothing older here.
    fn tls_versions(&self) -> Result<(bool, bool), Failure> {
        let names = [("TLSv1", 0), ("TLSv1.1", 1), ("TLSv1.2", 2), ("TLSv1.3", 3)];
        let least = self.one_of("ssl_min_protocol_version", &names)?.unwrap_or(2);
        let most = self.one_of("ssl_max_protocol_version", &names)?.unwrap_or(3);
        if most < 2 || most < least {
            let message = "no version of TLS is left between `ssl_min_protocol_version` and `ssl_max_protocol_version`";
            return Err(wrong(message, "dagmar supports TLSv1.2 and TLSv1.3"));
        }
        Ok((least <= 2, most >= 3))
    }

    fn number(&self, key: &str) -> Result<Option<i64>, Failure> {
        self.get(key)
            .map(|text| {
                text.trim()
                    .parse()
                    .map_err(|_| wrong(format!("`{key}={text}` is not a number"), "write a whole number"))
            })
            .transpose()
    }

    fn one_of<T: Copy>(&self, key: &str, known: &[(&str, T)]) -> Result<Option<T>, Failure> {
        let Some(given) = self.get(key) else { return Ok(None) };
        if let Some((_, value)) = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(given)) {
            return Ok(Some(*value));
        }
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let help = nearest(given, names.iter().copied())
            .map_or_else(|| format!("one of: {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
        Err(wrong(format!("`{key}={given}` is unknown"), &help))
    }
}

fn entries(list: &[&str]) -> String {
    if list.len() == 1 { "1 entry".to_owned() } else { format!("{} entries", list.len()) }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;

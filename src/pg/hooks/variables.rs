//! libpq's variables for the connection of a run: what a hook starts reaches the same server,
//! and asks as much of it.

use crate::pg::connect::settings::{Place, Root, SessionKind, Settings, Target};
use std::io::{self, Write};
use std::path::Path;
use tempfile::NamedTempFile;
use tokio_postgres::config::ChannelBinding;

/// The variables, and the file that one of them may name.
pub(super) struct Variables {
    pub(super) list: Vec<(&'static str, String)>,
    /// Passwords, where several servers have different ones; gone with this value.
    _passwords: Option<NamedTempFile>,
}

impl Variables {
    /// # Errors
    /// When the file for the passwords cannot be written.
    pub(super) fn of(settings: &Settings) -> io::Result<Self> {
        let mut list = place(settings);
        list.extend(security(settings));
        let mut passwords = settings.targets.iter().map(|t| t.password.as_ref().map(|p| p.expose()));
        let first = passwords.next().flatten();
        let file = if passwords.all(|other| other == first) {
            list.extend(first.map(|password| ("PGPASSWORD", password.to_owned())));
            None
        } else {
            let file = password_file(settings)?;
            list.push(("PGPASSFILE", file.path().display().to_string()));
            Some(file)
        };
        Ok(Self { list, _passwords: file })
    }
}

/// Where the server is, and who connects.
fn place(settings: &Settings) -> Vec<(&'static str, String)> {
    let each = |part: fn(&Target) -> String| settings.targets.iter().map(part).collect::<Vec<_>>().join(",");
    let address = |t: &Target| match &t.place {
        Place::Tcp { address: Some(ip), .. } => ip.to_string(),
        _ => String::new(),
    };
    let kind = match settings.session {
        // of several servers a backup is of the one that is written to
        SessionKind::Any if settings.targets.len() > 1 => SessionKind::ReadWrite,
        kind => kind,
    };
    let mut list = vec![
        (
            "PGHOST",
            each(|t| match &t.place {
                Place::Socket(dir) => dir.display().to_string().replace('\0', "@"),
                Place::Tcp { host, .. } => host.clone(),
            }),
        ),
        ("PGPORT", each(|t| t.port.to_string())),
        ("PGUSER", settings.user.clone()),
        ("PGDATABASE", settings.dbname.clone()),
        ("PGAPPNAME", "dagmar hook".to_owned()),
        ("PGTARGETSESSIONATTRS", kind.name().to_owned()),
        ("PGLOADBALANCEHOSTS", if settings.shuffle { "random" } else { "disable" }.to_owned()),
        ("PGCONNECT_TIMEOUT", settings.connect_timeout.map_or(0, |t| t.as_secs()).to_string()),
    ];
    if settings.targets.iter().any(|t| !address(t).is_empty()) {
        list.push(("PGHOSTADDR", each(address)));
    }
    list.extend(settings.options.clone().map(|options| ("PGOPTIONS", options)));
    list
}

/// How much is asked of the server before anything is sent.
fn security(settings: &Settings) -> Vec<(&'static str, String)> {
    let tls = &settings.tls;
    let path = |path: &Path| path.display().to_string();
    let (least, most) = match tls.versions {
        (true, false) => ("TLSv1.2", "TLSv1.2"),
        (false, _) => ("TLSv1.3", "TLSv1.3"),
        (true, true) => ("TLSv1.2", "TLSv1.3"),
    };
    let binding = match tls.channel_binding {
        ChannelBinding::Disable => "disable",
        ChannelBinding::Require => "require",
        _ => "prefer",
    };
    let mut list = vec![
        ("PGSSLMODE", tls.mode.name().to_owned()),
        ("PGSSLNEGOTIATION", if tls.direct { "direct" } else { "postgres" }.to_owned()),
        ("PGSSLSNI", u8::from(tls.sni).to_string()),
        ("PGSSLMINPROTOCOLVERSION", least.to_owned()),
        ("PGCHANNELBINDING", binding.to_owned()),
        // not spoken here either
        ("PGGSSENCMODE", "disable".to_owned()),
    ];
    if most != "TLSv1.3" {
        list.push(("PGSSLMAXPROTOCOLVERSION", most.to_owned()));
    }
    match &tls.root {
        Root::File(file) => list.push(("PGSSLROOTCERT", path(file))),
        Root::System => list.push(("PGSSLROOTCERT", "system".to_owned())),
        Root::Absent => {}
    }
    match &tls.client {
        Some((certificate, key)) => list.extend([("PGSSLCERT", path(certificate)), ("PGSSLKEY", path(key))]),
        None => list.push(("PGSSLCERTMODE", "disable".to_owned())),
    }
    for crl in &tls.crls {
        list.push((if crl.is_dir() { "PGSSLCRLDIR" } else { "PGSSLCRL" }, path(crl)));
    }
    list.extend(settings.require_auth.as_ref().map(|r| ("PGREQUIREAUTH", r.text().to_owned())));
    list.extend(settings.require_peer.clone().map(|user| ("PGREQUIREPEER", user)));
    list
}

/// A password file with a line for each server (manual, chapter 34.16); only its owner reads it.
fn password_file(settings: &Settings) -> io::Result<NamedTempFile> {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace(':', "\\:");
    let mut file = tempfile::Builder::new().prefix("dagmar-").suffix(".pgpass").tempfile()?;
    for target in &settings.targets {
        let Some(password) = &target.password else { continue };
        let hosts = match &target.place {
            // the directory that libpq was built with goes by the name of localhost
            Place::Socket(dir) => vec![dir.display().to_string(), "localhost".to_owned()],
            Place::Tcp { host, .. } => vec![host.clone()],
        };
        for host in hosts {
            let fields = [&host, &target.port.to_string(), &settings.dbname, &settings.user].map(|f| escaped(f));
            writeln!(file, "{}:{}", fields.join(":"), escaped(password.expose()))?;
        }
    }
    file.flush()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::ProcessEnv;
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt;

    fn variables(url: &str) -> (BTreeMap<&'static str, String>, Variables) {
        let env = ProcessEnv { user: Some("me".to_owned()), ..ProcessEnv::of(Vec::<(String, String)>::new()) };
        let variables = Variables::of(&Settings::resolve(Some(url), &env).unwrap()).unwrap();
        (variables.list.iter().cloned().collect(), variables)
    }

    #[test]
    fn nothing_that_was_asked_for_is_left_out() {
        let url = "host=db hostaddr=10.0.0.1 port=6 user=u password=p dbname=d sslmode=verify-full sslrootcert=/ca \
                   sslcert=/c sslkey=/k sslcrl=/crl ssl_min_protocol_version=TLSv1.3 channel_binding=require sslsni=0 \
                   sslnegotiation=direct require_auth=scram-sha-256 requirepeer=postgres options='-c a=b' \
                   target_session_attrs=primary connect_timeout=7";
        let (given, _) = variables(url);
        for (name, value) in [
            ("PGHOST", "db"),
            ("PGHOSTADDR", "10.0.0.1"),
            ("PGPORT", "6"),
            ("PGUSER", "u"),
            ("PGPASSWORD", "p"),
            ("PGDATABASE", "d"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/ca"),
            ("PGSSLCERT", "/c"),
            ("PGSSLKEY", "/k"),
            ("PGSSLCRL", "/crl"),
            ("PGSSLMINPROTOCOLVERSION", "TLSv1.3"),
            ("PGCHANNELBINDING", "require"),
            ("PGSSLSNI", "0"),
            ("PGSSLNEGOTIATION", "direct"),
            ("PGREQUIREAUTH", "scram-sha-256"),
            ("PGREQUIREPEER", "postgres"),
            ("PGOPTIONS", "-c a=b"),
            ("PGTARGETSESSIONATTRS", "primary"),
            ("PGCONNECT_TIMEOUT", "7"),
        ] {
            assert_eq!(given.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert_eq!(variables("host=h ssl_max_protocol_version=TLSv1.2").0["PGSSLMAXPROTOCOLVERSION"], "TLSv1.2");
    }

    #[test]
    fn each_server_gets_its_own_password() {
        let env = ProcessEnv {
            user: Some("me".to_owned()),
            home: Some("/".into()),
            read: |_| {
                let text = "a:*:*:*:one\nb:*:*:*:t\\:w\\\\o\n/s:*:*:*:three\n".to_owned();
                Ok(crate::pg::FileText { text, mode: 0o600, regular: true })
            },
            ..ProcessEnv::of(Vec::<(String, String)>::new())
        };
        let settings = Settings::resolve(Some("host=a,b,c,/s port=1 dbname=d:e sslmode=disable"), &env).unwrap();
        let variables = Variables::of(&settings).unwrap();
        let given: BTreeMap<_, _> = variables.list.iter().cloned().collect();
        assert!(!given.contains_key("PGPASSWORD"), "it would go to all of them");
        let file = given["PGPASSFILE"].clone();
        let text = std::fs::read_to_string(&file).unwrap();
        let lines =
            ["a:1:d\\:e:me:one", "b:1:d\\:e:me:t\\:w\\\\o", "/s:1:d\\:e:me:three", "localhost:1:d\\:e:me:three"];
        assert_eq!(text.lines().collect::<Vec<_>>(), lines);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        drop(variables);
        assert!(!Path::new(&file).exists());
    }
}

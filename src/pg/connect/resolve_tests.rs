use super::*;
use crate::pg::connect::process_env::FileText;
use std::io;

/// Files of an imaginary machine.
fn read(path: &Path) -> io::Result<FileText> {
    let (text, mode) = match path.to_str() {
        Some("/home/u/.pgpass" | "/given/pass" | "/open/pass") => (
            "db:5432:app:alice:from-file\nlocalhost:*:*:*:local\n/sock:*:*:*:socket\n10.0.0.1:*:*:*:address\n",
            if path.starts_with("/open") { 0o640 } else { 0o600 },
        ),
        Some("/home/u/.pg_service.conf") => ("[ours]\nhost=service-host\nport=6000\nuser=service-user\n", 0o644),
        Some("/etc/own/pg_service.conf") => ("[system]\nhost=system-host\n[broken]\nhots=x\n", 0o644),
        Some("/tls/.postgresql/root.crt") => ("", 0o644),
        _ => return Err(io::ErrorKind::NotFound.into()),
    };
    Ok(FileText { text: text.to_owned(), mode, regular: true })
}

fn environment(vars: &[(&str, &str)]) -> ProcessEnv {
    let mut env = ProcessEnv::of(vars.iter().copied());
    env.home = env.home.or(Some(PathBuf::from("/home/u")));
    env.user = Some("me".to_owned());
    env.read = read;
    env
}

fn resolve(url: &str, vars: &[(&str, &str)]) -> Result<Settings, Failure> {
    Settings::resolve(Some(url), &environment(vars))
}

fn good(url: &str, vars: &[(&str, &str)]) -> Settings {
    resolve(url, vars).unwrap_or_else(|failure| panic!("{url}: {failure}"))
}

fn password(settings: &Settings) -> Option<&str> {
    settings.targets[0].password.as_ref().map(Secret::expose)
}

#[test]
fn stronger_sources_win() {
    let vars = [("PGHOST", "env-host"), ("PGUSER", "env-user"), ("PGDATABASE", "env-db"), ("PGSERVICE", "ours")];
    // URL over service file over environment over default
    assert_eq!(good("postgres://url-host", &vars).describe(), "url-host:6000/env-db as service-user");
    assert_eq!(good("", &vars).describe(), "service-host:6000/env-db as service-user");
    assert_eq!(good("", &vars[..3]).describe(), "env-host:5432/env-db as env-user");
    assert_eq!(good("", &[]).describe(), "local:5432/me as me");
    assert_eq!(good("user=a", &[]).dbname, "a");
    // the last word of a string counts, an empty one stands for the default
    assert_eq!(good("host=a host=b", &[]).describe(), "b:5432/me as me");
    assert_eq!(good("dbname='' user=x", &[("PGDATABASE", "env-db")]).describe(), "local:5432/x as x");
}

#[test]
fn without_a_host_the_local_places_are_tried() {
    let places: Vec<String> = good("port=7", &[]).targets.iter().map(Target::describe).collect();
    assert_eq!(places, ["/var/run/postgresql:7", "/tmp:7", "localhost:7"]);
}

#[test]
fn several_servers_each_with_its_port() {
    for (url, expected) in [
        ("postgres://a:1,b:2,[::1]:3/d", "a:1,b:2,[::1]:3/d as me"),
        ("host=a,b port=9 dbname=d", "a:9,b:9/d as me"),
        ("host=a,b port=,9 dbname=d", "a:5432,b:9/d as me"),
        ("host=a,/sock hostaddr=10.0.0.1, dbname=d", "a:5432,/sock:5432/d as me"),
        ("hostaddr=10.0.0.1 dbname=d", "10.0.0.1:5432/d as me"),
        ("postgres://%2Fsock/d", "/sock:5432/d as me"),
        ("postgres:///d?host=/sock&port=6", "/sock:6/d as me"),
        ("host=@abstract dbname=d", "@abstract:5432/d as me"),
    ] {
        assert_eq!(good(url, &[]).describe(), expected, "{url}");
    }
    for bad in ["host=a,b port=1,2,3", "host=a,b hostaddr=10.0.0.1", "port=0", "port=65536", "hostaddr=name"] {
        assert_eq!(resolve(bad, &[]).unwrap_err().kind, FailureKind::Usage, "{bad}");
    }
}

#[test]
fn passwords_come_from_the_nearest_place() {
    assert_eq!(password(&good("postgres://alice:url@db/app", &[("PGPASSWORD", "env")])), Some("url"));
    assert_eq!(password(&good("postgres://alice@db/app", &[("PGPASSWORD", "env")])), Some("env"));
    assert_eq!(password(&good("postgres://alice@db/app", &[])), Some("from-file"));
    assert_eq!(password(&good("postgres://bob@db/app", &[])), None);
    assert_eq!(password(&good("host=/var/run/postgresql", &[])), Some("local"));
    assert_eq!(password(&good("host=/sock", &[])), Some("socket"));
    assert_eq!(password(&good("hostaddr=10.0.0.1", &[])), Some("address"));
    assert_eq!(password(&good("postgres://alice@db/app?passfile=/given/pass", &[])), Some("from-file"));
    let open = good("postgres://alice@db/app", &[("PGPASSFILE", "/open/pass")]);
    assert_eq!(password(&open), None);
    assert!(
        open.warnings[0].contains("`/open/pass` is ignored: other users may read it (mode 0640)"),
        "{:?}",
        open.warnings
    );
}

#[test]
fn services_are_looked_up_in_both_files() {
    let vars = [("PGSYSCONFDIR", "/etc/own")];
    assert_eq!(good("service=system", &vars).describe(), "system-host:5432/me as me");
    let missing = resolve("service=nowhere", &vars).unwrap_err();
    assert!(missing.message.ends_with("the service `nowhere` is not defined"), "{missing}");
    assert_eq!(missing.help, Some("define it in `/home/u/.pg_service.conf` or `/etc/own/pg_service.conf`".into()));
    let broken = resolve("service=broken", &vars).unwrap_err();
    assert!(broken.message.contains("`/etc/own/pg_service.conf`, line 4: unknown connection parameter `hots`"));
}

#[test]
fn tls_follows_the_rules_of_libpq() {
    let tls = |url: &str| good(url, &[]).tls;
    assert_eq!((tls("").mode, tls("").root), (SslMode::Prefer, Root::Absent));
    assert_eq!(tls("sslrootcert=system").mode, SslMode::VerifyFull);
    assert_eq!(tls("sslmode=verify-ca sslrootcert=/ca").root, Root::File("/ca".into()));
    assert_eq!(good("sslmode=require", &[("HOME", "/tls")]).tls.root, Root::File("/tls/.postgresql/root.crt".into()));
    assert_eq!(tls("sslcert=/c sslkey=/k").client, Some(("/c".into(), "/k".into())));
    assert_eq!(tls("sslcert=/c sslkey=/k sslcertmode=disable").client, None);
    assert_eq!(tls("ssl_min_protocol_version=TLSv1.3").versions, (false, true));
    assert_eq!(tls("ssl_max_protocol_version=TLSv1.2 ssl_min_protocol_version=TLSv1").versions, (true, false));
    assert!(tls("sslmode=require sslnegotiation=direct").direct);
    for (bad, why) in [
        ("sslmode=require sslrootcert=system", "`sslmode=require` is too weak for `sslrootcert=system`"),
        ("sslnegotiation=direct", "`sslmode=prefer` is too weak for `sslnegotiation=direct`"),
        ("sslmode=verify-full", "`sslmode=verify-full` needs a root certificate"),
        ("sslcert=/c", "the certificate `/c` has no key"),
        ("ssl_max_protocol_version=TLSv1.1", "no version of TLS is left"),
        ("sslmode=verify_full", "`sslmode=verify_full` is unknown"),
    ] {
        let failure = resolve(bad, &[]).unwrap_err();
        assert!(failure.message.contains(why), "{bad}: {failure}");
        assert!(failure.help.is_some(), "{bad}");
    }
}

#[test]
fn a_mark_stands_behind_the_name_of_the_session() {
    let mut settings = good("host=h", &[]);
    settings.mark = Some("7f3a9c1e52d0b846".to_owned());
    let name = |settings: &Settings| settings.config(&settings.targets[0]).get_application_name().unwrap().to_owned();
    assert_eq!(name(&settings), "dagmar 7f3a9c1e52d0b846");
    let long = settings.with_application_name(&"n".repeat(70));
    assert_eq!(name(&long), format!("{} 7f3a9c1e52d0b846", "n".repeat(46)), "the server keeps 63 bytes");
}

#[test]
fn the_rest_is_taken_or_refused_never_ignored() {
    let all = good(
        "options='-c a=b' connect_timeout=3 keepalives=0 keepalives_idle=1 keepalives_interval=2 keepalives_count=4 \
         tcp_user_timeout=5000 target_session_attrs=primary channel_binding=require load_balance_hosts=random \
         client_encoding=UTF8 gssencmode=disable fallback_application_name=f host=h password=p",
        &[],
    );
    assert_eq!(
        (all.connect_timeout, all.session, all.shuffle),
        (Some(Duration::from_secs(3)), SessionKind::Primary, true)
    );
    let config = all.config(&all.targets[0]);
    assert_eq!(config.get_options(), Some("-c a=b"));
    assert_eq!(config.get_application_name(), Some("f"));
    assert_eq!(config.get_password(), Some(b"p".as_slice()));
    let keep = &all.keepalives;
    assert!(keep.off);
    assert_eq!((keep.idle, keep.interval), (Some(Duration::from_secs(1)), Some(Duration::from_secs(2))));
    assert_eq!((keep.count, keep.user_timeout), (Some(4), Some(Duration::from_secs(5))));
    assert_eq!(config.get_channel_binding(), ChannelBinding::Require);
    assert_eq!(
        (good("", &[]).connect_timeout, good("connect_timeout=0", &[]).connect_timeout),
        (Some(Duration::from_secs(10)), None)
    );

    for (bad, help) in [
        ("krbsrvname=x", "dagmar does not support Kerberos"),
        ("gssencmode=require", "dagmar does not support GSSAPI"),
        ("client_encoding=latin1", "remove the key"),
        ("hots=x", "did you mean `host`?"),
        ("sslmod=require", "did you mean `sslmode`?"),
        ("sslmode=prefere", "did you mean `prefer`?"),
        ("connect_timeout=soon", "write a whole number"),
        ("require_auth=scram", "password, md5, gss, sspi, scram-sha-256, none"),
        ("requiressl=1", "sslmode=require"),
    ] {
        let failure = resolve(bad, &[]).unwrap_err();
        assert!(failure.help.as_ref().is_some_and(|h| h.to_string().contains(help)), "{bad}: {failure:?}");
    }
    let warned = good("", &[("PGKRBSRVNAME", "x"), ("PGSSLUNHEARDOF", "")]).warnings;
    assert_eq!(warned.len(), 1);
    assert!(warned[0].starts_with("the variable `PGKRBSRVNAME` is ignored"), "{warned:?}");
}

#[test]
fn what_asks_for_security_is_met_or_refused() {
    let required = |url: &str, vars: &[(&str, &str)]| good(url, vars).require_auth.map(|r| r.text().to_owned());
    assert_eq!(required("require_auth=md5", &[("PGREQUIREAUTH", "none")]).as_deref(), Some("md5"));
    assert_eq!(required("", &[("PGREQUIREAUTH", "!none")]).as_deref(), Some("!none"));
    assert_eq!(required("postgres://h/d?require_auth=password,md5", &[]).as_deref(), Some("password,md5"));
    assert_eq!(required("", &[("PGREQUIREAUTH", "")]), None);
    assert!(resolve("", &[("PGREQUIREAUTH", "scram")]).unwrap_err().message.contains("invalid require_auth value"));
    assert_eq!(good("", &[("PGREQUIREPEER", "postgres")]).require_peer.as_deref(), Some("postgres"));
    assert_eq!(good("requirepeer=me", &[("PGREQUIREPEER", "postgres")]).require_peer.as_deref(), Some("me"));

    let mode = |vars: &[(&str, &str)]| good("", vars).tls.mode;
    assert_eq!(mode(&[("PGREQUIRESSL", "1")]), SslMode::Require);
    assert_eq!(mode(&[("PGREQUIRESSL", "0")]), SslMode::Prefer);
    assert_eq!(mode(&[("PGREQUIRESSL", "1"), ("PGSSLMODE", "verify-ca"), ("PGSSLROOTCERT", "/ca")]), SslMode::VerifyCa);

    for name in ["PGSSLUNHEARDOF", "PGREQUIREALL", "PGSCRAMONLY", "PGOAUTHCAFILE"] {
        let failure = resolve("postgres://h/d", &[(name, "1")]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Usage);
        assert!(
            failure.message.contains(name) && failure.help.is_some_and(|h| h.to_string().contains("unset")),
            "{}",
            failure.message
        );
    }
    // what others need is not ours
    assert!(good("", &[("PGDATA", "/x"), ("PGTZ", "UTC"), ("PG_COLOR", "auto")]).warnings.is_empty());
}

#[test]
fn secrets_never_show() {
    const CANARY: &str = "c4n4ry";
    for url in [
        "postgres://u:c4n4ry@h/d?sslmode=no",
        "postgres://u:c4n4ry@h/d?passwrod=c4n4ry",
        "postgres://u:c4n4ry@h:port/d",
        "postgres://u:c4n4ry%zz@h",
        "postgres://u:1@c4n4ry@h/d",
        "postgres://u:c4n4ry/x@h/d",
        "postgres://u:c4n4ry/",
        // pieces of a password that would be taken for parameters
        "postgres://u:1/a?x&c4n4ry=b@h/d",
        "postgres://u:1/a?c4n4ry=b",
        "postgres://u:1/a?c4n4ry=b=c",
        "postgres://u:p@h/d?x=1&c4n4ry=2",
        "host=h password=a c4n4ry=x",
        "host=h password=a b=c4n4ry",
        "host=h password=c4n4ry c4n4ry",
        "host=h password='c4n4ry",
        "c4n4ry",
        "scram_client_key=c4n4ry",
        "postgres://u:c4n4ry@h/d",
        "host=h passfile=/x password=c4n4ry",
    ] {
        let env = environment(&[("PGPASSWORD", CANARY)]);
        let shown = match Settings::resolve(Some(url), &env) {
            Ok(settings) => {
                let config = settings.config(&settings.targets[0]);
                format!("{settings:?} {} {config:?} {env:?}", settings.describe())
            }
            Err(failure) => format!("{failure:?} {failure}"),
        };
        assert!(!shown.contains(CANARY), "{url}: {shown}");
    }
}

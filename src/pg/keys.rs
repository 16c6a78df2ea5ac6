//! The connection parameters of libpq (manual, chapter 34.1.2) in one table: which variable
//! stands for each, and why some are refused.

use crate::base::diag::nearest;

/// One parameter.
pub(crate) struct Key {
    /// Its name in a connection string.
    pub name: &'static str,
    /// The variable that sets it (manual, chapter 34.15).
    pub env: Option<&'static str>,
    /// Why dagmar does not take it; absent: it is taken.
    refused: Option<&'static str>,
}

const GSS: &str = "dagmar does not speak Kerberos or GSSAPI; use a password or a client certificate";
const OAUTH: &str = "dagmar does not speak OAuth; use a password or a client certificate";
const SCRAM: &str = "dagmar takes the password itself; give it with `PGPASSWORD` or a password file";

const fn key(name: &'static str, env: &'static str) -> Key {
    Key { name, env: Some(env), refused: None }
}

const fn bare(name: &'static str) -> Key {
    Key { name, env: None, refused: None }
}

const fn refused(name: &'static str, env: Option<&'static str>, why: &'static str) -> Key {
    Key { name, env, refused: Some(why) }
}

/// Every parameter libpq 18 knows.
pub(crate) const KEYS: &[Key] = &[
    key("service", "PGSERVICE"),
    key("servicefile", "PGSERVICEFILE"),
    key("host", "PGHOST"),
    key("hostaddr", "PGHOSTADDR"),
    key("port", "PGPORT"),
    key("dbname", "PGDATABASE"),
    key("user", "PGUSER"),
    key("password", "PGPASSWORD"),
    key("passfile", "PGPASSFILE"),
    key("options", "PGOPTIONS"),
    key("application_name", "PGAPPNAME"),
    bare("fallback_application_name"),
    key("connect_timeout", "PGCONNECT_TIMEOUT"),
    key("client_encoding", "PGCLIENTENCODING"),
    key("target_session_attrs", "PGTARGETSESSIONATTRS"),
    key("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    bare("keepalives"),
    bare("keepalives_idle"),
    bare("keepalives_interval"),
    bare("keepalives_count"),
    bare("tcp_user_timeout"),
    key("channel_binding", "PGCHANNELBINDING"),
    key("sslmode", "PGSSLMODE"),
    key("sslnegotiation", "PGSSLNEGOTIATION"),
    key("sslrootcert", "PGSSLROOTCERT"),
    key("sslcert", "PGSSLCERT"),
    key("sslkey", "PGSSLKEY"),
    key("sslcertmode", "PGSSLCERTMODE"),
    key("sslcrl", "PGSSLCRL"),
    key("sslcrldir", "PGSSLCRLDIR"),
    key("sslsni", "PGSSLSNI"),
    key("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    key("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    key("gssencmode", "PGGSSENCMODE"),
    key("min_protocol_version", "PGMINPROTOCOLVERSION"),
    refused(
        "sslcompression",
        Some("PGSSLCOMPRESSION"),
        "TLS compression is insecure and no server of today offers it; leave the key out",
    ),
    refused(
        "sslpassword",
        None,
        "encrypted keys are not read; write a plain one with `openssl pkey -in KEY -out PLAIN`",
    ),
    refused("sslkeylogfile", None, "dagmar never writes the keys of a connection to a file"),
    refused("max_protocol_version", Some("PGMAXPROTOCOLVERSION"), "dagmar speaks protocol 3.0; leave the key out"),
    refused(
        "require_auth",
        Some("PGREQUIREAUTH"),
        "the method cannot be checked; `channel_binding=require` makes sure that the server knows the password",
    ),
    refused(
        "requirepeer",
        Some("PGREQUIREPEER"),
        "the owner of a socket is not checked; use a directory that only the server's user can write",
    ),
    refused("requiressl", Some("PGREQUIRESSL"), "the key is obsolete; write `sslmode=require`"),
    refused("replication", None, "a replication connection cannot run migrations; leave the key out"),
    refused("krbsrvname", Some("PGKRBSRVNAME"), GSS),
    refused("gsslib", Some("PGGSSLIB"), GSS),
    refused("gssdelegation", Some("PGGSSDELEGATION"), GSS),
    refused("scram_client_key", None, SCRAM),
    refused("scram_server_key", None, SCRAM),
    refused("oauth_issuer", None, OAUTH),
    refused("oauth_client_id", None, OAUTH),
    refused("oauth_client_secret", None, OAUTH),
    refused("oauth_scope", None, OAUTH),
];

/// Finds a parameter that dagmar takes.
///
/// # Errors
/// Message and help for an unknown or a refused one. The value is never part of it.
pub(crate) fn taken(name: &str) -> Result<&'static Key, (String, String)> {
    match KEYS.iter().find(|k| k.name == name) {
        Some(Key { refused: Some(why), .. }) => {
            Err((format!("the connection parameter `{name}` is refused"), (*why).to_owned()))
        }
        Some(key) => Ok(key),
        None => {
            let known = KEYS.iter().filter(|k| k.refused.is_none()).map(|k| k.name);
            let help = nearest(name, known).map_or_else(
                || "the manual lists the parameters in chapter 34.1.2".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            Err((format!("unknown connection parameter `{name}`"), help))
        }
    }
}

/// Variables of parameters that dagmar refuses, with the reason.
pub(crate) fn refused_vars() -> impl Iterator<Item = (&'static str, &'static str)> {
    KEYS.iter().filter_map(|k| Some((k.env?, k.refused?)))
}

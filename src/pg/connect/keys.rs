//! The connection parameters of libpq (manual, chapter 34.1.2) in one table: which variable
//! stands for each, and why some are refused.

use super::process_env::ProcessEnv;
use crate::base::diag::nearest;

/// One parameter.
pub(crate) struct Key {
    /// Its name in a connection string.
    pub name: &'static str,
    /// The variable that sets it (manual, chapter 34.15).
    pub env: Option<&'static str>,
    /// Why dagmar does not take it; absent: it is taken.
    refused: Option<&'static str>,
    /// Whether to leave its variable out loosens nothing that somebody may rely on.
    is_idle: bool,
}

const GSS: &str = "dagmar does not support Kerberos or GSSAPI; use a password or a client certificate";
const OAUTH: &str = "dagmar does not support OAuth; use a password or a client certificate";
const SCRAM: &str = "dagmar sends the password itself; set `PGPASSWORD` or use a password file";

const fn key(name: &'static str, env: &'static str) -> Key {
    Key { name, env: Some(env), refused: None, is_idle: false }
}

const fn bare(name: &'static str) -> Key {
    Key { name, env: None, refused: None, is_idle: false }
}

const fn refused(name: &'static str, why: &'static str) -> Key {
    Key { name, env: None, refused: Some(why), is_idle: false }
}

/// Refused in a connection string; as a variable, which may be meant for others, left out.
const fn idle(name: &'static str, env: &'static str, why: &'static str) -> Key {
    Key { name, env: Some(env), refused: Some(why), is_idle: true }
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
    key("require_auth", "PGREQUIREAUTH"),
    key("requirepeer", "PGREQUIREPEER"),
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
    idle(
        "sslcompression",
        "PGSSLCOMPRESSION",
        "TLS compression is insecure and no current server offers it; remove the key",
    ),
    refused(
        "sslpassword",
        "encrypted keys are not supported; write a plain one with `openssl pkey -in KEY -out PLAIN`",
    ),
    refused("sslkeylogfile", "dagmar never writes the keys of a connection to a file"),
    idle("max_protocol_version", "PGMAXPROTOCOLVERSION", "dagmar supports protocol 3.0; remove the key"),
    refused("requiressl", "the key is obsolete; write `sslmode=require`"),
    refused("replication", "a replication connection cannot run migrations; remove the key"),
    idle("krbsrvname", "PGKRBSRVNAME", GSS),
    idle("gsslib", "PGGSSLIB", GSS),
    idle("gssdelegation", "PGGSSDELEGATION", GSS),
    refused("scram_client_key", SCRAM),
    refused("scram_server_key", SCRAM),
    refused("oauth_issuer", OAUTH),
    refused("oauth_client_id", OAUTH),
    refused("oauth_client_secret", OAUTH),
    refused("oauth_scope", OAUTH),
];

/// The variable of libpq's early days that stands for `sslmode=require` when it begins with 1.
pub(crate) const REQUIRESSL: &str = "PGREQUIRESSL";

/// How the names of variables begin that may ask for security.
const SECURITY: [&str; 9] =
    ["PGSSL", "PGTLS", "PGREQUIRE", "PGCHANNEL", "PGAUTH", "PGSCRAM", "PGGSS", "PGKRB", "PGOAUTH"];

/// Finds a parameter that dagmar takes.
///
/// # Errors
/// Message and help for an unknown or a refused one. The value is never part of it, and a name
/// only where it is one or nearly one: any other may be a piece of a password.
pub(crate) fn taken(name: &str) -> Result<&'static Key, (String, String)> {
    match KEYS.iter().find(|k| k.name == name) {
        Some(Key { refused: Some(why), .. }) => {
            Err((format!("the connection parameter `{name}` is refused"), (*why).to_owned()))
        }
        Some(key) => Ok(key),
        None => {
            let known = KEYS.iter().filter(|k| k.refused.is_none()).map(|k| k.name);
            Err(match nearest(name, known) {
                Some(near) => (format!("unknown connection parameter `{name}`"), format!("did you mean `{near}`?")),
                None => (
                    "it has an unknown parameter, whose name is not displayed because it may be a part of a password"
                        .to_owned(),
                    "in the password of a URL write `&` as %26, `/` as %2F, `?` as %3F and `=` as %3D, in `key=value` \
                     put it in single quotes; the manual lists the parameters in chapter 34.1.2"
                        .to_owned(),
                ),
            })
        }
    }
}

/// Variables of parameters that dagmar leaves out, with the reason.
pub(crate) fn idle_vars() -> impl Iterator<Item = (&'static str, &'static str)> {
    KEYS.iter().filter(|k| k.is_idle).filter_map(|k| Some((k.env?, k.refused?)))
}

/// Refuses variables that ask for something and would be passed over: those of libpq that are
/// no UTF-8, and unknown ones that may ask for security by their name.
///
/// # Errors
/// Message and help for the first one.
pub(crate) fn check_variables(env: &ProcessEnv) -> Result<(), (String, String)> {
    if let Some(name) = env.odd.first() {
        return Err((format!("the variable `{name}` is not valid UTF-8"), "correct it, or unset it".to_owned()));
    }
    let may_ask = |variable: &str| {
        variable != REQUIRESSL
            && SECURITY.iter().any(|start| variable.starts_with(start))
            && KEYS.iter().all(|k| k.env != Some(variable))
    };
    match env.vars.keys().find(|name| may_ask(name) && env.var(name).is_some()) {
        None => Ok(()),
        Some(name) => Err((
            format!("the variable `{name}` is not supported by dagmar"),
            format!("dagmar would ignore it; `unset {name}` if that is intended"),
        )),
    }
}

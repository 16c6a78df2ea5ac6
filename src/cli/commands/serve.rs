//! `dagmar serve`: the service.

use crate::base::file;
use crate::base::{Failure, FailureKind, HumanDuration, Secret};
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Output, log_writer, only_text};
use crate::cli::shell::task::{Outcome, block_on};
use crate::cli::shell::wording::worded;
use crate::pg::{ProcessEnv, SERVICE_SECRET};
use crate::serve::config::{Config, Listen, OnStop, PublicUrl, TlsFiles, refuse_shared};
use crate::serve::log::{self, Level, LogFormat};
use crate::serve::memory::without_huge_pages;
use crate::serve::who::tokens::FILE;
use crate::serve::{Reading, serve};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The largest file of a secret.
const LARGEST: u64 = 64 << 10;

/// Serves the project over HTTP: a small service next to a database in a private network.
///
/// GET /health and GET /ready are open to everybody and say nothing about the project. GET /status, POST /migrate,
/// POST /rollback and the API below /api/v1 need the header `Authorization: Bearer TEXT`, with a token (`dagmar token`), a
/// token of an OpenID Connect issuer, or the secret of --secret-file or DAGMAR_SECRET, which no option takes: others on this
/// machine can read a command line. The same address shows pages in a browser; one logs in with the same text. --env names
/// the environment of requests that name none, and --url is its connection. Issuers, a proxy that signs people in, limits
/// for clients, and webhooks are in dagmar.yaml (`serve:`). GET /metrics is for Prometheus.
///
/// SIGTERM and SIGINT stop it in order, a second one at once. SIGHUP reads the project and the certificate again.
/// docs/service.md says how to run it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  DAGMAR_SECRET=$(openssl rand -hex 32) dagmar serve
  dagmar token new ci --role run --expires 90d && dagmar serve
  dagmar serve --secret-file /run/secrets/dagmar --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem
  dagmar serve --secret-file secret --listen unix:/run/dagmar/socket --socket-mode 660
  dagmar serve --secret-file secret --env production --environments staging,production --log-format json
  dagmar serve --secret-file secret --observe 1m --metrics-listen 127.0.0.1:9187
  curl -H \"Authorization: Bearer $(cat secret)\" http://127.0.0.1:8080/status
  curl -H \"Authorization: Bearer $(cat secret)\" -X POST http://127.0.0.1:8080/migrate")]
pub struct Args {
    /// Where to listen: HOST:PORT or unix:PATH; may be given several times
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "DAGMAR_LISTEN",
        hide_env_values = true,
        value_delimiter = ',',
        default_value = "127.0.0.1:8080"
    )]
    listen: Vec<Listen>,
    /// The rights of a Unix socket
    #[arg(long, value_name = "MODE", default_value = "660", value_parser = mode)]
    socket_mode: u32,
    /// The file of the certificate and its chain, as PEM: HTTPS
    #[arg(long, value_name = "FILE", env = "DAGMAR_TLS_CERT", hide_env_values = true, requires = "tls_key", value_hint = clap::ValueHint::FilePath)]
    tls_cert: Option<PathBuf>,
    /// The file of the certificate's private key, as PEM; nobody but its owner may read it
    #[arg(long, value_name = "FILE", env = "DAGMAR_TLS_KEY", hide_env_values = true, requires = "tls_cert", value_hint = clap::ValueHint::FilePath)]
    tls_key: Option<PathBuf>,
    /// The address that clients use, if it is another one: https://dagmar.example.org
    #[arg(long, value_name = "URL", env = "DAGMAR_PUBLIC_URL", hide_env_values = true)]
    public_url: Option<PublicUrl>,
    /// The file of the secret; nobody but its owner may read it [default: the variable DAGMAR_SECRET]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    secret_file: Option<PathBuf>,
    /// The file of the key of browsers' sessions: they outlive the service, and count at every instance with this key
    #[arg(long, value_name = "FILE", env = "DAGMAR_SESSION_KEY_FILE", hide_env_values = true, value_hint = clap::ValueHint::FilePath)]
    session_key: Option<PathBuf>,
    /// The file of tokens [default: tokens.json in the project, if it is there]
    #[arg(long, value_name = "FILE", env = "DAGMAR_TOKENS", hide_env_values = true, value_hint = clap::ValueHint::FilePath)]
    tokens: Option<PathBuf>,
    /// Serves only these environments
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    environments: Vec<String>,
    /// What becomes of runs in progress when the service stops: stopped in order, or finished
    #[arg(long, value_name = "WHAT", value_enum, default_value = "stop")]
    on_stop: OnStopArg,
    /// How long runs in progress may take to stop or to finish
    #[arg(long, value_name = "TIME", default_value = "1m")]
    stop_within: HumanDuration,
    /// How often to look at all environments, for the metrics; 0s: never
    #[arg(long, value_name = "TIME", default_value = "30s")]
    observe: HumanDuration,
    /// Where everybody may read the metrics, without a token: HOST:PORT or unix:PATH
    #[arg(long, value_name = "ADDRESS")]
    metrics_listen: Option<Listen>,
    /// The format of the log on stderr
    #[arg(long, value_name = "FORMAT", env = "DAGMAR_LOG_FORMAT", hide_env_values = true, default_value = "text", value_parser = ["text", "json"])]
    log_format: String,
    /// What the log has
    #[arg(long, value_name = "LEVEL", env = "DAGMAR_LOG_LEVEL", hide_env_values = true, default_value = "info", value_parser = ["error", "warn", "info", "debug"])]
    log_level: String,
}

/// What becomes of runs when the service stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OnStopArg {
    /// They stop as by Ctrl-C: the state is recorded, the next run continues
    Stop,
    /// They finish; after --stop-within they are stopped
    Finish,
}

pub fn run(args: &Args, global: &Global, _: &mut Output) -> Outcome {
    only_text(global)?;
    without_huge_pages();
    let mut process = ProcessEnv::of_process();
    let secret = secret(args, &process)?;
    // no file of the project may name it
    process.vars.remove(SERVICE_SECRET);
    let spec = open::spec(global)?;
    let root = open::root(global)?;
    let tokens = args.tokens.clone().or_else(|| Some(root.join(FILE)).filter(|path| path.symlink_metadata().is_ok()));
    let reading = Reading::open(&root, process)?;
    let project = reading.project();
    // a mistake in a name is told now, and not to the first client
    for name in &args.environments {
        project.target(spec.of(name), open::actor())?;
    }
    let target = project.target(spec.clone(), open::actor())?;
    if !args.environments.is_empty() && !args.environments.contains(&target.environment) {
        let why = format!("the default environment `{}` is not one of `--environments`", target.environment);
        return Err(Failure::new(FailureKind::Usage, why).help("name one of them with `--env`, or add it"));
    }
    let config = Config {
        listen: args.listen.clone(),
        socket_mode: args.socket_mode,
        tls: args.tls_cert.clone().zip(args.tls_key.clone()).map(|(cert, key)| TlsFiles { cert, key }),
        public_url: args.public_url.clone(),
        secret,
        session_key: args.session_key.as_deref().map(|path| of_file(path, "session key")).transpose()?,
        tokens,
        environments: (!args.environments.is_empty()).then(|| args.environments.iter().cloned().collect()),
        spec,
        on_stop: match args.on_stop {
            OnStopArg::Stop => OnStop::Stop,
            OnStopArg::Finish => OnStop::Finish,
        },
        stop_within: args.stop_within,
        observe: args.observe,
        metrics_listen: args.metrics_listen.clone(),
    };
    let format = if args.log_format == "json" { LogFormat::Json } else { LogFormat::Text };
    log::start(format, args.log_level.parse().unwrap_or(Level::INFO), log_writer);
    block_on(serve(config, reading, worded))
}

/// The secret of the clients, from the file or the variable.
fn secret(args: &Args, process: &ProcessEnv) -> Result<Option<Secret>, Failure> {
    let usage = |why: String| Failure::new(FailureKind::Usage, why);
    match (&args.secret_file, process.var(SERVICE_SECRET)) {
        (Some(_), Some(_)) => Err(usage(format!("there are two secrets: `--secret-file` and {SERVICE_SECRET}"))
            .help(format!("unset {SERVICE_SECRET}, or leave out `--secret-file`"))),
        (None, Some(text)) => Ok(Some(Secret::new(text))),
        (Some(path), None) => of_file(path, "secret").map(Some),
        (None, None) => Ok(None),
    }
}

fn of_file(path: &Path, what: &str) -> Result<Secret, Failure> {
    let content = file::read(path, LARGEST)
        .map_err(|e| Failure::new(FailureKind::Usage, format!("the {what}'s file `{}` {e}", path.display())))?;
    refuse_shared(path, content.about.mode())?;
    // an editor ends the line
    let text = String::from_utf8_lossy(&content.bytes).trim_end_matches(['\n', '\r']).to_owned();
    Ok(Secret::new(text))
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| format!("`{text}` are no rights of a file: write `660` or `600`"))
}

//! What commands have in common: the project, the environment, the server.

use super::database::{Told, Url};
use super::global::Global;
use super::output::Output;
use super::seal;
use crate::base::file::read_text;
use crate::base::{Failure, Granularity, Ident, Kind, Secrets, diag::nearest};
use crate::ledger::History;
use crate::pg::connect::server::Server;
use crate::pg::embedded::shadow;
use crate::pg::ledger::read;
use crate::pg::lock::Holder;
use crate::pg::{Connection, Embedded, Environment, Settings, connect_with, user_name};
use crate::pipeline::{View, Workspace};
use crate::plan::signature::PublicKey;
use crate::source::{self, Hook, LedgerConfig, Variables, load, project};
use serde_json::Value;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A project, and the environment that a command is about.
pub struct Session {
    /// The project.
    pub workspace: Arc<Workspace>,
    /// The environment.
    pub environment: String,
    /// Its secret variables.
    pub secrets: Secrets,
    variables: Result<Variables, String>,
}

impl Session {
    /// Opens the project that the options name.
    pub fn open(global: &Global) -> Result<Self, Failure> {
        let root = root(global)?;
        let workspace = Workspace::open(&root)?;
        let config = &workspace.loaded.config;
        let environment = global.env.clone().unwrap_or_else(|| config.default_environment().to_owned());
        // with problems in dagmar.yaml its environments are not known
        if config.environment(&environment).is_none()
            && !config.environment_list.is_empty()
            && !workspace.loaded.problems.has_errors()
        {
            let names: Vec<&str> = config.environment_list.iter().map(|(n, _)| n.as_str()).collect();
            let failure = Failure::new(Kind::Usage, format!("there is no environment `{environment}`"));
            return Err(match nearest(&environment, names.iter().copied()) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure.help(format!("dagmar.yaml has: {}", names.join(", "))),
            });
        }
        let variables = variables(&workspace, &environment, &global.vars)?;
        let secrets = secrets(&workspace, &environment);
        Ok(Self { workspace: Arc::new(workspace), environment, secrets, variables })
    }

    /// The same project, seen from another environment.
    pub fn seen_from(&self, environment: &str, global: &Global) -> Result<Self, Failure> {
        let variables = variables(&self.workspace, environment, &global.vars)?;
        let secrets = secrets(&self.workspace, environment);
        Ok(Self { workspace: Arc::clone(&self.workspace), environment: environment.to_owned(), secrets, variables })
    }

    /// The schema of the ledger.
    pub fn ledger(&self) -> &Ident {
        &self.ledger_config().schema
    }

    /// Where the ledger is, and who may own it.
    pub fn ledger_config(&self) -> &LedgerConfig {
        &self.workspace.loaded.config.ledger
    }

    /// The most connections that run steps at the same time.
    pub fn jobs(&self) -> u16 {
        self.workspace.loaded.config.environment(&self.environment).and_then(|e| e.jobs).unwrap_or(4)
    }

    /// What one transaction holds.
    pub fn transaction(&self) -> Granularity {
        self.workspace.loaded.config.environment(&self.environment).map(|e| e.transaction).unwrap_or_default()
    }

    /// What `dagmar.yaml` says of the environment, as it stands there: without its connection and
    /// variables, which may be secrets.
    pub fn policy(&self) -> Value {
        let environment = self.workspace.loaded.config.environment(&self.environment);
        // one that dagmar.yaml does not have says as little as one without a word
        let mut value = match environment {
            Some(environment) => serde_json::to_value(environment),
            None => serde_json::to_value(source::Environment::default()),
        }
        .unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.retain(|key, _| !key.starts_with("url") && key != "variables");
            // their arguments may be secrets
            let hooks = environment.map(|e| e.before_apply.iter().map(Hook::name).collect::<Vec<_>>());
            map.insert("beforeApply".to_owned(), hooks.into());
            // whatever is in a file now is what is meant
            if map.contains_key("signedBy") {
                let keys = self.trusted_keys().into_iter().map(|key| key.unwrap_or_else(|why| why));
                map.insert("signedBy".to_owned(), keys.collect());
            }
        }
        value
    }

    /// The keys of `signedBy` in base64; an error says which cannot be read.
    pub fn trusted_keys(&self) -> Vec<Result<String, String>> {
        let environment = self.workspace.loaded.config.environment(&self.environment);
        let root = &self.workspace.loaded.root;
        let key = |text: &String| match PublicKey::parse(text) {
            Ok(key) => Ok(key.base64()),
            Err(_) => {
                seal::public_key(&root.join(text)).map(|key| key.base64()).map_err(|why| format!("`{text}`: {why}"))
            }
        };
        environment.into_iter().flat_map(|e| &e.signed_by).map(key).collect()
    }

    /// The changesets for the environment.
    pub fn view(&self) -> Result<View<'_>, Failure> {
        let variables = self.variables.clone().map_err(|why| {
            Failure::new(Kind::Usage, why).help("set it, or give the variable another value with `--var`")
        })?;
        self.workspace.view(&self.environment, &variables)
    }

    /// Connects to the environment's server.
    pub async fn connect(&self, global: &Global, out: &mut Output) -> Result<Remote, Failure> {
        self.connect_telling(global, &mut |told| told.to(out)).await
    }

    /// Connects to the environment's server; `tell` hears what is to be told on the way.
    pub async fn connect_telling(&self, global: &Global, tell: &mut dyn FnMut(Told)) -> Result<Remote, Failure> {
        // its URL, its ledger and its policies come from there
        self.workspace.check_project()?;
        // a server may repeat what it is sent, a hook what it finds in its environment
        self.secrets.values().for_each(crate::pg::remember);
        let process = Environment::of_process();
        let url = self.url(global, &process, tell).await?;
        let (settings, embedded) = match &url {
            Some(Url::Embedded) => {
                let embedded = self.embedded().await?;
                (embedded.settings(), Some(embedded))
            }
            Some(Url::Server(url)) => (Settings::resolve(Some(url.expose()), &process)?, None),
            None => (Settings::resolve(None, &process)?, None),
        };
        for warning in &settings.warnings {
            tell(Told::Warning(warning.clone()));
        }
        let mut said = false;
        let connection = connect_with(&settings, Duration::from_millis(global.wait.millis), |failure| {
            if !said {
                said = true;
                tell(Told::Progress(format!("waiting for the server: {failure}")));
            }
        })
        .await?;
        let server = first_answer(&connection, &settings, self.ledger_config()).await?;
        Ok(Remote { connection, server, settings, embedded })
    }

    /// Starts the private server of the environment.
    pub async fn embedded(&self) -> Result<Embedded, Failure> {
        let binaries = std::env::var_os("DAGMAR_PG_BIN").map(PathBuf::from);
        Embedded::persistent(&self.workspace.loaded.root, &self.environment, binaries.as_deref()).await
    }

    /// Starts a private server that is thrown away, like the other one: of its major version where that
    /// is installed, with its roles and its search path.
    pub async fn shadow(&self, other: Option<&Remote>) -> Result<Remote, Failure> {
        self.secrets.values().for_each(crate::pg::remember);
        let binaries = std::env::var_os("DAGMAR_PG_BIN").map(PathBuf::from);
        let major = other.and_then(|other| u32::try_from(other.server.major()).ok());
        let embedded = Embedded::throwaway_like(binaries.as_deref(), major).await?;
        let settings = embedded.settings();
        if let Some(other) = other {
            let first = connect_with(&settings, Duration::default(), |_| {}).await?;
            shadow::resemble(&first, &other.connection).await?;
        }
        let connection = connect_with(&settings, Duration::default(), |_| {}).await?;
        let server = first_answer(&connection, &settings, self.ledger_config()).await?;
        Ok(Remote { connection, server, settings, embedded: Some(embedded) })
    }

    /// Refuses to change a ledger that belongs to another environment.
    pub fn check_bound(&self, history: &History) -> Result<(), Failure> {
        let Some(other) = self.bound_elsewhere(history) else { return Ok(()) };
        let here = &self.environment;
        Err(Failure::new(Kind::Refused, format!("the ledger of this database belongs to `{other}`, not to `{here}`"))
            .note(format!("either it was restored from a dump of `{other}`, or this is the database of `{other}`"))
            .help(format!(
                "check where you are connected; `dagmar adopt --env {here} --reason ...` makes it the ledger of `{here}`"
            )))
    }

    /// The other environment that the ledger belongs to.
    pub fn bound_elsewhere<'a>(&self, history: &'a History) -> Option<&'a str> {
        let config = &self.workspace.loaded.config;
        let bound = history.environment.as_deref()?;
        // a ledger of the time before the project named its environments belongs to any of them
        let unnamed = config.environment_list.is_empty() || bound == "default" && config.environment(bound).is_none();
        (bound != self.environment && !unnamed).then_some(bound)
    }
}

/// A password in the file is known to whoever reads the repository.
pub fn password_warning(environment: &str) -> String {
    format!(
        "dagmar.yaml has a password in the URL of `{environment}`, for all who read the repository: write `${{NAME}}` for \
         it, or use `urlCommand`, `urlFile` or ~/.pgpass"
    )
}

/// The secret variables of an environment, as far as dagmar.yaml can be read.
fn secrets(workspace: &Workspace, environment: &str) -> Secrets {
    workspace.loaded.config.secrets(environment, &|name| std::env::var(name).ok())
}

/// The variables of an environment with those of the command line.
fn variables(workspace: &Workspace, environment: &str, given: &[String]) -> Result<Result<Variables, String>, Failure> {
    let mut variables = workspace.loaded.config.variables(environment, &|name| std::env::var(name).ok());
    if let Ok(variables) = &mut variables {
        for pair in given {
            let Some((name, value)) = pair.split_once('=').filter(|(n, _)| crate::source::variables::is_name(n)) else {
                return Err(Failure::new(Kind::Usage, format!("`--var {pair}` is no `NAME=VALUE`")));
            };
            if variables.is_secret(name) {
                return Err(Failure::new(Kind::Usage, format!("`--var {name}=...`: the variable `{name}` is secret"))
                    .note("others on this machine can read a command line")
                    .help("set the environment variable that dagmar.yaml names as its value"));
            }
            variables.set(name, value);
        }
    }
    Ok(variables)
}

/// The folder of the project: the one that is named, or the nearest.
pub fn root(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(dir) = &global.project {
        return Ok(dir.clone());
    }
    let here = std::env::current_dir()
        .map_err(|e| Failure::new(Kind::Usage, format!("cannot tell the current folder: {e}")))?;
    let root = load::find_root(&here).ok_or_else(|| {
        Failure::new(Kind::Usage, format!("no dagmar.yaml in `{}` or above it", here.display()))
            .help("run `dagmar init` to make a project here, or name one with `--project`")
    })?;
    if root != here {
        of_somebody_trusted(&root)?;
    }
    Ok(root)
}

/// Refuses a project that was found above the working directory and belongs to somebody else:
/// its `urlCommand` and hooks would run as the caller. The rules are those of Git's
/// `safe.directory`: it is ours, or root's; where root works for somebody by sudo, his.
fn of_somebody_trusted(root: &Path) -> Result<(), Failure> {
    let me = rustix::process::geteuid().as_raw();
    let by_sudo = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok()).filter(|_| me == 0);
    let trusted = |uid: u32| uid == me || uid == 0 || Some(uid) == by_sudo;
    let file = root.join(project::FILE);
    for path in [root, file.as_path()] {
        // a link's own owner made it lead there
        for about in [path.symlink_metadata(), path.metadata()] {
            let about =
                about.map_err(|e| Failure::new(Kind::Usage, format!("cannot look at `{}`: {e}", path.display())))?;
            if !trusted(about.uid()) {
                let owner = user_name(about.uid()).unwrap_or_else(|| format!("the user {}", about.uid()));
                return Err(Failure::new(
                    Kind::Refused,
                    format!(
                        "the project found in `{}` belongs to somebody else: `{}` is of `{owner}`",
                        root.display(),
                        path.display()
                    ),
                )
                .note("its commands would run as you")
                .help(format!("if you trust it, name it: `--project {}`, or work in that folder", root.display())));
            }
        }
    }
    Ok(())
}

/// A server that a command talks to.
pub struct Remote {
    /// For statements.
    pub connection: Connection,
    /// What the server says of itself.
    pub server: Server,
    /// For further connections.
    pub settings: Settings,
    /// The server itself, where it is ours.
    pub embedded: Option<Embedded>,
}

impl Remote {
    /// Reads what is applied.
    pub async fn history(&self, ledger: &Ident) -> Result<History, Failure> {
        read::history(&self.connection, &self.server, ledger).await
    }

    /// Whether the connection is of no use any more.
    pub async fn is_gone(&self) -> bool {
        let asked = tokio::time::timeout(Duration::from_secs(5), self.connection.execute("")).await;
        !matches!(asked, Ok(Ok(())))
    }

    /// Connects again, to a server that may have to come back first.
    pub async fn reconnect(&mut self, ledger: &LedgerConfig, wait: Duration) -> Result<(), Failure> {
        let deadline = Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            self.connection = connect_with(&self.settings, left, |_| {}).await?;
            match first_answer(&self.connection, &self.settings, ledger).await {
                // a server that is going down lets in, and closes again
                Err(_) if Instant::now() < deadline && self.is_gone().await => {
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
                server => {
                    self.server = server?;
                    return self.server.check_writable(&ledger.schema);
                }
            }
        }
    }

    /// Where the server is, without secrets.
    pub fn address(&self) -> String {
        if self.embedded.is_some() { "the embedded server".to_owned() } else { self.settings.address() }
    }

    /// Where it is, without secrets.
    pub fn describe(&self) -> String {
        if self.embedded.is_some() { "the embedded server".to_owned() } else { self.settings.describe() }
    }

    /// Ends the session; an embedded server that nobody else uses is stopped.
    pub async fn close(self) -> Result<(), Failure> {
        drop(self.connection);
        match self.embedded {
            Some(embedded) => embedded.close().await,
            None => Ok(()),
        }
    }
}

/// Asks a server that has let us in what it is; one that stays silent is given up as one that
/// cannot be reached.
async fn first_answer(connection: &Connection, settings: &Settings, ledger: &LedgerConfig) -> Result<Server, Failure> {
    let asking = async {
        let answer = Server::ask(connection, ledger).await;
        // the client knows that the connection is closed, the driver knows why
        answer.map_err(|failure| match connection.end() {
            Some(end) if !failure.message.contains(&end.message) => failure.note(end.message.clone()),
            _ => failure,
        })
    };
    let Some(limit) = settings.answer_timeout else { return asking.await };
    tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| {
        let seconds = limit.as_secs();
        let why = format!("`{}` let us in and did not answer within {seconds}s", settings.describe());
        Err(Failure::new(Kind::Database, why)
            .help("is it overloaded, or a pooler without a free connection? a longer `connect_timeout` waits longer"))
    })
}

/// Who runs this command, for the ledger.
pub fn holder() -> Holder {
    let user = Environment::of_process().user.unwrap_or_else(|| "?".to_owned());
    let host = read_text(Path::new("/proc/sys/kernel/hostname"), 4096)
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map_or_else(|| "?".to_owned(), |h| h.trim().to_owned());
    Holder { os_user: user, host }
}

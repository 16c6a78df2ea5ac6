//! What an operation is about: an environment of a project, how its database is reached, and who acts.

use super::keys::public_key;
use crate::base::{
    Actor, Failure, FailureKind, Granularity, Ident, Operation, Secret, Secrets, Setting, diag::nearest,
};
use crate::history::History;
use crate::pg::ProcessEnv;
use crate::pipeline::{View, Workspace};
use crate::plan::signature::PublicKey;
use crate::run::Event;
use crate::source::{self, Hook, LedgerConfig, Variables};
use serde_json::Value;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A project and the process environment that its files refer to.
#[derive(Clone)]
pub struct Project {
    workspace: Arc<Workspace>,
    process: Arc<ProcessEnv>,
    /// Where its files are for as long as it is used, when they came with the program.
    _unpacked: Option<Arc<tempfile::TempDir>>,
}

impl Project {
    /// Reads the project in this directory. `process` has the environment variables for `${NAME}` in dagmar.yaml and for
    /// libpq's variables and files; [`ProcessEnv::of_process`] is that of this process.
    ///
    /// # Errors
    /// If the directory is not a project. Operations report problems in its files.
    pub fn open(root: &Path, process: ProcessEnv) -> Result<Self, Failure> {
        Ok(Self { workspace: Arc::new(Workspace::open(root)?), process: Arc::new(process), _unpacked: None })
    }

    /// Reads a project from files that are embedded in the program, given as paths and contents. It unpacks
    /// them into a private directory, which is removed with the last copy of the value.
    ///
    /// # Errors
    /// If a path leads out of the project, the directory cannot be written, or it is not a project.
    pub fn unpack<'f>(
        files: impl IntoIterator<Item = (&'f Path, &'f [u8])>,
        process: ProcessEnv,
    ) -> Result<Self, Failure> {
        let failed = |what: &Path, why: std::io::Error| {
            Failure::new(FailureKind::Internal, format!("cannot unpack `{}`: {why}", what.display()))
        };
        let folder = tempfile::tempdir().map_err(|why| failed(Path::new("."), why))?;
        for (path, content) in files {
            if !path.components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(Failure::new(
                    FailureKind::Usage,
                    format!("`{}` is not a path inside a project", path.display()),
                ));
            }
            let place = folder.path().join(path);
            let parent = place.parent().unwrap_or(folder.path());
            #[allow(clippy::disallowed_methods)] // a private folder: nothing is overwritten
            let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&place, content));
            written.map_err(|why| failed(path, why))?;
        }
        let workspace = Arc::new(Workspace::open(folder.path())?);
        Ok(Self { workspace, process: Arc::new(process), _unpacked: Some(Arc::new(folder)) })
    }

    /// The files of the project.
    #[must_use]
    pub fn workspace(&self) -> &Arc<Workspace> {
        &self.workspace
    }

    /// The target for an environment, with `spec` as connection and `actor` as user.
    ///
    /// # Errors
    /// If dagmar.yaml has no such environment, or a variable must not be given.
    pub fn target(&self, spec: TargetSpec, actor: Actor) -> Result<Target, Failure> {
        let config = &self.workspace.loaded.config;
        let environment = spec.environment.clone().unwrap_or_else(|| config.default_environment().to_owned());
        // with problems in dagmar.yaml its environments are not known
        if config.environment(&environment).is_none()
            && !config.environment_list.is_empty()
            && !self.workspace.loaded.problems.has_errors()
        {
            let names: Vec<&str> = config.environment_list.iter().map(|(n, _)| n.as_str()).collect();
            let failure = Failure::new(FailureKind::Usage, format!("the environment `{environment}` does not exist"));
            return Err(match nearest(&environment, names.iter().copied()) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure.help(format!("dagmar.yaml has: {}", names.join(", "))),
            });
        }
        let variables = self.variables(&environment, &spec.variables)?;
        let var = |name: &str| self.process.vars.get(name).cloned();
        let secrets = config.secrets(&environment, &var);
        Ok(Target { project: self.clone(), environment, secrets, actor, spec, variables })
    }

    /// The process environment that the project's files refer to.
    #[must_use]
    pub fn process(&self) -> &ProcessEnv {
        &self.process
    }

    /// The variables of an environment with those that were given.
    fn variables(&self, environment: &str, given: &[(String, String)]) -> Result<Result<Variables, String>, Failure> {
        let var = |name: &str| self.process.vars.get(name).cloned();
        let mut variables = self.workspace.loaded.config.variables(environment, &var);
        if let Ok(variables) = &mut variables {
            for (name, value) in given {
                if variables.is_secret(name) {
                    return Err(Failure::new(
                        FailureKind::Usage,
                        format!("the variable `{name}` is secret and cannot be given for one run"),
                    )
                    .note("others on this machine can read a command line")
                    .help("set the environment variable that dagmar.yaml names as its value"));
                }
                variables.set(name, value);
            }
        }
        Ok(variables)
    }
}

/// An environment and its connection.
#[derive(Debug, Clone, Default)]
pub struct TargetSpec {
    /// The environment; absent: the first one of dagmar.yaml.
    pub environment: Option<String>,
    /// The connection instead of the environment's; `embedded`: a private server.
    pub url: Option<Secret>,
    /// Values for `${NAME}` in changesets.
    pub variables: Vec<(String, String)>,
    /// How long to wait for a server that is starting.
    pub wait: Duration,
    /// Whether to show what a `urlCommand` writes to its standard error.
    pub shows_commands: bool,
    /// Words behind the `application_name` of the sessions, such as the id of a request.
    pub session: Option<String>,
    /// How long the server may work on one query; absent: as long as the settings of the connection say.
    pub query_limit: Option<Duration>,
}

impl TargetSpec {
    /// The database with this URL.
    #[must_use]
    pub fn url(url: &str) -> Self {
        Self { url: Some(Secret::new(url)), ..Self::default() }
    }

    /// The environment with this name.
    #[must_use]
    pub fn environment(name: &str) -> Self {
        Self { environment: Some(name.to_owned()), ..Self::default() }
    }

    /// Another environment of the same project, with its connection from dagmar.yaml.
    #[must_use]
    pub fn of(&self, environment: &str) -> Self {
        Self { environment: Some(environment.to_owned()), url: None, ..self.clone() }
    }
}

/// An environment of a project, its connection, and the actor.
pub struct Target {
    project: Project,
    /// The environment.
    pub environment: String,
    /// The secret variables of the environment.
    pub secrets: Secrets,
    /// The user that acts.
    pub actor: Actor,
    pub(super) spec: TargetSpec,
    variables: Result<Variables, String>,
}

impl Target {
    /// Another environment of the same project, with its connection from dagmar.yaml.
    ///
    /// # Errors
    /// As [`Project::target`].
    pub fn of(&self, environment: &str) -> Result<Self, Failure> {
        self.project.target(self.spec.of(environment), self.actor.clone())
    }

    /// An environment of the same project: this one with its connection, another one with that of dagmar.yaml.
    ///
    /// # Errors
    /// As [`Project::target`].
    pub fn or_of(&self, environment: &str) -> Result<Self, Failure> {
        if environment != self.environment {
            return self.of(environment);
        }
        self.project.target(self.spec.clone(), self.actor.clone())
    }

    /// Whether its connection was given, instead of that of dagmar.yaml.
    #[must_use]
    pub fn has_url(&self) -> bool {
        self.spec.url.is_some()
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The files of the project.
    #[must_use]
    pub fn workspace(&self) -> &Workspace {
        &self.project.workspace
    }

    /// The process environment that the project's files refer to.
    #[must_use]
    pub fn process(&self) -> &ProcessEnv {
        &self.project.process
    }

    /// How long to wait for a server that is starting.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.spec.wait
    }

    /// The directory of PostgreSQL's programs, if `DAGMAR_PG_BIN` is set.
    #[must_use]
    pub fn binaries(&self) -> Option<PathBuf> {
        self.process().vars.get("DAGMAR_PG_BIN").map(PathBuf::from)
    }

    /// The environment in dagmar.yaml.
    #[must_use]
    pub fn config(&self) -> Option<&source::Environment> {
        self.workspace().loaded.config.environment(&self.environment)
    }

    /// The database roles of services whose approvals are those of people.
    #[must_use]
    pub fn approval_services(&self) -> &[String] {
        let approvals = self.config().and_then(|environment| environment.approvals.as_ref());
        approvals.map_or(&[], |approvals| &approvals.services)
    }

    /// The schema of the ledger.
    pub fn ledger(&self) -> &Ident {
        &self.ledger_config().schema
    }

    /// The schema of the ledger, and its trusted owners.
    pub fn ledger_config(&self) -> &LedgerConfig {
        &self.workspace().loaded.config.ledger
    }

    /// The maximum number of connections that run steps concurrently.
    pub fn jobs(&self) -> u16 {
        self.config().and_then(|e| e.jobs).unwrap_or(4)
    }

    /// The scope of a transaction.
    pub fn transaction(&self) -> Granularity {
        self.config().map(|e| e.transaction).unwrap_or_default()
    }

    /// The policy of the environment in `dagmar.yaml`, without connection and variables, which can be secrets.
    pub fn policy(&self) -> Value {
        let environment = self.config();
        // one that dagmar.yaml does not have says as little as one without a word
        let mut value = match environment {
            Some(environment) => serde_json::to_value(environment),
            None => serde_json::to_value(source::Environment::default()),
        }
        .unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.retain(|key, _| !key.starts_with("url") && key != "variables");
            // with what the project says for all environments
            let lint = self.workspace().lint_policy(&self.environment);
            if !lint.is_empty() {
                map.insert("lint".to_owned(), serde_json::to_value(lint).unwrap_or_default());
            }
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

    /// The keys of `signedBy` in base64; an error names a key that cannot be read.
    pub fn trusted_keys(&self) -> Vec<Result<String, String>> {
        let environment = self.config();
        let root = &self.workspace().loaded.root;
        let key = |text: &String| match PublicKey::parse(text) {
            Ok(key) => Ok(key.base64()),
            Err(_) => public_key(&root.join(text)).map(|key| key.base64()).map_err(|why| format!("`{text}`: {why}")),
        };
        environment.into_iter().flat_map(|e| &e.signed_by).map(key).collect()
    }

    /// The changesets for the environment.
    pub fn view(&self) -> Result<View<'_>, Failure> {
        let variables = self.variables.clone().map_err(|why| {
            Failure::new(FailureKind::Usage, why)
                .help("set it, or give the variable another value with " + Setting::Var)
        })?;
        self.workspace().view(&self.environment, &variables)
    }

    /// Refuses to change a ledger that belongs to another environment.
    pub fn check_bound(&self, history: &History) -> Result<(), Failure> {
        let Some(other) = self.bound_elsewhere(history) else { return Ok(()) };
        let here = &self.environment;
        Err(Failure::new(
            FailureKind::Refused,
            format!("the ledger of this database belongs to `{other}`, not to `{here}`"),
        )
        .note(format!("either it was restored from a dump of `{other}`, or this is the database of `{other}`"))
        .help(
            "check the connection; "
                + Operation::Adopt.at(here).with(Setting::Reason.open())
                + format!(" makes it the ledger of `{here}`"),
        ))
    }

    /// The warning where the ledger belongs to another environment and is only read.
    pub fn warn_bound_elsewhere(&self, history: &History) -> Option<Event> {
        let other = self.bound_elsewhere(history)?;
        Some(Event::Warning {
            message: format!("the ledger of this database belongs to `{other}`"),
            todo_parts: Some("see " + Operation::Adopt),
        })
    }

    /// The other environment that the ledger belongs to.
    pub fn bound_elsewhere<'a>(&self, history: &'a History) -> Option<&'a str> {
        let config = &self.workspace().loaded.config;
        let bound = history.environment.as_deref()?;
        // a ledger of the time before the project named its environments belongs to any of them
        let unnamed = config.environment_list.is_empty() || bound == "default" && config.environment(bound).is_none();
        (bound != self.environment && !unnamed).then_some(bound)
    }
}

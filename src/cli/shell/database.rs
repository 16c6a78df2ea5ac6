//! Which database a command is about, and its URL from where it is kept.

use super::global::Global;
use super::output::Output;
use super::session::{Session, password_warning};
use crate::base::{Failure, Kind};
use crate::pg::connect::address;
use crate::pg::{Environment, Secret, Settings};
use crate::source::Address;
use crate::source::declared::fill_from_process;
use crate::source::password::has_password;

/// The word that stands for a private server on this machine.
pub const EMBEDDED: &str = "embedded";

/// libpq's variables that name a server or a database.
const NAMING: [&str; 4] = ["PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE"];

/// What is told on the way to a server.
pub enum Told {
    /// Worth care.
    Warning(String),
    /// What is waited for.
    Progress(String),
}

impl Told {
    /// Tells it.
    pub fn to(&self, out: &mut Output) {
        match self {
            Told::Warning(text) => out.warn(text),
            Told::Progress(text) => out.say(text.as_str()),
        }
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Told::Warning(text) => write!(f, "warning: {text}"),
            Told::Progress(text) => f.write_str(text),
        }
    }
}

/// A URL that was read.
pub enum Url {
    /// The private server on this machine.
    Embedded,
    /// A server.
    Server(Secret),
}

impl Url {
    fn of(text: &str) -> Self {
        if text == EMBEDDED { Url::Embedded } else { Url::Server(Secret::new(text)) }
    }
}

impl Session {
    /// The connection that is meant: `--url`; else the environment's own; else `DATABASE_URL`,
    /// the `PG*` variables, libpq's defaults. An environment that nobody named must not be
    /// passed over by a variable, nor a variable by it: where they name different databases,
    /// somebody has to say which.
    pub async fn url(
        &self,
        global: &Global,
        process: &Environment,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Option<Url>, Failure> {
        if let Some(url) = &global.url {
            return Ok(Some(Url::of(url)));
        }
        let Some(own) = self.workspace.loaded.config.environment(&self.environment).and_then(|e| e.address()) else {
            return Ok(process.var("DATABASE_URL").map(Url::of));
        };
        if global.env.is_none() {
            self.one_database(own, process)?;
        }
        self.read(own, global, process, tell).await.map(Some)
    }

    /// Refuses when a variable of the process names another database than the environment that
    /// is taken because none was named.
    fn one_database(&self, own: Address<'_>, process: &Environment) -> Result<(), Failure> {
        let url = process.var("DATABASE_URL");
        let variables: Vec<String> = match url {
            Some(_) => vec!["`DATABASE_URL`".to_owned()],
            None => NAMING.iter().filter(|name| process.var(name).is_some()).map(|name| format!("`{name}`")).collect(),
        };
        if variables.is_empty() {
            return Ok(());
        }
        let others = Settings::resolve(url, process);
        let mine = match own {
            Address::Url(text) => {
                let text = self.filled(text)?;
                match Settings::resolve(Some(&text), process) {
                    _ if text == EMBEDDED => "the embedded server".to_owned(),
                    Ok(mine) if others.as_ref().is_ok_and(|others| others.describe() == mine.describe()) => {
                        return Ok(());
                    }
                    Ok(mine) => mine.describe(),
                    Err(wrong) => return Err(wrong),
                }
            }
            Address::Command(..) => "what its `urlCommand` says".to_owned(),
            Address::File(_) => "what its `urlFile` says".to_owned(),
        };
        let (here, names) = (&self.environment, variables.join(", "));
        let verb = if variables.len() == 1 { "names" } else { "name" };
        let theirs = others.map_or_else(|_| "no valid connection".to_owned(), |others| others.describe());
        let variable = if url.is_some() { "--url \"$DATABASE_URL\"" } else { "--url postgres://" };
        Err(Failure::new(
            Kind::Usage,
            format!("{names} {verb} another database than the environment `{here}` of dagmar.yaml; nothing was done"),
        )
        .note(format!("{names}: {theirs}"))
        .note(format!("`{here}`: {mine}"))
        .help(format!(
            "`--env {here}` (or DAGMAR_ENV={here}) takes that of dagmar.yaml, `{variable}` that of the process"
        )))
    }

    /// A text of the environment's URL with variables of the process.
    fn filled(&self, text: &str) -> Result<String, Failure> {
        fill_from_process(text, &|name| std::env::var(name).ok()).map_err(|why| {
            Failure::new(Kind::Usage, format!("the URL of the environment `{}`: {why}", self.environment))
                .help("set it, or give the connection with `--url`")
        })
    }

    /// Reads the environment's URL from where it is kept.
    async fn read(
        &self,
        address: Address<'_>,
        global: &Global,
        process: &Environment,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Url, Failure> {
        let root = &self.workspace.loaded.root;
        let named = |failure: Failure| Failure {
            message: format!("the environment `{}`: {}", self.environment, failure.message),
            ..failure
        };
        match address {
            Address::Url(url) => {
                if has_password(url) {
                    tell(Told::Warning(password_warning(&self.environment)));
                }
                Ok(Url::of(&self.filled(url)?))
            }
            Address::Command(command, limit) => {
                let asked = address::of_command(root, command, limit, global.verbose > 0).await;
                asked.map(Url::Server).map_err(named)
            }
            Address::File(path) => {
                let (url, warning) = address::of_file(root, &self.filled(path)?, process.read).map_err(named)?;
                if let Some(warning) = warning {
                    tell(Told::Warning(warning));
                }
                Ok(Url::Server(url))
            }
        }
    }
}

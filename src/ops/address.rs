//! Which database a command is about, and its URL from where it is kept.

use super::Target;
use crate::base::remedy::Argument;
use crate::base::{Failure, FailureKind, Secret, Setting};
use crate::pg::Settings;
use crate::pg::connect::address;
use crate::run::{Event, Observer};
use crate::source::Address;
use crate::source::declared::fill_from_process;
use crate::source::password::has_password;

/// The URL that stands for a private server on this machine.
pub const EMBEDDED: &str = "embedded";

/// libpq's variables that name a server or a database.
const NAMING: [&str; 4] = ["PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE"];

/// The URL of a connection.
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

impl Target {
    /// The URL of the connection: `--url`; the environment's own; `DATABASE_URL`, the `PG*` variables and
    /// libpq's defaults. Without a named environment, it is an error if the environment and a variable lead to
    /// different databases: the user has to choose.
    pub async fn url(&self, observer: &mut dyn Observer) -> Result<Option<Url>, Failure> {
        if let Some(url) = &self.spec.url {
            return Ok(Some(Url::of(url.expose())));
        }
        let Some(own) = self.config().and_then(|e| e.address()) else {
            return Ok(self.process().var("DATABASE_URL").map(Url::of));
        };
        if self.spec.environment.is_none() {
            self.one_database(own)?;
        }
        self.read(own, observer).await.map(Some)
    }

    /// Whether the connection is to the private server on this machine.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        let own = self.config().and_then(|e| e.address());
        match (&self.spec.url, own) {
            (Some(url), _) => url.expose() == EMBEDDED,
            (None, Some(Address::Url(text))) => self.filled(text).is_ok_and(|text| text == EMBEDDED),
            (None, Some(_)) => false,
            (None, None) => self.process().var("DATABASE_URL") == Some(EMBEDDED),
        }
    }

    /// The settings of a URL that is written in dagmar.yaml; `None`: there is none, or it is a private server.
    ///
    /// # Errors
    /// A URL that is none, or a variable in it without a value.
    pub fn written_settings(&self) -> Result<Option<Settings>, Failure> {
        match self.config().and_then(|environment| environment.address()) {
            Some(Address::Url(text)) if text != EMBEDDED => {
                Settings::resolve(Some(&self.filled(text)?), self.process()).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Refuses when a variable of the process names another database than the environment that
    /// is taken because none was named.
    fn one_database(&self, own: Address<'_>) -> Result<(), Failure> {
        let url = self.process().var("DATABASE_URL");
        let variables: Vec<String> = match url {
            Some(_) => vec!["`DATABASE_URL`".to_owned()],
            None => NAMING
                .iter()
                .filter(|name| self.process().var(name).is_some())
                .map(|name| format!("`{name}`"))
                .collect(),
        };
        if variables.is_empty() {
            return Ok(());
        }
        let others = Settings::resolve(url, self.process());
        let mine = match own {
            Address::Url(text) => {
                let text = self.filled(text)?;
                match Settings::resolve(Some(&text), self.process()) {
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
        let variable = || Argument::Variable { variable: "DATABASE_URL".to_owned() };
        let process = Setting::Url.to(url.map_or_else(|| "postgres://".into(), |_| variable()));
        Err(Failure::new(
            FailureKind::Usage,
            format!("{names} {verb} another database than the environment `{here}` of dagmar.yaml; nothing was done"),
        )
        .note(format!("{names}: {theirs}"))
        .note(format!("`{here}`: {mine}"))
        .help(
            Setting::Env.to(here)
                + format!(" (or DAGMAR_ENV={here}) takes that of dagmar.yaml, ")
                + process
                + " that of the process",
        ))
    }

    /// A text of the environment's URL with variables of the process.
    fn filled(&self, text: &str) -> Result<String, Failure> {
        fill_from_process(text, &|name| self.process().vars.get(name).cloned()).map_err(|why| {
            Failure::new(FailureKind::Usage, format!("the URL of the environment `{}`: {why}", self.environment))
                .help("set it, or give the connection with " + Setting::Url)
        })
    }

    /// Reads the environment's URL from where it is kept.
    async fn read(&self, address: Address<'_>, observer: &mut dyn Observer) -> Result<Url, Failure> {
        let root = &self.workspace().loaded.root;
        let named = |failure: Failure| Failure {
            message: format!("the environment `{}`: {}", self.environment, failure.message),
            ..failure
        };
        match address {
            Address::Url(url) => {
                if has_password(url) {
                    observer.on(&Event::warning(password_warning(&self.environment)));
                }
                Ok(Url::of(&self.filled(url)?))
            }
            Address::Command(command, limit) => {
                let asked = address::of_command(root, command, limit, self.spec.shows_commands).await;
                asked.map(Url::Server).map_err(named)
            }
            Address::File(path) => {
                let (url, warning) = address::of_file(root, &self.filled(path)?, self.process().read).map_err(named)?;
                if let Some(warning) = warning {
                    observer.on(&Event::warning(warning));
                }
                Ok(Url::Server(url))
            }
        }
    }
}

/// The warning about a password in dagmar.yaml.
pub fn password_warning(environment: &str) -> String {
    format!(
        "dagmar.yaml has a password in the URL of `{environment}`, for all who read the repository: write `${{NAME}}` for \
         it, or use `urlCommand`, `urlFile` or ~/.pgpass"
    )
}

//! Reaching the database of a target.

use super::Target;
use super::address::Url;
use crate::base::Failure;
use crate::pg::embedded::shadow;
use crate::pg::{Database, Embedded, Settings, connect_with};
use crate::run::{Event, Observer};
use std::time::Duration;

impl Target {
    /// Connects to the environment's database; `observer` hears what is worth knowing on the way.
    ///
    /// # Errors
    /// Mistakes in dagmar.yaml, a connection that is not clear, a server that cannot be reached.
    pub async fn connect(&self, observer: &mut dyn Observer) -> Result<Database, Failure> {
        self.connect_within(self.spec.wait, observer).await
    }

    /// The same, with another time that a server which is starting is waited for.
    ///
    /// # Errors
    /// As [`Target::connect`].
    pub async fn connect_within(&self, wait: Duration, observer: &mut dyn Observer) -> Result<Database, Failure> {
        // its URL, its ledger and its policies come from there
        self.workspace().check_project()?;
        // a server may repeat what it is sent, a hook what it finds in its environment
        self.secrets.values().for_each(crate::pg::remember);
        let (settings, embedded) = match &self.url(observer).await? {
            Some(Url::Embedded) => {
                let embedded = self.embedded().await?;
                (embedded.settings(), Some(embedded))
            }
            Some(Url::Server(url)) => (Settings::resolve(Some(url.expose()), self.process())?, None),
            None => (Settings::resolve(None, self.process())?, None),
        };
        for warning in &settings.warnings {
            observer.on(&Event::warning(warning));
        }
        let mut said = false;
        Database::connect(settings, embedded, self.ledger_config(), wait, |failure| {
            if !said {
                said = true;
                observer.on(&Event::Waiting { message: format!("waiting for the server: {failure}") });
            }
        })
        .await
    }

    /// Starts the private server of the environment.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn embedded(&self) -> Result<Embedded, Failure> {
        let root = &self.workspace().loaded.root;
        Embedded::persistent(root, &self.environment, self.binaries().as_deref()).await
    }

    /// Starts a private server that is thrown away, like the other one: of its major version where that
    /// is installed, with its roles and its search path.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn shadow(&self, other: Option<&Database>) -> Result<Database, Failure> {
        self.secrets.values().for_each(crate::pg::remember);
        let major = other.and_then(|other| u32::try_from(other.server.major()).ok());
        let embedded = Embedded::throwaway_like(self.binaries().as_deref(), major).await?;
        let settings = embedded.settings();
        if let Some(other) = other {
            let first = connect_with(&settings, Duration::default(), |_| {}).await?;
            shadow::resemble(&first, &other.connection).await?;
        }
        Database::connect(settings, Some(embedded), self.ledger_config(), Duration::ZERO, |_| {}).await
    }
}

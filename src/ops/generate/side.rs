//! A database, or the project, whose catalog is compared.

use super::shadow::{Trial, Tried, scope};
use crate::base::{Failure, FailureKind, Secret, diag::nearest};
use crate::inspect::Snapshot;
use crate::ops::progress::OnProgress;
use crate::ops::{Target, TargetSpec};
use crate::pg::{Database, inspect};
use crate::run::Observer;

/// The word for the project on the command line.
pub const PROJECT: &str = "project";

/// What is compared.
#[derive(Debug, Clone)]
pub enum Side {
    /// The changesets of the project, applied to an empty database.
    Project,
    /// The database of an environment of the project.
    Environment(String),
    /// A database.
    Url(Secret),
}

impl Side {
    /// What a word names: `project`, an environment, or a URL.
    ///
    /// # Errors
    /// If it is none of them.
    pub fn parse(word: &str, target: &Target) -> Result<Self, Failure> {
        let config = &target.workspace().loaded.config;
        if config.environment(word).is_some() {
            return Ok(Self::Environment(word.to_owned()));
        }
        if word == PROJECT {
            return Ok(Self::Project);
        }
        if word.contains("://") || word.contains('=') {
            return Ok(Self::Url(Secret::new(word)));
        }
        let failure = Failure::new(FailureKind::Usage, format!("`{word}` is neither an environment nor a URL"));
        let names: Vec<&str> = config.environment_list.iter().map(|(name, _)| name.as_str()).chain([PROJECT]).collect();
        Err(match nearest(word, names.iter().copied()) {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure.help(format!("there are: {}", names.join(", "))),
        })
    }

    /// The target whose database it is; `None`: the project.
    pub(super) fn target(&self, of: &Target) -> Result<Option<Target>, Failure> {
        Ok(match self {
            Self::Project => None,
            // the one that was asked for may have a connection of its own
            Self::Environment(name) if *name == of.environment => {
                Some(of.project().target(of.spec.clone(), of.actor.clone())?)
            }
            Self::Environment(name) => Some(of.of(name)?),
            Self::Url(url) => {
                let spec = TargetSpec { url: Some(url.clone()), ..of.spec.clone() };
                Some(of.project().target(spec, of.actor.clone())?)
            }
        })
    }
}

/// A catalog that was read, and where.
pub(super) struct Found {
    pub catalog: Snapshot,
    /// The place, in words.
    pub place: String,
    /// The role that reads it, and owns what the project makes.
    pub role: String,
    /// The version of the server.
    pub version: String,
}

/// Reads the catalog of a database.
pub(super) async fn of_database(target: &Target, db: &Database) -> Result<Found, Failure> {
    Ok(Found {
        catalog: inspect::snapshot(&db.connection, &scope(target)).await?,
        place: db.describe(),
        role: db.server.user.clone(),
        version: db.server.release(),
    })
}

/// Connects to the database of a side; `None`: the project.
pub(super) async fn connect(
    side: &Side,
    target: &Target,
    observer: &mut dyn Observer,
) -> Result<Option<Database>, Failure> {
    match side.target(target)? {
        Some(target) => Ok(Some(target.connect(observer).await?)),
        None => Ok(None),
    }
}

/// Reads the catalog of a side; without a database it is the project.
pub(super) async fn of_side(
    db: Option<&Database>,
    trial: &mut Trial<'_>,
    progress: OnProgress<'_>,
) -> Result<Found, Failure> {
    match db {
        Some(db) => of_database(trial.target, db).await,
        None => of_project(trial, progress).await,
    }
}

/// Makes the catalog that the changesets of the project make.
async fn of_project(trial: &mut Trial<'_>, progress: OnProgress<'_>) -> Result<Found, Failure> {
    let target = trial.target;
    let steps = target.view()?.steps()?.into_iter().map(|(_, step)| step).collect();
    let mut db = trial.database().await?;
    match trial.apply_steps(&mut db, steps, "apply the project on a private server", progress).await? {
        Tried::Applied => {}
        Tried::Failed(error) => {
            return Err(Failure::new(
                FailureKind::Failed,
                format!(
                    "the changeset `{}` cannot be applied to an empty database: {}",
                    error.changeset, error.message
                ),
            )
            .help("what the project needs and does not make has to be in a changeset"));
        }
    }
    let found = Found {
        catalog: trial.read(&db).await?,
        place: "the project".to_owned(),
        role: db.server.user.clone(),
        version: db.server.release(),
    };
    db.close().await?;
    Ok(found)
}

//! An environment for a caller, on its way to the thread that works with it.

use super::held::Held;
use crate::base::{Actor, Failure};
use crate::ops::{Project, Target, TargetSpec};

/// An environment for a caller, on its way to the thread that works with it.
#[derive(Clone)]
pub struct Aim {
    /// The project as it is now.
    pub project: Project,
    /// The name of the environment.
    pub environment: String,
    /// Whether it is the default one, whose private server the service starts.
    pub is_default: bool,
    /// The environment and its connection.
    pub spec: TargetSpec,
    /// Who acts.
    pub actor: Actor,
    /// The private servers that are kept running.
    pub held: Held,
}

impl Aim {
    /// The target, without its private server.
    ///
    /// # Errors
    /// As [`Project::target`].
    pub fn looking(&self) -> Result<Target, Failure> {
        self.project.target(self.spec.clone(), self.actor.clone())
    }

    /// The target. Its private server is started if it has one, and is kept running.
    ///
    /// # Errors
    /// As [`Project::target`], and a private server that does not start.
    pub async fn target(&self) -> Result<Target, Failure> {
        let target = self.looking()?;
        self.held.hold(&target).await?;
        Ok(target)
    }
}

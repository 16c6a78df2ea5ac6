//! Where a promotion comes from.

use super::Target;
use crate::base::{Failure, FailureKind, Operation, Remedy, Setting};
use crate::pg::Database;
use crate::run::Observer;

/// The source of a promotion.
pub struct PromotionSource {
    /// The source environment.
    pub target: Target,
    /// The database of the source environment.
    pub database: Database,
}

impl PromotionSource {
    /// Connects to the source environment.
    ///
    /// # Errors
    /// If its server cannot be reached.
    pub async fn connect(target: Target, observer: &mut dyn Observer) -> Result<Self, Failure> {
        let of =
            |failure: Failure| Failure { message: format!("`{}`: {}", target.environment, failure.message), ..failure };
        let database = target.connect(observer).await.map_err(|failure| of(failure).note("nothing was run"))?;
        Ok(Self { target, database })
    }
}

/// Finds the source environment; a promotion cannot skip an environment.
///
/// # Errors
/// If the named environment is not the `promoteFrom` of the target, or cannot be reached.
pub fn source(target: &Target, from: Option<&str>) -> Result<Target, Failure> {
    let (config, to) = (&target.workspace().loaded.config, target.environment.as_str());
    let wrong = |message: String, help: Remedy| Failure::new(FailureKind::Usage, message).help(help);
    let before = config.environment(to).and_then(|e| e.promote_from.clone());
    let from = match (from, &before) {
        (Some(from), Some(before)) if from != before => {
            let message = format!("`{to}` is promoted from `{before}`, not from `{from}`");
            return Err(wrong(
                message,
                Remedy::from(format!("promote to `{before}` first: ")) + Operation::Promote.at(before),
            ));
        }
        (Some(from), _) => from.to_owned(),
        (None, Some(before)) => before.clone(),
        (None, None) => {
            let message = format!("`{to}` has no `promoteFrom` in dagmar.yaml");
            return Err(wrong(message, "name the source: " + Setting::From.to("staging") + ", or set `promoteFrom`"));
        }
    };
    let place = |name: &str| config.environment_list.iter().position(|(n, _)| n == name);
    let Some(first) = place(&from) else {
        let names: Vec<&str> = config.environment_list.iter().map(|(n, _)| n.as_str()).collect();
        return Err(wrong(
            format!("the environment `{from}` does not exist"),
            format!("dagmar.yaml has: {}", names.join(", ")).into(),
        ));
    };
    if place(to).is_none_or(|last| first >= last) {
        let message = format!("`{from}` does not come before `{to}`");
        return Err(wrong(message, "list the environments in dagmar.yaml in the order of promotion".into()));
    }
    if config.environment(&from).is_none_or(|e| e.url.is_none() && e.url_command.is_none() && e.url_file.is_none()) {
        let message = format!("the environment `{from}` has no `url`, `urlCommand` or `urlFile`");
        return Err(wrong(message, "a promotion connects to both databases: add it in dagmar.yaml".into()));
    }
    target.of(&from)
}

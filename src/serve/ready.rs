//! Whether the service can do its work: the project has no mistakes in dagmar.yaml, and the database of the default
//! environment answers.

use super::problem::{Kind, Problem};
use super::service::Service;
use crate::base::{Actor, Failure, FailureKind};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::spawn_local;

/// How long an answer holds: probes of any number ask the database once in this time.
const HOLDS: Duration = Duration::from_secs(5);

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the service is ready. Why it is not is said in the log alone: strangers may ask.
///
/// # Errors
/// It is not.
pub async fn ready(service: &Rc<Service>) -> Result<(), Problem> {
    if service.is_stopping() {
        return Err(Problem::new(Kind::Stopping, "the service stops"));
    }
    service.who.check()?;
    // a task of its own: strangers who ask and go away must not begin one look after the other
    let found = spawn_local(found(service.clone())).await;
    match found.unwrap_or(Some(Kind::Internal)) {
        None => Ok(()),
        Some(Kind::Broken) => Err(Problem::new(Kind::Broken, "the project cannot be used; the log says why")),
        Some(kind) => Err(Problem::new(kind, "the database cannot be used; the log says why")),
    }
}

/// What was found last, or is found now.
async fn found(service: Rc<Service>) -> Option<Kind> {
    // who comes meanwhile waits here and finds the answer
    let mut last = service.readiness.0.lock().await;
    if let Some((_, found)) = last.filter(|(at, _)| at.elapsed() < HOLDS) {
        return found;
    }
    let found = look(&service).await;
    let before = last.map(|(_, found)| found);
    *last = Some((Instant::now(), found.as_ref().err().map(|(kind, _)| *kind)));
    match &found {
        Ok(()) if before != Some(None) => tracing::info!("ready"),
        Err((kind, why)) if before != Some(Some(*kind)) => tracing::warn!("not ready: {why}"),
        _ => {}
    }
    found.err().map(|(kind, _)| kind)
}

async fn look(service: &Service) -> Result<(), (Kind, String)> {
    let aim = service.aim_at_default(Actor::new("service", "ready"));
    let asked = service.work(move || {
        Box::pin(async move {
            if let Err(failure) = aim.project.workspace().check_project() {
                return Ok(Err((Kind::Broken, told(&failure))));
            }
            let reached = async {
                // a private server may take its time to be made
                let target = aim.target().await?;
                let answer = async { target.connect_within(Duration::ZERO, &mut ()).await?.close().await };
                let silent = || Failure::new(FailureKind::Database, "the database does not answer");
                tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(silent()))
            };
            Ok(reached.await.map_err(|failure: Failure| (Kind::Unreachable, told(&failure))))
        })
    });
    asked.await.unwrap_or_else(|problem| Err((Kind::Unreachable, problem.code().to_owned())))
}

fn told(failure: &Failure) -> String {
    crate::base::text::one_line(&failure.message)
}

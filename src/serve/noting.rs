//! What the guard refuses to somebody who is known is noted in the ledger of the environment, as every other refusal.

use super::aim::Aim;
use super::caller::Caller;
use super::service::Service;
use crate::base::{Failure, FailureKind};
use crate::ops::refusal::{self, Attempt};
use std::rc::Rc;
use tokio::task::spawn_local;

/// Notes that a route was refused to a caller, for a plan if it is of one, in the background: at most once a minute for him, the route and the
/// environment, so that nobody fills a ledger with what he may not do.
pub fn note(service: &Rc<Service>, route: &'static str, (caller, plan): (&Caller, Option<&str>), aim: Aim, why: &str) {
    if !service.who.may_be_noted(caller, route, &aim.environment) {
        return;
    }
    let (service, failure, plan) = (service.clone(), Failure::new(FailureKind::Refused, why), plan.map(str::to_owned));
    spawn_local(async move {
        let work = service.work(move || {
            Box::pin(async move {
                let target = aim.target().await?;
                refusal::note(&failure, Attempt { operation: route, plan: plan.as_deref() }, &target).await
            })
        });
        if let Err(problem) = work.await {
            tracing::warn!(route, code = problem.code(), "a refusal could not be recorded in the ledger");
        }
    });
}

//! What the routes that run something have in common: how long the caller waits, what happens if another run is in
//! progress, whether the request came before, and what is answered.

use crate::base::HumanDuration;
use crate::history::RunKind;
use crate::pg::run::FailedStep;
use crate::serve::aim::Aim;
use crate::serve::exchange::Exchange;
use crate::serve::parameter::{ENVIRONMENT, Form, Parameter};
use crate::serve::problem::{Kind, Problem};
use crate::serve::runs::{Asked, IfBusy, Live, Order, Repeat, State, Turned, What};
use crate::serve::service::Service;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The parameters of routes that run something.
pub(super) const QUERY: &[Parameter] = &[
    ENVIRONMENT,
    Parameter {
        name: "wait",
        about: "How long to wait for the end of the run, at most 1d; default: 15m.",
        form: Form::Text,
    },
    Parameter {
        name: "if_busy",
        about: "What happens if another run is in progress: `refuse` (the default) or `queue`.",
        form: Form::OneOf(|| vec!["refuse", "queue"]),
    },
];

/// How long who does not say it waits for a run.
const WAIT: HumanDuration = HumanDuration::secs(15 * 60);

/// How long one can wait.
const LONGEST: HumanDuration = HumanDuration::secs(24 * 60 * 60);

/// The most characters of a key.
const KEY: usize = 255;

/// How a caller asks.
pub(super) struct Asking {
    wait: Duration,
    if_busy: IfBusy,
    repeat: Option<Repeat>,
}

impl Asking {
    /// As the request says.
    ///
    /// # Errors
    /// A parameter or header that is not valid.
    pub(super) fn of(exchange: &Exchange, environment: &str) -> Result<Self, Problem> {
        let wrong = |name: &str, why: &str| {
            Problem::new(Kind::BadRequest, format!("the parameter `{name}` is not valid: {why}"))
        };
        let at_once = exchange.head.all("prefer").any(|value| {
            String::from_utf8_lossy(value)
                .split([',', ';'])
                .any(|part| part.trim().eq_ignore_ascii_case("respond-async"))
        });
        let wait = match exchange.query.get("wait") {
            Some(text) => text.parse::<HumanDuration>().map_err(|why| wrong("wait", &why))?,
            None if at_once => HumanDuration::default(),
            None => WAIT,
        };
        if wait.millis > LONGEST.millis {
            return Err(wrong("wait", &format!("it is longer than {LONGEST}")));
        }
        let if_busy = match exchange.query.get("if_busy") {
            Some("queue") => IfBusy::Queue,
            _ => IfBusy::Refuse,
        };
        let repeat = match exchange.head.all("idempotency-key").next() {
            None => None,
            Some(_) => {
                let key = exchange.head.one("idempotency-key").filter(|key| !key.is_empty() && key.len() <= KEY);
                let key = key.ok_or_else(|| {
                    let detail = format!(
                        "the header `Idempotency-Key` must be there once, with 1 to {KEY} printable characters"
                    );
                    Problem::new(Kind::BadRequest, detail)
                })?;
                let bucket = exchange.caller()?.bucket();
                Some(Repeat::of(&bucket, environment, key, exchange.route, &exchange.body))
            }
        };
        Ok(Self { wait: Duration::from_millis(wait.millis), if_busy, repeat })
    }

    /// Leaves the order and waits; what is known of the run then, and whether it was asked for before. `what` is not
    /// asked for a repeated request.
    ///
    /// # Errors
    /// Why it is not taken, or what became of the run.
    pub(super) async fn ask(
        self,
        service: &Service,
        exchange: &Exchange,
        mut aim: Aim,
        what: impl Future<Output = Result<What, Problem>>,
    ) -> Result<(Arc<Live>, State, bool), Problem> {
        if let (Some(repeat), Some(origin)) = (&self.repeat, &mut aim.actor.origin) {
            origin.key = Some(repeat.key.clone());
        }
        // first: what a name meant before the run, it may not mean after it
        let before = match &self.repeat {
            Some(repeat) => service.runs.repeated(&aim.environment, repeat).map_err(|turned| why(turned, service))?,
            None => None,
        };
        let Asked { live, is_repeated } = match before {
            Some(asked) => asked,
            None => {
                let what = what.await?;
                let order = Order { id: exchange.id.clone(), what, if_busy: self.if_busy, aim, repeat: self.repeat };
                service.runs.ask(order).map_err(|turned| why(turned, service))?
            }
        };
        let state = live.ended_within(self.wait).await;
        match &state.failure {
            None => Ok((live, state, is_repeated)),
            Some(failure) => {
                let problem = Problem::of(failure, service.wording)
                    .with("id", live.id.as_str())
                    .with("run", json!(state.run))
                    .with(done_key(&live), json!(state.done));
                let problem = match state.failed.as_slice() {
                    [] => problem,
                    failed => problem.with("failed", failed.iter().map(told).collect::<Vec<Value>>()),
                };
                Err(if is_repeated { problem.header("idempotent-replayed", "true") } else { problem })
            }
        }
    }
}

/// What a list of done changesets is called.
fn done_key(live: &Live) -> &'static str {
    match live.kind {
        RunKind::Rollback => "rolled_back",
        _ => "applied",
    }
}

/// A failed step: what is wrong, and what is left of it.
fn told(step: &FailedStep) -> Value {
    json!({ "name": step.changeset, "error": step.error.message, "sqlstate": step.error.sqlstate, "state": step.state })
}

/// Why an order was not taken.
fn why(turned: Turned, service: &Service) -> Problem {
    match turned {
        Turned::Busy(live) => {
            let detail = format!("another run is in progress in `{}`, asked for by {}", live.environment, live.by);
            Problem::new(Kind::RunInProgress, detail)
                .remedy("wait for its end, or ask with `if_busy=queue`")
                .with("id", live.id.as_str())
        }
        Turned::Full => {
            Problem::new(Kind::QueueFull, "too many runs wait in this environment").header("retry-after", "60")
        }
        Turned::Stopping => Problem::new(Kind::Stopping, "the service stops; nothing was run"),
        Turned::Reused(live) => {
            Problem::new(Kind::KeyReused, "another request had the same `Idempotency-Key`; nothing was run")
                .remedy("use a new key for each request; repeat a key only with the same request")
                .with("id", live.id.as_str())
        }
        Turned::Failed(failure) => Problem::of(&failure, service.wording),
    }
}

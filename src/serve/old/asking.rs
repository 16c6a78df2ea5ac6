//! What the routes that run something have in common: how long the caller waits, what happens if another run is in
//! progress, whether the request came before, and what is answered.

use crate::base::HumanDuration;
use crate::history::RunKind;
use crate::ops::Options;
use crate::pg::run::FailedStep;
use crate::serve::aim::Aim;
use crate::serve::answer::Answer;
use crate::serve::asking::{self, Found, Wish, repeat};
use crate::serve::exchange::Exchange;
use crate::serve::parameter::{ENVIRONMENT, Form, Parameter};
use crate::serve::problem::{Kind, Problem};
use crate::serve::runs::{IfBusy, Repeat, Run, What};
use crate::serve::service::Service;
use serde_json::{Value, json};
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
        let repeat = repeat(exchange, environment)?;
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
        aim: Aim,
        what: impl Future<Output = Result<What, Problem>>,
    ) -> Result<(Run, bool), Problem> {
        let Self { wait, if_busy, repeat } = self;
        let wish = async { Ok(Wish { what: what.await?, options: Options::default(), digest: None, if_busy }) };
        let (run, is_repeated) = match asking::ask(service, exchange, aim, repeat, wish).await? {
            Found::Here(live, is_repeated) => {
                live.ended_within(wait).await;
                (Run::of(&live), is_repeated)
            }
            Found::Recorded(run) => (*run, true),
        };
        let Some(failure) = &run.state.failure else { return Ok((run, is_repeated)) };
        let problem = Problem::of(failure, service.wording)
            .with("id", run.id.as_str())
            .with("run", json!(run.state.run))
            .with(done_key(run.kind), json!(run.state.done));
        let problem = match run.state.failed.as_slice() {
            [] => problem,
            failed => problem.with("failed", failed.iter().map(told).collect::<Vec<Value>>()),
        };
        Err(if is_repeated { problem.header("idempotent-replayed", "true") } else { problem })
    }
}

/// With the headers of an answer about this run; one that goes on is answered with 202.
pub(super) fn with_headers(answer: Answer, run: &Run, is_repeated: bool) -> Answer {
    let answer = if run.state.phase.is_over() { answer } else { answer.status(202).header("location", run.path()) };
    if is_repeated { answer.header("idempotent-replayed", "true") } else { answer }
}

/// What a list of done changesets is called.
fn done_key(kind: Option<RunKind>) -> &'static str {
    match kind {
        Some(RunKind::Rollback) => "rolled_back",
        _ => "applied",
    }
}

/// A failed step: what is wrong, and what is left of it.
fn told(step: &FailedStep) -> Value {
    json!({ "name": step.changeset, "error": step.error.message, "sqlstate": step.error.sqlstate, "state": step.state })
}

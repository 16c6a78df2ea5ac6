//! What all handlers share.

use super::aim::Aim;
use super::answer::Answer;
use super::caller::Caller;
use super::config::Config;
use super::desk::{Desks, Undone, Work};
use super::exchange::Exchange;
use super::flights::{Flights, Key};
use super::held::Held;
use super::problem::{Kind, Problem};
use super::readiness::Readiness;
use super::reading::Reading;
use super::runs::Registry;
use crate::base::{Actor, Failure, Wording};
use crate::ops::Project;
use crate::source::ServeLimits;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// How many threads read.
const DESKS: usize = 2;

/// What all handlers share. It stays on the thread of HTTP.
pub struct Service {
    /// How it stands in its surroundings.
    pub config: Arc<Config>,
    /// The limits for its clients.
    pub limits: ServeLimits,
    /// The project.
    pub reading: Arc<Reading>,
    /// How remedies are worded.
    pub wording: Wording,
    /// The private servers that it keeps running.
    pub held: Held,
    /// The documentation of its routes.
    pub document: fn() -> &'static str,
    /// The runs of this process.
    pub runs: Registry,
    /// The places for streams of events.
    pub streams: Arc<Semaphore>,
    /// What was found of its readiness.
    pub readiness: Readiness,
    desks: Rc<Desks>,
    flights: Flights,
    stopping: watch::Sender<bool>,
}

impl Service {
    /// Makes the threads. Nothing is connected.
    ///
    /// # Errors
    /// A mistake in the configuration, or no threads.
    pub fn new(
        config: Config,
        reading: Arc<Reading>,
        wording: Wording,
        document: fn() -> &'static str,
    ) -> Result<Rc<Self>, Failure> {
        config.check()?;
        crate::pg::remember(&config.secret);
        let limits = reading.project().workspace().loaded.config.serve.limits.clone();
        Ok(Rc::new(Self {
            config: config.into(),
            reading,
            wording,
            document,
            held: Held::default(),
            runs: Registry::default(),
            streams: Arc::new(Semaphore::new(limits.streams)),
            readiness: Readiness::default(),
            desks: Rc::new(Desks::start(DESKS)?),
            flights: Flights::new(Duration::from_millis(limits.request_time.millis)),
            stopping: watch::Sender::new(false),
            limits,
        }))
    }

    /// Reads on a desk, together with all who ask the same meanwhile.
    ///
    /// # Errors
    /// What keeps it from being read.
    pub async fn read(&self, key: Key, work: impl Work<Result<Answer, Problem>>) -> Result<Answer, Problem> {
        self.flights.join(&self.desks, key, Box::new(work)).await.unwrap_or_else(|undone| Err(not_done(&undone)))
    }

    /// Works on a desk for this caller alone.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn work<T: Send + 'static>(&self, work: impl Work<Result<T, Failure>>) -> Result<T, Problem> {
        let done = self.desks.ask(work).await.map_err(|undone| not_done(&undone))?;
        done.map_err(|failure| Problem::of(&failure, self.wording))
    }

    /// The environment of a request: the one that it names, or the default one.
    ///
    /// # Errors
    /// There is none of this name, or it is not served.
    pub fn aim(&self, exchange: &Exchange) -> Result<Aim, Problem> {
        let actor = exchange.caller()?.actor(&exchange.id);
        let project = self.reading.project();
        let own = self.environment(&project);
        let name = exchange.environment().unwrap_or(&own);
        self.sees(exchange, name)?;
        // the given connection is that of the default environment
        let mut spec = if name == own { self.config.spec.clone() } else { self.config.spec.of(name) };
        // who looks at the sessions of the server finds the request in the log
        spec.session = Some(exchange.id.to_string());
        Ok(Aim { project, environment: name.to_owned(), spec, actor, held: self.held.clone() })
    }

    /// Refuses an environment that does not exist for the caller.
    ///
    /// # Errors
    /// There is none of this name, or it is not served.
    pub fn sees(&self, exchange: &Exchange, name: &str) -> Result<(), Problem> {
        let project = self.reading.project();
        let exists =
            project.workspace().loaded.config.environment(name).is_some() || name == self.environment(&project);
        if exists && self.seen_by(exchange.caller()?).is_none_or(|seen| seen.contains(name)) {
            return Ok(());
        }
        let detail = format!("there is no environment `{name}`, or it is not served here");
        Err(Problem::new(Kind::NotFound, detail))
    }

    /// The default environment.
    #[must_use]
    pub fn aim_at_default(&self, actor: Actor) -> Aim {
        let project = self.reading.project();
        let (environment, spec) = (self.environment(&project), self.config.spec.clone());
        Aim { project, environment, spec, actor, held: self.held.clone() }
    }

    /// The name of the environment that a request means which names none.
    fn environment(&self, project: &Project) -> String {
        let named = self.config.spec.environment.clone();
        named.unwrap_or_else(|| project.workspace().loaded.config.default_environment().to_owned())
    }

    /// The environments that a caller may see; `None`: all.
    #[must_use]
    pub fn seen_by(&self, _: &Caller) -> Option<BTreeSet<String>> {
        self.config.environments.clone()
    }

    /// Whether it stops.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Takes no more requests; those that wait are answered.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until the desks have nothing to do.
    pub async fn idle(&self) {
        self.desks.idle().await;
    }

    /// Waits until it stops.
    pub async fn stopped(&self) {
        let _ = self.stopping.subscribe().wait_for(|stops| *stops).await;
    }
}

fn not_done(undone: &Undone) -> Problem {
    match undone {
        Undone::Overloaded => Problem::new(Kind::Overloaded, "too many requests wait").header("retry-after", "1"),
        Undone::Slow => Problem::slow(),
        Undone::Lost => Problem::new(Kind::Internal, "an internal error of dagmar; its log says more"),
    }
}

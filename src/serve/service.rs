//! What all handlers share.

use super::aim::Aim;
use super::answer::Answer;
use super::caller::{Caller, RequestId};
use super::config::Config;
use super::desk::{Desks, Undone, Work};
use super::exchange::Exchange;
use super::flights::{Flights, Key};
use super::held::Held;
use super::metrics::Metrics;
use super::places::Places;
use super::problem::{Kind, Problem};
use super::readiness::Readiness;
use super::reading::Reading;
use super::runs::Registry;
use super::who::{Sessions, Who};
use crate::base::text::one_line;
use crate::base::{Actor, Failure, Wording};
use crate::ops::Project;
use crate::source::ServeLimits;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

/// How long the server may work on a query of a look at an environment.
const LOOK: Duration = Duration::from_secs(5);

/// How many threads read.
const DESKS: usize = 2;

/// How many large bodies are in memory at a time.
const LARGE: usize = 2;

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
    /// Who may use it.
    pub who: Who,
    /// The documentation of its routes.
    pub document: fn() -> &'static str,
    /// The runs of this process.
    pub runs: Registry,
    /// The sessions of its pages.
    pub sessions: Sessions,
    /// The places for streams of events.
    pub streams: Rc<Places>,
    /// What it counts and measures.
    pub metrics: Arc<Metrics>,
    /// What was found of its readiness.
    pub readiness: Readiness,
    large: Arc<Semaphore>,
    /// Has the certificate read again.
    pub rereading: Notify,
    desks: Rc<Desks>,
    flights: Flights,
    stopping: watch::Sender<bool>,
}

impl Service {
    /// Makes the threads. Nothing is connected.
    ///
    /// # Errors
    /// A mistake in the configuration, nobody who could use it, or no threads.
    pub fn new(
        config: Config,
        reading: Arc<Reading>,
        wording: Wording,
        document: fn() -> &'static str,
    ) -> Result<Rc<Self>, Failure> {
        config.check()?;
        config.secret.iter().chain(&config.session_key).for_each(crate::pg::remember);
        let project = reading.project().workspace().loaded.config.serve.clone();
        let who = Who::new(config.secret.as_ref(), config.tokens.as_deref(), &project)?;
        let (limits, metrics) = (project.limits, Metrics::new());
        Ok(Rc::new(Self {
            reading,
            wording,
            document,
            held: Held::default(),
            who,
            runs: Registry::new(Arc::clone(&metrics)),
            sessions: Sessions::new(config.session_key.as_ref(), config.is_https())?,
            streams: Places::new(limits.streams, limits.streams_per_caller, metrics.http.streams.clone()),
            metrics,
            readiness: Readiness::default(),
            large: Arc::new(Semaphore::new(LARGE)),
            rereading: Notify::new(),
            desks: Rc::new(Desks::start(DESKS)?),
            flights: Flights::new(Duration::from_millis(limits.request_time.millis)),
            stopping: watch::Sender::new(false),
            limits,
            config: config.into(),
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

    /// Reads the project and the certificate again. Requests are answered meanwhile; what cannot be read stays as it was.
    ///
    /// # Errors
    /// Why the project cannot be read. The certificate's problems are in the log.
    pub async fn read_again(&self) -> Result<(), Problem> {
        self.rereading.notify_one();
        let (reading, named) = (self.reading.clone(), self.config.spec.environment.clone());
        let read = self.work(move || Box::pin(async move { Ok(reading.again(named.as_deref())) })).await?;
        match &read {
            Ok(()) => tracing::info!("the project was read again"),
            Err(failure) => tracing::error!("the project cannot be read again: {}", one_line(&failure.message)),
        }
        read.map_err(|failure| Problem::of(&failure, self.wording))
    }

    /// The environment of a request: the one that it names, or the default one.
    ///
    /// # Errors
    /// There is none of this name, or it is not served.
    pub fn aim(&self, exchange: &Exchange) -> Result<Aim, Problem> {
        self.aim_at(exchange.environment(), exchange.caller()?, &exchange.id)
    }

    /// An environment as a caller sees it: of this name, or the default one. The guard asks it before a handler does.
    ///
    /// # Errors
    /// There is none of this name, it is not served, or he does not see it: all the same for him.
    pub fn aim_at(&self, name: Option<&str>, caller: &Caller, id: &RequestId) -> Result<Aim, Problem> {
        let project = self.reading.project();
        let own = self.environment(&project);
        let name = name.unwrap_or(&own);
        if !caller.sees(name) || !self.environments(&project).iter().any(|served| served == name) {
            let detail = format!("there is no environment `{name}`, or it is not served here");
            return Err(Problem::new(Kind::NotFound, detail));
        }
        // the given connection is that of the default environment
        let is_default = name == own;
        let mut spec = if is_default { self.config.spec.clone() } else { self.config.spec.of(name) };
        // who looks at the sessions of the server finds the request in the log
        spec.session = Some(id.to_string());
        let (environment, actor) = (name.to_owned(), caller.actor(id));
        Ok(Aim { project, environment, is_default, spec, actor, held: self.held.clone() })
    }

    /// All environments that the caller sees, in the order of dagmar.yaml.
    ///
    /// # Errors
    /// Nobody asks.
    pub fn aims(&self, exchange: &Exchange) -> Result<Vec<Aim>, Problem> {
        let caller = exchange.caller()?;
        let names = self.environments(&self.reading.project());
        names
            .iter()
            .filter(|name| caller.sees(name))
            .map(|name| self.aim_at(Some(name), caller, &exchange.id))
            .collect()
    }

    /// All environments that are served, for those who look at them without a caller.
    #[must_use]
    pub fn aims_of_watch(&self) -> Vec<Aim> {
        let (project, own) = (self.reading.project(), self.environment(&self.reading.project()));
        let aim = |name: String| {
            let is_default = name == own;
            let mut spec = if is_default { self.config.spec.clone() } else { self.config.spec.of(&name) };
            spec.session = Some("watch".to_owned());
            spec.wait = Duration::ZERO;
            spec.query_limit = Some(LOOK);
            let (project, held) = (project.clone(), self.held.clone());
            Aim { project, environment: name, is_default, spec, actor: Actor::new("service", "watch"), held }
        };
        self.environments(&project).into_iter().map(aim).collect()
    }

    /// The environments that are served, in the order of dagmar.yaml.
    fn environments(&self, project: &Project) -> Vec<String> {
        let list = project.workspace().loaded.config.environment_list.iter();
        let mut names: Vec<String> = list.map(|(name, _)| name.clone()).collect();
        // one that only has the given connection
        let own = self.environment(project);
        if !names.contains(&own) {
            names.push(own);
        }
        names.retain(|name| self.config.environments.as_ref().is_none_or(|served| served.contains(name)));
        names
    }

    /// Refuses an environment that does not exist for the caller.
    ///
    /// # Errors
    /// As [`Service::aim_at`].
    pub fn sees(&self, exchange: &Exchange, name: &str) -> Result<(), Problem> {
        self.aim_at(Some(name), exchange.caller()?, &exchange.id).map(drop)
    }

    /// Refuses a promotion from an environment that does not exist for the caller: the named one, or the `promoteFrom` of
    /// the environment.
    ///
    /// # Errors
    /// As [`Service::aim_at`].
    pub fn sees_source(&self, exchange: &Exchange, from: Option<&str>) -> Result<(), Problem> {
        let aim = self.aim(exchange)?;
        let config = &aim.project.workspace().loaded.config;
        let usual = config.environment(&aim.environment).and_then(|environment| environment.promote_from.as_deref());
        from.map_or(Ok(()), |from| self.sees(exchange, from))?;
        // what follows may name this one
        usual.map_or(Ok(()), |usual| self.sees(exchange, usual)).map_err(|_| {
            let detail = "the environment is promoted from one that does not exist here, or that you may not see";
            Problem::new(Kind::NotFound, detail)
        })
    }

    /// The environment from which another one gets its changesets, if the caller sees it.
    ///
    /// # Errors
    /// Nobody asks.
    pub fn promotes_from(&self, exchange: &Exchange, name: &str) -> Result<Option<String>, Problem> {
        let project = self.reading.project();
        let own = project.workspace().loaded.config.environment(name);
        let from = own.and_then(|environment| environment.promote_from.clone());
        exchange.caller().map(|_| from.filter(|from| self.sees(exchange, from).is_ok()))
    }

    /// The default environment.
    #[must_use]
    pub fn aim_at_default(&self, actor: Actor) -> Aim {
        let project = self.reading.project();
        let (environment, spec) = (self.environment(&project), self.config.spec.clone());
        Aim { project, environment, is_default: true, spec, actor, held: self.held.clone() }
    }

    /// The name of the environment that a request means which names none.
    fn environment(&self, project: &Project) -> String {
        let named = self.config.spec.environment.clone();
        named.unwrap_or_else(|| project.workspace().loaded.config.default_environment().to_owned())
    }

    /// The environments that a caller may see; `None`: all.
    #[must_use]
    pub fn seen_by(&self, caller: &Caller) -> Option<BTreeSet<String>> {
        match (&self.config.environments, &caller.environments) {
            (None, None) => None,
            (Some(all), None) | (None, Some(all)) => Some(all.clone()),
            (Some(served), Some(own)) => Some(served & own),
        }
    }

    /// A place for a large body, as long as the value is held.
    ///
    /// # Errors
    /// None becomes free in time.
    pub async fn large(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let time = Duration::from_millis(self.limits.body_time.millis);
        match tokio::time::timeout(time, self.large.clone().acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Problem::new(Kind::Overloaded, "too many large requests wait").header("retry-after", "5")),
        }
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

    /// Waits until it stops, on any thread.
    pub fn until_stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut watched = self.stopping.subscribe();
        async move {
            let _ = watched.wait_for(|stops| *stops).await;
        }
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

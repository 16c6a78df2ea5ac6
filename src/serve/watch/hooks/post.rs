//! Takes events from ledgers and sends them.

use super::form::{id, parcel};
use super::hook::Hook;
use super::look::{Look, look, note};
use crate::base::text::one_line;
use crate::base::{Failure, FailureKind};
use crate::ops::now;
use crate::pg::ledger::delivery::Letter;
use crate::serve::aim::Aim;
use crate::serve::caller::RequestId;
use crate::serve::net::client::Client;
use crate::serve::service::Service;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;
use tokio::task::spawn_local;

/// How long the ledger of an environment may take to be asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// An environment and a hook.
type Way = (String, String);

/// Takes events from ledgers and sends them. Clones are the same.
#[derive(Clone)]
pub struct Post(Rc<Inner>);

struct Inner {
    service: Rc<Service>,
    /// This process, among several that deliver.
    instance: String,
    client: Client,
    /// What is under way: looks at environments, and ways on which something is sent.
    looking: RefCell<BTreeSet<String>>,
    sending: RefCell<BTreeSet<Way>>,
    /// Where hooks begin in a ledger that cannot have their rows yet: after what it had when it was seen first.
    starts: RefCell<BTreeMap<String, i64>>,
    /// What went wrong the last time.
    troubles: RefCell<BTreeMap<String, String>>,
}

impl Post {
    /// `None`: the system has no random numbers or no TLS.
    #[must_use]
    pub fn new(service: &Rc<Service>) -> Option<Self> {
        let client = match Client::new() {
            Ok(client) => client,
            Err(why) => {
                tracing::error!("webhooks are told nothing: {why}");
                return None;
            }
        };
        Some(Self(Rc::new(Inner {
            service: Rc::clone(service),
            instance: RequestId::new()?.to_string(),
            client,
            looking: RefCell::default(),
            sending: RefCell::default(),
            starts: RefCell::default(),
            troubles: RefCell::default(),
        })))
    }

    /// Looks at all environments that somebody is told of, each by itself.
    pub fn look(&self) {
        let hooks = match Hook::all(&self.0.service.reading.project()) {
            Ok(hooks) => hooks,
            Err(failure) => return self.say("", Some(&failure)),
        };
        self.say("", None);
        for aim in self.0.service.aims_of_watch() {
            let environment = aim.environment.clone();
            let is_free = |hook: &&Hook| {
                let way = (environment.clone(), hook.name.clone());
                hook.is_of(&environment) && !self.0.sending.borrow().contains(&way)
            };
            let own: Vec<Hook> = hooks.iter().filter(is_free).cloned().collect();
            if !own.is_empty() && self.0.looking.borrow_mut().insert(environment) {
                spawn_local(self.clone().send_what_there_is(aim, own));
            }
        }
    }

    /// Begins to send the next event of each of these hooks.
    async fn send_what_there_is(self, aim: Aim, hooks: Vec<Hook>) {
        let looked = self.take(aim.clone(), hooks).await;
        self.say(&aim.environment, looked.as_ref().err());
        for (hook, letter) in looked.unwrap_or_default() {
            self.0.sending.borrow_mut().insert((aim.environment.clone(), hook.name.clone()));
            spawn_local(self.clone().send_all(aim.clone(), hook, letter));
        }
        self.0.looking.borrow_mut().remove(&aim.environment);
    }

    /// Takes the next event of each of these hooks.
    async fn take(&self, aim: Aim, hooks: Vec<Hook>) -> Result<Vec<(Hook, Letter)>, Failure> {
        let (environment, instance) = (aim.environment.clone(), self.0.instance.clone());
        let start = self.0.starts.borrow().get(&environment).copied();
        let looked = self.on_desk(move || async move { look(&aim, hooks, start, &instance).await }).await?;
        let Some(Look { start, letters }) = looked else { return Ok(Vec::new()) };
        let mut starts = self.0.starts.borrow_mut();
        match start {
            Some(start) => _ = starts.insert(environment, start),
            None => _ = starts.remove(&environment),
        }
        Ok(letters)
    }

    /// Sends an event and those after it, until there is none, or one cannot be delivered.
    async fn send_all(self, aim: Aim, hook: Hook, letter: Letter) {
        let mut next = Some(letter);
        while let Some(letter) = next.take() {
            if !self.send(&aim, &hook, &letter).await || self.0.service.is_stopping() {
                break;
            }
            match self.take(aim.clone(), vec![hook.clone()]).await {
                Ok(letters) => next = letters.into_iter().next().map(|(_, letter)| letter),
                Err(failure) => self.say(&aim.environment, Some(&failure)),
            }
        }
        self.0.sending.borrow_mut().remove(&(aim.environment, hook.name));
    }

    /// Sends an event and writes down what came of it; whether the next one may be sent.
    async fn send(&self, aim: &Aim, hook: &Hook, letter: &Letter) -> bool {
        let Inner { service, client, instance, .. } = self.0.as_ref();
        let site = service.config.public_url.as_ref().map(|url| {
            let scheme = if url.is_https { "https" } else { "http" };
            format!("{scheme}://{}", url.authority)
        });
        let parcel = parcel(hook, letter, &aim.environment, site.as_deref(), now());
        let sent = client.post(&hook.address.address, &hook.address.query, &parcel.headers, parcel.body).await;
        let (place, own, found) = (aim.clone(), letter.clone(), sent.clone());
        let (to, by) = (hook.name.clone(), instance.clone());
        let noted = self.on_desk(move || async move { note(&place, (&to, &by), &own, found).await }).await;
        let (environment, name, delivery) = (aim.environment.as_str(), hook.name.as_str(), id(letter));
        let count = |result| service.metrics.hooks.tried(name, result);
        match (&sent, noted) {
            (_, Err(failure)) => {
                self.say(environment, Some(&failure));
                count(if sent.is_ok() { "delivered" } else { "failed" });
                false
            }
            (Ok(()), Ok(_)) => {
                count("delivered");
                tracing::info!(hook = name, environment, delivery, tries = letter.tries, "webhook told");
                true
            }
            (Err(why), Ok(false)) => {
                count("failed");
                tracing::warn!(hook = name, environment, delivery, tries = letter.tries + 1, "webhook not told: {why}");
                false
            }
            (Err(why), Ok(true)) => {
                count("givenUp");
                tracing::error!(hook = name, environment, delivery, "webhook not told, and given up: {why}");
                true
            }
        }
    }

    /// Works on a desk, within a limit of time.
    async fn on_desk<T, F>(&self, work: impl FnOnce() -> F + Send + 'static) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + 'static,
    {
        let timed = move || async move {
            let silent = || Failure::new(FailureKind::Database, "the database does not answer");
            tokio::time::timeout(PATIENCE, work()).await.unwrap_or_else(|_| Err(silent()))
        };
        let done = self.0.service.work(|| Box::pin(async move { Ok(timed().await) })).await;
        done.unwrap_or_else(|problem| Err(Failure::new(FailureKind::Internal, problem.code())))
    }

    /// Says what is wrong with an environment, or (without a name) with the configuration: once, until it is another matter.
    fn say(&self, environment: &str, failure: Option<&Failure>) {
        let why = failure.map(|failure| one_line(&failure.message));
        let mut troubles = self.0.troubles.borrow_mut();
        if troubles.get(environment) == why.as_ref() {
            return;
        }
        match why {
            Some(why) => {
                tracing::warn!(environment, "webhooks cannot be told: {why}");
                troubles.insert(environment.to_owned(), why);
            }
            None => _ = troubles.remove(environment),
        }
    }
}

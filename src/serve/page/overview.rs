//! The environments side by side.

use super::layout::{Shown, whole};
use super::made::part;
use super::next::{Next, next};
use super::words::{self, Tag};
use crate::base::words::count;
use crate::base::{Failure, FailureKind, HumanDuration, Markup, Wording};
use crate::ops::matrix::reachable;
use crate::ops::status::{EnvironmentStatus, status};
use crate::pg::ledger::unfinished::Liveness;
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, HTML};
use crate::serve::caller::Role;
use crate::serve::desk::Local;
use crate::serve::exchange::Exchange;
use crate::serve::flights::Key;
use crate::serve::problem::Problem;
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::service::Service;
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::json;
use std::rc::Rc;
use std::time::Duration;

/// How long an environment may take to answer.
const PATIENCE: HumanDuration = HumanDuration::secs(10);

pub(super) const OVERVIEW: Route = Route {
    method: Method::Get,
    path: "/",
    name: "overviewPage",
    about: "The environments side by side, and what to do next.",
    guard: Guard::Page(Role::Read),
    query: &[],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: answer,
};

/// An environment.
#[derive(Serialize)]
struct Card {
    name: String,
    href: String,
    /// Where it gets its changesets from.
    promote_from: Option<String>,
    /// Why it does not answer.
    error: Option<Silence>,
    place: String,
    tags: Vec<Tag>,
    facts: Vec<Tag>,
    next: Option<Next>,
}

#[derive(Serialize)]
struct Silence {
    message: String,
    help: Option<String>,
}

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (aims, wording) = (service.aims(exchange)?, service.wording);
        let seen: Vec<&str> = aims.iter().map(|aim| aim.environment.as_str()).collect();
        let may_plan = exchange.caller()?.may(Role::Plan);
        let detail = format!("{seen:?} {may_plan}");
        let key = Key { what: OVERVIEW.name, environment: String::new(), detail };
        let work = move || -> Local<Result<Answer, Problem>> {
            Box::pin(async move { Ok(Answer::html(read(aims, may_plan, wording).await?)) })
        };
        let inner = service.read(key, work);
        whole(service, exchange, &Shown { title: "Overview", environment: None, tab: "" }, &inner.await?)
    })
}

async fn read(aims: Vec<Aim>, may_plan: bool, wording: Wording) -> Result<Markup, Problem> {
    let sees = |name: &str| aims.iter().any(|aim| aim.environment == name);
    let cards: Vec<Card> = join_all(aims.iter().map(|aim| card(aim, &sees, may_plan, wording))).await;
    part("overview", &json!({ "cards": cards }))
}

async fn card(aim: &Aim, sees: &dyn Fn(&str) -> bool, may_plan: bool, wording: Wording) -> Card {
    let config = &aim.project.workspace().loaded.config;
    let promote_from = config.environment(&aim.environment).and_then(|environment| environment.promote_from.clone());
    let promote_from = promote_from.filter(|from| sees(from));
    let mut card = Card {
        name: aim.environment.clone(),
        href: words::environment(&aim.environment),
        promote_from,
        error: None,
        place: String::new(),
        tags: Vec::new(),
        facts: Vec::new(),
        next: None,
    };
    let silent = || Failure::new(FailureKind::Database, format!("no answer within {PATIENCE}"));
    let asked = tokio::time::timeout(Duration::from_millis(PATIENCE.millis), ask(aim)).await;
    match asked.unwrap_or_else(|_| Err(silent())) {
        Ok(status) => card.fill(&status, may_plan),
        Err(failure) => {
            let help = failure.help.as_ref().map(wording);
            card.error = Some(Silence { message: failure.message, help });
        }
    }
    card
}

async fn ask(aim: &Aim) -> Result<EnvironmentStatus, Failure> {
    if !aim.is_default {
        reachable(&aim.looking()?)?;
    }
    status(&aim.target().await?, &mut ()).await
}

impl Card {
    fn fill(&mut self, status: &EnvironmentStatus, may_plan: bool) {
        let state = |(state, n): (&crate::plan::states::State, &usize)| Tag {
            text: format!("{n} {}", state.words()),
            href: Some(format!("{}?state={}", self.href, state.word())),
            ..Tag::of(*state)
        };
        self.tags = status.counts.iter().map(state).collect();
        self.place.clone_from(&status.place);
        for run in &status.runs {
            let kind = run.kind.map_or("run", |kind| kind.word());
            let mut fact = match run.liveness {
                Some(Liveness::Terminated) => Tag::new(
                    "bad",
                    format!("{kind} by {} since {} was terminated; the next run continues", run.by, run.started_at),
                ),
                Some(Liveness::Running) => {
                    Tag::new("next", format!("{kind} by {} in progress since {}", run.by, run.started_at))
                }
                None => Tag::new("warn", format!("{kind} by {} since {} has no recorded end", run.by, run.started_at)),
            };
            fact.href = Some(words::run(&self.name, &run.run));
            self.facts.push(fact);
        }
        if let Some(pause) = &status.paused {
            self.facts.push(Tag::new("warn", format!("backfills are paused by {}", pause.by)));
        }
        if let Some(drift) = &status.drift {
            let found = match drift.differences {
                0 => Tag::new("good", format!("no drift on {}", drift.at)),
                n => Tag::new("warn", format!("{} from the ledger on {}", count(n, "difference"), drift.at)),
            };
            self.facts.push(found);
        }
        if status.ledger_version == 0 {
            self.facts.push(Tag::new("none", "no ledger yet: the first run makes it"));
        }
        self.next = Some(next(status, self.promote_from.as_deref(), may_plan));
    }
}

//! A rollback: the choice, what comes along and what is lost, and the form that starts it.

use super::forms::{FORM, Fields, Hidden};
use super::layout::{Shown, whole};
use super::made::part;
use super::proposal::{Proposal, show, start};
use super::words::{self, Tag};
use crate::base::{Markup, Wording};
use crate::ops::status::status;
use crate::plan::rollback::Target as Which;
use crate::plan::states::{State, StateRow};
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, HTML};
use crate::serve::caller::Role;
use crate::serve::desk::Local;
use crate::serve::exchange::Exchange;
use crate::serve::flights::Key;
use crate::serve::parameter::{Form, Parameter, items};
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::runs::What;
use crate::serve::service::Service;
use serde::Serialize;
use serde_json::json;
use std::rc::Rc;

/// How many changesets one can choose from, the latest.
const MOST: usize = 200;

pub(super) const ROLLBACK: Route = Route {
    method: Method::Get,
    path: "/e/{environment}/rollback",
    name: "rollbackPage",
    about: "What a rollback would do now; without a choice: what can be chosen.",
    guard: Guard::Page(Role::Plan),
    query: &[
        Parameter { name: CHANGESETS, about: "These changesets, with commas between.", form: Form::Texts },
        Parameter { name: "cascade", about: "With those that depend on them.", form: Form::Flag },
        Parameter { name: "to", about: "Everything that was applied after this changeset.", form: Form::Text },
        Parameter { name: "lastRun", about: "Everything that the last run applied.", form: Form::Flag },
    ],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: answer,
};

pub(super) const CHOICE: Route = Route {
    path: "/e/{environment}/rollback",
    name: "rollbackChoice",
    about: "Leads to the plan of a choice.",
    guard: Guard::Page(Role::Plan),
    handler: choose,
    ..FORM
};

pub(super) const ROLL_BACK: Route = Route {
    path: "/e/{environment}/rollbacks",
    name: "rollBackByPage",
    about: "Starts the rollback that a page has shown.",
    patience: Patience::Handler,
    handler: post,
    ..FORM
};

const CHANGESETS: &str = "changesets";

/// What is to be rolled back, as a query or a form says it.
#[derive(Default)]
struct Choice {
    changesets: String,
    cascade: bool,
    to: String,
    last_run: bool,
}

impl Choice {
    fn of(get: impl Fn(&'static str) -> String) -> Self {
        let is = |name| get(name) == "true";
        Self { changesets: get(CHANGESETS), cascade: is("cascade"), to: get("to"), last_run: is("lastRun") }
    }

    /// What it means; `None`: nothing is chosen.
    ///
    /// # Errors
    /// Several things are.
    fn what(&self) -> Result<Option<What>, Problem> {
        let ids: Vec<String> = items(&self.changesets).map(str::to_owned).collect();
        let which = match (ids.is_empty(), self.to.is_empty(), self.last_run) {
            (true, true, false) => return Ok(None),
            (false, true, false) => Which::Ids(ids),
            (true, false, false) => Which::To(self.to.clone()),
            (true, true, true) => Which::LastRun,
            _ => return Err(Problem::new(Kind::BadRequest, "choose one of `changesets`, `to` and `lastRun`")),
        };
        Ok(Some(What::Rollback { which, cascade: self.cascade && self.to.is_empty() && !self.last_run }))
    }

    /// As a query.
    fn query(&self) -> String {
        match self {
            Choice { last_run: true, .. } => "?lastRun=true".to_owned(),
            Choice { to, .. } if !to.is_empty() => format!("?to={}", words::encoded(to)),
            Choice { changesets, .. } if changesets.is_empty() => String::new(),
            Choice { changesets, cascade, .. } => {
                format!("?changesets={}&cascade={cascade}", words::encoded(changesets))
            }
        }
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            (CHANGESETS, self.changesets.clone()),
            ("cascade", self.cascade.to_string()),
            ("to", self.to.clone()),
            ("lastRun", self.last_run.to_string()),
        ]
    }
}

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let choice = Choice::of(|name| exchange.query.get(name).unwrap_or_default().to_owned());
        let environment = service.aim(exchange)?.environment;
        match choice.what()? {
            Some(what) => show(service, exchange, proposal(&environment, &choice, what)?).await,
            None => offer(service, exchange).await,
        }
    })
}

fn choose<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let fields = Fields::of(exchange)?;
        let typed = words::items(fields.text("others"));
        let choice = Choice {
            changesets: fields.all("changeset").map(str::to_owned).chain(typed).collect::<Vec<_>>().join(","),
            cascade: fields.is_ticked("cascade"),
            ..Choice::default()
        };
        let path = words::environment(&service.aim(exchange)?.environment) + "/rollback";
        Ok(Answer::see(path + &choice.query()))
    })
}

fn post<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let fields = Fields::of(exchange)?;
        let choice = Choice::of(|name| fields.text(name).to_owned());
        let what = choice.what()?.ok_or_else(|| Problem::new(Kind::BadRequest, "nothing is chosen"))?;
        let environment = service.aim(exchange)?.environment;
        start(service, exchange, &fields, proposal(&environment, &choice, what)?).await
    })
}

fn proposal(environment: &str, choice: &Choice, what: What) -> Result<Proposal, Problem> {
    let home = words::environment(environment);
    let page = home.clone() + "/rollback";
    let with_dependents = Choice { changesets: choice.changesets.clone(), cascade: true, ..Choice::default() };
    let is_alone = !choice.changesets.is_empty() && !choice.cascade;
    let above = part(
        "rollback_chosen",
        &json!({
            "ids": items(&choice.changesets).collect::<Vec<_>>(), "cascade": choice.cascade, "to": choice.to,
            "last_run": choice.last_run, "others": page,
            "with_dependents": is_alone.then(|| page.clone() + &with_dependents.query()),
        }),
    )?;
    Ok(Proposal {
        what,
        shown: Shown { title: "Rollback", environment: None, tab: "Rollback" },
        action: home + "/rollbacks",
        choice: choice.fields(),
        above,
    })
}

#[derive(Serialize)]
struct Row {
    id: String,
    href: String,
    tag: Tag,
    applied_at: Option<String>,
    applied_by: Option<String>,
    /// The rollback of everything after it.
    after: String,
}

/// What can be chosen.
async fn offer(service: &Service, exchange: &Exchange) -> Result<Answer, Problem> {
    let (aim, wording) = (service.aim(exchange)?, service.wording);
    let name = aim.environment.clone();
    let key = Key { what: ROLLBACK.name, environment: name.clone(), detail: String::new() };
    let work = move || -> Local<Result<Answer, Problem>> {
        Box::pin(async move { Ok(Answer::html(read(&aim, wording).await?)) })
    };
    let rows = service.read(key, work).await?;
    let page = words::environment(&name) + "/rollback";
    let head = part("rollback", &json!({ "action": page, "environment": name, "hidden": [Hidden::token(exchange)] }))?;
    let body = [head.as_str().as_bytes(), &rows.body].concat();
    whole(
        service,
        exchange,
        &Shown { title: "Rollback", environment: Some(&name), tab: "Rollback" },
        &Answer::new(200, HTML, body),
    )
}

/// What was applied, the latest first.
async fn read(aim: &Aim, wording: Wording) -> Result<Markup, Problem> {
    let found = async { status(&aim.target().await?, &mut ()).await };
    let found = found.await.map_err(|failure| Problem::of(&failure, wording))?;
    // of what failed as a whole nothing is there
    let is_there = |row: &&StateRow| row.applied_at.is_some() && row.state != State::Failed;
    let mut applied: Vec<&StateRow> = found.changesets.iter().filter(is_there).collect();
    applied.reverse();
    applied.sort_by(|a, b| b.applied_at.cmp(&a.applied_at));
    let page = words::environment(&aim.environment) + "/rollback";
    let rows = applied.iter().take(MOST).map(|row| Row {
        href: words::changeset(&aim.environment, &row.id),
        after: format!("{page}?to={}", words::encoded(&row.id)),
        id: row.id.clone(),
        tag: Tag::of(row.state),
        applied_at: row.applied_at.clone(),
        applied_by: row.applied_by.clone(),
    });
    let last_run = page.clone() + "?lastRun=true";
    let rows: Vec<Row> = rows.collect();
    part(
        "rollback_rows",
        &json!({ "rows": rows, "left_out": applied.len().saturating_sub(MOST), "last_run": last_run }),
    )
}

//! What is around each page: its head, where one can go, who is here.

use super::made::part;
use super::{assets, words};
use crate::base::Markup;
use crate::serve::answer::{Answer, HTML};
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::problem::Problem;
use crate::serve::service::Service;
use serde::Serialize;

/// A page.
pub(super) struct Shown<'a> {
    /// The title.
    pub title: &'a str,
    /// The environment that it is about.
    pub environment: Option<&'a str>,
    /// Which of the environment's pages it is.
    pub tab: &'a str,
}

/// A place to go.
#[derive(Serialize)]
struct Link {
    text: String,
    href: String,
    is_current: bool,
}

#[derive(Serialize)]
struct Head<'a> {
    title: String,
    style: &'a str,
    script: &'a str,
    icon: &'a str,
    /// Whether somebody is here.
    person: &'a str,
    form_token: &'a str,
    environments: Vec<Link>,
    tabs: Vec<Link>,
}

/// The pages of an environment: the name, the end of the path, and the role that it needs.
const TABS: [(&str, &str, Role); 7] = [
    ("Changesets", "", Role::Read),
    ("Graph", "/graph", Role::Read),
    ("Plan", "/plan", Role::Plan),
    (PROMOTION, "", Role::Plan),
    ("Rollback", "/rollback", Role::Plan),
    ("Runs", "/runs", Role::Read),
    ("History", "/history", Role::Read),
];

/// The tab of environments that get their changesets from another one.
const PROMOTION: &str = "Promotion";

/// The page with this part in it.
///
/// # Errors
/// The page cannot be made.
pub(super) fn whole(
    service: &Service,
    exchange: &Exchange,
    shown: &Shown<'_>,
    inner: &Answer,
) -> Result<Answer, Problem> {
    let aims = service.aims(exchange)?;
    let environments = aims.iter().map(|aim| Link {
        text: aim.environment.clone(),
        href: words::environment(&aim.environment),
        is_current: shown.environment == Some(aim.environment.as_str()),
    });
    let caller = exchange.caller()?;
    let mut tabs = Vec::new();
    for (name, end, role) in TABS {
        let Some(environment) = shown.environment.filter(|_| caller.may(role)) else { continue };
        let href = match name {
            PROMOTION if service.promotes_from(exchange, environment)?.is_none() => continue,
            PROMOTION => words::promotion(environment),
            _ => words::environment(environment) + end,
        };
        tabs.push(Link { text: name.to_owned(), href, is_current: name == shown.tab });
    }
    let head = Head {
        title: titled(shown.title, shown.environment),
        style: &assets::style().path,
        script: &assets::script().path,
        icon: &assets::icon().path,
        person: &caller.person,
        form_token: exchange.visit.as_ref().map_or("", |visit| &visit.form_token),
        environments: environments.collect(),
        tabs,
    };
    let (head, foot) = (part("head", &head)?, part("foot", &())?);
    let body = [head.as_str().as_bytes(), &inner.body, foot.as_str().as_bytes()].concat();
    Ok(Answer::new(inner.status, HTML, body))
}

/// A page for nobody that is known.
///
/// # Errors
/// The page cannot be made.
pub(super) fn bare(title: &str, inner: Result<Markup, Problem>) -> Result<Answer, Problem> {
    let head = Head {
        title: format!("{title} · dagmar"),
        style: &assets::style().path,
        script: &assets::script().path,
        icon: &assets::icon().path,
        person: "",
        form_token: "",
        environments: Vec::new(),
        tabs: Vec::new(),
    };
    Ok(Answer::html(part("head", &head)?.and(&inner?).and(&part("foot", &())?)))
}

/// The title of the browser's window.
pub(super) fn titled(title: &str, environment: Option<&str>) -> String {
    match environment {
        Some(environment) => format!("{title} · {environment} · dagmar"),
        None => format!("{title} · dagmar"),
    }
}

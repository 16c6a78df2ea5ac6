//! Which environment has what: all changesets in all environments that the caller sees.

use super::layout::{Shown, whole};
use super::made::part;
use super::words::{self, Tag};
use crate::base::{HumanDuration, Markup, Wording};
use crate::ops::matrix::matrix;
use crate::plan::matrix::{Matrix, Row as Found};
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, HTML};
use crate::serve::caller::Role;
use crate::serve::desk::Local;
use crate::serve::exchange::Exchange;
use crate::serve::flights::Key;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::Problem;
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::service::Service;
use serde::Serialize;
use std::collections::BTreeSet;
use std::rc::Rc;

/// How many changesets a page has.
const MOST: usize = 200;

/// How long an environment may take to answer.
const PATIENCE: HumanDuration = HumanDuration::secs(10);

pub(super) const MATRIX: Route = Route {
    method: Method::Get,
    path: "/matrix",
    name: "matrixPage",
    about: "Which environment has what.",
    guard: Guard::Page(Role::Read),
    query: &[
        Parameter { name: "q", about: "Only those with this text in their id or description.", form: Form::Text },
        Parameter { name: "differs", about: "Only those that are not the same everywhere.", form: Form::Flag },
        Parameter { name: "page", about: "The page, from 1.", form: Form::Number { least: 1, most: 1_000_000 } },
    ],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: answer,
};

/// What is looked for.
struct Wanted {
    text: String,
    differs: bool,
    page: usize,
}

#[derive(Serialize)]
struct Values<'a> {
    text: &'a str,
    differs: bool,
    columns: Vec<Column<'a>>,
    rows: Vec<Row<'a>>,
    from: usize,
    to: usize,
    found: usize,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct Column<'a> {
    name: &'a str,
    href: String,
    /// Why it does not answer.
    error: Option<&'a str>,
    help: Option<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    description: &'a str,
    cells: Vec<Cell<'a>>,
}

#[derive(Serialize)]
struct Cell<'a> {
    name: &'a str,
    tag: Option<Tag>,
}

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let query = &exchange.query;
        let wanted = Wanted {
            text: query.get("q").unwrap_or_default().trim().to_lowercase(),
            differs: query.flag("differs"),
            page: query.number("page").unwrap_or(1),
        };
        let wording = service.wording;
        let seen: BTreeSet<String> = service.aims(exchange)?.into_iter().map(|aim| aim.environment).collect();
        let aim = service.aim_at_default(exchange.caller()?.actor(&exchange.id));
        let detail = format!("{} {} {} {seen:?}", wanted.page, wanted.differs, wanted.text);
        let key = Key { what: MATRIX.name, environment: String::new(), detail };
        let work = move || -> Local<Result<Answer, Problem>> {
            Box::pin(async move { Ok(Answer::html(read(&aim, &seen, &wanted, wording).await?)) })
        };
        let inner = service.read(key, work).await?;
        whole(service, exchange, &Shown { title: "Matrix", environment: None, tab: "" }, &inner)
    })
}

async fn read(aim: &Aim, seen: &BTreeSet<String>, wanted: &Wanted, wording: Wording) -> Result<Markup, Problem> {
    let found = async { matrix(&aim.target().await?, Some(seen), PATIENCE).await };
    let (matrix, _) = found.await.map_err(|failure| Problem::of(&failure, wording))?;
    let rows: Vec<&Found> = matrix.changesets.iter().filter(|row| wanted.fits(row, &matrix)).collect();
    let skipped = (wanted.page - 1).saturating_mul(MOST).min(rows.len());
    let shown: Vec<Row> = rows.iter().skip(skipped).take(MOST).map(|row| of(row, &matrix)).collect();
    let to = skipped + shown.len();
    part(
        "matrix",
        &Values {
            text: &wanted.text,
            differs: wanted.differs,
            columns: matrix.environments.iter().map(|column| head(column, wording)).collect(),
            from: if shown.is_empty() { skipped } else { skipped + 1 },
            to,
            found: rows.len(),
            rows: shown,
            before: (wanted.page > 1).then(|| wanted.path(wanted.page - 1)),
            after: (to < rows.len()).then(|| wanted.path(wanted.page + 1)),
        },
    )
}

fn head(column: &crate::plan::matrix::Column, wording: Wording) -> Column<'_> {
    let silence = column.answer.as_ref().err();
    Column {
        name: &column.name,
        href: words::environment(&column.name),
        error: silence.map(|silence| silence.message.as_str()),
        help: silence.and_then(|silence| silence.help.as_ref()).map(wording),
    }
}

fn of<'a>(row: &'a Found, matrix: &'a Matrix) -> Row<'a> {
    let cells = matrix.environments.iter().zip(&row.cells).map(|(column, cell)| Cell {
        name: &column.name,
        tag: match cell {
            Some(cell) => Some(Tag { href: Some(words::changeset(&column.name, &row.id)), ..Tag::of(cell.state) }),
            None if column.answer.is_ok() => None,
            None => Some(Tag::new("none", "not reached")),
        },
    });
    Row { id: &row.id, description: row.description.as_deref().unwrap_or_default(), cells: cells.collect() }
}

impl Wanted {
    fn fits(&self, row: &Found, matrix: &Matrix) -> bool {
        let has = |text: &str| text.to_lowercase().contains(&self.text);
        // who does not answer differs from nobody
        let answers = matrix.environments.iter().zip(&row.cells).filter(|(column, _)| column.answer.is_ok());
        let states: BTreeSet<_> = answers.map(|(_, cell)| cell.as_ref().map(|cell| cell.state)).collect();
        (!self.differs || states.len() > 1)
            && (self.text.is_empty() || has(&row.id) || row.description.as_deref().is_some_and(has))
    }

    /// The path of another page with the same choice.
    fn path(&self, page: usize) -> String {
        format!("/matrix?q={}&differs={}&page={page}", words::encoded(&self.text), self.differs)
    }
}

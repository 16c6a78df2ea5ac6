//! The stream of the page of a run: the part of the page that changes, each time when it has changed.

use super::layout::titled;
use super::run::RUN_ID;
use super::run_state::{Told, told};
use crate::ops::now;
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, Stream};
use crate::serve::api::stream::{ALIVE, EVENT_STREAM, LOOK, until_refused, written};
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::service::Service;
use bytes::Bytes;
use serde_json::json;
use std::future::pending;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;
use tokio::task::spawn_local;

pub(super) const STREAM: Route = Route {
    method: Method::Get,
    path: "/e/{environment}/runs/{run}/stream",
    name: "runPageStream",
    about: "What changes on the page of a run, as Server-Sent Events.",
    guard: Guard::Page(Role::Read),
    query: &[],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: EVENT_STREAM, schema: None }],
    handler: answer,
};

/// A page changes at most so often.
const PACE: Duration = Duration::from_millis(500);

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (aim, id) = (service.aim(exchange)?, exchange.parameter(RUN_ID).to_owned());
        // of a run that does not exist there is no stream
        let first = told(service, &aim, &id).await?;
        let room = service.streams.take(Some(exchange.caller()?.bucket())).ok_or_else(|| {
            Problem::new(Kind::Overloaded, "too many streams of events are open").header("retry-after", "5")
        })?;
        let (sender, stream) = Stream::new();
        let (service, caller, peer) = (service.clone(), exchange.caller()?.clone(), exchange.peer);
        let ends = exchange.visit.as_ref().and_then(|visit| visit.ends);
        spawn_local(async move {
            tokio::select! {
                () = tell(&service, &aim, &id, first, &sender) => {}
                () = sender.closed() => {}
                () = until_refused(&service, &caller, peer) => {}
                () = until(ends) => {}
                () = service.stopped() => {}
            }
            drop(room);
        });
        Ok(Answer::stream(EVENT_STREAM, stream))
    })
}

/// Waits until the session has ended.
async fn until(ends: Option<i64>) {
    match ends.map(|ends| u64::try_from(ends.saturating_sub(now())).unwrap_or_default()) {
        Some(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
        None => pending().await,
    }
}

async fn tell(service: &Service, aim: &Aim, id: &str, first: Told, to: &Sender<Bytes>) {
    let (mut found, mut last, mut told_at) = (first, String::new(), Instant::now());
    loop {
        let event = json!({
            "event": "state", "title": titled(&found.title, Some(&aim.environment)), "said": found.said,
            "html": found.html, "over": found.over,
        });
        let text = written(None, &event);
        let is_news = text != last;
        if is_news || told_at.elapsed() >= ALIVE {
            let bytes = if is_news { Bytes::from(text.clone()) } else { Bytes::from_static(b": alive\n\n") };
            if to.send(bytes).await.is_err() {
                return;
            }
            told_at = Instant::now();
        }
        if found.over {
            return;
        }
        last = text;
        changed(service, aim, id).await;
        found = match told(service, aim, id).await {
            Ok(found) => found,
            // the page comes again, and says why it cannot be read
            Err(_) => return,
        };
    }
}

/// Waits until it may have changed.
async fn changed(service: &Service, aim: &Aim, id: &str) {
    let Some(live) = service.runs.find(&aim.environment, id) else { return tokio::time::sleep(LOOK).await };
    let before = (live.log.last(), live.phase());
    let began = Instant::now();
    loop {
        tokio::time::sleep(PACE).await;
        if (live.log.last(), live.phase()) != before || began.elapsed() >= ALIVE {
            return;
        }
    }
}

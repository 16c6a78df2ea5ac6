//! `…/runs/{run}/events`: what a run tells, as Server-Sent Events or as one document. The lines of a run of this process
//! come from its log, and those of any other run from the ledger.

use super::known::{Known, find, not_found};
use super::runs::RUN_ID;
use super::told::{Events, Item, StreamEvent};
use crate::base::Wording;
use crate::ops::{now, runs};
use crate::pg::ledger::runs::RunName;
use crate::report::json;
use crate::serve::accept::{Offer, choose};
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, JSON, Stream};
use crate::serve::caller::{Caller, Role, Way};
use crate::serve::exchange::{Exchange, Peer};
use crate::serve::flights::Key;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::{Kind, PROBLEM, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::runs::log::Read;
use crate::serve::runs::past::recorded;
use crate::serve::runs::{Live, Run};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use bytes::Bytes;
use serde_json::{Value, json};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::task::spawn_local;

/// The media type of Server-Sent Events.
pub(in crate::serve) const EVENT_STREAM: &str = "text/event-stream";

/// A form of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Stream,
    Document,
}

const OFFERS: &[Offer<As>] = &[
    Offer { name: "stream", media: EVENT_STREAM, form: As::Stream },
    Offer { name: "json", media: JSON, form: As::Document },
];

/// A comment is sent so often, so that nobody takes a silent connection for a dead one.
pub(in crate::serve) const ALIVE: Duration = Duration::from_secs(15);

/// The ledger is asked so often for what another process has recorded.
pub(in crate::serve) const LOOK: Duration = Duration::from_secs(2);

/// The most events of a document, and of one look at a log.
const MOST: usize = 1000;

/// The id of the last event of a run.
const END: &str = "end";

pub(super) const EVENTS: Route = Route {
    method: Method::Get,
    path: "/api/v1/environments/{environment}/runs/{run}/events",
    name: "runEvents",
    about: "What a run tells while it goes on, as Server-Sent Events; with `Accept: application/json` what it has told so far.",
    guard: Guard::Api(Role::Read),
    query: &[
        Parameter {
            name: "after",
            about: "Only what comes after the event with this id; default: the header `Last-Event-ID`.",
            form: Form::Text,
        },
        Parameter {
            name: "limit",
            about: "How many events a document has; default: 1000.",
            form: Form::Number { least: 1, most: 1000 },
        },
    ],
    body: Body::None,
    patience: Patience::Request,
    replies: &[
        Reply { status: 200, media: EVENT_STREAM, schema: Some(of::<StreamEvent>) },
        Reply { status: 200, media: JSON, schema: Some(of::<Events>) },
        Reply { status: 204, media: EVENT_STREAM, schema: None },
        Reply { status: 400, media: PROBLEM, schema: None },
        Reply { status: 404, media: PROBLEM, schema: None },
        Reply { status: 406, media: PROBLEM, schema: None },
        Reply { status: 503, media: PROBLEM, schema: None },
    ],
    handler: events,
};

/// Up to where a client has the events.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// It has none.
    Beginning,
    /// Up to this line of a log.
    Line(u64),
    /// Up to this event of the ledger.
    Ledger(i64),
    /// It has all.
    End,
}

impl Place {
    fn of(text: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Self::Beginning) };
        let found = match text.strip_prefix('L') {
            Some(seq) => seq.parse().ok().map(Self::Ledger),
            None if text == END => Some(Self::End),
            None => text.parse().ok().map(Self::Line),
        };
        let wrong = || Problem::new(Kind::BadRequest, format!("`{text}` is not the id of an event"));
        found.ok_or_else(wrong)
    }

    fn id(&self) -> Option<String> {
        match self {
            Self::Beginning => None,
            Self::Line(number) => Some(number.to_string()),
            Self::Ledger(seq) => Some(format!("L{seq}")),
            Self::End => Some(END.to_owned()),
        }
    }
}

/// Where the events of a run come from.
#[derive(Clone)]
enum Origin {
    Log(Arc<Live>),
    Ledger(Box<Aim>, RunName),
}

fn events<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let aim = service.aim(exchange)?;
        let offer = choose(exchange, OFFERS)?;
        let limit = exchange.query.number("limit").unwrap_or(MOST);
        let place = Place::of(exchange.query.get("after").or_else(|| exchange.head.one("last-event-id")))?;
        let origin = match find(service, &aim, exchange.parameter(RUN_ID)) {
            Known::Here(live) if !live.log.is_forgotten() => Origin::Log(live),
            Known::Here(live) => Origin::Ledger(aim.into(), RunName::Id(live.id.clone())),
            Known::Elsewhere(name) => Origin::Ledger(aim.into(), name),
        };
        // of a run that does not exist there is no stream
        let first = read(service, &origin, &place, limit).await?;
        if offer.form == As::Document {
            return Ok(Answer::json(&first));
        }
        if place == Place::End && first.over {
            // a browser that gets it does not come again
            return Ok(Answer::new(204, EVENT_STREAM, Bytes::new()));
        }
        let room = service.streams.take(Some(exchange.caller()?.bucket())).ok_or_else(|| {
            Problem::new(Kind::Overloaded, "too many streams of events are open").header("retry-after", "5")
        })?;
        let (sender, stream) = Stream::new();
        let service = service.clone();
        let (caller, peer) = (exchange.caller()?.clone(), exchange.peer);
        spawn_local(async move {
            let told = tell(&service, &origin, place, first, &sender);
            tokio::select! {
                () = told => {}
                () = sender.closed() => {}
                () = until_refused(&service, &caller, peer) => {}
                () = service.stopped() => {
                    let _ = sender.send(Bytes::from_static(b"event: stopping\ndata: {\"event\":\"stopping\"}\n\n")).await;
                }
            }
            drop(room);
        });
        Ok(Answer::stream(EVENT_STREAM, stream))
    })
}

/// Waits until the caller may not read any more: his token was revoked, or has expired.
pub(in crate::serve) async fn until_refused(service: &Service, caller: &Caller, peer: Peer) {
    loop {
        tokio::time::sleep(LOOK).await;
        let has_expired = caller.expires.is_some_and(|until| until <= now());
        // what others said of him holds until it expires
        let is_kept_here = matches!(caller.way, Way::Secret | Way::Token { .. });
        let is_known = || service.who.again(&caller.way, peer).is_ok_and(|again| again.is_some());
        if has_expired || is_kept_here && !is_known() {
            return;
        }
    }
}

/// The next events after a place.
async fn read(service: &Service, origin: &Origin, place: &Place, limit: usize) -> Result<Events, Problem> {
    match origin {
        Origin::Log(live) => Ok(logged(live, place, limit)),
        Origin::Ledger(aim, name) => {
            let (aim, name, place, wording) = (aim.clone(), name.clone(), place.clone(), service.wording);
            let detail = format!("{name:?} {place:?} {limit}");
            let key = Key { what: EVENTS.name, environment: aim.environment.clone(), detail };
            let look = move || async move { noted(&aim, &name, &place, limit, wording).await };
            // all who wait for the same event share a look
            let answer = service.read(key, move || Box::pin(look())).await?;
            serde_json::from_slice(&answer.body).map_err(|e| Problem::new(Kind::Internal, e.to_string()))
        }
    }
}

/// From the log of a run of this process.
fn logged(live: &Live, place: &Place, limit: usize) -> Events {
    // what ends after this is told in the next document
    let (last, is_ended) = live.log.last();
    let (mut events, after) = match place {
        Place::Beginning => (Vec::new(), 0),
        // a number of another log: what it stands for is not here
        Place::Line(number) if *number > last => (vec![gap(place, "0")], 0),
        Place::Line(number) => (Vec::new(), *number),
        Place::Ledger(_) => (vec![gap(place, "0")], 0),
        Place::End => (Vec::new(), if is_ended { last } else { 0 }),
    };
    let mut at = after;
    for read in live.log.after(after, limit) {
        match read {
            Read::Line(line) => {
                at = line.number;
                events.push(Item { id: at.to_string(), event: serde_json::from_str(&line.text).unwrap_or_default() });
            }
            Read::Gap(from, to) => {
                at = to;
                let event = json!({ "event": "gap", "from": from.to_string(), "to": to.to_string() });
                events.push(Item { id: to.to_string(), event });
            }
        }
    }
    let next = Some(if at == 0 { Place::Beginning } else { Place::Line(at) });
    Events { id: live.id.clone(), events, next: next.and_then(|next| next.id()), over: is_ended && at >= last }
}

/// The client has lines of a log that is gone, or events of the ledger in place of lines.
fn gap(place: &Place, id: &str) -> Item {
    Item { id: id.to_owned(), event: json!({ "event": "gap", "from": place.id(), "to": null }) }
}

/// From the ledger.
async fn noted(aim: &Aim, name: &RunName, place: &Place, limit: usize, wording: Wording) -> Result<Answer, Problem> {
    let (mut events, after) = match place {
        Place::Beginning | Place::End => (Vec::new(), 0),
        Place::Line(_) => (vec![gap(place, "L0")], 0),
        Place::Ledger(seq) => (Vec::new(), *seq),
    };
    let look = async { runs::events(&aim.target().await?, name, after, limit, &mut ()).await };
    let found = look.await.map_err(|failure| Problem::of(&failure, wording))?;
    let Some((run, rows)) = found else { return Err(not_found(&aim.environment, name)) };
    let run = recorded(&aim.environment, run);
    let over = run.state.phase.is_over() && rows.len() < limit;
    let last = rows.last().map_or(after, |event| event.seq);
    if *place != Place::End {
        events.extend(rows.into_iter().map(|row| Item { id: format!("L{}", row.seq), event: json!(row) }));
    }
    let next = Some(format!("L{last}")).filter(|_| last > 0);
    Ok(Answer::json(&Events { id: run.id, events, next, over }))
}

/// Writes the events of a run until its end.
async fn tell(service: &Service, origin: &Origin, mut place: Place, first: Events, to: &Sender<Bytes>) {
    let mut found = first;
    let mut text = "retry: 2000\n\n".to_owned();
    loop {
        for item in &found.events {
            text += &written(Some(&item.id), &item.event);
        }
        if let Ok(next) = Place::of(found.next.as_deref()) {
            place = next;
        }
        if found.over {
            text += &last(service, origin).await;
        }
        if !text.is_empty() && to.send(std::mem::take(&mut text).into()).await.is_err() || found.over {
            return;
        }
        let more = async {
            match (origin, &place) {
                (Origin::Log(live), Place::Line(number)) => _ = live.log.more(*number).await,
                (Origin::Log(live), _) => _ = live.log.more(0).await,
                (Origin::Ledger(..), _) if found.events.len() >= MOST => {}
                (Origin::Ledger(..), _) => tokio::time::sleep(LOOK).await,
            }
        };
        if alive(more, ALIVE, to).await.is_err() {
            return;
        }
        found = match read(service, origin, &place, MOST).await {
            Ok(found) => found,
            // the client comes again, and is told why it cannot be read
            Err(_) => return,
        };
    }
}

/// Waits for something, and tells meanwhile that the connection is alive.
async fn alive(what: impl Future<Output = ()>, every: Duration, to: &Sender<Bytes>) -> Result<(), ()> {
    let beats = async {
        loop {
            tokio::time::sleep(every).await;
            if to.send(Bytes::from_static(b": alive\n\n")).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = what => Ok(()),
        () = beats => Err(()),
    }
}

/// The last event: what became of the run.
async fn last(service: &Service, origin: &Origin) -> String {
    let run = match origin {
        Origin::Log(live) => Some(Run::of(live)),
        Origin::Ledger(aim, name) => super::known::one(service, aim, name.clone()).await.ok(),
    };
    let Some(run) = run else { return String::new() };
    let mut event = json!({ "event": "ended" });
    if let (Some(event), Ok(Value::Object(run))) =
        (event.as_object_mut(), serde_json::to_value(run.view(service.wording, true)))
    {
        event.extend(run);
    }
    written(Some(END), &event)
}

/// An event as the stream has it.
pub(in crate::serve) fn written(id: Option<&str>, event: &Value) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    let name = event["event"].as_str().unwrap_or("event");
    format!("{id}event: {name}\ndata: {}\n\n", json::line(event).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[test]
    fn places_are_ids_of_events() {
        let of = |text: &str| Place::of(Some(text)).ok();
        assert_eq!(Place::of(None).ok(), Some(Place::Beginning));
        assert_eq!(
            (of(""), of("17"), of("L9")),
            (Some(Place::Beginning), Some(Place::Line(17)), Some(Place::Ledger(9)))
        );
        assert_eq!(of("end"), Some(Place::End));
        for wrong in ["x", "-1", "L", "Lx", "17 ", "1.5"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert_eq!([Place::Line(3), Place::Ledger(4), Place::End].map(|place| place.id().unwrap()), ["3", "L4", "end"]);
    }

    #[test]
    fn an_event_is_three_lines() {
        let event = json!({ "event": "note", "message": "a\nb\u{2028}" });
        let text = "id: 4\nevent: note\ndata: {\"event\":\"note\",\"message\":\"a\\nb\\u2028\"}\n\n";
        assert_eq!(written(Some("4"), &event), text);
    }

    #[test]
    fn a_silent_stream_says_that_it_is_alive() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (to, stream) = Stream::new();
            let mut from = stream.take().unwrap();
            let waits = alive(pending(), Duration::from_millis(1), &to);
            let reads = async {
                let beats = [from.recv().await, from.recv().await];
                drop(from);
                beats.map(Option::unwrap)
            };
            let (ended, beats) = tokio::join!(waits, reads);
            assert!(ended.is_err(), "nobody reads it any more");
            assert_eq!(beats, [": alive\n\n"; 2]);
            let (to, _stream) = Stream::new();
            assert!(alive(async {}, Duration::from_secs(60), &to).await.is_ok());
        });
    }
}

//! The way of a request through the door, with routes of the tests' own.

use super::connection::plain;
use super::shared::Door;
use crate::base::Secret;
use crate::ops::TargetSpec;
use crate::pg::ProcessEnv;
use crate::serve::answer::{Answer, JSON};
use crate::serve::caller::Role;
use crate::serve::config::Config;
use crate::serve::exchange::{Exchange, Peer};
use crate::serve::places::Places;
use crate::serve::reading::Reading;
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::service::Service;
use crate::serve::who::Hosts;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::{LocalSet, spawn_local};

const SECRET: &str = "0123456789abcdef";

const ECHO: Route = Route {
    method: Method::Post,
    path: "/echo",
    name: "echo",
    about: "",
    guard: Guard::Api(Role::Run),
    query: &[],
    body: Body::Json { schema: |generator| generator.subschema_for::<Value>(), empty: true },
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: JSON, schema: None }],
    handler: echo,
};

fn echo<'a>(_: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let caller = exchange.caller()?;
        let credentials = exchange.head.all("authorization").count();
        let found = (exchange.json::<Value>()?, caller.actor(&exchange.id).to_string(), credentials);
        Ok(Answer::json(&found))
    })
}

thread_local! {
    /// Whether a slow answer has begun.
    static BEGUN: Cell<bool> = const { Cell::new(false) };
}

fn slow<'a>(_: &'a Rc<Service>, _: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        BEGUN.set(true);
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(Answer::json(&"slow"))
    })
}

fn panicking<'a>(_: &'a Rc<Service>, _: &'a Exchange) -> Handling<'a> {
    Box::pin(async { panic!("on purpose") })
}

const ROUTES: &[&[Route]] = &[&[
    ECHO,
    Route {
        path: "/full",
        body: Body::Json { schema: |generator| generator.subschema_for::<Value>(), empty: false },
        ..ECHO
    },
    Route { path: "/admin", guard: Guard::Api(Role::Admin), ..ECHO },
    Route { path: "/approve", guard: Guard::Api(Role::Approve), ..ECHO },
    Route { path: "/slow", handler: slow, ..ECHO },
    Route { path: "/run", handler: slow, patience: Patience::Handler, ..ECHO },
    Route { path: "/panic", handler: panicking, ..ECHO },
]];

/// Works with a door whose limits are short.
fn with_door<F: Future<Output = ()>>(work: impl FnOnce(Rc<Door>) -> F) {
    let dir = tempfile::tempdir().unwrap();
    let limits = "serve: { limits: { body: 2KiB, bodyTime: 1s, requestTime: 1s, headerTime: 30s } }";
    std::fs::write(dir.path().join("dagmar.yaml"), limits).unwrap();
    std::fs::create_dir(dir.path().join("plans")).unwrap();
    let reading = Reading::open(dir.path(), ProcessEnv::of([("", ""); 0])).unwrap();
    let config = Config {
        listen: Vec::new(),
        socket_mode: 0o600,
        tls: None,
        public_url: None,
        session_key: None,
        secret: Some(Secret::new(SECRET)),
        tokens: None,
        environments: None,
        spec: TargetSpec::default(),
        on_stop: crate::serve::config::OnStop::Stop,
        stop_within: crate::base::HumanDuration::secs(60),
        observe: crate::base::HumanDuration::secs(0),
        metrics_listen: None,
    };
    let service = Service::new(config, reading, |remedy| format!("{remedy:?}"), || "{}").unwrap();
    let door = Rc::new(Door {
        routes: ROUTES,
        hosts: Hosts::of(None, &[]),
        places: Places::new(10, 10, service.metrics.http.connections.clone()),
        tls: RefCell::new(None),
        is_https: false,
        service,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, work(door));
}

fn connect(door: &Rc<Door>) -> DuplexStream {
    let (ours, theirs) = duplex(64 << 10);
    let place = door.places.take(None).unwrap();
    spawn_local(plain(theirs, door.clone(), Peer::at("10.0.0.1".parse().ok()), place));
    ours
}

fn head(path: &str, headers: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n{headers}\r\n")
}

/// Sends this and reads until the connection ends.
async fn ended(door: &Rc<Door>, sent: &str) -> String {
    let mut stream = connect(door);
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.unwrap();
    String::from_utf8(text).unwrap()
}

/// The status and the code or body of an answer to a request that ends its connection.
async fn asked(door: &Rc<Door>, path: &str, headers: &str, body: &str) -> (u16, String) {
    let text = ended(door, &format!("{}{body}", head(path, &format!("{headers}Connection: close\r\n")))).await;
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, content) = text.split_once("\r\n\r\n").unwrap();
    let value: Value = serde_json::from_str(content).unwrap();
    (status, value["code"].as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn a_body_is_read_within_its_limits() {
    with_door(|door| async move {
        let of = |length: usize| format!("Content-Length: {length}\r\n");
        let echoed = |value: &str| (200, format!("[{value},\"secret@10.0.0.1\",0]"));
        assert_eq!(asked(&door, "/echo", &of(7), "{\"a\":1}").await, echoed("{\"a\":1}"));
        assert_eq!(asked(&door, "/echo", "", "").await, echoed("{}"));
        assert_eq!(asked(&door, "/full", "", "").await, code(400, "badRequest"));
        assert_eq!(asked(&door, "/echo", &of(1), "{").await, code(400, "badRequest"));
        assert_eq!(asked(&door, "/echo", &of(5), "{} {}").await, code(400, "badRequest"));
        let chunked = "Transfer-Encoding: chunked\r\n";
        assert_eq!(asked(&door, "/echo", chunked, "2\r\n[]\r\n0\r\n\r\n").await, echoed("[]"));
        // as long as it may be, and one byte more, announced or not
        let fits = format!("\"{}\"", "a".repeat(2046));
        assert_eq!(asked(&door, "/echo", &of(2048), &fits).await, echoed(&fits));
        let long = format!("\"{}\"", "a".repeat(2047));
        assert_eq!(asked(&door, "/echo", &of(2049), &long).await, code(413, "tooLarge"));
        let chunk = format!("801\r\n{long}\r\n0\r\n\r\n");
        assert_eq!(asked(&door, "/echo", chunked, &chunk).await, code(413, "tooLarge"));
        assert_eq!(asked(&door, "/echo", "Content-Encoding: gzip\r\n", "").await, code(415, "unsupportedMedia"));
        assert_eq!(asked(&door, "/echo", "Content-Encoding: identity\r\n", "").await, echoed("{}"));
    });
}

#[test]
fn a_refused_body_is_neither_awaited_nor_followed_by_a_request() {
    with_door(|door| async move {
        // nothing of it was sent, and the connection ends
        let began = Instant::now();
        let text = ended(&door, &head("/echo", "Content-Length: 3000000\r\nExpect: 100-continue\r\n")).await;
        assert!(text.starts_with("HTTP/1.1 413 ") && text.contains("connection: close"), "{text}");
        assert!(began.elapsed() < Duration::from_millis(900));
        // a part was sent, and no more comes
        for headers in ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"] {
            let text = ended(&door, &format!("{}2\r\n{{", head("/echo", headers))).await;
            assert!(text.starts_with("HTTP/1.1 408 ") && text.contains("connection: close"), "{text}");
        }
        assert!(began.elapsed() < Duration::from_secs(10));
        // a client that goes away in the middle of its body frees its place
        let mut stream = connect(&door);
        stream.write_all(format!("{}half", head("/echo", "Content-Length: 100\r\n")).as_bytes()).await.unwrap();
        drop(stream);
        tokio::time::timeout(Duration::from_secs(10), door.places.empty()).await.unwrap();
        // before the guard nothing of a body is looked at
        let stranger =
            "POST /echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nContent-Length: 3000000\r\n\r\n";
        let mut stream = connect(&door);
        stream.write_all(stranger.as_bytes()).await.unwrap();
        let mut text = vec![0; 12];
        stream.read_exact(&mut text).await.unwrap();
        assert_eq!(text, b"HTTP/1.1 401");
    });
}

#[test]
fn the_guard_asks_for_the_role() {
    with_door(|door| async move {
        assert_eq!(asked(&door, "/admin", "", "").await, code(403, "forbidden"));
        assert_eq!(asked(&door, "/approve", "", "").await, code(403, "forbidden"));
        assert_eq!(asked(&door, "/echo", "", "").await.0, 200);
    });
}

#[test]
fn an_answer_has_its_time_and_a_run_has_its_own() {
    with_door(|door| async move {
        assert_eq!(asked(&door, "/slow", "", "").await, code(504, "slow"));
        assert_eq!(asked(&door, "/run", "", "").await, (200, "\"slow\"".to_owned()));
    });
}

#[test]
fn a_panic_ends_only_its_connection() {
    with_door(|door| async move {
        assert_eq!(ended(&door, &head("/panic", "")).await, "");
        tokio::time::timeout(Duration::from_secs(10), door.places.empty()).await.unwrap();
        assert_eq!(asked(&door, "/echo", "", "").await.0, 200);
    });
}

#[test]
fn a_stop_lets_requests_end_and_begins_no_more() {
    with_door(|door| async move {
        let (mut under_way, mut half) = (connect(&door), connect(&door));
        under_way.write_all(head("/run", "").as_bytes()).await.unwrap();
        let request = head("/echo", "");
        let (first, rest) = request.split_at(20);
        half.write_all(first.as_bytes()).await.unwrap();
        while !BEGUN.get() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        door.service.stop();
        half.write_all(rest.as_bytes()).await.unwrap();
        let mut text = String::new();
        half.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 503 ") && text.contains("\"code\":\"stopping\""), "{text}");
        text.clear();
        under_way.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 200 ") && text.contains("connection: close"), "{text}");
    });
}

//! The limits of the service: clients that are slow, silent, large or many.

use crate::support::http::Http;
use crate::support::{Database, Project, SECRET, Service, bearer, project, table, until};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A service whose project has these limits.
fn service(limits: Value) -> Service {
    let project = Project::new(&[("dagmar.yaml", &json!({ "serve": { "limits": limits } }).to_string())]);
    let service = Service::start(&project, &["--url", "postgres://127.0.0.1:1/none"]);
    // the files are read when it starts
    drop(project);
    service
}

/// A connection from another address of this machine.
fn from(address: &str, service: &Service) -> Http<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let own: SocketAddr = format!("{address}:0").parse().unwrap();
    socket.bind(&own.into()).unwrap();
    socket.connect(&service.address.into()).unwrap();
    let stream: TcpStream = socket.into();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    Http::over(stream)
}

const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn a_connection_that_asks_nothing_ends() {
    let service = service(json!({ "headerTime": "1s" }));
    let mut all: Vec<(&str, Http<TcpStream>)> = Vec::new();
    for (what, sent, answers) in [
        ("silence", String::new(), 0),
        ("half a line", "GET /hea".to_owned(), 0),
        ("half a header", "GET /health HTTP/1.1\r\nHost: x\r\nX-".to_owned(), 0),
        ("idle", HEALTH.to_owned(), 1),
        ("half a second request", format!("{HEALTH}GET /health HTTP/1.1\r\nHo"), 1),
    ] {
        let mut http = service.connect();
        http.send(sent);
        for _ in 0..answers {
            assert_eq!(http.reply().unwrap().status, 200, "{what}");
        }
        all.push((what, http));
    }
    let began = Instant::now();
    for (what, mut http) in all {
        assert_eq!(http.ended(), "", "{what}");
        let took = began.elapsed();
        assert!((Duration::from_millis(500)..Duration::from_secs(10)).contains(&took), "{what}: {took:?}");
    }
    // a byte now and then is no request
    let mut slow = service.connect();
    let began = Instant::now();
    let mut writer = slow.stream().try_clone().unwrap();
    let trickle = std::thread::spawn(move || {
        let mut bytes = b"GET /health HTTP/1.1\r\n".iter().chain(b"X-A: b\r\n".iter().cycle());
        while writer.write_all(&[*bytes.next().unwrap()]).is_ok() && began.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    slow.ended();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    drop(slow);
    trickle.join().unwrap();
    assert_eq!(service.open("/health").status, 200);
}

#[test]
fn headers_have_a_size_and_a_number() {
    let service = service(json!({ "header": "8KiB", "headers": 16 }));
    let with = |headers: String| service.send(&format!("GET /health HTTP/1.1\r\nHost: x\r\n{headers}\r\n")).status;
    assert_eq!(with(format!("X-A: {}\r\n", "a".repeat(4000))), 200);
    assert_eq!(with(format!("X-A: {}\r\n", "a".repeat(9000))), 431);
    assert_eq!(with("X-A: b\r\n".repeat(15)), 200);
    assert_eq!(with("X-A: b\r\n".repeat(16)), 431);
    assert_eq!(with("X-A: b\r\n".repeat(1000)), 431);
    assert_eq!(service.send(&format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(20_000))).status, 431);
    for odd in ["GET /health\r\n\r\n", "\0\0\0\0\r\n\r\n", "GET /health HTTP/2.0\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}"] {
        let mut http = service.connect();
        http.send(odd);
        http.stream().shutdown(std::net::Shutdown::Write).unwrap();
        assert!(http.reply().is_none_or(|reply| reply.status == 400), "{odd:?}");
    }
    // two lengths, or a length and chunks: the way to hide one request in another
    for headers in
        ["Content-Length: 1\r\nContent-Length: 2\r\n", "Content-Length: x\r\n", "Transfer-Encoding: gzip\r\n"]
    {
        let mut http = service.connect();
        http.send(format!("GET /health HTTP/1.1\r\nHost: x\r\n{headers}\r\n"));
        assert!(http.reply().is_none_or(|reply| reply.status == 400), "{headers}");
    }
    assert_eq!(service.open("/health").status, 200);
}

#[test]
fn connections_have_a_number() {
    let service = service(json!({ "connections": 5, "connectionsPerAddress": 3 }));
    let mut own: Vec<_> = (0..3).map(|_| service.connect()).collect();
    for http in &mut own {
        assert_eq!(http.send(HEALTH).reply().unwrap().status, 200);
    }
    let refused = |mut http: Http<TcpStream>| {
        let reply = http.reply().unwrap();
        assert_eq!((reply.status, reply.header("retry-after"), reply.header("connection")), (503, "1", "close"));
        assert_eq!(http.ended(), "");
    };
    refused(service.connect());
    let mut others: Vec<_> = (0..2).map(|_| from("127.0.0.2", &service)).collect();
    for http in &mut others {
        assert_eq!(http.send(HEALTH).reply().unwrap().status, 200);
    }
    refused(from("127.0.0.3", &service));
    service.until_logged("connection refused: too many");
    // who has a place keeps it, and a place becomes free
    assert_eq!(own[0].send(HEALTH).reply().unwrap().status, 200);
    drop(others);
    until("a place is free", || {
        let mut http = from("127.0.0.3", &service);
        http.send(HEALTH).reply().is_some_and(|reply| reply.status == 200)
    });
    service.stop();
}

#[test]
fn requests_have_a_rate() {
    let service = service(json!({ "perSecond": 1, "burst": 3 }));
    let mut http = service.connect();
    let mut ask = |path: &str, headers: &str| {
        http.send(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", service.address)).reply().unwrap()
    };
    let secret = bearer();
    let first: Vec<u16> = (0..3).map(|_| ask("/nothing", &secret).status).collect();
    assert_eq!(first, [404; 3]);
    let reply = ask("/nothing", &secret);
    assert_eq!((reply.status, reply.code().as_str()), (429, "tooManyRequests"));
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    // strangers are counted for themselves, by their address
    let strangers: Vec<u16> = (0..4).map(|_| ask("/nothing", "").status).collect();
    assert_eq!(strangers, [401, 401, 401, 429]);
    let mut other = from("127.0.0.2", &service);
    let asked = format!("GET /nothing HTTP/1.1\r\nHost: {}\r\n\r\n", service.address);
    assert_eq!(other.send(&asked).reply().unwrap().status, 401);
    // but not the caller
    let asked = format!("GET /nothing HTTP/1.1\r\nHost: x\r\n{secret}\r\n");
    assert_eq!(other.send(&asked).reply().unwrap().status, 429, "a token has one rate from everywhere");
    assert!((0..20).all(|_| ask("/health", "").status == 200), "probes are not counted");
    until("it may ask again", || ask("/nothing", &secret).status == 404);
}

#[test]
fn who_guesses_has_to_wait() {
    let service = service(json!({ "failuresPerMinute": 3 }));
    let ask = |mut http: Http<TcpStream>, secret: &str| {
        let headers = format!("Host: {}\r\nAuthorization: Bearer {secret}\r\n", service.address);
        http.send(format!("GET /nothing HTTP/1.1\r\n{headers}\r\n")).reply().unwrap()
    };
    let guesses: Vec<u16> = (0..5).map(|n| ask(service.connect(), &format!("guess-{n}")).status).collect();
    assert_eq!(guesses, [401, 401, 401, 429, 429]);
    let right = ask(service.connect(), SECRET);
    assert_eq!(
        (right.status, right.code().as_str()),
        (429, "tooManyRequests"),
        "otherwise a guess could be told from a miss"
    );
    assert!(right.header("retry-after").parse::<u64>().unwrap() <= 21);
    assert_eq!(ask(from("127.0.0.2", &service), SECRET).status, 404);
    // without a secret nothing is guessed
    assert_eq!(service.open("/nothing").status, 401);
}

#[test]
fn an_answer_has_its_time() {
    let database = Database::new();
    let project = project(&[table("a")]);
    project.write("dagmar.yaml", "serve: { limits: { requestTime: 1s } }");
    project.on(&database, &["apply"]).ok();
    let service = Service::of(&project, &database, &[]);
    assert_eq!(service.get("/status").status, 200);
    let holder = database.hold("LOCK TABLE dagmar.changeset IN ACCESS EXCLUSIVE MODE");
    let began = Instant::now();
    let reply = service.get("/status");
    assert_eq!((reply.status, reply.code().as_str()), (504, "slow"));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    // a read that hangs does not keep later ones from their answers
    drop(holder);
    until("it answers again", || service.get("/status").status == 200);
    service.stop();
}

/// A client that asks and asks, and reads nothing.
#[test]
fn who_does_not_read_is_let_go() {
    let service = service(json!({ "bodyTime": "1s", "connections": 1, "headerTime": "60s" }));
    let mut http = service.connect();
    let stream = http.stream();
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    let many = HEALTH.repeat(1000);
    // until the buffers of both sides are full and the service lets go
    let began = Instant::now();
    while stream.write_all(many.as_bytes()).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(60), "it reads without an end");
    }
    until("the place is free", || {
        let mut http = service.connect();
        http.send(HEALTH).reply().is_some_and(|reply| reply.status == 200)
    });
    assert!(began.elapsed() < Duration::from_secs(19), "{:?}", began.elapsed());
}

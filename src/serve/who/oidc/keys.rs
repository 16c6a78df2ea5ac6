//! The keys of an issuer: found by its discovery document, kept for an hour.

use super::verify::Key;
use crate::base::WebAddress;
use crate::serve::net::client::Client;
use serde::Deserialize;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long keys are kept.
const KEPT: Duration = Duration::from_secs(3600);

/// How long to wait before an issuer is asked again: tokens with unknown keys must not make it many questions.
const PAUSE: Duration = Duration::from_secs(60);

/// The discovery document.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// The issuer cannot be reached, and its keys are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreachable;

/// The keys of an issuer.
pub struct Keys {
    issuer: String,
    kept: Duration,
    pause: Duration,
    found: RefCell<Option<(Instant, Rc<Vec<Key>>)>>,
    /// When it was asked last, and whether it answered. Who holds it asks; the others wait.
    asked: Mutex<Option<(Instant, bool)>>,
}

impl Keys {
    /// Of this issuer, which is asked when its first token comes.
    #[must_use]
    pub fn of(issuer: &str) -> Self {
        Self::with(issuer, KEPT, PAUSE)
    }

    fn with(issuer: &str, kept: Duration, pause: Duration) -> Self {
        Self { issuer: issuer.to_owned(), kept, pause, found: RefCell::default(), asked: Mutex::default() }
    }

    /// The keys among which one is for `fits`, if there is one.
    ///
    /// # Errors
    /// No keys are known, and the issuer cannot be reached.
    pub async fn all(&self, client: &Client, fits: impl Fn(&Key) -> bool) -> Result<Rc<Vec<Key>>, Unreachable> {
        if let Some(keys) = self.fresh(&fits) {
            return Ok(keys);
        }
        let mut asked = self.asked.lock().await;
        // who waited finds what another one was told
        if let Some(keys) = self.fresh(&fits) {
            return Ok(keys);
        }
        let may_ask = asked.is_none_or(|(at, _)| at.elapsed() >= self.pause);
        if may_ask {
            let answer = self.ask(client).await;
            *asked = Some((Instant::now(), answer.is_ok()));
            match answer {
                Ok(keys) => *self.found.borrow_mut() = Some((Instant::now(), Rc::new(keys))),
                Err(why) => tracing::warn!(issuer = self.issuer, "the keys of the issuer cannot be read: {why}"),
            }
        }
        let known = self.found.borrow().as_ref().map(|(_, keys)| keys.clone());
        match (known, *asked) {
            // an issuer that cannot be reached may have the key by now
            (Some(keys), Some((_, false))) if !keys.iter().any(&fits) => Err(Unreachable),
            (Some(keys), _) => Ok(keys),
            (None, _) => Err(Unreachable),
        }
    }

    fn fresh(&self, fits: &impl Fn(&Key) -> bool) -> Option<Rc<Vec<Key>>> {
        let found = self.found.borrow();
        let (_, keys) = found.as_ref().filter(|(at, keys)| at.elapsed() < self.kept && keys.iter().any(fits))?;
        Some(keys.clone())
    }

    async fn ask(&self, client: &Client) -> Result<Vec<Key>, String> {
        let place = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let text = client.get(&place.parse()?).await?;
        let found: Discovery = serde_json::from_slice(&text).map_err(|e| format!("{place}: {e}"))?;
        if found.issuer != self.issuer {
            return Err(format!("{place}: it is the document of another issuer"));
        }
        let keys: WebAddress = found.jwks_uri.parse()?;
        if !keys.is_safe() {
            return Err(format!("{keys} is asked without TLS"));
        }
        Key::all(&client.get(&keys).await?).map_err(|why| format!("{keys}: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::{LocalSet, spawn_local};

    /// An issuer: the name of its only key, empty while it is away, and how often it was asked for it.
    #[derive(Default)]
    struct Issuer {
        kid: RefCell<String>,
        asked: Cell<usize>,
    }

    async fn serve(listener: TcpListener, url: String, issuer: Rc<Issuer>) {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = vec![0; 4096];
            let read = stream.read(&mut text).await.unwrap();
            let kid = issuer.kid.borrow().clone();
            let body = if text[..read].starts_with(b"GET /keys") {
                issuer.asked.set(issuer.asked.get() + 1);
                let key = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}","kid":"{kid}"}}"#, "A".repeat(43));
                format!(r#"{{"keys":[{key}, {{"kty":"new"}}, 1]}}"#)
            } else {
                format!(r#"{{"issuer":"{url}","jwks_uri":"{url}/keys"}}"#)
            };
            let status = if kid.is_empty() { 500 } else { 200 };
            let reply =
                format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
    }

    fn with_issuer<F: Future<Output = ()>>(work: impl FnOnce(String, Rc<Issuer>, Client) -> F) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let issuer = Rc::new(Issuer { kid: RefCell::new("1".to_owned()), ..Issuer::default() });
            spawn_local(serve(listener, url.clone(), issuer.clone()));
            work(url, issuer, Client::new().unwrap()).await;
        });
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_new_key_is_found_and_an_old_one_counts_while_the_issuer_is_away() {
        with_issuer(|url, issuer, client| async move {
            let keys = Keys::with(&url, HOUR, Duration::ZERO);
            let has = async |kid: &str| {
                let all = keys.all(&client, |key| key.kid.as_deref() == Some(kid)).await?;
                Ok::<_, Unreachable>(all.iter().any(|key| key.kid.as_deref() == Some(kid)))
            };
            assert_eq!((has("1").await, has("1").await, issuer.asked.get()), (Ok(true), Ok(true), 1));
            *issuer.kid.borrow_mut() = "2".to_owned();
            assert_eq!((has("2").await, issuer.asked.get()), (Ok(true), 2));
            assert_eq!((has("1").await, issuer.asked.get()), (Ok(false), 3), "a key that is gone counts no more");
            issuer.kid.borrow_mut().clear();
            assert_eq!((has("2").await, has("3").await), (Ok(true), Err(Unreachable)));
        });
    }

    #[test]
    fn an_issuer_is_asked_once_an_hour_and_not_by_everybody_at_once() {
        with_issuer(|url, issuer, client| async move {
            let keys = Keys::with(&url, Duration::ZERO, HOUR);
            let ask = || keys.all(&client, |_| true);
            let (a, b, c) = tokio::join!(ask(), ask(), ask());
            assert!([a, b, c].iter().all(|keys| keys.as_ref().is_ok_and(|keys| keys.len() == 1)));
            // they are old, and it was asked just now
            assert!(ask().await.is_ok());
            assert_eq!(issuer.asked.get(), 1);
            let keys = Keys::with(&url, Duration::ZERO, Duration::ZERO);
            issuer.kid.borrow_mut().clear();
            assert_eq!(keys.all(&client, |_| true).await.err(), Some(Unreachable));
        });
    }
}

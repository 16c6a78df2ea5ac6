//! Who asks, and how often he may.

pub mod address;
mod bearer;
mod grants;
mod host;
mod kept;
pub mod oidc;
pub mod origin;
mod proxy;
mod rate;
mod secret;
mod session;
pub mod token;
pub mod tokens;

use super::caller::{Caller, Proof, Role, Roles, Way};
use super::exchange::{Head, Peer};
use super::problem::{Kind, Problem};
use crate::base::remedy::Argument;
use crate::base::{Failure, FailureKind, Operation, Secret};
use crate::source::ServeConfig;
use bearer::Shown;
pub use host::Hosts;
use kept::{Kept, Unreadable};
use oidc::{Oidc, Unreachable};
use proxy::{Proxy, Said};
use rate::Rate;
use secret::SecretHash;
pub use session::{KEY, Session, Sessions};
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::time::{Duration, Instant};
use token::Token;
use tokens::TokenEntry;

const MINUTE: Duration = Duration::from_secs(60);

/// Who may use the service, and what they have used of it.
pub struct Who {
    secret: Option<SecretHash>,
    tokens: Option<Kept>,
    oidc: Option<Oidc>,
    proxy: Option<Proxy>,
    failures: Rate,
    calls: Rate,
    notes: Rate,
}

impl Who {
    /// Those who know the secret, those with a token of the file or of an issuer, and those whom a proxy has signed
    /// in.
    ///
    /// # Errors
    /// The file of tokens cannot be used, or there is nobody who could.
    pub fn new(secret: Option<&Secret>, tokens: Option<&Path>, project: &ServeConfig) -> Result<Self, Failure> {
        let limits = &project.limits;
        let per_minute = limits.failures_per_minute;
        let this = Self {
            secret: secret.map(|secret| SecretHash::of(secret.expose())),
            tokens: tokens.map(Kept::open).transpose()?,
            oidc: Oidc::new(&project.oidc)?,
            proxy: project.proxy.clone().map(Proxy::new),
            failures: Rate::new(per_minute, MINUTE, per_minute),
            calls: Rate::new(limits.per_second, Duration::from_secs(1), limits.burst),
            notes: Rate::new(1, MINUTE, 1),
        };
        let has_others = this.oidc.is_some() || this.proxy.as_ref().is_some_and(Proxy::signs_in);
        if this.secret.is_none() && !this.tokens.as_ref().is_some_and(Kept::has_valid) && !has_others {
            let why = "nobody could use the service: it has no secret and no valid token";
            return Err(
                Failure::new(FailureKind::Usage, why).help("make a token: " + Operation::TokenNew.on(Argument::Open))
            );
        }
        Ok(this)
    }

    /// The client of a connection: behind a trusted proxy the one that it names.
    #[must_use]
    pub fn client(&self, head: &Head, peer: Peer) -> Peer {
        proxy::client(self.proxy.as_ref(), head, peer)
    }

    /// Who asks, from where [`Who::client`] says; `None`: a request that shows nothing.
    ///
    /// # Errors
    /// What it shows is not valid, or its address has shown too much that is not.
    pub async fn identify(&self, head: &Head, peer: Peer) -> Result<Option<Caller>, Problem> {
        match self.proxy.as_ref().map_or(Said::Nothing, |proxy| proxy.said(head, peer)) {
            Said::Nothing => {}
            Said::Caller(caller) => return Ok(Some(*caller)),
            Said::Wrong => return self.by_text(None, peer).await.map(Some),
        }
        match bearer::shown(head) {
            Shown::Nothing => Ok(None),
            Shown::Bearer(text) => self.by_text(Some(text), peer).await.map(Some),
            Shown::Wrong => self.by_text(None, peer).await.map(Some),
        }
    }

    /// Whom a text stands for, as a header or a form shows it; `None`: it has not even the form of one.
    ///
    /// # Errors
    /// It is not valid, or its address has shown too much that is not.
    pub async fn by_text(&self, text: Option<&str>, peer: Peer) -> Result<Caller, Problem> {
        let (now, network) = (Instant::now(), network(peer));
        // first: otherwise the answer would tell which guess was right
        self.failures.check(&network, now).map_err(too_many)?;
        let found = match text {
            None => None,
            Some(text) if self.secret.as_ref().is_some_and(|secret| secret.is(text)) => Some(by_secret(peer)),
            Some(text) => match (self.by_token(text, peer)?, &self.oidc) {
                (None, Some(oidc)) => oidc.find(text, peer).await.map_err(unreachable)?,
                (found, _) => found,
            },
        };
        found.ok_or_else(|| {
            let _ = self.failures.take(&network, now);
            Problem::unauthenticated()
        })
    }

    fn by_token(&self, text: &str, peer: Peer) -> Result<Option<Caller>, Problem> {
        let (Some(tokens), Some(token)) = (&self.tokens, Token::read(text)) else { return Ok(None) };
        let entry = tokens.find(&token).map_err(unreadable)?;
        Ok(entry.map(|entry| of_entry(entry, peer)))
    }

    /// The caller who came this way before, as he is now; `None`: he may not any more.
    ///
    /// # Errors
    /// The file of tokens cannot be read.
    pub fn again(&self, way: &Way, peer: Peer) -> Result<Option<Caller>, Problem> {
        match way {
            Way::Secret => Ok(self.secret.as_ref().map(|_| by_secret(peer))),
            Way::Token { id, .. } => {
                let entry = self.tokens.as_ref().map_or(Ok(None), |tokens| tokens.entry(id)).map_err(unreadable)?;
                Ok(entry.map(|entry| of_entry(entry, peer)))
            }
            // who said it says it again with every request
            Way::Oidc { .. } | Way::Proxy => Ok(None),
        }
    }

    /// By what this caller was let in, for a session; `None`: there is none for callers like him.
    #[must_use]
    pub fn proof(&self, caller: &Caller) -> Option<Proof> {
        match &caller.way {
            Way::Secret => self.secret.as_ref().map(|secret| Proof::Secret { mark: secret.mark() }),
            Way::Token { id, .. } => Some(Proof::Token { id: id.clone() }),
            Way::Oidc { issuer } => {
                let groups = self.oidc.as_ref().map_or_else(Vec::new, |oidc| oidc.kept(issuer, &caller.groups));
                let person = caller.person.clone();
                Some(Proof::Oidc { issuer: issuer.clone(), person, groups })
            }
            // it says who asks with every request
            Way::Proxy => None,
        }
    }

    /// Who has this session; `None`: what let him in does so no more.
    ///
    /// # Errors
    /// The file of tokens cannot be read.
    pub fn resume(&self, session: &Session, peer: Peer) -> Result<Option<Caller>, Problem> {
        match &session.proof {
            Proof::Secret { mark } => {
                let is_same = self.secret.as_ref().is_some_and(|secret| secret.mark() == *mark);
                if is_same { self.again(&Way::Secret, peer) } else { Ok(None) }
            }
            Proof::Token { id } => self.again(&Way::Token { id: id.clone(), name: String::new() }, peer),
            Proof::Oidc { issuer, person, groups } => {
                let oidc = self.oidc.as_ref();
                Ok(oidc.and_then(|oidc| oidc.again(issuer, (person, groups), session.expires, peer)))
            }
        }
    }

    /// Whether those who may use the service can.
    ///
    /// # Errors
    /// The file of tokens cannot be read.
    pub fn check(&self) -> Result<(), Problem> {
        self.tokens.as_ref().map_or(Ok(()), Kept::check).map_err(unreadable)
    }

    /// Counts a request of a caller, or of an address without one.
    ///
    /// # Errors
    /// There were too many.
    pub fn admit(&self, caller: Option<&Caller>, peer: Peer) -> Result<(), Problem> {
        let key = caller.map_or_else(|| network(peer), Caller::bucket);
        self.calls.take(&key, Instant::now()).map_err(too_many)
    }

    /// Whether it is noted that a caller may not do something: once a minute.
    #[must_use]
    pub fn may_be_noted(&self, caller: &Caller, route: &str, environment: &str) -> bool {
        self.notes.take(&format!("{}\n{route}\n{environment}", caller.bucket()), Instant::now()).is_ok()
    }
}

fn by_secret(peer: Peer) -> Caller {
    Caller {
        person: "secret".to_owned(),
        way: Way::Secret,
        address: peer.address,
        roles: Roles::of(&[Role::Read, Role::Plan, Role::Run]),
        environments: None,
        groups: Vec::new(),
        expires: None,
    }
}

fn of_entry(entry: TokenEntry, peer: Peer) -> Caller {
    Caller {
        address: peer.address,
        roles: Roles::of(&entry.roles),
        expires: entry.expires_at(),
        person: entry.name.clone(),
        way: Way::Token { id: entry.id, name: entry.name },
        environments: entry.environments.map(|all| all.into_iter().collect()),
        groups: entry.groups,
    }
}

fn unreadable(_: Unreadable) -> Problem {
    Problem::new(Kind::TokensUnreadable, "the file of tokens cannot be used; the log says why")
}

fn too_many(wait: Duration) -> Problem {
    let seconds = wait.as_secs() + 1;
    Problem::new(Kind::TooManyRequests, format!("too many requests; wait {seconds} s"))
        .header("retry-after", seconds.to_string())
}

fn unreachable(_: Unreachable) -> Problem {
    Problem::new(Kind::IssuerUnreachable, "the issuer of the token cannot be reached").header("retry-after", "60")
}

/// Whom an address stands for: of IPv6 a client has a whole network.
#[must_use]
pub fn network(peer: Peer) -> String {
    match peer.address.map(|address| address.to_canonical()) {
        None => "socket".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::ServeLimits;

    /// The result of what has nothing to wait for.
    fn now<T>(work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match work.as_mut().poll(&mut context) {
            std::task::Poll::Ready(result) => result,
            std::task::Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn a_client_has_one_address_or_one_network() {
        let of = |address: &str| network(Peer::at(address.parse().ok()));
        assert_eq!(
            (of(""), of("10.0.0.1"), of("::ffff:10.0.0.1")),
            ("socket".into(), "10.0.0.1".into(), "10.0.0.1".into())
        );
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(of("2001:db8:1:2:ffff::1"), of("2001:db8:1:2::"));
    }

    #[test]
    fn wrong_secrets_lock_out_their_address() {
        let limits = ServeLimits { failures_per_minute: 3, ..ServeLimits::default() };
        let project = ServeConfig { limits, ..ServeConfig::default() };
        let who = Who::new(Some(&Secret::new("0123456789abcdef")), None, &project).unwrap();
        let status = |value: &str, address: &str| {
            let head = Head::of([("authorization", value.as_bytes())]);
            let asked = now(who.identify(&head, Peer::at(address.parse().ok())));
            asked.map_or_else(|problem| problem.status(), |caller| caller.map_or(0, |_| 200))
        };
        let wrong = ["Bearer x", "Basic 0123456789abcdef", "Bearer 0123456789abcdef x"];
        assert_eq!(wrong.map(|value| status(value, "10.0.0.1")), [401; 3]);
        assert_eq!(status("Bearer x", "10.0.0.1"), 429);
        assert_eq!(status("Bearer 0123456789abcdef", "10.0.0.1"), 429, "a guess must not be told from a miss");
        assert_eq!(status("Bearer 0123456789abcdef", "10.0.0.2"), 200);
    }
}

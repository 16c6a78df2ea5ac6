//! Who asks, and how often he may.

mod bearer;
mod host;
pub mod origin;
mod rate;
mod secret;
mod session;

use super::caller::{Caller, Proof, Role, Roles, Way};
use super::exchange::{Head, Peer};
use super::problem::{Kind, Problem};
use crate::base::Secret;
use crate::source::ServeLimits;
use bearer::Shown;
pub use host::Hosts;
use rate::Rate;
use secret::SecretHash;
pub use session::{KEY, Session, Sessions};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Who may use the service, and what they have used of it.
pub struct Who {
    secret: SecretHash,
    failures: Rate,
    calls: Rate,
}

impl Who {
    /// Those who know the secret.
    #[must_use]
    pub fn new(secret: &Secret, limits: &ServeLimits) -> Self {
        let per_minute = limits.failures_per_minute;
        Self {
            secret: SecretHash::of(secret),
            failures: Rate::new(per_minute, Duration::from_secs(60), per_minute),
            calls: Rate::new(limits.per_second, Duration::from_secs(1), limits.burst),
        }
    }

    /// Who asks; `None`: a request that shows nothing.
    ///
    /// # Errors
    /// What it shows is not valid, or its address has shown too much that is not.
    pub fn identify(&self, head: &Head, peer: Peer) -> Result<Option<Caller>, Problem> {
        let (now, network) = (Instant::now(), network(peer));
        let text = match bearer::shown(head) {
            Shown::Nothing => return Ok(None),
            Shown::Bearer(text) => Some(text),
            Shown::Wrong => None,
        };
        // first: otherwise the answer would tell which guess was right
        self.failures.check(&network, now).map_err(too_many)?;
        if !text.is_some_and(|text| self.secret.is(text)) {
            let _ = self.failures.take(&network, now);
            return Err(Problem::unauthenticated());
        }
        Ok(Some(by_secret(peer)))
    }

    /// By what this caller was let in, for his session.
    #[must_use]
    pub fn proof(&self, caller: &Caller) -> Proof {
        match caller.way {
            Way::Secret => Proof::Secret { mark: self.secret.mark() },
        }
    }

    /// Who has this session; `None`: what let him in does so no more.
    #[must_use]
    pub fn resume(&self, session: &Session, peer: Peer) -> Option<Caller> {
        match &session.proof {
            Proof::Secret { mark } => (*mark == self.secret.mark()).then(|| by_secret(peer)),
        }
    }

    /// Counts a request of a caller, or of an address without one.
    ///
    /// # Errors
    /// There were too many.
    pub fn admit(&self, caller: Option<&Caller>, peer: Peer) -> Result<(), Problem> {
        let key = caller.map_or_else(|| network(peer), Caller::bucket);
        self.calls.take(&key, Instant::now()).map_err(too_many)
    }
}

fn by_secret(peer: Peer) -> Caller {
    Caller {
        person: "secret".to_owned(),
        way: Way::Secret,
        address: peer.address,
        roles: Roles::of(&[Role::Read, Role::Plan, Role::Run]),
    }
}

fn too_many(wait: Duration) -> Problem {
    let seconds = wait.as_secs() + 1;
    Problem::new(Kind::TooManyRequests, format!("too many requests; wait {seconds} s"))
        .header("retry-after", seconds.to_string())
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

    #[test]
    fn a_client_has_one_address_or_one_network() {
        let of = |address: &str| network(Peer { address: address.parse().ok() });
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
        let who = Who::new(&Secret::new("0123456789abcdef"), &limits);
        let status = |value: &str, address: &str| {
            let head = Head::of([("authorization", value.as_bytes())]);
            let asked = who.identify(&head, Peer { address: address.parse().ok() });
            asked.map_or_else(|problem| problem.status(), |caller| caller.map_or(0, |_| 200))
        };
        let wrong = ["Bearer x", "Basic 0123456789abcdef", "Bearer 0123456789abcdef x"];
        assert_eq!(wrong.map(|value| status(value, "10.0.0.1")), [401; 3]);
        assert_eq!(status("Bearer x", "10.0.0.1"), 429);
        assert_eq!(status("Bearer 0123456789abcdef", "10.0.0.1"), 429, "a guess must not be told from a miss");
        assert_eq!(status("Bearer 0123456789abcdef", "10.0.0.2"), 200);
    }
}

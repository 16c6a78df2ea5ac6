//! Tokens of issuers of OpenID Connect.

mod claims;
pub mod jwt;
mod keys;
pub mod verify;

use super::grants;
use crate::base::{Failure, FailureKind};
use crate::ops::now;
use crate::serve::caller::{Caller, Way};
use crate::serve::exchange::Peer;
use crate::serve::net::client::Client;
use crate::source::ServeOidc;
use jwt::Jwt;
use keys::Keys;
pub use keys::Unreachable;

/// The most bytes of groups without a meaning in dagmar.yaml that a session remembers.
const KEPT: usize = 1536;

/// The issuers that are trusted.
pub struct Oidc {
    issuers: Vec<(ServeOidc, Keys)>,
    client: Client,
}

impl Oidc {
    /// As dagmar.yaml says it; `None`: there is none. Nobody is asked yet.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(issuers: &[ServeOidc]) -> Result<Option<Self>, Failure> {
        if issuers.is_empty() {
            return Ok(None);
        }
        let client = Client::new().map_err(|why| Failure::new(FailureKind::Internal, why))?;
        let issuers = issuers.iter().map(|about| (about.clone(), Keys::of(&about.issuer))).collect();
        Ok(Some(Self { issuers, client }))
    }

    /// Whom a text stands for; `None`: for nobody.
    ///
    /// # Errors
    /// It may stand for somebody, and its issuer cannot be reached.
    pub async fn find(&self, text: &str, peer: Peer) -> Result<Option<Caller>, Unreachable> {
        let Some(jwt) = Jwt::read(text) else { return Ok(None) };
        let issuer = jwt.claims.get("iss").and_then(|issuer| issuer.as_str()).unwrap_or_default();
        for (about, keys) in self.issuers.iter().filter(|(about, _)| about.issuer == issuer) {
            // first: what cannot count by what it says is no reason to ask an issuer
            let Some(person) = claims::person(&jwt.claims, about, now()) else { continue };
            let all = keys.all(&self.client, |key| key.fits(&jwt)).await?;
            if !all.iter().any(|key| key.has_signed(&jwt)) {
                continue;
            }
            return Ok(Some(caller(about, person.name, person.groups, person.expires, peer)));
        }
        Ok(None)
    }

    /// The groups that a session remembers: those that dagmar.yaml gives something, and of the others as many as the
    /// ledger keeps.
    #[must_use]
    pub fn kept(&self, issuer: &str, groups: &[String]) -> Vec<String> {
        let about = self.issuers.iter().find(|(about, _)| about.issuer == issuer).map(|(about, _)| about);
        let is_named =
            |group: &String| about.is_some_and(|about| grants::names(&about.roles, about.environments.as_ref(), group));
        let (named, others): (Vec<String>, Vec<String>) = groups.iter().cloned().partition(is_named);
        let room = KEPT.saturating_sub(named.iter().map(String::len).sum());
        let others = others.into_iter().scan(0, |sum, group| {
            *sum += group.len();
            (*sum <= room).then_some(group)
        });
        named.into_iter().chain(others).collect()
    }

    /// Somebody of whom an issuer has told before, until then; `None`: it is trusted no more.
    #[must_use]
    pub fn again(&self, issuer: &str, (person, groups): (&str, &[String]), until: i64, peer: Peer) -> Option<Caller> {
        let (about, _) = self.issuers.iter().find(|(about, _)| about.issuer == issuer)?;
        Some(caller(about, person.to_owned(), groups.to_vec(), until, peer))
    }
}

fn caller(about: &ServeOidc, person: String, groups: Vec<String>, expires: i64, peer: Peer) -> Caller {
    Caller {
        person,
        way: Way::Oidc { issuer: about.issuer.clone() },
        address: peer.address,
        roles: grants::roles(&about.roles, &groups),
        environments: grants::environments(about.environments.as_ref(), &groups),
        groups,
        expires: Some(expires),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_session_remembers_the_groups_that_mean_something() {
        let about: ServeOidc = serde_json::from_value(json!({
            "issuer": "https://id.example.org", "audience": "dagmar", "groups": "groups",
            "roles": { "run": ["z-dba"] }, "environments": { "y-live": ["live"] }
        }))
        .unwrap();
        let oidc = Oidc::new(&[about]).unwrap().unwrap();
        let mut groups: Vec<String> = (0..400).map(|i| format!("group-{i:04}")).collect();
        groups.extend(["y-live".to_owned(), "z-dba".to_owned()]);
        let kept = oidc.kept("https://id.example.org", &groups);
        assert_eq!(kept[..3], ["y-live".to_owned(), "z-dba".to_owned(), "group-0000".to_owned()]);
        assert!(kept.iter().map(String::len).sum::<usize>() <= KEPT && kept.len() > 100, "{}", kept.len());
    }
}

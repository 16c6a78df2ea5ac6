//! Who asks, as a trusted proxy says it.

use super::grants::{GROUPS, LONGEST};
use super::{address, grants};
use crate::base::Network;
use crate::serve::caller::{Caller, Way};
use crate::serve::exchange::{Head, Peer};
use crate::source::ServeProxy;

/// A trusted proxy.
pub struct Proxy {
    about: ServeProxy,
    user: Option<String>,
    groups: Option<String>,
}

/// What a proxy says.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing: it has signed nobody in, or is no proxy.
    Nothing,
    /// This is who asks.
    Caller(Box<Caller>),
    /// What cannot be believed: two names, an empty one, one beside another way.
    Wrong,
}

impl Proxy {
    /// As dagmar.yaml says it.
    #[must_use]
    pub fn new(about: ServeProxy) -> Self {
        let lower = |name: &Option<String>| name.as_ref().map(|name| name.to_ascii_lowercase());
        Self { user: lower(&about.user_header), groups: lower(&about.groups_header), about }
    }

    /// Whether it signs people in.
    #[must_use]
    pub fn signs_in(&self) -> bool {
        self.user.is_some()
    }

    /// Where proxies are.
    #[must_use]
    pub fn addresses(&self) -> &[Network] {
        &self.about.addresses
    }

    /// Who asks.
    #[must_use]
    pub fn said(&self, head: &Head, peer: Peer) -> Said {
        let Some(header) = self.user.as_deref().filter(|_| peer.is_proxied) else { return Said::Nothing };
        if head.all(header).next().is_none() {
            return Said::Nothing;
        }
        let name = head.one(header).map(str::trim).filter(|name| (1..=LONGEST).contains(&name.len()));
        let (Some(person), None, Some(groups)) = (name, head.all("authorization").next(), self.groups(head)) else {
            return Said::Wrong;
        };
        Said::Caller(Box::new(Caller {
            person: person.to_owned(),
            way: Way::Proxy,
            address: peer.address,
            roles: grants::roles(&self.about.roles, &groups),
            environments: grants::environments(self.about.environments.as_ref(), &groups),
            groups,
            expires: None,
        }))
    }

    /// The groups; `None`: the header cannot be read.
    fn groups(&self, head: &Head) -> Option<Vec<String>> {
        let Some(header) = self.groups.as_deref().filter(|header| head.all(header).next().is_some()) else {
            return Some(Vec::new());
        };
        let names = head.one(header)?.split(',').map(str::trim).filter(|name| !name.is_empty());
        let groups: Vec<String> = names.map(str::to_owned).collect();
        (groups.len() <= GROUPS && groups.iter().all(|group| group.len() <= LONGEST)).then_some(groups)
    }
}

/// The client of a connection, which may have come through a proxy.
#[must_use]
pub fn client(proxy: Option<&Proxy>, head: &Head, peer: Peer) -> Peer {
    address::client(head, peer, proxy.map_or(&[], Proxy::addresses))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::caller::Role;

    const PROXY: &str = "{ addresses: [10.0.0.0/8], userHeader: X-Forwarded-User, groupsHeader: X-Groups,
        roles: { run: [dba], read: ['*'] }, environments: { dba: [live] } }";

    fn said(peer: &str, headers: &[(&str, &str)]) -> Said {
        let proxy = Proxy::new(serde_yaml::from_str(PROXY).unwrap());
        let head = Head::of(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
        proxy.said(&head, client(Some(&proxy), &head, Peer::at(peer.parse().ok())))
    }

    #[test]
    fn only_the_proxy_says_who_asks() {
        let anna = ("x-forwarded-user", "anna@example.org");
        let Said::Caller(caller) =
            said("10.0.0.1", &[anna, ("x-groups", "dba, ,qa"), ("x-forwarded-for", "203.0.113.9")])
        else {
            panic!()
        };
        assert_eq!((caller.person.as_str(), caller.address), ("anna@example.org", "203.0.113.9".parse().ok()));
        assert!(caller.may(Role::Run) && caller.sees("live") && !caller.sees("dev"));
        assert_eq!(caller.groups, ["dba", "qa"]);
        let Said::Caller(caller) = said("10.0.0.1", &[anna]) else { panic!() };
        assert!(caller.may(Role::Read) && !caller.may(Role::Plan) && !caller.sees("live"));
        for (peer, headers) in [
            ("203.0.113.9", &[anna] as &[_]),
            ("", &[anna]),
            ("10.0.0.1", &[]),
            ("203.0.113.9", &[anna, ("x-forwarded-for", "10.0.0.1")]),
        ] {
            assert_eq!(said(peer, headers), Said::Nothing, "{peer} {headers:?}");
        }
        let long = "a".repeat(257);
        for headers in [
            &[anna, anna] as &[_],
            &[("x-forwarded-user", "")],
            &[("x-forwarded-user", "  ")],
            &[("x-forwarded-user", &long)],
            &[("x-forwarded-user", "a\u{7}b")],
            &[anna, ("authorization", "Bearer x")],
            &[anna, ("x-groups", "a"), ("x-groups", "dba")],
            &[anna, ("x-groups", "\u{e4}")],
            &[anna, ("x-groups", &long)],
        ] {
            assert_eq!(said("10.0.0.1", headers), Said::Wrong, "{headers:?}");
        }
    }
}

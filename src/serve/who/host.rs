//! The `Host` header: what a browser was told to call, which a stranger's name server may have decided.

use crate::serve::config::PublicUrl;
use crate::serve::exchange::Head;
use crate::serve::problem::{Kind, Problem};
use std::net::{IpAddr, SocketAddr};

/// The names of this service.
pub struct Hosts {
    authorities: Vec<String>,
    /// The ports at which any address of the machine is served.
    everywhere: Vec<u16>,
}

impl Hosts {
    /// Of a service at these addresses.
    #[must_use]
    pub fn of(public: Option<&PublicUrl>, listen: &[SocketAddr]) -> Self {
        // the name that clients of a Unix socket use; no stranger's name server is asked for it
        let mut authorities = vec!["localhost".to_owned()];
        authorities.extend(public.map(|url| url.authority.clone()));
        let mut everywhere = Vec::new();
        for address in listen {
            let port = address.port();
            authorities.push(address.to_string());
            authorities.extend(["localhost", "127.0.0.1", "[::1]"].map(|host| format!("{host}:{port}")));
            if address.ip().is_unspecified() {
                everywhere.push(port);
            }
        }
        Self { authorities, everywhere }
    }

    /// The host of a request. HTTP/1.0 may have none.
    ///
    /// # Errors
    /// None, several, or one that is no host.
    pub fn named(head: &Head, is_old: bool) -> Result<Option<String>, Problem> {
        let wrong = |why: &str| Problem::new(Kind::BadRequest, format!("the request {why}"));
        match head.all("host").count() {
            0 if is_old => return Ok(None),
            0 => return Err(wrong("has no Host header")),
            1 => {}
            _ => return Err(wrong("has several Host headers")),
        }
        let plain =
            |host: &&str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
        match head.one("host").filter(plain) {
            Some(host) => Ok(Some(host.to_ascii_lowercase())),
            None => Err(wrong("has a Host header that names no host")),
        }
    }

    /// Refuses a request that was meant for another host. Who shows a secret may use any name: a foreign page has none.
    ///
    /// # Errors
    /// The name is none of this service.
    pub fn check(&self, host: Option<&str>) -> Result<(), Problem> {
        let is_ours = |host: &str| {
            let address = host.parse::<SocketAddr>().ok();
            let bare = host.trim_matches(['[', ']']).parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 80));
            let everywhere = address.or(bare).is_some_and(|address| self.everywhere.contains(&address.port()));
            everywhere || self.authorities.iter().any(|own| own == host || own.strip_suffix(":80") == Some(host))
        };
        match host {
            Some(host) if !is_ours(host) => {
                Err(Problem::new(Kind::Misdirected, "the name in the Host header is none of this service"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_service() {
        let ours = |public: Option<&str>, listen: &[&str], host: &str| {
            let public = public.map(|url| url.parse::<PublicUrl>().unwrap());
            let listen: Vec<SocketAddr> = listen.iter().map(|address| address.parse().unwrap()).collect();
            Hosts::of(public.as_ref(), &listen).check(Some(host)).is_ok()
        };
        assert!(ours(None, &[], "localhost") && !ours(None, &[], "127.0.0.1"));
        for host in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "localhost"] {
            assert!(ours(None, &["127.0.0.1:8080"], host), "{host}");
        }
        for host in ["127.0.0.1", "localhost:81", "evil.example.org:8080", "10.0.0.1:8080", "127.0.0.1:8080.evil.org"] {
            assert!(!ours(None, &["127.0.0.1:8080"], host), "{host}");
        }
        assert!(ours(Some("https://d.example.org"), &["10.0.0.1:8080"], "d.example.org"));
        assert!(ours(None, &["0.0.0.0:8080"], "10.1.2.3:8080") && !ours(None, &["0.0.0.0:8080"], "a.org:8080"));
        assert!(ours(None, &["0.0.0.0:80"], "10.1.2.3") && ours(None, &["10.0.0.1:80"], "10.0.0.1"));
        assert!(ours(None, &["[::]:8080"], "[fe80::1]:8080"));
    }

    #[test]
    fn a_request_names_one_host() {
        let named = |hosts: &[&str], is_old| {
            let head = Head::of(hosts.iter().map(|host| ("host", host.as_bytes())));
            Hosts::named(&head, is_old).map_err(|problem| problem.status())
        };
        assert_eq!(named(&["A.org:80"], false), Ok(Some("a.org:80".to_owned())));
        assert_eq!((named(&[], true), named(&[], false)), (Ok(None), Err(400)));
        for wrong in [["a", "a"].as_slice(), &[""], &["a b"], &["a/b"], &["a@b"], &["\u{e4}"]] {
            assert_eq!(named(wrong, false), Err(400), "{wrong:?}");
        }
    }
}

//! Addresses of the web: `https://id.example.org/tenant`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An address that is asked by HTTP, without user, query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebAddress {
    /// Whether it is asked by TLS.
    pub is_https: bool,
    /// The host: a name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path, with its `/`; empty if there is none.
    pub path: String,
}

impl WebAddress {
    /// Whether it is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether nobody on the way can change what it answers.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.is_https || self.is_loopback()
    }

    /// The host and port as in a `Host` header.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if self.is_https { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }
}

impl FromStr for WebAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no address: write `https://id.example.org/path`");
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let is_https = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(wrong()),
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let is_plain = |c: char| c.is_ascii_graphic() && !"?#\\\"<>^`{|}".contains(c);
        if !path.chars().all(is_plain) {
            return Err(wrong());
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| wrong())?;
                (host, port.strip_prefix(':').or(Some("").filter(|_| port.is_empty())).ok_or_else(wrong)?)
            }
            None => authority.split_once(':').unwrap_or((authority, "")),
        };
        let of_host = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if host.is_empty() || !(host.contains(':') || host.chars().all(of_host)) {
            return Err(wrong());
        }
        let port = match port {
            "" => Some(if is_https { 443 } else { 80 }),
            port if port.bytes().all(|b| b.is_ascii_digit()) => port.parse().ok().filter(|port| *port > 0),
            _ => None,
        };
        let (host, path) = (host.to_ascii_lowercase(), path.to_owned());
        Ok(Self { is_https, host, port: port.ok_or_else(wrong)?, path })
    }
}

impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, host, port, path, is_safe) in [
            ("https://id.example.org", "id.example.org", 443, "", true),
            ("https://id.example.org:8443/a/b", "id.example.org", 8443, "/a/b", true),
            ("http://127.0.0.1:81/", "127.0.0.1", 81, "/", true),
            ("http://[::1]:81/x", "::1", 81, "/x", true),
            ("http://localhost", "localhost", 80, "", true),
            ("http://id.example.org", "id.example.org", 80, "", false),
        ] {
            let address: WebAddress = text.parse().unwrap();
            let found = (address.host.as_str(), address.port, address.path.as_str(), address.is_safe());
            assert_eq!((found, address.to_string().as_str()), ((host, port, path, is_safe), text));
        }
        for wrong in [
            "",
            "id.example.org",
            "ftp://a",
            "https://",
            "https://a b",
            "https://u@a",
            "https://a:b",
            "https://a:0",
            "https://a/?q",
            "https://a/#f",
            "https://[::1",
            "https://[a]",
            "https://a:70000",
            "https://[::1]x",
            "https://a/\n",
        ] {
            assert!(wrong.parse::<WebAddress>().is_err(), "{wrong}");
        }
    }
}

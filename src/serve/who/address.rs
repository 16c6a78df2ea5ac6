//! The address of a client behind proxies.

use crate::base::Network;
use crate::serve::exchange::{Head, Peer};
use std::net::{IpAddr, SocketAddr};

/// The most hops that are looked at.
const HOPS: usize = 32;

/// The client of a connection: behind trusted proxies the one that the last of them names. `X-Forwarded-For` is read from
/// its end, because everybody may write its beginning; what strangers send of it is ignored.
#[must_use]
pub fn client(head: &Head, peer: Peer, trusted: &[Network]) -> Peer {
    let is_trusted = |address: Option<IpAddr>| trusted.iter().any(|network| network.has(address));
    if !is_trusted(peer.address) {
        return Peer { address: peer.address, is_proxied: false };
    }
    let mut client = peer.address;
    let values: Vec<&[u8]> = head.all("x-forwarded-for").collect();
    let hops = values.iter().rev().flat_map(|value| value.rsplit(|byte| *byte == b','));
    for hop in hops.take(HOPS) {
        // what is no address ends what can be believed
        let Some(address) = address(hop) else { break };
        client = Some(address);
        if !is_trusted(client) {
            break;
        }
    }
    Peer { address: client, is_proxied: true }
}

/// The address of a hop: `10.0.0.1`, `10.0.0.1:80`, `::1`, `[::1]`, `[::1]:80`.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim_matches([' ', '\t']);
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).filter(|hop| hop.contains(':'));
    let socket = || hop.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    bare.unwrap_or(hop).parse::<IpAddr>().ok().or_else(socket).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_the_last_that_no_proxy_of_ours_is() {
        let trusted: Vec<Network> = ["10.0.0.0/8", "::1", "unix"].map(|n| n.parse().unwrap()).to_vec();
        let of = |peer: &str, values: &[&str]| {
            let head = Head::of(values.iter().map(|value| ("x-forwarded-for", value.as_bytes())));
            let found = client(&head, Peer::at(peer.parse().ok()), &trusted);
            (found.address.map_or_else(String::new, |address| address.to_string()), found.is_proxied)
        };
        let proxied = |address: &str| (address.to_owned(), true);
        // from a stranger it says nothing
        assert_eq!(of("203.0.113.9", &["10.0.0.1"]), ("203.0.113.9".to_owned(), false));
        assert_eq!(of("10.0.0.1", &[]), proxied("10.0.0.1"));
        assert_eq!(of("", &[]), proxied(""));
        assert_eq!(of("", &["203.0.113.9"]), proxied("203.0.113.9"));
        for (values, client) in [
            (&["203.0.113.9"] as &[&str], "203.0.113.9"),
            (&["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
            (&["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
            (&["203.0.113.9, 10.0.0.2 ,10.0.0.3"], "203.0.113.9"),
            (&["203.0.113.9:4711"], "203.0.113.9"),
            (&["[2001:db8::1]:80"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["::ffff:203.0.113.9"], "203.0.113.9"),
            (&["::ffff:10.0.0.2"], "10.0.0.2"),
            (&["10.0.0.4, 10.0.0.5"], "10.0.0.4"),
            // what cannot be read is believed to nobody
            (&["203.0.113.9, unknown"], "10.0.0.1"),
            (&["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
            (&[""], "10.0.0.1"),
            (&["203.0.113.9,"], "10.0.0.1"),
            (&["203.0.113.9", ""], "10.0.0.1"),
            (&["[203.0.113.9]"], "10.0.0.1"),
        ] {
            assert_eq!(of("10.0.0.1", values), proxied(client), "{values:?}");
        }
        let long = vec!["10.0.0.2"; 100].join(",");
        assert_eq!(of("::1", &[&format!("203.0.113.9,{long}")]), proxied("10.0.0.2"));
    }
}

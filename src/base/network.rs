//! Networks of addresses: `10.0.0.0/8`, `192.0.2.1`, `fd00::/8`.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Where a connection comes from: a network of IP addresses, or the Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The Unix socket of this machine.
    Unix,
    /// The addresses that begin with the same bits.
    Ip {
        /// The first address.
        base: IpAddr,
        /// How many bits are the same.
        bits: u8,
    },
}

impl Network {
    /// Whether an address is one of it; `None`: the Unix socket.
    #[must_use]
    pub fn has(self, address: Option<IpAddr>) -> bool {
        match (self, address.map(|address| address.to_canonical())) {
            (Network::Unix, None) => true,
            (Network::Ip { base: IpAddr::V4(base), bits }, Some(IpAddr::V4(address))) => {
                let differs = u32::from(base) ^ u32::from(address);
                differs.checked_shr(32 - u32::from(bits)).unwrap_or(0) == 0
            }
            (Network::Ip { base: IpAddr::V6(base), bits }, Some(IpAddr::V6(address))) => {
                let differs = u128::from(base) ^ u128::from(address);
                differs.checked_shr(128 - u32::from(bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "unix" {
            return Ok(Network::Unix);
        }
        let wrong = || format!("`{text}` is no network: write `10.0.0.0/8`, `192.0.2.1`, `fd00::/8` or `unix`");
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let base: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => bits.parse().map_err(|_| wrong())?,
            Some(_) => return Err(wrong()),
        };
        if bits > most {
            return Err(wrong());
        }
        let is_first = match base {
            IpAddr::V4(base) => u32::from(base).checked_shl(bits.into()).unwrap_or(0) == 0,
            IpAddr::V6(base) => u128::from(base).checked_shl(bits.into()).unwrap_or(0) == 0,
        };
        if !is_first {
            return Err(format!("`{text}` is not the first address of its network"));
        }
        Ok(Network::Ip { base, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Network::Unix => f.write_str("unix"),
            Network::Ip { base, bits } => write!(f, "{base}/{bits}"),
        }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Network {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Network".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A network: 10.0.0.0/8, 192.0.2.1, fd00::/8, or unix for the Unix socket.",
            "pattern": "^(unix|[0-9.]+(/[0-9]+)?|[0-9a-fA-F:.]+(/[0-9]+)?)$|\\$\\{"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_their_addresses() {
        let has = |network: &str, address: &str| network.parse::<Network>().unwrap().has(address.parse().ok());
        for (network, address) in [
            ("10.0.0.0/8", "10.255.1.2"),
            ("10.0.0.0/8", "::ffff:10.1.2.3"),
            ("192.0.2.1", "192.0.2.1"),
            ("0.0.0.0/0", "203.0.113.9"),
            ("fd00::/8", "fd12::1"),
            ("::/0", "2001:db8::1"),
            ("::1", "::1"),
            ("unix", ""),
        ] {
            assert!(has(network, address), "{network} {address}");
        }
        for (network, address) in [
            ("10.0.0.0/8", "11.0.0.0"),
            ("10.0.0.0/8", ""),
            ("192.0.2.0/31", "192.0.2.2"),
            ("0.0.0.0/0", "::1"),
            ("::/0", "10.0.0.1"),
            ("fd00::/8", "fe00::1"),
            ("unix", "127.0.0.1"),
        ] {
            assert!(!has(network, address), "{network} {address}");
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/+8", "a", "::/129", "fd00::1/8", "Unix"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert_eq!("192.0.2.1".parse::<Network>().unwrap().to_string(), "192.0.2.1/32");
    }
}

//! One request, as a route sees it.

use super::caller::{Caller, Proof, RequestId};
use super::parameter::items;
use super::problem::{Kind, Problem};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use std::net::IpAddr;
use std::str::FromStr;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The address of the client; `None`: it came through the Unix socket.
    pub address: Option<IpAddr>,
    /// Whether it came through a trusted proxy, whose headers count.
    pub is_proxied: bool,
}

impl Peer {
    /// A connection from this address.
    #[must_use]
    pub fn at(address: Option<IpAddr>) -> Self {
        Self { address, is_proxied: false }
    }
}

/// The headers of a request; names are in lower case.
#[derive(Clone, Default)]
pub struct Head(Vec<(String, Vec<u8>)>);

impl Head {
    /// These headers.
    pub fn of<'a>(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Self(headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// All values of a header.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_slice())
    }

    /// The value of a header that is there once and is printable ASCII.
    #[must_use]
    pub fn one(&self, name: &str) -> Option<&str> {
        let mut all = self.0.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_slice());
        let value = all.next().filter(|value| value.iter().all(|b| (b' '..=b'~').contains(b)))?;
        if all.next().is_some() { None } else { std::str::from_utf8(value).ok() }
    }

    /// The same without what shows who somebody is: no route needs it.
    #[must_use]
    pub fn without_credentials(mut self) -> Self {
        self.0.retain(|(name, _)| !["authorization", "proxy-authorization", "cookie"].contains(&name.as_str()));
        self
    }
}

/// The parameters behind `?`, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the text behind `?`.
    ///
    /// # Errors
    /// A parameter that is there twice, has a zero byte, or is no UTF-8 when decoded.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let query = Self::parse_repeated(text)?;
        let twice =
            query.0.iter().enumerate().find(|(at, (name, _))| query.0[..*at].iter().any(|(own, _)| own == name));
        match twice {
            Some((_, (name, _))) => {
                Err(Problem::new(Kind::BadRequest, format!("the parameter `{name}` is given twice")))
            }
            None => Ok(query),
        }
    }

    /// The same where a name may be there more than once, as boxes of a form are.
    fn parse_repeated(text: &str) -> Result<Self, Problem> {
        let mut all: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = |text: &str| percent_decoded(&text.replace('+', " "));
            let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
                return Err(Problem::new(Kind::BadRequest, "the query is not percent-encoded UTF-8"));
            };
            if name.contains('\0') || value.contains('\0') {
                return Err(Problem::new(Kind::BadRequest, "the query has a zero byte: no text in PostgreSQL has one"));
            }
            all.push((name, value));
        }
        Ok(Self(all))
    }

    /// The value of a parameter; of several the first one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The values of a list with commas; none: empty.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        self.get(name).into_iter().flat_map(items).map(str::to_owned).collect()
    }

    /// Whether a flag is set.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// A number that was checked.
    #[must_use]
    pub fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    /// All parameters, decoded.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The names of the parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// A text with `%2a` decoded; `None`: it is not valid, or no UTF-8.
#[must_use]
pub fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// The environment that a path or a query names.
#[must_use]
pub fn environment<'a>(parameters: &'a [(&'static str, String)], query: &'a Query) -> Option<&'a str> {
    let in_path = parameters.iter().find(|(name, _)| *name == ENVIRONMENT).map(|(_, value)| value.as_str());
    in_path.or_else(|| query.get(ENVIRONMENT))
}

/// The name of the parameter that names an environment.
const ENVIRONMENT: &str = "environment";

/// One request.
#[derive(Clone)]
pub struct Exchange {
    /// The name of the route.
    pub route: &'static str,
    /// The parameters in the path.
    pub parameters: Vec<(&'static str, String)>,
    /// The parameters behind `?`: only those that the route has.
    pub query: Query,
    /// The headers, without credentials.
    pub head: Head,
    /// The body; empty where the route takes none.
    pub body: Bytes,
    /// Who asks; `None` only where the route is open.
    pub caller: Option<Caller>,
    /// The id of the request.
    pub id: RequestId,
    /// Where it comes from.
    pub peer: Peer,
    /// The visit of a page; `None`: the route is no page.
    pub visit: Option<Visit>,
}

/// What a request for a page has beside.
#[derive(Clone, Default)]
pub struct Visit {
    /// The token that each form of the page has to carry.
    pub form_token: String,
    /// Whether a token that is typed in does not go over a network as plain text.
    pub is_private: bool,
    /// By what somebody is let in who has just shown it.
    pub proof: Option<Proof>,
    /// Why what was shown is not accepted.
    pub refused: Option<Problem>,
    /// When the session ends, in milliseconds since 1970; `None`: there is none.
    pub ends: Option<i64>,
}

impl Exchange {
    /// The fields of a form; a name may be there more than once.
    ///
    /// # Errors
    /// They are no form.
    pub fn form(&self) -> Result<Query, Problem> {
        let wrong = || Problem::new(Kind::BadRequest, "the body is not a form");
        Query::parse_repeated(std::str::from_utf8(&self.body).map_err(|_| wrong())?).map_err(|_| wrong())
    }

    /// Who asks.
    ///
    /// # Errors
    /// Nobody that is known: the route is open.
    pub fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(Problem::unauthenticated)
    }

    /// The environment that the path or the query names.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        environment(&self.parameters, &self.query)
    }

    /// A parameter of the path.
    #[must_use]
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| value)
    }

    /// Everything that an answer may depend on beside who asks and what there is.
    #[must_use]
    pub fn detail(&self) -> String {
        let accept: Vec<_> = self.head.all("accept").collect();
        format!("{:?} {:?} {accept:?} {:?}", self.parameters, self.query, self.body)
    }

    /// The body as a value; it is an object or empty.
    ///
    /// # Errors
    /// As [`Exchange::json`], and another value: serde would take a list for an object, and an empty one for an object
    /// without fields.
    pub fn object<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        match self.body.trim_ascii_start().first() {
            None | Some(b'{') => self.json(),
            Some(_) => Err(Problem::new(Kind::BadRequest, "the body is not valid: it must be a JSON object")),
        }
    }

    /// The body as a value; an empty one is `{}`.
    ///
    /// # Errors
    /// No JSON, or not of this form; with the place of the mistake.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let text: &[u8] = if self.body.is_empty() { b"{}" } else { &self.body };
        serde_json::from_slice(text)
            .map_err(|why| Problem::new(Kind::BadRequest, format!("the body is not valid: {why}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_counts_when_it_is_there_once() {
        let head =
            Head::of([("a", b"1".as_slice()), ("b", b"2"), ("b", b"3"), ("c", b"\xff"), ("authorization", b"x")]);
        assert_eq!((head.one("a"), head.one("b"), head.one("c"), head.one("d")), (Some("1"), None, None, None));
        assert_eq!((head.all("b").count(), head.all("authorization").count()), (2, 1));
        assert_eq!(head.without_credentials().all("authorization").count(), 0);
    }

    #[test]
    fn queries_are_decoded() {
        let query = Query::parse("a=1+2&b=%2b%C3%A4&&c").unwrap();
        assert_eq!((query.get("a"), query.get("b"), query.get("c")), (Some("1 2"), Some("+ä"), Some("")));
        assert_eq!(query.names().collect::<Vec<_>>(), ["a", "b", "c"]);
        for wrong in ["a=1&a=2", "a=%2", "a=%zz", "a=%ff", "%61=1&a=2", "a=%00", "a%00"] {
            assert_eq!(Query::parse(wrong).unwrap_err().status(), 400, "{wrong}");
        }
    }
}

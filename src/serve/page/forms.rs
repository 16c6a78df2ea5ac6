//! Forms: what a page sends, and what each of them carries. The door has checked where a form was sent from and its token
//! before a handler sees it.

use super::made::part;
use crate::base::Markup;
use crate::serve::answer::HTML;
use crate::serve::asking::{self, keyed};
use crate::serve::caller::{RequestId, Role};
use crate::serve::exchange::{Exchange, Query};
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Guard, Method, Patience, Reply, Route};
use crate::serve::runs::Repeat;
use serde::Serialize;

/// A route that takes a form, without what makes it one of its own. Who has no session is sent to the login, who has not
/// the role gets a page with the status 403.
pub(super) const FORM: Route = Route {
    method: Method::Post,
    path: "",
    name: "",
    about: "",
    guard: Guard::Page(Role::Run),
    query: &[],
    body: Body::Form,
    patience: Patience::Request,
    replies: &[Reply { status: 303, media: HTML, schema: None }],
    handler: |_, _| Box::pin(async { Err(Problem::new(Kind::NotFound, "there is no such path")) }),
};

/// The fields of a form.
pub(super) struct Fields(Query);

impl Fields {
    /// Those that the request has.
    ///
    /// # Errors
    /// It has no form.
    pub fn of(exchange: &Exchange) -> Result<Self, Problem> {
        exchange.form().map(Self)
    }

    /// A field as it was sent; one that is not there is empty.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_default()
    }

    /// A field without spaces around it, unless nothing is left.
    pub fn filled(&self, name: &str) -> Option<String> {
        Some(self.text(name).trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// All fields of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.pairs().filter(move |(own, _)| *own == name).map(|(_, value)| value)
    }

    /// Whether a box is ticked.
    pub fn is_ticked(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    /// How a request is recognised that is sent twice: by the key that was made with its page.
    ///
    /// # Errors
    /// The form has no key.
    pub fn repeat(&self, exchange: &Exchange, environment: &str) -> Result<Repeat, Problem> {
        let key = Some(self.text(KEY)).filter(|key| !key.is_empty() && key.len() <= asking::KEY);
        let key = key.ok_or_else(|| Problem::new(Kind::KeyMissing, "the form has no key; open the page again"))?;
        keyed(exchange, environment, key)
    }

    /// Whether the name of the environment was typed as it is.
    pub fn is_confirmed(&self, environment: &str) -> bool {
        self.text(TYPED).trim() == environment
    }

    /// The digest of what was seen.
    pub fn digest(&self) -> &str {
        self.text(DIGEST)
    }
}

/// The field with the key of a request.
const KEY: &str = "key";

/// The field into which the name of the environment is typed.
const TYPED: &str = "typed";

/// The field with the digest of what is confirmed.
const DIGEST: &str = "digest";

/// The field with the form token, which the door checks.
const TOKEN: &str = "form_token";

/// A field that nobody sees.
#[derive(Debug, Serialize)]
pub(super) struct Hidden {
    name: &'static str,
    value: String,
}

impl Hidden {
    /// A field.
    pub fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into() }
    }

    /// The token that every form carries.
    pub fn token(exchange: &Exchange) -> Self {
        Self::new(TOKEN, exchange.visit.as_ref().map_or("", |visit| &visit.form_token))
    }
}

/// What is confirmed by typing the name of an environment.
pub(super) struct Confirmation<'a> {
    /// The environment.
    pub environment: &'a str,
    /// Where the form is sent.
    pub action: &'a str,
    /// The digest of what is seen.
    pub digest: &'a str,
    /// What the form says beside.
    pub hidden: Vec<Hidden>,
    /// What the button says.
    pub button: &'a str,
}

/// The form that confirms something. Each has a key of its own: sent twice, it does it once.
///
/// # Errors
/// The system has no random numbers.
pub(super) fn confirm(exchange: &Exchange, asked: Confirmation<'_>) -> Result<Markup, Problem> {
    #[derive(Serialize)]
    struct Values<'a> {
        environment: &'a str,
        action: &'a str,
        button: &'a str,
        hidden: Vec<Hidden>,
    }
    let key = RequestId::new().ok_or_else(|| Problem::new(Kind::Internal, "the system has no random numbers"))?;
    let Confirmation { environment, action, digest, mut hidden, button } = asked;
    hidden.extend([Hidden::token(exchange), Hidden::new(KEY, key.as_str()), Hidden::new(DIGEST, digest)]);
    part("confirm", &Values { environment, action, button, hidden })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::exchange::{Head, Peer};
    use bytes::Bytes;

    fn sent(body: &'static str) -> Fields {
        let exchange = Exchange {
            route: "x",
            parameters: Vec::new(),
            query: Query::default(),
            head: Head::default(),
            body: Bytes::from_static(body.as_bytes()),
            caller: None,
            id: RequestId::new().unwrap(),
            peer: Peer::at(None),
            visit: None,
        };
        Fields::of(&exchange).ok().unwrap()
    }

    #[test]
    fn a_name_is_confirmed_as_it_is() {
        for (typed, is_it) in [("live", true), ("+live%0d%0a", true), ("Live", false), ("", false), ("live2", false)] {
            let fields = sent(Box::leak(format!("typed={typed}").into_boxed_str()));
            assert_eq!(fields.is_confirmed("live"), is_it, "{typed}");
        }
        assert!(!sent("").is_confirmed("live"));
    }

    #[test]
    fn fields_are_texts() {
        let fields = sent("reason=+a+b+&empty=++");
        assert_eq!((fields.filled("reason").as_deref(), fields.filled("empty")), (Some("a b"), None));
        assert_eq!((fields.text("reason"), fields.text("none")), (" a b ", ""));
    }
}

//! What a route is, and which one a request means.

use super::answer::{Answer, JSON};
use super::caller::Role;
use super::exchange::Exchange;
use super::parameter::Parameter;
use super::problem::{PROBLEM, Problem};
use super::service::Service;
use crate::source::ServeLimits;
use crate::source::schema::answers::Answer as SchemaOf;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

/// What a handler does.
pub type Handling<'a> = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + 'a>>;

/// A handler. It stays on the thread of HTTP and has work done by a desk.
pub type Handler = for<'a> fn(&'a Rc<Service>, &'a Exchange) -> Handling<'a>;

/// The method of a route; HEAD is GET without its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Does something.
    Post,
}

impl Method {
    /// The word in a request.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }

    /// The method of a request; `None`: no route has it.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "GET" | "HEAD" => Some(Method::Get),
            "POST" => Some(Method::Post),
            _ => None,
        }
    }
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Everybody: the answer says nothing about the project or the database.
    Open,
    /// A caller with this role, by the `Authorization` header.
    Api(Role),
    /// A page for a caller with this role, by a session too; others are sent to the login.
    Page(Role),
    /// Everybody in a browser: the login, the style.
    Visitor,
}

impl Guard {
    /// Whether people see it in a browser.
    #[must_use]
    pub fn is_page(self) -> bool {
        matches!(self, Guard::Page(_) | Guard::Visitor)
    }
}

/// How long an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// As long as `requestTime` says.
    Request,
    /// As long as the handler says: it waits for a run.
    Handler,
}

/// The body that a route takes.
#[derive(Debug, Clone, Copy)]
pub enum Body {
    /// None.
    None,
    /// JSON of this schema, with any content type.
    Json {
        /// The schema.
        schema: SchemaOf,
        /// Whether no body is the same as `{}`.
        empty: bool,
    },
    /// A text of this media type.
    Text {
        /// The media type.
        media: &'static str,
        /// How large it may be, in bytes.
        most: fn(&ServeLimits) -> u64,
    },
    /// The fields of a form of one of the pages.
    Form,
    /// The same with a sealed plan among them.
    FormWithPlan,
}

impl Body {
    /// Whether it is a form of one of the pages.
    #[must_use]
    pub fn is_form(&self) -> bool {
        matches!(self, Body::Form | Body::FormWithPlan)
    }
}

/// An answer that a route may give, beside those that every route may give.
#[derive(Debug, Clone, Copy)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The media type.
    pub media: &'static str,
    /// The schema of JSON.
    pub schema: Option<SchemaOf>,
}

impl Reply {
    /// JSON of this schema, with the status 200.
    #[must_use]
    pub const fn json(schema: SchemaOf) -> Self {
        Self { status: 200, media: JSON, schema: Some(schema) }
    }

    /// Another form of the answer, with the status 200.
    #[must_use]
    pub const fn of(media: &'static str) -> Self {
        Self { status: 200, media, schema: None }
    }

    /// A problem with this status.
    #[must_use]
    pub const fn problem(status: u16) -> Self {
        Self { status, media: PROBLEM, schema: None }
    }
}

/// A route.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path; `{name}` stands for a segment.
    pub path: &'static str,
    /// The name, for logs and programs.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Who may use it.
    pub guard: Guard,
    /// The parameters behind `?`.
    pub query: &'static [Parameter],
    /// The body.
    pub body: Body,
    /// How long an answer may take.
    pub patience: Patience,
    /// What it may answer.
    pub replies: &'static [Reply],
    /// What answers.
    pub handler: Handler,
}

/// What a request means.
#[derive(Debug)]
pub enum Found<'r> {
    /// A route, and the parameters of the path.
    Route(&'r Route, Vec<(&'static str, String)>),
    /// The path has other methods: these.
    Methods(String),
    /// There is no such path.
    Nothing,
}

impl Route {
    /// Whether it is about an environment: one that its path or its query names, or the default one.
    #[must_use]
    pub fn has_environment(&self) -> bool {
        let in_query = self.query.iter().any(|parameter| parameter.name == "environment");
        in_query || split(self.path).any(|segment| segment == "{environment}")
    }

    /// The parameters of a path that this route has.
    fn parameters(&self, segments: &[String]) -> Option<Vec<(&'static str, String)>> {
        let own: Vec<&'static str> = split(self.path).collect();
        if own.len() != segments.len() {
            return None;
        }
        let mut parameters = Vec::new();
        for (own, given) in own.into_iter().zip(segments) {
            match own.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) => parameters.push((name, given.clone())),
                None if own == given => {}
                None => return None,
            }
        }
        Some(parameters)
    }
}

fn split<'a>(path: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
    path.strip_prefix('/').unwrap_or(path).split('/').filter(|segment| !segment.is_empty())
}

/// The route of a request; a path of fixed segments is preferred to one with a parameter.
pub fn find<'r>(tables: &[&'r [Route]], method: &str, segments: &[String]) -> Found<'r> {
    let there = tables.iter().flat_map(|table| table.iter());
    let mut fitting: Vec<(&Route, Vec<_>)> =
        there.filter_map(|route| Some((route, route.parameters(segments)?))).collect();
    let fewest = fitting.iter().map(|(_, parameters)| parameters.len()).min();
    fitting.retain(|(_, parameters)| Some(parameters.len()) == fewest);
    let wanted = Method::of(method);
    match fitting.iter().position(|(route, _)| Some(route.method) == wanted) {
        Some(at) => {
            let (route, parameters) = fitting.swap_remove(at);
            Found::Route(route, parameters)
        }
        None if fitting.is_empty() => Found::Nothing,
        None => {
            let heads = fitting.iter().any(|(route, _)| route.method == Method::Get).then_some("HEAD");
            let methods: Vec<&str> = fitting.iter().map(|(route, _)| route.method.word()).chain(heads).collect();
            Found::Methods(methods.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn route(method: Method, path: &'static str) -> Route {
        Route {
            method,
            path,
            name: path,
            about: "",
            guard: Guard::Open,
            query: &[],
            body: Body::None,
            patience: Patience::Request,
            replies: &[],
            handler: |_, _| Box::pin(async { Ok(Answer::json(&())) }),
        }
    }

    const ONE: &[Route] = &[
        route(Method::Get, "/"),
        route(Method::Get, "/a/{x}"),
        route(Method::Post, "/a/{x}"),
        route(Method::Get, "/a/{x}/b/{y}"),
    ];
    const TWO: &[Route] = &[route(Method::Get, "/a/fixed")];

    fn found(method: &str, segments: &[&str]) -> String {
        let segments: Vec<String> = segments.iter().map(|s| (*s).to_owned()).collect();
        match find(&[ONE, TWO], method, &segments) {
            Found::Route(route, parameters) => format!("{} {} {parameters:?}", route.method.word(), route.path),
            Found::Methods(methods) => methods,
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn a_path_means_a_route() {
        assert_eq!(found("GET", &[]), "GET / []");
        assert_eq!(found("HEAD", &["a", "1"]), "GET /a/{x} [(\"x\", \"1\")]");
        assert_eq!(found("POST", &["a", "/"]), "POST /a/{x} [(\"x\", \"/\")]");
        assert_eq!(found("GET", &["a", "fixed"]), "GET /a/fixed []");
        assert_eq!((found("GET", &["a/fixed"]), found("GET", &["a/1/b", "2"])), ("nothing".into(), "nothing".into()));
        assert_eq!(found("GET", &["a", "1", "b", "2"]), "GET /a/{x}/b/{y} [(\"x\", \"1\"), (\"y\", \"2\")]");
        assert_eq!((found("GET", &["a"]), found("GET", &["A", "1"])), ("nothing".into(), "nothing".into()));
        assert_eq!(found("POST", &["a", "fixed"]), "GET, HEAD");
        assert_eq!(found("OPTIONS", &["a", "1"]), "GET, POST, HEAD");
        assert_eq!(found("get", &[]), "GET, HEAD");
    }
}

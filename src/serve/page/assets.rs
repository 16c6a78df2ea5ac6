//! The style, the scripts and the icon of the pages. Their names change with their content, so that browsers may keep them.

use crate::base::checksum::sha256_hex;
use crate::report::graph::svg;
use crate::serve::answer::Answer;
use crate::serve::exchange::Exchange;
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::service::Service;
use std::rc::Rc;
use std::sync::OnceLock;

/// A file that pages load.
pub(super) struct Asset {
    pub path: String,
    media: &'static str,
    content: String,
}

impl Asset {
    fn new(name: &str, end: &str, media: &'static str, content: impl Into<String>) -> Self {
        let content = content.into();
        let digest = sha256_hex(content.as_bytes());
        Self { path: format!("/assets/{name}-{}.{end}", &digest[..16]), media, content }
    }
}

/// The style.
pub(super) fn style() -> &'static Asset {
    static STYLE: OnceLock<Asset> = OnceLock::new();
    let css = || {
        let plan = include_str!("../../../templates/html/plan.css");
        [plan, svg::CSS, include_str!("../../../templates/html/serve/serve.css")].join("\n")
    };
    STYLE.get_or_init(|| Asset::new("dagmar", "css", "text/css; charset=utf-8", css()))
}

/// The script.
pub(super) fn script() -> &'static Asset {
    static SCRIPT: OnceLock<Asset> = OnceLock::new();
    const JS: &str = include_str!("../../../templates/html/serve/serve.js");
    SCRIPT.get_or_init(|| Asset::new("dagmar", "js", "text/javascript; charset=utf-8", JS))
}

/// The script of the page of a run.
pub(super) fn run_script() -> &'static Asset {
    static SCRIPT: OnceLock<Asset> = OnceLock::new();
    const JS: &str = include_str!("../../../templates/html/serve/run.js");
    SCRIPT.get_or_init(|| Asset::new("run", "js", "text/javascript; charset=utf-8", JS))
}

/// The icon.
pub(super) fn icon() -> &'static Asset {
    static ICON: OnceLock<Asset> = OnceLock::new();
    ICON.get_or_init(|| {
        Asset::new("dagmar", "svg", "image/svg+xml", include_str!("../../../templates/html/serve/icon.svg"))
    })
}

pub(super) const ASSET: Route = Route {
    method: Method::Get,
    path: "/assets/{name}",
    name: "asset",
    about: "The style, the scripts and the icon of the pages.",
    guard: Guard::Visitor,
    query: &[],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: "text/css", schema: None }],
    handler: answer,
};

fn answer<'a>(_: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    let name = exchange.parameters.first().map_or("", |(_, name)| name.as_str());
    let found = [style(), script(), run_script(), icon()]
        .into_iter()
        .find(|asset| asset.path.strip_prefix("/assets/") == Some(name));
    let answer = found.map(|asset| {
        Answer::new(200, asset.media, asset.content.as_str())
            .header("cache-control", "public, max-age=31536000, immutable")
    });
    Box::pin(async { answer.ok_or_else(|| Problem::new(Kind::NotFound, "there is no such file")) })
}

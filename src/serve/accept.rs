//! Which of several forms of an answer a client wants.

use super::answer::Answer;
pub use super::answer::HTML;
use super::exchange::Exchange;
use super::problem::{Kind, Problem};

/// The media type of plain text.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// The media type of Markdown.
pub const MARKDOWN: &str = "text/markdown; charset=utf-8";
/// The media type of comma-separated values.
pub const CSV: &str = "text/csv; charset=utf-8";
/// The media type of scripts.
pub const SQL: &str = "application/sql";
/// The media type of SARIF.
pub const SARIF: &str = "application/sarif+json";
/// The media type of pictures.
pub const SVG: &str = "image/svg+xml";
/// The media type of Graphviz.
pub const DOT: &str = "text/vnd.graphviz; charset=utf-8";
/// The media type of Mermaid.
pub const MERMAID: &str = "text/vnd.mermaid; charset=utf-8";

/// A form of an answer.
#[derive(Debug, Clone, Copy)]
pub struct Offer<T> {
    /// The name, for the parameter `format`.
    pub name: &'static str,
    /// The media type.
    pub media: &'static str,
    /// What it is.
    pub form: T,
}

/// The names of forms.
#[must_use]
pub fn names<T>(offers: &[Offer<T>]) -> Vec<&'static str> {
    offers.iter().map(|offer| offer.name).collect()
}

/// The form that the parameter `format` names, or that `Accept` prefers; the first one if it prefers none.
///
/// # Errors
/// `Accept` takes none of them.
pub fn choose<T: Copy>(exchange: &Exchange, offers: &[Offer<T>]) -> Result<Offer<T>, Problem> {
    if let Some(name) = exchange.query.get("format") {
        let named = offers.iter().find(|offer| offer.name == name).copied();
        return named.ok_or_else(|| Problem::new(Kind::BadRequest, format!("the path has no format `{name}`")));
    }
    let header: Vec<String> =
        exchange.head.all("accept").map(|value| String::from_utf8_lossy(value).into_owned()).collect();
    let wanted = header.join(",");
    if wanted.trim().is_empty() {
        return Ok(offers[0]);
    }
    let mut best: Option<(u16, Offer<T>)> = None;
    for offer in offers {
        let quality = quality(&wanted, offer.media);
        if quality > best.as_ref().map_or(0, |(quality, _)| *quality) {
            best = Some((quality, *offer));
        }
    }
    best.map(|(_, offer)| offer).ok_or_else(|| {
        let medias: Vec<&str> = offers.iter().map(|offer| essence(offer.media)).collect();
        Problem::new(Kind::NotAcceptable, "the path has no answer of a type that `Accept` takes")
            .remedy(format!("it has: {}", medias.join(", ")))
    })
}

/// A media type without its parameters.
#[must_use]
pub fn essence(media: &str) -> &str {
    media.split(';').next().unwrap_or(media).trim()
}

/// How much an `Accept` header wants a media type, in thousandths; the closest range counts.
fn quality(wanted: &str, media: &str) -> u16 {
    let media = essence(media);
    let kind = media.split('/').next().unwrap_or_default();
    let mut found = (0, 0);
    for range in wanted.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let closeness = match name.split_once('/') {
            _ if name.eq_ignore_ascii_case(media) => 3,
            Some((own, "*")) if own.eq_ignore_ascii_case(kind) => 2,
            Some(("*", "*")) => 1,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        // RFC 9110 knows three digits, from 0 to 1
        let weight: f32 = weight.map_or(1.0, |text| text.parse().unwrap_or(0.0));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 1000")]
        let weight = (weight.clamp(0.0, 1.0) * 1000.0) as u16;
        if closeness > found.0 {
            found = (closeness, weight);
        }
    }
    found.1
}

/// A document that a browser may show: it has its own styles, and can do nothing else.
#[must_use]
pub fn document(media: &'static str, text: String) -> Answer {
    let answer = Answer::new(200, media, text);
    match media {
        HTML | SVG => answer.header(
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
        ),
        _ => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_range_says_how_much() {
        for (wanted, media, expected) in [
            ("*/*", HTML, 1000),
            ("text/*;q=0.5, */*;q=0.1", HTML, 500),
            ("text/*;q=0.5, text/html", HTML, 1000),
            ("TEXT/HTML;level=1;q=0.25", HTML, 250),
            ("application/json, text/html;q=0", HTML, 0),
            ("*/*, text/html;q=0", HTML, 0),
            ("text/html;q=x", HTML, 0),
            ("text/html;q=7", HTML, 1000),
            ("image/png", HTML, 0),
            ("nonsense", HTML, 0),
        ] {
            assert_eq!(quality(wanted, media), expected, "{wanted}");
        }
    }
}

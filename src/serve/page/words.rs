//! Paths of pages, and states with their colours.

pub(super) use crate::base::percent::encoded;
use crate::plan::states::State;
use crate::report::style::Tone;
use serde::Serialize;

/// A word with a colour, and perhaps a place to go.
#[derive(Debug, Serialize)]
pub(super) struct Tag {
    pub class: &'static str,
    pub text: String,
    pub href: Option<String>,
}

impl Tag {
    /// A state, by the colours of the command line.
    pub fn of(state: State) -> Self {
        Self { class: class(state.words()), text: state.words().to_owned(), href: None }
    }

    /// A text in a colour.
    pub fn new(class: &'static str, text: impl Into<String>) -> Self {
        Self { class, text: text.into(), href: None }
    }
}

fn class(word: &str) -> &'static str {
    match Tone::of_state(word) {
        Tone::Bad => "bad",
        Tone::Warn => "warn",
        Tone::Next => "next",
        Tone::Good => "good",
        Tone::Plain | Tone::Strong | Tone::Muted => "none",
    }
}

/// The path of an environment's page.
pub(super) fn environment(name: &str) -> String {
    format!("/e/{}", encoded(name))
}

/// The path of a run's page.
pub(super) fn run(environment: &str, id: &str) -> String {
    format!("/e/{}/runs/{}", encoded(environment), encoded(id))
}

/// The path of the events of a run, by its id in the ledger.
pub(super) fn history_of_run(environment: &str, run: &str) -> String {
    format!("/e/{}/history?run={}", encoded(environment), encoded(run))
}

/// The path of the page that promotes to an environment.
pub(super) fn promotion(environment: &str) -> String {
    format!("/promote/{}", encoded(environment))
}

/// The path of a changeset's page. Its id is no segment: it may have a `/`.
pub(super) fn changeset(environment: &str, id: &str) -> String {
    format!("/e/{}/changeset?id={}", encoded(environment), encoded(id))
}

/// The items of a list that somebody typed, with spaces or commas between.
pub(super) fn items(text: &str) -> Vec<String> {
    text.split([' ', ',']).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::exchange::percent_decoded;

    #[test]
    fn paths_mean_what_they_were_made_of() {
        for text in ["a", "a/b?c=d&e#f", "ä \"<>", "%41"] {
            let encoded = encoded(text);
            assert_eq!(percent_decoded(&encoded).as_deref(), Some(text));
            assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)), "{encoded}");
        }
        assert_eq!(changeset("a b", "x/y"), "/e/a%20b/changeset?id=x%2Fy");
    }
}

//! The change types as a reference: tables for the terminal, Markdown for the documentation.

use super::lines::{Line, Text};
use super::style::Tone;
use super::table::{Cell, Table};
use crate::base::text::line;
use crate::source::schema::catalogue::{Catalogue, Entry};
use std::fmt::Write;

/// All change types, a line each.
#[must_use]
pub fn list(entries: &[Entry], limit: Option<usize>) -> Text {
    let mut table = Table::new(&["CHANGE TYPE", "WHAT IT DOES"]);
    for entry in entries {
        let mark = if entry.own { "(own) " } else { "" };
        table
            .row([Cell::new(&entry.name, Tone::Strong), Cell::from(format!("{mark}{}", sentence(&entry.description)))]);
    }
    table.text(limit)
}

/// One change type with all its parameters, and the parts that these are made of.
#[must_use]
pub fn one(entry: &Entry, parts: &[Entry], limit: Option<usize>) -> Text {
    let mut out = Text::from(Line::new().paint(Tone::Strong, &entry.name));
    for paragraph in entry.description.split("\n\n") {
        out.line(Line::from(line(paragraph)).hang(0));
    }
    for entry in std::iter::once(entry).chain(parts.iter().filter(|part| is_worth(part))) {
        out.gap();
        if !entry.own && parts.iter().any(|part| part.name == entry.name) {
            let name = Line::new().paint(Tone::Strong, &entry.name);
            out.line(name.plain(format!(": {}", line(&entry.description))));
        }
        let mut table = if entry.keys.is_empty() {
            Table::new(&["VALUE", "WHAT IT MEANS"])
        } else {
            Table::new(&["KEY", "TAKES", "", "WHAT IT MEANS"])
        };
        for key in &entry.keys {
            let need = if key.required { "required" } else { "" };
            let mut meaning = key.description.replace('\n', " ");
            if let Some(default) = &key.default {
                let _ = write!(meaning, " [{default}]");
            }
            table.row([key.name.as_str(), &key.kind.replace('`', ""), need, &meaning]);
        }
        for (word, meaning) in &entry.words {
            table.row([word, meaning]);
        }
        if !table.is_empty() {
            out.append(table.text(limit));
        }
    }
    out
}

/// The page of all change types.
#[must_use]
pub fn markdown(catalogue: &Catalogue) -> String {
    let entries = catalogue.change_types();
    let mut out = String::from(
        "# Change types\n\n\
         <!-- written by `dagmar schema --markdown`; edit the comments in src/change instead -->\n\n\
         Each entry under `changes:` is one of these, with its parameters. `dagmar schema --type NAME` shows one on the\n\
         terminal, and an editor that knows the schema completes them. A value may be a variable: `${name}`.\n\n",
    );
    for entry in &entries {
        let _ = writeln!(out, "- [`{}`](#{}): {}", entry.name, anchor(&entry.name), sentence(&entry.description));
    }
    for entry in &entries {
        let own = if entry.own { " (own)" } else { "" };
        let _ = write!(out, "\n## `{}`{own}\n\n{}\n", entry.name, entry.description);
        body(&mut out, entry);
    }
    let parts = catalogue.parts(&entries);
    if !parts.is_empty() {
        out.push_str("\n# Parts\n\nWhat the parameters above are made of.\n");
    }
    for part in &parts {
        let _ = write!(out, "\n## {}\n\n{}\n", part.name, part.description);
        body(&mut out, part);
    }
    out
}

fn body(out: &mut String, entry: &Entry) {
    if !entry.keys.is_empty() {
        out.push_str("\n| key | takes | required | what it means |\n| --- | --- | --- | --- |\n");
    }
    for key in &entry.keys {
        let mut kind = key.kind.clone();
        // the name of a part is the last word of what a key takes; `foreign key` is not `key`
        let whole = |part: &&String| kind.trim_end_matches(", or a list").ends_with(part.as_str());
        if let Some(part) = entry.parts.iter().filter(whole).max_by_key(|part| part.len()) {
            kind = kind.replacen(part.as_str(), &format!("[{part}](#{})", anchor(part)), 1);
        }
        let default = key.default.as_ref().map(|d| format!(" Default: `{d}`.")).unwrap_or_default();
        let need = if key.required { "yes" } else { "" };
        let meaning = key.description.replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(out, "| `{}` | {} | {need} | {meaning}{default} |", key.name, kind.replace('|', "\\|"));
    }
    if !entry.words.is_empty() {
        out.push_str("\n| value | what it means |\n| --- | --- |\n");
    }
    for (word, meaning) in &entry.words {
        let _ = writeln!(out, "| `{word}` | {} |", meaning.replace('|', "\\|"));
    }
}

/// The link that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-")
}

/// A part that tells more than its name.
fn is_worth(part: &Entry) -> bool {
    !part.keys.is_empty() || !part.words.is_empty() || !part.description.is_empty()
}

/// The first statement of a text, without what explains it.
fn sentence(text: &str) -> String {
    let line = text.replace('\n', " ");
    let end = [". ", "; ", ": "].iter().filter_map(|mark| line.find(mark)).min().unwrap_or(line.len());
    line[..end].trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::Style;
    use crate::source::schema::Custom;

    fn catalogue() -> Catalogue {
        Catalogue::new(&Custom::new())
    }

    /// `BLESS=1 cargo test --lib reference` writes the page.
    #[test]
    fn the_page_of_the_change_types_is_up_to_date() {
        let (path, text) = ("docs/change-types.md", markdown(&catalogue()));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        let there = std::fs::read_to_string(path).unwrap_or_default();
        assert!(there == text, "{path} is old: BLESS=1 cargo test --lib reference");
    }

    #[test]
    fn links_lead_to_headings() {
        let text = markdown(&catalogue());
        let headings: Vec<String> =
            text.lines().filter_map(|l| l.strip_prefix("## ")).map(|h| anchor(&h.replace('`', ""))).collect();
        for link in text.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(headings.iter().any(|h| h == link), "{link}");
        }
    }

    #[test]
    fn a_type_is_shown_with_its_parts() {
        let catalogue = catalogue();
        let entry = catalogue.change_type("createTable").unwrap();
        let text = one(&entry, &catalogue.parts(std::slice::from_ref(&entry)), None);
        let text = text.write(Style::PLAIN, None);
        assert!(text.starts_with("createTable\nCreates a table"), "{text}");
        assert!(text.contains("\ncolumns      list of column"), "{text}");
        assert!(text.contains("\ncolumn: ") && text.contains("nullable "), "{text}");
    }

    #[test]
    fn the_first_sentence_is_enough_for_a_list() {
        assert_eq!(sentence("Drops it. And more."), "Drops it");
        assert_eq!(sentence("Drops it; not that. And more"), "Drops it");
    }
}

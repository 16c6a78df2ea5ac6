use super::*;
use crate::plan::matrix::{Answer, EnvironmentError};
use crate::plan::states::{State, StateRow};
use std::collections::BTreeMap;

const OPTIONS: MatrixOptions = MatrixOptions { limit: None, wording: ToString::to_string };

fn row(id: &str, state: State, file: bool, reason: Option<&str>) -> StateRow {
    StateRow {
        id: id.to_owned(),
        state,
        file: file.then(|| "plans/a.yaml".to_owned()),
        description: None,
        checksum: None,
        applied_checksum: None,
        applied_at: None,
        applied_by: None,
        duration_ms: None,
        reason: reason.map(str::to_owned),
        until: None,
        error: None,
        backfill: None,
        segments: Vec::new(),
    }
}

fn answer(place: &str, belongs_to: Option<&str>) -> Answer {
    Answer {
        place: place.to_owned(),
        database: "shop".to_owned(),
        ledger_version: 2,
        belongs_to: belongs_to.map(str::to_owned),
        counts: BTreeMap::new(),
    }
}

fn sample() -> Matrix {
    let silence =
        EnvironmentError { message: "cannot reach <db>: no | route".to_owned(), help: Some("is it up?".into()) };
    let dev = vec![row("old", State::Missing, false, None), row("a", State::Applied, true, None)];
    let live = vec![row("a", State::Held, true, Some("\"later\" <b>")), row("b|c", State::Excluded, true, None)];
    Matrix::of(vec![
        ("dev".to_owned(), Ok((answer("db:5432/shop", None), dev))),
        ("staging".to_owned(), Err(silence)),
        ("live".to_owned(), Ok((answer("live:5432/shop", Some("staging")), live))),
    ])
}

#[test]
fn every_file_is_a_format() {
    let mut files: Vec<String> = std::fs::read_dir("src/report/matrix")
        .expect("runs in the crate's folder")
        .map(|e| e.expect("readable").path().file_stem().expect("a file").to_string_lossy().into_owned())
        .filter(|stem| !["mod", "cells", "tests"].contains(&stem.as_str()))
        .collect();
    files.sort();
    let mut names: Vec<&str> = MatrixFormat::ALL.iter().map(|format| format.name()).collect();
    names.sort_unstable();
    assert_eq!(files, names);
}

#[test]
fn the_table_has_a_column_for_each_environment() {
    assert_eq!(
        MatrixFormat::Text.render(&sample(), OPTIONS).plain(),
        "CHANGESET  dev      staging  live\n\
         a          applied  ?        held\n\
         b|c                 ?        excluded\n\
         old        missing  ?\n\
         \n\
         dev on db:5432/shop: 1 applied, 1 missing\n\
         staging is unavailable: cannot reach <db>: no | route\n  help: is it up?\n\
         live on live:5432/shop: 1 held, 1 excluded; its ledger belongs to `staging`: see `adopt`\n"
    );
}

#[test]
fn programs_get_the_reasons_too() {
    let text = MatrixFormat::Json.render(&sample(), OPTIONS).plain();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["environments"][0]["counts"]["applied"], 1);
    assert_eq!(value["environments"][1]["reached"], false);
    assert_eq!(value["environments"][1]["error"]["help"], "is it up?");
    assert_eq!(value["environments"][2]["belongsTo"], "staging");
    assert_eq!(value["changesets"][0]["environments"]["live"]["reason"], "\"later\" <b>");
    assert_eq!(value["changesets"][0]["environments"]["staging"], serde_json::Value::Null);
}

#[test]
fn nothing_breaks_out() {
    let html = MatrixFormat::Html.render(&sample(), OPTIONS).plain();
    assert!(html.contains("title=\"&quot;later&quot; &lt;b&gt;\"") && !html.contains("<b>") && !html.contains("<db>"));
    // what an environment never gets is not well because of that
    assert!(html.contains("<span class=\"tag none\">excluded</span>"), "{html}");
    assert!(html.contains("<span class=\"tag good\">applied</span>"), "{html}");
    let markdown = MatrixFormat::Markdown.render(&sample(), OPTIONS).plain();
    assert!(markdown.contains("| b\\|c |  | ? | excluded |"), "{markdown}");
    assert!(markdown.contains("&lt;db&gt;: no \\| route"), "{markdown}");
}

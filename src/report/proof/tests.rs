use super::*;
use crate::proof::{ChangesetProof, Leg, ProofFinding, Verdict};

#[test]
fn every_file_is_a_format() {
    let mut files: Vec<String> = std::fs::read_dir("src/report/proof")
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|stem| !["mod", "answer", "tests"].contains(&stem.as_str()))
        .collect();
    files.sort();
    let mut formats: Vec<&str> = ProofFormat::ALL.iter().map(|format| format.name()).collect();
    formats.sort_unstable();
    assert_eq!(files, formats);
}

fn answer() -> ProofAnswer {
    let mut good = ChangesetProof::new("001-shop", Some("plans/a.yaml"), "d1:a", "d1:b");
    Leg::ALL.iter().for_each(|leg| good.set(*leg, Verdict::Ok));
    let mut bad = ChangesetProof::new("002-<b>", Some("plans/a.yaml"), "d1:c", "d1:d");
    bad.set(Leg::Up, Verdict::Ok);
    bad.set(Leg::Down, Verdict::Ok);
    let mut finding = ProofFinding::error(Leg::Down, "after the rollback: column t.\u{1b}[31mn: `not null` <is> off");
    finding.details = vec!["-a & b".to_owned()];
    finding.mend = vec!["ALTER TABLE t ALTER COLUMN n SET NOT NULL".to_owned()];
    bad.find(finding);
    bad.find(ProofFinding::warning(Leg::Data, "values | differ"));
    let mut untried = ChangesetProof::new("003", None, "d1:e", "d1:f");
    untried.find(ProofFinding::note(Leg::Up, "not tried"));
    let mut answer = ProofAnswer {
        environment: "dev".to_owned(),
        server_version: "15.4".to_owned(),
        changesets: vec![good, bad, untried],
        took_ms: 1500,
        ..ProofAnswer::default()
    };
    answer.tables_without_rows.insert("app.t".to_owned(), "its check `<c>` accepts none".to_owned());
    answer.sum();
    answer
}

#[test]
fn what_is_counted() {
    let answer = answer();
    assert_eq!(answer.counted(), "1 of 3 changesets proven; 1 not as before, 1 not tried");
    assert_eq!((answer.counts.rollbacks, answer.counts.wrong_rollbacks), (2, 1));
    assert!(answer.failure().is_some());
    let mut good = ProofAnswer { changesets: answer.changesets[..1].to_vec(), ..answer };
    good.sum();
    assert!(good.failure().is_none());
}

#[test]
fn foreign_text_is_harmless_in_every_format() {
    let answer = answer();
    for format in ProofFormat::ALL {
        let text = format.render(&answer).plain();
        assert!(!text.contains('\u{1b}'), "{}: {text}", format.name());
        assert!(text.contains("ALTER COLUMN n SET") || *format == ProofFormat::Html, "{}: {text}", format.name());
    }
    let html = ProofFormat::Html.render(&answer).plain();
    assert!(html.contains("002-&lt;b&gt;") && !html.contains("<b>") && !html.contains("<is>"), "{html}");
    let junit = ProofFormat::Junit.render(&answer).plain();
    assert!(junit.contains("tests=\"18\" failures=\"1\"") && junit.contains("-a &amp; b"), "{junit}");
    let markdown = ProofFormat::Markdown.render(&answer).plain();
    assert!(markdown.contains("values \\| differ") && markdown.contains("&lt;is&gt;"), "{markdown}");
}

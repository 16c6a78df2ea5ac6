//! JUnit XML: a test case for each finding, which fails from the severity that fails on.

use super::answer::{LintAnswer, LintFinding};
use crate::report::junit::{self, Case, End, Suite};

pub(super) fn render(answer: &LintAnswer) -> String {
    let mut cases: Vec<Case> = answer.findings.iter().map(|finding| case(answer, finding)).collect();
    if cases.is_empty() {
        let (class, name) = ("dagmar lint".to_owned(), "no findings".to_owned());
        cases.push(Case { class, name, place: None, took_ms: None, end: End::Passed });
    }
    junit::render("dagmar lint", &[Suite { name: answer.environment.clone(), took_ms: None, cases }])
}

fn case(answer: &LintAnswer, finding: &LintFinding) -> Case {
    let place = finding.place.as_ref();
    let file = place.map(|place| answer.path(place)).unwrap_or_default();
    let line = place.map_or(0, |place| u32::try_from(place.line).unwrap_or(u32::MAX));
    let safe = finding.safe_form.as_deref().unwrap_or_default().trim_end();
    let text = format!("{file}:{line}: {}\n{safe}", finding.remedy);
    let word = finding.severity.word();
    let end = match answer.fail_on.is_some_and(|level| finding.severity >= level) {
        true => End::Failed(word, finding.message.clone(), text),
        false => End::Said(format!("{word}: {text}")),
    };
    let name = format!("{}: {}", finding.code, finding.message);
    Case { class: finding.changeset.clone(), name, place: Some((file, Some(line))), took_ms: None, end }
}

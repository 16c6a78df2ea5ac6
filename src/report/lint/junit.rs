//! JUnit XML: a test case for each finding, which fails from the severity that fails on.

use super::answer::LintAnswer;
use crate::report::escape::markup;
use std::fmt::Write;

pub(super) fn render(answer: &LintAnswer) -> String {
    let fails = |severity| answer.fail_on.is_some_and(|level| severity >= level);
    let failures = answer.findings.iter().filter(|finding| fails(finding.severity)).count();
    let tests = answer.findings.len().max(1);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"dagmar lint\" tests=\"{tests}\" failures=\"{failures}\">");
    let _ = writeln!(
        out,
        "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">",
        markup(&answer.environment)
    );
    if answer.findings.is_empty() {
        let _ = writeln!(out, "    <testcase classname=\"dagmar lint\" name=\"no findings\"/>");
    }
    for finding in &answer.findings {
        let place = finding.place.as_ref();
        let file = place.map(|place| markup(&answer.path(place))).unwrap_or_default();
        let line = place.map_or(0, |place| place.line);
        let name = format!("{}: {}", finding.code, finding.message);
        let _ = write!(
            out,
            "    <testcase classname=\"{}\" name=\"{}\" file=\"{file}\" line=\"{line}\">",
            markup(&finding.changeset),
            markup(&name)
        );
        let safe = finding.safe_form.as_deref().unwrap_or_default().trim_end();
        let lines: Vec<String> = safe.split('\n').map(markup).collect();
        let text = format!("{file}:{line}: {}\n{}", markup(&finding.remedy), lines.join("\n"));
        let _ = match fails(finding.severity) {
            true => write!(
                out,
                "<failure type=\"{}\" message=\"{}\">{}</failure>",
                finding.severity.word(),
                markup(&finding.message),
                text.trim_end()
            ),
            false => write!(out, "<system-out>{}: {}</system-out>", finding.severity.word(), text.trim_end()),
        };
        out.push_str("</testcase>\n");
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

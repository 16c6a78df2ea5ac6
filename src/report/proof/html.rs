//! The proof as one self-contained page, like that of a plan.

use super::answer::{ProofAnswer, ProofVerdict};
use crate::base::count;
use crate::proof::{ChangesetProof, Leg, ProofFinding, Severity, Verdict};
use crate::report::page::{self, prose, text};
use std::fmt::Write;

pub(super) fn render(answer: &ProofAnswer) -> String {
    let verdict = match answer.verdict {
        ProofVerdict::Proven => "Proven",
        ProofVerdict::NotProven => "Not proven",
    };
    let mut out = page::head(&format!("{verdict}: {}", text(&answer.counted())), true);
    let _ = writeln!(out, "<h1>{verdict}: {}</h1>", text(&answer.counted()));
    let since = answer.base.as_ref().map(|base| format!(" since <code>{}</code>", text(base))).unwrap_or_default();
    let _ = writeln!(
        out,
        "<p>PostgreSQL {}, {}{since}, environment <code>{}</code></p>",
        text(&answer.server_version),
        count(answer.changesets.len(), "changeset"),
        text(&answer.environment)
    );
    out.push_str(page::folds_buttons());
    out.push_str("<table>\n<tr><th>Changeset</th>");
    for leg in Leg::ALL {
        let _ = write!(out, "<th>{}</th>", leg.word());
    }
    out.push_str("</tr>\n");
    for proof in &answer.changesets {
        let _ = write!(out, "<tr><td><code>{}</code></td>", text(&proof.id));
        for leg in Leg::ALL {
            let verdict = proof.verdict(leg);
            let _ = write!(out, "<td><span class=\"tag {}\">{}</span></td>", class(verdict), verdict.word());
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
    for proof in answer.changesets.iter().filter(|proof| !proof.differences.is_empty()) {
        changeset(proof, answer.strict, &mut out);
    }
    if !answer.tables_without_rows.is_empty() {
        out.push_str("<h2>Tables without rows</h2>\n<ul>\n");
        for (table, why) in &answer.tables_without_rows {
            let _ = writeln!(out, "<li><code>{}</code>: {}</li>", text(table), prose(why));
        }
        out.push_str("</ul>\n");
    }
    if !answer.not_compared.is_empty() {
        out.push_str("<h2>Not compared</h2>\n<ul>\n");
        for what in &answer.not_compared {
            let _ = writeln!(out, "<li>{}: {}</li>", text(&what.what), prose(&what.why));
        }
        out.push_str("</ul>\n");
    }
    out.push_str(&page::folds_script());
    out.push_str("</body>\n</html>\n");
    out
}

fn changeset(proof: &ChangesetProof, strict: bool, out: &mut String) {
    let open = if proof.is_proven(strict) { "" } else { " open" };
    let _ = writeln!(out, "<details{open}><summary><code>{}</code></summary>\n<ul>", text(&proof.id));
    for finding in &proof.differences {
        item(finding, out);
    }
    out.push_str("</ul>\n</details>\n");
}

fn item(finding: &ProofFinding, out: &mut String) {
    let class = match finding.severity {
        _ if finding.accepted.is_some() => "none",
        Severity::Error => "bad",
        Severity::Warning => "warn",
        Severity::Note => "none",
    };
    let _ = write!(out, "<li><span class=\"tag {class}\">{}</span> {}", finding.leg.word(), prose(&finding.message));
    if let Some(reason) = &finding.accepted {
        let _ = write!(out, "<br>accepted: {}", prose(reason));
    }
    if let Some(location) = &finding.location {
        let _ = write!(out, " <span class=\"soft\">{}</span>", text(&location.to_string()));
    }
    if !finding.details.is_empty() {
        let _ = write!(out, "\n<pre>{}</pre>", page::diff(&finding.details.join("\n")));
    }
    if !finding.mend.is_empty() {
        let _ = write!(out, "\n<p>To mend it:</p>\n<pre>{}</pre>", page::sql(&finding.mend.join("\n")));
    }
    out.push_str("</li>\n");
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "good",
        Verdict::Skipped => "none",
        Verdict::Accepted | Verdict::Differs => "warn",
        Verdict::Failed => "bad",
    }
}

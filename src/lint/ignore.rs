//! Places where the author ignores a rule, with a reason: the key `lint` of a changeset, and a comment on the line
//! before, in YAML and in SQL.

use super::place::Spot;
use crate::base::diag::nearest;
use crate::base::{Code, Diagnostic, Diagnostics, FileId, Place, Rule};
use crate::source::lint::COMMENT;
use crate::source::{Changelog, SourceFile, SourceSet};
use std::collections::BTreeMap;
use std::ops::Range;

/// A place where a rule is ignored.
#[derive(Debug)]
pub(super) struct Ignore {
    /// The rule.
    pub rule: Rule,
    /// The changeset that it is in, by position; `None`: a file that several may read.
    pub changeset: Option<usize>,
    /// Where it is written.
    pub place: Place,
    /// The line that it is about; `None`: the changeset.
    line: Option<(FileId, usize)>,
    /// Whether it hides a finding.
    is_used: bool,
}

/// What an ignored rule is about.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Changeset(usize),
    Line(FileId, usize),
}

/// Ignored rules by what they are about.
#[derive(Debug)]
pub(super) struct Ignores {
    list: Vec<Ignore>,
    by_rule: BTreeMap<(Rule, About), Vec<usize>>,
}

impl Ignores {
    fn new(list: Vec<Ignore>) -> Self {
        let mut by_rule: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (n, ignore) in list.iter().enumerate() {
            let about = match (ignore.line, ignore.changeset) {
                (Some((file, line)), _) => About::Line(file, line),
                (None, Some(changeset)) => About::Changeset(changeset),
                (None, None) => continue,
            };
            by_rule.entry((ignore.rule, about)).or_default().push(n);
        }
        Self { list, by_rule }
    }

    /// Whether a finding is ignored; what ignores it is used then.
    pub fn hide(&mut self, rule: Rule, changeset: usize, spot: Option<&Spot>) -> bool {
        let lines = spot.map(|s| [About::Line(s.file, s.line), About::Line(s.file, s.begins)]);
        let mut hidden = false;
        for about in lines.into_iter().flatten().chain([About::Changeset(changeset)]) {
            for n in self.by_rule.get(&(rule, about)).into_iter().flatten() {
                (self.list[*n].is_used, hidden) = (true, true);
            }
        }
        hidden
    }

    /// Those that ignore nothing.
    pub fn unused(&self) -> impl Iterator<Item = &Ignore> {
        self.list.iter().filter(|ignore| !ignore.is_used)
    }
}

/// All places of a project where rules are ignored.
pub(super) fn all(changelog: &Changelog, sources: &SourceSet, out: &mut Diagnostics) -> Ignores {
    let mut found = Vec::new();
    // where each changeset begins, by file
    let mut begins: BTreeMap<FileId, Vec<(usize, usize)>> = BTreeMap::new();
    for (position, changeset) in changelog.changesets.iter().enumerate() {
        let place = changeset.place.child("lint");
        found.extend(changeset.lint.iter().enumerate().map(|(i, ignored)| Ignore {
            rule: ignored.ignore,
            changeset: Some(position),
            place: place.at(i),
            line: None,
            is_used: false,
        }));
    }
    for (id, file) in sources.iter().filter(|(_, file)| file.text.contains(COMMENT)) {
        let starts = begins.entry(id).or_insert_with(|| {
            let of_file = changelog.changesets.iter().enumerate().filter(|(_, changeset)| changeset.file == id);
            let mut starts: Vec<_> = of_file
                .filter_map(|(position, changeset)| Some((file.find(&changeset.place)?.start, position)))
                .collect();
            starts.sort_unstable();
            starts
        });
        comments(id, file, out, |rule, at, line| {
            let before = starts[..starts.partition_point(|(start, _)| *start <= at.start)].last();
            found.push(Ignore {
                rule,
                changeset: before.map(|(_, position)| *position),
                place: Place::bytes(id, at),
                line: Some((id, line)),
                is_used: false,
            });
        });
    }
    Ignores::new(found)
}

/// The comments of a file: the rule, the bytes, and the line that each is about.
fn comments(id: FileId, file: &SourceFile, out: &mut Diagnostics, mut push: impl FnMut(Rule, Range<usize>, usize)) {
    let lines: Vec<&str> = file.text.split('\n').collect();
    let is_code = |line: &str| !line.is_empty() && !["--", "#"].iter().any(|mark| line.starts_with(mark));
    let code: Vec<usize> = (0..lines.len()).filter(|i| is_code(lines[*i].trim())).collect();
    let mut start = 0;
    for (i, line) in lines.iter().enumerate() {
        let at = start;
        start += line.len() + 1;
        let trimmed = line.trim();
        let Some(text) = trimmed.strip_prefix("--").or_else(|| trimmed.strip_prefix('#')) else { continue };
        let Some(rest) = text.trim_start().strip_prefix(COMMENT) else { continue };
        let from = at + line.len() - line.trim_start().len();
        let bytes = from..from + trimmed.len();
        match read(rest) {
            Ok(rule) => {
                let next = code.get(code.partition_point(|at| *at <= i));
                push(rule, bytes, next.map_or(i + 2, |at| at + 1));
            }
            Err((message, help)) => {
                let problem = Diagnostic::error(Code::LintIgnore, message).help(help);
                out.push(problem.at(Place::bytes(id, bytes)));
            }
        }
    }
}

/// The rule of a comment, which has a reason.
fn read(rest: &str) -> Result<Rule, (String, String)> {
    let form = || format!("write `{COMMENT} ignore rule: reason`");
    let Some(rest) = rest.trim().strip_prefix("ignore ") else {
        return Err(("a comment for the review cannot be read".to_owned(), form()));
    };
    let (code, reason) = rest.split_once(':').unwrap_or((rest, ""));
    let code = code.trim();
    let Some(rule) = Rule::find(code) else {
        let near = nearest(code, Rule::ALL.iter().map(|rule| rule.code()));
        let help = near
            .map_or_else(|| "docs/lint/README.md lists all rules".to_owned(), |near| format!("did you mean `{near}`?"));
        return Err((format!("the review has no rule `{code}`"), help));
    };
    if reason.trim().is_empty() {
        return Err((format!("`{code}` is ignored without a reason"), form()));
    }
    Ok(rule)
}

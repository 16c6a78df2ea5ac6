//! What commands say, as a whole: `tests/texts`, a file for each. `BLESS=1` writes them anew.

use super::database::same;
use regex::Regex;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// What is another one each time, and what is written for it.
const OTHERS: [(&str, &str); 17] = [
    (r"t\d{2,}_\d+", "<database>"),
    (r"/tmp/dagmar-it-\d+[\w-]*", "<sockets>"),
    (r"/tmp/\.tmp\w+", "<project>"),
    (r"/[\w/]*/dagmar-\d+/[0-9a-f]+", "<directory>"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
    (r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?( ?UTC|Z)?", "<time>"),
    (r"\b(is|until) (mon|tue|wed|thu|fri|sat|sun) \d\d:\d\d", "$1 <time>"),
    (r"\bpid \d+", "pid <pid>"),
    (r"\bprocess \d+", "process <pid>"),
    (r"\b([a-z]\d):[0-9a-f]{8,}(…|\.\.\.)?", "$1:<hash>"),
    (r"\bfor \d\d:\d\d:\d\d\b", "for <duration>"),
    (r"\bfor (\d+(ms|s|m|h|d))+ of\b", "for <duration> of"),
    (r"\b(for|in|took|since|ago) (\d+(\.\d+)?) ?(ms|s)\b", "$1 <duration>"),
    (r"\(\d+(\.\d+)? ?(ms|s)\)", "(<duration>)"),
    (r"\b[\w.-]+@[\w.-]+\b", "<user>@<host>"),
    (r"\bdagmar \d+\.\d+\.\d+", "dagmar <version>"),
    (r"\bPostgreSQL \d+(\.\d+)*( \([^)]*\))?", "PostgreSQL <version>"),
];

/// A text is that of this file, but for what is another one each time.
#[track_caller]
pub fn snapshot(name: &str, text: &str) {
    static ALL: OnceLock<Vec<(Regex, &str)>> = OnceLock::new();
    let all = ALL.get_or_init(|| OTHERS.map(|(pattern, word)| (Regex::new(pattern).unwrap(), word)).into());
    let text = all.iter().fold(text.to_owned(), |text, (regex, word)| regex.replace_all(&text, *word).into_owned());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/texts").join(name).with_extension("txt");
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_else(|_| panic!("no {}: BLESS=1 starts it", path.display()));
    same(&format!("{name} has changed; BLESS=1 accepts that"), &expected, &text);
}

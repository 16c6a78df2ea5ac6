//! The rules of the source tree that no compiler keeps.

use crate::support::{cases, files, sources};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The parts of the crate; none imports what stands after it.
const ORDER: [&str; 26] = [
    "base", "effects", "sql", "inspect", "rows", "change", "render", "source", "graph", "generate", "history", "proof",
    "plan", "edges", "ledger", "run", "lint", "exec", "gate", "testing", "report", "pipeline", "pg", "ops", "serve",
    "cli",
];

/// Crates that only one part may name, and the part.
const HIDDEN: [(&str, &str); 16] = [
    ("tokio_postgres", "pg"),
    ("rustls", "pg"),
    ("petgraph", "graph"),
    ("handlebars", "render"),
    ("squawk_lexer", "sql"),
    ("squawk_linter", "sql"),
    ("squawk_syntax", "sql"),
    ("ring::signature", "plan"),
    ("base64", "plan"),
    ("hyper", "serve"),
    ("hyper_util", "serve"),
    ("http_body_util", "serve"),
    ("prometheus_client", "serve"),
    ("tokio_rustls", "serve"),
    ("tracing", "serve"),
    ("tracing_subscriber", "serve"),
];

/// Where one of them is named all the same: a password in base64 is one that must not be shown, and the service is a
/// server and a client of TLS, and checks signatures of tokens.
const NAMED_ALL_THE_SAME: [(&str, &str); 6] = [
    ("base64", "src/pg/connect/mask.rs"),
    ("base64", "src/serve/who/oidc/jwt.rs"),
    ("base64", "src/serve/who/session.rs"),
    ("ring::signature", "src/serve/who/oidc/verify.rs"),
    ("rustls", "src/serve/door/tls.rs"),
    ("rustls", "src/serve/net/client.rs"),
];

/// The most lines in a file: of the code without its tests, and of the tests.
const MOST_LINES: usize = 400;

/// The parts that a file names: `crate::plan`, `crate::{plan, sql}`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let names: Vec<&str> = match after.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap().split(',').collect(),
            None => vec![after],
        };
        for name in names {
            let name: String = name.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            found.insert(name);
        }
    }
    found.retain(|name| ORDER.contains(&name.as_str()));
    found
}

#[test]
fn no_part_imports_what_comes_after_it() {
    let rank = |part: &str| ORDER.iter().position(|p| *p == part);
    let mut wrong = Vec::new();
    for file in sources() {
        let Some(own) = rank(&file.part) else { continue };
        for name in imports(&file.code) {
            if rank(&name) <= Some(own) {
                continue;
            }
            wrong.push(format!("{} imports {name}", file.path));
        }
        // folders between the file and its part are as far as `super` may go up
        let folders = file.path.matches('/').count() - 1 - usize::from(file.path.ends_with("/mod.rs"));
        if file.part != "pipeline" && file.code.contains(&"super::".repeat(folders + 1)) {
            wrong.push(format!("{} leaves its part by `super`", file.path));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Each file of tests can be read with only `tests/it/support`.
#[test]
fn tests_import_from_support_alone() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = fs::read_to_string(folder.join("main.rs")).unwrap();
    let tests: Vec<&str> = main.lines().filter_map(|l| l.strip_prefix("mod ")?.strip_suffix(';')).collect();
    assert!(tests.contains(&"support"));
    let mut paths = Vec::new();
    files(&folder, "rs", &mut paths);
    for path in paths {
        let code = fs::read_to_string(&path).unwrap();
        for after in code.split("crate::").skip(1) {
            let name: String = after.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            assert!(name == "support" || !tests.contains(&name.as_str()), "{} imports {name}", path.display());
        }
    }
}

#[test]
fn the_order_names_every_part() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let parts: BTreeSet<&str> = lib.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(parts, ORDER.into_iter().collect(), "src/lib.rs against the order");
    let documented: Vec<&str> = lib.lines().skip_while(|l| !l.contains("imports only modules to its left")).collect();
    assert!(documented[1].contains(&ORDER.join(", ")), "{}", documented[1]);
}

#[test]
fn files_are_small() {
    let long: Vec<String> =
        sources().into_iter().filter(|f| f.lines > MOST_LINES).map(|f| format!("{}: {}", f.path, f.lines)).collect();
    assert!(long.is_empty(), "split: {long:?}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = Vec::new();
    files(&root.join("tests/it"), "rs", &mut tests);
    tests.retain(|path| fs::read_to_string(path).unwrap().lines().count() > MOST_LINES);
    assert!(tests.is_empty(), "split: {tests:?}");
}

/// Whether a path begins with this crate, or has it as a part of its own.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::"))
        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

/// What is markup has been escaped where it was made.
#[test]
fn markup_is_made_by_render_and_report_alone() {
    let made = |code: &str| code.contains("Markup::made");
    let makers = sources().into_iter().filter(|file| made(&file.code)).map(|file| file.part);
    let makers: BTreeSet<String> = makers.collect();
    assert!(makers.iter().all(|part| ["render", "report"].contains(&part.as_str())), "{makers:?}");
    assert!(makers.contains("render"));
}

#[test]
fn crates_stay_behind_their_part() {
    for file in sources() {
        for (name, part) in HIDDEN {
            let names = names(&file.code, name);
            let names = names && !NAMED_ALL_THE_SAME.contains(&(name, file.path.as_str()));
            assert!(!names || file.part == part, "{} names {name}, which only {part} may", file.path);
        }
        let prints = ["println!", "eprintln!", "dbg!", "todo!", "unimplemented!"];
        for word in prints {
            assert!(!file.code.contains(&format!("{word}(")), "{} has {word}", file.path);
        }
    }
}

#[test]
fn every_change_type_has_a_case_and_a_template() {
    let stems: Vec<&str> = dagmar::change::KINDS.iter().map(|kind| kind.stem).collect();
    let cases = cases();
    for stem in &stems {
        assert!(cases.iter().any(|case| case == stem), "tests/cases/{stem} is missing");
    }
    let mut templates = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/sql"), "hbs", &mut templates);
    let names: Vec<String> = templates
        .iter()
        .map(|p| p.file_name().unwrap().to_str().unwrap().trim_end_matches(".sql.hbs").to_owned())
        .collect();
    assert_eq!(names, stems, "templates/sql against the change types");
}

/// Files whose words are those of the command line: the schema of what it writes, and the page that `schema
/// --markdown` writes.
const OF_THE_COMMAND_LINE: [&str; 2] = ["src/source/schema/answers.rs", "src/report/reference.rs"];

/// A remedy names operations and options as values: a page would show the commands of another door.
#[test]
fn no_text_has_the_words_of_the_command_line() {
    let mut wrong = Vec::new();
    for file in sources().iter().filter(|file| file.part != "cli") {
        for text in literals(&file.code) {
            let option = |rest: &str| rest.trim_start_matches('-').starts_with(|c: char| c.is_ascii_lowercase());
            let names_option = text.split("`-").skip(1).any(option);
            if (text.contains("`dagmar ") || names_option) && !OF_THE_COMMAND_LINE.contains(&file.path.as_str()) {
                wrong.push(format!("{}: {text}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "a `Remedy` names operations and options as values: {wrong:#?}");
    let found: Vec<String> =
        literals(r##"let a = 'x'; f("one `dagmar a`", r#"two "q""#, '"', "th\"ree"); &'a str"##).collect();
    assert_eq!(found, ["one `dagmar a`", "two \"q\"", "th\\\"ree"]);
}

/// The string literals of code without comments of a line.
fn literals(code: &str) -> impl Iterator<Item = String> + '_ {
    let mut rest = code;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find(['"', '\''])?;
            let (before, after) = (&rest[..at], &rest[at + 1..]);
            if rest[at..].starts_with('\'') {
                // a character, and no lifetime
                let end = match after.strip_prefix('\\') {
                    Some(escaped) => escaped.char_indices().skip(1).find(|(_, c)| *c == '\'').map(|(i, _)| i + 2),
                    None => after
                        .chars()
                        .next()
                        .filter(|c| after[c.len_utf8()..].starts_with('\''))
                        .map(|c| c.len_utf8() + 1),
                };
                rest = &after[end.unwrap_or(0)..];
                continue;
            }
            let hashes = before.len() - before.trim_end_matches('#').len();
            let is_raw = before[..before.len() - hashes].ends_with('r');
            if is_raw {
                let end = format!("\"{}", "#".repeat(hashes));
                let (text, next) = after.split_once(end.as_str())?;
                rest = next;
                return Some(text.to_owned());
            }
            let mut escaped = false;
            let end = after.find(|c| {
                let is_end = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                is_end
            })?;
            rest = &after[end + 1..];
            return Some(after[..end].to_owned());
        }
    })
}

/// Whoever asks for an operation has the streams, the variables and the end of the process.
#[test]
fn operations_know_no_door() {
    let doors = ["clap", "std::env", "process::exit", "stdout", "stderr", "std::io::stdin"];
    for file in sources().iter().filter(|file| file.part == "ops") {
        let found: Vec<&str> = doors.into_iter().filter(|door| file.code.contains(door)).collect();
        // git is asked with its streams
        let streams = if file.path == "src/ops/git.rs" { ["stdout", "stderr"].as_slice() } else { &[] };
        assert_eq!(found, streams, "{}", file.path);
    }
}

/// The service is a door of its own: the command line gives it what it has of streams and variables.
#[test]
fn the_service_knows_no_command_line() {
    let others = ["clap", "stdout", "stderr", "std::env", "process::exit"];
    for file in sources().iter().filter(|file| file.part == "serve") {
        let found: Vec<&str> = others.into_iter().filter(|word| file.code.contains(word)).collect();
        assert!(found.is_empty(), "{} names {found:?}", file.path);
        let may = ["src/serve/door/", "src/serve/net/"].iter().any(|folder| file.path.starts_with(folder));
        assert!(may || !names(&file.code, "hyper"), "{} names hyper, which only `door` and `net` may", file.path);
    }
}

/// Who does without the service does not build what it needs.
#[test]
fn without_the_feature_nothing_of_the_service_is_built() {
    let tree = |features: &str| {
        let cargo = std::process::Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
            .args(["--no-default-features", "--features", features])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
        let text = String::from_utf8(cargo.stdout).unwrap();
        text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let (with, without) = (tree("cli,serve"), tree("cli"));
    for own in [
        "hyper",
        "hyper-util",
        "http",
        "http-body",
        "http-body-util",
        "httparse",
        "prometheus-client",
        "tracing",
        "tracing-subscriber",
    ] {
        assert!(with.contains(own) && !without.contains(own), "{own}");
    }
}

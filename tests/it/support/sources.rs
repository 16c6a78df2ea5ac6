//! The source tree as text.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file without its tests and comments.
pub struct Source {
    pub path: String,
    /// The part of the crate: `plan` for `src/plan/step.rs`.
    pub part: String,
    pub code: String,
    pub lines: usize,
}

/// The files with this ending in a folder and in those in it, in order.
pub fn files(folder: &Path, ending: &str, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            files(&path, ending, out);
        } else if path.extension().is_some_and(|e| e == ending) {
            out.push(path);
        }
    }
    out.sort();
}

/// Every file of `src` that is not there for tests alone.
pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    files(&root.join("src"), "rs", &mut paths);
    let mut list = Vec::new();
    for full in paths {
        let path = full.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let name = path.rsplit('/').next().unwrap();
        if name == "tests.rs"
            || name == "testing.rs"
            || name.ends_with("_test.rs")
            || name.ends_with("_tests.rs")
            || path.contains("/tests/")
        {
            continue;
        }
        let text = fs::read_to_string(&full).unwrap();
        // by convention the tests stand at the end
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let part = path["src/".len()..].split(['/', '.']).next().unwrap().to_owned();
        let code: Vec<&str> = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
        list.push(Source { part, code: code.join("\n"), lines: text.lines().count(), path });
    }
    list
}

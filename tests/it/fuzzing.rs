//! The inputs in `fuzz/seeds`, most of which once failed, hold what the fuzz targets require.

#[path = "../../fuzz/src/lib.rs"]
mod properties;

use std::fs;
use std::path::Path;

fn seeds(target: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let texts: Vec<String> = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert!(!texts.is_empty(), "{target} has no seeds");
    texts
}

#[test]
fn every_target_has_seeds_that_hold() {
    type Property = fn(&str);
    let targets: [(&str, Property); 8] = [
        ("split", properties::split),
        ("knowledge", properties::knowledge),
        ("yaml", properties::yaml),
        ("project", properties::project),
        ("stored", properties::stored),
        ("token", properties::token),
        ("jwt", properties::jwt),
        ("forwarded", properties::forwarded),
    ];
    for (target, property) in targets {
        seeds(target).iter().for_each(|text| property(text));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<String> = fs::read_dir(root.join("fuzz/targets"))
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort_unstable();
    let mut named = targets.map(|(target, _)| target);
    named.sort_unstable();
    assert_eq!(files, named);
    let script = fs::read_to_string(root.join("tests/fuzz.sh")).unwrap();
    assert!(script.contains(&targets.map(|(target, _)| target).join(" ")), "tests/fuzz.sh runs every target");
}

/// Every statement that is compared with servers, and every case.
#[test]
fn statements_and_cases_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let statements = fs::read_to_string(root.join("tests/data/locks/statements.sql")).unwrap();
    for line in statements.lines() {
        let statement = line.split_once(": ").filter(|(n, _)| n.parse::<u32>().is_ok()).map_or(line, |(_, rest)| rest);
        properties::split(statement);
        properties::knowledge(statement);
    }
    for case in fs::read_dir(root.join("tests/cases")).unwrap() {
        let text = fs::read_to_string(case.unwrap().path().join("changelog.yaml")).unwrap();
        properties::yaml(&text);
    }
}

use super::*;
use crate::base::Rule;
use crate::sql;
use std::path::Path;

#[test]
fn every_rule_has_its_file_and_page() {
    let rules: Vec<Rule> = all().iter().map(|definition| definition.rule).collect();
    assert_eq!(rules, Rule::ALL, "base/rule.rs against the tables in lint/rules");
    let squawk = sql::squawk_rules();
    assert_eq!(squawk::TAKEN.iter().map(|taken| taken.definition.rule).collect::<Vec<_>>(), squawk);
    let mut files: Vec<String> = std::fs::read_dir("src/lint/rules")
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().replace('_', "-"))
        .filter(|stem| !["mod", "tests", "squawk"].contains(&stem.as_str()))
        .collect();
    files.sort();
    let own: Vec<&str> = OWN.iter().map(|definition| definition.rule.code()).collect();
    assert_eq!(files, own, "src/lint/rules against the table in mod.rs");
}

/// The page of a rule.
fn page(definition: &Definition) -> String {
    let Definition { rule, reason, example, fixed, .. } = definition;
    let meaning = rule.meaning();
    let title = format!("{}{}", meaning[..1].to_uppercase(), &meaning[1..]);
    let level = rule.level().word();
    format!(
        "# {rule}\n\n{title}. Default level: {level}.\n\n{reason}\n\n## Found\n\n```yaml\n{}\n```\n\n## Instead\n\n```yaml\n{}\n```\n\n\
         [All rules](README.md)\n",
        example.trim_end(),
        fixed.trim_end()
    )
}

/// Writes a page, or compares it.
fn compare(path: &Path, text: &str) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(there == text, "{} is old: BLESS=1 cargo test --lib lint", path.display());
}

/// `BLESS=1 cargo test --lib lint` writes the pages.
#[test]
fn the_pages_of_the_rules_are_up_to_date() {
    let folder = Path::new("docs/lint");
    for definition in all() {
        compare(&folder.join(format!("{}.md", definition.rule)), &page(definition));
    }
    let rows: String = Rule::ALL
        .iter()
        .map(|rule| format!("| [{rule}]({rule}.md) | {} | {} |\n", rule.level().word(), rule.meaning()))
        .collect();
    let known: String = catalogue::ROWS.iter().map(|(what, how)| format!("| {what} | {} |\n", how.words())).collect();
    compare(&folder.join("README.md"), &format!("{}{rows}{}{known}", catalogue::HEAD, catalogue::BETWEEN));
    let mut pages: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    pages.sort();
    let mut expected: Vec<String> = Rule::ALL.iter().map(|rule| format!("{rule}.md")).collect();
    expected.sort();
    assert_eq!(pages, expected);
}

/// Each situation that is known from other tools is a rule, impossible, or left to something else with a reason.
#[test]
fn every_known_situation_is_accounted_for() {
    assert_eq!(catalogue::ROWS.len(), 64);
    for (what, how) in catalogue::ROWS {
        let same = catalogue::ROWS.iter().filter(|(other, _)| other == what).count();
        assert!(same == 1 && !how.words().is_empty(), "{what}");
    }
}

mod catalogue;

use super::*;

#[test]
fn every_file_is_a_format() {
    let mut files: Vec<String> = std::fs::read_dir("src/report/test")
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|stem| !["mod", "answer", "tests"].contains(&stem.as_str()))
        .collect();
    files.sort();
    let mut formats: Vec<&str> = TestFormat::ALL.iter().map(|format| format.name()).collect();
    formats.sort_unstable();
    assert_eq!(files, formats);
}

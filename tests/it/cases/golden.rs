//! `expected/plan.txt` of every case: the plan with its SQL. `BLESS=1` writes it anew.

use crate::support::{Case, folder, same};
use std::fs;

pub fn check(name: &str) {
    let text = Case::open(name).project.run(&["plan", "--offline", "--sql"]).ok();
    // when and by whom it was made is another one each time
    let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with("  made ") && !l.starts_with("  dagmar ")).collect();
    let text = lines.join("\n") + "\n";
    let expected = folder(name).join("expected");
    let golden = expected.join("plan.txt");
    if std::env::var_os("BLESS").is_some() {
        let _ = fs::remove_dir_all(&expected);
        fs::create_dir_all(&expected).unwrap();
        fs::write(&golden, &text).unwrap();
    }
    let files: Vec<String> = fs::read_dir(&expected)
        .unwrap_or_else(|_| panic!("no {}: BLESS=1 starts it", expected.display()))
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, ["plan.txt"], "{}", expected.display());
    same("the plan has changed; BLESS=1 accepts that", &fs::read_to_string(&golden).unwrap(), &text);
}

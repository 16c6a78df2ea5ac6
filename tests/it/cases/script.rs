//! The script for psql does what `apply` does, and both know of each other.

use crate::support::{Case, Database, same};

pub fn check(name: &str) {
    let case = Case::open(name);
    let applied = Database::new();
    let empty = applied.dump();
    case.project.on(&applied, &["apply"]).ok();
    let full = applied.dump();

    let database = Database::new();
    let file = case.project.path().join("up.sql");
    case.project.run(&["sql", "--offline", "--output", "up.sql"]).ok();
    database.script(&file).unwrap();
    same("the script does what apply does", &full, &database.dump());
    for id in &case.ids() {
        assert_eq!(case.state(&database, id), "applied", "{id}");
    }
    assert_eq!(case.project.json(&database, &["apply"]).applied(), "");
    let refused = database.script(&file).unwrap_err();
    assert!(refused.contains("already exists"), "{refused}");
    same("a refused script changes nothing", &full, &database.dump());

    case.project.on(&database, &["rollback", "--all"]).ok();
    same("what the script has done can be rolled back", &empty, &database.dump());

    database.script(&file).unwrap();
    same("the script runs again afterwards", &full, &database.dump());
    let mut args = vec!["sql", "--output", "down.sql"];
    let ids = case.ids();
    for id in &ids {
        args.extend(["--rollback", id]);
    }
    case.project.on(&database, &args).ok();
    database.script(&case.project.path().join("down.sql")).unwrap();
    same("the script of the rollback leaves what was there at first", &empty, &database.dump());
    for id in &case.ids() {
        assert_eq!(case.state(&database, id), "pending", "{id}");
    }
}

//! Up one changeset after the other, down in reverse, and up again: the catalog and every
//! row are what they were.

use super::{Case, same};
use crate::harness::{Database, Server, server};

pub fn check(name: &str, on: &'static Server) {
    let (mut case, database) = (Case::open(name), Database::on(on));
    if database.sql("SELECT current_setting('server_version_num')::int < 150000") == "t" {
        case.simplify();
    }
    // what knows more is the one that cannot read a newer server
    let dump = |database: &Database| if std::ptr::eq(on, server()) { database.dump() } else { database.catalog() };
    let mut before = Vec::new();
    for id in &case.ids() {
        before.push(dump(&database));
        let out = case.apply(&database, id).ok();
        assert!(out.contains("applied 1 changeset"), "{id}: {out}");
        assert_eq!(case.state(&database, id), "applied");
    }
    let full = dump(&database);
    assert!(case.project.on(&database, &["apply"]).ok().contains("nothing to do"));
    same("nothing to do changes nothing", &full, &dump(&database));
    for (id, before) in case.ids().iter().zip(&before).rev() {
        case.rollback(&database, id).ok();
        same(&format!("the rollback of {id} leaves what was there before it"), before, &dump(&database));
        assert_eq!(case.state(&database, id), "pending");
    }
    case.project.on(&database, &["apply"]).ok();
    same("the second time is like the first", &full, &dump(&database));
    case.project.on(&database, &["rollback", "--all"]).ok();
    same("all at once leaves what was there at first", &before[0], &dump(&database));
}

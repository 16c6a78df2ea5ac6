use super::super::contents::{Contents, TableContents};
use super::compare;

/// Rows as text: values by spaces, `-` is NULL.
fn table(columns: &str, key: &[usize], rows: &[&str]) -> TableContents {
    let value = |text: &str| (text != "-").then(|| text.into());
    TableContents {
        columns: columns.split(' ').map(str::to_owned).collect(),
        key: key.to_vec(),
        rows: rows.iter().map(|row| row.split(' ').map(value).collect()).collect(),
    }
}

fn contents(table: Option<TableContents>) -> Contents {
    let tables = table.into_iter().map(|table| ("app.users".parse().unwrap(), table)).collect();
    Contents { tables, ..Contents::default() }
}

fn lines(before: TableContents, after: Option<TableContents>) -> Vec<String> {
    compare(&contents(Some(before)), &contents(after)).iter().map(ToString::to_string).collect()
}

#[test]
fn rows_are_matched_by_their_key() {
    let before = || table("id email n", &[0], &["1 a@b 1", "2 b@b 2", "3 c@b 3", "4 - 4"]);
    assert!(lines(before(), Some(before())).is_empty());
    let moved = table("n id email", &[1], &["4 4 -", "3 3 c@b", "2 2 b@b", "1 1 a@b"]);
    assert!(lines(before(), Some(moved)).is_empty(), "neither order counts");
    let nulls = table("id email n", &[0], &["1 - 1", "2 - 2", "3 - 3", "4 - 4"]);
    assert_eq!(
        lines(before(), Some(nulls)),
        ["app.users.email: 3 of 4 rows have another value after the rollback (id 1, 2, 3): 'a@b' became NULL"]
    );
    let fewer = table("id email n", &[0], &["1 a@b 1", "5 x 9"]);
    assert_eq!(
        lines(before(), Some(fewer)),
        [
            "app.users: 3 of 4 rows are lost after the rollback (id 2, 3, 4)",
            "app.users: 1 of 2 rows after the rollback was not there before (id 5)"
        ]
    );
    let without = table("id n more", &[0], &["1 1 x", "2 2 x", "3 3 x", "4 4 x"]);
    assert_eq!(
        lines(before(), Some(without)),
        [
            "app.users.email: the column is missing after the rollback, and with it the values of 3 of 4 rows (id 1, 2, 3): 'a@b' is lost"
        ]
    );
    assert_eq!(lines(before(), None), ["app.users: all 4 rows are lost after the rollback (id 1, 2, 3, …)"]);
    assert_eq!(lines(table("id", &[0], &[]), None), [""; 0], "no row is lost with an empty table");
}

#[test]
fn null_is_not_the_text_null() {
    let before = table("id a", &[0], &["1 NULL"]);
    let after = table("id a", &[0], &["1 -"]);
    assert_eq!(
        lines(before, Some(after)),
        ["app.users.a: the only row has another value after the rollback (id 1): 'NULL' became NULL"]
    );
}

#[test]
fn rows_without_a_key_are_a_multiset() {
    let before = || table("a b", &[], &["x 1", "x 1", "y 2"]);
    assert!(lines(before(), Some(table("b a", &[], &["2 y", "1 x", "1 x"]))).is_empty());
    assert_eq!(
        lines(before(), Some(table("a b", &[], &["x 1", "y 2"]))),
        ["app.users: 1 of 3 rows is lost after the rollback (a x, b 1)"]
    );
    assert_eq!(
        lines(before(), Some(table("a b", &[], &["x 1", "x 7", "y 2"]))),
        ["app.users.b: 1 of 3 rows has another value after the rollback (a x, b 1): '1' became '7'"],
        "rows that are equal otherwise are the same rows"
    );
    assert_eq!(
        lines(before(), Some(table("a b", &[], &["x 1", "x 1", "z 3"]))),
        [
            "app.users: 1 of 3 rows is lost after the rollback (a y, b 2)",
            "app.users: 1 of 3 rows after the rollback was not there before (a z, b 3)"
        ]
    );
}

#[test]
fn another_key_of_the_same_rows_is_a_changed_column() {
    let before = table("id a", &[0], &["1 x", "2 y"]);
    let after = table("id a", &[0], &["7 x", "8 y"]);
    assert_eq!(
        lines(before, Some(after)),
        ["app.users.id: all 2 rows have another value after the rollback (id 1, 2): '1' became '7'"]
    );
}

#[test]
fn what_could_not_be_read_is_not_compared() {
    let before = contents(Some(table("id", &[0], &["1"])));
    let mut after = contents(None);
    after.unread.insert("app.users".parse().unwrap(), "the server refuses".to_owned());
    assert!(compare(&before, &after).is_empty());
}

#[test]
fn long_values_are_shortened() {
    let long = "x".repeat(100);
    let before = table("id a", &[0], &[&format!("1 {long}")]);
    let found = lines(before, Some(table("id a", &[0], &["1 -"])));
    assert!(found[0].ends_with(&format!("'{}…' became NULL", "x".repeat(40))), "{found:?}");
}

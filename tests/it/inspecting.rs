//! The inspected catalog: what counts is seen, and nothing else.

use crate::support::{Database, inspected};

#[test]
fn try_it() {
    let database = Database::new();
    database.sql("CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n text NOT NULL DEFAULT 'x' CHECK (n <> 'y')); CREATE INDEX ON a (n) WHERE n > 'a'; COMMENT ON COLUMN a.n IS 'c'; CREATE FUNCTION f(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT SELECT (n) ON a TO PUBLIC");
    let snapshot = inspected(&database);
    println!("{}", serde_json::to_string_pretty(&snapshot).unwrap());
    database.sql("DO $$ BEGIN FOR i IN 1..1000 LOOP EXECUTE format('CREATE TABLE t%s (id bigint PRIMARY KEY, a text NOT NULL DEFAULT ''x'', b int, c int, d text, e text, f timestamptz DEFAULT now(), g int, h int, i int); CREATE INDEX ON t%s (a)', i, i); END LOOP; END $$");
    for _ in 0..3 {
        let start = std::time::Instant::now();
        let snapshot = inspected(&database);
        println!("{:?} {} {}", start.elapsed(), snapshot.objects().len(), snapshot.fingerprint());
    }
}

//! A disk that is full: the run ends with one clear error and nothing half done, and once there
//! is room a plain second run ends where an undisturbed one does.
//!
//! The disk is a small tmpfs in a mount namespace of its own, which ends with this process:
//! nothing stays mounted, whatever becomes of the test.

use crate::support::{Cluster, Database, Project, changeset, file, same, sql, until};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A disk of a few megabytes that only a cluster started within it sees.
struct Disk {
    keeper: Child,
    dir: tempfile::TempDir,
}

impl Disk {
    fn new(size: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("dagmar-disk-").tempdir_in("/tmp").unwrap();
        let root = rustix::process::getuid().is_root();
        let mut command = Command::new("unshare");
        command.args(if root { &["-m"][..] } else { &["-U", "--map-current-user", "--keep-caps", "-m"] });
        // the namespace lives as long as its reader: until the pipe closes
        let script = format!("mount -t tmpfs -o size={size},mode=0777 tmpfs \"$0\" && echo mounted && read end");
        command.args(["sh", "-c", &script]).arg(dir.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = command.spawn().expect("`unshare` of util-linux is needed");
        let mut said = String::new();
        BufReader::new(keeper.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(
            said.trim(),
            "mounted",
            "a disk cannot be mounted here, so that a full one cannot be tested: it needs root, or user namespaces \
             (leave it out with `--skip full_disk`)"
        );
        Self { keeper, dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A command that sees the disk.
    fn enter(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.keeper.id().to_string(), "--mount"]);
        if !rustix::process::getuid().is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        command
    }

    fn script(&self, script: &str) -> String {
        let output = self.enter().args(["sh", "-euc", script]).arg(self.path()).output().unwrap();
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Fills it up to so many kilobytes.
    fn fill(&self, left: u32) {
        self.script(&format!(
            "free=$(df -k --output=avail \"$0\" | tail -1); head -c $(((free - {left}) * 1024)) /dev/zero > \"$0/ballast\""
        ));
    }

    /// Makes room.
    fn clear(&self) {
        self.script("rm \"$0/ballast\"");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // with it goes the namespace, and with that the mount
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Names a disk, and steps of every kind that write to it: rows in batches, a concurrent build, a
/// transaction. The words of the last one tell that nothing after a failure was begun.
fn project(space: &str) -> Project {
    let base = format!(
        "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, pad text NOT NULL){space};
INSERT INTO t SELECT g, 0, (SELECT string_agg(md5(g || ' ' || i), '') FROM generate_series(1, 8) i) FROM generate_series(1, 5000) g"
    );
    let body = json!({ "table": "t", "key": "id", "batchSize": 50, "pace": { "batchTime": "0s" },
        "set": { "n": "t.n + 1", "pad": "t.pad || reverse(t.pad)" }, "rollback": "UPDATE t SET n = 0" });
    let fill = changeset("fill").depends_on(["base"]).change("backfill", body);
    let index = format!("CREATE INDEX CONCURRENTLY t_pad ON t (pad){space}");
    let copy = format!("INSERT INTO t SELECT -1, 1, 'more';\nCREATE TABLE copy{space} AS SELECT * FROM t");
    let changesets = [
        sql("base", &base, "DROP TABLE t"),
        fill,
        sql("index", &index, "DROP INDEX CONCURRENTLY t_pad").depends_on(["fill"]),
        sql("copy", &copy, "DROP TABLE copy;\nDELETE FROM t WHERE id = -1").depends_on(["index"]),
        sql("last", "UPDATE t SET n = n + 10", "UPDATE t SET n = n - 10").depends_on(["copy"]),
    ];
    Project::new(&[("plans/a.yaml", &file(&changesets))])
}

/// A cluster that sees the disk, and has a tablespace on it.
fn on(disk: &Disk) -> Cluster {
    let cluster = Cluster::new();
    cluster.crash();
    cluster.start_by(disk.enter());
    let space = disk.path().join("space");
    // its owner is the server's, which is not known here
    cluster.sql(&format!("COPY (SELECT 1) TO PROGRAM 'mkdir {} && cat > /dev/null'", space.display()));
    cluster.sql(&format!("CREATE TABLESPACE small LOCATION '{}'", space.display()));
    cluster
}

/// Runs with each of the steps on a disk that becomes full, and again with room.
fn runs_out_and_goes_on(create: &str, project: &Project) {
    let disk = Disk::new("64m");
    let cluster = on(&disk);
    let server = cluster.server();
    let database = |name: &str| {
        cluster.sql(&format!("CREATE DATABASE {name} TEMPLATE template0 {create}"));
        Database { name: name.to_owned(), server }
    };
    let calm = database("calm");
    project.on(&calm, &["apply"]).ok();
    let expected = calm.catalog();
    drop(calm);
    for (before, failing, states) in [
        ("base", "fill", "base=applied fill=partly index=pending copy=pending last=pending"),
        ("fill", "index", "base=applied fill=applied index=failed copy=pending last=pending"),
        ("index", "copy", "base=applied fill=applied index=applied copy=failed last=pending"),
    ] {
        let database = database(failing);
        project.on(&database, &["apply", "--select", &format!("+{before}")]).ok();
        let done = database.catalog();
        cluster.sql("CHECKPOINT");
        disk.fill(512);
        let said = project.on(&database, &["apply"]).fails(8);
        // to look at what is there needs room as well
        disk.clear();
        assert_eq!(said.matches("error:").count(), 1, "{said}");
        assert!(said.contains(&format!("error: `{failing}` failed: could not ")), "{said}");
        assert!(said.contains("No space left on device (53100)"), "{said}");
        if failing == "fill" {
            assert!(said.contains("`dagmar apply` continues"), "{said}");
            let rows = database.sql("SELECT rows FROM dagmar.segment");
            assert_eq!(database.sql("SELECT max(n), sum(n), count(*) FROM t"), format!("1|{rows}|5000"));
        } else {
            assert!(said.contains("state: nothing of it remains"), "{said}");
            same(failing, &done, &database.catalog());
        }
        assert_eq!(project.states(&database), states);
        project.on(&database, &["apply"]).ok();
        same(failing, &expected, &database.catalog());
        project.json(&database, &["history", "--verify"]).intact();
    }
}

#[test]
fn runs_survive_a_tablespace_without_room() {
    runs_out_and_goes_on("", &project(" TABLESPACE small"));
}

/// The ledger's own rows find no room either.
#[test]
fn runs_survive_a_database_without_room() {
    runs_out_and_goes_on("TABLESPACE small", &project(""));
}

/// Without room for its log the server gives up, and does not come back before there is some.
/// A run waits for it and goes on.
#[test]
fn runs_survive_a_log_without_room() {
    let disk = Disk::new("48m");
    let cluster = Cluster::new();
    let project = project("");
    let calm = Database::on(cluster.server());
    project.on(&calm, &["apply"]).ok();
    let expected = calm.catalog();
    drop(calm);
    cluster.crash();
    let (log, disk_log) = (cluster.data().join("pg_wal"), disk.path().join("pg_wal"));
    disk.script(&format!(
        "mv {} {}; ln -s {} {}",
        log.display(),
        disk_log.display(),
        disk_log.display(),
        log.display()
    ));
    cluster.start_by(disk.enter());
    let database = Database::on(cluster.server());
    project.on(&database, &["apply", "--select", "base"]).ok();
    for setting in ["wal_recycle = off", "checkpoint_timeout = '1h'"] {
        cluster.sql(&format!("ALTER SYSTEM SET {setting}"));
    }
    cluster.sql("SELECT pg_reload_conf()");
    // in the middle of its step the run waits at a row
    let gate = database.hold("SELECT 1 FROM t WHERE id = 1000 FOR UPDATE");
    let mut running = project.start(&database, &["apply", "--format", "json"]);
    database.until("SELECT sum(n) = 950 FROM t");
    // segments that are there already would be room: none is kept for later, and those that were are used up
    until("no segment is spare", || {
        cluster.sql("SELECT pg_logical_emit_message(false, 'x', 'x')");
        cluster.sql("SELECT pg_switch_wal()");
        let spare = "SELECT count(*) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' AND name > pg_walfile_name(pg_current_wal_lsn())";
        cluster.sql(spare) == "0"
    });
    disk.fill(0);
    let _ = database.psql().args(["-c", "SELECT pg_switch_wal()"]).stderr(Stdio::null()).status().unwrap();
    drop(gate);
    running.line_with("connecting again");
    disk.clear();
    until("the server is back", || {
        let alive = std::fs::read_to_string(cluster.data().join("postmaster.pid"))
            .is_ok_and(|text| Path::new("/proc").join(text.lines().next().unwrap_or("x")).exists());
        if !alive {
            cluster.start_by(disk.enter());
        }
        database.psql().args(["-c", ""]).stderr(Stdio::null()).status().unwrap().success()
    });
    let run = running.end();
    assert_eq!(run.code, 0, "{run:?}");
    same("after the log had no room", &expected, &database.catalog());
    project.json(&database, &["history", "--verify"]).intact();
}

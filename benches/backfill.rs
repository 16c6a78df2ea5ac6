//! `cargo bench --bench backfill`: a backfill against the one UPDATE that does the same, and
//! what an application beside each of them feels; in one run, as ratios.
//!
//! The server is private and in memory. The application is pgbench at a fixed rate: it reads
//! and updates single rows all over the same table, and its latency counts from when a
//! transaction was due, so that a stall is felt by all that wait behind it.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use dagmar::pg::{Embedded, Place};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const DAGMAR: &str = env!("CARGO_BIN_EXE_dagmar");
const UPDATE: &str = "UPDATE big AS t SET email_lower = lower(t.email) WHERE t.email_lower IS NULL";

fn main() {
    // `cargo test --benches` runs this file as well: that is no time to measure
    if !std::env::args().any(|a| a == "--bench") {
        return;
    }
    let small = std::env::var_os("BENCH_SMALL").is_some();
    let (rows, runs, seconds) = if small { (300_000, 1, 3) } else { (5_000_000, 3, 20) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // as a server is that people trust with their data, but for where it lies
    let settings = [
        ("shared_buffers", "512MB"),
        ("max_wal_size", "4GB"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
    ];
    let held = runtime
        .block_on(Embedded::throwaway_with(Some(&binaries()), &settings))
        .expect("PostgreSQL is installed, pgbench with it");
    let bench = Bench::of(&held, rows);
    println!("{rows} rows, {} cores", std::thread::available_parallelism().unwrap());

    let (mut update, mut backfill) = (vec![], vec![]);
    for _ in 0..runs {
        bench.fresh();
        update.push(bench.psql(UPDATE));
        bench.fresh();
        backfill.push(bench.apply());
        assert_eq!(bench.left(), "0");
    }
    let (update, backfill) = (median(update), median(backfill));
    println!("one UPDATE           {update:>8.2} s   median of {runs}");
    println!("backfill             {backfill:>8.2} s   ratio {:.2} (1.3)", backfill / update);

    // on few cores chance decides who is pushed aside: as often as for the times
    let mut took = 0.0;
    let several = |what: &mut dyn FnMut() -> f64| {
        let mut all: Vec<f64> = (0..runs)
            .map(|_| {
                bench.fresh();
                what()
            })
            .collect();
        all.sort_by(f64::total_cmp);
        (all[all.len() / 2], format!("{:.2} to {:.2}", all[0], all[all.len() - 1]))
    };
    let (alone, range) = several(&mut || bench.felt(seconds, || std::thread::sleep(Duration::from_secs(seconds))));
    println!("p99 alone            {alone:>8.2} ms  {range}");
    let (beside, range) = several(&mut || bench.felt(seconds, || took = bench.apply()));
    println!("p99 beside backfill  {beside:>8.2} ms  {range}  ratio {:.2} (2)   backfill {took:.1} s", beside / alone);
    bench.fresh();
    let beside = bench.felt(seconds, || took = bench.psql(UPDATE));
    println!("p99 beside UPDATE    {beside:>8.2} ms  ratio {:.0}   UPDATE {took:.1} s", beside / alone);
}

struct Bench {
    sockets: PathBuf,
    port: String,
    rows: u64,
    dir: tempfile::TempDir,
}

impl Bench {
    fn of(held: &Embedded, rows: u64) -> Self {
        let target = &held.settings().targets[0];
        let Place::Socket(sockets) = &target.place else { unreachable!("a private server has a socket") };
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("plans")).unwrap();
        fs::write(dir.path().join("dagmar.yaml"), "environments: { bench: {} }\n").unwrap();
        let script = format!(
            "\\set id random(1, {rows})\nSELECT email FROM big WHERE id = :id;\nUPDATE big SET visits = visits + 1 WHERE id = :id;\n"
        );
        fs::write(dir.path().join("app.sql"), script).unwrap();
        Self { sockets: sockets.clone(), port: target.port.to_string(), rows, dir }
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(binaries().join(program));
        command.args(["-U", "postgres", "-p", &self.port, "-h"]).arg(&self.sockets);
        command.current_dir(self.dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn psql(&self, sql: &str) -> f64 {
        let mut command = self.client("psql");
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", sql]);
        timed(&mut command)
    }

    fn left(&self) -> String {
        let mut command = self.client("psql");
        command.args(["-X", "-A", "-t", "-d", "postgres", "-c", "SELECT count(*) FROM big WHERE email_lower IS NULL"]);
        let output = command.stdout(Stdio::piped()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The table as it was, and nothing applied.
    fn fresh(&self) {
        self.psql("DROP SCHEMA IF EXISTS dagmar, dagmar_attic CASCADE");
        self.psql(&format!(
            "DROP TABLE IF EXISTS big; CREATE TABLE big (id bigint PRIMARY KEY, email text NOT NULL, email_lower text, \
             visits int NOT NULL DEFAULT 0); INSERT INTO big SELECT g, 'User' || g || '@Example.org' FROM generate_series(1, \
             {}) g",
            self.rows
        ));
        self.psql("VACUUM (ANALYZE) big");
        self.psql("CHECKPOINT");
    }

    fn apply(&self) -> f64 {
        let text = "changesets:\n  - id: fill\n    changes:\n      - backfill:\n          table: public.big\n          key: id\n          \
                    set: { email_lower: lower(t.email) }\n          where: t.email_lower IS NULL\n          rollback: UPDATE \
                    public.big SET email_lower = NULL\n";
        fs::write(self.dir.path().join("plans/fill.yaml"), text).unwrap();
        let url = format!("host={} port={} user=postgres dbname=postgres", self.sockets.display(), self.port);
        let mut command = Command::new(DAGMAR);
        command.args(["apply", "--yes", "--quiet", "--url", &url]).current_dir(self.dir.path()).stdin(Stdio::null());
        timed(command.stdout(Stdio::null()))
    }

    /// The 99th percentile of the application's latency in milliseconds while this is done;
    /// what is done for longer than so many seconds is felt for so long.
    fn felt(&self, seconds: u64, work: impl FnOnce()) -> f64 {
        let mut command = self.client("pgbench");
        command.args(["-n", "-c", "8", "-R", "200", "-T", &seconds.to_string(), "-f", "app.sql", "-l", "postgres"]);
        let mut pgbench = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        let from = now();
        work();
        let to = now();
        finish(&mut pgbench);
        let mut times = Vec::new();
        for entry in fs::read_dir(self.dir.path()).unwrap().flatten() {
            if entry.file_name().to_string_lossy().starts_with("pgbench_log") {
                let text = fs::read_to_string(entry.path()).unwrap();
                times.extend(text.lines().filter_map(|line| latency(line, from, to)));
                fs::remove_file(entry.path()).unwrap();
            }
        }
        times.sort_by(f64::total_cmp);
        assert!(times.len() > 20, "pgbench has done too little: {}", times.len());
        times[times.len() * 99 / 100]
    }
}

/// A line of pgbench's log (manual, pgbench, per-transaction logging), of those that were due
/// while the work was done.
fn latency(line: &str, from: f64, to: f64) -> Option<f64> {
    let field: Vec<f64> = line.split_whitespace().filter_map(|f| f.parse().ok()).collect();
    let (latency, ended) = (field.get(2)? / 1e3, field.get(4)? + field.get(5)? / 1e6);
    let due = ended - latency / 1e3;
    (due >= from && due <= to).then_some(latency)
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

fn finish(child: &mut Child) {
    assert!(child.wait().unwrap().success(), "pgbench fails");
}

fn timed(command: &mut Command) -> f64 {
    let began = Instant::now();
    assert!(command.status().unwrap().success(), "{command:?}");
    began.elapsed().as_secs_f64()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The programs of the server, the newest of the usual places.
fn binaries() -> PathBuf {
    if let Some(dir) = std::env::var_os("DAGMAR_PG_BIN") {
        return dir.into();
    }
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(Path::new("/usr/lib/postgresql"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| Some((e.file_name().to_str()?.parse().ok()?, e.path().join("bin"))))
        .filter(|(_, bin)| bin.join("pgbench").exists())
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL is not installed: run `make postgres`").1
}

//! `make bench`: whole processes against the floor, in one run, as ratios.
//! `cargo bench --bench dagmar -- check lint` measures only these parts: start, check, lint, prove, apply, indexes.
//!
//! The server is private, in memory and without fsync, so that what is compared is work and
//! round trips and not the disk; `BENCH_SERVER=DIRECTORY:PORT` names the socket of another one, with
//! its data on a disk. Every figure is the median of several runs; dagmar and psql take turns, so that
//! a machine that drifts hits both alike.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use support::{Server, median, program, project, psql, timed};

fn main() {
    // `cargo test --benches` runs this file as well: that is no time to measure
    if !std::env::args().any(|a| a == "--bench") {
        return;
    }
    let small = std::env::var_os("BENCH_SMALL").is_some();
    let runs = if small { 1 } else { 5 };
    println!("median of {runs} runs, whole processes, {} cores", std::thread::available_parallelism().unwrap());

    let parts: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    if is_wanted("start") {
        start_up(if small { 3 } else { 30 });
    }
    if is_wanted("check") {
        let mut before: Option<(usize, f64)> = None;
        for n in if small { vec![1_000] } else { vec![1_000, 10_000, 100_000] } {
            let growth = check(n, if n > 10_000 { 3.min(runs) } else { runs });
            if let Some((m, t)) = before {
                println!("  {:>7} changesets take {:.1} times as long as {m}", n, growth / t);
            }
            before = Some((n, growth));
        }
    }
    if is_wanted("lint") {
        for n in if small { vec![100] } else { vec![1_000, 10_000] } {
            review(n, runs);
        }
    }
    if is_wanted("prove") {
        for n in if small { vec![50] } else { vec![100, 1_001] } {
            prove(n);
        }
    }
    if !is_wanted("apply") && !is_wanted("indexes") {
        return;
    }
    let server = Server::given().unwrap_or_else(Server::private);
    if is_wanted("apply") {
        for n in if small { vec![100] } else { vec![1_000, 5_000] } {
            apply(&server, n, runs);
        }
    }
    if is_wanted("indexes") {
        indexes(&server, 4, if small { 20_000 } else { 1_000_000 }, runs.min(3));
    }
}

fn start_up(runs: usize) {
    let times: Vec<f64> = (0..runs).map(|_| timed(program().arg("--version")).0).collect();
    let size = fs::metadata(program().get_program()).unwrap().len() as f64 / 1_048_576.0;
    println!(
        "start-up     dagmar --version {:>8.1} ms (floor to meet: 10)   binary {size:.1} MB (25)",
        median(times) * 1e3
    );
}

fn check(n: usize, runs: usize) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    project(dir.path(), n);
    let mut peak = 0;
    let times: Vec<f64> = (0..runs)
        .map(|_| {
            let (time, memory) = timed(program().arg("check").current_dir(dir.path()));
            peak = peak.max(memory);
            time
        })
        .collect();
    let time = median(times);
    println!("check        {n:>7} changesets {time:>8.3} s   peak memory {:>5.0} MB", peak as f64 / 1024.0);
    time
}

/// `prove --all` with all legs, on private servers; seven chains of changesets that nothing orders.
fn prove(n: usize) {
    let dir = tempfile::tempdir().unwrap();
    project(dir.path(), n);
    let (took, memory) = timed(program().args(["prove", "--all"]).current_dir(dir.path()));
    println!(
        "prove        {n:>7} changesets {took:>8.3} s   {:.1} ms each   peak memory {:>5.0} MB",
        took * 1e3 / n as f64,
        memory as f64 / 1024.0
    );
}

/// `lint` against squawk's own command on the same SQL. Squawk knows no changesets and no rollbacks, and uses one core.
fn review(n: usize, runs: usize) {
    let dir = tempfile::tempdir().unwrap();
    project(dir.path(), n);
    let sql = dir.path().join("all.sql");
    fs::write(&sql, steps(dir.path()).into_iter().map(|(_, body)| body).collect::<String>()).unwrap();
    let squawk = squawk();
    let (mut ours, mut theirs, mut peak) = (Vec::new(), Vec::new(), 0);
    for _ in 0..runs {
        let (took, memory) = timed(program().args(["lint", "--fail-on", "never"]).current_dir(dir.path()));
        ours.push(took);
        peak = peak.max(memory);
        if squawk.is_some() {
            let began = Instant::now();
            let output = Command::new("squawk").arg("--assume-in-transaction").arg(&sql).current_dir(&dir).output();
            theirs.push(began.elapsed().as_secs_f64());
            let output = output.unwrap();
            // it ends with 1 when it finds something, and the file sets no timeout
            let why = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.code().is_some_and(|code| code < 2), "squawk failed: {why}");
        }
    }
    let ours = median(ours);
    println!("lint         {n:>7} changesets {ours:>8.3} s   peak memory {:>5.0} MB", peak as f64 / 1024.0);
    if let Some(version) = squawk {
        let theirs = median(theirs);
        let words = format!("{version} on the same SQL");
        println!("               {words:<38} {theirs:>8.3} s   ratio {:.2}", ours / theirs);
    } else {
        println!(
            "               squawk is not on this machine: no peer (`pip install squawk-cli` or `npm install -g \
             squawk-cli` installs it)"
        );
    }
}

/// The name and version of squawk; `None`: it is not in the `PATH`.
fn squawk() -> Option<String> {
    let output = Command::new("squawk").arg("--version").output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn apply(server: &Server, n: usize, runs: usize) {
    let dir = tempfile::tempdir().unwrap();
    project(dir.path(), n);
    let floor = dir.path().join("floor.sql");
    let single = dir.path().join("single.sql");
    let peer = Sqlx::found(dir.path());
    floor_script(dir.path(), &floor, &single);
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for run in 0..runs {
        let mut in_new = |what: &'static str, work: &mut dyn FnMut(&str) -> f64| {
            let name = format!("d{n}_{run}_{}", times.values().map(Vec::len).sum::<usize>());
            psql(server, "postgres", &["-c", &format!("CREATE DATABASE {name} TEMPLATE template0")]);
            let took = work(&name);
            psql(server, "postgres", &["-c", &format!("DROP DATABASE {name}")]);
            times.entry(what).or_default().push(took);
        };
        let dagmar = |name: &str, args: &[&str]| {
            let url = format!("host={} port={} user=postgres dbname={name}", server.sockets.display(), server.port);
            timed(program().args(args).args(["--yes", "--quiet", "--url", &url]).current_dir(dir.path())).0
        };
        let (mut nothing, mut back) = (0.0, 0.0);
        in_new("jobs 4", &mut |name| {
            let took = dagmar(name, &["apply"]);
            nothing = dagmar(name, &["apply"]);
            back = dagmar(name, &["rollback", "--all"]);
            took
        });
        in_new("jobs 1", &mut |name| dagmar(name, &["apply", "--jobs", "1"]));
        in_new("whole", &mut |name| dagmar(name, &["apply", "--transaction", "plan"]));
        in_new("psql each", &mut |name| psql(server, name, &["-f", floor.to_str().unwrap()]));
        in_new("psql one", &mut |name| psql(server, name, &["-f", single.to_str().unwrap()]));
        if let Some(peer) = &peer {
            in_new("sqlx", &mut |name| peer.apply(server, name));
        }
        times.entry("nothing").or_default().push(nothing);
        times.entry("back").or_default().push(back);
    }
    let time: BTreeMap<&str, f64> = times.into_iter().map(|(what, all)| (what, median(all))).collect();
    println!("apply        {n:>7} changesets, one transaction each");
    for (what, words) in [
        ("psql each", "psql, with one tracking insert each"),
        ("jobs 4", "dagmar, as it is (4 connections)"),
        ("jobs 1", "dagmar --jobs 1"),
        ("sqlx", "sqlx migrate run"),
    ] {
        if let Some(took) = time.get(what) {
            println!("               {words:<38} {took:>8.3} s   ratio {:.2}", took / time["psql each"]);
        }
    }
    if peer.is_none() {
        println!("               sqlx is not on this machine: no peer");
    }
    println!("apply        {n:>7} changesets, one transaction for all");
    println!("               {:<38} {:>8.3} s   ratio 1.00", "psql, with one tracking insert each", time["psql one"]);
    let whole = time["whole"];
    println!(
        "               {:<38} {whole:>8.3} s   ratio {:.2}",
        "dagmar --transaction plan",
        whole / time["psql one"]
    );
    println!("nothing      {n:>7} applied    {:>8.3} s", time["nothing"]);
    println!("rollback     {n:>7} changesets {:>8.3} s", time["back"]);
}

/// A peer that joins in where it is installed: one file with the same SQL per changeset.
struct Sqlx {
    folder: PathBuf,
}

impl Sqlx {
    fn found(dir: &Path) -> Option<Self> {
        Command::new("sqlx").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
        let folder = dir.join("sqlx");
        fs::create_dir_all(&folder).unwrap();
        for (number, (id, sql)) in steps(dir).iter().enumerate() {
            fs::write(folder.join(format!("{:014}_{id}.sql", 20_240_101_000_000 + number)), sql).unwrap();
        }
        Some(Self { folder })
    }

    fn apply(&self, server: &Server, name: &str) -> f64 {
        let url = format!("postgres://postgres@localhost:{}/{name}?host={}", server.port, server.sockets.display());
        timed(
            Command::new("sqlx").args(["migrate", "run", "--source"]).arg(&self.folder).args(["--database-url", &url]),
        )
        .0
    }
}

/// Indexes on independent tables: one after the other, and side by side.
fn indexes(server: &Server, tables: usize, rows: usize, runs: usize) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("plans")).unwrap();
    fs::write(dir.path().join("dagmar.yaml"), "environments: { bench: {} }\n").unwrap();
    let mut text = String::from("changesets:\n");
    for i in 1..=tables {
        writeln!(text, "  - id: i{i}\n    changes:\n      - createIndex: {{ name: big{i}_idx, table: public.big{i}, columns: [n] }}")
            .unwrap();
    }
    fs::write(dir.path().join("plans/a.yaml"), text).unwrap();
    psql(server, "postgres", &["-c", "CREATE DATABASE indexes TEMPLATE template0"]);
    for i in 1..=tables {
        let make =
            format!("CREATE TABLE big{i} AS SELECT (random() * 1e9)::bigint AS n FROM generate_series(1, {rows})");
        psql(server, "indexes", &["-c", &make]);
    }
    let url = format!("host={} port={} user=postgres dbname=indexes", server.sockets.display(), server.port);
    let dagmar =
        |args: &[&str]| timed(program().args(args).args(["--yes", "--quiet", "--url", &url]).current_dir(dir.path())).0;
    let (mut one, mut several) = (vec![], vec![]);
    for _ in 0..runs {
        one.push(dagmar(&["apply", "--jobs", "1"]));
        dagmar(&["rollback", "--all"]);
        several.push(dagmar(&["apply", "--jobs", "4"]));
        dagmar(&["rollback", "--all"]);
    }
    let (one, several) = (median(one), median(several));
    println!("indexes      {tables:>7} concurrent builds of {rows} rows, independent tables");
    println!("               --jobs 1 {one:>8.3} s   --jobs 4 {several:>8.3} s   ratio {:.2}", several / one);
}

/// The same SQL as dagmar's plan with a transaction and one tracking insert per changeset,
/// as the plainest runner would do it; and all in one transaction.
fn floor_script(project: &Path, floor: &Path, single: &Path) {
    let head = "CREATE TABLE tracking (id text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());\n";
    let (mut each, mut one) = (head.to_owned(), format!("BEGIN;\n{head}"));
    for (id, mut body) in steps(project) {
        writeln!(body, "INSERT INTO tracking (id) VALUES ('{id}');").unwrap();
        write!(each, "BEGIN;\n{body}COMMIT;\n").unwrap();
        one.push_str(&body);
    }
    one.push_str("COMMIT;\n");
    fs::write(floor, each).unwrap();
    fs::write(single, one).unwrap();
}

/// The SQL of each changeset of the plan.
fn steps(project: &Path) -> Vec<(String, String)> {
    let output = program().args(["plan", "--offline", "--format", "json"]).current_dir(project).output().unwrap();
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let sql = |step: &serde_json::Value| {
        let segments = step["segments"].as_array().unwrap().iter();
        let statements = segments.flat_map(|segment| segment["statements"].as_array().unwrap());
        statements.map(|statement| format!("{};\n", statement["sql"].as_str().unwrap())).collect()
    };
    plan["steps"].as_array().unwrap().iter().map(|s| (s["changeset"].as_str().unwrap().to_owned(), sql(s))).collect()
}

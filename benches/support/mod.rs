//! What several benchmarks need: a server, psql, a project of any size.

#![allow(dead_code)] // none of them uses everything

use dagmar::pg::{Embedded, Place};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// dagmar: that of this build, or another one that `BENCH_DAGMAR` names, to compare two.
pub fn program() -> Command {
    Command::new(std::env::var_os("BENCH_DAGMAR").unwrap_or_else(|| env!("CARGO_BIN_EXE_dagmar").into()))
}

/// A PostgreSQL.
pub struct Server {
    pub sockets: PathBuf,
    pub port: String,
    _held: Option<Embedded>,
}

impl Server {
    /// The server that `BENCH_SERVER` names, for a measurement with its data on a disk.
    pub fn given() -> Option<Self> {
        let given = std::env::var("BENCH_SERVER").ok()?;
        let (sockets, port) = given.rsplit_once(':').expect("BENCH_SERVER is DIRECTORY:PORT of a socket");
        Some(Self { sockets: sockets.into(), port: port.to_owned(), _held: None })
    }

    /// A private one, in memory.
    pub fn private() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let binaries = std::env::var_os("DAGMAR_PG_BIN").map(PathBuf::from);
        let held = runtime
            .block_on(Embedded::throwaway_with(binaries.as_deref(), &[("max_locks_per_transaction", "1024")]))
            .expect("PostgreSQL is installed");
        let target = &held.settings().targets[0];
        let Place::Socket(sockets) = &target.place else { unreachable!("a private server has a socket") };
        Self { sockets: sockets.clone(), port: target.port.to_string(), _held: Some(held) }
    }
}

/// Seconds that psql takes.
pub fn psql(server: &Server, database: &str, args: &[&str]) -> f64 {
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-p", &server.port, "-d", database, "-h"]);
    timed(command.arg(&server.sockets).args(args)).0
}

/// Seconds, and the peak of memory in KiB as the kernel counts it.
pub fn timed(command: &mut Command) -> (f64, u64) {
    let began = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let code = loop {
        // the high-water mark only grows: the last look before the end is close to it
        if let Some(line) =
            fs::read_to_string(&status).ok().as_deref().and_then(|s| s.lines().find(|l| l.starts_with("VmHWM")))
        {
            peak = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(peak);
        }
        if let Some(code) = child.try_wait().unwrap() {
            break code;
        }
        std::thread::sleep(Duration::from_micros(500));
    };
    assert!(code.success(), "{command:?}");
    (began.elapsed().as_secs_f64(), peak)
}

/// The middle of them.
pub fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A project of `n` changesets: a table with an index each, every one depending on the one
/// seven before it.
pub fn project(dir: &Path, n: usize) {
    fs::create_dir_all(dir.join("plans")).unwrap();
    fs::write(dir.join("dagmar.yaml"), "environments: { bench: {} }\n").unwrap();
    for (file, chunk) in (1..=n).collect::<Vec<_>>().chunks(100).enumerate() {
        let mut text = String::from("changesets:\n");
        for i in chunk {
            write!(text, "  - id: m{i:06}\n    author: team\n    description: Table number {i}\n").unwrap();
            if *i > 7 {
                writeln!(text, "    dependsOn: [m{:06}]", i - 7).unwrap();
            }
            write!(
                text,
                "    changes:
      - createTable:
          table: public.t{i}
          columns:
            - {{ name: id, type: bigint, identity: always, primaryKey: true }}
            - {{ name: name, type: text, nullable: false }}
            - {{ name: created_at, type: timestamptz, nullable: false, default: {{ sql: now() }} }}
      - createIndex: {{ name: t{i}_name_idx, table: public.t{i}, columns: [name] }}
"
            )
            .unwrap();
        }
        fs::write(dir.join(format!("plans/{file:05}.yaml")), text).unwrap();
    }
}

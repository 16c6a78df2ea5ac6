//! `dagmar dev`: the private server of an environment with `url: embedded`.

use crate::base::{Failure, FailureKind};
use crate::cli::answers::{DevReset, DevStarted, DevStatus, DevStopped, DevUrl};
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Form, Output, form, only_text};
use crate::cli::shell::running::confirm;
use crate::cli::shell::task::{Outcome, block_on};
use crate::ops::address::EMBEDDED;
use crate::pg::{Connection, Home, connect};
use std::path::PathBuf;
use std::time::Duration;

/// Starts, stops and opens the private PostgreSQL of an environment with `url: embedded`.
///
/// Every command starts the server when needed and stops it afterwards; after `dev start` it runs until
/// `dev stop`. Data stay until `dev reset`. dagmar uses the installed binaries, or those in DAGMAR_PG_BIN.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar dev start
  dagmar dev status
  dagmar dev psql -- -c 'TABLE app.notes'
  DATABASE_URL=$(dagmar dev url) cargo run
  dagmar dev stop
  dagmar dev reset --yes && dagmar apply --yes")]
pub struct Args {
    #[command(subcommand)]
    what: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Starts it, and keeps it running
    Start,
    /// Stops it; its data stay
    Stop,
    /// Shows whether it runs, and where it is
    Status,
    /// Prints its URL, while it runs
    Url,
    /// Opens psql on it; starts it if necessary
    Psql {
        /// Arguments for psql
        #[arg(last = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// Stops it and removes all its data
    Reset,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = match args.what {
        Action::Psql { .. } => only_text(global).map(|()| Form::Text),
        _ => form(global),
    }?;
    let target = open::target(&with_environment(global)?)?;
    let environment = target.environment.as_str();
    if target.workspace().loaded.config.environment(environment).and_then(|e| e.url.as_deref()) != Some(EMBEDDED) {
        return Err(Failure::new(
            FailureKind::Usage,
            format!("the environment `{environment}` has no server of its own"),
        )
        .help("give it `url: embedded` in dagmar.yaml, or name another one with `--env`"));
    }
    let home = Home::of(&target.workspace().loaded.root, environment)?;
    match &args.what {
        Action::Start => start(&home, form, out),
        Action::Stop => {
            let there = home.stop()?;
            match form {
                Form::Json => out.json(&DevStopped { stopped: there }),
                Form::Text => out.say(if there { "stopped" } else { "it was not running" }),
            }
            Ok(())
        }
        Action::Status => {
            status(&home, environment, form, out);
            Ok(())
        }
        Action::Url if home.is_running() => {
            match form {
                Form::Json => out.json(&DevUrl { url: home.url() }),
                Form::Text => out.data(home.url()),
            }
            Ok(())
        }
        Action::Url => {
            Err(Failure::new(FailureKind::Database, "the embedded server does not run").help("run `dagmar dev start`"))
        }
        Action::Psql { arguments } => block_on(psql(&home, arguments)),
        Action::Reset => reset(&home, environment, global, form, out),
    }
}

/// The options with an environment: the one that is named, or the first with a server of ours.
fn with_environment(global: &Global) -> Result<Global, Failure> {
    let mut global = global.clone();
    if global.env.is_none() {
        let target = open::target(&global)?;
        let list = &target.workspace().loaded.config.environment_list;
        let embedded = list.iter().find(|(_, e)| e.url.as_deref() == Some(EMBEDDED));
        global.env = embedded.map(|(name, _)| name.clone());
    }
    Ok(global)
}

fn binaries() -> Option<PathBuf> {
    std::env::var_os("DAGMAR_PG_BIN").map(PathBuf::from)
}

fn start(home: &Home, form: Form, out: &mut Output) -> Outcome {
    let before = home.is_running();
    block_on(async {
        let server = home.open(binaries().as_deref()).await?;
        home.keep(true)?;
        server.close().await
    })?;
    match form {
        Form::Json => out.json(&DevStarted { started: !before, url: home.url() }),
        Form::Text => {
            out.say(if before { "it is running and is kept running" } else { "started" });
            out.data(home.url());
        }
    }
    Ok(())
}

fn status(home: &Home, environment: &str, form: Form, out: &mut Output) {
    let (running, kept, version) = (home.is_running(), home.is_kept(), home.version());
    match form {
        Form::Json => out.json(&DevStatus {
            environment,
            running,
            kept,
            version,
            directory: home.dir(),
            url: running.then(|| home.url()),
        }),
        Form::Text => {
            let state = match (running, kept) {
                (true, true) => "runs until `dagmar dev stop`",
                (true, false) => "runs until its last client disconnects",
                (false, _) => "does not run",
            };
            out.data(format!("{environment}: {state}"));
            match version {
                Some(version) => out.data(format!("  data:  {} (PostgreSQL {version})", home.dir().display())),
                None => out.data("  data:  none yet"),
            }
            if running {
                out.data(format!("  url:   {}", home.url()));
            }
        }
    }
}

/// Runs psql as a child, so that the server is held meanwhile.
async fn psql(home: &Home, arguments: &[String]) -> Outcome {
    let server = home.open(binaries().as_deref()).await?;
    let mut command = home.psql(binaries().as_deref())?;
    command.args(arguments);
    let mut interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
        .map_err(|e| Failure::new(FailureKind::Internal, format!("cannot listen for signals: {e}")))?;
    let started = tokio::process::Command::from(command).spawn();
    let mut child = started.map_err(|e| {
        Failure::new(FailureKind::Database, format!("cannot start psql: {e}"))
            .help("install it (Debian, Ubuntu: `apt-get install postgresql-client`)")
    })?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            // Ctrl-C is for psql, which cancels its query
            _ = interrupts.recv() => {}
        }
    };
    server.close().await?;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(FailureKind::Failed, format!("psql ended with {status}"))),
        Err(e) => Err(Failure::new(FailureKind::Internal, format!("cannot wait for psql: {e}"))),
    }
}

fn reset(home: &Home, environment: &str, global: &Global, form: Form, out: &mut Output) -> Outcome {
    if home.version().is_none() {
        match form {
            Form::Json => out.json(&DevReset { removed: false }),
            Form::Text => out.say("no data exist"),
        }
        return Ok(());
    }
    if home.is_running() {
        let others = block_on(others(home))?;
        if !others.is_empty() {
            let mut failure = Failure::new(FailureKind::Locked, "the embedded server is in use")
                .help("end these sessions; `dagmar dev stop` does it by force");
            for other in others {
                failure = failure.note(other);
            }
            return Err(failure);
        }
    }
    confirm(global, &format!("Remove all data of `{environment}` in {}?", home.dir().display()))?;
    home.reset()?;
    match form {
        Form::Json => out.json(&DevReset { removed: true }),
        Form::Text => {
            out.say(format!("the data of `{environment}` were removed; the next command creates a new database"))
        }
    }
    Ok(())
}

/// Who else is connected, in words.
async fn others(home: &Home) -> Result<Vec<String>, Failure> {
    const QUERY: &str = "SELECT coalesce(nullif(application_name, ''), 'a client') || ', process ' || pid \
        FROM pg_catalog.pg_stat_activity \
        WHERE backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid() ORDER BY pid";
    let connection: Connection = connect(&home.settings(), Duration::from_secs(5)).await?;
    // the server process of a client that has just left ends a moment later
    let mut looks = 0;
    loop {
        let rows = connection.query("cannot determine who is connected", QUERY).await?;
        if rows.is_empty() || looks == 10 {
            return rows.iter().map(|row| row.get(0)).collect();
        }
        looks += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

//! `dagmar token`: the tokens of the service.

use crate::base::{Failure, FailureKind, HumanDuration, time};
use crate::cli::answers::{CheckedToken, NewToken, RevokedToken, TokenList, TokenRow};
use crate::cli::shell::file::{Existing, write};
use crate::cli::shell::global::Global;
use crate::cli::shell::open;
use crate::cli::shell::output::{Form, Output, form, now};
use crate::cli::shell::task::Outcome;
use crate::report::{Cell, Table};
use crate::serve::caller::Role;
use crate::serve::who::token::Token;
use crate::serve::who::tokens::{FILE, Revoked, Standing, TokenEntry, TokenFile};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The longest text on standard input that is looked at.
const LONGEST: u64 = 8 << 10;

/// Makes, lists and revokes tokens for the service, which say who calls and what he may do.
///
/// The file of tokens has hashes, no token: `new` shows the text of a token once. Roles: read (all GET), plan (read,
/// and previews), run (plan, and runs, rollbacks, promotions, cancel, pause), approve (read, and decisions), admin
/// (read, and overrides of what otherwise refuses). A running service notices a changed file within a second.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar token new ci --role run --environments staging --expires 90d
  dagmar token new anna --role run,approve --group boss --expires 30d --tokens /run/secrets/tokens.json
  dagmar token list
  dagmar token revoke ci --reason 'it was in a log'
  echo \"$TOKEN\" | dagmar token check
  dagmar serve --tokens tokens.json")]
pub struct Args {
    #[command(subcommand)]
    what: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Makes a token and shows its text, this once
    New(New),
    /// Lists the tokens: what each may do, until when, and whether it still counts
    List(Place),
    /// Revokes a token; it stays in the file
    Revoke(Revoke),
    /// Says whose token is on standard input; fails if it does not count
    Check(Place),
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The file of tokens [default: tokens.json in the project]
    #[arg(long, value_name = "FILE", env = "DAGMAR_TOKENS", hide_env_values = true, value_hint = clap::ValueHint::FilePath)]
    tokens: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct New {
    /// The name: of a person or a program
    #[arg(value_name = "NAME")]
    name: String,
    /// What it may do: read, plan, approve, run, admin
    #[arg(long = "role", value_name = "ROLE,...", required = true, value_delimiter = ',', value_parser = role)]
    roles: Vec<Role>,
    /// The environments that it sees [default: all]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    environments: Vec<String>,
    /// The groups of who uses it; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// How long it counts: 90d, or `never` for no end
    #[arg(long, value_name = "TIME")]
    expires: Expires,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
struct Revoke {
    /// The name or the id
    #[arg(value_name = "NAME")]
    name: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    place: Place,
}

/// How long a token counts; `None`: without an end.
#[derive(Debug, Clone, Copy)]
struct Expires(Option<HumanDuration>);

impl FromStr for Expires {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(None));
        }
        let time = text.parse::<HumanDuration>().map_err(|why| format!("{why}, or `never`"))?;
        if time.millis < 1000 { Err("a token counts at least 1s".to_owned()) } else { Ok(Self(Some(time))) }
    }
}

fn role(word: &str) -> Result<Role, String> {
    Role::from_word(word).ok_or_else(|| "the roles are read, plan, approve, run, admin".to_owned())
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    match &args.what {
        Action::New(args) => make(args, form, global, out),
        Action::List(place) => list(&path(place, global)?, form, out),
        Action::Revoke(args) => revoke(args, form, global, out),
        Action::Check(place) => check(&path(place, global)?, form, out),
    }
}

/// The file: the one that is named, or that of the project.
fn path(place: &Place, global: &Global) -> Result<PathBuf, Failure> {
    place.tokens.clone().map_or_else(|| Ok(open::root(global)?.join(FILE)), Ok)
}

fn usage(why: String) -> Failure {
    Failure::new(FailureKind::Usage, why)
}

fn make(args: &New, form: Form, global: &Global, out: &mut Output) -> Outcome {
    let path = path(&args.place, global)?;
    if !args.environments.is_empty() {
        // a mistake in a name is told now, and not when the token is used
        let (project, spec) = (open::project(global)?, open::spec(global)?);
        for name in &args.environments {
            project.target(spec.of(name), open::actor())?;
        }
    }
    let (now, by) = (now(), open::actor().to_string());
    let expires = match args.expires.0 {
        None => None,
        Some(time) => {
            let end = i64::try_from(time.millis).ok().and_then(|millis| now.checked_add(millis));
            let end = end.map(time::rfc3339).filter(|text| time::parse(text).is_some());
            Some(end.ok_or_else(|| usage(format!("`{time}` is too long; write `--expires never`")))?)
        }
    };
    let _lock = lock(&path)?;
    let mut file = if path.symlink_metadata().is_ok() { TokenFile::open(&path, now)?.0 } else { TokenFile::default() };
    let text = file
        .add(now, |token| TokenEntry {
            environments: (!args.environments.is_empty()).then(|| args.environments.clone()),
            groups: args.groups.clone(),
            expires: expires.clone(),
            ..TokenEntry::new(token, &args.name, args.roles.clone(), now, by.clone())
        })
        .map_err(|failure| match failure.message.starts_with("there is a valid token") {
            true => failure.help(format!("choose another name, or revoke it: `dagmar token revoke {}`", args.name)),
            false => failure,
        })?;
    save(&path, &file)?;
    // it was added last
    let Some(entry) = file.tokens.last() else { return Ok(()) };
    let token = row(entry, now);
    match form {
        Form::Json => out.json(&NewToken { file: &path, text: text.expose(), token }),
        Form::Text => {
            let until =
                entry.expires.as_deref().map_or_else(|| "without an end".to_owned(), |end| format!("until {end}"));
            out.say(format!(
                "made the token `{}` ({}) {until}; this is the only time that it is shown",
                entry.name, entry.id
            ));
            out.data(text.expose());
        }
    }
    Ok(())
}

fn list(path: &Path, form: Form, out: &mut Output) -> Outcome {
    let now = now();
    let (file, _) = TokenFile::open(path, now)?;
    if form == Form::Json {
        out.json(&TokenList { file: path, tokens: file.tokens.iter().map(|entry| row(entry, now)).collect() });
        return Ok(());
    }
    if file.tokens.is_empty() {
        out.data(format!("{} has no tokens", path.display()));
        return Ok(());
    }
    let mut table =
        Table::new(&["NAME", "STATE", "ROLES", "ENVIRONMENTS", "GROUPS", "UNTIL", "ID", "NOTE"]).dispensable(&[6, 4]);
    for entry in &file.tokens {
        let note = match &entry.revoked {
            Some(Revoked { at, by, reason }) => format!("revoked {at} by {by}: {reason}"),
            None => format!("made {} by {}", entry.created, entry.created_by),
        };
        table.row([
            Cell::from(entry.name.as_str()),
            Cell::state(entry.standing(now).word()),
            Cell::from(words(&entry.roles).join(", ")),
            Cell::from(entry.environments.as_ref().map_or_else(|| "all".to_owned(), |all| all.join(", "))),
            Cell::from(entry.groups.join(", ")),
            Cell::from(entry.expires.as_deref().unwrap_or("no end")),
            Cell::from(entry.id.as_str()),
            Cell::from(note),
        ]);
    }
    out.data(table.text(out.limit()));
    Ok(())
}

fn revoke(args: &Revoke, form: Form, global: &Global, out: &mut Output) -> Outcome {
    if args.reason.trim().is_empty() {
        return Err(usage("the reason is empty".to_owned()).help("say why, with `--reason TEXT`"));
    }
    let path = path(&args.place, global)?;
    let (now, by) = (now(), open::actor().to_string());
    let _lock = lock(&path)?;
    let (mut file, _) = TokenFile::open(&path, now)?;
    // by its name a valid one is meant, by its id any
    let is_named = |entry: &TokenEntry| entry.name == args.name && entry.standing(now) == Standing::Valid;
    let at = file.tokens.iter().position(is_named).or(file.tokens.iter().position(|entry| entry.id == args.name));
    let Some(entry) = at.and_then(|at| file.tokens.get_mut(at)) else {
        let why = format!("`{}` has no valid token `{}`", path.display(), args.name);
        return Err(usage(why).help("`dagmar token list` lists them"));
    };
    if entry.revoked.is_some() {
        return Err(usage(format!("the token `{}` is revoked already", args.name)));
    }
    entry.revoked = Some(Revoked { at: time::rfc3339(now), by, reason: args.reason.clone() });
    let entry = entry.clone();
    save(&path, &file)?;
    match form {
        Form::Json => out.json(&RevokedToken { file: &path, token: row(&entry, now) }),
        Form::Text => out.data(format!("revoked the token `{}` ({})", entry.name, entry.id)),
    }
    Ok(())
}

fn check(path: &Path, form: Form, out: &mut Output) -> Outcome {
    let now = now();
    let (file, _) = TokenFile::open(path, now)?;
    let mut text = String::new();
    std::io::stdin()
        .take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|e| usage(format!("standard input cannot be read as a token: {e}")))?;
    let refused = |why: String| Failure::new(FailureKind::Refused, why);
    let Some(token) = Token::read(text.trim()) else {
        return Err(refused("the text on standard input is no token".to_owned())
            .help("a token begins with `dgm_`; give its whole text: `echo \"$TOKEN\" | dagmar token check`"));
    };
    let entry = file.find(&token).ok_or_else(|| refused(format!("the token is not one of `{}`", path.display())))?;
    match (&entry.revoked, entry.standing(now)) {
        (Some(Revoked { at, by, reason }), _) => {
            return Err(refused(format!("the token `{}` was revoked {at} by {by}: {reason}", entry.name)));
        }
        (None, Standing::Expired) => {
            let end = entry.expires.as_deref().unwrap_or_default();
            return Err(refused(format!("the token `{}` expired {end}", entry.name)));
        }
        _ => {}
    }
    match form {
        Form::Json => out.json(&CheckedToken { file: path, token: row(entry, now) }),
        Form::Text => {
            let all = || "all environments".to_owned();
            let environments = entry.environments.as_ref().map_or_else(all, |names| names.join(", "));
            let until =
                entry.expires.as_deref().map_or_else(|| "without an end".to_owned(), |end| format!("until {end}"));
            out.data(format!("{}: {} in {environments}, {until}", entry.name, words(&entry.roles).join(", ")));
        }
    }
    Ok(())
}

fn words(roles: &[Role]) -> Vec<&'static str> {
    roles.iter().map(|role| role.word()).collect()
}

fn row(entry: &TokenEntry, now: i64) -> TokenRow<'_> {
    TokenRow {
        id: &entry.id,
        name: &entry.name,
        state: entry.standing(now).word(),
        roles: words(&entry.roles),
        environments: entry.environments.as_deref(),
        groups: &entry.groups,
        created: &entry.created,
        created_by: &entry.created_by,
        expires: entry.expires.as_deref(),
        revoked: entry.revoked.as_ref().map(|revoked| revoked.at.as_str()),
        revoked_by: entry.revoked.as_ref().map(|revoked| revoked.by.as_str()),
        reason: entry.revoked.as_ref().map(|revoked| revoked.reason.as_str()),
    }
}

/// Keeps others from changing the file meanwhile, until it is dropped. The folder is locked: the file is replaced.
#[expect(clippy::disallowed_methods, reason = "a folder is opened to be locked, and not read")]
fn lock(path: &Path) -> Result<File, Failure> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = |e: std::io::Error| usage(format!("cannot write `{}`: {e}", path.display()));
    let folder = File::open(folder).map_err(failed)?;
    rustix::fs::flock(&folder, rustix::fs::FlockOperation::LockExclusive).map_err(|e| failed(e.into()))?;
    Ok(folder)
}

fn save(path: &Path, tokens: &TokenFile) -> Result<(), Failure> {
    // what is there was read as a file of tokens
    write(path, &tokens.text(), 0o600, Existing::Replaced)
}

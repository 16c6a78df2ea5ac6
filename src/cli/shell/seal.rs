//! Sealed plans: making and opening their files.

use super::about;
use super::audit::{Tried, audited};
use super::file::{self, There};
use super::global::Global;
use super::output::{Form, Output, choose, form, now};
use super::session::{Session, holder};
use crate::base::file::{FileContent, read as read_file};
use crate::base::{Failure, Kind, Span, count, time};
use crate::cli::commands::plan::{compile, formats};
use crate::cli::{Outcome, block_on};
use crate::pg::ledger::fingerprint;
use crate::plan::sealed::{Content, FORMAT, Part, Sealed, before};
use crate::plan::secrets;
use crate::plan::signature::{PrivateKey, PublicKey, Signature};
use crate::plan::{About, Destination, Maker};
use crate::report::{Detail, Line, PlanFormat, PlanOptions, Preview, Seal, Tone};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What `plan --out` was told.
pub struct Order<'a> {
    /// The file.
    pub out: &'a Path,
    /// The environments; empty: that of the options.
    pub environments: &'a [String],
    /// The private key.
    pub sign: Option<&'a Path>,
    /// How long it may be run.
    pub expires: Span,
    /// Which changesets.
    pub select: &'a [String],
    /// Whether a file is overwritten that is no sealed plan.
    pub force: bool,
}

/// Seals what is pending in each environment, and writes the file.
pub fn seal(order: &Order<'_>, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    // before anything is asked: a file or a key that cannot be used
    let there = There::by(order.force, is_sealed);
    file::check(order.out, there)?;
    let key = order.sign.map(private_key).transpose()?;
    let (mut parts, mut first, mut commit) = (Vec::new(), None, None);
    for global in targets(order, global)? {
        let session = Session::open(&global)?;
        in_order(&session, order.environments)?;
        commit = about::commit(&session.workspace.loaded.root);
        let view = session.view()?;
        let (part, seen) = block_on(async {
            let remote = session.connect(&global, out).await?;
            let history = remote.history(session.ledger()).await?;
            let plan = compile(&view, &remote, &history, order.select).await?;
            out.warnings(&view.exposed_passwords(&plan));
            let seen = fingerprint::look(&remote.connection, &remote.server, session.ledger(), &history).await?;
            remote.close().await?;
            let (environment, before) = (session.environment.clone(), before(&plan, &history));
            let part = Part { environment, target: seen.target, policy: session.policy(), before, plan };
            Ok((part, (seen.now, seen.session_user)))
        })?;
        parts.push(part);
        first.get_or_insert(seen);
    }
    let (now, db_user) = first.ok_or_else(|| Failure::new(Kind::Usage, "no environment was named"))?;
    let who = holder();
    let content = Content {
        format: FORMAT,
        dagmar: env!("CARGO_PKG_VERSION").to_owned(),
        author: format!("{}@{}", who.os_user, who.host),
        db_user,
        sealed_at: now,
        expires_at: now.saturating_add(i64::try_from(order.expires.millis).unwrap_or(i64::MAX)),
        commit,
        environments: parts,
    };
    let mut sealed = Sealed::seal(&content)?;
    sealed.signature = key.map(|key| json!(key.sign(&sealed.digest)));
    file::write(order.out, &sealed.text(), 0o666, there)?;
    show(&sealed, form, "sealed", out);
    Ok(())
}

/// Whether a text is a sealed plan, by its beginning.
fn is_sealed(text: &str) -> bool {
    text.starts_with("{\"content\":") && text.contains("\"digest\":\"")
}

/// The options for each environment.
fn targets(order: &Order<'_>, global: &Global) -> Result<Vec<Global>, Failure> {
    if order.environments.is_empty() {
        return Ok(vec![global.clone()]);
    }
    if global.url.is_some() || global.env.is_some() {
        return Err(Failure::new(Kind::Usage, "`--for` names environments, and so do `--env` and `--url`")
            .help("name them with `--for` alone; their URLs are in dagmar.yaml"));
    }
    Ok(order.environments.iter().map(|name| Global { env: Some(name.clone()), ..global.clone() }).collect())
}

/// Refuses a list that is not in the order of promotion.
fn in_order(session: &Session, names: &[String]) -> Result<(), Failure> {
    let config = &session.workspace.loaded.config;
    let known: Vec<&str> = config.environment_list.iter().map(|(name, _)| name.as_str()).collect();
    let places: Vec<_> = names.iter().map(|name| known.iter().position(|k| k == name)).collect();
    if places.is_sorted_by(|a, b| a.is_none() || b.is_none() || a < b) {
        return Ok(());
    }
    Err(Failure::new(Kind::Usage, "the environments are not in the order of promotion")
        .help(format!("dagmar.yaml has: {}", known.join(", "))))
}

/// Reads a sealed plan, and checks its digest and its signature, which must be there and of this
/// key where one is named.
pub fn open(file: &Path, key: Option<&Path>) -> Result<Sealed, Failure> {
    let key = key.map(public_key).transpose()?;
    let sealed = Sealed::read(&text(read(file, MOST_PLAN)?))?;
    let refused = |message: String| Err(Failure::new(Kind::Refused, message));
    match (signature(&sealed), &key) {
        (None, None) => Ok(sealed),
        (None, Some(_)) => refused(format!("`{}` is not signed", file.display())),
        (Some(signature), _) if !signature.as_ref().is_some_and(|s| s.is_good(&sealed.digest, None)) => {
            refused(format!("the signature of `{}` is wrong", file.display()))
        }
        (Some(Some(signature)), Some(_)) if !signature.is_good(&sealed.digest, key.as_ref()) => {
            refused(format!("`{}` is signed with another key: {}", file.display(), signature.key))
        }
        (Some(_), _) => Ok(sealed),
    }
}

/// The same for a command that changes something: what is refused leaves an event, where it was
/// said which database it is about.
pub fn open_for(
    command: &'static str,
    file: &Path,
    key: Option<&Path>,
    global: &Global,
    out: &mut Output,
) -> Result<Sealed, Failure> {
    let opened = open(file, key);
    if opened.is_ok() || global.env.is_none() && global.url.is_none() {
        return opened;
    }
    let session = Session::open(global)?;
    audited(opened, Tried { command, plan: None }, &session, global, out)
}

/// The signature of a plan; inside `None`: it is none.
fn signature(sealed: &Sealed) -> Option<Option<Signature>> {
    sealed.signature.as_ref().map(|value| serde_json::from_value(value.clone()).ok())
}

/// The most that is read of a sealed plan, and of a key, in bytes.
const MOST_PLAN: u64 = 256 << 20;
const MOST_KEY: u64 = 64 << 10;

fn read(path: &Path, most: u64) -> Result<FileContent, Failure> {
    read_file(path, most).map_err(|why| {
        let failure = Failure::new(Kind::Usage, format!("cannot read `{}`: it {why}", path.display()));
        Failure { help: why.help().map(str::to_owned), ..failure }
    })
}

fn text(content: FileContent) -> String {
    String::from_utf8_lossy(&content.bytes).into_owned()
}

/// Reads a public key.
pub fn public_key(path: &Path) -> Result<PublicKey, Failure> {
    PublicKey::parse(&text(read(path, MOST_KEY)?))
}

/// Reads a private key, which nobody else may read.
pub fn private_key(path: &Path) -> Result<PrivateKey, Failure> {
    let content = read(path, MOST_KEY)?;
    if content.about.permissions().mode() & 0o077 != 0 {
        return Err(Failure::new(Kind::Refused, format!("the key `{}` can be read by others", path.display()))
            .help(format!("chmod 600 {}", path.display())));
    }
    PrivateKey::parse(&text(content))
}

/// Checks a file without a server, and shows what is in it.
pub fn verify(file: &Path, key: Option<&Path>, sql: bool, global: &Global, out: &mut Output) -> Outcome {
    let format = choose(global, &formats())?;
    let sealed = open(file, key)?;
    sealed.check_expiry(now())?;
    let content = &sealed.content;
    let abouts: Vec<About> = content.environments.iter().map(|part| about_of(&sealed, part)).collect();
    let options = PlanOptions { limit: out.limit(), detail: Detail::Sql };
    let previews = |seal| -> Vec<Preview<'_>> {
        let parts = content.environments.iter().zip(&abouts);
        parts.map(|(part, about)| Preview { seal, ..Preview::new(&part.plan, about) }).collect()
    };
    match format {
        PlanFormat::Json => show(&sealed, Form::Json, "intact", out),
        PlanFormat::Text => {
            show(&sealed, Form::Text, "intact", out);
            if sql {
                out.data("");
                out.report(format.render(&previews(None), options));
            }
        }
        PlanFormat::Markdown | PlanFormat::Html => {
            let seal = Seal {
                digest: sealed.digest.clone(),
                signed_by: signature(&sealed).flatten().map(|s| s.key),
                expires_at: time::rfc3339(content.expires_at),
            };
            out.report(format.render(&previews(Some(&seal)), options));
        }
    }
    Ok(())
}

/// What a sealed plan says of itself.
fn about_of(sealed: &Sealed, part: &Part) -> About {
    let (content, target) = (&sealed.content, &part.target);
    About {
        target: Some(Destination {
            database: target.database.clone(),
            address: None,
            server: target.server.to_string(),
            system: Some(target.system.clone()),
        }),
        made_at: time::rfc3339(content.sealed_at),
        made_by: Maker { os: content.author.clone(), database: Some(content.db_user.clone()) },
        dagmar: content.dagmar.clone(),
        commit: content.commit.clone(),
        tables: Default::default(),
        diffs: Default::default(),
    }
}

/// What is in a plan.
fn show(sealed: &Sealed, form: Form, word: &str, out: &mut Output) {
    let content = &sealed.content;
    let signed = signature(sealed).flatten().map(|s| s.key);
    let steps = |part: &Part| part.plan.steps.iter().map(|s| s.changeset.clone()).collect::<Vec<_>>();
    if form == Form::Json {
        let parts = content.environments.iter().map(|part| {
            json!({
                "environment": part.environment, "target": part.target, "policy": part.policy, "changesets": steps(part),
                "secrets": secrets::needed(&part.plan).into_keys().collect::<Vec<_>>(), "plan": part.plan,
            })
        });
        out.json(&json!({
            "digest": sealed.digest, "author": content.author, "dbUser": content.db_user, "dagmar": content.dagmar,
            "sealedAt": time::rfc3339(content.sealed_at), "expiresAt": time::rfc3339(content.expires_at),
            "signedBy": signed, "commit": content.commit, "environments": parts.collect::<Vec<_>>(),
        }));
        return;
    }
    out.data(Line::new().paint(Tone::Good, word).plain(format!(" {}", sealed.digest)));
    out.data(format!(
        "by {} (database user {}) at {}, expires at {}",
        content.author,
        content.db_user,
        time::rfc3339(content.sealed_at),
        time::rfc3339(content.expires_at)
    ));
    out.data(match signed {
        Some(key) => Line::from(format!("signed with the key {key}")),
        None => Line::new().paint(Tone::Bad, "NOT SIGNED").plain(": anybody may have written it"),
    });
    for part in &content.environments {
        let t = &part.target;
        let place = format!(
            "{} of server {}, PostgreSQL {}, {}",
            t.database,
            t.system,
            t.server,
            count(t.recorded, "changeset")
        );
        let steps = steps(part);
        let secrets: Vec<&str> = secrets::needed(&part.plan).into_keys().collect();
        let list = if steps.is_empty() { "nothing".to_owned() } else { steps.join(", ") };
        out.data(Line::new().paint(Tone::Strong, &part.environment).plain(format!(" ({place}): {list}")));
        if !secrets.is_empty() {
            out.data(format!("  filled in when it runs: the secret variables {}", secrets.join(", ")));
        }
    }
}

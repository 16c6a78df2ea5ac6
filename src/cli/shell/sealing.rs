//! `plan --out` and `plan --verify`: files of sealed plans.

use super::file::{self, Existing};
use super::global::Global;
use super::open;
use super::output::{Form, Output, choose, form, now};
use super::running::plan_formats;
use super::wording::worded;
use crate::base::{Failure, FailureKind, HumanDuration, count, time};
use crate::cli::shell::task::{Outcome, block_on};
use crate::ops::Target;
use crate::ops::keys::{open_plan, private_key, signature};
use crate::ops::proofs::ProofFile;
use crate::ops::seal::{SealRequest, SealedAnswer, SealedPlan, about_of};
use crate::plan::sealed::{Part, Sealed};
use crate::plan::{About, secrets};
use crate::report::{Detail, Line, PlanFormat, PlanOptions, Preview, Seal, Tone};
use crate::sql::Catalog;
use std::path::{Path, PathBuf};

/// What `plan --out` was told.
pub struct SealArgs<'a> {
    /// The file.
    pub out: &'a Path,
    /// The environments; empty: that of the options.
    pub environments: &'a [String],
    /// The private key.
    pub sign: Option<&'a Path>,
    /// How long it may be run.
    pub expires: HumanDuration,
    /// Which changesets.
    pub select: &'a [String],
    /// Whether a file is overwritten that is no sealed plan.
    pub force: bool,
    /// Files of proofs.
    pub proofs: &'a [PathBuf],
}

/// Seals what is pending in each environment, and writes the file.
pub fn seal(order: &SealArgs<'_>, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    // before anything is asked: a file or a key that cannot be used
    let there = Existing::by(order.force, is_sealed);
    file::check(order.out, there)?;
    let key = order.sign.map(private_key).transpose()?;
    let targets = targets(order, global)?;
    let proofs = order.proofs.iter().map(|path| ProofFile::read(path)).collect::<Result<Vec<_>, _>>()?;
    let request = SealRequest {
        targets: &targets,
        select: order.select,
        sign: key.as_ref(),
        expires: order.expires,
        proofs: &proofs,
    };
    let SealedPlan { sealed, warnings } = block_on(crate::ops::seal::seal(&request, out))?;
    warnings.iter().for_each(|warnings| out.warnings(warnings));
    file::write(order.out, &sealed.text(), 0o666, there)?;
    show(&sealed, form, "sealed", out);
    Ok(())
}

/// Whether a text is a sealed plan, by its beginning.
fn is_sealed(text: &str) -> bool {
    text.starts_with("{\"content\":") && text.contains("\"digest\":\"")
}

/// The environments.
fn targets(order: &SealArgs<'_>, global: &Global) -> Result<Vec<Target>, Failure> {
    if order.environments.is_empty() {
        return Ok(vec![open::target(global)?]);
    }
    if global.url.is_some() || global.env.is_some() {
        return Err(Failure::new(FailureKind::Usage, "`--for` cannot be used with `--env` or `--url`")
            .help("name them with `--for` alone; their URLs are in dagmar.yaml"));
    }
    let (project, spec, actor) = (open::project(global)?, open::spec(global)?, open::actor());
    order.environments.iter().map(|name| project.target(spec.of(name), actor.clone())).collect()
}

/// Checks a file without a server, and shows what is in it.
pub fn verify(file: &Path, key: Option<&Path>, sql: bool, global: &Global, out: &mut Output) -> Outcome {
    let format = choose(global, &plan_formats())?;
    let mut sealed = open_plan(file, key)?;
    sealed.check_expiry(now())?;
    for part in &mut sealed.content.environments {
        crate::plan::resolve(&mut part.plan, Catalog::default());
    }
    let content = &sealed.content;
    let abouts: Vec<About> = content.environments.iter().map(|part| about_of(&sealed, part)).collect();
    let options = PlanOptions { limit: out.limit(), detail: Detail::Sql };
    let previews = |seal| -> Vec<Preview<'_>> {
        let parts = content.environments.iter().zip(&abouts);
        parts.map(|(part, about)| Preview { seal, ..Preview::new(&part.plan, about, worded) }).collect()
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

/// What is in a plan.
fn show(sealed: &Sealed, form: Form, word: &str, out: &mut Output) {
    let content = &sealed.content;
    let signed = signature(sealed).flatten().map(|s| s.key);
    let steps = |part: &Part| part.plan.steps.iter().map(|s| s.changeset.clone()).collect::<Vec<_>>();
    if form == Form::Json {
        out.json(&SealedAnswer::from(sealed));
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
        for proof in &part.proofs {
            let (id, at) = (&proof.changeset, time::rfc3339(proof.at));
            out.data(format!("  proven: {id} on PostgreSQL {} at {at}", proof.server));
        }
        if !secrets.is_empty() {
            out.data(format!("  filled in when it runs: the secret variables {}", secrets.join(", ")));
        }
    }
}

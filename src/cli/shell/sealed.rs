//! A sealed plan that `apply` or `promote` runs.

use super::complete;
use super::gating::What;
use super::global::Global;
use super::output::Output;
use super::seal;
use super::session::{Remote, Session, holder};
use crate::base::{Failure, Kind, time};
use crate::cli::commands::check;
use crate::gate::evidence::SealedPlan;
use crate::ledger::approval::{Approval, Verdict, last_words};
use crate::ledger::record::{Recorder, RunRef};
use crate::ledger::{EventKind, History};
use crate::pg::ledger::{approvals, fingerprint};
use crate::pg::lock::Lock;
use crate::pg::unanswered;
use crate::pipeline::View;
use crate::plan::sealed::{Sealed, same};
use crate::plan::{Plan, Progress, Rollback, Segment, Statement, Step};
use crate::sql::Facts;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A sealed plan on its way.
pub struct Release<'a> {
    /// The plan.
    pub plan: &'a Sealed,
    /// The files, where they must still render the same.
    pub check: Option<View<'a>>,
}

/// The options that say what runs.
#[derive(Debug, clap::Args)]
pub struct Chosen {
    /// A sealed plan: runs it and nothing else, and only where and as long as it is good
    #[arg(value_name = "FILE", conflicts_with = "select")]
    pub plan: Option<PathBuf>,
    /// The sealed plan must be signed with the private half of this key
    #[arg(long, value_name = "KEYFILE", requires = "plan")]
    key: Option<PathBuf>,
    /// Refuses a sealed plan where the files and this version of dagmar give another plan now
    #[arg(long, requires = "plan")]
    check_render: bool,
    /// Only these: id, +id (with what it needs), id+ (with what needs it), label:x
    #[arg(long, short, value_name = "SELECTOR", add = complete::selectors())]
    select: Vec<String>,
}

impl Chosen {
    /// Opens the sealed plan, where one is named.
    pub fn open(&self, command: &'static str, global: &Global, out: &mut Output) -> Result<Option<Sealed>, Failure> {
        let open = |file: &PathBuf| seal::open_for(command, file, self.key.as_deref(), global, out);
        self.plan.as_ref().map(open).transpose()
    }
}

/// What a command runs.
pub enum Run<'a> {
    /// What is pending by the files.
    Files(View<'a>),
    /// A sealed plan.
    Sealed(Release<'a>),
}

impl<'a> Run<'a> {
    /// The sealed plan, or else the files.
    pub fn of(
        session: &'a Session,
        plan: Option<&'a Sealed>,
        chosen: &Chosen,
        out: &mut Output,
    ) -> Result<Self, Failure> {
        Ok(match plan {
            None => {
                let view = session.view()?;
                check::hint(&view, out);
                Run::Files(view)
            }
            Some(plan) => {
                // its gates come from there
                session.workspace.check_project()?;
                Run::Sealed(Release { plan, check: chosen.check_render.then(|| session.view()).transpose()? })
            }
        })
    }

    /// What is chosen of the files, by position; `None`: all.
    pub fn only(&self, chosen: &Chosen) -> Result<Option<BTreeSet<usize>>, Failure> {
        match self {
            Run::Files(view) => view.select(&chosen.select),
            Run::Sealed(_) => Ok(None),
        }
    }

    /// The same for the gates.
    pub fn what(&self) -> What<'_> {
        match self {
            Run::Files(view) => What::Files(view),
            Run::Sealed(release) => What::Release(release),
        }
    }

    /// The digest of the sealed plan.
    pub fn digest(&self) -> Option<&str> {
        match self {
            Run::Files(_) => None,
            Run::Sealed(release) => Some(release.digest()),
        }
    }
}

/// The options with the environment of a plan that is sealed for one alone.
pub fn environment(global: &Global, sealed: Option<&Sealed>) -> Result<Global, Failure> {
    let mut global = global.clone();
    if let (Some(sealed), None) = (sealed, &global.env) {
        match sealed.environments().as_slice() {
            [one] => global.env = Some((*one).to_owned()),
            several => {
                return Err(Failure::new(Kind::Usage, "the plan is sealed for several environments")
                    .help(format!("name one with `--env`: {}", several.join(", "))));
            }
        }
    }
    Ok(global)
}

impl Release<'_> {
    /// Its digest.
    pub fn digest(&self) -> &str {
        &self.plan.digest
    }

    /// What the gates know of it.
    pub fn evidence(&self) -> SealedPlan<'_> {
        let Sealed { content, digest, signature, .. } = self.plan;
        SealedPlan {
            digest,
            author: &content.author,
            db_user: &content.db_user,
            // one that is wrong was refused when the file was opened
            signed_by: signature.as_ref().and_then(|s| s.get("key")).and_then(Value::as_str),
        }
    }

    /// What of it is to be run now. It is refused when anything is not as it was.
    pub async fn compile(&self, session: &Session, remote: &Remote, history: &History) -> Result<Plan, Failure> {
        let left = fit(self.plan, session, remote, history).await?;
        match &self.check {
            Some(view) => same_render(view, &left).map(|()| left),
            None => Ok(left),
        }
    }

    /// Notes in the run that it is of a sealed plan.
    pub async fn note(&self, session: &Session, remote: &Remote, lock: &Lock) -> Result<(), Failure> {
        let plan = self.plan;
        let recorder = Recorder::new(session.ledger(), RunRef::Id(lock.run.clone()));
        let who = holder();
        let detail = json!({
            "plan": plan.digest, "author": plan.content.author, "by": format!("{}@{}", who.os_user, who.host),
            "signedBy": plan.signature.as_ref().and_then(|s| s.get("key")),
        });
        let sql = [
            "BEGIN".to_owned(),
            format!("SELECT {}.fence({})", session.ledger().sql(), lock.epoch),
            recorder.event(EventKind::SealedPlan, None, &detail),
            "COMMIT".to_owned(),
        ];
        let sent = remote.connection.execute(&sql.join(";\n")).await;
        sent.map_err(|e| unanswered("cannot note which plan it is", &e))
    }

    /// Says who approved it.
    pub async fn tell(
        &self,
        session: &Session,
        remote: &Remote,
        history: &History,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let digest = self.digest();
        let all = approvals::read(&remote.connection, &remote.server, history.version, session.ledger(), Some(digest))
            .await?;
        out.say(format!("sealed plan {digest}"));
        for approval in last_words(&all) {
            out.say(format!("approved by {}", words(approval)));
        }
        if all.is_empty() {
            out.say("approved by nobody");
        }
        Ok(())
    }
}

/// Who said it, when and why.
pub fn words(a: &Approval) -> String {
    let until = a.expires_at.map_or_else(String::new, |at| format!(", until {}", time::rfc3339(at)));
    format!("{} ({}) at {}{until}: {}", a.by, a.os_user, time::rfc3339(a.at), a.reason)
}

/// What is left to run of a sealed plan, which must be for this target as it is now, and not
/// rejected.
async fn fit(sealed: &Sealed, session: &Session, remote: &Remote, history: &History) -> Result<Plan, Failure> {
    let left = may_be_approved(sealed, session, remote, history).await?;
    let said =
        approvals::read(&remote.connection, &remote.server, history.version, session.ledger(), Some(&sealed.digest))
            .await?;
    if let Some(no) = last_words(&said).into_iter().find(|a| a.verdict == Verdict::Reject) {
        return Err(Failure::new(Kind::Refused, "the plan was rejected; nothing was run")
            .note(format!("by {}", words(no)))
            .help("make another one; or who rejected it may approve it after all"));
    }
    Ok(left)
}

/// The same, whatever was said of it.
pub async fn may_be_approved(
    sealed: &Sealed,
    session: &Session,
    remote: &Remote,
    history: &History,
) -> Result<Plan, Failure> {
    let part = sealed.part(&session.environment)?;
    if part.plan.ledger_schema != session.ledger().as_str() {
        return Err(Failure::new(
            Kind::Drift,
            format!("the plan is sealed for the ledger `{}`, not `{}`", part.plan.ledger_schema, session.ledger()),
        ));
    }
    if !same(&part.policy, &session.policy()) {
        return Err(Failure::new(
            Kind::Drift,
            format!("dagmar.yaml says something else of `{}` than when the plan was sealed", session.environment),
        )
        .help("use the dagmar.yaml that it was sealed with, or seal a new plan"));
    }
    let seen = fingerprint::look(&remote.connection, &remote.server, session.ledger(), history).await?;
    sealed.check_expiry(seen.now)?;
    let own = own_runs(session, remote, &sealed.digest).await?;
    part.remaining(&seen.target, history, &own)
}

/// The runs of this very plan.
async fn own_runs(session: &Session, remote: &Remote, digest: &str) -> Result<BTreeSet<String>, Failure> {
    if !remote.server.has_ledger {
        return Ok(BTreeSet::new());
    }
    let sql = format!(
        "SELECT DISTINCT run::text FROM {}.event WHERE kind = 'sealedPlan' AND run IS NOT NULL AND detail ->> 'plan' = '{digest}'",
        session.ledger().sql()
    );
    let rows = remote.connection.query("cannot read the ledger", &sql).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Refuses when this dagmar would render something else from these files.
fn same_render(view: &View<'_>, plan: &Plan) -> Result<(), Failure> {
    // how far it came is the ledger's to say, and what is known of a statement follows from it
    let bare = |segments: &[Segment]| {
        let statement = |s: &Statement| Statement { facts: Facts::default(), ..s.clone() };
        let todo = |s: &Segment| Segment {
            progress: Progress::Todo,
            statements: s.statements.iter().map(statement).collect(),
            ..s.clone()
        };
        segments.iter().map(todo).collect::<Vec<_>>()
    };
    let back = |rollback: &Rollback| match rollback {
        Rollback::Segments { derived, segments, verify } => {
            Rollback::Segments { derived: *derived, segments: bare(segments), verify: verify.clone() }
        }
        never => never.clone(),
    };
    let parts = |s: &Step| {
        let s = s.clone().without_origins();
        (s.checksum.clone(), bare(&s.segments), s.preconditions.clone(), s.verify.clone(), back(&s.rollback))
    };
    for step in &plan.steps {
        let now = match view.graph.position(&step.changeset) {
            Some(_) => view.render_one(&step.changeset)?,
            None => return Err(other_render(&step.changeset, "no file has it any more")),
        };
        if now.checksum != step.checksum {
            return Err(other_render(&step.changeset, "its file says something else"));
        }
        if now.digest != step.digest || !same(&parts(&now), &parts(step)) {
            return Err(other_render(&step.changeset, "the same file is rendered to something else"));
        }
    }
    Ok(())
}

fn other_render(id: &str, why: &str) -> Failure {
    Failure::new(Kind::Drift, format!("`{id}` is compiled differently now than it is sealed; nothing was run"))
        .note(why)
        .help("use the files and the dagmar that it was sealed with, or seal a new plan")
}

//! What the routes that start a run have in common: what they take, who may ask for what, and what they answer.

use crate::base::Granularity;
use crate::gate;
use crate::ops::Options;
use crate::ops::gates::Overrides;
use crate::ops::run::RunOptions;
use crate::pg::run::OnFailure;
use crate::plan::Destructive;
use crate::serve::answer::{Answer, JSON};
use crate::serve::asking::{Found, Wish, ask, repeat};
use crate::serve::caller::{Caller, Role};
use crate::serve::exchange::Exchange;
use crate::serve::problem::{Kind, PROBLEM, Problem};
use crate::serve::route::{Body, Guard, Method, Patience, Reply, Route};
use crate::serve::runs::view::RunView;
use crate::serve::runs::{IfBusy, Phase, Repeat, Run, What};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::spawn_local;

/// A route that starts a run, without what makes it one of its own.
pub(super) const STARTING: Route = Route {
    method: Method::Post,
    path: "",
    name: "",
    about: "",
    guard: Guard::Api(Role::Run),
    query: &[],
    body: Body::None,
    patience: Patience::Handler,
    replies: &[
        Reply { status: 200, media: JSON, schema: Some(of::<RunView<'static>>) },
        Reply { status: 202, media: JSON, schema: Some(of::<RunView<'static>>) },
        Reply { status: 400, media: PROBLEM, schema: None },
        Reply { status: 403, media: PROBLEM, schema: None },
        Reply { status: 404, media: PROBLEM, schema: None },
        Reply { status: 409, media: PROBLEM, schema: None },
        Reply { status: 422, media: PROBLEM, schema: None },
        Reply { status: 500, media: PROBLEM, schema: None },
        Reply { status: 503, media: PROBLEM, schema: None },
    ],
    handler: |_, _| Box::pin(async { Err(Problem::new(Kind::NotFound, "there is no such path")) }),
};

/// How long an answer waits for the beginning of its run.
const BEGINNING: Duration = Duration::from_secs(20);

/// The most connections of a run.
const JOBS: u16 = 64;

/// How a run is asked for.
#[derive(Debug, Default)]
pub(in crate::serve) struct How {
    pub digest: String,
    pub jobs: Option<u16>,
    pub on_failure: OnFailure,
    pub transaction: Option<Granularity>,
    pub if_busy: IfBusy,
    pub overrides: Vec<String>,
    pub allow: Vec<Destructive>,
    pub reason: Option<String>,
    pub skip_preflight: bool,
}

impl How {
    /// The order, if the caller may ask for it.
    ///
    /// # Errors
    /// What only an administrator may ask for, a number of connections out of range.
    pub(in crate::serve) fn wish(self, what: What, caller: &Caller) -> Result<Wish, Problem> {
        let Self { digest, jobs, on_failure, transaction, if_busy, overrides, allow, reason, skip_preflight } = self;
        if !overrides.is_empty() || !allow.is_empty() || skip_preflight {
            needs_admin(caller, "`overrides`, `allow` and `skipPreflight`")?;
        }
        check_overrides(&overrides, reason.as_deref())?;
        if jobs.is_some_and(|jobs| !(1..=JOBS).contains(&jobs)) {
            return Err(Problem::new(Kind::BadRequest, format!("`jobs` is out of range: write 1 to {JOBS}")));
        }
        let options = Options {
            overrides: Overrides { gates: overrides, reason, allow },
            run: RunOptions { jobs, on_failure, transaction, ..RunOptions::default() },
            skip_preflight,
        };
        Ok(Wish { what, options, digest: Some(digest), if_busy })
    }
}

/// Refuses overrides of what is no gate, or without a reason.
///
/// # Errors
/// They are so.
pub(super) fn check_overrides(overrides: &[String], reason: Option<&str>) -> Result<(), Problem> {
    let known = gate::overridable();
    if let Some(other) = overrides.iter().find(|name| !known.contains(&name.as_str())) {
        let detail = format!("`{other}` is not a gate that can be overridden");
        return Err(Problem::new(Kind::BadRequest, detail).remedy(format!("these can: {}", known.join(", "))));
    }
    if !overrides.is_empty() && reason.is_none() {
        return Err(Problem::new(Kind::BadRequest, "`overrides` need a `reason`"));
    }
    check_reason(reason)
}

/// Refuses a reason that the database cannot keep.
///
/// # Errors
/// It is so.
pub(super) fn check_reason(reason: Option<&str>) -> Result<(), Problem> {
    match reason.is_some_and(|reason| reason.contains('\0')) {
        true => Err(Problem::new(Kind::BadRequest, "the `reason` has a character that a database cannot keep: U+0000")),
        false => Ok(()),
    }
}

/// Refuses a caller who is no administrator.
///
/// # Errors
/// He is none.
pub(in crate::serve) fn needs_admin(caller: &Caller, what: &str) -> Result<(), Problem> {
    if caller.may(Role::Admin) {
        return Ok(());
    }
    Err(Problem::new(Kind::Forbidden, format!("{what} need the role `{}`", Role::Admin.word())))
}

/// Starts the run that a request with the header `Idempotency-Key` asks for; 202 with the run, or 200 where there was
/// nothing to run.
///
/// # Errors
/// Why it is not taken, or why nothing was run.
pub(super) async fn start(service: &Rc<Service>, exchange: &Exchange, wish: Wish) -> Result<Answer, Problem> {
    let aim = service.aim(exchange)?;
    let repeat = repeat(exchange, &aim.environment)?.ok_or_else(|| {
        Problem::new(Kind::KeyMissing, "the request has no `Idempotency-Key`; nothing was run")
            .remedy("send the header with a new text for each run, so that a request that comes twice runs once")
    })?;
    let (run, is_repeated) = begin(service, exchange, wish, repeat).await?;
    let is_nothing = run.state.phase == Phase::Done && run.state.run.is_none();
    let answer = Answer::json(&run.view(service.wording, true)).header("location", run.path());
    Ok(match is_repeated {
        true => answer.header("idempotent-replayed", "true"),
        false if is_nothing => answer,
        false => answer.status(202),
    })
}

/// Leaves the order and waits until the run has begun; whether it was asked for before.
///
/// # Errors
/// Why it is not taken, or why nothing was run.
pub(in crate::serve) async fn begin(
    service: &Rc<Service>,
    exchange: &Exchange,
    wish: Wish,
    repeat: Repeat,
) -> Result<(Run, bool), Problem> {
    let aim = service.aim(exchange)?;
    let (own, request) = (service.clone(), exchange.clone());
    // a task of its own: a client that goes away changes nothing
    let asked = spawn_local(async move { ask(&own, &request, aim, Some(repeat), async { Ok(wish) }).await });
    let asked =
        asked.await.map_err(|_| Problem::new(Kind::Internal, "an internal error of dagmar; its log says more"))?;
    let (run, is_repeated) = match asked? {
        Found::Here(live, is_repeated) => {
            live.begun_within(BEGINNING).await;
            (Run::of(&live), is_repeated)
        }
        Found::Recorded(run) => (*run, true),
    };
    match (run.state.phase, &run.state.failure) {
        (Phase::Refused, Some(failure)) => Err(Problem::of(failure, service.wording).with("id", run.id.as_str())),
        _ => Ok((run, is_repeated)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::caller::{Roles, Way};

    fn caller(roles: &[Role]) -> Caller {
        Caller {
            person: "anna".to_owned(),
            way: Way::Secret,
            address: None,
            roles: Roles::of(roles),
            environments: None,
            groups: Vec::new(),
            expires: None,
        }
    }

    #[test]
    fn what_goes_past_a_refusal_needs_an_administrator() {
        let what = || What::Apply { select: Vec::new() };
        let plain = || How { digest: "p1:00".to_owned(), jobs: Some(64), ..How::default() };
        let runner = caller(&[Role::Run]);
        let wish = plain().wish(what(), &runner).ok().unwrap();
        assert_eq!((wish.digest.as_deref(), wish.options.run.jobs), (Some("p1:00"), Some(64)));
        for more in [
            How { overrides: vec!["window".to_owned()], reason: Some("INC-1".to_owned()), ..plain() },
            How { allow: vec![Destructive::LosesData], ..plain() },
            How { skip_preflight: true, ..plain() },
        ] {
            let said = format!("{more:?}");
            let refused = more.wish(what(), &runner).err().unwrap();
            assert_eq!((refused.status(), refused.code()), (403, "forbidden"), "{said}");
        }
        let how = How {
            overrides: vec!["window".to_owned()],
            allow: vec![Destructive::LosesData],
            reason: Some("INC-1".to_owned()),
            skip_preflight: true,
            ..plain()
        };
        let options = how.wish(what(), &caller(&[Role::Run, Role::Admin])).ok().unwrap().options;
        assert!(options.skip_preflight && options.overrides.gates == ["window"]);
        assert_eq!((options.overrides.reason.as_deref(), options.overrides.allow.len()), (Some("INC-1"), 1));
        let overriding = |gate: &str, reason: Option<&str>| How {
            overrides: vec![gate.to_owned()],
            reason: reason.map(str::to_owned),
            ..plain()
        };
        for wrong in [
            How { jobs: Some(0), ..plain() },
            How { jobs: Some(65), ..plain() },
            overriding("window", None),
            overriding("nothing", Some("INC-1")),
        ] {
            let refused = wrong.wish(what(), &caller(&[Role::Run, Role::Admin])).err().unwrap();
            assert_eq!(refused.code(), "badRequest");
        }
    }
}

//! A webhook with what the process says of it.

use crate::base::{Failure, FailureKind, Secret};
use crate::history::EventKind;
use crate::ops::Project;
use crate::pg::remember;
use crate::source::declared::fill_from_process;
use crate::source::webhook::{HookAddress, Webhook, WebhookEvent, WebhookForm};

/// A webhook with what the process says of it.
#[derive(Clone)]
pub struct Hook {
    /// The name.
    pub name: String,
    /// Where it is told.
    pub address: HookAddress,
    /// What is sent.
    pub form: WebhookForm,
    /// What signs it.
    pub secret: Option<Secret>,
    webhook: Webhook,
}

/// The fewest characters of a secret.
const SHORTEST: usize = 16;

impl Hook {
    /// All of a project. Addresses and secrets are taken out of everything that is shown from then on.
    ///
    /// # Errors
    /// One that has no address or no secret.
    pub fn all(project: &Project) -> Result<Vec<Self>, Failure> {
        project.workspace().loaded.config.serve.webhooks.iter().map(|webhook| Self::of(project, webhook)).collect()
    }

    fn of(project: &Project, webhook: &Webhook) -> Result<Self, Failure> {
        let wrong = |what: &str, why: &str| {
            let why = format!("the {what} of the webhook `{}`: {why}", webhook.name);
            Failure::new(FailureKind::Usage, why)
        };
        let variable = |name: &str| project.process().vars.get(name).cloned();
        let filled = |what: &str, text: &str| {
            fill_from_process(text, &variable).map_err(|why| wrong(what, &why).help("set it where the service starts"))
        };
        let url = filled("address", &webhook.url)?;
        // an address that is written into dagmar.yaml is no secret
        if url != webhook.url {
            remember(&Secret::new(url.as_str()));
        }
        let address = HookAddress::read(&url).map_err(|why| wrong("address", &why).help("give it as `https://…`"))?;
        let secret = webhook.secret.as_ref().map(|text| filled("secret", text)).transpose()?.map(Secret::new);
        if let Some(secret) = &secret {
            if secret.expose().len() < SHORTEST {
                let help = format!("use at least {SHORTEST} characters: openssl rand -hex 32");
                return Err(wrong("secret", "it is too short").help(help));
            }
            remember(secret);
        }
        Ok(Self { name: webhook.name.clone(), address, form: webhook.form, secret, webhook: webhook.clone() })
    }

    /// Whether it is told something of this environment.
    #[must_use]
    pub fn is_of(&self, environment: &str) -> bool {
        self.webhook.is_of(environment)
    }

    /// The kinds of events that it is told, and the ends of runs; plans wait for approval only where somebody is asked for it.
    #[must_use]
    pub fn wants(&self, asks_approvals: bool) -> (Vec<&'static str>, Vec<&'static str>) {
        let on = &self.webhook.on;
        let (mut kinds, mut statuses) = (Vec::new(), Vec::new());
        if on.contains(&WebhookEvent::RunFinished) {
            statuses.push("done");
        }
        if on.contains(&WebhookEvent::RunFailed) {
            statuses.extend(["failed", "interrupted"]);
        }
        if !statuses.is_empty() {
            kinds.push(EventKind::RunFinished.word());
        }
        if on.contains(&WebhookEvent::ApprovalAsked) && asks_approvals {
            kinds.push(EventKind::PlanUploaded.word());
        }
        (kinds, statuses)
    }
}

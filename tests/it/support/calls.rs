//! The routes of the service but its pages, each with a request.

/// A route, and a request that it answers when it is allowed.
pub struct Call {
    pub method: &'static str,
    pub path: &'static str,
    pub asked: &'static str,
}

pub const CALLS: &[Call] = &[
    Call { method: "GET", path: "/health", asked: "/health" },
    Call { method: "GET", path: "/ready", asked: "/ready" },
    Call { method: "GET", path: "/metrics", asked: "/metrics" },
    Call { method: "GET", path: "/status", asked: "/status" },
    Call { method: "POST", path: "/migrate", asked: "/migrate" },
    Call { method: "POST", path: "/rollback", asked: "/rollback" },
    Call { method: "GET", path: "/api/v1/openapi.json", asked: "/api/v1/openapi.json" },
    Call { method: "GET", path: "/api/v1/me", asked: "/api/v1/me" },
    Call { method: "GET", path: "/api/v1/project", asked: "/api/v1/project" },
    Call { method: "POST", path: "/api/v1/project/reload", asked: "/api/v1/project/reload" },
    Call { method: "GET", path: "/api/v1/environments", asked: "/api/v1/environments" },
    Call { method: "GET", path: "/api/v1/matrix", asked: "/api/v1/matrix" },
    Call { method: "GET", path: "/api/v1/checks", asked: "/api/v1/checks" },
    Call { method: "GET", path: "/api/v1/lint", asked: "/api/v1/lint" },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/status",
        asked: "/api/v1/environments/default/status",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/changesets",
        asked: "/api/v1/environments/default/changesets",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/changesets/{id}",
        asked: "/api/v1/environments/default/changesets/a",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/changesets/{id}/why",
        asked: "/api/v1/environments/default/changesets/a/why",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/changesets/{id}/history",
        asked: "/api/v1/environments/default/changesets/a/history",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/graph",
        asked: "/api/v1/environments/default/graph",
    },
    Call { method: "GET", path: "/api/v1/environments/{environment}/plan", asked: "/api/v1/environments/default/plan" },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/plan",
        asked: "/api/v1/environments/default/plan",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/gates",
        asked: "/api/v1/environments/default/gates",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/history",
        asked: "/api/v1/environments/default/history",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/history/verification",
        asked: "/api/v1/environments/default/history/verification",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/drift",
        asked: "/api/v1/environments/default/drift",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/attic",
        asked: "/api/v1/environments/default/attic",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/policy",
        asked: "/api/v1/environments/default/policy",
    },
    // runs
    Call { method: "GET", path: "/api/v1/environments/{environment}/runs", asked: "/api/v1/environments/default/runs" },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/runs",
        asked: "/api/v1/environments/default/runs",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/runs/{run}",
        asked: "/api/v1/environments/default/runs/0123456789abcdef",
    },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/runs/{run}/events",
        asked: "/api/v1/environments/default/runs/0123456789abcdef/events",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/runs/{run}/cancel",
        asked: "/api/v1/environments/default/runs/0123456789abcdef/cancel",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/pause",
        asked: "/api/v1/environments/default/pause",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/resume",
        asked: "/api/v1/environments/default/resume",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/rollbacks",
        asked: "/api/v1/environments/default/rollbacks",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/rollback-plan",
        asked: "/api/v1/environments/default/rollback-plan",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/promotion-plan",
        asked: "/api/v1/environments/default/promotion-plan",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/promotions",
        asked: "/api/v1/environments/default/promotions",
    },
    // sealed plans
    Call { method: "GET", path: "/api/v1/plans", asked: "/api/v1/plans" },
    Call { method: "POST", path: "/api/v1/plans", asked: "/api/v1/plans" },
    Call { method: "GET", path: "/api/v1/plans/{digest}", asked: "/api/v1/plans/p1:0123" },
    Call {
        method: "GET",
        path: "/api/v1/environments/{environment}/plans/{digest}/approvals",
        asked: "/api/v1/environments/default/plans/p1:0123/approvals",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/plans/{digest}/approve",
        asked: "/api/v1/environments/default/plans/p1:0123/approve",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/plans/{digest}/reject",
        asked: "/api/v1/environments/default/plans/p1:0123/reject",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/plans/{digest}/preview",
        asked: "/api/v1/environments/default/plans/p1:0123/preview",
    },
    Call {
        method: "POST",
        path: "/api/v1/environments/{environment}/plans/{digest}/runs",
        asked: "/api/v1/environments/default/plans/p1:0123/runs",
    },
];

//! The change window is open, by the clock of the environment's server.

use super::Outcome;
use super::evidence::{Evidence, Local};
use crate::source::calendar::Day;
use crate::source::policy::Window;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(window) = &evidence.policy.window else { return Outcome::NotAsked };
    let now = evidence.target.local(&window.timezone);
    let zone = &window.timezone;
    let clock = format!("{} {:02}:{:02}", Day::ALL[now.weekday % 7].word(), now.minutes / 60, now.minutes % 60);
    if is_open(window, &now) {
        return Outcome::met(format!("open until {}; it is {clock} ({zone})", window.to));
    }
    Outcome::unmet(
        format!("closed: it is {clock} ({zone})"),
        format!("wait until {} {}", next(window, &now).word(), window.from),
    )
}

/// Whether it is open. Past midnight the day counts on which it has opened.
fn is_open(window: &Window, now: &Local) -> bool {
    let on = |day: usize| window.days.contains(&Day::ALL[day % 7]);
    let (from, to, at) = (window.from.minutes, window.to.minutes, now.minutes);
    if from < to {
        on(now.weekday) && (from..to).contains(&at)
    } else {
        (on(now.weekday) && at >= from) || (on(now.weekday + 6) && at < to)
    }
}

/// The day on which it opens next.
fn next(window: &Window, now: &Local) -> Day {
    let today = usize::from(now.minutes >= window.from.minutes);
    (today..today + 7)
        .map(|ahead| Day::ALL[(now.weekday + ahead) % 7])
        .find(|day| window.days.contains(day))
        .unwrap_or(Day::ALL[now.weekday % 7])
}

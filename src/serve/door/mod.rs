//! The door: connections and their limits, requests and their way, signals. The only folder that names hyper.

mod access;
mod body;
mod connection;
mod content;
mod head;
mod listen;
mod path;
mod patience;
mod reply;
mod shared;
#[cfg(test)]
mod tests;
mod tls;

use super::config::{Config, OnStop};
use super::exchange::Peer;
use super::openapi;
use super::reading::Reading;
use super::ready::ready;
use super::routes::ROUTES;
use super::service::Service;
use super::watch::hooks::{self, Hook};
use super::watch::{scrape, watch};
use super::who::{Hosts, network};
use crate::base::text::one_line;
use crate::base::{Actor, Failure, FailureKind, Wording};
use crate::serve::places::Places;
use listen::Listener;
use shared::Door;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{LocalSet, spawn_local};

/// How long requests may take that are under way when the service stops.
const FAREWELL: Duration = Duration::from_secs(10);

/// How long a run may take to stop that was to finish and did not in time.
const LAST: Duration = Duration::from_secs(30);

/// How long to wait when the system has no more files for connections.
const BREATHER: Duration = Duration::from_millis(100);

/// Serves until a signal ends it: SIGTERM and SIGINT stop it in order, a second one at once; SIGHUP reads the project and
/// the certificate again.
///
/// # Errors
/// A configuration with mistakes, an address that cannot be listened on, a second signal.
pub async fn serve(config: Config, reading: Arc<Reading>, wording: Wording) -> Result<(), Failure> {
    LocalSet::new().run_until(open(config, reading, wording)).await
}

async fn open(config: Config, reading: Arc<Reading>, wording: Wording) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
    // a mistake is told now, and not when there is something to tell
    Hook::all(&reading.project())?;
    let service = Service::new(config, reading, wording, openapi::text)?;
    let config = &service.config;
    let environment = service.aim_at_default(Actor::new("service", "start")).environment;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), environment, "starting");
    let listeners = Listener::all(config).await?;
    let of_metrics = match &config.metrics_listen {
        Some(listen) => Some(Listener::open(listen, config.socket_mode).await?),
        None => None,
    };
    let addresses: Vec<_> = listeners.iter().filter_map(Listener::address).collect();
    let public = config.public_url.as_ref();
    let door = Rc::new(Door {
        routes: ROUTES,
        hosts: Hosts::of(public, &addresses),
        places: Places::new(
            service.limits.connections,
            service.limits.connections_per_address,
            service.metrics.http.connections.clone(),
        ),
        is_https: tls.is_some() || public.is_some_and(|url| url.is_https),
        tls: RefCell::new(tls),
        service: service.clone(),
    });
    let is_tls = door.tls.borrow().is_some();
    if !door.is_https && addresses.iter().any(|address| !address.ip().is_loopback()) {
        tracing::warn!(
            "secrets and tokens are sent without TLS: give a certificate, or put a proxy with TLS before the service"
        );
    }
    for listener in listeners {
        tracing::info!(address = %listener.url(is_tls), "listening");
        spawn_local(accept(listener, door.clone()));
    }
    if let Some(listener) = of_metrics {
        tracing::info!(address = %listener.url(false), "metrics");
        let door = of_metrics_alone(&door, listener.address());
        spawn_local(accept(listener, door));
    }
    // the first answer starts a private server, so that clients need not wait for it
    let first = service.clone();
    spawn_local(async move {
        let _ = ready(&first).await;
        spawn_local(hooks::deliver(first.clone()));
        watch(first).await;
    });
    signals.stop(&door).await;
    tracing::info!(connections = door.places.taken(), "stopping");
    service.stop();
    let ends = async {
        end_runs(&service).await;
        let requests = async { tokio::join!(door.places.empty(), service.idle()) };
        if tokio::time::timeout(FAREWELL, requests).await.is_err() {
            tracing::warn!(connections = door.places.taken(), "requests did not end in time");
        }
    };
    tokio::select! {
        () = ends => {}
        () = signals.again() => {
            return Err(Failure::new(FailureKind::Interrupted, "ended at once by a second signal"));
        }
    }
    for failure in service.held.close().await {
        tracing::warn!("{}", one_line(&failure.message));
    }
    tracing::info!("stopped");
    Ok(())
}

/// Ends the runs in progress as configured. What does not end in time ends with the process: the ledger has what was
/// done, and the next run goes on.
async fn end_runs(service: &Service) {
    let within = Duration::from_millis(service.config.stop_within.millis);
    let is_idle = match service.config.on_stop {
        OnStop::Stop => {
            service.runs.stop();
            tokio::time::timeout(within, service.runs.idle()).await.is_ok()
        }
        OnStop::Finish => {
            service.runs.close();
            let is_idle = tokio::time::timeout(within, service.runs.idle()).await.is_ok();
            is_idle || {
                tracing::warn!("runs did not end in time: they are stopped");
                service.runs.stop();
                tokio::time::timeout(LAST, service.runs.idle()).await.is_ok()
            }
        }
    };
    if !is_idle {
        tracing::error!("runs did not stop in time: they end with the process; the next run continues");
    }
}

/// The door of the address where metrics are for everybody, and nothing else is.
fn of_metrics_alone(door: &Door, address: Option<SocketAddr>) -> Rc<Door> {
    let limits = &door.service.limits;
    let connections = door.service.metrics.http.connections.clone();
    Rc::new(Door {
        service: door.service.clone(),
        routes: &[scrape::OPEN],
        hosts: Hosts::of(None, address.as_slice()),
        // clients of the service must not keep it from being watched
        places: Places::new(limits.connections, limits.connections_per_address, connections),
        tls: RefCell::new(None),
        is_https: false,
    })
}

async fn accept(listener: Listener, door: Rc<Door>) {
    let accepting = async {
        loop {
            match &listener {
                Listener::Tcp(listener, _) => match listener.accept().await {
                    Ok((stream, from)) => {
                        let peer = Peer::at(Some(from.ip().to_canonical()));
                        match door.places.take(Some(network(peer))) {
                            Some(place) => drop(spawn_local(connection::tcp(stream, door.clone(), peer, place))),
                            None => connection::refuse(&stream, peer, &door),
                        }
                    }
                    Err(why) => out_of_breath(&why).await,
                },
                Listener::Unix(listener, _) => match listener.accept().await {
                    Ok((stream, _)) => {
                        let peer = Peer::at(None);
                        match door.places.take(None) {
                            Some(place) => drop(spawn_local(connection::plain(stream, door.clone(), peer, place))),
                            None => {
                                door.service.metrics.http.refused("noPlace");
                                let _ = stream.try_write(reply::NO_PLACE);
                            }
                        }
                    }
                    Err(why) => out_of_breath(&why).await,
                },
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = door.service.stopped() => {}
    }
}

async fn out_of_breath(why: &std::io::Error) {
    tracing::warn!(%why, "cannot accept a connection");
    tokio::time::sleep(BREATHER).await;
}

/// The signals of the process.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let on = |kind| {
            signal(kind).map_err(|e| Failure::new(FailureKind::Internal, format!("cannot listen for signals: {e}")))
        };
        let (term, int) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
        Ok(Self { term, int, hup: on(SignalKind::hangup())? })
    }

    /// Waits for the signal to stop, and reads again meanwhile when it is told to.
    async fn stop(&mut self, door: &Door) {
        loop {
            tokio::select! {
                _ = self.term.recv() => return,
                _ = self.int.recv() => return,
                _ = self.hup.recv() => drop(door.service.read_again().await),
                () = door.service.rereading.notified() => renew(door),
            }
        }
    }

    /// Waits for another one.
    async fn again(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

/// Reads the certificate again; one that cannot be read leaves the one before.
fn renew(door: &Door) {
    match door.service.config.tls.as_ref().map(tls::acceptor) {
        Some(Ok(acceptor)) => {
            *door.tls.borrow_mut() = Some(acceptor);
            tracing::info!("the certificate was read again");
        }
        Some(Err(failure)) => {
            tracing::error!("the certificate cannot be read again: {}", one_line(&failure.message));
        }
        None => {}
    }
}

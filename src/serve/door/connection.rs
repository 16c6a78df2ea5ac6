//! One connection.

use super::patience::Patient;
use super::shared::Door;
use super::{head, reply};
use crate::serve::exchange::Peer;
use crate::serve::places::Place;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Serves a TCP connection; the handshake of TLS has as long as headers have.
pub async fn tcp(stream: TcpStream, door: Rc<Door>, peer: Peer, place: Place) {
    let _ = stream.set_nodelay(true);
    let acceptor = door.tls.borrow().clone();
    let Some(acceptor) = acceptor else { return plain(stream, door, peer, place).await };
    let limit = Duration::from_millis(door.service.limits.header_time.millis);
    match tokio::time::timeout(limit, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => plain(stream, door, peer, place).await,
        Ok(Err(why)) => tracing::debug!(address = ?peer.address, %why, "no TLS handshake"),
        Err(_) => tracing::debug!(address = ?peer.address, "the TLS handshake took too long"),
    }
}

/// Serves a connection without TLS, or what is inside TLS.
pub async fn plain<S: AsyncRead + AsyncWrite + Unpin + 'static>(stream: S, door: Rc<Door>, peer: Peer, place: Place) {
    let limits = &door.service.limits;
    let stream = Patient::new(stream, Duration::from_millis(limits.body_time.millis));
    let answers = service_fn(|request| head::handle(&door, peer, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.header_time.millis))
        .max_buf_size(usize::try_from(limits.header.bytes).unwrap_or(usize::MAX))
        .max_headers(limits.headers)
        .serve_connection(TokioIo::new(stream), answers);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = door.service.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(why) = ended {
        tracing::debug!(address = ?peer.address, %why, "connection ended");
    }
    drop(place);
}

/// Tells a connection that there is no place, if it listens.
pub fn refuse(stream: &TcpStream, peer: Peer, door: &Door) {
    door.service.metrics.http.refused("noPlace");
    tracing::warn!(address = ?peer.address, "connection refused: too many");
    if door.tls.borrow().is_none() {
        let _ = stream.try_write(reply::NO_PLACE);
    }
}

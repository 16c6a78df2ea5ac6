//! What all connections share.

use crate::serve::places::Places;
use crate::serve::route::Route;
use crate::serve::service::Service;
use crate::serve::who::Hosts;
use std::cell::RefCell;
use std::rc::Rc;
use tokio_rustls::TlsAcceptor;

/// What all connections share.
pub struct Door {
    /// What handlers share.
    pub service: Rc<Service>,
    /// The routes.
    pub routes: &'static [&'static [Route]],
    /// The names of the service.
    pub hosts: Hosts,
    /// The places for connections.
    pub places: Rc<Places>,
    /// TLS; `None`: there is none.
    pub tls: RefCell<Option<TlsAcceptor>>,
    /// Whether clients come by TLS, here or at a proxy.
    pub is_https: bool,
}

//! Listening: the configured addresses, and another port where one is taken.

use std::collections::{HashMap, HashSet};
use std::net::{TcpListener, UdpSocket};

use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, Swarm};

use super::super::error::{ErrorKind, NodeError};
use super::address::{Endpoint, parse_listen};
use super::behaviour::Behaviour;

/// Notices kept.
const MAX_NOTICES: usize = 16;

/// The listeners and what is to be said about them.
#[derive(Default)]
pub struct Listeners {
    /// Those that have not reported an address yet.
    awaited: HashSet<ListenerId>,
    /// Listeners that took another port, with the one that was wanted.
    moved: HashMap<ListenerId, Endpoint>,
    notices: Vec<String>,
}

impl Listeners {
    /// Listens on all of `texts`; `any_port`: on ports that the system chooses instead of the given ones.
    ///
    /// # Errors
    /// Usage, when a text is no address; network, when there are addresses but none can be listened on.
    pub fn open(swarm: &mut Swarm<Behaviour>, texts: &[String], any_port: bool) -> Result<Self, NodeError> {
        let wanted: Vec<Endpoint> = texts.iter().map(|text| parse_listen(text)).collect::<Result<_, _>>()?;
        let taken: Vec<bool> = wanted.iter().map(|endpoint| !any_port && is_taken(*endpoint)).collect();
        let (mut listeners, mut failures) = (Self::default(), Vec::new());
        for (endpoint, taken) in wanted.iter().copied().zip(taken) {
            let chosen = if any_port || taken { endpoint.any_port() } else { endpoint };
            match swarm.listen_on(chosen.to_multiaddr()) {
                Ok(id) => {
                    listeners.awaited.insert(id);
                    if taken {
                        listeners.moved.insert(id, endpoint);
                    }
                }
                Err(error) => failures.push(format!("{}: {}", endpoint.to_multiaddr(), reason(&error))),
            }
        }
        if listeners.awaited.is_empty() && !wanted.is_empty() {
            return Err(nothing_listens(&failures));
        }
        failures.into_iter().for_each(|failure| listeners.note(format!("not listening on {failure}")));
        Ok(listeners)
    }

    /// Whether every listener has said where it listens, or that it does not.
    pub fn is_settled(&self) -> bool {
        self.awaited.is_empty()
    }

    pub fn notices(&self) -> Vec<String> {
        self.notices.clone()
    }

    /// The notice that this address brings up, if any.
    pub fn on_address(&mut self, id: ListenerId, addr: &Multiaddr) -> Option<String> {
        self.awaited.remove(&id);
        let wanted = self.moved.remove(&id)?;
        let kind = if matches!(wanted, Endpoint::Tcp(..)) { "TCP" } else { "QUIC" };
        let got = port_of(addr).unwrap_or_default();
        let notice =
            format!("{kind} port {} is taken by another program: listening on port {got} instead", wanted.port());
        self.note(notice.clone());
        Some(notice)
    }

    pub fn on_closed(&mut self, id: ListenerId, why: &str) {
        self.awaited.remove(&id);
        self.moved.remove(&id);
        self.note(format!("a listener closed: {why}"));
    }

    fn note(&mut self, notice: String) {
        tracing::warn!("{notice}");
        if self.notices.len() < MAX_NOTICES {
            self.notices.push(notice);
        }
    }
}

/// Whether a router could open a port for one of these addresses.
pub fn may_be_behind_router(texts: &[String]) -> bool {
    let far = |text: &String| match parse_listen(text) {
        Ok(Endpoint::Tcp(ip, _) | Endpoint::Quic(ip, _)) => !ip.is_loopback(),
        Err(_) => false,
    };
    texts.iter().any(far)
}

/// Whether another program holds the port. libp2p's TCP transport sets SO_REUSEPORT, with which a second node of the same
/// user would bind the same port without an error and share its connections by chance; the standard library's does not.
fn is_taken(endpoint: Endpoint) -> bool {
    let tried = match endpoint {
        Endpoint::Tcp(_, 0) | Endpoint::Quic(_, 0) => return false,
        Endpoint::Tcp(ip, port) => TcpListener::bind((ip, port)).map(drop),
        Endpoint::Quic(ip, port) => UdpSocket::bind((ip, port)).map(drop),
    };
    tried.is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}

fn port_of(addr: &Multiaddr) -> Option<u16> {
    addr.iter().find_map(|part| match part {
        Protocol::Tcp(port) | Protocol::Udp(port) => Some(port),
        _ => None,
    })
}

fn reason(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

fn nothing_listens(failures: &[String]) -> NodeError {
    NodeError::new(ErrorKind::Network, format!("cannot listen on any address: {}", failures.join("; ")))
        .hint("choose addresses of this machine, e.g. --listen /ip4/0.0.0.0/tcp/0, or set network.listen_addresses")
}

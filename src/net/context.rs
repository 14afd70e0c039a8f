//! What the swarm task, the protocols and the services of one node share.

use std::sync::Arc;

use crate::config::{Home, Settings};
use crate::market::{Identity, Store};

use super::bus::EventBus;
use super::peers::PeerBook;
use super::service::state::Services;
use super::service::transfers::TransferBoard;
use super::swarm::SwarmClient;

/// Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub home: Home,
    pub settings: Arc<Settings>,
    pub identity: Identity,
    pub store: Store,
    pub swarm: SwarmClient,
    /// Opens and accepts streams of our own protocols.
    pub streams: libp2p_stream::Control,
    pub peers: PeerBook,
    pub bus: EventBus,
    pub transfers: TransferBoard,
    /// What the protocols and services remember while the node runs: `Services::new(&settings)`.
    pub services: Services,
}

//! TCP and QUIC, noise, yamux, DNS.

use std::time::Duration;

use libp2p::identity::Keypair;
use libp2p::{Swarm, SwarmBuilder, noise, quic, tcp, yamux};

use super::super::error::{ErrorKind, NodeError};
use super::behaviour::Behaviour;

/// Peers with nothing to say stay connected this long: a small network has few connections to lose.
const IDLE: Duration = Duration::from_secs(600);

/// QUIC flow control windows in bytes. The defaults of 10 and 15 MB would let 50 peers hold 750 MB.
const QUIC_STREAM_WINDOW: u32 = 2 << 20;
const QUIC_CONNECTION_WINDOW: u32 = 4 << 20;

/// For one connection from dialling to the end of its handshakes.
const CONNECT: Duration = Duration::from_secs(10);

/// Builds the swarm; inside a tokio runtime. Without a readable DNS configuration it cannot dial names, but works.
pub fn build(key: &Keypair, behaviour: Behaviour) -> Result<Swarm<Behaviour>, NodeError> {
    // Each step of the builder has a type of its own that cannot be named, and `with_dns` consumes what it fails on.
    macro_rules! base {
        () => {
            SwarmBuilder::with_existing_identity(key.clone())
                .with_tokio()
                .with_tcp(tcp::Config::new().nodelay(true), noise::Config::new, yamux::Config::default)
                .map_err(failed)?
                .with_quic_config(small_windows)
        };
    }
    macro_rules! finish {
        ($builder:expr) => {
            $builder
                .with_behaviour(|_| behaviour)
                .map_err(failed)?
                .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE))
                .with_connection_timeout(CONNECT)
                .build()
        };
    }
    match base!().with_dns() {
        Ok(builder) => Ok(finish!(builder)),
        Err(error) => {
            tracing::warn!(%error, "no DNS: addresses with names cannot be dialled");
            Ok(finish!(base!()))
        }
    }
}

fn small_windows(mut config: quic::Config) -> quic::Config {
    config.max_stream_data = QUIC_STREAM_WINDOW;
    config.max_connection_data = QUIC_CONNECTION_WINDOW;
    config
}

fn failed(error: impl std::fmt::Display) -> NodeError {
    NodeError::new(ErrorKind::Failed, format!("cannot set up the network: {error}"))
}

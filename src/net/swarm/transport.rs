//! TCP and QUIC, noise, yamux, DNS, and connections through relays.

use std::time::Duration;

use libp2p::core::Transport;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::transport::timeout::TransportTimeout;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::{PeerId, Swarm, dns, noise, relay, swarm, tcp, yamux};

use super::super::error::{ErrorKind, NodeError};
use super::super::quic;
use super::behaviour::Behaviour;
use super::quic_first::QuicFirst;

/// Peers with nothing to say stay connected this long: a small network has few connections to lose.
const IDLE: Duration = Duration::from_secs(600);

/// For one connection from dialling to the end of its handshakes.
const CONNECT: Duration = Duration::from_secs(10);

/// Authenticated connections of whatever kind.
type Connections = Boxed<(PeerId, StreamMuxerBox)>;

/// Builds the swarm around what `behaviour` makes of the client for relays; inside a tokio runtime. Without a readable DNS
/// configuration it cannot dial names, but works.
pub fn build(
    key: &Keypair,
    behaviour: impl FnOnce(relay::client::Behaviour) -> Result<Behaviour, String>,
) -> Result<Swarm<Behaviour>, NodeError> {
    let local = key.public().to_peer_id();
    let (relayed, client) = relay::client::new(local);
    let relayed = relayed
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(key).map_err(failed)?)
        .multiplex(yamux::Config::default())
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let all = relayed.or_transport(with_names(key)?).map(|either, _| either.into_inner());
    let all = TransportTimeout::new(all, CONNECT).boxed();
    let behaviour = behaviour(client).map_err(failed)?;
    let config = swarm::Config::with_tokio_executor().with_idle_connection_timeout(IDLE);
    Ok(Swarm::new(all, behaviour, local, config))
}

fn with_names(key: &Keypair) -> Result<Connections, NodeError> {
    match dns::tokio::Transport::system(direct(key)?) {
        Ok(named) => Ok(named.boxed()),
        Err(error) => {
            tracing::warn!(%error, "no DNS: addresses with names cannot be dialled");
            direct(key)
        }
    }
}

fn direct(key: &Keypair) -> Result<Connections, NodeError> {
    let tcp = tcp::tokio::Transport::new(tcp::Config::new().nodelay(true))
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(key).map_err(failed)?)
        .multiplex(yamux::Config::default())
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let quic = quic::Transport::new(key).map_err(failed)?.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    Ok(QuicFirst::new(quic.or_transport(tcp).map(|either, _| either.into_inner())).boxed())
}

fn failed(error: impl std::fmt::Display) -> NodeError {
    NodeError::new(ErrorKind::Failed, format!("cannot set up the network: {error}"))
}

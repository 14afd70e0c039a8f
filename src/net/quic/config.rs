//! How connections behave: windows, silences, and how fast they send.

use std::sync::Arc;
use std::time::Duration;

use libp2p::identity::Keypair;
use libp2p::tls;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, EndpointConfig, ServerConfig, TransportConfig, VarInt};
use ring::hmac;

use super::Error;
use super::congestion::PatientConfig;

/// Bytes that may be under way to this node on one stream, and on all of a connection: what peers can make it hold.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Streams that the other side may have open.
const STREAMS: u32 = 256;

/// A connection without a packet is lost after so long.
const SILENCE: Duration = Duration::from_secs(30);

/// From the first packet until both sides know each other.
pub const HANDSHAKE: Duration = Duration::from_secs(5);

/// What quinn needs for sockets, dials and listening.
pub struct Config {
    pub endpoint: EndpointConfig,
    pub client: ClientConfig,
    pub server: ServerConfig,
}

impl Config {
    pub fn new(key: &Keypair) -> Result<Self, Error> {
        let transport = Arc::new(transport());
        let tls_error = |error: &dyn std::fmt::Display| Error::Tls(error.to_string());
        let client = tls::make_client_config(key, None).map_err(|error| tls_error(&error))?;
        let client = QuicClientConfig::try_from(client).map_err(|error| tls_error(&error))?;
        let mut client = ClientConfig::new(Arc::new(client));
        client.transport_config(transport.clone());
        let server = tls::make_server_config(key).map_err(|error| tls_error(&error))?;
        let server = QuicServerConfig::try_from(server).map_err(|error| tls_error(&error))?;
        let mut server = ServerConfig::with_crypto(Arc::new(server));
        server.transport_config(transport);
        // A connection keeps the address it was opened with: bans and limits count by it.
        server.migration(false);
        Ok(Self { endpoint: endpoint(key), client, server })
    }
}

/// The key for resets comes from that of the node, so that after a restart it can tell peers that their connections are gone.
fn endpoint(key: &Keypair) -> EndpointConfig {
    let mut config = match key.derive_secret(b"ggen-p2p quic reset") {
        Some(secret) => EndpointConfig::new(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &secret))),
        None => EndpointConfig::default(),
    };
    config.supported_versions(vec![1]);
    config
}

fn transport() -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(SILENCE.try_into().ok())
        .keep_alive_interval(Some(SILENCE * 2 / 5))
        .allow_spin(false)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .congestion_controller_factory(Arc::new(PatientConfig::default()));
    config
}

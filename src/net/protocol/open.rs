//! Opening a stream to a peer and asking the first question on it.

use std::time::Duration;

use libp2p::{PeerId, Stream, StreamProtocol};
use tokio::time::{sleep, timeout};

use super::super::context::Context;
use super::ProtocolError;
use super::frame::{FrameError, FrameLimits, Framed};

/// How long opening a stream may take, dialling included.
const OPEN_LIMIT: Duration = Duration::from_secs(5);
/// How long sending one frame may take.
pub const SEND_LIMIT: Duration = Duration::from_secs(30);
/// Tries when the other side drops the stream before its first answer.
const TRIES: u32 = 4;
/// Before the second try; twice that before the third, and so on.
const RETRY_PAUSE: Duration = Duration::from_millis(40);

/// Opens a stream to `peer`, sends `question` and returns the stream with the first answer to it.
pub async fn ask(
    context: &Context,
    peer: PeerId,
    protocol: StreamProtocol,
    question: &[u8],
    limits: FrameLimits,
) -> Result<(Framed<Stream>, Vec<u8>), ProtocolError> {
    let mut pause = RETRY_PAUSE;
    for _ in 1..TRIES {
        match try_once(context, peer, protocol.clone(), question, limits).await {
            Err(ProtocolError::Frame(FrameError::Ended | FrameError::Io(_))) => sleep(pause).await,
            other => return other,
        }
        pause *= 2;
    }
    try_once(context, peer, protocol, question, limits).await
}

async fn try_once(
    context: &Context,
    peer: PeerId,
    protocol: StreamProtocol,
    question: &[u8],
    limits: FrameLimits,
) -> Result<(Framed<Stream>, Vec<u8>), ProtocolError> {
    let opening = async {
        context.swarm.ensure_connected(peer).await.map_err(|error| ProtocolError::Unreachable(error.to_string()))?;
        let mut control = context.streams.clone();
        control.open_stream(peer, protocol).await.map_err(|error| ProtocolError::Unreachable(error.to_string()))
    };
    let stream = timeout(OPEN_LIMIT.min(limits.total), opening)
        .await
        .map_err(|_| ProtocolError::Unreachable("opening a stream took too long".into()))??;
    let mut framed = metered(context, peer, stream);
    framed.send(question, SEND_LIMIT.min(limits.total)).await?;
    let answer = framed.receive(limits).await?;
    Ok((framed, answer))
}

/// Frames over `stream` whose bytes are counted for `peer`.
pub fn metered(context: &Context, peer: PeerId, stream: Stream) -> Framed<Stream> {
    let peers = context.peers.clone();
    Framed::metered(stream, move |received, sent| peers.count_bytes(peer, received, sent))
}

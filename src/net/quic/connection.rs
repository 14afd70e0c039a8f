//! A QUIC connection as libp2p wants it: streams, opened by either side.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use futures::{AsyncRead, AsyncWrite, FutureExt};
use libp2p::PeerId;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};
use libp2p::tls::certificate;
use quinn::rustls::pki_types::CertificateDer;
use quinn::{ConnectionError, RecvStream, SendStream, VarInt};

use super::{Error, config};

type Opening = BoxFuture<'static, Result<(SendStream, RecvStream), ConnectionError>>;

/// Waits for the handshake and sees who the other side is.
pub async fn establish(connecting: quinn::Connecting) -> Result<(PeerId, Connection), Error> {
    let connection = tokio::time::timeout(config::HANDSHAKE, connecting).await.map_err(|_| Error::Slow)??;
    Ok((peer_of(&connection)?, Connection { connection, inbound: None, outbound: None, closing: None }))
}

/// The peer id in the certificate, which the handshake has verified.
fn peer_of(connection: &quinn::Connection) -> Result<PeerId, Error> {
    let shown = connection.peer_identity().and_then(|shown| shown.downcast::<Vec<CertificateDer<'static>>>().ok());
    let certificates = shown.ok_or_else(|| Error::Nobody("no certificate".into()))?;
    let first = certificates.first().ok_or_else(|| Error::Nobody("no certificate".into()))?;
    let read = certificate::parse(first).map_err(|error| Error::Nobody(error.to_string()))?;
    Ok(read.peer_id())
}

/// An established connection; dropped, it is closed.
pub struct Connection {
    connection: quinn::Connection,
    inbound: Option<Opening>,
    outbound: Option<Opening>,
    closing: Option<BoxFuture<'static, ConnectionError>>,
}

impl StreamMuxer for Connection {
    type Substream = Stream;
    type Error = Error;

    fn poll_inbound(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Stream, Error>> {
        let Self { connection, inbound, .. } = &mut *self;
        poll_opening(inbound, context, || {
            let connection = connection.clone();
            async move { connection.accept_bi().await }.boxed()
        })
    }

    fn poll_outbound(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Stream, Error>> {
        let Self { connection, outbound, .. } = &mut *self;
        poll_opening(outbound, context, || {
            let connection = connection.clone();
            async move { connection.open_bi().await }.boxed()
        })
    }

    /// Nothing happens by itself: the other side cannot move to another address.
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, Error>> {
        Poll::Pending
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { connection, closing, .. } = &mut *self;
        let closing = closing.get_or_insert_with(|| {
            let connection = connection.clone();
            connection.close(VarInt::from_u32(0), &[]);
            async move { connection.closed().await }.boxed()
        });
        match ready!(closing.poll_unpin(context)) {
            ConnectionError::LocallyClosed => Poll::Ready(Ok(())),
            error => Poll::Ready(Err(error.into())),
        }
    }
}

/// Goes on with the opening that is under way, or begins one.
fn poll_opening(
    under_way: &mut Option<Opening>,
    context: &mut Context<'_>,
    begin: impl FnOnce() -> Opening,
) -> Poll<Result<Stream, Error>> {
    let opened = ready!(under_way.get_or_insert_with(begin).poll_unpin(context));
    *under_way = None;
    Poll::Ready(Ok(Stream::from(opened?)))
}

/// One stream of a connection, both ways.
pub struct Stream {
    send: SendStream,
    receive: RecvStream,
    /// How closing it ended, told again to whoever closes again.
    closed: Option<Result<(), io::ErrorKind>>,
}

impl From<(SendStream, RecvStream)> for Stream {
    fn from((send, receive): (SendStream, RecvStream)) -> Self {
        Self { send, receive, closed: None }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        AsyncRead::poll_read(Pin::new(&mut self.receive), context, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(&mut self.send), context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(Pin::new(&mut self.send), context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = match self.closed {
            Some(closed) => closed,
            None => {
                let closed = ready!(AsyncWrite::poll_close(Pin::new(&mut self.send), context));
                *self.closed.insert(closed.map_err(|error| error.kind()))
            }
        };
        Poll::Ready(closed.map_err(io::Error::from))
    }
}

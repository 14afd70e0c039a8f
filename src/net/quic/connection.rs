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
        let connection = self.connection.clone();
        let opening = self.inbound.get_or_insert_with(|| async move { connection.accept_bi().await }.boxed());
        let opened = ready!(opening.poll_unpin(context));
        self.inbound = None;
        Poll::Ready(Ok(Stream::from(opened?)))
    }

    fn poll_outbound(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Stream, Error>> {
        let connection = self.connection.clone();
        let opening = self.outbound.get_or_insert_with(|| async move { connection.open_bi().await }.boxed());
        let opened = ready!(opening.poll_unpin(context));
        self.outbound = None;
        Poll::Ready(Ok(Stream::from(opened?)))
    }

    /// Nothing happens by itself: the other side cannot move to another address.
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, Error>> {
        Poll::Pending
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let connection = self.connection.clone();
        let closing = self.closing.get_or_insert_with(|| {
            connection.close(VarInt::from_u32(0), &[]);
            async move { connection.closed().await }.boxed()
        });
        match ready!(closing.poll_unpin(context)) {
            ConnectionError::LocallyClosed => Poll::Ready(Ok(())),
            error => Poll::Ready(Err(error.into())),
        }
    }
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

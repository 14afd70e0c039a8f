//! Accepting connections: our own user only, and a bounded number of them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A listener that hands out connections of this process's user, at most `limit` at one time.
pub struct GuardedListener {
    inner: UnixListener,
    places: Arc<Semaphore>,
    uid: u32,
}

impl GuardedListener {
    pub fn new(inner: UnixListener, limit: usize) -> Self {
        Self { inner, places: Arc::new(Semaphore::new(limit)), uid: rustix::process::geteuid().as_raw() }
    }

    /// The next connection whose other side runs as our own user. The file mode says so already; this holds even where
    /// the socket was handed on.
    async fn accept_own(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.inner.accept().await?;
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == self.uid => return Ok(stream),
                Ok(peer) => tracing::warn!(uid = peer.uid(), "control connection of another user refused"),
                Err(error) => tracing::warn!(%error, "control connection of an unknown user refused"),
            }
        }
    }
}

impl axum::serve::Listener for GuardedListener {
    type Io = Guarded;
    type Addr = ();

    async fn accept(&mut self) -> (Guarded, ()) {
        loop {
            // The semaphore is never closed, so this waits until a place is free.
            let Ok(permit) = Arc::clone(&self.places).acquire_owned().await else {
                return std::future::pending().await;
            };
            match self.accept_own().await {
                Ok(stream) => return (Guarded { stream, _permit: permit }, ()),
                Err(error) => {
                    tracing::warn!(%error, "control socket: accept failed");
                    // Out of file descriptors, most likely: trying again at once would spin.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection that frees its place when it ends.
pub struct Guarded {
    stream: UnixStream,
    _permit: OwnedSemaphorePermit,
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

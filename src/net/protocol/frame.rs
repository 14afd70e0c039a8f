//! Frames over a stream: an unsigned varint (LEB128, minimal form, at most 4 bytes) with the payload's length, then the
//! payload. This is what js-libp2p's `it-length-prefixed` and go-msgio's varint reader understand.
//!
//! The length is checked against the receiver's limit before anything is allocated, and every read has a time limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::super::service::throttle::Throttle;

/// Longest length prefix that is read: 28 bits of length.
const MAX_PREFIX: usize = 4;

/// Payloads kept for the next ones: as many as are worked on at once.
const MAX_SPARE: usize = 4;

/// What limits the receiving of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// Payload bytes.
    pub bytes: usize,
    /// The longest pause without a byte.
    pub stall: Duration,
    /// The whole frame.
    pub total: Duration,
}

impl FrameLimits {
    /// At most `bytes`, no pause over 10 s, 30 s in all.
    pub const fn new(bytes: usize) -> Self {
        Self { bytes, stall: Duration::from_secs(10), total: Duration::from_secs(30) }
    }

    /// The same with another time for the whole frame; a pause may be as long.
    pub const fn within(self, total: Duration) -> Self {
        Self { stall: total, total, ..self }
    }
}

/// Why a frame could not be sent or received.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other side ended the stream between two frames.
    #[error("the stream ended")]
    Ended,
    #[error("a frame of {length} bytes where at most {limit} are allowed")]
    TooLong { length: u64, limit: usize },
    #[error("a malformed length prefix")]
    Prefix,
    #[error("no data for {} s", .0.as_secs_f32())]
    Stalled(Duration),
    #[error("stream error: {0}")]
    Io(#[from] std::io::Error),
}

/// Told after every frame: bytes received, bytes sent.
type Meter = Box<dyn Fn(u64, u64) + Send + Sync>;

/// A stream of frames, both ways.
pub struct Framed<S> {
    stream: S,
    meter: Option<Meter>,
    watcher: Option<Arc<AtomicU64>>,
    /// Payloads that were given back, for the next ones.
    spare: Vec<Vec<u8>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Framed<S> {
    /// Frames over `stream`.
    pub fn new(stream: S) -> Self {
        Self { stream, meter: None, watcher: None, spare: Vec::new() }
    }

    /// Adds the bytes received from now on to `watcher`, as they come.
    pub fn watch(&mut self, watcher: Arc<AtomicU64>) {
        self.watcher = Some(watcher);
    }

    /// The same, telling `meter` the (received, sent) bytes of each frame.
    pub fn metered(stream: S, meter: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        Self { meter: Some(Box::new(meter)), ..Self::new(stream) }
    }

    /// Sends one frame and flushes it; gives up when `limit` passes without progress.
    pub async fn send(&mut self, payload: &[u8], limit: Duration) -> Result<(), FrameError> {
        self.send_paced(payload, limit, &Throttle::new(0)).await
    }

    /// The same at the pace that `throttle` allows; the time it holds back does not count towards `limit`. The bytes go
    /// in small pieces, so that a slow pace does not look like a stall to the receiver.
    pub async fn send_paced(&mut self, payload: &[u8], limit: Duration, throttle: &Throttle) -> Result<(), FrameError> {
        let length = u32::try_from(payload.len()).map_err(|_| FrameError::Prefix)?;
        let mut buffer = unsigned_varint::encode::u32_buffer();
        let prefix = unsigned_varint::encode::u32(length, &mut buffer);
        if prefix.len() > MAX_PREFIX {
            return Err(FrameError::Prefix);
        }
        self.write(prefix, limit).await?;
        for piece in payload.chunks(throttle.piece()) {
            throttle.pass(piece.len()).await;
            self.write(piece, limit).await?;
        }
        timeout(limit, self.stream.flush()).await.map_err(|_| FrameError::Stalled(limit))??;
        if let Some(meter) = &self.meter {
            meter(0, (prefix.len() + payload.len()) as u64);
        }
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<(), FrameError> {
        Ok(timeout(limit, self.stream.write_all(bytes)).await.map_err(|_| FrameError::Stalled(limit))??)
    }

    /// Receives one frame. [`FrameError::Ended`] when the other side closed before its first byte.
    pub async fn receive(&mut self, limits: FrameLimits) -> Result<Vec<u8>, FrameError> {
        let deadline = Instant::now() + limits.total;
        let (length, prefix) = self.prefix(limits, deadline).await?;
        if length > limits.bytes as u64 {
            return Err(FrameError::TooLong { length, limit: limits.bytes });
        }
        let mut payload = self.spare.pop().unwrap_or_default();
        payload.resize(length as usize, 0);
        let mut filled = 0;
        while let Some(rest) = payload.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match read_some(&mut self.stream, rest, limits, deadline).await? {
                0 => return Err(FrameError::Io(std::io::ErrorKind::UnexpectedEof.into())),
                count => {
                    filled += count;
                    if let Some(watcher) = &self.watcher {
                        watcher.fetch_add(count as u64, Ordering::Relaxed);
                    }
                }
            }
        }
        if let Some(meter) = &self.meter {
            meter((prefix + filled) as u64, 0);
        }
        Ok(payload)
    }

    /// Takes a payload that is done with, so that the next one needs no memory of its own. The kernel clears new memory page by
    /// page, and the allocator gives that of large payloads back to it.
    pub fn give_back(&mut self, payload: Vec<u8>) {
        if self.spare.len() < MAX_SPARE {
            self.spare.push(payload);
        }
    }

    /// The length and how many bytes it took.
    async fn prefix(&mut self, limits: FrameLimits, deadline: Instant) -> Result<(u64, usize), FrameError> {
        let mut bytes = Vec::with_capacity(MAX_PREFIX);
        loop {
            let mut byte = [0u8];
            if read_some(&mut self.stream, &mut byte, limits, deadline).await? == 0 {
                return Err(if bytes.is_empty() { FrameError::Ended } else { FrameError::Prefix });
            }
            let [byte] = byte;
            bytes.push(byte);
            if unsigned_varint::decode::is_last(byte) {
                break;
            }
            if bytes.len() == MAX_PREFIX {
                return Err(FrameError::Prefix);
            }
        }
        let (length, _) = unsigned_varint::decode::u32(&bytes).map_err(|_| FrameError::Prefix)?;
        Ok((u64::from(length), bytes.len()))
    }

    /// Ends this side of the stream.
    pub async fn close(&mut self) {
        // The other side may be gone already; there is nothing left to lose.
        let _ = timeout(Duration::from_secs(2), self.stream.close()).await;
    }
}

async fn read_some<S: AsyncRead + Unpin>(
    stream: &mut S,
    into: &mut [u8],
    limits: FrameLimits,
    deadline: Instant,
) -> Result<usize, FrameError> {
    let until = deadline.min(Instant::now() + limits.stall);
    match timeout_at(until, stream.read(into)).await {
        Ok(read) => Ok(read?),
        Err(_) if until == deadline => Err(FrameError::Stalled(limits.total)),
        Err(_) => Err(FrameError::Stalled(limits.stall)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use futures::io::Cursor;
    use proptest::prelude::*;

    const SOON: Duration = Duration::from_millis(200);

    fn receive(bytes: Vec<u8>, limit: usize) -> Result<Vec<u8>, FrameError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(Framed::new(Cursor::new(bytes)).receive(FrameLimits::new(limit).within(SOON)))
    }

    fn sent(payload: &[u8]) -> Vec<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut framed = Framed::new(Cursor::new(Vec::new()));
        runtime.block_on(framed.send(payload, SOON)).unwrap();
        framed.stream.into_inner()
    }

    #[test]
    fn the_prefix_is_a_minimal_varint() {
        assert_eq!(sent(b""), [0]);
        assert_eq!(sent(&[7; 300])[..3], [0xac, 0x02, 7]);
        assert!(matches!(receive(vec![0x80, 0x00], 10), Err(FrameError::Prefix)));
        assert!(matches!(receive(vec![0xff; 9], 10), Err(FrameError::Prefix)));
    }

    #[test]
    fn the_memory_of_a_payload_given_back_is_that_of_the_next_one() {
        let frames = [sent(&[7; 1000]), sent(&[8; 900]), sent(&[9; 10])].concat();
        let mut framed = Framed::new(Cursor::new(frames));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut next = |given_back: Option<Vec<u8>>| {
            given_back.into_iter().for_each(|payload| framed.give_back(payload));
            runtime.block_on(framed.receive(FrameLimits::new(1000).within(SOON))).unwrap()
        };
        let first = next(None);
        let place = first.as_ptr();
        let second = next(Some(first));
        assert_eq!((second.as_ptr(), &second), (place, &vec![8; 900]));
        assert_eq!(next(None), [9; 10]);
        (0..100).for_each(|_| framed.give_back(vec![0; 10]));
        assert_eq!(framed.spare.len(), MAX_SPARE);
    }

    #[test]
    fn the_limit_holds_before_the_payload_is_read() {
        // A length of 256 MiB and not one byte of it.
        let huge = vec![0xff, 0xff, 0xff, 0x7f];
        assert!(matches!(receive(huge, 1024), Err(FrameError::TooLong { length: 268_435_455, limit: 1024 })));
    }

    #[test]
    fn an_end_between_frames_differs_from_one_within() {
        assert!(matches!(receive(vec![], 10), Err(FrameError::Ended)));
        assert!(matches!(receive(vec![3, 1], 10), Err(FrameError::Io(_))));
    }

    /// Connected, and never says anything.
    struct Silent;

    impl AsyncRead for Silent {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<std::io::Result<usize>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Silent {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<std::io::Result<usize>> {
            Poll::Pending
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Pending
        }
        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn silence_ends_a_frame_both_ways() {
        let mut framed = Framed::new(Silent);
        let stall = Duration::from_millis(20);
        let limits = FrameLimits { stall, ..FrameLimits::new(10) };
        assert!(matches!(framed.receive(limits).await, Err(FrameError::Stalled(pause)) if pause == stall));
        assert!(matches!(framed.send(&[1], stall).await, Err(FrameError::Stalled(_))));
    }

    proptest! {
        #[test]
        fn what_is_sent_is_received(payload in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(receive(sent(&payload), 2000).unwrap(), payload);
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(payload) = receive(bytes, 64) {
                prop_assert!(payload.len() <= 64);
            }
        }
    }
}

//! Drawing leaves from one provider.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use libp2p::{PeerId, Stream};

use crate::market::merkle::{self, Hash};
use crate::market::{PackageId, VerifiedRelease};

use super::super::super::context::Context;
use super::super::frame::{FrameError, FrameLimits, Framed};
use super::super::open::{SEND_LIMIT, ask};
use super::super::{BLOB_PROTOCOL, ProtocolError, codec};
use super::message::{self, MAX_LEAF_REPLY, MAX_LEAVES_PER_REQUEST, Reply, Request};

/// A provider may be slow (2 KiB a second), but not silent.
const LEAF_LIMITS: FrameLimits =
    FrameLimits { bytes: MAX_LEAF_REPLY, stall: Duration::from_secs(3), total: Duration::from_secs(120) };

/// A provider that does not even begin to answer is not waited for: another one may have it, and someone waits.
const FIRST_WORD: Duration = Duration::from_secs(3);

/// A provider whose leaf list is the signed one, with the stream it is asked on. Answers come in the order of the questions.
pub struct Provider {
    stream: Framed<Stream>,
    package: PackageId,
    size: u64,
    pub leaves: Vec<Hash>,
}

/// What a provider answered to a request for a leaf.
pub enum Answer {
    Leaf(Leaf),
    /// It does not have it, and says nothing more to the request that asked for it.
    Lacking,
}

/// The bytes of one leaf as they came, unverified.
pub struct Leaf {
    pub index: u32,
    frame: Vec<u8>,
    start: usize,
}

impl Leaf {
    pub fn bytes(&self) -> &[u8] {
        self.frame.get(self.start..).unwrap_or_default()
    }
}

/// Opens a stream to `peer` and checks its leaf list. `received` is told of every byte that comes.
///
/// # Errors
/// [`ProtocolError::Lie`] when the leaf list contradicts the signature; the others when it could not be had.
pub async fn open(
    context: &Context,
    peer: PeerId,
    release: &VerifiedRelease,
    received: Arc<AtomicU64>,
) -> Result<Provider, ProtocolError> {
    let signed = release.release();
    let question = codec::encode(&Request::manifest(signed.package_id));
    let limits = FrameLimits { stall: FIRST_WORD, ..FrameLimits::new(message::max_manifest_reply(release)) };
    let (mut stream, answer) = ask(context, peer, BLOB_PROTOCOL, &question, limits).await?;
    let leaves = checked_manifest(release, codec::decode(&answer)?)?;
    stream.watch(received);
    Ok(Provider { stream, package: signed.package_id, size: signed.size, leaves })
}

impl Provider {
    /// Asks for these leaves, neighbours in one request.
    pub async fn request(&mut self, leaves: &[u32]) -> Result<Vec<std::ops::Range<u32>>, ProtocolError> {
        let runs = runs(leaves);
        for run in &runs {
            self.stream.send(&codec::encode(&Request::Leaves(run.start, run.end - run.start)), SEND_LIMIT).await?;
        }
        Ok(runs)
    }

    /// The next answer, which must be to a request for leaf `index`.
    pub async fn receive(&mut self, index: u32) -> Result<Answer, ProtocolError> {
        let frame = self.stream.receive(LEAF_LIMITS).await?;
        if let Some((got, place)) = message::leaf_in(&frame) {
            let leaf = Leaf { index, start: place.start, frame };
            return if got == index { Ok(Answer::Leaf(leaf)) } else { Err(ProtocolError::Unexpected) };
        }
        match codec::decode::<Reply>(&frame)? {
            Reply::Busy => Err(ProtocolError::Busy),
            // It is still downloading, or its disk has lost it meanwhile: what is asked for here is in range.
            Reply::NotFound | Reply::Refused => Ok(Answer::Lacking),
            _ => Err(ProtocolError::Unexpected),
        }
    }

    /// Takes the memory of a leaf that is done with, for the next one.
    pub fn give_back(&mut self, leaf: Leaf) {
        self.stream.give_back(leaf.frame);
    }

    /// Asks which leaves are there.
    pub async fn ask_held(&mut self) -> Result<(), ProtocolError> {
        Ok(self.stream.send(&codec::encode(&Request::Held(self.package.0)), SEND_LIMIT).await?)
    }

    /// The answer to that.
    pub async fn receive_held(&mut self) -> Result<Vec<bool>, ProtocolError> {
        let limits = FrameLimits { bytes: message::max_held_reply(self.size), ..LEAF_LIMITS };
        let reply = match self.stream.receive(limits).await {
            // It does not know the question: what it refused before is gone for good.
            Err(FrameError::Ended) => return Err(ProtocolError::Absent),
            reply => codec::decode(&reply?)?,
        };
        read_held(reply, self.size)
    }

    pub async fn close(mut self) {
        self.stream.close().await;
    }
}

/// Asks `peer` which leaves of `release` it has, within `limit`.
///
/// # Errors
/// [`ProtocolError::Absent`]: none.
pub async fn held(
    context: &Context,
    peer: PeerId,
    release: &VerifiedRelease,
    limit: Duration,
) -> Result<Vec<bool>, ProtocolError> {
    let signed = release.release();
    let question = codec::encode(&Request::Held(signed.package_id.0));
    let limits = FrameLimits::new(message::max_held_reply(signed.size)).within(limit);
    let (mut stream, answer) = ask(context, peer, BLOB_PROTOCOL, &question, limits).await?;
    stream.close().await;
    read_held(codec::decode(&answer)?, signed.size)
}

fn read_held(reply: Reply, size: u64) -> Result<Vec<bool>, ProtocolError> {
    match reply {
        Reply::Held(got, bitmap) if got == size => message::held(&bitmap, size).ok_or(ProtocolError::Unexpected),
        Reply::NotFound | Reply::Refused => Err(ProtocolError::Absent),
        Reply::Busy => Err(ProtocolError::Busy),
        _ => Err(ProtocolError::Unexpected),
    }
}

/// Ascending neighbours as ranges of at most what one request may ask for.
fn runs(leaves: &[u32]) -> Vec<std::ops::Range<u32>> {
    let mut runs: Vec<std::ops::Range<u32>> = Vec::new();
    for leaf in leaves {
        match runs.last_mut() {
            Some(run) if run.end == *leaf && run.end - run.start < MAX_LEAVES_PER_REQUEST => run.end += 1,
            _ => runs.push(*leaf..leaf.saturating_add(1)),
        }
    }
    runs
}

/// The leaf hashes, when they are the ones that the publisher signed.
fn checked_manifest(release: &VerifiedRelease, reply: Reply) -> Result<Vec<Hash>, ProtocolError> {
    let (size, hashes) = match reply {
        Reply::Manifest(size, hashes) => (size, hashes),
        Reply::NotFound | Reply::Refused => return Err(ProtocolError::Absent),
        Reply::Busy => return Err(ProtocolError::Busy),
        Reply::Leaf(..) | Reply::Held(..) => return Err(ProtocolError::Unexpected),
    };
    let signed = release.release();
    if size != signed.size {
        return Err(ProtocolError::Lie(format!("size: expected {} bytes, got {size}", signed.size)));
    }
    let Some(leaves) = message::leaf_hashes(&hashes, size)? else {
        return Err(ProtocolError::Lie(format!(
            "leaf list: expected {} hashes, got {}",
            merkle::leaf_count(size),
            hashes.len() / 32
        )));
    };
    let got = merkle::root(&leaves);
    if got != signed.merkle_root {
        return Err(ProtocolError::Lie(format!(
            "leaf list: expected root {} got {}",
            short_hex(&signed.merkle_root),
            short_hex(&got)
        )));
    }
    Ok(leaves)
}

/// Checks one leaf against its hash in the signed list.
pub fn check(leaf: &Leaf, expected: &Hash) -> Result<(), ProtocolError> {
    let got = merkle::leaf_hash(leaf.bytes());
    if got == *expected {
        return Ok(());
    }
    Err(ProtocolError::Lie(format!("leaf {}: expected {} got {}", leaf.index, short_hex(expected), short_hex(&got))))
}

/// The first 8 hex digits of a hash, for people.
fn short_hex(hash: &Hash) -> String {
    hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_request_up_to_its_limit() {
        assert_eq!(runs(&[3, 4, 5, 9, 2, 3]), [3..6, 9..10, 2..4]);
        let many: Vec<u32> = (0..40).collect();
        assert_eq!(runs(&many), [0..16, 16..32, 32..40]);
        assert!(runs(&[]).is_empty());
    }
}

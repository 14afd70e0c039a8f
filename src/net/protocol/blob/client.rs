//! Fetching a package from one provider.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use libp2p::{PeerId, Stream};
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use crate::market::error::{Action, MarketError};
use crate::market::merkle::{self, BlobHasher, Hash, LEAF_SIZE};
use crate::market::store::BlobInfo;
use crate::market::{PackageId, VerifiedRelease};

use super::super::super::context::Context;
use super::super::super::service::transfers::Transfer;
use super::super::frame::{FrameLimits, Framed};
use super::super::open::{SEND_LIMIT, ask};
use super::super::{BLOB_PROTOCOL, ProtocolError, codec};
use super::message::{self, MAX_LEAF_REPLY, Reply, Request};

/// Leaves asked for in one request.
const PER_REQUEST: u32 = 2;
/// Requests under way: enough that the line never waits for a question.
const IN_FLIGHT: usize = 3;

/// A provider may be slow (2 KiB a second), but not silent.
const LEAF_LIMITS: FrameLimits =
    FrameLimits { bytes: MAX_LEAF_REPLY, stall: Duration::from_secs(10), total: Duration::from_secs(120) };

/// A provider that does not even begin to answer is not waited for: another one may have it, and someone waits.
const FIRST_WORD: Duration = Duration::from_secs(3);

/// A package whose every byte was verified.
#[derive(Debug)]
pub struct Fetched {
    /// In the store's directory for incoming files.
    pub file: NamedTempFile,
    pub blob: BlobInfo,
}

/// Fetches the bytes of `release` from `peer`, telling `transfer` of every leaf.
///
/// # Errors
/// [`ProtocolError::Lie`] when the leaf list or a leaf contradicts the signature; the others when it could not be had.
pub async fn fetch(
    context: &Context,
    peer: PeerId,
    release: &VerifiedRelease,
    transfer: &Transfer,
) -> Result<Fetched, ProtocolError> {
    let package = release.release().package_id;
    let question = codec::encode(&Request::manifest(package));
    let limits = FrameLimits { stall: FIRST_WORD, ..FrameLimits::new(message::max_manifest_reply(release)) };
    let (mut stream, answer) = ask(context, peer, BLOB_PROTOCOL, &question, limits).await?;
    let leaves = checked_manifest(release, codec::decode(&answer)?)?;
    transfer.running(peer);
    let directory = context.store.run(|db| Ok(db.incoming_dir())).await?;
    let file = blocking(move || new_file(directory)).await?;
    let writer = Arc::new(blocking_reopen(&file)?);
    let size = release.release().size;
    receive_leaves(context, &mut stream, &leaves, size, &writer, transfer).await?;
    stream.close().await;
    transfer.verifying();
    blocking(move || whole_matches(&writer, package)).await?;
    Ok(Fetched { file, blob: BlobInfo { package_id: package, size, leaves } })
}

/// The leaf hashes, when they are the ones that the publisher signed.
fn checked_manifest(release: &VerifiedRelease, reply: Reply) -> Result<Vec<Hash>, ProtocolError> {
    let (size, hashes) = match reply {
        Reply::Manifest(size, hashes) => (size, hashes),
        Reply::NotFound | Reply::Refused => return Err(ProtocolError::Absent),
        Reply::Busy => return Err(ProtocolError::Busy),
        Reply::Leaf(..) => return Err(ProtocolError::Unexpected),
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
    let root = merkle::root(&leaves);
    if root != signed.merkle_root {
        let (expected, got) = (short_hex(&signed.merkle_root), short_hex(&root));
        return Err(ProtocolError::Lie(format!("leaf list: expected root {expected} got {got}")));
    }
    Ok(leaves)
}

async fn receive_leaves(
    context: &Context,
    stream: &mut Framed<Stream>,
    leaves: &[Hash],
    size: u64,
    file: &Arc<File>,
    transfer: &Transfer,
) -> Result<(), ProtocolError> {
    let total = u32::try_from(leaves.len()).map_err(|_| ProtocolError::Unexpected)?;
    let mut asked = 0;
    let mut under_way: VecDeque<u32> = VecDeque::new();
    for (index, expected) in (0u32..).zip(leaves) {
        while asked < total && under_way.len() < IN_FLIGHT {
            let count = PER_REQUEST.min(total - asked);
            stream.send(&codec::encode(&Request::Leaves(asked, count)), SEND_LIMIT).await?;
            asked += count;
            under_way.push_back(asked);
        }
        let bytes = stream.receive(LEAF_LIMITS).await?;
        // What is not read is not sent: the stream's flow control passes the pace on to the provider.
        context.services.download_rate().pass(bytes.len()).await;
        let length = take_leaf(bytes, index, *expected, size, file.clone()).await?;
        transfer.leaf(length);
        if under_way.front().is_some_and(|end| *end == index + 1) {
            under_way.pop_front();
        }
    }
    Ok(())
}

/// Checks one leaf and writes it to its place; returns its length.
async fn take_leaf(
    reply: Vec<u8>,
    index: u32,
    expected: Hash,
    size: u64,
    file: Arc<File>,
) -> Result<usize, ProtocolError> {
    let bytes = match codec::decode::<Reply>(&reply)? {
        Reply::Leaf(got, bytes) if got == index => bytes,
        Reply::Busy => return Err(ProtocolError::Busy),
        // Its disk has lost it meanwhile: what is asked for here is in range.
        Reply::NotFound | Reply::Refused => return Err(ProtocolError::Absent),
        _ => return Err(ProtocolError::Unexpected),
    };
    blocking(move || {
        let got = merkle::leaf_hash(&bytes);
        if got != expected {
            return Err(ProtocolError::Lie(format!(
                "leaf {index}: expected {} got {}",
                short_hex(&expected),
                short_hex(&got)
            )));
        }
        let offset = u64::from(index) * LEAF_SIZE as u64;
        // A hash that fits a leaf of another length would be a broken hash; the file's size is what was signed all the same.
        if offset.saturating_add(bytes.len() as u64) > size {
            return Err(ProtocolError::Lie(format!("leaf {index}: more bytes than were signed")));
        }
        file.write_all_at(&bytes, offset).map_err(disk)?;
        Ok(bytes.len())
    })
    .await
}

/// The leaves are the signed ones; what is left is whether the publisher signed a package id that fits them.
fn whole_matches(file: &File, package: PackageId) -> Result<(), ProtocolError> {
    let mut hasher = BlobHasher::default();
    let mut buffer = vec![0; LEAF_SIZE];
    let mut offset = 0;
    loop {
        let count = file.read_at(&mut buffer, offset).map_err(disk)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        offset += count as u64;
    }
    let got = PackageId(hasher.finish().sha256);
    if got == package {
        return Ok(());
    }
    Err(ProtocolError::Signed(format!("the publisher signed package id {package}, but the signed bytes have {got}")))
}

fn new_file(directory: std::path::PathBuf) -> Result<NamedTempFile, ProtocolError> {
    tempfile::Builder::new().prefix("fetch-").tempfile_in(directory).map_err(disk)
}

fn blocking_reopen(file: &NamedTempFile) -> Result<File, ProtocolError> {
    file.as_file().try_clone().map_err(disk)
}

fn disk(error: std::io::Error) -> ProtocolError {
    ProtocolError::Local(MarketError::io(Action::Write, Path::new("the download"), error))
}

async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, ProtocolError> + Send + 'static,
) -> Result<T, ProtocolError> {
    spawn_blocking(job).await.map_err(|_| ProtocolError::Local(MarketError::Failed("a worker stopped".into())))?
}

/// The first 8 hex digits of a hash, for people.
fn short_hex(hash: &Hash) -> String {
    hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>() + "…"
}

//! Giving leaves away.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use libp2p::{PeerId, Stream};
use tokio::task::spawn_blocking;

use crate::market::merkle::LEAF_SIZE;
use crate::market::store::BlobInfo;
use crate::market::{PackageId, SafeText};

use super::super::super::api::Direction;
use super::super::super::context::Context;
use super::super::super::limits::Limit;
use super::super::super::service::cache;
use super::super::super::service::slots::Slot;
use super::super::super::service::transfers::Transfer;
use super::super::ProtocolError;
use super::super::codec;
use super::super::frame::{FrameError, FrameLimits, Framed};
use super::super::open::SEND_LIMIT;
use super::message::{MAX_LEAVES_PER_REQUEST, MAX_REQUEST, Reply, Request};

/// How long an asker may think between two requests.
const IDLE: Duration = Duration::from_secs(60);
/// How long an asker may take for a piece of a leaf: it may hold itself to `download_limit`.
const LEAF_SEND_LIMIT: Duration = Duration::from_secs(120);

/// A blob that an asker has the manifest of.
struct Open {
    file: Arc<File>,
    size: u64,
    transfer: Transfer,
    left: u64,
    _slot: Slot,
}

/// Answers the requests of one stream until the asker ends it. Leaf bytes go out as they are on the disk, unhashed, once the
/// whole blob was found sound in this run of the node: the asker checks them anyway.
pub async fn serve(context: Context, peer: PeerId, mut stream: Framed<Stream>) -> Result<(), ProtocolError> {
    let limits = FrameLimits::new(MAX_REQUEST).within(IDLE);
    let mut open: Option<Open> = None;
    loop {
        let request = match stream.receive(limits).await {
            Ok(bytes) => codec::decode::<Request>(&bytes)?,
            Err(FrameError::Ended) => break,
            Err(error) => return Err(error.into()),
        };
        match request {
            Request::Manifest(id) => {
                finish(open.take());
                let (reply, opened) = manifest(&context, peer, PackageId(id)).await?;
                open = opened;
                stream.send(&codec::encode(&reply), SEND_LIMIT).await?;
            }
            Request::Leaves(first, count) => leaves(&context, &mut stream, open.as_mut(), first, count).await?,
        }
    }
    finish(open);
    stream.close().await;
    Ok(())
}

async fn manifest(context: &Context, peer: PeerId, id: PackageId) -> Result<(Reply, Option<Open>), ProtocolError> {
    let blob = match cache::sound(context, id).await {
        Ok(Some(blob)) => blob,
        Ok(None) => return Ok((Reply::NotFound, None)),
        Err(error) => {
            tracing::debug!(package = %id, %error, "not given away");
            return Ok((Reply::Busy, None));
        }
    };
    let path = context.store.run(move |db| db.touch_blob(id).map(|()| db.blob_path(id))).await?;
    let Some(slot) = context.services.uploads().take(peer) else {
        context.peers.limits().hit(Limit::Uploads);
        return Ok((Reply::Busy, None));
    };
    let Some(file) = open_file(path).await else { return Ok((Reply::NotFound, None)) };
    let transfer = context.transfers.begin(Direction::Outbound, short(id), id, blob.size);
    transfer.running(peer);
    let BlobInfo { size, leaves, .. } = blob;
    let left = leaves.len() as u64;
    let reply = Reply::Manifest(size, codec::join_ids(&leaves));
    Ok((reply, Some(Open { file: Arc::new(file), size, transfer, left, _slot: slot })))
}

async fn leaves(
    context: &Context,
    stream: &mut Framed<Stream>,
    open: Option<&mut Open>,
    first: u32,
    count: u32,
) -> Result<(), ProtocolError> {
    let Some(open) = open.filter(|open| in_range(open.size, first, count)) else {
        return Ok(stream.send(&codec::encode(&Reply::Refused), SEND_LIMIT).await?);
    };
    for index in first..first.saturating_add(count) {
        let Some(bytes) = read_leaf(open, index).await else {
            return Ok(stream.send(&codec::encode(&Reply::Refused), SEND_LIMIT).await?);
        };
        let length = bytes.len();
        let leaf = codec::encode(&Reply::Leaf(index, bytes));
        stream.send_paced(&leaf, LEAF_SEND_LIMIT, context.services.upload_rate()).await?;
        open.transfer.leaf(length);
        open.left = open.left.saturating_sub(1);
    }
    Ok(())
}

fn in_range(size: u64, first: u32, count: u32) -> bool {
    let end = u64::from(first) + u64::from(count);
    (1..=MAX_LEAVES_PER_REQUEST).contains(&count) && end <= crate::market::merkle::leaf_count(size)
}

/// `None` when the disk does not have it (any more); the asker then turns to another provider.
async fn read_leaf(open: &Open, index: u32) -> Option<Vec<u8>> {
    let (file, offset) = (open.file.clone(), u64::from(index) * LEAF_SIZE as u64);
    let length = usize::try_from(open.size.saturating_sub(offset).min(LEAF_SIZE as u64)).ok()?;
    let read = spawn_blocking(move || {
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, offset).map(|()| bytes)
    });
    match read.await {
        Ok(Ok(bytes)) => Some(bytes),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a stored blob cannot be read");
            None
        }
        Err(_) => None,
    }
}

async fn open_file(path: PathBuf) -> Option<File> {
    spawn_blocking(move || File::open(path)).await.ok()?.ok()
}

fn finish(open: Option<Open>) {
    match open {
        Some(open) if open.left == 0 => open.transfer.done(),
        Some(open) => open.transfer.failed("the other side ended it"),
        None => {}
    }
}

/// What an upload is called: the protocol carries ids only.
fn short(id: PackageId) -> SafeText {
    SafeText::capped(&id.to_string(), 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_bounded() {
        let size = 3 * LEAF_SIZE as u64;
        assert!(in_range(size, 0, 3));
        assert!(!in_range(size, 0, 0));
        assert!(!in_range(size, 1, 3));
        assert!(!in_range(size, u32::MAX, 1));
        assert!(!in_range(1 << 30, 0, MAX_LEAVES_PER_REQUEST + 1));
    }
}

//! Giving leaves away.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use libp2p::{PeerId, Stream};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::market::merkle::LEAF_SIZE;
use crate::market::{PackageId, SafeText};

use super::super::super::api::Direction;
use super::super::super::context::Context;
use super::super::super::limits::Limit;
use super::super::super::service::cache;
use super::super::super::service::fetch::Sharing;
use super::super::super::service::slots::Slot;
use super::super::super::service::transfers::Transfer;
use super::super::ProtocolError;
use super::super::codec;
use super::super::frame::{FrameError, FrameLimits, Framed};
use super::super::open::SEND_LIMIT;
use super::message::{self, MAX_LEAVES_PER_REQUEST, MAX_REQUEST, Reply, Request};

/// How long an asker may think between two requests.
const IDLE: Duration = Duration::from_secs(60);
/// How long an asker may take for a piece of a leaf: it may hold itself to `download_limit`.
const LEAF_SEND_LIMIT: Duration = Duration::from_secs(120);

/// A blob that an asker has the manifest of.
struct Open {
    id: PackageId,
    source: Source,
    size: u64,
    transfer: Transfer,
    left: u64,
    _slot: Slot,
}

/// Where its leaves are read from.
#[derive(Clone)]
enum Source {
    /// All of it is here.
    Blob(Arc<File>),
    /// It is being downloaded: what is verified is given on. Weak, since whoever downloads says when that is over.
    Download(Weak<Sharing>),
}

/// A leaf that is being read.
type Reading = Option<JoinHandle<std::io::Result<Vec<u8>>>>;

/// Answers the requests of one stream until the asker ends it. Leaf bytes go out as they are on the disk, unhashed, once the
/// whole blob was found sound in this run of the node: the asker checks them anyway.
pub async fn serve(context: Context, peer: PeerId, mut stream: Framed<Stream>) -> Result<(), ProtocolError> {
    let mut open: Option<Open> = None;
    let outcome = answer(&context, peer, &mut stream, &mut open).await;
    match &outcome {
        Ok(()) => {
            finish(open);
            stream.close().await;
        }
        Err(error) => broken_off(open, error),
    }
    outcome
}

async fn answer(
    context: &Context,
    peer: PeerId,
    stream: &mut Framed<Stream>,
    open: &mut Option<Open>,
) -> Result<(), ProtocolError> {
    let mut withheld = false;
    loop {
        let received = receive(stream, open, |ended| {
            withheld = true;
            context.services.withheld().add(peer, ended.id, Instant::now());
            ended.transfer.failed("ended by hand");
        });
        let request = match received.await {
            Ok(bytes) => codec::decode::<Request>(&bytes)?,
            Err(FrameError::Ended) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        match request {
            Request::Leaves(..) if withheld => stream.send(&codec::encode(&Reply::Busy), SEND_LIMIT).await?,
            Request::Manifest(id) => {
                finish(open.take());
                let (reply, opened) = manifest(context, peer, PackageId(id)).await?;
                *open = opened;
                stream.send(&codec::encode(&reply), SEND_LIMIT).await?;
            }
            Request::Leaves(first, count) => leaves(context, stream, open.as_mut(), first, count).await?,
            Request::Held(id) => {
                let reply = held(context, PackageId(id)).await?;
                stream.send(&codec::encode(&reply), SEND_LIMIT).await?;
            }
        }
    }
}

/// The next request. What a person wants to end meanwhile, or wanted to before, is taken out of `open` and given to `end`.
async fn receive(
    stream: &mut Framed<Stream>,
    open: &mut Option<Open>,
    mut end: impl FnMut(Open),
) -> Result<Vec<u8>, FrameError> {
    let mut received = std::pin::pin!(stream.receive(FrameLimits::new(MAX_REQUEST).within(IDLE)));
    loop {
        let wished = async {
            match open.as_ref() {
                Some(open) => open.transfer.wished().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = wished => open.take().into_iter().for_each(&mut end),
            request = &mut received => return request,
        }
    }
}

async fn manifest(context: &Context, peer: PeerId, id: PackageId) -> Result<(Reply, Option<Open>), ProtocolError> {
    let (source, size, leaves) = match cache::sound(context, id).await {
        Ok(Some(blob)) => {
            context.store.run(move |db| db.touch_blob(id)).await?;
            let Some(file) = open_file(context, id).await? else { return Ok((Reply::NotFound, None)) };
            (Source::Blob(file), blob.size, blob.leaves)
        }
        Ok(None) => match context.services.downloads().of(id) {
            Some(sharing) => {
                let leaves = sharing.leaves().unwrap_or_default().to_vec();
                (Source::Download(Arc::downgrade(&sharing)), sharing.size(), leaves)
            }
            None => return Ok((Reply::NotFound, None)),
        },
        Err(error) => {
            tracing::debug!(package = %id, %error, "not given away");
            return Ok((Reply::Busy, None));
        }
    };
    if context.services.withheld().has(peer, id, Instant::now()) {
        return Ok((Reply::Busy, None));
    }
    let Some(slot) = context.services.uploads().take(peer) else {
        context.peers.limits().hit(Limit::Uploads);
        return Ok((Reply::Busy, None));
    };
    let transfer = context.transfers.begin(Direction::Outbound, short(id), id, size);
    transfer.running(peer);
    let left = leaves.len() as u64;
    let reply = Reply::Manifest(size, codec::join_ids(&leaves));
    Ok((reply, Some(Open { id, source, size, transfer, left, _slot: slot })))
}

/// Which leaves are here. Whether the disk still has them as they were shows when they are asked for.
async fn held(context: &Context, id: PackageId) -> Result<Reply, ProtocolError> {
    if let Some(blob) = context.store.run(move |db| db.blob(id)).await? {
        return Ok(Reply::Held(blob.size, codec::bitmap(blob.leaves.iter().map(|_| true))));
    }
    Ok(match context.services.downloads().of(id) {
        Some(sharing) => Reply::Held(sharing.size(), codec::bitmap(sharing.here())),
        None => Reply::NotFound,
    })
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
    open.settle(context).await?;
    let end = first.saturating_add(count);
    let mut reading = open.read(first);
    for index in first..end {
        if open.transfer.is_to_end() {
            return Ok(stream.send(&codec::encode(&Reply::Busy), SEND_LIMIT).await?);
        }
        let Some(frame) = finished(reading).await else {
            return Ok(stream.send(&codec::encode(&Reply::Refused), SEND_LIMIT).await?);
        };
        // The next one comes from the disk while this one goes out.
        reading = if index + 1 < end { open.read(index + 1) } else { None };
        stream.send_paced(&frame, LEAF_SEND_LIMIT, context.services.upload_rate()).await?;
        open.transfer.leaf(leaf_length(open.size, index));
        open.left = open.left.saturating_sub(1);
    }
    Ok(())
}

impl Open {
    /// A download that is over may have become a blob.
    async fn settle(&mut self, context: &Context) -> Result<(), ProtocolError> {
        if let Source::Download(sharing) = &self.source
            && sharing.strong_count() == 0
            && let Some(file) = open_file(context, self.id).await?
        {
            self.source = Source::Blob(file);
        }
        Ok(())
    }

    /// Begins to read the reply with the leaf; `None` when it is not here (yet): the asker then turns to another provider.
    fn read(&self, index: u32) -> Reading {
        let file = match &self.source {
            Source::Blob(file) => file.clone(),
            Source::Download(sharing) => {
                let sharing = sharing.upgrade()?;
                let is_here = sharing.schedule().is_here(index);
                is_here.then(|| sharing.file())?
            }
        };
        let (offset, length) = (u64::from(index) * LEAF_SIZE as u64, leaf_length(self.size, index));
        Some(spawn_blocking(move || {
            let mut frame = message::leaf_header(index, length);
            let start = frame.len();
            frame.resize(start + length, 0);
            file.read_exact_at(frame.get_mut(start..).unwrap_or_default(), offset).map(|()| frame)
        }))
    }
}

/// `None` also when the disk does not have it any more.
async fn finished(reading: Reading) -> Option<Vec<u8>> {
    match reading?.await {
        Ok(Ok(frame)) => Some(frame),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a stored blob cannot be read");
            None
        }
        Err(_) => None,
    }
}

fn leaf_length(size: u64, index: u32) -> usize {
    let left = size.saturating_sub(u64::from(index) * LEAF_SIZE as u64);
    usize::try_from(left).unwrap_or(LEAF_SIZE).min(LEAF_SIZE)
}

fn in_range(size: u64, first: u32, count: u32) -> bool {
    let end = u64::from(first) + u64::from(count);
    (1..=MAX_LEAVES_PER_REQUEST).contains(&count) && end <= crate::market::merkle::leaf_count(size)
}

/// The blob's file, where it is there.
async fn open_file(context: &Context, id: PackageId) -> Result<Option<Arc<File>>, ProtocolError> {
    let path = context.store.run(move |db| Ok(db.blob(id)?.map(|_| db.blob_path(id)))).await?;
    let Some(path) = path else { return Ok(None) };
    let opened = spawn_blocking(move || File::open(path)).await;
    Ok(opened.ok().and_then(Result::ok).map(Arc::new))
}

fn finish(open: Option<Open>) {
    match open {
        Some(open) if open.left == 0 => open.transfer.done(),
        // An asker draws from several, and says goodbye when it has all.
        Some(open) => open.transfer.done_with("it wanted no more from here"),
        None => {}
    }
}

/// The asker has all of it from others in the middle of a leaf, or is gone: neither is this node's failure.
fn broken_off(open: Option<Open>, error: &ProtocolError) {
    match (open, error) {
        (Some(open), ProtocolError::Frame(FrameError::Io(_))) => open.transfer.done_with("the other side broke it off"),
        (Some(open), error) => open.transfer.failed(&error.to_string()),
        (None, _) => {}
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

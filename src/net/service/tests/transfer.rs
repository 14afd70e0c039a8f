//! Downloads from several providers, among them such as lie, trickle, stall and pour; what a broken-off one leaves, and what others
//! get of one under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{AsyncWriteExt, StreamExt};
use libp2p::Stream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::config::ByteSize;
use crate::market::VerifiedRelease;
use crate::market::merkle::{LEAF_SIZE, leaf_hash};
use crate::net::api::*;
use crate::net::peers::Outcome;
use crate::net::protocol::blob::message::{Reply, Request, leaf_header};
use crate::net::protocol::frame::{FrameLimits, Framed};
use crate::net::protocol::{BLOB_PROTOCOL, codec};
use crate::net::service::fetch::{self, Bytes};
use crate::net::service::testing::{TestNode, content, settings, until};
use crate::net::testing::{DEADLINE, eventually};

/// A node that gives away so many bytes a second.
async fn limited(bytes: usize) -> TestNode {
    let mut settings = settings();
    settings.performance.upload_limit = ByteSize(bytes as u64);
    TestNode::with(settings).await
}

/// Obtains in the background.
fn obtaining(node: &TestNode, release: &VerifiedRelease) -> JoinHandle<Result<Bytes, crate::net::error::NodeError>> {
    let (context, release) = (node.context.clone(), release.clone());
    tokio::spawn(async move { fetch::obtain(&context, &release).await })
}

/// The download of `node` that began last.
fn download(node: &TestNode) -> TransferInfo {
    node.context.transfers.list().into_iter().find(|info| info.direction == Direction::Inbound).unwrap()
}

fn bytes_of(bytes: &Bytes) -> Vec<u8> {
    std::fs::read(bytes.path()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_providers_give_their_share_each() {
    let content = content(24 * LEAF_SIZE, 1);
    let asker = TestNode::start().await;
    let mut providers = Vec::new();
    for _ in 0..4 {
        let provider = limited(4 * LEAF_SIZE).await;
        providers.push((provider.store("tool", "1.0.0", &content).await, provider));
    }
    for (_, provider) in &providers {
        asker.join(provider).await;
    }
    let bytes = fetch::obtain(&asker.context, &providers[0].0).await.unwrap();
    assert_eq!(bytes_of(&bytes), content);
    let Bytes::Fresh(_, gave) = &bytes else { panic!() };
    assert_eq!(gave.len(), 4, "{gave:?}");
    let info = download(&asker);
    assert_eq!((info.leaves_done, info.bytes_done), (24, info.bytes_total));
    assert_eq!(info.lanes.iter().map(|lane| lane.leaves).sum::<u64>(), 24, "{:?}", info.lanes);
    // None of them takes it for a failure that the others gave the rest.
    for (_, provider) in &providers {
        until(|| provider.context.transfers.list().iter().all(|info| info.state == TransferState::Done)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nine_corrupt_providers_are_banned_and_the_tenth_delivers() {
    let content = content(24 * LEAF_SIZE, 2);
    // Slow enough for all nine to be asked.
    let (good, asker) = (limited(12 * LEAF_SIZE).await, TestNode::start().await);
    let release = good.store("tool", "1.0.0", &content).await;
    let mut liars = Vec::new();
    for _ in 0..9 {
        let liar = TestNode::start().await;
        let own = liar.store("tool", "1.0.0", &content).await;
        for leaf in 0..24 {
            liar.flip(&own, leaf * LEAF_SIZE + leaf).await;
        }
        asker.join(&liar).await;
        liars.push(liar);
    }
    asker.join(&good).await;
    let bytes = fetch::obtain(&asker.context, &release).await.unwrap();
    assert!(matches!(&bytes, Bytes::Fresh(_, gave) if *gave == [good.id()]), "{bytes:?}");
    assert_eq!(bytes_of(&bytes), content);
    for liar in &liars {
        let info = asker.context.peers.info(liar.id()).unwrap();
        let why = info.ban_reason.unwrap_or_default();
        // That the leaf and its hash are named proves that it was sent.
        assert!(info.banned && why.contains("leaf ") && why.contains(" got "), "{why}");
    }
    assert!(!asker.context.peers.is_banned(good.id()));
}

/// What a provider does with requests for leaves, which knows the right bytes.
#[derive(Clone, Copy, PartialEq)]
enum Conduct {
    /// A byte a second.
    Trickle,
    /// One leaf, then nothing.
    Stall,
    /// What it was asked for, then more without end.
    Pour,
}

/// A provider of `content` like that. It counts the bytes that it sends beyond its leaf list.
async fn provider(
    release: &VerifiedRelease,
    content: &[u8],
    conduct: Conduct,
) -> (TestNode, Arc<AtomicU64>, JoinHandle<()>) {
    let node = TestNode::mute(settings()).await;
    let hashes: Vec<_> = content.chunks(LEAF_SIZE).map(leaf_hash).collect();
    let manifest = codec::encode(&Reply::Manifest(release.release().size, codec::join_ids(&hashes)));
    let (content, sent) = (Arc::new(content.to_vec()), Arc::<AtomicU64>::default());
    let mut incoming = node.context.streams.clone().accept(BLOB_PROTOCOL).unwrap();
    let counter = sent.clone();
    let task = tokio::spawn(async move {
        while let Some((_, stream)) = incoming.next().await {
            tokio::spawn(misbehave(stream, manifest.clone(), content.clone(), conduct, counter.clone()));
        }
    });
    (node, sent, task)
}

async fn misbehave(
    mut stream: Stream,
    manifest: Vec<u8>,
    content: Arc<Vec<u8>>,
    conduct: Conduct,
    sent: Arc<AtomicU64>,
) {
    let limits = FrameLimits::new(1024).within(DEADLINE);
    while let Ok(question) = Framed::new(&mut stream).receive(limits).await {
        let (first, count) = match codec::decode(&question).unwrap() {
            Request::Manifest(_) => {
                Framed::new(&mut stream).send(&manifest, DEADLINE).await.unwrap();
                continue;
            }
            Request::Leaves(first, count) => (first, count),
            Request::Held(_) => return,
        };
        for index in first..first + count {
            let start = index as usize * LEAF_SIZE;
            let bytes = &content[start..content.len().min(start + LEAF_SIZE)];
            let leaf = [leaf_header(index, bytes.len()), bytes.to_vec()].concat();
            if conduct == Conduct::Trickle {
                let mut prefix = unsigned_varint::encode::u32_buffer();
                let prefix = unsigned_varint::encode::u32(leaf.len() as u32, &mut prefix).to_vec();
                for byte in prefix.into_iter().chain(leaf) {
                    if stream.write_all(&[byte]).await.is_err() || stream.flush().await.is_err() {
                        return;
                    }
                    sent.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_secs(1)).await;
                }
            } else if Framed::new(&mut stream).send(&leaf, DEADLINE).await.is_ok() {
                sent.fetch_add(leaf.len() as u64, Ordering::Relaxed);
            }
            if conduct == Conduct::Stall {
                return sleep(2 * DEADLINE).await;
            }
        }
        while conduct == Conduct::Pour && first as usize + count as usize == content.len() / LEAF_SIZE {
            if stream.write_all(&[0x5a; 4096]).await.is_err() {
                return;
            }
            sent.fetch_add(4096, Ordering::Relaxed);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_trickle_make_room_for_one_who_delivers() {
    let content = content(24 * LEAF_SIZE, 3);
    let (good, asker) = (TestNode::start().await, TestNode::start().await);
    let release = good.store("tool", "1.0.0", &content).await;
    let mut tricklers = Vec::new();
    for _ in 0..5 {
        let trickler = provider(&release, &content, Conduct::Trickle).await;
        asker.join(&trickler.0).await;
        asker.context.services.holders().add(release.release().package_id, trickler.0.id());
        tricklers.push(trickler);
    }
    let fetching = obtaining(&asker, &release);
    let trickling = || tricklers.iter().filter(|(_, sent, _)| sent.load(Ordering::Relaxed) > 0).count();
    until(|| trickling() == 4).await;
    // One makes room for the fifth. The one that delivers comes when every lane is taken.
    until(|| trickling() == 5).await;
    asker.join(&good).await;
    let fetched = timeout(2 * DEADLINE, fetching).await;
    let bytes = fetched.unwrap_or_else(|_| panic!("not in time: {:?}", download(&asker))).unwrap().unwrap();
    assert!(matches!(&bytes, Bytes::Fresh(_, gave) if *gave == [good.id()]), "{bytes:?}");
    assert_eq!(bytes_of(&bytes), content);
    let info = download(&asker);
    assert!(info.lanes.iter().any(|lane| lane.state == LaneState::Dismissed && lane.why.contains("slow")), "{info:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_stalls_is_dropped_and_the_next_takes_over_its_leaves() {
    let content = content(8 * LEAF_SIZE, 4);
    let (good, asker) = (TestNode::start().await, TestNode::start().await);
    let release = good.store("tool", "1.0.0", &content).await;
    let (stalling, sent, _task) = provider(&release, &content, Conduct::Stall).await;
    asker.join(&stalling).await;
    asker.context.services.holders().add(release.release().package_id, stalling.id());
    let fetching = obtaining(&asker, &release);
    until(|| sent.load(Ordering::Relaxed) > 0).await;
    asker.join(&good).await;
    let bytes = fetching.await.unwrap().unwrap();
    assert_eq!(bytes_of(&bytes), content);
    let Bytes::Fresh(_, gave) = &bytes else { panic!() };
    assert!(gave.contains(&stalling.id()) && gave.contains(&good.id()), "the leaf that came is kept: {gave:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_stream_ends_at_the_signed_size() {
    let content = content(6 * LEAF_SIZE, 5);
    let (publisher, asker) = (TestNode::start().await, TestNode::start().await);
    let release = publisher.store("tool", "1.0.0", &content).await;
    let (pouring, sent, _task) = provider(&release, &content, Conduct::Pour).await;
    asker.join(&pouring).await;
    asker.context.services.holders().add(release.release().package_id, pouring.id());
    let bytes = fetch::obtain(&asker.context, &release).await.unwrap();
    assert_eq!(bytes_of(&bytes), content);
    // It did pour, and is cut off.
    until(|| sent.load(Ordering::Relaxed) > content.len() as u64 + 4096).await;
    let mut before = u64::MAX;
    eventually("it is cut off", || {
        let now = sent.load(Ordering::Relaxed);
        let same = std::mem::replace(&mut before, now) == now;
        async move {
            sleep(Duration::from_millis(100)).await;
            same
        }
    })
    .await;
    assert!(sent.load(Ordering::Relaxed) < 32 << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_off_download_goes_on_where_it_was() {
    let content = content(24 * LEAF_SIZE, 6);
    let (slow, asker) = (limited(8 * LEAF_SIZE).await, TestNode::start().await);
    let release = slow.store("tool", "1.0.0", &content).await;
    asker.join(&slow).await;
    let mut done = 0;
    for _ in 0..3 {
        let fetching = obtaining(&asker, &release);
        until(|| asker.context.transfers.list().first().is_some_and(|info| info.leaves_done > done + 2)).await;
        done = download(&asker).leaves_done;
        fetching.abort();
        let _ = fetching.await;
    }
    let bytes = fetch::obtain(&asker.context, &release).await.unwrap();
    assert_eq!(bytes_of(&bytes), content);
    let info = download(&asker);
    assert!(info.leaves_resumed >= done, "{} of {done}", info.leaves_resumed);
    let given = slow.context.transfers.list().iter().map(|info| info.leaves_done).sum::<u64>();
    assert!(given >= 24);
    // Not stored, it is gone with whoever held it.
    drop(bytes);
    let incoming = asker.context.store.run(|db| Ok(db.incoming_dir())).await.unwrap();
    assert_eq!(std::fs::read_dir(incoming).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_downloading_gives_on_what_it_has_verified() {
    let content = content(24 * LEAF_SIZE, 7);
    let (seed, first, second) = (limited(8 * LEAF_SIZE).await, TestNode::start().await, TestNode::start().await);
    let release = seed.store("tool", "1.0.0", &content).await;
    first.join(&seed).await;
    second.join(&first).await;
    let fetching = obtaining(&first, &release);
    until(|| first.context.transfers.list().first().is_some_and(|info| info.leaves_done > 0)).await;
    let fetched = fetch::obtain(&second.context, &release).await.unwrap();
    assert_eq!(bytes_of(&fetched), content);
    // It may have met the seed meanwhile, through the first one.
    let Bytes::Fresh(_, gave) = &fetched else { panic!() };
    assert!(gave.contains(&first.id()) && !first.holds(&release).await, "{gave:?}");
    assert!(fetching.await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_downloads_of_one_package_take_turns() {
    let content = content(4 * LEAF_SIZE, 8);
    let (seed, asker) = (TestNode::start().await, TestNode::start().await);
    let release = seed.store("tool", "1.0.0", &content).await;
    asker.join(&seed).await;
    asker.context.peers.record(seed.id(), Outcome::Success("test"));
    let (one, two) = (obtaining(&asker, &release), obtaining(&asker, &release));
    // One has it while the other waits; it gets on when the first is stored.
    let (first, other) = match futures::future::select(one, two).await {
        futures::future::Either::Left((first, other)) | futures::future::Either::Right((first, other)) => {
            (first, other)
        }
    };
    let Bytes::Fresh(fetched, _) = first.unwrap().unwrap() else { panic!("stored by nobody") };
    fetch::keep(&asker.context, fetched).await;
    assert!(matches!(other.await.unwrap().unwrap(), Bytes::Stored(_)));
    assert_eq!(asker.context.transfers.list().len(), 1);
}

/// Files of downloads that have not ended.
async fn partials(node: &TestNode) -> usize {
    let dir = node.context.store.run(|db| Ok(db.incoming_dir())).await.unwrap();
    std::fs::read_dir(dir).unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_has_a_download_wait_go_on_and_end_with_or_without_what_has_come() {
    let content = content(16 * LEAF_SIZE, 11);
    let (provider, asker) = (limited(6 * LEAF_SIZE).await, TestNode::start().await);
    let release = provider.store("tool", "1.0.0", &content).await;
    asker.join(&provider).await;
    let moves = || {
        let list = asker.context.transfers.list();
        list.first().is_some_and(|info| info.state == TransferState::Running && info.leaves_done > info.leaves_resumed)
    };
    let wish = |wish| asker.context.transfers.wish(download(&asker).id, wish).unwrap();

    let first = obtaining(&asker, &release);
    until(moves).await;
    assert!(wish(TransferWish::Pause));
    until(|| download(&asker).state == TransferState::Paused).await;
    let waiting = download(&asker).leaves_done;
    sleep(Duration::from_millis(400)).await;
    assert_eq!(download(&asker).leaves_done, waiting, "nothing comes while it waits");
    assert!(wish(TransferWish::Resume));
    until(moves).await;
    assert!(download(&asker).leaves_resumed > 0, "what had come is there");
    assert!(wish(TransferWish::Cancel { keep: true }));
    let error = first.await.unwrap().unwrap_err();
    assert!(error.message.contains("cancelled; what has come is kept"), "{error}");
    assert_eq!(partials(&asker).await, 1);

    let second = obtaining(&asker, &release);
    until(moves).await;
    assert!(download(&asker).leaves_resumed > 0 && download(&asker).map.len() == 16);
    assert!(wish(TransferWish::Cancel { keep: false }));
    second.await.unwrap().unwrap_err();
    assert_eq!(partials(&asker).await, 0);

    // The limit that slowed it down is lifted while it runs.
    let third = obtaining(&asker, &release);
    until(moves).await;
    provider.context.services.upload_rate().set_rate(0);
    assert_eq!(bytes_of(&third.await.unwrap().unwrap()), content);
}

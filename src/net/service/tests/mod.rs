//! The protocols between nodes in this process.

mod central;
mod packages;
mod plans;
mod refused;
mod transfer;
mod yank;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;

use crate::config::Span;
use crate::config::schema::Mirror;
use crate::market::merkle::LEAF_SIZE;
use crate::market::store::PeerRecord;
use crate::market::{Identity, PackageName, Release};

use crate::net::api::*;
use crate::net::clock::unix_now;
use crate::net::error::{ErrorKind, NodeError};
use crate::net::peers::Outcome;
use crate::net::protocol::sync::have;
use crate::net::protocol::{BLOB_PROTOCOL, SYNC_PROTOCOL, blob};
use crate::net::service::fetch::{self, Bytes};
use crate::net::service::testing::tool_release;
use crate::net::service::testing::{TestNode, content, settings, until};
use crate::net::service::{intake, search, sync};
use crate::net::testing::{eventually, signed};

#[tokio::test]
async fn a_sync_makes_two_catalogues_one() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    for n in 0..300 {
        one.store(&format!("one-{n}"), "1.0.0", b"x").await;
    }
    let shared = two.store("two", "1.0.0", b"y").await;
    let mut feed = two.context.bus.subscribe();
    two.join(&one).await;
    let report = sync::with_peer(&two.context, one.id()).await.unwrap();
    assert_eq!((report.received, report.sent), (300, 1));
    assert_eq!(one.names().await, two.names().await);
    assert!(two.context.services.last_sync_at().is_some());
    // Who has not been in step so far looks at the newest first: six times. Who has, once.
    for (node, peer, rounds) in [(&one, &two, 6), (&two, &one, 1), (&one, &two, 1)] {
        let again = sync::with_peer(&node.context, peer.id()).await.unwrap();
        assert_eq!((again.received, again.sent, again.rounds), (0, 0, rounds));
    }
    // Of many at once only the newest are told; what came in two batches is told in two parts.
    two.context.bus.close();
    let mut told = 0;
    while let Some(event) = feed.next().await {
        told += usize::from(matches!(event, NodeEvent::Feed(item) if item.via == Via::Sync));
    }
    assert!((256..=300).contains(&told), "{told} told");
    let package = shared.release().package_id;
    let answer = have(&two.context, one.id(), &[shared.id()], &[package], Duration::from_secs(5)).await.unwrap();
    assert!(answer.releases.contains(&shared.id()) && answer.packages.is_empty());
}

#[tokio::test]
async fn a_release_of_another_network_is_not_taken_and_costs_nothing() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    let stranger = signed(&Identity::generate(), "other", "stranger");
    one.context.store.run(move |db| db.accept(&stranger, unix_now())).await.unwrap();
    two.join(&one).await;
    let report = sync::with_peer(&two.context, one.id()).await.unwrap();
    assert_eq!(report.received, 0);
    assert!(two.names().await.is_empty());
    assert!(!two.context.peers.is_banned(one.id()));
}

#[tokio::test]
async fn a_fetch_brings_the_signed_bytes_in_all_sizes() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    two.join(&one).await;
    for (n, length) in [1, LEAF_SIZE, LEAF_SIZE + 1, 7 * LEAF_SIZE + 123].into_iter().enumerate() {
        let content = content(length, n as u64);
        let release = one.store(&format!("p{n}"), "1.0.0", &content).await;
        let bytes = fetch::obtain(&two.context, &release).await.unwrap();
        assert_eq!(std::fs::read(bytes.path()).unwrap(), content);
        assert!(matches!(bytes, Bytes::Fresh(_, peers) if peers == [one.id()]));
    }
    let transfers = two.context.transfers.list();
    assert!(transfers.iter().all(|info| info.state == TransferState::Done && info.bytes_done == info.bytes_total));
    until(|| one.context.transfers.list().iter().all(|info| info.state == TransferState::Done)).await;
    assert_eq!(one.context.transfers.list().len(), 4);
    assert!(two.context.peers.traffic().bytes_in > 8 * LEAF_SIZE as u64);
}

#[tokio::test]
async fn a_flipped_byte_is_noticed_named_and_costs_the_provider() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    let release = one.store("tool", "1.2.0", &content(3 * LEAF_SIZE, 1)).await;
    one.flip(&release, LEAF_SIZE + 5).await;
    two.join(&one).await;
    let error = fetch::obtain(&two.context, &release).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Verification, "{error}");
    for part in ["tool 1.2.0", &one.id().to_string(), "leaf 1: expected ", " got "] {
        assert!(error.message.contains(part), "{part:?} is not in {error}");
    }
    assert!(two.context.peers.is_banned(one.id()));
    assert!(two.context.peers.info(one.id()).is_some_and(|info| info.reputation < 0.5));
    assert!(!two.holds(&release).await);
    assert_eq!(two.context.transfers.list()[0].state, TransferState::Failed);
    // What was verified before stays for the next attempt, and nothing else.
    let incoming = two.context.store.run(|db| Ok(db.incoming_dir())).await.unwrap();
    let left = std::fs::read(std::fs::read_dir(incoming).unwrap().next().unwrap().unwrap().path()).unwrap();
    assert_eq!(left[..LEAF_SIZE], content(3 * LEAF_SIZE, 1)[..LEAF_SIZE]);
    assert!(left[LEAF_SIZE..2 * LEAF_SIZE].iter().all(|byte| *byte == 0));
}

#[tokio::test]
async fn the_next_provider_serves_when_one_lies_or_is_gone() {
    let (liar, honest, asker) = (TestNode::start().await, TestNode::start().await, TestNode::start().await);
    let content = content(LEAF_SIZE, 2);
    let release = liar.store("tool", "1.0.0", &content).await;
    honest.join(&liar).await;
    keep(&honest, &release).await;
    liar.flip(&release, 3).await;
    asker.join(&liar).await;
    asker.join(&honest).await;
    for _ in 0..2 {
        let bytes = fetch::obtain(&asker.context, &release).await.unwrap();
        assert!(matches!(&bytes, Bytes::Fresh(_, peers) if *peers == [honest.id()]));
        assert_eq!(std::fs::read(bytes.path()).unwrap(), content);
    }
    drop(liar);
    assert!(fetch::obtain(&asker.context, &release).await.is_ok());
    drop(honest);
    until(|| asker.context.swarm.connected().is_empty()).await;
    let error = fetch::obtain(&asker.context, &release).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Network | ErrorKind::Verification), "{error}");
}

/// Fetches and stores the bytes of `release`.
async fn keep(node: &TestNode, release: &crate::market::VerifiedRelease) {
    let Bytes::Fresh(fetched, _) = fetch::obtain(&node.context, release).await.unwrap() else {
        panic!("stored before")
    };
    node.context.store.run(move |db| db.store_blob(fetched.file, fetched.blob)).await.unwrap();
}

#[tokio::test]
async fn bytes_that_nobody_has_are_a_network_error() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    two.join(&one).await;
    let release = tool_release(&Identity::generate(), "1.0.0", 1, None);
    let error = fetch::obtain(&two.context, &release).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Network, "{error}");
    assert!(error.message.contains("tool 1.0.0") && error.hint.is_some());
}

#[tokio::test]
async fn holders_that_do_not_answer_make_it_fail_soon() {
    let (silent, asker) = (TestNode::mute(settings()).await, TestNode::start().await);
    // Keeps every stream open and says nothing.
    let mut keeping = tokio::task::JoinSet::new();
    for protocol in [BLOB_PROTOCOL, SYNC_PROTOCOL] {
        let streams = silent.context.streams.clone().accept(protocol).unwrap();
        keeping.spawn(streams.collect::<Vec<_>>());
    }
    asker.join(&silent).await;
    let release = tool_release(&Identity::generate(), "1.0.0", 1, None);
    asker.context.services.holders().add(release.release().package_id, silent.id());
    // One that nobody can dial.
    asker.context.services.holders().add(release.release().package_id, libp2p::PeerId::random());
    let begun = std::time::Instant::now();
    let error = fetch::obtain(&asker.context, &release).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Network, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    // Nor does one hold it up long that says it has it, and then nothing.
    let begun = std::time::Instant::now();
    assert!(blob::open(&asker.context, silent.id(), &release, Arc::default()).await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_publishers_own_node_is_asked_though_nobody_names_it() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    let release = one.store("tool", "1.0.0", b"x").await;
    let address = one.context.swarm.snapshot().await.unwrap().listen_addrs[0].to_string();
    // Met long ago: no connection, no announcement, no DHT.
    let met = PeerRecord { peer_id: one.id().to_string(), addrs: vec![address], ..PeerRecord::default() };
    two.context.peers.load(vec![met]);
    let Bytes::Fresh(_, from) = fetch::obtain(&two.context, &release).await.unwrap() else { panic!() };
    assert_eq!(from, [one.id()]);
}

#[tokio::test]
async fn a_peer_of_bad_repute_is_asked_only_where_there_is_no_other() {
    let nodes = [TestNode::start().await, TestNode::start().await, TestNode::start().await];
    let [bad, good, asker] = &nodes;
    let release = bad.store("tool", "1.0.0", b"x").await;
    asker.join(bad).await;
    for _ in 0..50 {
        asker.context.peers.record(bad.id(), Outcome::Broken("test".into()));
    }
    let why = asker.context.peers.distrust(bad.id()).unwrap();
    assert!(why.contains("security.min_peer_reputation is 0.7"), "{why}");
    // The only one that has it, and it serves.
    let Bytes::Fresh(fetched, from) = fetch::obtain(&asker.context, &release).await.unwrap() else { panic!() };
    assert_eq!(from, [bad.id()]);
    fetch::keep(&good.context, fetched).await;
    intake::admit(&good.context, vec![release.clone()], Via::Sync, None).await.unwrap();
    asker.join(good).await;
    let partners = || asker.context.peers.sync_partners();
    until(|| partners() == [good.id()]).await;
    let Bytes::Fresh(_, from) = fetch::obtain(&asker.context, &release).await.unwrap() else { panic!() };
    assert_eq!(from, [good.id()]);
}

#[tokio::test]
async fn a_remote_search_finds_what_the_local_catalogue_lacks() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    let release = one.store("graph-tool", "1.0.0", b"x").await;
    one.store("unrelated", "1.0.0", b"y").await;
    two.join(&one).await;
    let request = |remote| SearchRequest { query: "graph".into(), limit: 0, remote, facets: false };
    let NodeReply::Search(local) = search(&two.context, request(false)).await.unwrap() else { panic!() };
    assert!(local.results.is_empty() && local.peers_asked == 0);
    let NodeReply::Search(found) = search(&two.context, request(true)).await.unwrap() else { panic!() };
    assert_eq!((found.peers_asked, found.peers_answered), (1, 1));
    let [hit] = found.results.as_slice() else { panic!("{:?}", found.results) };
    assert_eq!((hit.package_id, hit.source, hit.providers), (Some(release.release().package_id), Source::Peer, 1));
    let NodeReply::Search(now_local) = search(&two.context, request(true)).await.unwrap() else { panic!() };
    assert_eq!(now_local.results[0].source, Source::Local);
    assert_eq!(two.names().await, ["graph-tool"]);
}

#[tokio::test]
async fn a_mirror_fetches_what_it_hears_of() {
    let mut mirroring = settings();
    mirroring.storage.mirror = Mirror::All;
    let (one, two) = (TestNode::start().await, TestNode::with(mirroring).await);
    let release = one.store("tool", "1.0.0", &content(1000, 4)).await;
    two.join(&one).await;
    let told = intake::admit(&two.context, vec![release.clone()], Via::Gossip, Some(one.id())).await.unwrap();
    assert_eq!(told.len(), 1);
    until(|| two.context.transfers.list().iter().any(|info| info.state == TransferState::Done)).await;
    eventually("the mirrored bytes are stored", || two.holds(&release)).await;
}

/// The publisher's date is the publisher's word: a release that was signed long ago and came just now is new.
#[tokio::test]
async fn a_backdated_release_cools_down_from_when_it_was_first_seen() {
    let mut careful = settings();
    careful.security.install_cooldown = Span(3600);
    let node = TestNode::with(careful).await;
    let release = TestNode::start().await.store("tool", "1.0.0", b"x").await;
    let signed = release.release();
    let id = Identity::generate();
    let old = Release { published_at: signed.published_at - 30 * 86_400, publisher: id.public(), ..signed.clone() };
    let old = old.sign(&id).unwrap();
    intake::admit(&node.context, vec![old.clone()], Via::Gossip, None).await.unwrap();
    let name = old.release().name.clone();
    let request = InstallRequest::of(name, None, None);
    let error = super::install::install(&node.context, request.clone()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Failed, "{error}");
    assert!(error.message.contains("can be installed in"), "{error}");
    // Hearing of it again changes nothing.
    intake::admit(&node.context, vec![old], Via::Sync, None).await.unwrap();
    let again = super::install::install(&node.context, request).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::Failed, "{again}");
}

#[tokio::test]
async fn a_name_nobody_has_is_not_found() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    one.store("graph-tool", "1.0.0", b"x").await;
    two.join(&one).await;
    let name = PackageName::new("nothing-like-it").unwrap();
    let request = InstallRequest::of(name, None, None);
    let error = super::install::install(&two.context, request).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.message.contains("nothing-like-it") && error.message.contains("1 peer"), "{error}");
}

#[tokio::test]
async fn another_provider_takes_over_when_one_dies_in_the_middle() {
    let mut limited = settings();
    // One leaf in half a second.
    limited.performance.upload_limit = crate::config::ByteSize(LEAF_SIZE as u64 * 2);
    let (slow, other, asker) = (TestNode::with(limited).await, TestNode::start().await, TestNode::start().await);
    let content = content(6 * LEAF_SIZE, 9);
    let release = slow.store("tool", "1.0.0", &content).await;
    other.store("tool", "1.0.0", &content).await;
    asker.join(&slow).await;
    asker.join(&other).await;
    // So that the slow one comes first.
    for _ in 0..4 {
        asker.context.peers.record(slow.id(), Outcome::Success("test"));
    }
    let (context, wanted) = (asker.context.clone(), release.clone());
    let fetching = tokio::spawn(async move { fetch::obtain(&context, &wanted).await });
    let leaf_here = || asker.context.transfers.list().first().is_some_and(|info| info.leaves_done > 0);
    until(leaf_here).await;
    drop(slow);
    let bytes = fetching.await.unwrap().unwrap();
    assert!(matches!(&bytes, Bytes::Fresh(_, peers) if peers.contains(&other.id())));
    assert_eq!(std::fs::read(bytes.path()).unwrap(), content);
}

#[tokio::test]
async fn a_publisher_that_signed_what_does_not_fit_is_named_and_the_provider_is_not_blamed() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    let honest = one.store("tool", "1.0.0", &content(1000, 3)).await;
    let id = honest.release().package_id;
    let other_id = crate::market::PackageId([9; 32]);
    let signed = crate::market::Release { package_id: other_id, ..honest.release().clone() };
    let crooked = signed.sign(&one.context.identity).unwrap();
    let moved = one.context.store.run(move |db| {
        let blob = db.blob(id)?.unwrap();
        let mut file = tempfile::NamedTempFile::new_in(db.incoming_dir()).unwrap();
        std::io::copy(&mut std::fs::File::open(db.blob_path(id)).unwrap(), &mut file).unwrap();
        db.store_blob(file, crate::market::store::BlobInfo { package_id: other_id, ..blob })
    });
    moved.await.unwrap();
    two.join(&one).await;
    let error = fetch::obtain(&two.context, &crooked).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Verification, "{error}");
    assert!(error.message.contains("the publisher signed"), "{error}");
    assert!(!two.context.peers.is_banned(one.id()));
}

#[tokio::test]
async fn a_busy_provider_is_waited_for() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    let release = one.store("tool", "1.0.0", b"bytes").await;
    two.join(&one).await;
    let taken: Vec<_> = std::iter::from_fn(|| one.context.services.uploads().take(two.id())).collect();
    assert!(!taken.is_empty());
    let (context, wanted) = (two.context.clone(), release.clone());
    let fetching = tokio::spawn(async move { fetch::obtain(&context, &wanted).await });
    until(|| two.context.transfers.list().first().is_some_and(|info| info.note.contains("busy"))).await;
    drop(taken);
    assert!(fetching.await.unwrap().is_ok());
    assert_eq!(two.context.peers.info(one.id()).unwrap().failures, 0);
}

#[tokio::test]
async fn a_small_catalogue_keeps_the_newest() {
    let mut small = settings();
    small.performance.catalog_limit = 70;
    let (one, two) = (TestNode::start().await, TestNode::with(small).await);
    let first = filled(&one, 0..200).await;
    two.join(&one).await;
    // Some came that had to go again.
    assert!((70..=200).contains(&sync::with_peer(&two.context, one.id()).await.unwrap().received));
    assert_eq!(two.names().await, first[130..]);
    assert_eq!(sync::with_peer(&two.context, one.id()).await.unwrap().received, 0);
    // What is newer comes, and the oldest go.
    let more = filled(&one, 200..230).await;
    assert_eq!(sync::with_peer(&two.context, one.id()).await.unwrap().received, 30);
    assert_eq!(two.names().await, [&first[160..], &more].concat());
}

/// Puts releases into the catalogue, one an hour, and returns their names; the last one of 1000 would be of now.
async fn filled(node: &TestNode, hours: std::ops::Range<u64>) -> Vec<String> {
    let (identity, now) = (Identity::generate(), unix_now());
    let releases: Vec<_> = hours
        .map(|hour| {
            let name = format!("hour-{hour:03}");
            let plain = signed(&identity, &node.context.settings.network.name, &name).release().clone();
            Release { published_at: now - (1000 - hour) * 3600, ..plain }.sign(&identity).unwrap()
        })
        .collect();
    let names = releases.iter().map(|release| release.release().name.to_string()).collect();
    node.context.store.run(move |db| db.accept_all(&releases, now)).await.unwrap();
    names
}

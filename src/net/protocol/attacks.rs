//! The attacks on metadata that TUF names (<https://theupdateframework.github.io/specification/latest/#threats>), delivered
//! over the network by a peer that does not play by the rules. Each is refused with a reason, which the attacked node itself
//! tells: that proves that the attack has arrived.

use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::{Stream, StreamProtocol};

use crate::market::head::{HEAD_VALIDITY, HeadVersion};
use crate::market::keys::{ACCEPT_DOMAIN, KEY_DOMAIN};
use crate::market::release::{DEFAULT_VALIDITY, MAX_VALIDITY};
use crate::market::store::{Accepted, HeadStanding};
use crate::market::{
    Head, Identity, KeyStatement, PackageId, PackageName, Release, ReleaseId, SignedKeyStatement, SignedRelease,
    VerifiedRelease,
};

use super::super::api::SearchRequest;
use super::super::clock::unix_now;
use super::super::service::testing::{TestNode, settings, until};
use super::super::service::{fetch, heads, search as search_service, sync as sync_service};
use super::super::swarm::DhtKey;
use super::super::testing::{DEADLINE, NETWORK, eventually, signed};
use super::frame::FrameLimits;
use super::open::ask;
use super::search::message::Reply as SearchReply;
use super::sync::message::{Envelope, Message};
use super::tests::impostor;
use super::{BLOB_PROTOCOL, SEARCH_PROTOCOL, SYNC_PROTOCOL, codec, sync};

const PATIENCE: Duration = Duration::from_secs(5);

fn publisher() -> Identity {
    Identity::from_secret([1; 32])
}

fn thief() -> Identity {
    Identity::from_secret([9; 32])
}

fn tool() -> PackageName {
    PackageName::new("tool").unwrap()
}

/// A version of `tool`.
fn unsigned(version: &str, sequence: u64) -> Release {
    Release {
        version: version.parse().unwrap(),
        sequence,
        previous: (sequence > 1).then_some(ReleaseId([1; 32])),
        package_id: PackageId([sequence as u8; 32]),
        ..signed(&publisher(), NETWORK, "tool").release().clone()
    }
}

fn version(version: &str, sequence: u64) -> VerifiedRelease {
    unsigned(version, sequence).sign(&publisher()).unwrap()
}

/// A node that knows these releases.
async fn knowing(releases: &[VerifiedRelease]) -> TestNode {
    let (node, releases) = (TestNode::start().await, releases.to_vec());
    let stored = node.context.store.run(move |db| db.accept_all(&releases, unix_now())).await.unwrap();
    assert!(stored.iter().all(|became| *became == Accepted::New));
    node
}

/// Waits until `victim` has refused something with this reason.
async fn refuses(victim: &TestNode, why: &str) {
    eventually(&format!("refused: {why}"), || async {
        victim.context.services.refusals().iter().any(|reason| reason.contains(why))
    })
    .await;
}

fn ban_reason(victim: &TestNode, attacker: &TestNode) -> Option<String> {
    victim.context.peers.info(attacker.id()).and_then(|info| info.ban_reason).map(|reason| reason.to_string())
}

/// Gives `victim` these bytes within a catalogue sync; how many it says were new, if it answers.
async fn give(attacker: &TestNode, victim: &TestNode, envelopes: Vec<Vec<u8>>) -> Option<u32> {
    let gift = codec::encode(&Message::Envelopes(envelopes.into_iter().map(Envelope).collect()));
    let limits = FrameLimits::new(1024).within(PATIENCE);
    let (_, answer) = ask(&attacker.context, victim.id(), SYNC_PROTOCOL, &gift, limits).await.ok()?;
    match codec::decode(&answer).ok()? {
        Message::Taken(new) => Some(new),
        other => panic!("{other:?}"),
    }
}

fn flipped(mut bytes: Vec<u8>) -> Vec<u8> {
    *bytes.last_mut().unwrap() ^= 1;
    bytes
}

/// The payload of `release` under the signature of another one.
fn with_signature_of(release: &Release, other: &VerifiedRelease) -> Vec<u8> {
    let mut envelope = SignedRelease::from_bytes(&release.sign_unchecked(&publisher())).unwrap();
    envelope.signature = other.envelope().signature;
    envelope.to_bytes()
}

/// What nobody can have believed who passed it on: the bearer is banned, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arbitrary_replayed_and_oversized_releases_are_refused_and_their_bearer_banned() {
    let genuine = version("1.0.0", 1);
    let renamed = Release { name: PackageName::new("other").unwrap(), ..genuine.release().clone() };
    let moved = Release { network: "elsewhere".into(), ..genuine.release().clone() };
    let later = Release { sequence: 2, previous: Some(genuine.id()), ..genuine.release().clone() };
    let mut swapped = genuine.envelope().clone();
    swapped.public_key = thief().public().0;
    let attacks = [
        ("unsigned", with_signature_of(&unsigned("6.6.6", 1), &genuine), "the signature does not fit"),
        ("changed signature", flipped(genuine.envelope().to_bytes()), "the signature does not fit"),
        ("key swap", swapped.to_bytes(), "the signature does not fit"),
        ("replay under another name", with_signature_of(&renamed, &genuine), "the signature does not fit"),
        ("replay on another network", with_signature_of(&moved, &genuine), "the signature does not fit"),
        ("replay at another sequence number", with_signature_of(&later, &genuine), "the signature does not fit"),
        ("endless", vec![0x83; 4097], "the envelope has 4097 bytes, the limit is 4096"),
        ("trailing data", [genuine.envelope().to_bytes(), vec![0]].concat(), "trailing bytes"),
    ];
    let victim = knowing(&[]).await;
    for (what, bytes, why) in attacks {
        let attacker = TestNode::start().await;
        attacker.join(&victim).await;
        assert_eq!(give(&attacker, &victim, vec![bytes]).await, None, "{what}");
        until(|| victim.context.peers.is_banned(attacker.id())).await;
        let reason = ban_reason(&victim, &attacker).unwrap_or_default();
        assert!(reason.contains(why), "{what}: {reason}");
    }
    assert!(victim.names().await.is_empty());
}

/// What is validly signed and yet not to be taken: an honest peer may pass it on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_foreign_and_impossible_releases_are_refused_each_with_its_reason() {
    let (now, base) = (unix_now(), unsigned("1.0.0", 1));
    let past = now - DEFAULT_VALIDITY;
    let attacks = [
        (Release { published_at: past - 10, expires_at: now - 10, ..base.clone() }, "it expired at"),
        (Release { network: "elsewhere".into(), ..base.clone() }, "it belongs to the network 'elsewhere'"),
        (Release { published_at: now + 3600, ..base.clone() }, "published in the future"),
        (Release { expires_at: now + MAX_VALIDITY + 3600, ..base.clone() }, "it is valid for"),
        (
            Release { sequence: now + 1_000_000, previous: Some(ReleaseId([1; 32])), ..base.clone() },
            "its sequence number",
        ),
        (
            Release { publisher: thief().public(), ..base.clone() },
            "names another publisher than the key that signed it",
        ),
    ];
    let (victim, attacker) = (knowing(&[]).await, TestNode::start().await);
    attacker.join(&victim).await;
    for (release, why) in &attacks {
        assert_eq!(give(&attacker, &victim, vec![release.sign_unchecked(&publisher())]).await, Some(0), "{why}");
        refuses(&victim, why).await;
    }
    assert!(!victim.context.peers.is_banned(attacker.id()));
    assert_eq!(
        give(&attacker, &victim, vec![version("1.0.0", 1).envelope().to_bytes()]).await,
        Some(1),
        "the way is open"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn releases_that_rewrite_history_are_kept_out() {
    let (victim, attacker) = (knowing(&[version("1.0.0", 1), version("1.1.0", 2)]).await, TestNode::start().await);
    attacker.join(&victim).await;
    let same_number = unsigned("6.6.6", 2).sign(&publisher()).unwrap();
    let same_version = Release { package_id: PackageId([66; 32]), ..unsigned("1.1.0", 3) }.sign(&publisher()).unwrap();
    for release in [same_number, same_version] {
        assert_eq!(give(&attacker, &victim, vec![release.envelope().to_bytes()]).await, Some(0));
        until(|| victim.context.services.is_refused(release.id())).await;
    }
    refuses(&victim, "release refused: contradicts what is known").await;
    assert_eq!(victim.context.store.run(|db| db.counts()).await.unwrap().releases, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_key_brings_nothing_new_once_it_is_revoked() {
    let (victim, bearer) = (knowing(&[version("1.0.0", 1)]).await, TestNode::start().await);
    bearer.join(&victim).await;
    let revocation = KeyStatement::revoke(NETWORK, &publisher(), None, "stolen", unix_now()).unwrap();
    assert_eq!(give(&bearer, &victim, vec![revocation.envelope().to_bytes()]).await, Some(1));
    assert_eq!(give(&bearer, &victim, vec![version("6.6.6", 2).envelope().to_bytes()]).await, Some(0));
    refuses(&victim, "release refused: its publisher's key was revoked or replaced").await;
    let revoked = victim.context.store.run(|db| db.revocation(publisher().public())).await.unwrap();
    assert_eq!(revoked.unwrap().reason.as_str(), "stolen");
    // It travels on by an ordinary sync.
    let third = TestNode::start().await;
    third.join(&victim).await;
    sync_service::with_peer(&third.context, victim.id()).await.unwrap();
    assert!(third.context.store.run(|db| db.revocation(publisher().public())).await.unwrap().is_some());
    assert!(third.names().await.is_empty(), "what a revoked key published is not passed on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_makes_another_key_speak() {
    let now = unix_now();
    let rotation = KeyStatement::rotate(NETWORK, &publisher(), &thief(), now).unwrap();
    let alone = SignedKeyStatement { countersignature: None, ..rotation.envelope().clone() };
    let foreign = KeyStatement::rotate("elsewhere", &publisher(), &thief(), now).unwrap();
    let mut by_thief = rotation.envelope().clone();
    by_thief.public_key = thief().public().0;
    let message = |domain: &[u8]| [domain, by_thief.payload.as_slice()].concat();
    by_thief.signature = thief().sign(&message(KEY_DOMAIN));
    by_thief.countersignature = Some(thief().sign(&message(ACCEPT_DOMAIN)));
    let (victim, attacker) = (knowing(&[version("1.0.0", 1)]).await, TestNode::start().await);
    attacker.join(&victim).await;
    for (bytes, why) in [
        (alone.to_bytes(), "the key it names has not signed it too"),
        (foreign.envelope().to_bytes(), "it belongs to the network 'elsewhere'"),
        (by_thief.to_bytes(), "it is about another key than the one that signed it"),
    ] {
        assert_eq!(give(&attacker, &victim, vec![bytes]).await, Some(0), "{why}");
        refuses(&victim, why).await;
    }
    let mut forged = rotation.envelope().clone();
    forged.signature[5] ^= 1;
    assert_eq!(give(&attacker, &victim, vec![forged.to_bytes()]).await, None);
    until(|| victim.context.peers.is_banned(attacker.id())).await;
    assert_eq!(victim.context.store.run(|db| db.successor(publisher().public())).await.unwrap(), None);
}

/// A peer that answers every question for a head with these bytes, and gives no releases.
async fn teller(head: Vec<u8>) -> TestNode {
    let (node, _) = impostor(SYNC_PROTOCOL, move |_, question| match codec::decode::<Message>(&question) {
        Ok(Message::AskHeads(_)) => vec![codec::encode(&Message::Heads(vec![Envelope(head.clone())]))],
        Ok(Message::Fetch(_)) => vec![codec::encode(&Message::Envelopes(vec![]))],
        _ => vec![],
    })
    .await;
    node
}

async fn look(victim: &TestNode) -> Option<HeadStanding> {
    heads::look(&victim.context, publisher().public(), &tool(), PATIENCE).await.unwrap()
}

fn head_of(releases: &[VerifiedRelease]) -> Head {
    Head::of(releases, unix_now()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_lie_about_a_package_are_refused_each_with_its_reason() {
    let (now, known) = (unix_now(), [version("1.0.0", 1), version("1.1.0", 2)]);
    let honest = head_of(&known);
    let long_ago = now - HEAD_VALIDITY - 10;
    let foreign = HeadVersion { release: known[0].id(), ..honest.versions[0].clone() };
    let of_other = signed(&publisher(), NETWORK, "other");
    let attacks = [
        (
            head_of(&known[..1]).sign_unchecked(&publisher()),
            "rollback: it has sequence number 1, and 2 was seen already",
            false,
        ),
        (
            Head { signed_at: long_ago, expires_at: now - 10, ..honest.clone() }.sign_unchecked(&publisher()),
            "it expired at",
            false,
        ),
        (
            Head { sequence: now + 1_000_000, ..honest.clone() }.sign_unchecked(&publisher()),
            "its sequence number",
            false,
        ),
        (
            Head {
                versions: vec![foreign, honest.versions[1].clone()],
                total: 2,
                last: known[0].id(),
                ..honest.clone()
            }
            .sign_unchecked(&publisher()),
            "mix-and-match: its last release is tool 1.0.0 with sequence number 1",
            false,
        ),
        (
            Head { network: "elsewhere".into(), ..honest.clone() }.sign_unchecked(&publisher()),
            "it belongs to the network 'elsewhere'",
            false,
        ),
        (honest.clone().sign_unchecked(&thief()), "names another publisher than the key that signed it", false),
        (head_of(&[of_other]).sign_unchecked(&publisher()), "it is of another package", true),
        (flipped(honest.clone().sign_unchecked(&publisher())), "the signature does not fit", true),
        (vec![0x83; 9000], "bytes where at most", false),
    ];
    for (bytes, why, is_lie) in attacks {
        let (victim, attacker) = (knowing(&known).await, teller(bytes).await);
        victim.join(&attacker).await;
        assert_eq!(look(&victim).await, None, "{why}");
        refuses(&victim, why).await;
        assert_eq!(victim.context.peers.is_banned(attacker.id()), is_lie, "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_a_peer_holds_back_shows_and_comes_from_another() {
    let all = [version("1.0.0", 1), version("2.0.0", 2)];
    let head = head_of(&all).sign(&publisher()).unwrap();
    let (victim, withholding) = (knowing(&all[..1]).await, teller(head.to_bytes()).await);
    victim.join(&withholding).await;
    let frozen = look(&victim).await.unwrap();
    assert_eq!(frozen.unseen.iter().map(|listed| listed.version.to_string()).collect::<Vec<_>>(), ["2.0.0"]);
    assert_eq!(frozen.newest, Some("2.0.0".parse().unwrap()));
    assert_eq!(victim.names().await.len(), 1);
    // With one honest peer it is there.
    let (victim, honest) = (knowing(&all[..1]).await, knowing(&all).await);
    let kept = head.clone();
    honest.context.store.run(move |db| db.accept_head(&kept)).await.unwrap();
    victim.join(&honest).await;
    let standing = look(&victim).await.unwrap();
    assert!(standing.unseen.is_empty() && standing.sequence == 2, "{standing:?}");
    assert_eq!(victim.context.store.run(|db| db.versions(&tool(), None)).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_answers_a_look_takes_no_longer_than_it_may() {
    let victim = knowing(&[version("1.0.0", 1)]).await;
    assert_eq!(look(&victim).await, None);
    let (silent, _) = impostor(SYNC_PROTOCOL, |_, _| vec![]).await;
    victim.join(&silent).await;
    let name = tool();
    let looking = heads::look(&victim.context, publisher().public(), &name, Duration::from_millis(300));
    assert_eq!(tokio::time::timeout(PATIENCE, looking).await.expect("in time").unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dht_keeps_heads_for_others_and_takes_no_forged_ones() {
    let release = version("1.0.0", 1);
    let head = head_of(std::slice::from_ref(&release)).sign(&publisher()).unwrap();
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    one.join(&two).await;
    let records = |node: &TestNode| {
        let swarm = node.context.swarm.clone();
        async move { swarm.snapshot().await.unwrap().dht.records }
    };
    eventually("the head is with the other", || async {
        one.context.swarm.put_heads(std::slice::from_ref(&head)).await.unwrap();
        records(&two).await == 1
    })
    .await;
    drop(one);
    // Its publisher is gone; who asks the DHT gets it all the same.
    let three = knowing(std::slice::from_ref(&release)).await;
    three.join(&two).await;
    eventually("the head is found", || async {
        let found = three.context.swarm.find_head(publisher().public(), &tool(), PATIENCE).await.unwrap();
        found.contains(&head.to_bytes())
    })
    .await;
    assert_eq!(look(&three).await.unwrap().sequence, 1);

    let forger = TestNode::start().await;
    forger.join(&two).await;
    let forged =
        flipped(Head { signed_at: head.head().signed_at + 5, ..head.head().clone() }.sign_unchecked(&publisher()));
    eventually("the forger is banned", || async {
        forger.context.swarm.put_any_head(DhtKey::of(head.head()), forged.clone()).await.unwrap();
        two.context.peers.is_banned(forger.id())
    })
    .await;
    assert!(ban_reason(&two, &forger).unwrap().contains("DHT record: head refused: the signature does not fit"));
    let still = three.context.swarm.find_head(publisher().public(), &tool(), PATIENCE).await.unwrap();
    assert!(still.contains(&head.to_bytes()) && !still.contains(&forged));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_brings_nothing_that_is_forged_or_no_release() {
    let forged = flipped(version("6.6.6", 1).envelope().to_bytes());
    let statement = KeyStatement::revoke(NETWORK, &publisher(), None, "stolen", unix_now()).unwrap();
    for (bytes, why) in [
        (forged, "the signature does not fit"),
        (statement.envelope().to_bytes(), "answered a search with what is no release"),
    ] {
        let found = codec::encode(&SearchReply::Found(bytes, true));
        let (liar, _) =
            impostor(SEARCH_PROTOCOL, move |_, _| vec![found.clone(), codec::encode(&SearchReply::End)]).await;
        let victim = knowing(&[]).await;
        victim.join(&liar).await;
        let request = SearchRequest { query: "tool".into(), limit: 10, remote: true, ..Default::default() };
        search_service(&victim.context, request).await.unwrap();
        until(|| victim.context.peers.is_banned(liar.id())).await;
        assert!(ban_reason(&victim, &liar).unwrap().contains(why));
        assert!(victim.names().await.is_empty());
        assert!(victim.context.store.run(|db| db.revocation(publisher().public())).await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tampered_row_of_the_database_is_no_release() {
    let genuine = version("1.0.0", 1);
    let forged = with_signature_of(&unsigned("6.6.6", 2), &genuine);
    let victim = knowing(&[genuine.clone(), version("6.6.6", 2)]).await;
    let file = victim.context.home.database_file();
    let changed = rusqlite::Connection::open(file)
        .unwrap()
        .execute("UPDATE releases SET envelope = ?1 WHERE sequence = 2", [forged])
        .unwrap();
    assert_eq!(changed, 1);
    let left = victim.context.store.run(|db| db.versions(&tool(), None)).await.unwrap();
    assert_eq!(left, [genuine]);
}

/// A length prefix of 268,435,455 bytes, then data without end. How much of it was taken before the stream was closed.
async fn pour(mut stream: Stream) -> usize {
    let (mut sent, piece) = (0, vec![0x5a; 64 * 1024]);
    if stream.write_all(&[0xff, 0xff, 0xff, 0x7f]).await.is_err() {
        return sent;
    }
    while stream.write_all(&piece).await.is_ok() && stream.flush().await.is_ok() {
        sent += piece.len();
        assert!(sent < 64 << 20, "nobody ends it");
    }
    sent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_questions_are_cut_off_at_every_protocol() {
    let (victim, attacker) = (knowing(&[version("1.0.0", 1)]).await, TestNode::start().await);
    attacker.join(&victim).await;
    for protocol in [BLOB_PROTOCOL, SYNC_PROTOCOL, SEARCH_PROTOCOL] {
        let mut streams = attacker.context.streams.clone();
        let stream = streams.open_stream(victim.id(), protocol.clone()).await.unwrap();
        let sent = tokio::time::timeout(DEADLINE, pour(stream)).await.expect("cut off");
        refuses(&victim, &format!("{protocol}: a frame of 268435455 bytes where at most")).await;
        assert!(sent < 16 << 20, "{protocol}: {sent} bytes taken");
    }
    assert_eq!(
        give(&attacker, &victim, vec![version("1.1.0", 2).envelope().to_bytes()]).await,
        Some(1),
        "it still serves"
    );
}

/// A node that answers every stream of `protocol` with data without end.
async fn fountain(protocol: StreamProtocol) -> (TestNode, tokio::task::JoinHandle<()>) {
    let node = TestNode::mute(settings()).await;
    let mut incoming = node.context.streams.clone().accept(protocol).unwrap();
    let task = tokio::spawn(async move {
        while let Some((_, mut stream)) = incoming.next().await {
            tokio::spawn(async move {
                let mut question = [0; 16];
                let _ = stream.read(&mut question).await;
                pour(stream).await
            });
        }
    });
    (node, task)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_answers_are_cut_off_at_every_protocol() {
    const WHY: &str = "a frame of 268435455 bytes where at most";
    let (fountains, release) = (fountain(SEARCH_PROTOCOL).await, version("1.0.0", 1));
    let victim = knowing(&[]).await;
    victim.join(&fountains.0).await;
    let request = SearchRequest { query: "tool".into(), limit: 10, remote: true, ..Default::default() };
    search_service(&victim.context, request).await.unwrap();
    refuses(&victim, WHY).await;

    let fountains = fountain(SYNC_PROTOCOL).await;
    victim.join(&fountains.0).await;
    let error = sync_service::with_peer(&victim.context, fountains.0.id()).await.unwrap_err();
    assert!(error.message.contains(WHY), "{error}");
    let ids = [release.id()];
    let error = sync::fetch_by_id(&victim.context, fountains.0.id(), &ids, PATIENCE).await.unwrap_err();
    assert!(error.to_string().contains(WHY), "{error}");

    let fountains = fountain(BLOB_PROTOCOL).await;
    victim.join(&fountains.0).await;
    victim.context.services.holders().add(release.release().package_id, fountains.0.id());
    let error = fetch::obtain(&victim.context, &release).await.unwrap_err();
    assert!(error.to_string().contains(WHY), "{error}");
}

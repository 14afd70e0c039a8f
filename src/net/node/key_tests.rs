//! Replacing and revoking keys, between real nodes on loopback.

use super::super::api::NodeEvent;
use super::super::clock::unix_now;
use super::super::error::ErrorKind;
use super::super::testing::{NETWORK, TestNode, eventually, signed};
use crate::config::Home;
use crate::market::keys::prepare_next;
use crate::market::{Identity, KeyStatement, PublisherKey};

/// Whether `node` knows that `key` was revoked.
async fn knows_revoked(node: &TestNode, key: PublisherKey) -> bool {
    node.context().store.run(move |db| db.revocation(key)).await.unwrap().is_some()
}

async fn successor(node: &TestNode, key: PublisherKey) -> Option<PublisherKey> {
    node.context().store.run(move |db| db.successor(key)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_is_told_to_those_who_know_the_publisher_and_a_forged_one_bans() {
    let one = TestNode::alone().await;
    let (two, three) = (TestNode::knowing(&one).await, TestNode::knowing(&one).await);
    let publisher = Identity::generate();
    let release = signed(&publisher, NETWORK, "hello");
    for node in [&one, &three] {
        let release = release.clone();
        node.context().store.run(move |db| db.accept(&release, 1)).await.unwrap();
    }
    let mut events = three.handle.subscribe().await.unwrap();
    let revocation = KeyStatement::revoke(NETWORK, &publisher, None, "stolen", unix_now()).unwrap();
    let bytes = revocation.envelope().to_bytes();
    eventually("it is announced", || async { two.context().swarm.announce(bytes.clone()).await.unwrap() >= 1 }).await;
    for node in [&one, &three] {
        eventually("it is known", || knows_revoked(node, publisher.public())).await;
        assert!(node.has(&release).await, "what was there stays");
    }
    loop {
        if let NodeEvent::Notice { text, .. } = events.next().await.unwrap()
            && text.contains("has revoked its key: stolen")
        {
            break;
        }
    }
    let mut forged = KeyStatement::revoke(NETWORK, &publisher, None, "forged", unix_now()).unwrap().envelope().clone();
    forged.signature[5] ^= 1;
    two.context().swarm.announce(forged.to_bytes()).await.unwrap();
    eventually("its bearer is banned", || async { one.opinion_of(&two).banned }).await;
    assert!(one.opinion_of(&two).ban_reason.unwrap().contains("key statement refused: the signature does not fit"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_key_is_followed_by_others_and_used_after_a_restart() {
    let one = TestNode::alone().await;
    let two = TestNode::knowing(&one).await;
    eventually("they are connected", || async { one.sees(&two) && two.sees(&one) }).await;
    let old = one.context().identity.public();
    let change = one.handle.rotate_key().await.unwrap();
    assert_eq!((change.old, change.restart), (old, true));
    let new = change.new.unwrap();
    eventually("the other follows it", || async { successor(&two, old).await == Some(new) }).await;
    let error = one.handle.rotate_key().await.unwrap_err();
    assert!(error.message.contains("still runs with the key") && error.hint.unwrap().contains("restart"));
    let one = one.restarted(|_| {}).await;
    assert_eq!(one.context().identity.public(), new);
    let keys = one.handle.keys().await.unwrap();
    assert_eq!((keys[0].publisher, keys[0].in_use, keys[1].publisher), (new, true, old));
    assert_eq!((keys[1].successor, keys[1].in_use), (Some(new), false));
    // Then the old one is revoked: its successor is still followed.
    one.handle.revoke_key(Some(old), "the old laptop was lost".into()).await.unwrap();
    assert_eq!(successor(&one, old).await, Some(new));
    let error = one.handle.revoke_key(Some(old), "again".into()).await.unwrap_err();
    assert!(error.message.contains("is revoked already: the old laptop was lost"));
    let stranger = Identity::generate().public();
    assert_eq!(one.handle.revoke_key(Some(stranger), "x".into()).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(one.handle.revoke_key(None, " ".into()).await.unwrap_err().kind, ErrorKind::Usage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_a_crash_interrupted_is_completed_at_the_next_start() {
    let one = TestNode::alone().await;
    let old = one.context().identity.clone();
    let file = Home::new(one.home.path()).identity_file();
    let next = prepare_next(&file).unwrap();
    // Made, and nothing said: the home stays with its key.
    let one = one.restarted(|_| {}).await;
    assert_eq!(one.context().identity.public(), old.public());
    let rotation = KeyStatement::rotate(NETWORK, &old, &next, unix_now()).unwrap();
    one.context().store.run(move |db| db.accept_key_statement(&rotation, unix_now())).await.unwrap();
    let one = one.restarted(|_| {}).await;
    assert_eq!(one.context().identity.public(), next.public());
    assert_eq!(one.handle.keys().await.unwrap()[1].publisher, old.public());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_in_use_is_replaced_by_one_that_has_no_part_in_its_packages() {
    let one = TestNode::alone().await;
    let old = one.context().identity.public();
    let change = one.handle.revoke_key(None, "stolen".into()).await.unwrap();
    assert_eq!(change.old, old);
    assert!(knows_revoked(&one, old).await && successor(&one, old).await.is_none());
    let one = one.restarted(|_| {}).await;
    assert_eq!(Some(one.context().identity.public()), change.new);
}

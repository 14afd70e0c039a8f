//! What peers have and this node must not take, and what they do not take of it: said, and counted for what it is.

use crate::market::{KeyStatement, VerifiedRelease};
use crate::net::service::refused::Why;

use super::*;

async fn put(node: &TestNode, releases: Vec<VerifiedRelease>) {
    let storing = node.context.store.run(move |db| releases.iter().try_for_each(|one| db.accept(one, 0).map(drop)));
    storing.await.unwrap();
}

/// A release as a publisher signs it whose clock is an hour ahead.
fn ahead(key: &Identity, name: &str) -> VerifiedRelease {
    let of_now = signed(key, "test", name).release().clone();
    Release { published_at: of_now.published_at + 3600, ..of_now }.sign(key).unwrap()
}

#[tokio::test]
async fn a_clock_that_is_slow_or_fast_shows_in_what_is_refused_here_and_there() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    put(&one, vec![ahead(&Identity::generate(), "a"), ahead(&Identity::generate(), "b")]).await;
    put(&two, vec![ahead(&two.context.identity, "own")]).await;
    let mut events = two.context.bus.subscribe();
    two.join(&one).await;
    assert_eq!(sync::with_peer(&two.context, one.id()).await.unwrap().received, 0);
    let counts = two.context.services.refused_counts();
    let future = RefusedReleases { why: Why::Future.name().into(), releases: 2, publishers: 2 };
    assert_eq!(counts, [future]);
    two.context.bus.close();
    let mut told = Vec::new();
    while let Some(event) = events.next().await {
        told.extend(if let NodeEvent::Notice { text, .. } = event { Some(text.to_string()) } else { None });
    }
    assert!(told.iter().any(|text| text.contains("check this computer's clock")), "{told:?}");
    assert_eq!(two.context.services.progress().unwanted(&[one.id()]), (1, 1));
}

#[tokio::test]
async fn what_a_revoked_key_signed_is_not_missing_here() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    let key = Identity::generate();
    put(
        &one,
        vec![signed(&key, "test", "gone"), signed(&key, "test", "too"), signed(&Identity::generate(), "test", "x")],
    )
    .await;
    let revocation = KeyStatement::revoke("test", &key, None, "lost", unix_now()).unwrap();
    one.context.store.run(move |db| db.accept_key_statement(&revocation, unix_now())).await.unwrap();
    let counts = one.context.store.run(|db| db.counts()).await.unwrap();
    assert_eq!((counts.releases, counts.retired), (3, 2));
    two.join(&one).await;
    sync::with_peer(&two.context, one.id()).await.unwrap();
    assert_eq!((two.names().await, two.context.services.progress().extent(one.id())), (vec!["x".to_owned()], Some(1)));
}

/// As after a lost database: the same number in the chain, with other content.
#[tokio::test]
async fn a_publisher_hears_that_peers_have_another_release_of_its_key() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    put(&one, vec![signed(&two.context.identity, "test", "tool")]).await;
    two.store("tool", "1.1.0", b"after the loss").await;
    two.join(&one).await;
    sync::with_peer(&two.context, one.id()).await.unwrap();
    let notices = two.context.services.notices();
    assert!(notices.iter().any(|text| text.contains("tool 1.0.0") && text.contains("higher version")), "{notices:?}");
}

//! What peers may do that do not play by the rules.

use std::time::Duration;

use futures::StreamExt;
use libp2p::{Stream, StreamProtocol};
use tokio::task::JoinHandle;

use crate::market::VerifiedRelease;
use crate::market::merkle::LEAF_SIZE;

use super::super::api::{SearchRequest, TransferState, TransferWish};
use super::super::error::ErrorKind;
use super::super::service::testing::{TestNode, content, settings, until};
use super::super::service::{fetch, search as search_service, sync as sync_service};
use super::blob::message::{Reply, Request};
use super::frame::{FrameLimits, Framed};
use super::open::ask;
use super::search::message::Reply as SearchReply;
use super::sync::message::{Envelope, Message};
use super::{BLOB_PROTOCOL, SEARCH_PROTOCOL, SYNC_PROTOCOL, codec};

const SOON: Duration = Duration::from_secs(10);
const LIMITS: FrameLimits = FrameLimits::new(1 << 20);

/// A node whose answers on `protocol` are made by `answer`, which gets the number of the stream and each question on it.
/// No answer ends the stream.
pub(super) async fn impostor<F>(protocol: StreamProtocol, mut answer: F) -> (TestNode, JoinHandle<()>)
where
    F: FnMut(usize, Vec<u8>) -> Vec<Vec<u8>> + Send + 'static,
{
    let node = TestNode::mute(settings()).await;
    let mut incoming = node.context.streams.clone().accept(protocol).unwrap();
    let task = tokio::spawn(async move {
        let mut number = 0;
        while let Some((_, stream)) = incoming.next().await {
            let mut stream: Framed<Stream> = Framed::new(stream);
            while let Ok(question) = stream.receive(LIMITS).await {
                let answers = answer(number, question);
                if answers.is_empty() {
                    break;
                }
                for answer in answers {
                    let _ = stream.send(&answer, SOON).await;
                }
            }
            number += 1;
        }
    });
    (node, task)
}

/// A release that `from` has signed, and its leaf list as a reply.
async fn signed(from: &TestNode) -> (VerifiedRelease, Vec<u8>) {
    let release = from.store("tool", "1.0.0", &content(2 * LEAF_SIZE, 5)).await;
    let id = release.release().package_id;
    let blob = from.context.store.run(move |db| db.blob(id)).await.unwrap().unwrap();
    (release, codec::encode(&Reply::Manifest(blob.size, codec::join_ids(&blob.leaves))))
}

/// Fetches from a provider that answers the manifest request with `manifest` and leaf requests with `leaf`.
async fn fetched_from(manifest: Option<Vec<u8>>, leaf: Vec<u8>) -> (TestNode, TestNode, ErrorKind, String) {
    let publisher = TestNode::start().await;
    let (release, good) = signed(&publisher).await;
    let manifest = manifest.unwrap_or(good);
    let (provider, _task) = impostor(BLOB_PROTOCOL, move |_, question| match codec::decode(&question).unwrap() {
        Request::Manifest(_) => vec![manifest.clone()],
        Request::Leaves(..) => vec![leaf.clone()],
        // Says nothing of what it has.
        Request::Held(_) => vec![],
    })
    .await;
    let asker = TestNode::start().await;
    asker.join(&provider).await;
    asker.context.services.holders().add(release.release().package_id, provider.id());
    let error = fetch::obtain(&asker.context, &release).await.unwrap_err();
    (asker, provider, error.kind, error.message)
}

#[tokio::test]
async fn a_leaf_list_that_was_not_signed_is_a_lie() {
    let forged = codec::encode(&Reply::Manifest(2 * LEAF_SIZE as u64, vec![7; 64]));
    let (asker, provider, kind, message) = fetched_from(Some(forged), vec![]).await;
    assert_eq!(kind, ErrorKind::Verification, "{message}");
    assert!(message.contains("leaf list: expected root "), "{message}");
    assert!(asker.context.peers.is_banned(provider.id()));
}

#[tokio::test]
async fn a_size_that_was_not_signed_is_a_lie() {
    let forged = codec::encode(&Reply::Manifest(LEAF_SIZE as u64, vec![7; 32]));
    let (asker, provider, kind, message) = fetched_from(Some(forged), vec![]).await;
    assert_eq!(kind, ErrorKind::Verification, "{message}");
    assert!(asker.context.peers.is_banned(provider.id()));
}

#[tokio::test]
async fn more_bytes_than_a_leaf_has_are_not_taken() {
    let (asker, provider, kind, message) = fetched_from(None, vec![0; LEAF_SIZE + 1000]).await;
    assert_eq!(kind, ErrorKind::Network, "{message}");
    assert!(message.contains("at most"), "{message}");
    assert_eq!(asker.context.peers.info(provider.id()).unwrap().failures, 1);
}

#[tokio::test]
async fn a_provider_that_lost_the_bytes_meanwhile_is_not_blamed() {
    let (asker, provider, kind, message) = fetched_from(None, codec::encode(&Reply::Refused)).await;
    assert_eq!(kind, ErrorKind::Network, "{message}");
    assert_eq!(asker.context.peers.info(provider.id()).unwrap().failures, 0);
}

#[tokio::test]
async fn a_provider_that_says_it_has_what_it_does_not_give_is_left() {
    let publisher = TestNode::start().await;
    let (release, manifest) = signed(&publisher).await;
    let held = codec::encode(&Reply::Held(release.release().size, vec![0b11]));
    let (provider, _task) = impostor(BLOB_PROTOCOL, move |_, question| match codec::decode(&question).unwrap() {
        Request::Manifest(_) => vec![manifest.clone()],
        Request::Leaves(..) => vec![codec::encode(&Reply::Refused)],
        Request::Held(_) => vec![held.clone()],
    })
    .await;
    let asker = TestNode::start().await;
    asker.join(&provider).await;
    asker.context.services.holders().add(release.release().package_id, provider.id());
    let error = fetch::obtain(&asker.context, &release).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Network, "{error}");
    assert!(!asker.context.peers.is_banned(provider.id()));
}

#[tokio::test]
async fn what_is_no_message_is_a_soft_failure() {
    let (asker, provider, kind, message) = fetched_from(Some(vec![0xff; 40]), vec![]).await;
    assert_eq!(kind, ErrorKind::Network, "{message}");
    assert!(!asker.context.peers.is_banned(provider.id()));
}

#[tokio::test]
async fn a_stream_that_ends_before_its_first_answer_is_opened_again() {
    let (provider, _task) = impostor(BLOB_PROTOCOL, |number, _| match number {
        0 | 1 => vec![],
        _ => vec![codec::encode(&Reply::NotFound)],
    })
    .await;
    let asker = TestNode::start().await;
    asker.join(&provider).await;
    let question = codec::encode(&Request::Manifest([1; 32]));
    let (_, answer) = ask(&asker.context, provider.id(), BLOB_PROTOCOL, &question, LIMITS).await.unwrap();
    assert_eq!(codec::decode::<Reply>(&answer).unwrap(), Reply::NotFound);
}

#[tokio::test]
async fn requests_out_of_order_or_range_are_refused() {
    let (provider, asker) = (TestNode::start().await, TestNode::start().await);
    let (release, _) = signed(&provider).await;
    asker.join(&provider).await;
    let early = codec::encode(&Request::Leaves(0, 1));
    let (mut stream, answer) = ask(&asker.context, provider.id(), BLOB_PROTOCOL, &early, LIMITS).await.unwrap();
    assert_eq!(codec::decode::<Reply>(&answer).unwrap(), Reply::Refused);
    stream.send(&codec::encode(&Request::manifest(release.release().package_id)), SOON).await.unwrap();
    assert!(matches!(codec::decode(&stream.receive(LIMITS).await.unwrap()).unwrap(), Reply::Manifest(..)));
    stream.send(&codec::encode(&Request::Leaves(1, 2)), SOON).await.unwrap();
    assert_eq!(codec::decode::<Reply>(&stream.receive(LIMITS).await.unwrap()).unwrap(), Reply::Refused);
}

#[tokio::test]
async fn one_peer_does_not_get_all_the_uploads() {
    let (provider, asker) = (TestNode::start().await, TestNode::start().await);
    let (release, _) = signed(&provider).await;
    asker.join(&provider).await;
    let question = codec::encode(&Request::manifest(release.release().package_id));
    let mut open = Vec::new();
    let mut busy = 0;
    for _ in 0..6 {
        let (stream, answer) = ask(&asker.context, provider.id(), BLOB_PROTOCOL, &question, LIMITS).await.unwrap();
        busy += usize::from(codec::decode::<Reply>(&answer).unwrap() == Reply::Busy);
        open.push(stream);
    }
    assert_eq!(busy, 2);
    drop(open);
    until(|| provider.context.services.uploads().take(asker.id()).is_some()).await;
}

#[tokio::test]
async fn an_upload_that_was_ended_by_hand_is_not_begun_again_and_nobody_is_blamed() {
    let (provider, asker) = (TestNode::start().await, TestNode::start().await);
    let (release, _) = signed(&provider).await;
    asker.join(&provider).await;
    let question = codec::encode(&Request::manifest(release.release().package_id));
    let (mut stream, answer) = ask(&asker.context, provider.id(), BLOB_PROTOCOL, &question, LIMITS).await.unwrap();
    assert!(matches!(codec::decode(&answer).unwrap(), Reply::Manifest(..)));
    let upload = provider.context.transfers.list().remove(0);
    let paused = provider.context.transfers.wish(upload.id, TransferWish::Pause).unwrap_err();
    assert_eq!(paused.kind, ErrorKind::Usage, "{paused}");
    assert!(provider.context.transfers.wish(upload.id, TransferWish::Cancel { keep: true }).unwrap());
    until(|| provider.context.transfers.list()[0].state == TransferState::Failed).await;
    stream.send(&codec::encode(&Request::Leaves(0, 1)), SOON).await.unwrap();
    assert_eq!(codec::decode::<Reply>(&stream.receive(LIMITS).await.unwrap()).unwrap(), Reply::Busy);
    let (_, answer) = ask(&asker.context, provider.id(), BLOB_PROTOCOL, &question, LIMITS).await.unwrap();
    assert_eq!(codec::decode::<Reply>(&answer).unwrap(), Reply::Busy);
    assert_eq!(provider.context.peers.info(asker.id()).unwrap().failures, 0);
}

/// An envelope that `from` never signed.
fn forged(release: &VerifiedRelease) -> Vec<u8> {
    let mut envelope = release.envelope().clone();
    envelope.signature[0] ^= 1;
    envelope.to_bytes()
}

#[tokio::test]
async fn forged_releases_in_a_sync_are_a_lie_either_way() {
    let (honest, pushed_to) = (TestNode::start().await, TestNode::start().await);
    let release = honest.store("tool", "1.0.0", b"x").await;
    let envelope = forged(&release);
    // Given: the receiver bans the giver.
    let giver = TestNode::start().await;
    giver.join(&pushed_to).await;
    let push = codec::encode(&Message::Envelopes(vec![Envelope(envelope.clone())]));
    let pushed = ask(&giver.context, pushed_to.id(), SYNC_PROTOCOL, &push, LIMITS.within(Duration::from_secs(2))).await;
    assert!(pushed.is_err());
    until(|| pushed_to.context.peers.is_banned(giver.id())).await;
    // Fetched: the initiator bans the responder, whose catalogue claims one id.
    let id = release.id();
    let (responder, _task) = impostor(SYNC_PROTOCOL, move |_, question| match codec::decode(&question).unwrap() {
        // Version 1; all of the range up to infinity is a list of one id.
        Message::Reconcile(_) => {
            let claim = [&[0x61, 0, 0, 2, 1], id.0.as_slice()].concat();
            vec![codec::encode(&Message::Reconcile(claim))]
        }
        _ => vec![codec::encode(&Message::Envelopes(vec![Envelope(envelope.clone())]))],
    })
    .await;
    pushed_to.join(&responder).await;
    let error = sync_service::with_peer(&pushed_to.context, responder.id()).await.unwrap_err();
    assert!(error.message.contains("signature"), "{error}");
    assert!(pushed_to.context.peers.is_banned(responder.id()));
    assert!(pushed_to.names().await.is_empty());
}

#[tokio::test]
async fn releases_that_were_not_asked_for_are_not_taken() {
    let honest = TestNode::start().await;
    let envelope = honest.store("tool", "1.0.0", b"x").await.envelope().to_bytes();
    let (responder, _task) = impostor(SYNC_PROTOCOL, move |_, question| match codec::decode(&question).unwrap() {
        Message::Reconcile(_) => {
            vec![codec::encode(&Message::Reconcile([&[0x61, 0, 0, 2, 1], [9; 32].as_slice()].concat()))]
        }
        _ => vec![codec::encode(&Message::Envelopes(vec![Envelope(envelope.clone())]))],
    })
    .await;
    let asker = TestNode::start().await;
    asker.join(&responder).await;
    assert!(sync_service::with_peer(&asker.context, responder.id()).await.is_err());
    assert!(asker.names().await.is_empty());
}

#[tokio::test]
async fn forged_search_answers_are_a_lie_and_none_is_shown() {
    let honest = TestNode::start().await;
    let release = honest.store("tool", "1.0.0", b"x").await;
    let answers = [
        SearchReply::Found(release.envelope().to_bytes(), true),
        SearchReply::Found(forged(&release), true),
        SearchReply::End,
    ];
    let answers: Vec<_> = answers.iter().map(codec::encode).collect();
    let (responder, _task) = impostor(SEARCH_PROTOCOL, move |_, _| answers.clone()).await;
    let asker = TestNode::start().await;
    asker.join(&responder).await;
    let request = SearchRequest { query: "tool".into(), limit: 5, remote: true, facets: false };
    search_service(&asker.context, request).await.unwrap();
    assert!(asker.context.peers.is_banned(responder.id()));
    assert!(asker.names().await.is_empty());
}

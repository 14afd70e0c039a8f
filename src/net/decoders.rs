//! What the decoders of the node promise, whatever a peer or a client sends.

use std::fmt::Debug;
use std::time::Duration;

use futures::io::Cursor;
use libp2p::kad::store::RecordStore;
use libp2p::kad::{ProviderRecord, Record, RecordKey};
use libp2p::{Multiaddr, PeerId};
use minicbor::{Decode, Encode};
use negentropy::{Id, NegentropyStorageVector};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use super::api::{NodeCommand, NodeEvent, NodeReply, NoticeLevel};
use super::control::client::EventLines;
use super::protocol::blob::message as blob;
use super::protocol::codec::{self, ID_LENGTH};
use super::protocol::frame::{FrameLimits, Framed};
use super::protocol::search::message as search;
use super::protocol::sync::message::{self as sync, Message};
use super::protocol::sync::set::Set;
use super::service::intake;
use super::swarm::DhtKey;
use super::swarm::address::{is_dialable, parse_dial, parse_listen, useful, without_peer};
use super::swarm::records::DhtStore;
use super::swarm::values;
use crate::decoders::{Decoder, shown};
use crate::market::testing::{NOW, identity, release, sign};
use crate::market::{PackageId, PackageName, ReleaseId, SignedHead};

/// The decoders of this layer.
pub const DECODERS: &[Decoder] = &[
    Decoder { name: "frame", check: frame, samples: frames },
    Decoder { name: "blob_messages", check: blob_messages, samples: blob_samples },
    Decoder { name: "sync_messages", check: sync_messages, samples: sync_samples },
    Decoder { name: "search_messages", check: search_messages, samples: search_samples },
    Decoder { name: "reconciliation", check: reconciliation, samples: reconciliation_samples },
    Decoder { name: "announcement", check: announcement, samples: announcements },
    Decoder { name: "control_command", check: json::<NodeCommand>, samples: commands },
    Decoder { name: "control_answer", check: json::<NodeReply>, samples: answers },
    Decoder { name: "control_events", check: control_events, samples: event_lines },
    Decoder { name: "dht_record", check: dht_record, samples: dht_keys },
    Decoder { name: "dht_head", check: dht_head, samples: crate::market::decoders::heads },
    Decoder { name: "address", check: address, samples: addresses },
];

/// Bytes of the longest frame in these checks.
const FRAME: usize = 64;

const SOON: Duration = Duration::from_secs(5);

/// A stream of frames: none is longer than allowed, and what was read is spelt in the one way that this node writes it.
fn frame(bytes: &[u8]) {
    let limits = FrameLimits::new(FRAME).within(SOON);
    runtime(|runtime| {
        let mut stream = Framed::new(Cursor::new(bytes.to_vec()));
        let mut written = Vec::new();
        let end = loop {
            match runtime.block_on(stream.receive(limits)) {
                Ok(payload) => {
                    assert!(payload.len() <= FRAME);
                    written.push(u8::try_from(payload.len()).expect("a short frame"));
                    written.extend(payload);
                }
                Err(error) => break error,
            }
        };
        assert!(bytes.starts_with(&written), "{written:?}");
        shown(end);
    });
}

fn blob_messages(bytes: &[u8]) {
    message::<blob::Request>(bytes);
    let reply = message(bytes);
    if let Some((index, place)) = blob::leaf_in(bytes) {
        assert_eq!(reply, Some(blob::Reply::Leaf(index, bytes[place].to_vec())));
    }
    match reply {
        Some(blob::Reply::Manifest(size, hashes)) => {
            if let Ok(Some(leaves)) = blob::leaf_hashes(&hashes, size) {
                assert_eq!(leaves.as_flattened(), hashes);
                assert_eq!(leaves.len() as u64, crate::market::merkle::leaf_count(size));
            }
        }
        Some(blob::Reply::Held(size, bitmap)) => {
            if let Some(held) = blob::held(&bitmap, size) {
                assert!(held.len() as u64 == crate::market::merkle::leaf_count(size) && held.len() <= 8 * bitmap.len());
            }
        }
        _ => (),
    }
}

fn search_messages(bytes: &[u8]) {
    message::<search::Query>(bytes);
    message::<search::Reply>(bytes);
}

fn sync_messages(bytes: &[u8]) {
    match message(bytes) {
        Some(Message::Fetch(ids)) => id_list(&ids, sync::MAX_BATCH),
        Some(Message::Have(releases, packages)) => {
            id_list(&releases, sync::MAX_HAVE);
            id_list(&packages, sync::MAX_HAVE);
        }
        Some(Message::Holdings(bitmap, _)) => {
            let yes = (0..bitmap.len() * 8 + 9).filter(|index| codec::bit(&bitmap, *index)).count();
            assert_eq!(yes, bitmap.iter().map(|byte| byte.count_ones() as usize).sum::<usize>());
        }
        Some(Message::Envelopes(envelopes)) => {
            let count = envelopes.len();
            assert_eq!(Message::bounded(envelopes).is_ok(), count <= sync::MAX_BATCH);
        }
        _ => (),
    }
}

fn id_list(bytes: &[u8], limit: usize) {
    match codec::split_ids(bytes, limit) {
        Ok(ids) => {
            assert!(ids.len() <= limit);
            assert_eq!(codec::join_ids(&ids), bytes);
        }
        Err(error) => {
            assert!(!bytes.len().is_multiple_of(ID_LENGTH) || bytes.len() > limit * ID_LENGTH);
            shown(error);
        }
    }
}

/// What is read comes back from its own bytes, which are no more than were read.
fn message<T: for<'b> Decode<'b, ()> + Encode<()> + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    match codec::decode::<T>(bytes) {
        Ok(message) => {
            let again = codec::encode(&message);
            assert!(again.len() <= bytes.len(), "{} bytes of {}", again.len(), bytes.len());
            assert_eq!(codec::decode::<T>(&again).expect("what was encoded"), message);
            Some(message)
        }
        Err(error) => {
            shown(error);
            None
        }
    }
}

/// Releases in the set of these checks.
const ITEMS: u64 = 40;

fn item(number: u64) -> (u64, ReleaseId) {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    (NOW + number / 8, ReleaseId(id))
}

fn set(numbers: std::ops::Range<u64>) -> Set<NegentropyStorageVector> {
    let mut storage = NegentropyStorageVector::new();
    numbers.map(item).for_each(|(at, id)| storage.insert(at, Id::from_byte_array(id.0)).expect("an item"));
    storage.seal().expect("sealed");
    Set::over(storage).expect("a set")
}

/// A negentropy message to either side. The answer keeps within its frame, and this side claims to have only what it has.
fn reconciliation(bytes: &[u8]) {
    let Some((side, bytes)) = bytes.split_first() else { return };
    runtime(|runtime| {
        if side.is_multiple_of(2) {
            match runtime.block_on(set(0..ITEMS).answer(bytes.to_vec())) {
                Ok((_, answer)) => assert!(answer.len() as u64 <= 2 * sync::NEGENTROPY_FRAME),
                Err(error) => remote(error),
            }
            return;
        }
        let (ours, _) = runtime.block_on(set(0..ITEMS).initiate()).expect("a first message");
        match runtime.block_on(ours.step(bytes.to_vec())) {
            Ok((_, round)) => {
                assert!(round.have.iter().all(|id| (0..ITEMS).any(|number| item(number).1 == *id)));
                assert!(round.next.is_none_or(|next| next.len() as u64 <= 2 * sync::NEGENTROPY_FRAME));
            }
            Err(error) => remote(error),
        }
    });
}

/// A panic on the worker thread would come as an error of this node's own.
fn remote(error: super::protocol::ProtocolError) {
    assert!(!matches!(error, super::protocol::ProtocolError::Local(_)), "{error}");
    shown(error);
}

/// What gossip, sync and search hand in: each envelope is exactly one of verified, not for this node now, and a lie.
fn announcement(bytes: &[u8]) {
    let sorted = intake::sort("ggen", NOW, vec![bytes.to_vec()]);
    let lies = usize::from(sorted.lie.is_some());
    assert_eq!(sorted.verified.len() + sorted.statements.len() + sorted.untimely.len() + lies, 1);
    assert!(sorted.verified.iter().all(|release| release.envelope().to_bytes() == bytes));
    assert!(sorted.statements.iter().all(|statement| statement.envelope().to_bytes() == bytes));
    sorted.reasons.iter().chain(&sorted.lie).for_each(shown);
}

/// What is read from JSON is what is read from its own JSON.
fn json<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<T>(bytes) {
        let again = serde_json::to_vec(&value).expect("JSON");
        assert_eq!(serde_json::from_slice::<T>(&again).expect("what was written"), value);
    }
}

/// It is the same whether the lines come in one piece or in many.
fn control_events(bytes: &[u8]) {
    let whole = EventLines::default().push(bytes);
    let mut lines = EventLines::default();
    let pieces: Result<Vec<_>, _> = bytes.chunks(3).map(|piece| lines.push(piece)).collect();
    assert_eq!(pieces.map(|events| events.concat()), whole);
    whole.iter().flatten().for_each(|event| json::<NodeEvent>(&serde_json::to_vec(event).expect("JSON")));
}

/// Bytes of the longest key, `/ggen/blob/` and a package id.
const DHT_KEY: usize = 75;

/// A key has one spelling; of a provider's addresses only those are kept that can be dialled.
fn dht_record(bytes: &[u8]) {
    let (key, address) = bytes.split_at(bytes.len().min(DHT_KEY));
    let key = RecordKey::from(key.to_vec());
    if let Some(read) = DhtKey::from_key(&key) {
        assert_eq!(read.to_key(), key);
        shown(read.describe());
    }
    let (local, provider) = (PeerId::random(), PeerId::random());
    let mut store = DhtStore::new(local);
    let addresses = Multiaddr::try_from(address.to_vec()).into_iter().collect();
    store.add_provider(ProviderRecord::new(key.clone(), provider, addresses)).expect("room");
    assert!(store.providers(&key).iter().all(|record| record.addresses.iter().all(is_dialable)));
}

/// A value is kept under the key of the package that it is a head of, and under no other; what is newer stays.
fn dht_head(bytes: &[u8]) {
    let claimed = SignedHead::from_bytes(bytes).and_then(|signed| signed.claims());
    let key = claimed.map_or_else(|_| RecordKey::from(vec![0]), |head| DhtKey::of(&head).to_key());
    let mut store = DhtStore::new(PeerId::random());
    let record = |key: &RecordKey| Record::new(key.clone(), bytes.to_vec());
    match values::check(&record(&key), "ggen", NOW) {
        Ok(head) => {
            assert_eq!(head.to_bytes(), bytes);
            store.put(record(&key)).expect("a head is kept");
            assert!(store.get(&key).is_some_and(|kept| kept.value == bytes));
        }
        Err((why, _)) => shown(why),
    }
    let elsewhere = DhtKey::Blob(PackageId([1; 32])).to_key();
    assert!(values::check(&record(&elsewhere), "ggen", NOW).is_err());
    assert!(store.put(record(&elsewhere)).is_err() && store.get(&elsewhere).is_none());
}

/// Addresses as people write them and as peers claim them.
fn address(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match parse_listen(&text) {
        Ok(endpoint) => {
            assert_eq!(parse_listen(&endpoint.to_multiaddr().to_string()).expect("the same address"), endpoint);
        }
        Err(error) => shown(error),
    }
    match parse_dial(&text) {
        Ok(address) => assert!(is_dialable(&address) && is_dialable(&without_peer(address.clone()))),
        Err(error) => shown(error),
    }
    if let Ok(claimed) = Multiaddr::try_from(bytes.to_vec()) {
        assert!(useful(vec![claimed.clone(); 3], Some(&claimed), 2).len() <= 2);
    }
}

/// One runtime for all checks of a thread: to start one takes longer than a check.
fn runtime(check: impl FnOnce(&Runtime)) {
    thread_local! {
        static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    }
    RUNTIME.with(check);
}

fn frames() -> Vec<Vec<u8>> {
    vec![[&[5], &b"hello"[..], &[0], &[1, 7]].concat(), vec![0xac, 0x02, 7], vec![64; 65]]
}

fn blob_samples() -> Vec<Vec<u8>> {
    let replies = [
        blob::Reply::Manifest(300_000, vec![7; 64]),
        blob::Reply::NotFound,
        blob::Reply::Leaf(3, b"leaf".to_vec()),
        blob::Reply::Refused,
        blob::Reply::Held(300_000, vec![3]),
    ];
    let requests = [blob::Request::Manifest([7; 32]), blob::Request::Leaves(3, 16), blob::Request::Held([7; 32])];
    requests.iter().map(codec::encode).chain(replies.iter().map(codec::encode)).collect()
}

fn sync_samples() -> Vec<Vec<u8>> {
    let messages = [
        Message::Reconcile(vec![0x61, 0, 0, 0]),
        Message::Fetch(vec![1; 64]),
        Message::Envelopes(vec![sync::Envelope(vec![1, 2]), sync::Envelope(vec![])]),
        Message::Have(vec![1; 32], vec![2; 64]),
        Message::Holdings(vec![5], vec![255, 1]),
        Message::Taken(3),
        Message::Busy,
        Message::AskExtent,
        Message::Extent(1 << 40, 7),
    ];
    messages.iter().map(codec::encode).collect()
}

fn search_samples() -> Vec<Vec<u8>> {
    let query = codec::encode(&search::Query { text: "web größe".into(), limit: 20 });
    let replies = [search::Reply::Found(vec![1, 2, 3], true), search::Reply::End, search::Reply::Busy];
    replies.iter().map(codec::encode).chain([query]).collect()
}

/// Messages between two sets that differ, each with the side it goes to before it.
fn reconciliation_samples() -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    runtime(|runtime| {
        let (_, question) = runtime.block_on(set(5..ITEMS + 9).initiate()).expect("a question");
        let (_, answer) = runtime.block_on(set(3..ITEMS).answer(question.clone())).expect("an answer");
        samples = vec![[&[0], &question[..]].concat(), [&[1], &answer[..]].concat()];
    });
    samples
}

fn announcements() -> Vec<Vec<u8>> {
    let publisher = identity(3);
    let timely = release(&publisher, "tool", "1.0.0");
    let elsewhere = crate::market::Release { network: "demo".into(), ..timely.clone() };
    [timely, elsewhere].map(|release| sign(release, &publisher).envelope().to_bytes()).to_vec()
}

fn commands() -> Vec<Vec<u8>> {
    let key = identity(3).public();
    let commands = [
        r#"{"command":"status"}"#.to_owned(),
        r#"{"command":"search","query":"web tag:x","limit":20,"remote":true,"facets":false}"#.to_owned(),
        format!(r#"{{"command":"install","name":"tool","requirement":"^1.2, <2","publisher":"{key}"}}"#),
        format!(r#"{{"command":"ban","peer":"{key}","reason":"spam","duration_s":60}}"#),
    ];
    commands.map(String::into_bytes).to_vec()
}

fn answers() -> Vec<Vec<u8>> {
    let feed = intake::feed_item(
        &sign(release(&identity(3), "tool", "1.0.0"), &identity(3)),
        super::api::Via::Gossip,
        None,
        NOW,
    );
    let answers = [
        NodeReply::Done,
        NodeReply::Changed(true),
        NodeReply::Feed(vec![feed]),
        NodeReply::Status(super::api::Status::default()),
    ];
    answers.iter().map(|answer| serde_json::to_vec(answer).expect("JSON")).collect()
}

fn event_lines() -> Vec<Vec<u8>> {
    let notice = NodeEvent::Notice { level: NoticeLevel::Warning, text: "port 4001 is taken".into() };
    let events = [notice, NodeEvent::Lagged { dropped: 3 }, NodeEvent::Stopping];
    let lines = events.map(|event| format!("data:{}\n\n", serde_json::to_string(&event).expect("JSON")));
    vec![lines.concat().into_bytes(), b": keep-alive\nevent: x\ndata: {}\n".to_vec()]
}

/// A key, the longest with an address behind it.
fn dht_keys() -> Vec<Vec<u8>> {
    let address: Multiaddr = "/ip4/192.0.2.7/tcp/4001".parse().expect("address");
    let blob = DhtKey::Blob(PackageId([0xab; 32])).to_key().to_vec();
    let name = DhtKey::Name(PackageName::new("knowledge-graph-cli").expect("name")).to_key().to_vec();
    vec![[blob, address.to_vec()].concat(), name]
}

fn addresses() -> Vec<Vec<u8>> {
    let peer = identity(3).public();
    let texts = [
        "/ip4/127.0.0.1/tcp/4001".to_owned(),
        "/ip6/::1/udp/7/quic-v1".to_owned(),
        format!("/dns4/example.org/tcp/4001/p2p/{peer}"),
    ];
    let binary = texts.each_ref().map(|text| text.parse::<Multiaddr>().expect("address").to_vec());
    let hostile = b"/\x1b[2J/ip4\x00/tcp/1".to_vec();
    texts.map(String::into_bytes).into_iter().chain(binary).chain([hostile]).collect()
}

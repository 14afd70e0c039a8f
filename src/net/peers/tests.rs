use libp2p::PeerId;

use super::conduct::Rules;
use super::table::{MAX_PEERS, Table};
use super::{Order, Outcome, PeerBook};
use crate::config::Settings;
use crate::market::SafeText;
use crate::market::store::PeerRecord;
use crate::net::api::NodeEvent;
use crate::net::bus::EventBus;

const RULES: Rules = Rules { ban_threshold: 3, ban_duration: 60 };

fn soft() -> Outcome {
    Outcome::SoftFailure("timed out".into())
}

#[test]
fn no_evidence_is_one_half_and_evidence_is_the_rate_of_success() {
    let (mut table, peer) = (Table::default(), PeerId::random());
    assert_eq!(table.entry(peer).info(peer, 0).reputation, 0.5);
    for _ in 0..3 {
        table.judge(peer, Outcome::Success("download"), RULES, 0);
    }
    table.judge(peer, soft(), RULES, 0);
    let info = table.entry(peer).info(peer, 0);
    assert_eq!((info.reputation, info.evidence, info.successes, info.failures), (0.75, 4, 3, 1));
    assert_eq!(info.history[0].as_str(), "- timed out");
    assert!(!info.banned);
}

#[test]
fn soft_failures_ban_at_the_threshold_and_successes_make_them_good() {
    let (mut table, peer) = (Table::default(), PeerId::random());
    assert!(!table.judge(peer, soft(), RULES, 100));
    assert!(!table.judge(peer, soft(), RULES, 100));
    assert!(!table.judge(peer, Outcome::Success("sync"), RULES, 100));
    assert!(!table.judge(peer, soft(), RULES, 100));
    assert!(table.judge(peer, soft(), RULES, 100));
    assert_eq!(table.orders, [Order::Block(peer)]);
    let info = table.entry(peer).info(peer, 100);
    assert_eq!((info.banned, info.banned_until), (true, Some(160)));
}

#[test]
fn who_goes_away_in_the_middle_is_ranked_lower_and_never_banned() {
    let (mut table, peer) = (Table::default(), PeerId::random());
    assert!((0..50).all(|_| !table.judge(peer, Outcome::Broken("the stream ended".into()), RULES, 100)));
    let info = table.entry(peer).info(peer, 100);
    assert_eq!((info.banned, info.failures, info.reputation), (false, 50, 0.0));
}

#[test]
fn a_lie_bans_at_once_and_the_ban_ends_in_time() {
    let (mut table, peer) = (Table::default(), PeerId::random());
    assert!(table.judge(peer, Outcome::Lie("leaf 3 is not what was signed".into()), RULES, 100));
    table.expire_bans(159);
    assert!(table.entry(peer).is_banned(159));
    table.expire_bans(160);
    assert!(!table.entry(peer).is_banned(160));
    assert_eq!(table.orders, [Order::Block(peer), Order::Unblock(peer)]);
    assert_eq!(table.entry(peer).history[0].as_str(), "ban is over");
}

#[test]
fn a_later_shorter_ban_does_not_shorten_a_standing_one() {
    let (mut table, peer) = (Table::default(), PeerId::random());
    table.ban(peer, "by hand", None, 100);
    table.judge(peer, Outcome::Lie("again".into()), RULES, 100);
    assert_eq!(table.entry(peer).info(peer, 100).banned_until, None);
    assert_eq!(table.entry(peer).info(peer, 100).ban_reason, Some(SafeText::new("by hand")));
}

#[test]
fn many_liars_do_not_push_out_the_peers_worth_remembering() {
    let (mut table, good) = (Table::default(), PeerId::random());
    for _ in 0..10 {
        table.judge(good, Outcome::Success("download"), RULES, 100);
    }
    for _ in 0..2 * MAX_PEERS {
        table.judge(PeerId::random(), Outcome::Lie("x".into()), RULES, 100);
    }
    assert_eq!(table.entries.len(), MAX_PEERS);
    assert!(table.get(good).is_some());
}

#[test]
fn history_and_table_are_bounded_and_bans_outlive_strangers() {
    let mut table = Table::default();
    let liar = PeerId::random();
    table.judge(liar, Outcome::Lie("x".into()), RULES, 100);
    for _ in 0..20 {
        table.judge(liar, soft(), RULES, 100);
    }
    assert_eq!(table.entry(liar).history.len(), 8);
    for _ in 0..MAX_PEERS + 10 {
        table.entry(PeerId::random());
    }
    assert_eq!(table.entries.len(), MAX_PEERS);
    assert!(table.get(liar).is_some());
}

#[test]
fn ranking_prefers_much_good_evidence_and_leaves_out_the_banned() {
    let book = PeerBook::new(&Settings::default(), EventBus::new());
    let [proven, lucky, unknown, failing, liar] = std::array::from_fn(|_| PeerId::random());
    for _ in 0..50 {
        book.record(proven, Outcome::Success("download"));
    }
    book.record(lucky, Outcome::Success("download"));
    book.record(failing, soft());
    book.record(liar, Outcome::Lie("x".into()));
    assert_eq!(book.rank(vec![liar, failing, unknown, lucky, proven]), [proven, lucky, unknown, failing]);
}

#[tokio::test]
async fn what_is_remembered_comes_back_and_bans_are_ordered_again() {
    let peer = PeerId::random();
    let record = PeerRecord {
        peer_id: peer.to_string(),
        addrs: vec!["/ip4/127.0.0.1/tcp/4001".into(), "nonsense".into()],
        successes: 4,
        failures: 1,
        last_seen: 7,
        banned_until: u64::MAX,
        ..PeerRecord::default()
    };
    let book = PeerBook::new(&Settings::default(), EventBus::new());
    book.load(vec![record, PeerRecord { peer_id: "not a peer".into(), ..PeerRecord::default() }]);
    book.ordered().await;
    assert_eq!(book.take_orders(), [Order::Block(peer)]);
    let info = book.info(peer).unwrap();
    assert_eq!((info.source.as_str(), info.successes, info.addrs.len()), ("remembered", 4, 1));
    assert!(book.is_banned(peer));
    assert!(book.unban(peer));
    assert!(!book.unban(peer));
    assert_eq!(book.take_orders(), [Order::Unblock(peer)]);
    assert_eq!(book.take_unsaved()[0].banned_until, 0);
}

#[tokio::test]
async fn many_changes_are_one_report() {
    let bus = EventBus::new();
    let mut events = bus.subscribe();
    let book = PeerBook::new(&Settings::default(), bus.clone());
    let peer = PeerId::random();
    book.ban(peer, "rude", None);
    for _ in 0..100 {
        book.count_bytes(peer, 10, 1);
    }
    book.report();
    book.report();
    bus.emit(NodeEvent::Stopping);
    let Some(NodeEvent::Peer(info)) = events.next().await else { panic!("no report") };
    assert_eq!((info.bytes_in, info.bytes_out, info.banned), (1000, 100, true));
    assert_eq!(events.next().await, Some(NodeEvent::Stopping));
    assert_eq!(book.traffic().bytes_in, 1000);
}

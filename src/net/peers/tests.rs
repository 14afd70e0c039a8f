use libp2p::PeerId;

use std::net::IpAddr;

use proptest::prelude::*;

use super::bans::Rules;
use super::conduct::MEMORY;
use super::estimate::HALF_LIFE;
use super::table::{MAX_PEERS, Table, step};
use super::{Order, Outcome, PeerBook};
use crate::config::Settings;
use crate::market::SafeText;
use crate::market::store::PeerRecord;
use crate::net::api::{NodeEvent, PeerInfo};
use crate::net::bus::EventBus;

const RULES: Rules = Rules { ban_threshold: 3, ban_duration: 60, min_reputation: 0.7 };

const DAY: u64 = 24 * 3600;

fn info(table: &Table, peer: PeerId, now: u64) -> PeerInfo {
    table.get(peer).unwrap().info(peer, RULES.min_reputation, now)
}

fn estimate(table: &Table, peer: PeerId, now: u64) -> f64 {
    table.get(peer).map_or(super::estimate::NEUTRAL, |entry| entry.conduct.estimate(now))
}

fn soft() -> Outcome {
    Outcome::SoftFailure("timed out".into())
}

#[test]
fn no_evidence_is_one_half_and_evidence_is_the_rate_of_success() {
    let (mut table, peer) = (Table::default(), PeerId::random());
    table.entry(peer, 0);
    assert_eq!(info(&table, peer, 0).reputation, 0.5);
    for _ in 0..3 {
        table.judge(peer, &Outcome::Success("download"), RULES, 0);
    }
    table.judge(peer, &soft(), RULES, 0);
    let info = info(&table, peer, 0);
    assert_eq!((info.reputation, info.evidence, info.successes, info.failures), (0.75, 4, 3, 1));
    assert_eq!(info.history[0].text.as_str(), "- timed out");
    assert!(!info.banned);
}

#[test]
fn soft_failures_ban_at_the_threshold_and_successes_make_them_good() {
    let (mut table, peer) = (Table::default(), PeerId::random());
    assert!(!table.judge(peer, &soft(), RULES, 100));
    assert!(!table.judge(peer, &soft(), RULES, 100));
    assert!(!table.judge(peer, &Outcome::Success("sync"), RULES, 100));
    assert!(!table.judge(peer, &soft(), RULES, 100));
    assert!(table.judge(peer, &soft(), RULES, 100));
    assert_eq!(table.orders, [Order::Block(peer)]);
    let info = info(&table, peer, 100);
    assert_eq!((info.banned, info.banned_until), (true, Some(160)));
}

#[test]
fn who_goes_away_in_the_middle_is_ranked_lower_and_never_banned() {
    let (mut table, peer) = (Table::default(), PeerId::random());
    assert!((0..50).all(|_| !table.judge(peer, &Outcome::Broken("the stream ended".into()), RULES, 100)));
    let info = info(&table, peer, 100);
    assert_eq!((info.banned, info.failures, info.reputation), (false, 50, 0.0));
}

#[test]
fn a_lie_bans_at_once_and_the_ban_ends_in_time() {
    let (mut table, peer) = (Table::default(), PeerId::random());
    assert!(table.judge(peer, &Outcome::Lie("leaf 3 is not what was signed".into()), RULES, 100));
    table.expire_bans(159);
    assert!(table.get(peer).unwrap().is_banned(159));
    table.expire_bans(160);
    assert!(!table.get(peer).unwrap().is_banned(160));
    assert_eq!(table.orders, [Order::Block(peer), Order::Unblock(peer)]);
    let history = info(&table, peer, 200).history;
    let told: Vec<_> = history.iter().map(|event| (event.at, event.text.as_str())).collect();
    let why = "leaf 3 is not what was signed";
    let (banned, lied) = (format!("banned for 1m: {why}"), format!("- lied: {why}"));
    assert_eq!(told, [(160, "ban is over"), (100, banned.as_str()), (100, lied.as_str())]);
}

#[test]
fn a_later_shorter_ban_does_not_shorten_a_standing_one() {
    let (mut table, peer) = (Table::default(), PeerId::random());
    table.ban(peer, "by hand", None, 100);
    table.judge(peer, &Outcome::Lie("again".into()), RULES, 100);
    assert_eq!(info(&table, peer, 100).banned_until, None);
    assert_eq!(info(&table, peer, 100).ban_reason, Some(SafeText::new("by hand")));
}

#[test]
fn many_liars_do_not_push_out_the_peers_worth_remembering() {
    let (mut table, good) = (Table::default(), PeerId::random());
    for _ in 0..10 {
        table.judge(good, &Outcome::Success("download"), RULES, 100);
    }
    for _ in 0..2 * MAX_PEERS {
        table.judge(PeerId::random(), &Outcome::Lie("x".into()), RULES, 100);
    }
    assert!(table.entries.len() <= MAX_PEERS);
    assert!(table.get(good).is_some());
}

#[test]
fn the_table_is_bounded_and_bans_outlive_strangers() {
    let mut table = Table::default();
    let liar = PeerId::random();
    table.judge(liar, &Outcome::Lie("x".into()), RULES, 100);
    for _ in 0..MAX_PEERS + 10 {
        table.entry(PeerId::random(), 100);
    }
    assert!((MAX_PEERS / 2..=MAX_PEERS).contains(&table.entries.len()));
    assert!(table.get(liar).is_some());
}

#[test]
fn failures_are_counted_by_kind() {
    let (mut table, peer) = (Table::default(), PeerId::random());
    let kinds = [Outcome::Broken, Outcome::Stalled, Outcome::Refused, Outcome::SoftFailure, Outcome::Lie];
    for (times, kind) in kinds.into_iter().enumerate() {
        let lenient = Rules { ban_threshold: 99, ..RULES };
        for _ in 0..=times {
            table.judge(peer, &kind("x".into()), lenient, 1);
        }
    }
    let info = info(&table, peer, 1);
    let failed = info.failed;
    let counts = [failed.broken, failed.stalled, failed.refused, failed.misbehaved, failed.lies];
    assert_eq!((counts, info.failures), ([1, 2, 3, 4, 5], 15));
}

#[test]
fn each_ban_is_longer_and_after_a_quiet_month_the_first_again() {
    let (mut table, peer) = (Table::default(), PeerId::random());
    let mut now = 1000;
    for seconds in [60, 240, 960] {
        assert!(table.judge(peer, &Outcome::Lie("x".into()), RULES, now));
        assert_eq!(info(&table, peer, now).banned_until, Some(now + seconds));
        now += seconds;
        table.expire_bans(now);
        assert!(!info(&table, peer, now).banned);
    }
    assert_eq!(info(&table, peer, now).bans, 3);
    now += MEMORY;
    table.judge(peer, &Outcome::Lie("x".into()), RULES, now);
    assert_eq!((info(&table, peer, now).banned_until, info(&table, peer, now).bans), (Some(now + 60), 1));
}

#[test]
fn the_threshold_says_nothing_without_evidence_and_then_why() {
    let (mut table, peer) = (Table::default(), PeerId::random());
    let lenient = Rules { ban_threshold: 99, ..RULES };
    for n in 0..19 {
        let outcome = if n % 2 == 0 { Outcome::Success("download") } else { soft() };
        table.judge(peer, &outcome, lenient, 0);
        assert_eq!(info(&table, peer, 0).distrust, None);
    }
    for _ in 0..3 {
        table.judge(peer, &soft(), lenient, 0);
    }
    let why = info(&table, peer, 0).distrust.unwrap();
    assert!(why.contains("last 22 dealings") && why.contains("security.min_peer_reputation is 0.7"), "{why}");
    assert_eq!(info(&table, peer, HALF_LIFE).distrust, None, "half of it is too little to say so");
    for _ in 0..100 {
        table.judge(peer, &Outcome::Success("download"), lenient, 0);
    }
    assert_eq!(info(&table, peer, 0).distrust, None);
}

#[test]
fn a_liar_that_comes_back_is_behind_everybody_for_a_month() {
    let (mut table, liar, modest) = (Table::default(), PeerId::random(), PeerId::random());
    for _ in 0..500 {
        table.judge(liar, &Outcome::Success("download"), RULES, 100);
    }
    table.judge(modest, &Outcome::Success("download"), RULES, 100);
    table.judge(modest, &soft(), RULES, 100);
    table.judge(liar, &Outcome::Lie("x".into()), RULES, 100);
    for _ in 0..500 {
        table.judge(liar, &Outcome::Success("download"), RULES, 200);
    }
    assert!(!table.get(liar).unwrap().is_banned(200));
    let stranger = PeerId::random();
    for now in [200, 7 * DAY, 29 * DAY] {
        assert!(estimate(&table, liar, now) < estimate(&table, modest, now));
        assert!(step(estimate(&table, liar, now)) < step(estimate(&table, stranger, now)));
        let why = info(&table, liar, now).distrust.unwrap();
        assert!(why.contains("lied"), "{why}");
    }
    assert_eq!(info(&table, liar, 100 + MEMORY).distrust, None);
}

#[test]
fn a_hundred_new_identities_never_outrank_a_good_peer() {
    let book = PeerBook::new(&Settings::default(), EventBus::new());
    let good = PeerId::random();
    // With an unlucky beginning, and failures since.
    for n in 0..40 {
        book.record(good, if n % 10 == 0 { soft() } else { Outcome::Success("download") });
    }
    for _ in 0..100 {
        let anew = PeerId::random();
        assert_eq!(book.rank(vec![anew, good]), [good, anew]);
        // Each behaves well once to gain a little, then lies.
        book.record(anew, Outcome::Success("sync"));
        assert_eq!(book.rank(vec![anew, good]), [good, anew]);
        book.record(anew, Outcome::Lie("leaf 0 is not what was signed".into()));
        assert_eq!(book.rank(vec![anew, good]), [good]);
        assert!(book.unban(anew), "it was banned: the attack happened");
        assert_eq!(book.rank(vec![anew, good]), [good, anew]);
    }
}

#[test]
fn a_network_of_many_banned_peers_is_blocked_until_their_bans_end() {
    let (mut table, network) = (Table::default(), "9.9.9.9".parse::<IpAddr>().unwrap());
    let ban_one = |table: &mut Table, network| {
        let peer = PeerId::random();
        table.entry(peer, 100).network = network;
        table.judge(peer, &Outcome::Lie("x".into()), RULES, 100);
        peer
    };
    // Of loopback, relays and private networks nothing is known that would tell one from the other.
    for _ in 0..20 {
        ban_one(&mut table, None);
    }
    let peers: Vec<_> = (0..5).map(|_| ban_one(&mut table, Some(network))).collect();
    assert!(!table.orders.contains(&Order::BlockNetwork(network)), "five are borne");
    ban_one(&mut table, Some(network));
    assert_eq!(table.orders.pop(), Some(Order::BlockNetwork(network)));
    ban_one(&mut table, Some(network));
    assert!(!table.orders.contains(&Order::BlockNetwork(network)), "ordered once");
    table.unban(peers[0], "unbanned by hand", 101);
    assert!(!table.orders.contains(&Order::UnblockNetwork(network)), "six are left");
    table.unban(peers[1], "unbanned by hand", 101);
    assert_eq!(table.orders.pop(), Some(Order::UnblockNetwork(network)));
    ban_one(&mut table, Some(network));
    assert_eq!(table.orders.pop(), Some(Order::BlockNetwork(network)));
    table.expire_bans(160);
    assert!(table.blocked.is_empty() && table.orders.contains(&Order::UnblockNetwork(network)));
}

#[test]
fn all_of_a_peers_conduct_survives_being_kept() {
    let (mut table, peer) = (Table::default(), PeerId::random());
    for n in 0..30 {
        let outcome = if n % 4 == 0 { soft() } else { Outcome::Success("download") };
        table.judge(peer, &outcome, Rules { ban_threshold: 99, ..RULES }, 1000 + n);
    }
    table.judge(peer, &Outcome::Lie("x".into()), RULES, 2000);
    let entry = table.entry(peer, 2000);
    entry.conduct.on_ping(std::time::Duration::from_millis(40));
    entry.conduct.throughput.add(5000.0);
    entry.network = Some("9.9.9.9".parse().unwrap());
    entry.away = Some(super::history::event("cannot connect: refused", 1999));
    let before = table.get(peer).unwrap();
    let (_, after) = super::entry::Entry::from_record(before.to_record(peer, 2001), 2001).unwrap();
    let with_source = |entry: &super::entry::Entry| PeerInfo { source: String::new(), ..entry.info(peer, 0.7, 2001) };
    assert_eq!(with_source(&after), with_source(before));
    assert_eq!(after.network, before.network);
    let shown = with_source(&after);
    assert_eq!((shown.latency_avg_ms, shown.throughput, shown.bans), (Some(40.0), Some(5000), 1));
    assert!(shown.distrust.is_some() && shown.banned && shown.away.is_some() && shown.history.len() > 5);
}

#[test]
fn counts_from_before_dealings_were_weighed_are_evidence_of_when_it_was_last_seen() {
    let record =
        PeerRecord { peer_id: PeerId::random().to_string(), successes: 40, last_seen: 1000, ..PeerRecord::default() };
    let (_, entry) = super::entry::Entry::from_record(record, 2000).unwrap();
    assert!(entry.conduct.estimate(1000) > 0.9);
    assert!(entry.conduct.estimate(1000 + 20 * HALF_LIFE) < 0.11);
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Success("download")),
        1 => Just(Outcome::Broken("x".into())),
        1 => Just(Outcome::Stalled("x".into())),
        1 => Just(Outcome::Refused("x".into())),
        1 => Just(Outcome::SoftFailure("x".into())),
        1 => Just(Outcome::Lie("x".into())),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_is_bounded_and_survives_being_kept(
        dealings in prop::collection::vec((any_outcome(), 0..10 * DAY), 0..60)
    ) {
        let (mut table, peer) = (Table::default(), PeerId::random());
        let mut now = 1_700_000_000;
        for (outcome, later) in &dealings {
            now += later;
            table.expire_bans(now);
            let before = estimate(&table, peer, now);
            table.judge(peer, outcome, RULES, now);
            let after = estimate(&table, peer, now);
            prop_assert!((0.0..=1.0).contains(&after));
            match outcome {
                Outcome::Success(_) => prop_assert!(after >= before - 1e-9),
                _ => prop_assert!(after <= before + 1e-9),
            }
            let info = info(&table, peer, now);
            let failed = info.failed;
            let kinds = failed.broken + failed.stalled + failed.refused + failed.misbehaved + failed.lies;
            prop_assert_eq!(kinds, info.failures);
            prop_assert!(info.history.len() <= super::history::MAX_HISTORY);
            prop_assert!(info.banned_until.is_none_or(|until| until <= now + MEMORY));
            let (_, kept) = super::entry::Entry::from_record(table.get(peer).unwrap().to_record(peer, now), now).unwrap();
            prop_assert!((kept.conduct.estimate(now) - after).abs() < 1e-9);
            prop_assert_eq!(kept.is_banned(now), info.banned);
        }
    }
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

#[test]
fn a_kept_peer_is_dialled_again_and_remembered() {
    let book = PeerBook::new(&Settings::default(), EventBus::new());
    let peer = PeerId::random();
    assert_eq!(book.keep(peer).unwrap_err().kind, crate::net::ErrorKind::NotFound);
    let record =
        PeerRecord { peer_id: peer.to_string(), addrs: vec!["/ip4/192.0.2.1/tcp/1".into()], ..PeerRecord::default() };
    book.load(vec![record]);
    assert!(book.kept_to_dial().is_empty() && book.list().is_empty());
    assert!(book.keep(peer).unwrap() && !book.keep(peer).unwrap());
    assert_eq!(book.list().len(), 1, "in sight though away");
    let saved = book.take_unsaved().pop().unwrap();
    assert!(saved.conduct.kept && saved.proven);
    assert_eq!(book.kept_to_dial().len(), 1);
    book.on_dialing(peer);
    assert!(book.kept_to_dial().is_empty(), "not again at once");

    let again = PeerBook::new(&Settings::default(), EventBus::new());
    again.load(vec![saved]);
    assert_eq!(again.kept_to_dial().len(), 1);
    assert!(again.unkeep(peer) && !again.unkeep(peer));
    assert!(again.kept_to_dial().is_empty() && again.list().is_empty());
}

//! Real nodes on loopback.

use std::time::Duration;

use super::super::api::{LogLine, NodeEvent, PublishRequest, Via};
use super::super::clock::unix_now;
use super::super::error::ErrorKind;
use super::super::handle::EventStream;
use super::super::testing::{DEADLINE, NETWORK, TestNode, eventually, options, settings, signed};
use super::start;
use crate::market::Identity;

async fn event(stream: &mut EventStream, what: &str, wanted: impl Fn(&NodeEvent) -> bool) -> NodeEvent {
    let found = async {
        loop {
            let event = stream.next().await.unwrap_or_else(|| panic!("stream ended before: {what}"));
            if wanted(&event) {
                return event;
            }
        }
    };
    tokio::time::timeout(DEADLINE, found).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_share_a_bootstrap_node_find_each_other() {
    let one = TestNode::alone().await;
    let (two, three) = (TestNode::knowing(&one).await, TestNode::knowing(&one).await);
    for (node, name) in [(&one, "one"), (&two, "two"), (&three, "three")] {
        eventually(&format!("{name} sees 2 peers"), || async { node.handle.peers().await.unwrap().len() == 2 }).await;
    }
    eventually("identified", || async { two.opinion_of(&one).agent.starts_with("ggen-p2p-tui/") }).await;
    let peer = two.handle.peers().await.unwrap().into_iter().find(|peer| peer.peer_id == one.id()).unwrap();
    assert_eq!(peer.source, "bootstrap");
    assert_eq!((peer.reputation, peer.connected, peer.banned), (peer.reputation, true, false));
    assert!(!peer.addrs.is_empty());

    let status = three.handle.status().await.unwrap();
    assert_eq!((status.connected_peers, status.network.as_str(), status.dht.mode.as_str()), (2, NETWORK, "server"));
    assert_eq!(status.topics, ["/ggen/packages/v1"]);
    assert_eq!(status.pid, std::process::id());
    three.handle.bootstrap(true).await.unwrap();
    let dht = three.handle.dht().await.unwrap();
    assert_eq!(dht.mode_reason, "listening for nodes on this machine");
    assert!(dht.queries.iter().any(|query| query.kind == "bootstrap" && query.outcome.is_some()), "{dht:?}");
    assert_eq!(dht.buckets.iter().map(|bucket| bucket.peers).sum::<usize>(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_announced_release_reaches_the_catalogues_of_others() {
    let one = TestNode::alone().await;
    let (two, three) = (TestNode::knowing(&one).await, TestNode::knowing(&one).await);
    let release = signed(&Identity::generate(), NETWORK, "hello");
    let mut events = [one.handle.subscribe().await.unwrap(), three.handle.subscribe().await.unwrap()];
    eventually("two can announce", || async {
        two.context().swarm.announce(release.envelope().to_bytes()).await.unwrap() >= 1
    })
    .await;
    let mut ways = Vec::new();
    for (node, events) in [&one, &three].into_iter().zip(&mut events) {
        eventually("the release is there", || node.has(&release)).await;
        let told = event(events, "feed", |event| matches!(event, NodeEvent::Feed(_))).await;
        let NodeEvent::Feed(item) = told else { unreachable!() };
        assert_eq!(item.release_id, release.id());
        assert!(item.from.is_some());
        ways.push(item.via);
        assert_eq!(node.handle.feed(10).await.unwrap(), [item]);
    }
    // Two has it in no catalogue, so that the first of the others has it by gossip; a sync may be faster with the second.
    assert!(ways.contains(&Via::Gossip), "{ways:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_announcement_goes_no_further_and_bans_its_bearer() {
    let one = TestNode::alone().await;
    let two = TestNode::knowing(&one).await;
    let three = TestNode::with(|settings| settings.performance.min_peers = 0).await;
    three.handle.connect(one.address().await).await.unwrap();
    let release = signed(&Identity::generate(), NETWORK, "hello");
    let mut forged = release.envelope().clone();
    forged.signature[5] ^= 1;
    eventually("two announces", || async { two.context().swarm.announce(forged.to_bytes()).await.unwrap() >= 1 }).await;
    eventually("one bans two", || async { one.opinion_of(&two).banned }).await;
    let opinion = one.opinion_of(&two);
    assert!(opinion.failures >= 1 && opinion.reputation < 1.0);
    assert!(opinion.ban_reason.unwrap().contains("announcement"));
    eventually("two is dropped", || async { !one.sees(&two) }).await;
    assert!(!three.has(&release).await);
    assert_eq!(three.opinion_of(&one).failures, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_of_another_network_or_time_goes_no_further_and_costs_nobody() {
    let one = TestNode::alone().await;
    let two = TestNode::knowing(&one).await;
    let publisher = Identity::generate();
    let elsewhere = signed(&publisher, "elsewhere", "hello");
    let ahead = crate::market::Release {
        published_at: unix_now() + 3600,
        ..signed(&publisher, NETWORK, "ahead").release().clone()
    };
    let ahead = ahead.sign(&publisher).unwrap();
    let fine = signed(&publisher, NETWORK, "fine");
    for release in [&elsewhere, &ahead, &fine] {
        let envelope = release.envelope().to_bytes();
        eventually("two announces", || async { two.context().swarm.announce(envelope.clone()).await.unwrap() >= 1 })
            .await;
    }
    eventually("the last one is there", || one.has(&fine)).await;
    assert!(!one.has(&elsewhere).await && !one.has(&ahead).await);
    assert_eq!(one.opinion_of(&two).failures, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announcements_do_not_overfill_the_catalogue() {
    let one = TestNode::with(|settings| settings.performance.catalog_limit = 1).await;
    let two = TestNode::knowing(&one).await;
    let publisher = Identity::generate();
    let mut events = one.handle.subscribe().await.unwrap();
    for name in ["first", "second", "third"] {
        let envelope = signed(&publisher, NETWORK, name).envelope().to_bytes();
        eventually("two announces", || async { two.context().swarm.announce(envelope.clone()).await.unwrap() >= 1 })
            .await;
    }
    event(&mut events, "feed", |event| matches!(event, NodeEvent::Feed(_))).await;
    // Forged, so that its judgement shows: all that came before it is judged then.
    let mut forged = signed(&publisher, NETWORK, "forged").envelope().clone();
    forged.signature[5] ^= 1;
    two.context().swarm.announce(forged.to_bytes()).await.unwrap();
    eventually("all are judged", || async { one.opinion_of(&two).banned }).await;
    assert_eq!(one.handle.status().await.unwrap().catalog.releases, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_gets_by_sync_what_gossip_told_before_it_came() {
    let one = TestNode::alone().await;
    let release = signed(&Identity::generate(), NETWORK, "hello");
    let stored = release.clone();
    one.context().store.run(move |db| db.accept(&stored, 1)).await.unwrap();
    let two = TestNode::knowing(&one).await;
    eventually("synced", || two.has(&release)).await;
    eventually("told", || async { two.handle.status().await.unwrap().last_sync_at.is_some() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ban_by_hand_drops_the_peer_keeps_it_out_and_ends_by_hand() {
    let one = TestNode::alone().await;
    let two = TestNode::knowing(&one).await;
    eventually("connected", || async { one.sees(&two) && two.sees(&one) }).await;
    let mut events = one.handle.subscribe().await.unwrap();
    one.handle.ban(two.id(), "rude".into(), None).await.unwrap();
    let gone = event(&mut events, "gone", |event| matches!(event, NodeEvent::PeerGone { .. })).await;
    let NodeEvent::PeerGone { peer_id, reason } = gone else { unreachable!() };
    assert_eq!((peer_id, reason.as_str()), (two.id(), "banned: rude"));
    let NodeEvent::Peer(info) = event(&mut events, "banned", |event| matches!(event, NodeEvent::Peer(_))).await else {
        unreachable!()
    };
    assert!(info.banned && !info.connected);

    let refused = one.handle.connect(two.address().await).await.unwrap_err();
    assert!(refused.message.contains("is banned: rude"), "{}", refused.message);
    // The other side may think for a moment that it is connected; it does not stay so.
    let _ = two.handle.connect(one.address().await).await;
    eventually("kept out", || async { !two.sees(&one) && !one.sees(&two) }).await;

    assert!(one.handle.unban(two.id()).await.unwrap());
    assert!(!one.handle.unban(two.id()).await.unwrap());
    assert_eq!(one.handle.connect(two.address().await).await.unwrap(), two.id());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_disconnected_by_hand_stays_away_until_connected_by_hand() {
    let one = TestNode::alone().await;
    let two = TestNode::knowing(&one).await;
    eventually("connected", || async { one.sees(&two) && two.sees(&one) }).await;
    assert!(one.handle.disconnect(Some(two.id())).await.unwrap());
    eventually("disconnected", || async { !one.sees(&two) }).await;
    assert!(!one.handle.disconnect(Some(two.id())).await.unwrap());
    // The other side may think for a moment that it is connected; this side never does.
    let mut events = one.handle.subscribe().await.unwrap();
    let _ = two.handle.connect(one.address().await).await;
    eventually("still away", || async { !two.sees(&one) }).await;
    one.context().bus.emit(NodeEvent::InstalledChanged);
    let until = |event: &NodeEvent| matches!(event, NodeEvent::InstalledChanged | NodeEvent::Peer(_));
    assert_eq!(event(&mut events, "the marker", until).await, NodeEvent::InstalledChanged);
    assert_eq!(one.handle.connect(two.address().await).await.unwrap(), two.id());
    eventually("back", || async { one.sees(&two) && two.sees(&one) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_bans_and_reputation_outlive_a_restart() {
    let one = TestNode::alone().await;
    let two = TestNode::knowing(&one).await;
    let three = TestNode::alone().await;
    eventually("connected and synced", || async { two.opinion_of(&one).successes > 0 }).await;
    two.handle.ban(three.id(), "rude".into(), Some(3600)).await.unwrap();
    let before = two.opinion_of(&one);
    assert!(before.history.iter().any(|event| event.text.as_str() == "+ sync" && event.at > 0));
    let two = two.restarted(|_| {}).await;
    eventually("remembered and dialled", || async { two.sees(&one) }).await;
    let remembered = two.opinion_of(&one);
    assert_eq!(remembered.source, "remembered");
    assert!(remembered.successes >= before.successes && remembered.estimate > 0.3);
    let first = before.history.last().unwrap();
    assert!(remembered.history.iter().any(|event| event.text == first.text && event.at >= first.at));
    let banned = two.opinion_of(&three);
    assert_eq!((banned.banned, banned.ban_reason.unwrap().as_str()), (true, "rude"));
    assert_eq!(banned.history[0].text.as_str(), "banned for 1h: rude");
    assert!(three.handle.connect(two.address().await).await.is_err() || !two.sees(&three));
    eventually("kept out", || async { !two.sees(&three) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_for_a_home_and_shutdown_gives_it_back() {
    let one = TestNode::alone().await;
    let error = start(options(one.home.path(), settings())).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Failed);
    assert!(error.message.contains(&format!("(pid {})", std::process::id())), "{}", error.message);
    let socket = one.context().home.socket_file();
    assert!(socket.exists());
    let mut events = one.handle.subscribe().await.unwrap();
    let begun = std::time::Instant::now();
    one.handle.shutdown().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2) + Duration::from_millis(500), "{:?}", begun.elapsed());
    assert!(!socket.exists());
    event(&mut events, "stopping", |event| *event == NodeEvent::Stopping).await;
    assert!(events.next().await.is_none());
    assert_eq!(one.handle.status().await.unwrap_err().kind, ErrorKind::NoNode);
    let files: Vec<_> =
        std::fs::read_dir(one.home.path().join("p2p")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(
        files.iter().any(|name| name == "market.db") && !files.iter().any(|name| name == "market.db-wal"),
        "{files:?}"
    );
    let again = start(options(one.home.path(), settings())).await.unwrap();
    again.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_under_way_hears_that_the_node_stops() {
    let node = TestNode::alone().await;
    let package = tempfile::tempdir().unwrap();
    std::fs::write(package.path().join("package.toml"), "[package]\nname = \"patient\"\nversion = \"1.0.0\"\n")
        .unwrap();
    let path = package.path().display().to_string();
    // For ever: nobody is there who could hold it.
    let request = PublishRequest { path, wait_for: 1, ..PublishRequest::default() };
    let handle = node.handle.clone();
    let publishing = tokio::spawn(async move { handle.publish(request).await });
    eventually("it is stored", || async { node.handle.status().await.unwrap().storage.blobs == 1 }).await;
    node.handle.shutdown().await.unwrap();
    let answer = tokio::time::timeout(DEADLINE, publishing).await.unwrap().unwrap();
    assert_eq!(answer.unwrap_err().kind, ErrorKind::NoNode);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_last_handle_stops_the_node() {
    let TestNode { home, handle } = TestNode::alone().await;
    let mut events = handle.subscribe().await.unwrap();
    let copy = handle.clone();
    drop(handle);
    assert!(copy.status().await.is_ok());
    drop(copy);
    event(&mut events, "stopping", |event| *event == NodeEvent::Stopping).await;
    eventually("the home is free", || async { start(options(home.path(), settings())).await.is_ok() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_provided_is_found_through_the_dht() {
    let one = TestNode::alone().await;
    let (two, three) = (TestNode::knowing(&one).await, TestNode::knowing(&one).await);
    eventually("all connected", || async { two.sees(&three) && three.sees(&two) }).await;
    let package = crate::market::PackageId([9; 32]);
    assert!(three.context().swarm.providers(package, DEADLINE).await.unwrap().is_empty());
    two.context().swarm.provide(package).await.unwrap();
    let provider = two.context().swarm.local_peer();
    eventually("found", || async { three.context().swarm.providers(package, DEADLINE).await.unwrap() == [provider] })
        .await;
    eventually("kept by others", || async { one.handle.status().await.unwrap().dht.providers == 1 }).await;
    let dht = two.handle.dht().await.unwrap();
    assert_eq!(dht.provided, 1);
    let query = dht.queries.iter().find(|query| query.kind == "provide").unwrap();
    assert_eq!(query.key.as_str(), format!("blob {package}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_have_told_the_dht_is_kept_over_a_restart() {
    let one = TestNode::alone().await;
    let two = TestNode::knowing(&one).await;
    eventually("connected", || async { one.sees(&two) && two.sees(&one) }).await;
    let package = crate::market::PackageId([8; 32]);
    let provider = two.context().swarm.local_peer();
    two.context().swarm.provide(package).await.unwrap();
    eventually("kept", || async { one.handle.status().await.unwrap().dht.providers == 1 }).await;
    two.handle.shutdown().await.unwrap();
    let one = one.restarted(|_| {}).await;
    assert_eq!(one.handle.status().await.unwrap().dht.providers, 1);
    assert_eq!(one.context().swarm.providers(package, DEADLINE).await.unwrap(), [provider]);
    assert!(one.home.path().join("p2p/dht.db").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_is_replaced_and_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let node = TestNode::with(|settings| {
        settings.network.listen_addresses = vec![format!("/ip4/127.0.0.1/tcp/{port}")];
    })
    .await;
    let status = node.handle.status().await.unwrap();
    assert_eq!(status.listen_addrs.len(), 1);
    assert!(!status.listen_addrs[0].ends_with(&format!("/{port}")));
    assert!(status.notices[0].contains(&format!("TCP port {port} is taken")), "{:?}", status.notices);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_never_share_a_port() {
    let one = TestNode::alone().await;
    let port: u16 = one.handle.status().await.unwrap().listen_addrs[0].rsplit('/').next().unwrap().parse().unwrap();
    let two = TestNode::with(|settings| {
        settings.network.listen_addresses = vec![format!("/ip4/127.0.0.1/tcp/{port}")];
    })
    .await;
    assert!(!two.handle.status().await.unwrap().listen_addrs[0].ends_with(&format!("/{port}")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_that_cannot_be_used_give_one_clear_error_and_leave_nothing_running() {
    let home = tempfile::tempdir().unwrap();
    let attempt = async |change: &dyn Fn(&mut crate::config::Settings)| {
        let mut settings = settings();
        change(&mut settings);
        start(options(home.path(), settings)).await.err().unwrap()
    };
    let error = attempt(&|settings| settings.network.listen_addresses = vec!["localhost:4001".into()]).await;
    assert_eq!(error.kind, ErrorKind::Usage);
    assert!(error.message.contains("\"localhost:4001\""));
    let error = attempt(&|settings| settings.network.bootstrap_nodes = vec!["/ip4/1.2.3.4".into()]).await;
    assert_eq!(error.kind, ErrorKind::Usage);
    // TEST-NET-1 (RFC 5737): an address of no machine.
    let error = attempt(&|settings| settings.network.listen_addresses = vec!["/ip4/192.0.2.1/tcp/0".into()]).await;
    assert_eq!(error.kind, ErrorKind::Network);
    assert!(error.message.contains("192.0.2.1"), "{}", error.message);
    assert!(start(options(home.path(), settings())).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quic_works_too() {
    let quic = |settings: &mut crate::config::Settings| {
        settings.network.listen_addresses = vec!["/ip4/127.0.0.1/udp/0/quic-v1".into()];
    };
    let (one, two) = (TestNode::with(quic).await, TestNode::with(quic).await);
    assert_eq!(two.handle.connect(one.address().await).await.unwrap(), one.id());
    eventually("both see it", || async { one.sees(&two) && two.sees(&one) }).await;
    eventually("manual", || async { two.opinion_of(&one).source == "manual" }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_node_takes_no_more_peers() {
    let full = TestNode::with(|settings| settings.performance.max_peers = 1).await;
    let first = TestNode::knowing(&full).await;
    eventually("the first is in", || async { full.sees(&first) }).await;
    let second = TestNode::alone().await;
    // It may look connected to the second for the moment until the refusal arrives.
    let _ = second.handle.connect(full.address().await).await;
    eventually("the second is out", || async { !second.sees(&full) }).await;
    assert!(full.sees(&first) && !full.sees(&second));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_lines_are_kept_and_told() {
    let home = tempfile::tempdir().unwrap();
    let (lines, _) = tokio::sync::broadcast::channel(16);
    let options = super::NodeOptions { logs: Some(lines.clone()), ..options(home.path(), settings()) };
    let handle = start(options).await.unwrap();
    let mut events = handle.subscribe().await.unwrap();
    let (level, target, message) = ("INFO".into(), "a::target".into(), "hello".into());
    let line = LogLine { at_ms: 5, level, target, message };
    lines.send(line.clone()).unwrap();
    let told = event(&mut events, "the line", |event| matches!(event, NodeEvent::Log(_))).await;
    assert_eq!(told, NodeEvent::Log(line.clone()));
    assert_eq!(handle.logs(10).await.unwrap(), [line]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_announced_in_earlier_runs_is_in_the_feed_again() {
    let one = TestNode::alone().await;
    let (own, other) = (one.context().identity.clone(), Identity::generate());
    let releases = [signed(&own, NETWORK, "mine"), signed(&other, NETWORK, "theirs")];
    one.context().store.run(move |db| db.accept_all(&releases, 7)).await.unwrap();
    let one = one.restarted(|_| {}).await;
    eventually("the feed is back", || async { one.handle.feed(10).await.unwrap().len() == 2 }).await;
    let feed = one.handle.feed(10).await.unwrap();
    let mine = feed.iter().find(|item| item.name.as_str() == "mine").unwrap();
    assert_eq!((mine.via, mine.received_at), (Via::Own, 7));
    eventually("the own name is provided", || async { one.handle.dht().await.unwrap().provided == 1 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connecting_to_nobody_says_why() {
    let one = TestNode::alone().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let error = one.handle.connect(format!("/ip4/127.0.0.1/tcp/{port}")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Network);
    assert!(error.message.contains("refused"), "{}", error.message);
    let error = one.handle.connect("hello".into()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Usage);
    let error = one.handle.ban("hello".into(), String::new(), None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Usage);
    assert_eq!(one.handle.bootstrap(false).await.unwrap_err().kind, ErrorKind::Network);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_is_told_when_it_changes() {
    let one = TestNode::alone().await;
    let mut events = one.handle.subscribe().await.unwrap();
    let _two = TestNode::knowing(&one).await;
    event(&mut events, "a peer", |event| matches!(event, NodeEvent::Peer(info) if info.connected)).await;
    let connected = |event: &NodeEvent| matches!(event, NodeEvent::Status(status) if status.connected_peers == 1);
    event(&mut events, "status with a peer", connected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_lived_node_has_no_socket_and_no_fixed_port() {
    let home = tempfile::tempdir().unwrap();
    let mut options = options(home.path(), settings());
    options.settings.network.listen_addresses = vec!["/ip4/127.0.0.1/tcp/1".into()];
    options.ephemeral = true;
    let socket = options.home.socket_file();
    let handle = start(options).await.unwrap();
    let status = handle.status().await.unwrap();
    assert!(!socket.exists());
    assert!(!status.listen_addrs[0].ends_with("/tcp/1"));
    assert_eq!(status.dht.mode, "client");
    assert!(status.notices.is_empty());
}

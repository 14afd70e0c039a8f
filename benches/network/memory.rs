//! How much memory one node takes with many peers: real processes, all connected to it and in step with it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::harness::{Home, Node};
use super::package::package;
use super::process::{own_mib, resident_mib};

/// The kinds of addresses that a node listens on by default.
const LISTEN: [&str; 2] = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"];
/// What a start needs for a moment only is gone by then.
const REST: Duration = Duration::from_secs(20);
/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(60);
/// Whatever takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(180);

pub fn run(peers: usize, lasting: Duration) {
    let node = Node::listening(Home::new(), &LISTEN, &[]);
    sleep(REST);
    println!("\n{:<44} {:>9} {:>9}", "memory of one node, MiB", "resident", "its own");
    tell("no peers", node.pid());
    let known = node.addresses();
    let others: Vec<Node> = (0..peers).map(|_| Node::listening(Home::new(), &LISTEN, &known)).collect();
    until("all are connected", || node.connected_peers() >= peers as u64);
    for (number, other) in others.iter().enumerate() {
        let dir = package(&format!("package-{number}"));
        other.json(&["publish", dir.path().to_str().expect("UTF-8")]);
    }
    until("all are in step", || std::iter::once(&node).chain(&others).all(|node| releases(node) >= peers as u64));
    let begun = Instant::now();
    tell(&format!("{peers} peers, in step"), node.pid());
    while begun.elapsed() < lasting {
        sleep(EVERY.min(lasting.saturating_sub(begun.elapsed())));
        tell(&format!("{} peers, {} s later", node.connected_peers(), begun.elapsed().as_secs()), node.pid());
    }
    assert!(node.connected_peers() >= peers as u64, "some have left");
}

fn releases(node: &Node) -> u64 {
    node.json(&["status"])["catalog"]["releases"].as_u64().expect("a number")
}

fn tell(when: &str, pid: u32) {
    println!("{when:<44} {:>9.1} {:>9.1}", resident_mib(pid), own_mib(pid));
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        sleep(Duration::from_millis(200));
    }
}

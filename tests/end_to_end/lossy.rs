//! An install over a long line that loses some of what goes through it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::harness::{Home, Node, tree};
use crate::lossy_line::{self, Seen};
use crate::transfers::{download, package};

/// Bytes of the package; as many MiB as `GGEN_LOSSY_MIB` says, where somebody measures.
fn size() -> usize {
    std::env::var("GGEN_LOSSY_MIB").ok().and_then(|mib| mib.parse().ok()).unwrap_or(2usize) << 20
}

/// Installs through a proxy before a node that listens on `listen`, which is `/ip4/127.0.0.1/` and `kind` with a port.
fn install(listen: &str, kind: (&str, &str), proxy: fn(SocketAddr) -> (u16, Arc<Seen>)) {
    let publisher = Node::listening(Home::new(), listen, &[]);
    let dir = package(publisher.home.folder(), size());
    publisher.json(&["publish", dir.to_str().expect("UTF-8")]);
    let address = publisher.address();
    let port = address.split('/').nth(4).and_then(|port| port.parse().ok()).expect("a port");
    let (port, seen) = proxy(([127, 0, 0, 1], port).into());
    let through = format!("/ip4/127.0.0.1/{}/{port}{}/p2p/{}", kind.0, kind.1, publisher.peer_id());
    let node = Node::listening(Home::new(), listen, &[through]);
    node.wait_for_package("bulk");
    let begun = Instant::now();
    node.json(&["install", "bulk"]);
    let lost = seen.lost.load(Ordering::Relaxed);
    println!(
        "{} MiB over {}{}: {:.1} s; {lost} of {} lost, each under way for {:?} at least",
        size() >> 20,
        kind.0,
        kind.1,
        begun.elapsed().as_secs_f64(),
        seen.pieces.load(Ordering::Relaxed),
        seen.quickest()
    );
    assert_eq!(tree(&node.home.packs().join("bulk")), tree(&dir));
    // All of it went through the line, late and with gaps.
    assert!(seen.bytes.load(Ordering::Relaxed) > size() as u64 && lost > 0);
    assert!(seen.quickest() >= Duration::from_millis(100));
    let transfer = download(&node.home.path()).expect("the download");
    assert_eq!(transfer["state"], "done", "{transfer}");
}

#[test]
fn a_package_arrives_over_a_long_and_lossy_line_by_tcp() {
    install("/ip4/127.0.0.1/tcp/0", ("tcp", ""), lossy_line::tcp);
}

#[test]
fn a_package_arrives_over_a_long_and_lossy_line_by_quic() {
    install("/ip4/127.0.0.1/udp/0/quic-v1", ("udp", "/quic-v1"), lossy_line::udp);
}

//! An install over a long line that loses some of what goes through it.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::harness::{Home, Node, command, tree};
use crate::lossy_line::{self, Seen};
use crate::transfers::{download, package};

/// The longest that an install may take: somebody may measure a large one.
const PATIENCE: Duration = Duration::from_secs(600);

/// Bytes of the package: as many MiB as `GGEN_LOSSY_MIB` says, where somebody measures.
fn size(usual: usize) -> usize {
    let asked = std::env::var("GGEN_LOSSY_MIB").ok().and_then(|mib| mib.parse::<usize>().ok());
    asked.map_or(usual, |mib| mib << 20)
}

/// Installs through a proxy before a node that listens on `listen`, which is `/ip4/127.0.0.1/` and `kind` with a port.
fn install(size: usize, listen: &str, kind: (&str, &str), proxy: fn(SocketAddr) -> (u16, Arc<Seen>)) {
    let publisher = Node::listening(Home::new(), &[listen], &[]);
    let dir = package(publisher.home.folder(), size);
    publisher.json(&["publish", dir.to_str().expect("UTF-8")]);
    let address = publisher.address();
    let port = address.split('/').nth(4).and_then(|port| port.parse().ok()).expect("a port");
    let (port, seen) = proxy(([127, 0, 0, 1], port).into());
    let through = format!("/ip4/127.0.0.1/{}/{port}{}/p2p/{}", kind.0, kind.1, publisher.peer_id());
    let node = Node::listening(Home::new(), &[listen], &[through]);
    node.wait_for_package("bulk");
    let begun = Instant::now();
    let mut install =
        command(&node.home.path()).args(["install", "bulk"]).stdout(Stdio::null()).spawn().expect("it runs");
    while install.try_wait().expect("its state").is_none() {
        assert!(begun.elapsed() < PATIENCE, "the install does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    let lost = seen.lost.load(Ordering::Relaxed);
    println!(
        "{} KiB over {}{}: {:.1} s; {lost} of {} lost, each under way for {:?} at least",
        size >> 10,
        kind.0,
        kind.1,
        begun.elapsed().as_secs_f64(),
        seen.pieces.load(Ordering::Relaxed),
        seen.quickest()
    );
    assert_eq!(tree(&node.home.packs().join("bulk")), tree(&dir));
    // All of it went through the line, late and with gaps.
    assert!(seen.bytes.load(Ordering::Relaxed) > size as u64 && lost > 0);
    assert!(seen.quickest() >= Duration::from_millis(100));
    let transfer = download(&node.home.path()).expect("the download");
    assert_eq!(transfer["state"], "done", "{transfer}");
}

#[test]
fn a_package_arrives_over_a_long_and_lossy_line_by_tcp() {
    install(size(2 << 20), "/ip4/127.0.0.1/tcp/0", ("tcp", ""), lossy_line::tcp);
}

/// A congestion control that takes each loss for a sign that the line is full makes some 60 KB a second of this one.
#[test]
fn a_package_arrives_over_a_long_and_lossy_line_by_quic() {
    install(size(2 << 20), "/ip4/127.0.0.1/udp/0/quic-v1", ("udp", "/quic-v1"), lossy_line::udp);
}

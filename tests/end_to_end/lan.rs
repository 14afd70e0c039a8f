//! A local network: nodes that were told of nobody find each other by mDNS. It runs in a network namespace of its own, so that it
//! meets no others.

use std::process::Command;

use crate::harness::{Home, Node, repository, tree};

const SAMPLE: &str = "assets/demo/rest-endpoint";

/// Set for the process inside.
const INSIDE: &str = "LAN_INSIDE";

/// What the process inside prints when it has seen all that it should.
const DONE: &str = "found, published, installed";

#[test]
fn nodes_of_a_local_network_find_each_other_by_themselves() {
    let inside = Command::new("unshare")
        .args(["--map-root-user", "--net"])
        .arg(std::env::current_exe().expect("this test"))
        .args(["--exact", "lan::inside", "--ignored", "--nocapture"])
        .env(INSIDE, "1")
        .output();
    let inside = match inside {
        Ok(inside) => inside,
        Err(error) => return println!("skipped: unshare: {error}"),
    };
    let (said, failed) = (String::from_utf8_lossy(&inside.stdout), String::from_utf8_lossy(&inside.stderr));
    if failed.starts_with("unshare: ") {
        return println!("skipped: {failed}");
    }
    if let Some(reason) = said.lines().find(|line| line.starts_with("skipped: ")) {
        return println!("{reason}");
    }
    assert!(inside.status.success() && said.contains(DONE), "{said}{failed}");
}

/// Not a test by itself: what [`nodes_of_a_local_network_find_each_other_by_themselves`] runs in the namespace.
#[test]
#[ignore = "run by another test, in a network of its own"]
fn inside() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    if let Err(reason) = network() {
        return println!("\nskipped: {reason}");
    }
    let (one, two) = (Node::with(Home::new(), &[]), Node::with(Home::new(), &[]));
    one.wait_for_peers(1);
    two.wait_for_peers(1);
    let met = [&one, &two].map(|node| node.json(&["peers"])["peers"][0]["source"].clone());
    assert!(met.contains(&"mdns".into()), "{met:?}");
    two.json(&["publish", repository(SAMPLE).to_str().expect("UTF-8")]);
    one.wait_for_package("rest-endpoint");
    one.json(&["install", "rest-endpoint"]);
    assert_eq!(tree(&one.home.packs().join("rest-endpoint")), tree(&repository(SAMPLE)));
    println!("\n{DONE}");
}

/// One end of a cable that is plugged in, as the only way out.
fn network() -> Result<(), String> {
    for line in [
        "link set lo up",
        "link add lan type veth peer name socket",
        "address add 10.77.0.1/24 dev lan",
        "link set socket up",
        "link set lan multicast on up",
        "route add 224.0.0.0/4 dev lan",
    ] {
        let output = Command::new("ip").args(line.split(' ')).output().map_err(|error| format!("ip: {error}"))?;
        if !output.status.success() {
            return Err(format!("ip {line}: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    Ok(())
}

//! Several headless nodes: finding each other, publishing, installing, healing, and being lied to.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::harness::{Home, Node, command, ggen_data, repository, signal, tree, wait_for};

const SAMPLE: &str = "assets/demo/rest-endpoint";

fn publish(node: &Node, path: &Path) -> Value {
    node.json(&["publish", path.to_str().expect("UTF-8")])
}

/// The stored archive of `package_id` in `home`.
fn blob(home: &Home, package_id: &str) -> std::path::PathBuf {
    home.path().join("p2p-cache/blobs").join(&package_id[..2]).join(package_id)
}

#[test]
fn three_nodes_publish_find_and_install_and_the_second_holder_serves() {
    let one = Node::start(&[]);
    let two = Node::start(&[&one]);
    let mut three = Node::start(&[&one]);
    for node in [&one, &two, &three] {
        node.wait_for_peers(2);
    }

    let sample = repository(SAMPLE);
    let published = publish(&three, &sample);
    assert_eq!(published["name"], "rest-endpoint");
    assert_eq!(published["publisher"], three.peer_id());
    assert!(published["seen_by"].as_u64().is_some_and(|seen| seen >= 1), "{published}");
    one.wait_for_package("rest-endpoint");
    two.wait_for_package("rest-endpoint");

    let installed = two.json(&["install", "rest-endpoint"]);
    let entry = &installed["installed"][0];
    assert_eq!(entry["package_id"], published["package_id"]);
    assert_eq!(entry["providers"][0], three.peer_id());
    assert_eq!(tree(&two.home.packs().join("rest-endpoint")), tree(&sample));
    assert!(two.home.packs().join("rest-endpoint.toml").is_file());

    let second = two.peer_id();
    three.kill();
    let installed = one.json(&["install", "rest-endpoint"]);
    assert_eq!(installed["installed"][0]["providers"][0], second);
    assert_eq!(tree(&one.home.packs().join("rest-endpoint")), tree(&sample));

    // Gossip is over: this one can only learn it by catalogue sync.
    let four = Node::start(&[&one]);
    four.wait_for_package("rest-endpoint");
}

#[test]
fn a_node_that_was_off_finds_what_it_missed() {
    let one = Node::start(&[]);
    let two = Node::start(&[&one]);
    one.wait_for_peers(1);
    let mut two = two;
    two.terminate();
    publish(&one, &repository(SAMPLE));
    let two = two.restart(&[&one]);
    two.wait_for_package("rest-endpoint");
}

#[test]
fn peers_are_remembered_between_runs() {
    let one = Node::start(&[]);
    let two = Node::start(&[&one]);
    one.wait_for_peers(1);
    // No bootstrap this time: only what it remembers can lead it back.
    let two = two.restart(&[]);
    two.wait_for_peers(1);
    assert_eq!(two.json(&["peers"])["peers"][0]["peer_id"], one.peer_id());
}

#[test]
fn a_corrupt_provider_is_caught_named_and_loses_its_reputation() {
    let liar = Node::start(&[]);
    let victim = Node::start(&[&liar]);
    victim.wait_for_peers(1);
    let published = publish(&liar, &repository(SAMPLE));
    victim.wait_for_package("rest-endpoint");

    let path = blob(&liar.home, published["package_id"].as_str().expect("an id"));
    let mut bytes = std::fs::read(&path).expect("the stored blob");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).expect("the flipped byte");

    let liar_id = liar.peer_id();
    let before = reputation(&victim, &liar_id);
    let (code, error) = victim.home.failure(&["install", "rest-endpoint"]);
    assert_eq!(code, 4, "{error}");
    let message = error["error"]["message"].as_str().expect("a message");
    for part in ["rest-endpoint", liar_id.as_str(), "expected", "got"] {
        assert!(message.contains(part), "«{part}» is missing in: {message}");
    }
    let left: Vec<_> = std::fs::read_dir(victim.home.packs()).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    assert!(reputation(&victim, &liar_id) < before, "the reputation did not fall from {before}");
    assert_eq!(peer(&victim, &liar_id)["banned"], true);
}

/// What `node` says of the peer.
fn peer(node: &Node, id: &str) -> Value {
    let answer = node.json(&["peers"]);
    let peers = answer["peers"].as_array().expect("peers");
    peers.iter().find(|peer| peer["peer_id"] == id).expect("the peer is listed").clone()
}

fn reputation(node: &Node, id: &str) -> f64 {
    peer(node, id)["reputation"].as_f64().expect("a number")
}

#[test]
fn every_real_package_publishes_and_is_found_by_the_others() {
    let Some(data) = ggen_data() else { return };
    let one = Node::start(&[]);
    let two = Node::start(&[&one]);
    one.wait_for_peers(1);

    let mut names = BTreeSet::new();
    for folder in package_folders(&data) {
        let answer = publish(&one, &folder);
        names.insert(answer["name"].as_str().expect("a name").to_owned());
    }
    assert!(names.len() >= 41, "only {} packages", names.len());
    for name in &names {
        two.wait_for_package(name);
    }
}

fn package_folders(root: &Path) -> Vec<std::path::PathBuf> {
    let mut found = BTreeSet::new();
    for (path, _) in tree(root) {
        if path.ends_with("package.toml") || path.ends_with("gpack.toml") {
            found.insert(root.join(path.parent().expect("a folder")));
        }
    }
    found.into_iter().collect()
}

#[test]
fn a_publish_without_a_running_node_says_how_long_it_is_reachable() {
    let home = Home::new();
    let output = home.run(&["publish", repository(SAMPLE).to_str().expect("UTF-8"), "--no-mdns"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("only while a node"), "{said}");
}

#[test]
fn bans_hold_and_are_lifted_by_hand() {
    let one = Node::start(&[]);
    let two = Node::start(&[&one]);
    one.wait_for_peers(1);
    let id = two.peer_id();
    assert!(one.home.run(&["ban", &id, "--reason", "a test"]).status.success());
    wait_for("the banned peer to be dropped", || (one.connected_peers() == 0).then_some(()));
    let (code, _) = two.home.failure(&["connect", &one.address()]);
    assert_eq!(code, 5);
    assert!(one.home.run(&["unban", &id]).status.success());
    wait_for("the peer to be let in again", || {
        two.home.run(&["connect", &one.address()]).status.success().then_some(())
    });
    one.wait_for_peers(1);
}

#[test]
fn a_kept_peer_stays_in_sight_while_it_is_away() {
    let mut one = Node::start(&[]);
    let two = Node::start(&[&one]);
    two.wait_for_peers(1);
    let id = one.peer_id();
    assert!(two.home.run(&["keep", &id]).status.success());
    let (code, said) = two.home.failure(&["keep", "12D3KooWGrCDJoLoTYyQXcADZueQFXshCKwmwjXRsmEJdMfgxHh4"]);
    assert_eq!(code, 3, "{said}");
    one.terminate();
    wait_for("the loss to be seen", || (two.connected_peers() == 0).then_some(()));
    let shown = String::from_utf8(two.home.run(&["peers"]).stdout).expect("UTF-8");
    assert!(shown.contains("away, kept"), "{shown}");
    assert!(two.home.run(&["unkeep", &id]).status.success());
    let (code, _) = two.home.failure(&["unkeep", &id]);
    assert_eq!(code, 3);
}

#[test]
fn the_demo_is_told_line_by_line_where_there_is_no_terminal() {
    let home = Home::new();
    let mut child = command(&home.path()).arg("--demo").stdout(Stdio::piped()).spawn().expect("the demo starts");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines().map_while(Result::ok);
    for wanted in ["DEMO", "connected", "published rest-endpoint 1.2.0", "fetched rest-endpoint"] {
        assert!(lines.any(|line| line.contains(wanted)), "it ended without a line of «{wanted}»");
    }
    signal(child.id(), rustix::process::Signal::INT);
    assert_eq!(wait_for("the demo to end", || child.try_wait().expect("its state")).code(), Some(0));
    assert!(!home.path().exists(), "the demo touched the home");
}

#[test]
fn sigterm_ends_a_node_cleanly_and_frees_its_home() {
    let mut node = Node::start(&[]);
    assert_eq!(node.terminate(), Some(0));
    assert!(!node.home.path().join("p2p/node.sock").exists());
    let (code, error) = node.home.failure(&["status"]);
    assert_eq!(code, 6, "{error}");
}

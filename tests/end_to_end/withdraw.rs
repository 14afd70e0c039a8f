//! What a publisher takes back: a version, and its key.

use crate::harness::{Home, Node, repository, wait_for};

const SAMPLE: &str = "assets/demo/rest-endpoint";

fn publish(node: &Node) -> String {
    let published = node.json(&["publish", repository(SAMPLE).to_str().expect("UTF-8")]);
    format!("rest-endpoint@{}", published["version"].as_str().expect("a version"))
}

#[test]
fn a_withdrawn_version_is_found_by_nobody_until_it_is_offered_again() {
    let one = Node::start(&[]);
    let two = Node::start(&[&one]);
    two.wait_for_peers(1);
    let version = publish(&one);
    two.wait_for_package("rest-endpoint");

    let (code, error) = two.home.failure(&["yank", &version, "--reason", "not mine"]);
    assert_eq!(code, 7, "{error}");
    assert_eq!(one.home.failure(&["yank", "rest-endpoint@99.0.0", "--reason", "x"]).0, 3);
    assert_eq!(one.home.failure(&["yank", "rest-endpoint", "--reason", "x"]).0, 2);

    let withdrawn = one.json(&["yank", &version, "--reason", "it answers wrongly"]);
    assert_eq!(withdrawn["reason"], "it answers wrongly");
    wait_for("the yank reaches the other", || two.local_search("rest-endpoint").is_empty().then_some(()));
    let (code, error) = two.home.failure(&["install", "rest-endpoint"]);
    assert_ne!(code, 0);
    assert!(error.to_string().contains("it answers wrongly"), "{error}");

    one.json(&["yank", &version, "--undo"]);
    two.wait_for_package("rest-endpoint");
    two.json(&["install", "rest-endpoint"]);
}

#[test]
fn a_key_is_replaced_and_the_old_one_revoked() {
    let one = Node::start(&[]);
    let two = Node::start(&[&one]);
    two.wait_for_peers(1);
    let version = publish(&one);
    two.wait_for_package("rest-endpoint");
    let old = one.peer_id();

    assert_eq!(one.home.failure(&["key", "revoke", "--reason", "lost"]).0, 2, "without --yes");
    let change = one.json(&["key", "rotate"]);
    assert_eq!((change["old"].as_str(), change["restart"].as_bool()), (Some(old.as_str()), Some(true)));
    let new = change["new"].as_str().expect("a key").to_owned();
    let one = one.restart(&[&two]);
    assert_eq!(one.peer_id(), new);
    one.wait_for_peers(1);
    // What the old key published is withdrawn with the old key.
    assert_eq!(one.json(&["yank", &version, "--reason", "moved"])["publisher"], old);
    one.json(&["key", "revoke", "--key", &old, "--reason", "the laptop was lost", "--yes"]);
    let keys = one.json(&["key", "show"]);
    assert_eq!((keys["keys"][0]["publisher"].as_str(), keys["keys"][0]["in_use"].as_bool()), (Some(&*new), Some(true)));
    assert_eq!(
        (keys["keys"][1]["successor"].as_str(), &keys["keys"][1]["revoked"]),
        (Some(&*new), &"the laptop was lost".into())
    );
}

#[test]
fn without_a_key_there_is_none_to_show_and_asking_makes_none() {
    let home = Home::new();
    assert_eq!(home.failure(&["key", "show"]).0, 3);
    assert!(!home.path().join("p2p/identity.key").exists());
}

//! Publishing and installing by the verbs: which version, whose, and for how long.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Home, Node, command, signal, wait_for};

/// A package of this name and version below `home`'s folder.
fn package(home: &Home, name: &str, version: &str) -> PathBuf {
    let folder = home.folder().join(format!("{name}-{version}"));
    fs::create_dir_all(&folder).expect("a folder");
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\ndescription = \"{version}\"\n");
    fs::write(folder.join("gpack.toml"), manifest).expect("a manifest");
    folder
}

fn publish(node: &Node, name: &str, version: &str) -> Value {
    let folder = package(&node.home, name, version);
    node.json(&["publish", folder.to_str().expect("UTF-8")])
}

#[test]
fn a_requirement_chooses_the_newest_version_that_fits() {
    let one = Node::start(&[]);
    for version in ["0.9.0", "1.0.0", "1.2.0", "1.2.5", "1.3.0", "2.0.0", "2.1.0-rc.1"] {
        publish(&one, "many", version);
    }
    let two = Node::start(&[&one]);
    two.wait_for_package("many");
    for (wanted, version) in [
        ("many", "2.0.0"),
        ("many@^1.2", "1.3.0"),
        ("many@~1.2", "1.2.5"),
        ("many@=1.2.0", "1.2.0"),
        ("many@>=1, <1.3", "1.2.5"),
        ("many@*", "2.0.0"),
        ("many@0.9", "0.9.0"),
        ("many@2.1.0-rc.1", "2.1.0-rc.1"),
    ] {
        let installed = two.json(&["install", wanted]);
        assert_eq!(installed["installed"][0]["version"], version, "{wanted}");
        let described = fs::read_to_string(two.home.packs().join("many/gpack.toml")).expect("installed");
        assert!(described.contains(&format!("version = \"{version}\"")), "{wanted}: {described}");
    }
    let (code, error) = two.home.failure(&["install", "many@9"]);
    assert_eq!(code, 3, "{error}");
}

#[test]
fn of_several_publishers_one_is_named_and_then_kept_to() {
    let one = Node::start(&[]);
    let two = Node::start(&[&one]);
    publish(&one, "common", "1.0.0");
    publish(&two, "common", "2.0.0");
    wait_for("both releases", || (one.local_search("common").len() == 2).then_some(()));

    let (code, error) = one.home.failure(&["install", "common"]);
    assert_eq!(code, 2, "{error}");
    assert!(error.to_string().contains(&one.peer_id()) && error.to_string().contains(&two.peer_id()), "{error}");
    let installed = one.json(&["install", "common", "--publisher", &two.peer_id()]);
    assert_eq!(installed["installed"][0]["version"], "2.0.0");
    let (code, error) = one.home.failure(&["install", "common", "--publisher", &one.peer_id()]);
    assert_eq!(code, 4, "another key replaced the first: {error}");
}

#[test]
fn publishing_again_gives_the_same_release_and_other_content_needs_another_version() {
    let node = Node::start(&[]);
    let first = publish(&node, "twice", "1.0.0");
    let again = publish(&node, "twice", "1.0.0");
    assert_eq!(first["release_id"], again["release_id"]);
    assert_eq!((&first["again"], &again["again"]), (&false.into(), &true.into()));
    let folder = package(&node.home, "twice", "1.0.0");
    fs::write(folder.join("more.txt"), "more").expect("a file");
    let (code, error) = node.home.failure(&["publish", folder.to_str().expect("UTF-8")]);
    assert_eq!(code, 1, "{error}");
    assert!(error["error"]["message"].as_str().is_some_and(|said| said.contains("raise the version")), "{error}");
    // Both looks beforehand know it too, with the node and without.
    let mut node = node;
    for running in [true, false] {
        for look in ["--dry-run", "--check"] {
            let output = node.home.run(&["publish", folder.to_str().expect("UTF-8"), look]);
            assert_eq!(output.status.code(), Some(1), "{look} {running}");
            let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(said.contains("out already, with other content"), "{look} {running}: {said}");
            assert!(wrong.contains("raise the version"), "{look} {running}: {wrong}");
        }
        node.terminate();
    }
    let output = node.home.run(&["publish", "--no-mdns", folder.to_str().expect("UTF-8")]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("reachable"), "nothing was published");
}

#[test]
fn what_publish_shares_can_be_installed_as_it_is() {
    let one = Node::start(&[]);
    let shared = publish(&one, "shared", "1.0.0")["share"].as_str().expect("a share string").to_owned();
    publish(&one, "shared", "1.1.0");
    let two = Node::start(&[&one]);
    two.wait_for_package("shared");
    assert_eq!(two.json(&["install", &shared])["installed"][0]["version"], "1.0.0");
}

/// With no node of its own running, the publisher is there just as long as it waits.
#[test]
fn publish_waits_until_another_node_holds_the_package() {
    let one = Node::start(&[]);
    let home = Home::new();
    let folder = package(&home, "awaited", "1.0.0");
    let publisher = command(&home.path())
        .args(["publish", folder.to_str().expect("UTF-8"), "--wait", "1", "--format", "json"])
        .args(["--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0", "--bootstrap", &one.address()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the publisher starts");
    one.wait_for_package("awaited");
    one.json(&["install", "awaited"]);
    let output = publisher.wait_with_output().expect("it ends");
    assert!(output.status.success());
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["held_by"], 1, "{answer}");
}

#[test]
fn a_wait_in_vain_answers_and_then_fails() {
    let node = Node::start(&[]);
    let folder = package(&node.home, "unwanted", "1.0.0");
    let path = folder.to_str().expect("UTF-8");
    let output = node.home.run(&["publish", path, "--wait", "1", "--wait-timeout", "1s", "--format", "json"]);
    assert_eq!(output.status.code(), Some(5));
    let answer: Value = serde_json::from_slice(&output.stdout).expect("what was published is said all the same");
    assert_eq!((&answer["name"], &answer["held_by"]), (&"unwanted".into(), &0.into()));
    let error: Value = serde_json::from_slice(&output.stderr).expect("a JSON error");
    assert_eq!(error["error"]["code"], "network");
}

#[test]
fn an_interrupted_verb_ends_its_node_and_frees_the_home() {
    for (sent, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let home = Home::new();
        let folder = package(&home, "held-up", "1.0.0");
        let mut publisher = command(&home.path())
            .args(["publish", folder.to_str().expect("UTF-8"), "--wait", "1", "--no-mdns"])
            .args(["--listen", "/ip4/127.0.0.1/tcp/0"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the publisher starts");
        let blobs = home.path().join("p2p-cache/blobs");
        wait_for("the package to be stored", || fs::read_dir(&blobs).ok()?.next().map(drop));
        signal(publisher.id(), sent);
        let ended = wait_for("the verb to end", || publisher.try_wait().expect("its state"));
        assert_eq!(ended.code(), Some(code));
        assert!(!home.path().join("p2p/node.sock").exists());
        // A node of its own takes the lock at once.
        let listed = home.run(&["search", "held-up", "--local", "--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0"]);
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    }
}

/// A verb's own node cannot be asked by others; who needs the home is told whose it is.
#[test]
fn a_home_that_another_command_uses_is_said_so() {
    let home = Home::new();
    let folder = package(&home, "held-up", "1.0.0");
    let loopback = ["--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0"];
    let mut publisher = command(&home.path())
        .args(["publish", folder.to_str().expect("UTF-8"), "--wait", "1"])
        .args(loopback)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the publisher starts");
    let lock = home.path().join("p2p/node.lock");
    let pid = publisher.id().to_string();
    wait_for("its node to be up", || fs::read_to_string(&lock).is_ok_and(|holder| holder.trim() == pid).then_some(()));
    let (code, error) = home.failure(&[&["start"][..], &loopback].concat());
    assert_eq!(code, 1, "{error}");
    assert!(error["error"]["message"].as_str().is_some_and(|said| said.contains(&pid)), "{error}");
    assert!(error["error"]["hint"].as_str().is_some_and(|said| said.contains("another command")), "{error}");
    signal(publisher.id(), Signal::INT);
    wait_for("the verb to end", || publisher.try_wait().expect("its state"));
}

#[test]
fn a_mirror_keeps_what_it_only_heard_of() {
    let one = Node::start(&[]);
    let settings = "[storage]\nmirror = \"all\"\n";
    let mirror = Node::start_on(Home::with_settings(settings), &[&one]);
    let published = publish(&one, "mirrored", "1.0.0");
    let id = published["package_id"].as_str().expect("an id");
    let kept = mirror.home.path().join("p2p-cache/blobs").join(&id[..2]).join(id);
    wait_for("the mirror to hold it", || kept.is_file().then_some(()));
}

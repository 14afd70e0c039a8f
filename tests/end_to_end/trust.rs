//! Whom a package is taken from, and how soon.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ggen_p2p_tui::config::Home as Place;
use ggen_p2p_tui::market::{Db, Identity, Manifest, Release, archive};
use serde_json::Value;

use crate::harness::{Home, Node, wait_for};

const HOUR: u64 = 60 * 60;
const YEAR: u64 = 365 * 24 * HOUR;

/// A package `tool` that holds this text, below `home`'s folder.
fn package(home: &Home, version: &str, text: &str) -> PathBuf {
    let folder = home.folder().join(format!("tool-{version}"));
    fs::create_dir_all(&folder).expect("a folder");
    let manifest = format!("[package]\nname = \"tool\"\nversion = \"{version}\"\ndescription = \"A tool\"\n");
    fs::write(folder.join("gpack.toml"), manifest).expect("a manifest");
    fs::write(folder.join("text.txt"), text).expect("a file");
    folder
}

fn publish(node: &Node, version: &str, text: &str) {
    let folder = package(&node.home, version, text);
    node.json(&["publish", folder.to_str().expect("UTF-8")]);
}

fn installed_text(home: &Home) -> String {
    fs::read_to_string(home.packs().join("tool/text.txt")).expect("an installed file")
}

fn message(error: &Value) -> &str {
    error["error"]["message"].as_str().expect("a message")
}

fn fingerprint(node: &Node) -> String {
    node.json(&["key", "show"])["keys"][0]["fingerprint"].as_str().expect("a fingerprint").to_owned()
}

/// What the program says to people.
fn why(node: &Node, package: &str, publisher: &str) -> String {
    let output = node.home.run(&["show", package, "--publisher", publisher, "--why"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The lines are broken where they are too long for the screen.
    String::from_utf8(output.stdout).expect("UTF-8").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn another_key_takes_over_an_installed_name_only_when_it_is_accepted() {
    let mine = Node::start(&[]);
    let first = Node::start(&[&mine]);
    let second = Node::start(&[&mine]);
    publish(&first, "1.0.0", "by the first");
    mine.wait_for_package("tool");
    mine.json(&["install", "tool"]);
    publish(&second, "2.0.0", "by the second");
    wait_for("both publishers", || (mine.local_search("tool").len() == 2).then_some(()));
    let keys = [first.peer_id(), second.peer_id()];

    // Who does not ask for the other key goes on with the first one's.
    assert_eq!(mine.json(&["install", "tool"])["installed"][0]["version"], "1.0.0");
    let (code, error) = mine.home.failure(&["install", "tool", "--publisher", &keys[1]]);
    assert_eq!(code, 4, "{error}");
    for node in [&first, &second] {
        let fingerprint = fingerprint(node);
        assert!(message(&error).contains(&fingerprint), "{fingerprint}: {error}");
    }
    assert!(error["error"]["hint"].as_str().is_some_and(|hint| hint.contains(&keys[1])), "{error}");
    let why_not = why(&mine, "tool@2.0.0", &keys[1]);
    for said in [&fingerprint(&first), &fingerprint(&second), "--accept-key"] {
        assert!(why_not.contains(said), "{said}: {why_not}");
    }
    assert_eq!(installed_text(&mine.home), "by the first");

    // The key of one is no leave for the other.
    let (code, error) = mine.home.failure(&["install", "tool", "--publisher", &keys[1], "--accept-key", &keys[0]]);
    assert_eq!(code, 2, "{error}");
    let taken = mine.json(&["install", "tool", "--accept-key", &keys[1]]);
    assert_eq!(taken["installed"][0]["version"], "2.0.0");
    assert_eq!(installed_text(&mine.home), "by the second");

    // From now on it is the second that is kept to.
    let pin = &mine.json(&["trust", "list"])["pins"][0];
    assert_eq!((&pin["publisher"], &pin["origin"]), (&keys[1].as_str().into(), &"accepted".into()));
    assert!(!why(&mine, "tool@2.0.0", &keys[1]).contains("--accept-key"));
    assert!(why(&mine, "tool@1.0.0", &keys[0]).contains("--accept-key"));
    assert_eq!(mine.home.failure(&["install", "tool", "--publisher", &keys[0]]).0, 4);
}

#[test]
fn what_a_revoked_key_signed_is_marked_where_it_is_found() {
    let one = Node::start(&[]);
    let two = Node::start(&[&one]);
    two.wait_for_peers(1);
    publish(&one, "1.0.0", "of a key that will be stolen");
    two.wait_for_package("tool");
    let revoked = || two.json(&["search", "tool", "--local"])["results"][0]["revoked"].as_bool();
    assert_eq!(revoked(), Some(false));
    let publisher = one.peer_id();
    one.json(&["key", "revoke", "--reason", "the laptop was lost", "--yes"]);
    wait_for("the revocation reaches the other", || (revoked() == Some(true)).then_some(()));
    let table = two.home.run(&["search", "tool", "--local"]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("(revoked)"));
    assert!(why(&two, "tool", &publisher).contains("the laptop was lost"));
    assert_eq!(two.home.failure(&["install", "tool"]).0, 4);
}

#[test]
fn a_key_is_accepted_also_for_what_is_in_place_already() {
    let mine = Node::start(&[]);
    let first = Node::start(&[&mine]);
    let second = Node::start(&[&mine]);
    publish(&first, "1.0.0", "the same");
    mine.wait_for_package("tool");
    mine.json(&["install", "tool"]);
    publish(&second, "1.0.0", "the same");
    wait_for("both publishers", || (mine.local_search("tool").len() == 2).then_some(()));
    let second = second.peer_id();

    assert_eq!(mine.home.failure(&["install", "tool", "--publisher", &second]).0, 4);
    mine.json(&["install", "tool", "--accept-key", &second]);
    // The name is the second's now: nothing has to be accepted, nor to be asked for.
    mine.json(&["install", "tool", "--publisher", &second]);
    assert_eq!(mine.json(&["list"])["installed"][0]["publisher"], second);
    assert_eq!(mine.home.failure(&["install", "tool", "--publisher", &first.peer_id()]).0, 4);
}

/// A home whose publisher has signed that it published `folder` at `time`.
fn published_at(home: &Home, folder: &Path, time: u64) {
    let place = Place::new(home.path());
    let mut db = Db::open(&place).expect("a store");
    let identity = Identity::load_or_create(&place.identity_file()).expect("a key");
    let (manifest, _) = Manifest::read(folder).expect("a manifest");
    let packed = archive::pack(folder, &db.incoming_dir()).expect("an archive");
    let release = Release {
        network: "ggen".into(),
        publisher: identity.public(),
        name: manifest.name,
        version: manifest.version,
        package_id: packed.package_id,
        size: packed.size,
        merkle_root: packed.merkle_root,
        description: manifest.description,
        category: manifest.category,
        tags: manifest.tags,
        keywords: manifest.keywords,
        licence: manifest.licence,
        repository: manifest.repository,
        dependencies: manifest.dependencies,
        file_count: packed.files.len().try_into().expect("few files"),
        sequence: 1,
        previous: None,
        published_at: time,
        expires_at: time + YEAR,
        yank_reason: None,
    };
    let signed = release.sign(&identity).expect("signed");
    db.store_published(packed, &signed, time).expect("stored");
}

#[test]
fn a_release_is_new_as_long_as_it_was_not_seen_here_whatever_its_publisher_says() {
    let home = Home::new();
    let folder = package(&home, "1.0.0", "dated back");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    published_at(&home, &folder, now - 30 * 24 * HOUR);
    let publisher = Node::start_on(home, &[]);
    let careful = Node::start_on(Home::with_settings("[security]\ninstall_cooldown = \"400d\"\n"), &[&publisher]);
    careful.wait_for_package("tool");

    let (code, error) = careful.home.failure(&["install", "tool"]);
    assert_eq!(code, 1, "{error}");
    // Counted from the signed time, it would be 30 days less.
    let left = |text: &str| {
        ["can be installed in 400d", "can be installed in 399d 23h"].iter().any(|left| text.contains(left))
    };
    assert!(left(message(&error)), "{error}");
    let why_not = why(&careful, "tool", &publisher.peer_id());
    assert!(why_not.contains("first seen here") && left(&why_not), "{why_not}");
    assert!(!careful.home.packs().join("tool").exists());

    // It is the wait that stops it, and nothing else.
    let hasty = Node::start(&[&publisher]);
    hasty.wait_for_package("tool");
    hasty.json(&["install", "tool"]);
    assert_eq!(installed_text(&hasty.home), "dated back");
}

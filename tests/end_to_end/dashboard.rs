//! The dashboard in a real terminal, driven by keys as its users drive it.

use std::path::{Path, PathBuf};

use crate::harness::{Home, Node, signal, tree, wait_for};
use crate::terminal::{CLEAR_FIELD, ENTER, LOOPBACK, TAB, Terminal};

fn open(home: &Home, more: &[&str]) -> Terminal {
    let terminal = Terminal::open(&home.path(), &[LOOPBACK, more].concat(), 30, 100);
    terminal.wait_for_text("1 Overview");
    terminal
}

/// The address of the node inside a dashboard.
fn address(home: &Home) -> String {
    wait_for("the dashboard's node", || {
        let output = home.run(&["status", "--format", "json"]);
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        Some(format!("{}/p2p/{}", status["listen_addrs"][0].as_str()?, status["peer_id"].as_str()?))
    })
}

/// The key that a dashboard's node publishes with.
fn publisher_key(home: &Home) -> String {
    let key = home.json(&["status"])["peer_id"].as_str().map(str::to_owned);
    key.expect("a peer id")
}

/// A package with something to say about: its version is not written in full.
fn sample(folder: &Path) -> PathBuf {
    let package = folder.join("hello-shapes");
    let manifest = "[package]\nname = \"hello-shapes\"\nversion = \"1.0\"\ndescription = \"Shapes that greet\"\n";
    std::fs::create_dir_all(package.join("graphs")).expect("a folder");
    std::fs::write(package.join("gpack.toml"), manifest).expect("a manifest");
    std::fs::write(package.join("graphs/core.ttl"), "<#a> <#b> <#c> .\n").expect("a file");
    package
}

#[test]
fn publish_by_the_wizard_see_it_in_another_feed_search_and_install_it() {
    let packages = tempfile::tempdir().expect("a folder");
    let package = sample(packages.path());
    let (home, other_home) = (Home::new(), Home::new());
    let mut publisher = open(&home, &[]);
    let mut reader = open(&other_home, &["--bootstrap", &address(&home)]);
    publisher.wait_for_text("1 peer");
    reader.wait_for_text("1 peer");
    reader.type_keys("2");
    reader.wait_for_text("reputation");
    reader.wait_for_text("ggen-p2p-tui/");

    publisher.type_keys("6");
    publisher.wait_for_text("directory");
    publisher.type_keys(&format!("{CLEAR_FIELD}{}/hello", packages.path().display()));
    publisher.type_keys(TAB);
    publisher.wait_for_text("hello-shapes/");
    publisher.type_keys(ENTER);
    publisher.wait_for_text("it can be published");
    publisher.wait_for_text("gpack.toml:3");
    publisher.type_keys(ENTER);
    publisher.wait_for_text("graphs/core.ttl");
    publisher.type_keys(ENTER);
    publisher.wait_for_text("Publish?");
    publisher.type_keys("y");
    publisher.wait_for_text("hello-shapes 1.0.0 is out");
    publisher.wait_for_text("ggen:hello-shapes@1.0.0?publisher=12D3KooW");

    reader.type_keys("4");
    reader.wait_for_text("hello-shapes");
    reader.type_keys("5");
    reader.wait_until("what is known, before anything is typed", |screen| {
        screen.contains("installed and newest") && screen.contains("hello-shapes")
    });
    let key = publisher_key(&home);
    for (typed, shown) in [
        (&*format!("ggen:hello-shapes@1.0.0?publisher={key}"), "1 result"),
        ("zzqq", "0 results"),
        ("greet sha", "1 result"),
    ] {
        reader.type_keys(&format!("{CLEAR_FIELD}{typed}"));
        reader.wait_for_text(shown);
    }
    reader.type_keys(ENTER);
    reader.type_keys("i");
    reader.wait_until("the plan", |screen| screen.contains("Install?") && screen.contains(&key));
    reader.type_keys("y");
    reader.wait_for_text("installed hello-shapes 1.0.0, verified");
    assert_eq!(tree(&other_home.packs().join("hello-shapes")), tree(&package));
    publisher.wait_for_text("1 other peer has the bytes");
    publisher.type_keys("7");
    publisher.wait_until("the upload by its name", |screen| screen.contains("upload     hello-shapes 1.0.0"));
    reader.type_keys("7");
    reader.wait_for_text("1 of 1 pieces");
    reader.type_keys(ENTER);
    reader.wait_for_text("esc back");

    for terminal in [&mut reader, &mut publisher] {
        terminal.type_keys("q");
        assert_eq!(terminal.wait_for_exit(), 0);
        terminal.assert_restored();
    }
}

#[test]
fn an_empty_home_shows_three_ways_to_begin_until_there_is_something_to_show() {
    let (node, home) = (Node::start(&[]), Home::new());
    let mut terminal = open(&home, &[]);
    terminal.wait_for_text("Three ways to begin");
    for way in ["Join a peer", "Publish a package", "--demo"] {
        assert!(terminal.screen().contains(way), "{}", terminal.screen());
    }
    terminal.type_keys("c");
    terminal.wait_for_text("Connect to a peer");
    terminal.type_keys(&format!("{}{ENTER}", node.address()));
    terminal.wait_for_text("1 peer");
    terminal.wait_until("the usual overview", |screen| !screen.contains("Three ways") && screen.contains("To look at"));
}

#[test]
fn a_ban_has_its_reason_in_the_detail_and_is_lifted_again() {
    let (node, home) = (Node::start(&[]), Home::new());
    let mut terminal = open(&home, &["--bootstrap", &node.address()]);
    terminal.wait_for_text("1 peer");
    terminal.type_keys("2");
    terminal.wait_for_text("1 connected");
    terminal.type_keys("b");
    terminal.wait_for_text("Ban this peer?");
    terminal.type_keys(&format!("sends rubbish{ENTER}"));
    terminal.wait_for_text("0 connected, 1 banned");
    wait_for("the other side to lose it", || (node.connected_peers() == 0).then_some(()));
    terminal.type_keys(ENTER);
    terminal.wait_until("state and reason", |screen| {
        let has = |label: &str, text: &str| screen.lines().any(|line| line.contains(label) && line.contains(text));
        has("state", "banned until you lift it") && has("why", "sends rubbish")
    });
    terminal.type_keys("b");
    terminal.wait_until("the question with the reason", |screen| {
        screen.contains("Lift this ban?") && screen.contains("banned for sends rubbish")
    });
    terminal.type_keys("y");
    terminal
        .wait_until("no ban", |screen| screen.contains("connected") && !screen.contains("banned until you lift it"));
    // It is let in again.
    let address = address(&home);
    terminal.type_keys("\x1b");
    wait_for("a new connection", || node.home.run(&["connect", &address]).status.success().then_some(()));
    terminal.wait_for_text("1 connected");
}

#[test]
fn the_palette_opens_by_both_keys_and_runs_what_a_few_letters_find() {
    const CTRL_P: &str = "\x10";
    let home = Home::new();
    let mut terminal = open(&home, &[]);
    terminal.wait_for_text("no peers");
    for (key, letters, title, shown) in
        [(CTRL_P, "conpeer", "Connect to a peer by its address", "enter connect"), (":", "frez", "Freeze", "FROZEN")]
    {
        terminal.type_keys(key);
        terminal.wait_for_text("type what you want to do");
        terminal.type_keys(letters);
        terminal.wait_until("what was meant, on top", |screen| {
            let field = screen.lines().position(|line| line.contains(letters));
            field.and_then(|at| screen.lines().nth(at + 1)).is_some_and(|line| line.contains(title))
        });
        terminal.type_keys(ENTER);
        terminal.wait_for_text(shown);
        terminal.type_keys("\x1b");
        terminal.wait_until("no dialog", |screen| !screen.contains("esc cancel"));
    }
}

#[test]
fn on_a_home_whose_node_runs_it_attaches_and_leaves_that_one_running() {
    let node = Node::start(&[]);
    let mut terminal = open(&node.home, &[]);
    terminal.wait_for_text("ATTACHED");
    terminal.wait_for_text(&node.peer_id()[46..]);
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_exit(), 0);
    terminal.assert_restored();
    assert!(node.home.run(&["status"]).status.success());
}

#[test]
fn signals_end_it_with_the_terminal_restored() {
    use rustix::process::Signal;
    for ending in [Signal::TERM, Signal::HUP, Signal::INT] {
        let home = Home::new();
        let mut terminal = open(&home, &[]);
        address(&home);
        signal(terminal.pid(), ending);
        terminal.wait_for_exit();
        terminal.assert_restored();
        assert!(!home.path().join("p2p/node.sock").exists(), "{ending:?}: the socket was left behind");
    }
}

#[test]
fn a_failed_start_is_shown_and_then_told_on_the_restored_terminal() {
    let home = Home::new();
    std::fs::create_dir_all(home.path().parent().expect("a folder")).expect("a folder");
    std::fs::write(home.path(), "a file where the home should be").expect("a file");
    let mut terminal = Terminal::open(&home.path(), LOOPBACK, 30, 100);
    terminal.wait_for_text("home");
    terminal.type_keys("q");
    assert_ne!(terminal.wait_for_exit(), 0);
    terminal.assert_restored();
    terminal.wait_for_text("error:");
}

#[test]
fn it_follows_the_size_of_the_terminal_and_says_what_it_needs() {
    // Kept to the end: the home goes with it.
    let home = Home::new();
    let terminal = open(&home, &[]);
    terminal.resize(12, 40);
    terminal.wait_until("the smallest layout", |screen| screen.contains("1 Overview") && screen.contains("quit"));
    terminal.resize(8, 30);
    terminal.wait_for_text("40");
    terminal.resize(60, 200);
    terminal.wait_until("the largest layout", |screen| screen.contains("9 Logs") && screen.contains("0 Settings"));
}

#[test]
fn the_demo_shows_peers_packages_and_the_fall_of_a_liar() {
    let home = Home::new();
    let mut terminal = Terminal::open(&home.path(), &["--demo"], 40, 120);
    terminal.wait_for_text("DEMO");
    terminal.wait_for_text("6 peers");
    terminal.type_keys("4");
    terminal.wait_for_text("rest-endpoint");
    terminal.type_keys("2");
    terminal.wait_until("the liar's ban", |screen| screen.contains("1 banned"));
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_exit(), 0);
    terminal.assert_restored();
    assert!(!home.path().exists(), "the demo touched the home");
}

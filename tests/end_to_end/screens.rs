//! Simulations, recordings and snapshots, as their users run them.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::Value;

use crate::harness::{Home, Node, command, repository, wait_for};
use crate::terminal::{ENTER, LOOPBACK, Terminal};

/// Prints a snapshot; it must succeed.
fn snapshot(home: &Home, args: &[&str]) -> String {
    let output = home.run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_snapshot_shows_a_pane_of_the_running_node_and_starts_none() {
    let home = Home::new();
    let (code, error) = home.failure(&["--snapshot", "peers"]);
    assert_eq!(code, 6);
    assert!(error["error"]["hint"].as_str().expect("a hint").contains("ggen-p2p-tui start"), "{error}");
    assert!(!home.path().exists(), "a snapshot touched the home");

    let node = Node::start(&[]);
    let text = snapshot(&node.home, &["--snapshot", "overview", "--size", "100x30"]);
    assert!(text.contains("ATTACHED") && text.contains(&node.peer_id()[46..]), "{text}");
    assert_eq!(text.lines().count(), 30);
    let json: Value =
        serde_json::from_str(&snapshot(&node.home, &["--snapshot", "dht", "--format", "json"])).expect("JSON");
    assert_eq!(json["status"]["peer_id"], node.peer_id());
    assert_eq!((json["pane"].as_str(), json["width"].as_u64()), (Some("DHT"), Some(120)));
    let searched = snapshot(&node.home, &["--snapshot", "search"]);
    assert!(searched.contains("installed and newest") || searched.contains("nothing"), "{searched}");
}

#[test]
fn a_snapshot_of_a_simulation_is_always_the_same_and_needs_no_home() {
    let home = Home::new();
    let args = ["--sim", "busy", "--seed", "3", "--snapshot", "transfers", "--format", "svg"];
    let first = snapshot(&home, &args);
    assert!(first.starts_with("<svg ") && first.contains("SIMULATION"), "{first}");
    assert_eq!(first, snapshot(&home, &args));
    assert!(!home.path().exists(), "a simulation touched the home");
}

#[test]
fn the_pictures_of_the_readme_are_as_the_program_draws_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = std::process::Command::new(repository("docs/images/draw"))
        .args([env!("CARGO_BIN_EXE_ggen-p2p-tui")])
        .arg(folder.path())
        .output()
        .expect("docs/images/draw runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let readme = std::fs::read_to_string(repository("README.md")).expect("README.md");
    for entry in std::fs::read_dir(folder.path()).expect("pictures") {
        let drawn = entry.expect("a picture").path();
        let name = drawn.file_name().expect("a name").to_string_lossy().into_owned();
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        assert!(readme.contains(&format!("docs/images/{name}")), "README.md does not show {name}");
        assert!(
            read(drawn) == read(repository("docs/images").join(&name)),
            "docs/images/{name} is not what the program draws now: run docs/images/draw"
        );
    }
}

#[test]
fn what_is_recorded_is_replayed_with_its_own_keys() {
    let home = Home::new();
    let file = home.folder().join("recording.jsonl");
    let name = file.to_str().expect("a path").to_owned();
    let mut terminal = Terminal::open(&home.path(), &["--sim", "busy", "--record", &name], 30, 100);
    terminal.wait_for_text("SIMULATION");
    terminal.type_keys("2");
    terminal.wait_for_text("reputation");
    terminal.type_keys("4");
    terminal.wait_for_text("gossip");
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_exit(), 0);
    terminal.assert_restored();
    assert_eq!(std::fs::metadata(&file).expect("the recording").permissions().mode() & 0o777, 0o600);
    assert!(!home.path().exists(), "a simulation touched the home");

    let mut player = Terminal::open(&home.path(), &["--replay", &name], 30, 100);
    player.wait_for_text("REPLAY");
    player.wait_for_text("not live");
    player.type_keys("G");
    player.wait_until("the last screen", |screen| screen.contains("end") && screen.contains("gossip"));
    player.type_keys("g");
    player.wait_until("the first screen", |screen| screen.contains("0:00 /") && !screen.contains("gossip"));
    player.type_keys("lllllh");
    player.wait_for_text("frame 4 of");
    player.type_keys("++");
    player.wait_for_text("4x");
    player.resize(12, 40);
    player.wait_for_text("REPLAY");
    player.type_keys("q");
    assert_eq!(player.wait_for_exit(), 0);
    player.assert_restored();
    assert!(!home.path().exists(), "a replay touched the home");

    let last = snapshot(&home, &["--replay", &name, "--snapshot", "screen"]);
    assert!(last.contains("gossip"), "{last}");
    let peers = snapshot(&home, &["--replay", &name, "--snapshot", "peers", "--size", "80x24"]);
    assert!(peers.contains("reputation") && peers.lines().count() == 24, "{peers}");
}

#[test]
fn what_is_no_recording_is_refused_with_its_line() {
    let home = Home::new();
    let file = home.folder().join("bad.jsonl");
    let name = file.to_str().expect("a path");
    std::fs::write(&file, "\u{1b}]0;owned\u{7}{\n").expect("a file");
    let (code, error) = home.failure(&["--replay", name, "--snapshot", "screen"]);
    let message = error["error"]["message"].as_str().expect("a message");
    assert_eq!(code, 2);
    assert!(message.contains("line 1: ") && !message.contains('\u{1b}'), "{message}");
    let (code, _) = home.failure(&["--replay", "/nowhere/at/all", "--snapshot", "screen"]);
    assert_eq!(code, 3);
    // A recording replaces nothing.
    let mut terminal = Terminal::open(&home.path(), &["--sim", "quiet", "--record", name], 24, 80);
    assert_eq!(terminal.wait_for_exit(), 2);
    terminal.wait_for_text("is there already");
}

/// For screen readers: lines out, lines in, and nothing that moves a cursor.
#[test]
fn the_dashboard_is_told_in_lines_and_takes_commands() {
    let home = Home::new();
    for args in [&["--plain", "--sim", "quiet"][..], &[&["--plain"], LOOPBACK].concat()] {
        let mut child = command(&home.path())
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut typed = child.stdin.take().expect("stdin");
        let mut told = BufReader::new(child.stdout.take().expect("stdout")).lines().map_while(Result::ok);
        let mut hear = |wanted: &str| {
            let line = told.find(|line| line.contains(wanted)).unwrap_or_else(|| panic!("it never said «{wanted}»"));
            assert!(!line.contains(char::is_control), "{line:?}");
        };
        hear("told line by line");
        hear("The node is up.");
        hear("This node is …");
        for (line, wanted) in [
            ("help", "search WORDS"),
            ("peers", "."),
            ("search shapes", "results."),
            ("nonsense", "no command nonsense"),
        ] {
            writeln!(typed, "{line}").expect("typed");
            hear(wanted);
        }
        writeln!(typed, "quit").expect("typed");
        let status = wait_for("the end", || child.try_wait().expect("its state"));
        assert_eq!(status.code(), Some(0));
    }
    assert!(!home.path().join("p2p/node.sock").exists(), "the socket was left behind");
}

/// What packages, agents, files and log lines say is written to the terminal as text. Every escape sequence that is there is
/// one that this program uses.
#[test]
fn hostile_words_reach_the_terminal_as_text() {
    let home = Home::new();
    let mut terminal = Terminal::open(&home.path(), &["--sim", "hostile"], 40, 120);
    terminal.wait_for_text("SIMULATION");
    for key in [
        "2", "\r", "\x1b", "3", "4", "\r", "\x1b", "5", "s", ENTER, ENTER, "\x1b", "i", "\x1b", "6", "7", "\r", "\x1b",
        "8", "\r", "\x1b", "0", "9", "vv", "\r", "1",
    ] {
        let drawn = terminal.raw().len();
        terminal.type_keys(key);
        // The simulation never rests: what the key has brought is on screen with what came next.
        wait_for("a frame after the key", || (terminal.raw().len() > drawn + 64).then_some(()));
    }
    wait_for("hostile words on screen", || terminal.screen().contains("owned").then_some(()));
    terminal.type_keys("q");
    wait_for("the question or the end", || {
        terminal.type_keys("y");
        terminal.has_ended().then_some(())
    });
    terminal.assert_restored();
    terminal.assert_only_own_sequences();
}

/// The same with a real node, on which a package with such fields lies, and whose log says what it likes.
#[test]
fn hostile_fields_of_a_real_package_reach_the_terminal_as_text() {
    let home = Home::new();
    let folder = home.folder().join("evil-pack");
    std::fs::create_dir_all(&folder).expect("a folder");
    let manifest = "[package]\nname = \"evil-pack\"\nversion = \"1.0.0\"\n\
        description = \"\\u001b]0;owned\\u0007\\u001b[6;31mred\\u009b5;31m\\u202edenwo\"\n\
        license = \"MIT\\u001b[2J\"\ncategory = \"\\u001bPx\\u001b\\\\tools\"\n";
    std::fs::write(folder.join("gpack.toml"), manifest).expect("a manifest");
    std::fs::write(folder.join("a\u{1b}]0;owned\u{7}b.ttl"), "x").expect("a file");
    std::fs::write(folder.join("plain.ttl"), "x").expect("a file");
    let mut terminal = Terminal::open(&home.path(), LOOPBACK, 40, 120);
    terminal.wait_for_text("no peers");
    terminal.type_keys("6");
    terminal.wait_for_text("directory");
    terminal.type_keys(&format!("\x15{}{ENTER}", folder.display()));
    terminal.wait_until("what is wrong with it", |screen| screen.contains("error") || screen.contains("warning"));
    // Without the name that no package may hold.
    std::fs::remove_file(folder.join("a\u{1b}]0;owned\u{7}b.ttl")).expect("removed");
    terminal.type_keys(ENTER);
    // What of its texts was left out is said first.
    terminal.wait_until("what was cleaned", |screen| screen.contains("text-cleaned") && !screen.contains("error"));
    terminal.type_keys(ENTER);
    terminal.wait_until("its files", |screen| screen.contains("plain.ttl") && screen.contains("licence"));
    terminal.type_keys(ENTER);
    terminal.wait_for_text("Publish?");
    terminal.type_keys("y");
    terminal.wait_for_text("evil-pack 1.0.0 is out");
    for (key, shown) in [("4", "evil-pack"), (ENTER, "evil-pack"), ("5", "evil-pack"), ("9", "evil-pack")] {
        terminal.type_keys(key);
        terminal.wait_for_text(shown);
    }
    terminal.type_keys("q");
    terminal.wait_for_exit();
    terminal.assert_only_own_sequences();
}

/// From a shell with job control, as people do it: only there a program can be stopped.
#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    let home = Home::new();
    let mut terminal = Terminal::open_program("sh", &home.path(), &["-i"], 24, 80);
    terminal.type_keys(&format!("{} --home {} --sim quiet{ENTER}", crate::harness::PROGRAM, home.path().display()));
    terminal.wait_for_text("1 Overview");
    terminal.type_keys("\x1a");
    terminal.wait_for_text("Stopped");
    terminal.assert_given_back();
    terminal.type_keys(&format!("echo still $((40 + 2)){ENTER}"));
    terminal.wait_for_text("still 42");
    terminal.type_keys(&format!("fg{ENTER}"));
    terminal.wait_until("the dashboard again", |screen| screen.contains("1 Overview") && !screen.contains("still 42"));
    terminal.type_keys("2");
    terminal.wait_for_text("reputation");
    terminal.type_keys("q");
    terminal.wait_for_text("still 42");
    terminal.assert_given_back();
}

#[test]
fn a_terminal_that_vanishes_ends_it_and_frees_the_home() {
    let home = Home::new();
    let terminal = Terminal::open(&home.path(), LOOPBACK, 24, 80);
    terminal.wait_for_text("no peers");
    wait_for("the node's socket", || home.path().join("p2p/node.sock").exists().then_some(()));
    let ended = terminal.vanish();
    assert!(ended, "the program goes on without its terminal");
    assert!(!home.path().join("p2p/node.sock").exists(), "the socket was left behind");
    // The lock is free: the next node starts.
    let node = Node::start_on(home, &[]);
    assert_eq!(node.connected_peers(), 0);
}

#[test]
fn resizes_by_the_dozen_end_in_the_last_size() {
    let home = Home::new();
    let mut terminal = Terminal::open(&home.path(), &["--sim", "busy"], 24, 80);
    terminal.wait_for_text("SIMULATION");
    for n in 0..200u16 {
        terminal.resize(8 + n * 7 % 60, 20 + n * 13 % 200);
    }
    terminal.resize(30, 100);
    terminal.type_keys("9");
    terminal.wait_until("the last size", |screen| screen.contains("9 Logs") && screen.contains("quit"));
    terminal.type_keys("q");
    wait_for("the question or the end", || {
        terminal.type_keys("y");
        terminal.has_ended().then_some(())
    });
    terminal.assert_restored();
}

/// Debug builds can be told to break down; the tests are one.
#[test]
fn a_panic_beside_the_screen_is_a_message_and_one_of_the_screen_gives_the_terminal_back() {
    let home = Home::new();
    let mut terminal = Terminal::open_with(&home.path(), &["--sim", "quiet"], 24, 100, &[("GGEN_TEST_PANIC", "task")]);
    terminal.wait_for_text("a part of the program broke down: on purpose, in a task");
    terminal.wait_until("a whole screen", |screen| screen.contains("1 Overview") && screen.contains("quit"));
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_exit(), 0);
    terminal.assert_restored();
    terminal.wait_for_text("on purpose, in a task");

    let mut terminal = Terminal::open_with(
        &home.path(),
        &["--sim", "quiet"],
        24,
        100,
        &[("GGEN_TEST_PANIC", "loop"), ("RUST_BACKTRACE", "0")],
    );
    assert_ne!(terminal.wait_for_exit(), 0);
    terminal.assert_restored();
    terminal.wait_for_text("on purpose, in the loop");
}

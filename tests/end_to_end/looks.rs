//! Settings, themes, keys and the session of the dashboard, in a real terminal.

use crate::harness::{Home, signal, wait_for};
use crate::terminal::{ENTER, LOOPBACK, Terminal};

const QUESTION: &[u8] = b"\x1b]11;?\x1b\\";
const ESC: &str = "\x1b";

fn open(home: &Home) -> Terminal {
    let terminal = Terminal::open(&home.path(), LOOPBACK, 30, 120);
    terminal.wait_for_text("1 Overview");
    terminal
}

fn close(mut terminal: Terminal) {
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_exit(), 0);
    terminal.assert_restored();
}

fn config(home: &Home) -> String {
    std::fs::read_to_string(home.path().join("p2p-config.toml")).unwrap_or_default()
}

/// Whether anything after `from` bytes of the output sets this colour of the 256 as foreground.
fn has_colour(terminal: &Terminal, from: usize, colour: u8) -> bool {
    let raw = terminal.raw();
    let text = String::from_utf8_lossy(raw.get(from..).unwrap_or_default());
    ["m", ";"].iter().any(|end| text.contains(&format!("38;5;{colour}{end}")))
}

#[test]
fn a_setting_is_changed_in_its_pane_with_the_comments_kept() {
    let home = Home::new();
    let mut terminal = open(&home);
    terminal.type_keys("0");
    terminal.wait_for_text("listen_addresses");
    terminal.type_keys("/max_peers");
    terminal.wait_until("one setting", |screen| !screen.contains("listen_addresses"));
    terminal.type_keys(ENTER);
    terminal.type_keys("e");
    terminal.type_keys("x");
    terminal.wait_for_text("a whole number from 1 to 1000");
    terminal.type_keys("\x1577");
    terminal.wait_until("nothing wrong", |screen| screen.contains("Allowed:"));
    terminal.type_keys(ENTER);
    terminal.wait_for_text("performance.max_peers is 77");
    terminal.wait_for_text("the node goes by 50");
    assert!(config(&home).contains("# Connections kept at most.\nmax_peers = 77\n"), "{}", config(&home));
    terminal.type_keys("ry");
    terminal.wait_for_text("performance.max_peers is 50");
    assert!(config(&home).contains("#max_peers = 50\n"));
    close(terminal);
}

#[test]
fn a_theme_is_chosen_in_the_palette_and_kept() {
    let home = Home::new();
    let mut terminal = open(&home);
    let before = terminal.raw().len();
    terminal.type_keys(":theme light");
    terminal.wait_for_text("Theme: light");
    // The accent of the light theme: shown while it is only selected.
    wait_for("the light theme", || has_colour(&terminal, before, 25).then_some(()));
    let seen = terminal.raw().len();
    terminal.type_keys(ESC);
    wait_for("the theme as it was", || has_colour(&terminal, seen, 80).then_some(()));
    terminal.type_keys(":theme light");
    terminal.wait_for_text("Theme: light");
    terminal.type_keys(ENTER);
    wait_for("the setting", || config(&home).contains("theme = \"light\"").then_some(()));
    close(terminal);
    let terminal = open(&home);
    wait_for("the light theme again", || has_colour(&terminal, 0, 25).then_some(()));
    assert!(!has_colour(&terminal, 0, 80));
    close(terminal);
}

#[test]
fn the_terminal_is_asked_for_its_background_and_no_key_is_lost_to_its_answer() {
    let home = Home::new();
    let mut terminal = open(&home);
    wait_for("the question", || terminal.raw().windows(QUESTION.len()).any(|bytes| bytes == QUESTION).then_some(()));
    let before = terminal.raw().len();
    terminal.type_keys("2\x1b]11;rgb:ffff/ffff/ffff\x1b\\/ab");
    wait_for("the light theme", || has_colour(&terminal, before, 25).then_some(()));
    terminal.wait_until("what was typed", |screen| screen.contains("/ ab") && screen.contains("2 Peers"));
    close_typing(terminal);
    // What was learnt is known at the next start, before the terminal has said a word.
    let terminal = open(&home);
    terminal.wait_for_text("/ ab");
    assert!(has_colour(&terminal, 0, 25) && !has_colour(&terminal, 0, 80));
    close(terminal);
}

/// Leaves from a text field: a `q` would go into it.
fn close_typing(mut terminal: Terminal) {
    terminal.type_keys("\x03");
    assert_eq!(terminal.wait_for_exit(), 0);
    terminal.assert_restored();
}

#[test]
fn themes_and_keys_of_files_are_taken_over_while_it_runs() {
    let home = Home::new();
    let mut terminal = open(&home);
    wait_for("the home", || home.path().join("p2p").exists().then_some(()));
    std::fs::write(home.path().join("keymap.toml"), "freeze = \"F\"\nhelp = \"2\"\n").expect("a key map");
    terminal.wait_for_text("`2` for `help` is already");
    terminal.type_keys("F");
    terminal.wait_for_text("FROZEN");
    terminal.type_keys("F");
    terminal.wait_until("a screen that goes on", |screen| !screen.contains("FROZEN"));
    std::fs::create_dir(home.path().join("themes")).expect("a folder");
    std::fs::write(home.path().join("themes/mine.toml"), "[colours]\naccent = 7\n").expect("a theme");
    terminal.wait_for_text("mine.toml:2:10:");
    let dark = std::fs::read_to_string(crate::harness::repository("assets/themes/dark.toml")).expect("a theme");
    let mine = |colour: &str| dark.replace("[\"#5fd7d7\", \"cyan\"]", &format!("[\"{colour}\", \"magenta\"]"));
    std::fs::write(home.path().join("themes/mine.toml"), mine("#ff00ff")).expect("a theme");
    let before = terminal.raw().len();
    std::fs::write(home.path().join("p2p-config.toml"), "[ui]\ntheme = \"mine\"\n").expect("settings");
    wait_for("its colour", || has_colour(&terminal, before, 201).then_some(()));
    std::fs::write(home.path().join("themes/mine.toml"), mine("#00ff00")).expect("a theme");
    wait_for("its new colour", || has_colour(&terminal, before, 46).then_some(()));
    close(terminal);
}

#[test]
fn what_was_shown_is_shown_again_also_after_a_signal() {
    let home = Home::new();
    let mut terminal = open(&home);
    wait_for("the node", || home.run(&["status"]).status.success().then_some(()));
    terminal.type_keys(&format!("5{ESC}"));
    terminal.wait_for_text("sort");
    terminal.type_keys("ss");
    terminal.wait_for_text("by name");
    terminal.type_keys("9v/swarm");
    terminal.wait_for_text("debug and up");
    terminal.type_keys(ENTER);
    signal(terminal.pid(), rustix::process::Signal::TERM);
    terminal.wait_for_exit();
    terminal.assert_restored();
    let terminal = Terminal::open(&home.path(), LOOPBACK, 30, 120);
    terminal.wait_for_text("9 Logs");
    terminal.wait_until("level and filter", |screen| screen.contains("debug and up") && screen.contains("/ swarm"));
    let mut terminal = terminal;
    terminal.type_keys("5");
    terminal.wait_for_text("by name");
    terminal.type_keys(ESC);
    // A key that follows at once would be one with Alt.
    terminal.wait_for_text("s sort");
    close(terminal);
    std::fs::write(home.path().join("p2p/session.json"), "{\"tab\": 7, \"logs\": [").expect("a broken session");
    close(open(&home));
}

#[test]
fn limits_of_transfers_are_kept_and_those_that_are_set_hold_at_once() {
    let home = Home::new();
    let mut terminal = open(&home);
    wait_for("the node", || home.run(&["status"]).status.success().then_some(()));
    terminal.type_keys("7");
    terminal.wait_for_text("- limit");
    terminal.type_keys("-");
    terminal.wait_for_text("0 down of 64 MiB/s at most");
    terminal.wait_for_text("S save limits");
    terminal.type_keys("S");
    terminal.wait_for_text("performance.download_limit is 64 MiB");
    assert!(config(&home).contains("\ndownload_limit = \"64 MiB\"\n"), "{}", config(&home));
    terminal.type_keys("0/upload_limit");
    terminal.type_keys(ENTER);
    terminal.type_keys(&format!("e\x151 MiB{ENTER}"));
    terminal.wait_for_text("performance.upload_limit is 1 MiB");
    wait_for("the limits of the node", || {
        let rates = home.json(&["status"])["rates"].clone();
        (rates["upload"] == 1 << 20 && rates["download"] == 64 << 20).then_some(())
    });
    assert!(!terminal.screen().contains("restart"), "{}", terminal.screen());
    close(terminal);
}

#[test]
fn the_help_is_searched_and_messages_can_be_read_later() {
    let home = Home::new();
    let mut terminal = open(&home);
    terminal.type_keys("?");
    terminal.wait_for_text("Overview, here and now");
    terminal.type_keys("/ctrl-z");
    terminal
        .wait_until("one command", |screen| screen.contains("Back to the shell") && !screen.contains("One line up"));
    terminal.type_keys(ESC);
    terminal.wait_until("no help", |screen| !screen.contains("Back to the shell"));
    terminal.type_keys("M");
    terminal.wait_for_text("the mouse selects text");
    terminal.type_keys(ESC);
    terminal.wait_until("no message", |screen| !screen.contains("the mouse selects text"));
    terminal.type_keys("m");
    terminal.wait_for_text("the mouse selects text");
    terminal.type_keys("m");
    close(terminal);
}

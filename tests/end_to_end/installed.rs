//! What is installed: shown, verified, removed.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Home, Node};
use crate::terminal::{ENTER, Terminal};

/// A package in a folder of its own; `more` are further lines of its manifest.
fn package(folder: &Path, name: &str, more: &str) -> String {
    let path = folder.join(name);
    std::fs::create_dir_all(path.join("data")).expect("folders");
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\ndescription = \"About {name}\"\n{more}");
    std::fs::write(path.join("gpack.toml"), manifest).expect("a manifest");
    std::fs::write(path.join("data/a.txt"), format!("of {name}")).expect("a file");
    path.to_str().expect("UTF-8").to_owned()
}

/// A node that has published `app`, which needs `lib`, and `tool`, and installed `app` and `tool`.
fn shop() -> (tempfile::TempDir, Node) {
    let (folder, node) = (tempfile::tempdir().expect("a folder"), Node::start(&[]));
    for (name, more) in [("lib", ""), ("app", "dependencies = [\"lib@^1.0\"]\n"), ("tool", "")] {
        node.json(&["publish", &package(folder.path(), name, more)]);
    }
    node.json(&["install", "app@^1"]);
    node.json(&["install", "tool"]);
    (folder, node)
}

/// Name and what `list` says of it under `key`.
fn listed(home: &Home, key: &str) -> Vec<(String, Value)> {
    let answer = home.json(&["list"]);
    let list = answer["installed"].as_array().expect("a list");
    list.iter().map(|one| (one["name"].as_str().expect("a name").to_owned(), one[key].clone())).collect()
}

fn stopped(mut node: Node) -> Home {
    assert_eq!(node.terminate(), Some(0));
    std::mem::replace(&mut node.home, Home::new())
}

#[test]
fn damage_to_installed_files_is_found_and_mended_by_installing_again() {
    let (_folder, node) = shop();
    let verify = |home: &Home, names: &[&str]| {
        let output = home.run(&[&["verify", "--format", "json"], names].concat());
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), answer, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, answer, _) = verify(&node.home, &[]);
    assert_eq!((code, answer["sound"].as_bool()), (Some(0), Some(true)), "{answer}");
    assert_eq!(answer["packages"].as_array().map(Vec::len), Some(3));

    let file = node.home.packs().join("tool/data/a.txt");
    let mut bytes = std::fs::read(&file).expect("a file");
    bytes[0] ^= 1;
    std::fs::write(&file, bytes).expect("damaged");
    std::fs::write(node.home.packs().join("tool/notes.txt"), "mine").expect("added");
    let (code, answer, said) = verify(&node.home, &["tool"]);
    assert_eq!(code, Some(4), "{answer} {said}");
    let problems = &answer["packages"][0]["problems"];
    assert_eq!((&problems[0]["path"], &problems[0]["kind"]), (&"data/a.txt".into(), &"changed".into()), "{answer}");
    assert_eq!((&problems[1]["path"], &problems[1]["kind"]), (&"notes.txt".into(), &"added".into()), "{answer}");
    assert!(said.contains("install tool@=1.0.0"), "{said}");
    assert_eq!(verify(&node.home, &["app", "lib"]).0, Some(0));
    assert_eq!(verify(&node.home, &["nothing"]).0, Some(3));
    // For people: which file, and what to do.
    let output = node.home.run(&["verify"]);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.contains("2 differences found") && table.contains("data/a.txt"), "{table}");

    node.json(&["install", "tool@=1.0.0"]);
    assert_eq!(verify(&node.home, &[]).0, Some(0));
    // The same without a node.
    let home = stopped(node);
    std::fs::remove_file(home.packs().join("app.toml")).expect("removed");
    let (code, answer, _) = verify(&home, &["app"]);
    assert_eq!((code, &answer["packages"][0]["problems"][0]["path"]), (Some(4), &"../app.toml".into()));
}

#[test]
fn what_others_need_stays_and_what_nobody_needs_any_more_is_told() {
    let (_folder, node) = shop();
    let reasons = |reasons: &[(&str, &str)]| {
        reasons.iter().map(|(name, reason)| ((*name).to_owned(), Value::from(*reason))).collect::<Vec<_>>()
    };
    let all = reasons(&[("app", "asked"), ("lib", "needed"), ("tool", "asked")]);
    assert_eq!(listed(&node.home, "reason"), all);
    assert_eq!(listed(&node.home, "needed_by")[1].1, serde_json::json!(["app"]));
    assert_eq!(listed(&node.home, "requirement")[0].1, "^1");
    let (code, error) = node.home.failure(&["remove", "lib"]);
    assert_ne!(code, 0);
    assert!(error.to_string().contains("app needs it"), "{error}");
    assert_eq!(listed(&node.home, "reason"), all);
    assert_eq!(node.json(&["remove", "tool", "--unused"])["removed"], serde_json::json!(["tool"]));

    // With no node running it is the same.
    let home = stopped(node);
    assert_ne!(home.failure(&["remove", "lib"]).0, 0);
    let answer = home.json(&["remove", "app"]);
    assert_eq!((&answer["removed"], &answer["unused"]), (&serde_json::json!(["app"]), &serde_json::json!(["lib"])));
    assert_eq!(home.failure(&["remove", "app"]).0, 3);
    let answer = home.json(&["remove", "--unused"]);
    assert_eq!((&answer["removed"], &answer["unused"]), (&serde_json::json!(["lib"]), &serde_json::json!([])));
    assert_eq!(listed(&home, "reason"), []);
    assert_eq!(std::fs::read_dir(home.packs()).expect("a listing").count(), 0);
    assert_eq!(home.failure(&["remove"]).0, 2, "neither a name nor --unused");
}

#[test]
fn force_removes_what_is_needed() {
    let (_folder, node) = shop();
    assert_eq!(node.json(&["remove", "lib", "--force"])["removed"], serde_json::json!(["lib"]));
    assert!(!node.home.packs().join("lib").exists() && node.home.packs().join("app").exists());
}

#[test]
fn what_was_withdrawn_after_it_was_installed_is_marked() {
    let (_folder, node) = shop();
    assert_eq!(listed(&node.home, "yanked")[2].1, Value::Null);
    node.json(&["yank", "tool@1.0.0", "--reason", "it answers wrongly"]);
    assert_eq!(listed(&node.home, "yanked")[2].1, "it answers wrongly");
    let output = node.home.run(&["list"]);
    let (table, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(table.contains("withdrawn") && table.contains("needed by app"), "{table}");
    assert!(said.contains("it answers wrongly"), "{said}");
}

#[test]
fn the_dashboard_compares_mends_updates_and_removes() {
    let (folder, node) = shop();
    let mut terminal = Terminal::open(&node.home.path(), &[], 40, 140);
    terminal.wait_for_text("ATTACHED");
    terminal.type_keys("8");
    terminal.wait_for_text("3 packages");
    let file = node.home.packs().join("tool/data/a.txt");
    std::fs::write(&file, "other").expect("damaged");
    terminal.type_keys("V");
    terminal.wait_for_text("1 of 3 packages not as installed");
    terminal.type_keys("G");
    terminal.wait_for_text("changed data/a.txt");
    terminal.type_keys("i");
    terminal.wait_for_text("Install it again?");
    terminal.type_keys("y");
    terminal.wait_for_text("installed tool 1.0.0, verified");
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "of tool");
    terminal.type_keys("v");
    terminal.wait_for_text("1 package compared: every file is as installed");

    let path = package(folder.path(), "tool", "");
    let manifest = std::fs::read_to_string(format!("{path}/gpack.toml")).expect("a manifest");
    std::fs::write(format!("{path}/gpack.toml"), manifest.replace("1.0.0", "1.1.0")).expect("a manifest");
    node.json(&["publish", &path]);
    terminal.type_keys("u");
    terminal.wait_for_text("tool 1.0.0 to 1.1.0");
    terminal.type_keys("y");
    terminal.wait_for_text("installed tool 1.1.0, verified");

    terminal.type_keys("gj");
    terminal.wait_for_text("needed by app");
    terminal.type_keys("x");
    terminal.wait_for_text("app needs it, and will be broken");
    terminal.type_keys("y");
    terminal.type_keys(ENTER);
    terminal.type_keys("\x15lib");
    terminal.wait_for_text("type lib: lib");
    assert_eq!(listed(&node.home, "name").len(), 3, "a key is not enough");
    terminal.type_keys(ENTER);
    terminal.wait_for_text("removed lib");
    assert_eq!(listed(&node.home, "name").len(), 2);
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_exit(), 0);
    terminal.assert_restored();
}

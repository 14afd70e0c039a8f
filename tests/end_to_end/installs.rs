//! Choosing versions, showing the plan, updating, and the lock file of a project.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::harness::{Home, Node, bounded, command};

/// Writes a package and publishes it on `home`.
fn publish(node: &Node, name: &str, version: &str, dependencies: &[&str]) {
    let dir = node.home.folder().join(format!("{name}-{version}"));
    std::fs::create_dir_all(&dir).expect("a directory");
    let needs: Vec<_> = dependencies.iter().map(|text| format!("\"{text}\"")).collect();
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"{version}\"\ndescription = \"For a test\"\ncategory = \"test\"\n\
         dependencies = [{}]\n",
        needs.join(", ")
    );
    std::fs::write(dir.join("package.toml"), manifest).expect("a manifest");
    std::fs::write(dir.join("content.txt"), format!("{name} {version}\n")).expect("a file");
    node.json(&["publish", dir.to_str().expect("UTF-8")]);
}

/// A node that has published `base` 1.0.0, 1.1.0 and 2.0.0, `left` that needs base ^1 and `right` that needs base ^2.
fn shop() -> Node {
    let node = Node::start(&[]);
    for version in ["1.0.0", "1.1.0", "2.0.0"] {
        publish(&node, "base", version, &[]);
    }
    publish(&node, "left", "1.0.0", &["base@^1"]);
    publish(&node, "right", "1.0.0", &["base@^2"]);
    node
}

fn versions(answer: &Value, list: &str) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let list = answer[list].as_array().expect("a list");
    list.iter().map(|one| (text(&one["action"]), text(&one["name"]), text(&one["version"]))).collect()
}

fn step(action: &str, name: &str, version: &str) -> (String, String, String) {
    (action.into(), name.into(), version.into())
}

fn installed(home: &Home) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let answer = home.json(&["list"]);
    let list = answer["installed"].as_array().expect("a list");
    list.iter().map(|one| (text(&one["name"]), text(&one["version"]))).collect()
}

/// Runs a verb in `dir`.
fn run_in(dir: &Path, home: &Home, args: &[&str]) -> Output {
    let mut command = command(&home.path());
    command.current_dir(dir);
    bounded(command, args)
}

#[test]
fn the_plan_is_shown_before_anything_is_fetched_and_conflicts_are_explained() {
    let node = shop();
    let plan = node.json(&["install", "left", "--dry-run"]);
    assert_eq!(versions(&plan, "steps"), [step("install", "base", "1.1.0"), step("install", "left", "1.0.0")]);
    assert_eq!(plan["steps"][0]["needed_by"][0], "left");
    assert!(!node.home.packs().join("left").exists());

    let (code, error) = node.home.failure(&["install", "left", "right"]);
    assert_eq!(code, 1, "{error}");
    let message = error["error"]["message"].as_str().expect("a message");
    for part in ["left", "right", "base", "^1", "^2"] {
        assert!(message.contains(part), "{part} is not in {message}");
    }
    assert!(installed(&node.home).is_empty());

    let answer = node.json(&["install", "left", "right", "--no-deps"]);
    assert_eq!(versions(&answer, "installed"), [step("install", "left", "1.0.0"), step("install", "right", "1.0.0")]);
}

#[test]
fn what_is_installed_is_not_broken_by_what_comes() {
    let node = shop();
    node.json(&["install", "left"]);
    let (code, error) = node.home.failure(&["install", "base@2"]);
    assert_eq!(code, 1, "{error}");
    assert!(error.to_string().contains("left"), "{error}");
    assert!(node.home.packs().join("base").exists());
    assert_eq!(installed(&node.home), [("base".into(), "1.1.0".into()), ("left".into(), "1.0.0".into())]);
    // A version that all can live with is taken by itself; what else others need is no matter of this install.
    publish(&node, "extra", "1.0.0", &[]);
    publish(&node, "both", "1.0.0", &["base@^1", "extra@^1"]);
    node.json(&["install", "both"]);
    let answer = node.json(&["install", "base"]);
    assert_eq!(versions(&answer, "installed"), [step("keep", "base", "1.1.0")]);
    assert_eq!(answer["warnings"], serde_json::json!([]), "{answer}");
    // Nothing to do is told, and is no failure.
    assert_eq!(versions(&node.json(&["install", "left"]), "installed").last(), Some(&step("keep", "left", "1.0.0")));
}

#[test]
fn outdated_packages_are_named_and_updated_within_what_was_asked_for() {
    let node = shop();
    node.json(&["install", "base@=1.0.0"]);
    let outdated = node.json(&["outdated"]);
    let [one] = outdated["outdated"].as_array().expect("a list").as_slice() else { panic!("{outdated}") };
    assert_eq!(
        (&one["installed"], &one["wanted"], &one["latest"]),
        (&"1.0.0".into(), &"1.0.0".into(), &"2.0.0".into())
    );
    assert_eq!(versions(&node.json(&["update"]), "installed"), [step("keep", "base", "1.0.0")]);

    let plan = node.json(&["update", "base@^1", "--dry-run"]);
    assert_eq!(versions(&plan, "steps"), [step("update", "base", "1.1.0")]);
    node.json(&["update", "base@^1"]);
    assert_eq!(installed(&node.home), [("base".into(), "1.1.0".into())]);
    publish(&node, "base", "1.2.0", &[]);
    assert_eq!(node.json(&["outdated"])["outdated"][0]["wanted"], "1.2.0");
    assert_eq!(versions(&node.json(&["update"]), "installed"), [step("update", "base", "1.2.0")]);
    let text = std::fs::read_to_string(node.home.packs().join("base/content.txt")).expect("installed");
    assert_eq!(text, "base 1.2.0\n");
    assert_eq!(node.home.failure(&["update", "left"]).0, 3, "it is not installed");
}

#[test]
fn a_withdrawn_version_is_taken_only_by_its_exact_name_and_with_the_users_word() {
    let node = shop();
    node.json(&["yank", "base@1.1.0", "--reason", "it loses files"]);
    assert_eq!(versions(&node.json(&["install", "left", "--dry-run"]), "steps")[0], step("install", "base", "1.0.0"));
    let (code, error) = node.home.failure(&["install", "base@=1.1.0"]);
    assert_eq!(code, 3, "{error}");
    assert!(error.to_string().contains("it loses files") && error.to_string().contains("--allow-yanked"), "{error}");
    assert_ne!(node.home.failure(&["install", "base@1.1", "--allow-yanked"]).0, 0);
    let answer = node.json(&["install", "base@=1.1.0", "--allow-yanked"]);
    assert!(answer["warnings"].to_string().contains("it loses files"), "{answer}");
    assert_eq!(node.json(&["outdated"])["outdated"][0]["yanked"], "it loses files");
}

#[test]
fn a_project_notes_what_it_has_and_gets_exactly_that_again() {
    let node = shop();
    let project = tempfile::tempdir().expect("a project");
    std::fs::write(project.path().join("ggen.toml"), "").expect("a file");
    let deep = project.path().join("src");
    std::fs::create_dir(&deep).expect("a directory");

    let output = run_in(&deep, &node.home, &["install", "left"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = project.path().join(".ggen/packs.lock");
    let read = || -> Value { serde_json::from_slice(&std::fs::read(&file).expect("a lock file")).expect("JSON") };
    let lock = read();
    assert_eq!(lock["packs"]["left"]["version"], "1.0.0");
    assert_eq!(lock["packs"]["left"]["dependencies"][0], "base");
    assert_eq!(lock["packs"]["base"]["version"], "1.1.0");
    let integrity = lock["packs"]["base"]["integrity"].as_str().expect("text");
    assert!(integrity.starts_with("sha256-") && integrity.len() == 7 + 64, "{integrity}");

    // Another home gets what is locked, although there is a newer one meanwhile.
    publish(&node, "base", "1.5.0", &[]);
    let other = Node::start(&[&node]);
    other.wait_for_peers(1);
    other.wait_for_package("left");
    let output = run_in(&deep, &other.home, &["install", "--locked"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(installed(&other.home), [("base".into(), "1.1.0".into()), ("left".into(), "1.0.0".into())]);
    assert_eq!(read()["packs"], lock["packs"]);

    // Bytes that the lock file does not name are refused.
    let text = std::fs::read_to_string(&file).expect("a lock file").replace(integrity, &format!("sha256-{:064}", 7));
    std::fs::write(&file, text).expect("written");
    let third = Node::start(&[&node]);
    third.wait_for_peers(1);
    third.wait_for_package("left");
    let output = run_in(&deep, &third.home, &["install", "--locked"]);
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(installed(&third.home).is_empty());

    let nowhere = tempfile::tempdir().expect("a directory");
    assert_eq!(run_in(nowhere.path(), &node.home, &["install", "--locked"]).status.code(), Some(2));
}

#[test]
fn a_package_is_looked_into_before_it_is_installed() {
    let node = shop();
    let reader = Node::start(&[&node]);
    reader.wait_for_package("left");
    let answer = reader.json(&["show", "left", "--files"]);
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let files: Vec<_> =
        answer["files"]["files"].as_array().expect("a list").iter().map(|file| text(&file["path"])).collect();
    assert_eq!(files, ["content.txt", "package.toml"]);
    assert_eq!(answer["files"]["files"][0]["size"], "left 1.0.0\n".len());
    let table = String::from_utf8(reader.home.run(&["show", "left", "--files"]).stdout).expect("UTF-8");
    assert!(table.contains("11 B") && table.contains("content.txt"), "{table}");
    assert!(installed(&reader.home).is_empty() && !reader.home.packs().join("left").exists());
    let (code, _) = reader.home.failure(&["show", "nowhere", "--files"]);
    assert_eq!(code, 3);
}

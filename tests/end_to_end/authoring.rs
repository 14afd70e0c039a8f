//! From a directory to something that can be published: `init`, `publish --check`, `--dry-run`, `--allow`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Home, Node};

fn directory(home: &Home, files: &[(&str, &str)]) -> PathBuf {
    let dir = home.folder().join("My Pack");
    for (path, content) in files {
        let file = dir.join(path);
        fs::create_dir_all(file.parent().expect("parent")).expect("folder");
        fs::write(file, content).expect("file");
    }
    dir
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .expect("list")
        .map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

#[test]
fn a_directory_becomes_a_package_without_a_node() {
    let home = Home::new();
    let dir = directory(
        &home,
        &[("README.md", "# The Pack\n\nMakes things.\n"), ("templates/a.rs.tera", "x"), ("ontology/a.ttl", "x")],
    );
    let before = files(&dir);
    let checked = home.run(&["publish", "--check", text(&dir), "--format", "json"]);
    assert_eq!(checked.status.code(), Some(1));
    let answer: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    assert_eq!((&answer["publishable"], &answer["findings"][0]["code"]), (&false.into(), &"manifest-missing".into()));
    assert_eq!(files(&dir), before, "a check leaves nothing behind");

    let written = home.json(&["init", text(&dir), "--version", "1.2.3", "--license", "MIT", "--tag", "one"]);
    assert_eq!((&written["name"], &written["version"]), (&"my-pack".into(), &"1.2.3".into()));
    let again = home.run(&["init", text(&dir), "--name", "other"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("--force"), "{again:?}");

    let checked = home.json(&["publish", "--check", "--strict", text(&dir)]);
    assert_eq!((&checked["publishable"], &checked["warnings"]), (&true.into(), &0.into()), "{checked}");
    home.json(&["init", "--pack-toml", text(&dir)]);
    let checked = home.json(&["publish", "--check", text(&dir)]);
    assert_eq!(checked["findings"], Value::Array(Vec::new()), "the engine has what it wants");
    assert_eq!(files(&dir), ["README.md", "gpack.toml", "ontology", "pack.toml", "templates"]);

    let plan = home.json(&["publish", "--dry-run", text(&dir)]);
    assert_eq!((&plan["description"], &plan["category"]), (&"Makes things.".into(), &"templates".into()));
    assert_eq!(plan["files"].as_array().map(Vec::len), Some(5));
    assert!(!home.path().exists(), "neither a home nor a key was made");
}

#[test]
fn what_looks_like_a_secret_is_published_only_when_it_is_allowed() {
    let node = Node::start(&[]);
    let manifest =
        "[gpack]\nid = \"kept\"\nversion = \"1.0.0\"\ndescription = \"d\"\nlicense = \"MIT\"\ncategory = \"c\"\n";
    let dir = directory(&node.home, &[("gpack.toml", manifest), ("tests/id_rsa", "for tests only")]);
    let refused = node.home.run(&["publish", text(&dir)]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("tests/id_rsa") && said.contains("--allow 'tests/id_rsa'"), "{said}");
    let plan = node.json(&["publish", "--dry-run", text(&dir), "--allow", "tests"]);
    assert_eq!(plan["findings"][0]["code"], "secret-allowed", "{plan}");
    let published = node.json(&["publish", text(&dir), "--allow", "tests/*"]);
    assert_eq!((&published["files"], &published["package_id"]), (&2.into(), &plan["package_id"]));
    let nonsense = node.home.run(&["publish", "--check", text(&dir), "--allow", "!x"]);
    assert_ne!(nonsense.status.code(), Some(0));
}

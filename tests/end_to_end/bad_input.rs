//! Wrong input gets one clear line with what to do, the right exit code, and leaves no trace.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::harness::{Home, Node, bounded, command, repository};

/// Runs and expects a failure: exit code and what stderr says in table mode.
fn refused(home: &Path, args: &[&str]) -> (i32, String) {
    let output = bounded(command(home), args);
    assert!(!output.status.success(), "{args:?} succeeded");
    assert!(output.stdout.is_empty(), "{args:?} wrote to stdout: {}", String::from_utf8_lossy(&output.stdout));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("error:")).count(), 1, "one error line in: {said}");
    (output.status.code().unwrap_or(-1), said)
}

fn assert_says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "«{part}» is missing in: {said}");
    }
}

fn package_with(manifest: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("gpack.toml"), manifest).expect("a manifest");
    let path = dir.path().to_owned();
    (dir, path)
}

#[test]
fn an_unknown_setting_is_named_with_its_line_and_the_nearest_known_one() {
    let home = Home::with_settings("[network]\nname = \"ggen\"\nmdsn = false\n");
    for args in [&["config", "validate"][..], &["--no-ui"], &["list"]] {
        let (code, said) = refused(&home.path(), args);
        assert_eq!(code, 2, "{args:?}: {said}");
        assert_says(&said, &["p2p-config.toml", "3", "mdsn", "mdns"]);
    }
    assert!(!home.path().join("p2p").exists(), "a trace was left");
}

#[test]
fn a_half_written_settings_file_is_refused_with_line_and_column() {
    let home = Home::with_settings("[network]\nname = \"gg");
    let (code, said) = refused(&home.path(), &["--no-ui"]);
    assert_eq!(code, 2, "{said}");
    assert_says(&said, &["p2p-config.toml", "2"]);
}

#[test]
fn an_address_that_does_not_parse_is_a_usage_error() {
    let home = Home::new();
    let (code, said) = refused(&home.path(), &["--no-ui", "--no-mdns", "--listen", "localhost:4001"]);
    assert_eq!(code, 2, "{said}");
    assert_says(&said, &["localhost:4001", "/ip4/"]);
    assert!(!home.path().exists(), "a trace was left");

    let node = Node::start(&[]);
    let (code, said) = refused(&node.home.path(), &["connect", "10.0.0.1"]);
    assert_eq!(code, 2, "{said}");
    assert_says(&said, &["10.0.0.1"]);
}

#[test]
fn a_path_that_is_no_package_is_refused() {
    let home = Home::new();
    let empty = tempfile::tempdir().expect("a folder");
    let (code, said) = refused(&home.path(), &["publish", "--no-mdns", empty.path().to_str().expect("UTF-8")]);
    assert!([1, 3].contains(&code), "{code}: {said}");
    assert_says(&said, &["gpack.toml"]);
    let (code, said) = refused(&home.path(), &["publish", "--no-mdns", "/no/such/folder"]);
    assert_eq!(code, 3, "{said}");
    assert_says(&said, &["/no/such/folder"]);
    assert!(!home.packs().exists());
}

#[test]
fn a_manifest_with_a_toml_error_is_refused_with_line_and_column() {
    let home = Home::new();
    let (_dir, path) = package_with("[package]\nname = \"broken\"\nversion = = 1\n");
    let (code, said) = refused(&home.path(), &["publish", "--dry-run", path.to_str().expect("UTF-8")]);
    assert_eq!(code, 1, "{said}");
    assert_says(&said, &["gpack.toml:3:11"]);
}

#[test]
fn a_port_in_use_is_replaced_by_a_free_one_and_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port();
    let home = Home::new();
    let address = format!("/ip4/127.0.0.1/tcp/{port}");
    let mut child =
        command(&home.path()).args(["--no-ui", "--no-mdns", "--listen", &address]).spawn().expect("the node starts");
    let status = crate::harness::wait_for("the node", || {
        let output = home.run(&["status", "--format", "json"]);
        output.status.success().then(|| serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON"))
    });
    let _ = child.kill();
    let _ = child.wait();
    assert!(status["listen_addrs"].as_array().is_some_and(|addrs| !addrs.is_empty()), "{status}");
    assert!(!status["listen_addrs"].to_string().contains(&address), "{status}");
    assert!(status["notices"].to_string().contains(&port.to_string()), "the user is not told: {status}");
}

#[test]
fn an_unwritable_home_is_a_permission_error() {
    // A file where the home should be: refused for every user, the superuser of a container included.
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("file");
    fs::write(&file, "").expect("a file");
    let (code, said) = refused(&file.join("home"), &["--no-ui", "--no-mdns"]);
    assert!([7, 8].contains(&code), "{code}: {said}");
    assert_says(&said, &["home"]);
}

#[test]
fn a_home_without_write_permission_is_refused() {
    if rustix::process::geteuid().is_root() {
        println!("skipped: permissions do not bind the superuser");
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).expect("read-only");
    let (code, said) = refused(&dir.path().join("home"), &["--no-ui", "--no-mdns"]);
    assert_eq!(code, 7, "{said}");
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let mut node = Node::start(&[]);
    node.terminate();
    let key = node.home.path().join("p2p/identity.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("a loose key file");
    let (code, said) = refused(&node.home.path(), &["--no-ui", "--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0"]);
    assert_eq!(code, 7, "{said}");
    assert_says(&said, &["identity.key", "chmod 600"]);
}

#[test]
fn a_package_nobody_has_is_not_found() {
    let node = Node::start(&[]);
    let (code, said) = refused(&node.home.path(), &["install", "no-such-package"]);
    assert_eq!(code, 3, "{said}");
    assert_says(&said, &["no-such-package"]);
    assert!(!node.home.packs().join("no-such-package").exists());
}

#[test]
fn a_name_that_could_leave_the_packs_folder_is_a_usage_error() {
    let home = Home::new();
    for name in ["../evil", "a/b", "", "con"] {
        let (code, said) = refused(&home.path(), &["install", name]);
        assert_eq!(code, 2, "{name}: {said}");
    }
    assert!(!home.path().exists(), "a trace was left");
}

#[test]
fn verbs_about_a_running_node_say_that_none_runs() {
    let home = Home::new();
    for args in [&["status"][..], &["peers"], &["connect", "/ip4/127.0.0.1/tcp/1"], &["bootstrap"], &["feed"]] {
        let (code, said) = refused(&home.path(), args);
        assert_eq!(code, 6, "{args:?}: {said}");
    }
    assert!(!home.path().exists(), "a trace was left");
}

#[test]
fn a_second_node_on_one_home_is_refused_with_the_pid_of_the_first() {
    let node = Node::start(&[]);
    let pid = node.json(&["status"])["pid"].to_string();
    let (code, said) = refused(&node.home.path(), &["--no-ui", "--no-mdns"]);
    assert_eq!(code, 1, "{said}");
    assert_says(&said, &[&pid]);
}

#[test]
fn unknown_verbs_and_flags_are_usage_errors() {
    let home = Home::new();
    for args in [&["instal", "x"][..], &["search", "x", "--no-such-flag"], &["peers", "--sort", "shoe-size"]] {
        let output = home.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn the_sample_packages_have_no_findings_to_worry_about() {
    let home = Home::new();
    for entry in fs::read_dir(repository("assets/demo")).expect("the samples") {
        let path = entry.expect("an entry").path();
        let plan = home.json(&["publish", "--dry-run", path.to_str().expect("UTF-8")]);
        let findings = plan["findings"].as_array().expect("findings");
        assert!(findings.iter().all(|finding| finding["severity"] == "info"), "{}: {findings:?}", path.display());
    }
}

//! Wrong input on the built program: one clear line with what to do, the right exit code, no trace left behind.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::harness::{Home, command};

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// One `error:` line that says `said`, one `hint:` line, nothing on standard output.
fn assert_refused(output: &Output, code: i32, said: &str) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("error: ") && lines[0].contains(said), "{said:?} is not in {text}");
    assert!(lines[1].starts_with("hint: "), "{text}");
    assert_eq!(stdout(output), "");
}

#[test]
fn without_a_node_what_is_about_one_ends_with_code_6_and_makes_nothing() {
    let peer = "12D3KooWGrCDJoLoTYyQXcADZueQFXshCKwmwjXRsmEJdMfgxHh4";
    let home = Home::new();
    for arguments in [
        &["status"][..],
        &["peers"],
        &["peer-list"],
        &["peer-info", peer],
        &["connect", "/ip4/127.0.0.1/tcp/1"],
        &["disconnect"],
        &["disconnect", peer],
        &["bootstrap", "--wait"],
        &["ban", peer],
        &["unban", peer],
        &["keep", peer],
        &["unkeep", peer],
        &["feed"],
        &["feed", "--follow"],
        &["stop"],
    ] {
        assert_refused(&home.run(arguments), 6, "no node runs on");
        assert!(!home.path().exists(), "{arguments:?}");
    }
}

#[test]
fn what_only_asks_makes_nothing() {
    let home = Home::new();
    for arguments in [
        &["list"][..],
        &["config", "show", "--origin"],
        &["config", "validate"],
        &["config", "path"],
        &["config", "reset", "network.mdns"],
        &["completions", "bash"],
        &["--help"],
        &["--version"],
    ] {
        let output = home.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
        assert!(!home.path().exists(), "{arguments:?}");
    }
}

#[test]
fn half_written_settings_stop_everything_with_their_place() {
    for (text, said) in [
        ("[network", "p2p-config.toml:1:"),
        ("[network]\nname = \n", "p2p-config.toml:2:"),
        ("[network]\nnmae = \"x\"\n", "2:1: unknown key \"network.nmae\" (did you mean \"network.name\"?)"),
        ("[network]\nmdns = \"yes\"\n", "2:8: network.mdns: expected true or false, found the text \"yes\""),
        (
            "[network]\nlisten_addresses = [\"localhost\"]\n",
            "2:20: network.listen_addresses: \"localhost\" is no multiaddr",
        ),
    ] {
        let home = Home::with_settings(text);
        for arguments in
            [&["status"][..], &["start"], &["--no-ui"], &["search", "x"], &["list"], &["config", "validate"]]
        {
            assert_refused(&home.run(arguments), 2, said);
            let left: Vec<_> =
                std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(left, ["p2p-config.toml"], "{arguments:?}");
        }
    }
}

#[test]
fn wrong_arguments_end_with_code_2_and_make_nothing() {
    let home = Home::new();
    let file = home.folder().join("file");
    std::fs::write(&file, "x").unwrap();
    for (arguments, said) in [
        (&["install", "No Name"][..], "'No Name' is no package name"),
        (&["install", "p@nonsense"], "\"nonsense\" is no version requirement"),
        (&["install", "p", "--publisher", "me"], "me"),
        (&["remove", "../etc"], "is no package name"),
        (&["connect", "localhost:4001"], "\"localhost:4001\" is no multiaddr"),
        (&["--listen", "localhost:4001", "start"], "--listen: \"localhost:4001\" is no multiaddr"),
        (&["--listen", "/ip4/127.0.0.1/sctp/1", "start"], "write e.g. /ip4/0.0.0.0/tcp/4001"),
        (&["--listen", "/dns4/example.com/tcp/1", "start"], "write e.g. /ip4/0.0.0.0/tcp/4001"),
        (&["--bootstrap", "127.0.0.1:1", "start"], "is no multiaddr"),
        (&["--bootstrap", "/ip4/192.0.2.7", "start"], "write e.g. /ip4/192.0.2.7/tcp/4001/p2p/PEER_ID"),
        (&["--network", "My Net", "start"], "is no network name"),
        (&["--config", "/no/such/file", "start"], "there is no file /no/such/file"),
        (&["publish", file.to_str().unwrap()], "is no directory"),
        (&["config", "edit", "network.nmae", "x"], "did you mean \"network.name\""),
        (&["config", "edit", "network.mdns", "perhaps"], "expected true or false"),
        (&["config", "edit", "ui.keymap.qiut", "q"], "there is no command `qiut`"),
        (&["--demo", "status"], "--demo takes no command"),
        (&[], "the dashboard needs a terminal"),
    ] {
        assert_refused(&home.run(arguments), 2, said);
        assert!(!home.path().exists(), "{arguments:?}");
    }
}

#[test]
fn a_path_that_is_no_package_is_refused_before_a_node_is_started() {
    let home = Home::new();
    let package = home.folder().join("package");
    std::fs::create_dir(&package).unwrap();
    let path = package.to_str().unwrap();
    assert_refused(&home.run(&["publish", "/no/such/path"]), 3, "/no/such/path");
    assert_refused(&home.run(&["publish", path]), 1, "is no package");
    std::fs::write(package.join("package.toml"), "[package]\nname = \"x\"\nversion = \n").unwrap();
    assert_refused(&home.run(&["publish", path]), 1, "package.toml:3:");
    assert_refused(&home.run(&["publish", "--dry-run", path]), 1, "package.toml:3:");
    assert!(!home.path().exists());
}

#[test]
fn a_package_that_is_refused_leaves_nothing_behind() {
    let home = Home::new();
    let package = home.folder().join("package");
    std::fs::create_dir(&package).unwrap();
    let path = package.to_str().unwrap();
    for (manifest, said) in [
        ("", "neither a [package] nor a [gpack] section"),
        ("[package]\nversion = \"1.0.0\"\n", "has no name"),
        ("[package]\nname = \"x\"\n", "there is no version"),
        ("[package]\nname = \"x\"\nversion = \"one\"\n", "gpack.toml:3: the version 'one'"),
        ("[package]\nname = \"No Name\"\nversion = \"1.0.0\"\n", "'No Name' is no package name"),
    ] {
        std::fs::write(package.join("gpack.toml"), manifest).unwrap();
        assert_refused(&home.run(&["publish", path]), 1, said);
        assert!(!home.path().exists(), "{manifest}");
    }
    std::fs::write(package.join("gpack.toml"), "[package]\nname = \"x\"\nversion = \"1.0.0\"\n").unwrap();
    std::fs::write(package.join("id_rsa"), "-----BEGIN PRIVATE KEY-----").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", package.join("link")).unwrap();
    assert_refused(&home.run(&["publish", path]), 1, "and 1 more error (--check shows all)");
    assert!(!home.path().exists());
}

#[test]
fn a_package_that_was_looked_for_alone_is_said_so() {
    let home = Home::new();
    let alone = ["install", "no-such-package", "--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0"];
    let output = home.run(&alone);
    assert_refused(&output, 3, "no-such-package");
    assert!(stderr(&output).contains("no peer is connected: name one with --bootstrap"), "{}", stderr(&output));
}

#[test]
fn json_alone_is_enough_for_wrong_usage_to_be_an_object() {
    let home = Home::new();
    for args in [&["peers", "--sort", "foo", "--json"][..], &["install", "--json"], &["--json", "serach"]] {
        let output = home.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let error: serde_json::Value = serde_json::from_str(&stderr(&output)).expect("an object");
        assert_eq!(error["error"]["exit_code"], 2, "{args:?}: {error}");
    }
}

#[test]
fn what_was_typed_is_repeated_in_part_where_it_is_long() {
    let home = Home::new();
    let long = "x".repeat(90_000);
    for args in [&["show", &long][..], &["peers", "--sort", &long], &["install", &long], &[&long]] {
        let said = stderr(&home.run(args));
        assert!(said.len() < 1_000, "{} bytes: {}", said.len(), &said[..200]);
    }
}

#[test]
fn a_setting_that_is_none_can_be_taken_out_as_the_hint_says() {
    let home = Home::with_settings("[network]\n# mine\nname = \"x\"\nmdsn = false\n");
    assert!(stderr(&home.run(&["list"])).contains("config reset KEY"));
    assert!(home.run(&["config", "reset", "network.mdsn"]).status.success());
    assert_eq!(home.json(&["config", "show"])["settings"]["network"]["name"], "x");
}

#[test]
fn in_json_an_error_is_one_object_on_standard_error() {
    let home = Home::new();
    for (arguments, code) in [
        (&["status", "--format", "json"][..], "no_node"),
        (&["install", "--format", "json"], "usage"),
        (&["install", "No Name", "--format=json"], "usage"),
        (&["publish", "/no/such/path", "--format", "json"], "not_found"),
        (&["--listen", "x", "list", "--format", "json"], "usage"),
    ] {
        let output = home.run(arguments);
        let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(error["error"]["code"], code);
        assert_eq!(error["error"]["exit_code"].as_i64(), output.status.code().map(i64::from));
        assert!(error["error"]["message"].is_string() && error["error"]["hint"].is_string(), "{error}");
        assert_eq!(stdout(&output), "");
    }
    let output = home.run(&["status", "--format", "yaml"]);
    let error: serde_json::Value = serde_norway::from_slice(&output.stderr).unwrap();
    assert_eq!(error["error"]["code"], "no_node");
}

#[test]
fn an_answer_nobody_reads_is_no_failure() {
    let home = Home::new();
    let mut child = command(&home.path())
        .args(["completions", "zsh"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
fn a_file_in_place_of_the_home_is_named_by_every_verb() {
    let home = Home::new();
    std::fs::write(home.path(), "a file").unwrap();
    let elsewhere = home.folder().join("settings.toml");
    std::fs::write(&elsewhere, "").unwrap();
    let settings = ["--config", elsewhere.to_str().unwrap()];
    for arguments in [&["start"][..], &["list"], &["status"], &["search", "x"], &["config", "show"]] {
        assert_refused(&home.run(arguments), 8, &home.path().display().to_string());
        assert_refused(&home.run(&[arguments, &settings].concat()), 8, &home.path().display().to_string());
    }
    assert_eq!(std::fs::read(home.path()).unwrap(), b"a file");
}

#[test]
fn settings_go_round_by_the_verbs() {
    let home = Home::new();
    let ok = |arguments: &[&str]| {
        let output = home.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    };
    ok(&["config", "edit", "network.name", "mine"]);
    let file = PathBuf::from(ok(&["config", "path"]).trim());
    assert_eq!(file, home.path().join("p2p-config.toml"));
    let shown: serde_json::Value =
        serde_json::from_str(&ok(&["config", "show", "--origin", "--format", "json", "--no-mdns"])).unwrap();
    assert_eq!(shown["settings"]["network"]["name"], "mine");
    assert!(shown["origin"]["network.name"].as_str().unwrap().starts_with("file, line "));
    assert_eq!(shown["origin"]["network.mdns"], "flag, --no-mdns");
    assert_eq!(shown["origin"]["log.level"], "default");
    assert!(shown["not_yet_effective"].as_array().unwrap().contains(&"metrics.listen".into()));
    ok(&["config", "reset", "network.name"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), include_str!("../../assets/default-config.toml"));
    assert!(Path::new(&file).exists());
}

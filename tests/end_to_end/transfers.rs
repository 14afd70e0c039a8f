//! Downloads that are killed, and go on.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::harness::{Home, Node, command, tree, wait_for};

/// Kills in the test, and bytes of the package: 128 pieces of 256 KiB, of which about four a second come.
const KILLS: usize = 20;
const SIZE: usize = 32 << 20;

/// A package of bytes that do not compress.
pub fn package(folder: &Path, size: usize) -> PathBuf {
    let dir = folder.join("bulk");
    std::fs::create_dir_all(&dir).expect("a directory");
    let manifest =
        "[package]\nname = \"bulk\"\nversion = \"1.0.0\"\ndescription = \"For a test\"\ncategory = \"test\"\n";
    std::fs::write(dir.join("package.toml"), manifest).expect("a manifest");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = Vec::with_capacity(size);
    while noise.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend(state.to_le_bytes());
    }
    std::fs::write(dir.join("noise.bin"), noise).expect("a file");
    dir
}

/// The newest download that the node on `home` tells of, asked over its socket as a client would.
pub fn download(home: &Path) -> Option<Value> {
    let mut socket = UnixStream::connect(home.join("p2p/node.sock")).ok()?;
    let body = r#"{"command":"transfers"}"#;
    let request = format!(
        "POST /v1/command HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).ok()?;
    let (_, json) = answer.split_once("\r\n\r\n")?;
    let answer: Value = serde_json::from_str(json).ok()?;
    answer["data"].as_array()?.iter().find(|transfer| transfer["direction"] == "inbound").cloned()
}

pub fn number(transfer: &Value, what: &str) -> u64 {
    transfer[what].as_u64().unwrap_or_else(|| panic!("{what} in {transfer}"))
}

fn settings(home: &Home, text: &str) {
    std::fs::create_dir_all(home.path()).expect("a home");
    std::fs::write(home.path().join("p2p-config.toml"), text).expect("a settings file");
}

/// Whatever the node has said is here when it is killed is not fetched again.
#[test]
fn a_download_that_is_killed_twenty_times_fetches_nothing_twice() {
    let publisher = Node::start(&[]);
    let dir = package(publisher.home.folder(), SIZE);
    publisher.json(&["publish", dir.to_str().expect("UTF-8")]);
    let home = Home::new();
    settings(&home, "[performance]\ndownload_limit = \"1 MiB\"\n");
    let mut node = Node::start_on(home, &[&publisher]);
    node.wait_for_package("bulk");
    let (mut said, mut fetched) = (0, 0);
    for kill in 0..KILLS {
        let mut install = command(&node.home.path());
        let mut install =
            install.args(["install", "bulk"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        let home = node.home.path();
        let transfer = wait_for("another piece", || {
            download(&home).filter(|transfer| number(transfer, "leaves_done") > number(transfer, "leaves_resumed"))
        });
        let resumed = number(&transfer, "leaves_resumed");
        assert!(resumed >= said, "kill {kill}: {resumed} pieces were found of {said}");
        node.kill();
        let _ = install.wait();
        fetched += number(&transfer, "leaves_done") - resumed;
        said = number(&transfer, "leaves_done");
        node = Node::start_on(std::mem::replace(&mut node.home, Home::new()), &[&publisher]);
    }
    assert!(fetched >= KILLS as u64, "each time something came");
    // The rest without a limit.
    node.kill();
    settings(&node.home, "");
    let node = Node::start_on(std::mem::replace(&mut node.home, Home::new()), &[&publisher]);
    node.json(&["install", "bulk"]);
    let transfer = download(&node.home.path()).expect("the download");
    assert!(number(&transfer, "leaves_resumed") >= said, "{transfer}");
    assert_eq!(
        (number(&transfer, "leaves_done"), &transfer["state"]),
        (number(&transfer, "leaves_total"), &"done".into())
    );
    assert!(number(&transfer, "leaves_total") > 128, "{transfer}");
    assert_eq!(tree(&node.home.packs().join("bulk")), tree(&dir));
    let left = std::fs::read_dir(node.home.path().join("p2p-cache/incoming")).expect("listed").count();
    assert_eq!(left, 0, "nothing is left over");
}

//! A peer of another library among nodes of this program: `tests/interop`, js-libp2p and code written from docs/PROTOCOL.md
//! alone. It joins, asks and is asked; what it checks is in its own `*.test.mjs`.

use std::path::PathBuf;
use std::time::Duration;

use crate::harness::{Node, PROGRAM, repository};

/// For all that one file of tests does; most of it is waiting.
const LIMIT: Duration = Duration::from_secs(240);

/// The JavaScript runtime that `npm ci` has put there, or `None` with the reason printed.
fn runtime() -> Option<PathBuf> {
    let path = repository("tests/interop/node_modules/.bin/node");
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {} is not there; `npm ci --prefix tests/interop` gets it", path.display());
    None
}

/// Runs a file of tests to its end, which must be a good one.
fn passes(file: &str, surroundings: &[(&str, String)]) {
    let Some(runtime) = runtime() else { return };
    let mut command = assert_cmd::Command::new(runtime);
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("GGEN_")) {
        command.env_remove(key);
    }
    command.args(["--test-reporter=spec", file]).current_dir(repository("tests/interop")).timeout(LIMIT);
    let output = command.envs(surroundings.iter().cloned()).output().expect("node runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{file}: {}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr));
    println!("{said}");
}

#[test]
fn another_library_reads_and_writes_the_vectors_of_the_protocol() {
    passes("vectors.test.mjs", &[]);
}

#[test]
fn a_peer_of_another_library_asks_and_is_asked() {
    if runtime().is_none() {
        return;
    }
    let (one, two) = (Node::start(&[]), Node::start(&[]));
    let home = |node: &Node| node.home.path().to_str().expect("UTF-8").to_owned();
    passes(
        "network.test.mjs",
        &[
            ("INTEROP_PROGRAM", PROGRAM.to_owned()),
            ("INTEROP_ADDRESS_ONE", one.address()),
            ("INTEROP_HOME_ONE", home(&one)),
            ("INTEROP_HOME_TWO", home(&two)),
        ],
    );
}

//! The documents say what the program does.

use crate::harness::repository;

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_protocol_page_carries_the_test_vector_that_the_code_is_held_to() {
    let page = read("docs/PROTOCOL.md");
    for line in read("src/market/release/vector.txt").lines() {
        assert!(page.contains(line), "docs/PROTOCOL.md lacks: {line}");
    }
}

//! Central indexes, and the places where they and their archives are.

use std::collections::HashSet;

use crate::decoders::shown;
use crate::market::SafeText;
use crate::market::central::{Index, Location, MAX_PACKAGES};

/// The same from a slice and from a stream. Bounded, each (name, version) once, all text safe to show, and what may be
/// downloaded lies inside the archive.
pub fn index(bytes: &[u8]) {
    let index = Index::from_bytes(bytes);
    let streamed = Index::from_reader(bytes);
    let index = match (index, streamed) {
        (Ok(index), Ok(streamed)) => {
            assert_eq!(index, streamed);
            index
        }
        (Err(error), Err(_)) => return shown(error),
        (index, streamed) => panic!("{index:?} from the slice, {streamed:?} from the stream"),
    };
    assert!(index.packages.len() <= MAX_PACKAGES && index.named.len() as u64 <= index.skipped);
    let mut seen = HashSet::new();
    for package in &index.packages {
        assert!(seen.insert((&package.name, &package.version)), "{package:?}");
        for text in [&package.title, &package.description, &package.category, &package.author, &package.licence] {
            assert_eq!(SafeText::new(text), *text);
        }
        if let Ok(download) = &package.download {
            assert!(!download.path.starts_with('/') && !download.path.split('/').any(|part| part == ".."));
            shown(&download.url);
        }
    }
}

/// What is a place is shown as one that reads back the same, and nothing on the web leads to a file of this machine.
pub fn location(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Location::named(&text) {
        Ok(location) => {
            shown(&location);
            assert!(location.file().is_none_or(std::path::Path::is_absolute));
        }
        Err(error) => shown(error),
    }
    let Some(location) = Location::url(&text) else { return };
    let web = Location::url("https://example.org/a/index.json").expect("a URL");
    assert!(!web.may_lead_to(&location) || matches!(location, Location::Https(_)));
    if !matches!(location, Location::File(_)) {
        assert_eq!(Location::url(&location.to_string()), Some(location));
    }
    if let Some(joined) = web.joined(&text) {
        shown(joined);
    }
}

pub fn indexes() -> Vec<Vec<u8>> {
    [
        r#"{"version": "1.0.0", "packages": [{"name": "graph-tools", "version": "1.2.0", "category": "data", "description": "d",
           "tags": ["graph"], "license": "MIT", "dependencies": ["base-pack", "other-pack@^1.2"], "path": "packages/graph-tools",
           "download_url": "https://example.org/main.zip",
           "checksum": "becfae4c580cbf26cc871a44925b584f6c8ded54d6627c89c965d12b906ff186"}], "search_index": {"graph": ["x"]}}"#,
        r#"[{"id": "io.ggen.crud", "name": "Ontology-Driven CRUD", "version": "1.0", "path": "packages/crud", "author": null}, {}]"#,
        r#"{"updated": "2026-01-01", "packs": {"io.ggen.cli": {"id": "io.ggen.cli", "name": "CLI", "latest_version": "0.2.0",
           "versions": {"0.1.0": {"git_url": "https://example.org/r.git", "git_rev": "11ea"}, "0.2.0": {}}}}}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

pub fn locations() -> Vec<Vec<u8>> {
    [
        "https://example.org:8080/a/index.json?x=1#top",
        "http://[::1]/i",
        "file:///srv/a%20b/index.json",
        "index.json",
        "../x",
        "//host/x",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

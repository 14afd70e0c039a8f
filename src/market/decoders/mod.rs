//! What the decoders of the domain promise, whatever bytes they are given.

mod archive;
mod central;
mod signed;

pub use signed::heads;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::lock::check as lock;
use super::search::{MAX_TAGS, MAX_WORDS, Query};
use super::testing::identity;
use super::{Identity, Manifest, PackageId, PackageName, PublisherKey, ReleaseId, SafeText};
use crate::decoders::{Decoder, scratch, shown};

/// The decoders of this layer.
pub const DECODERS: &[Decoder] = &[
    Decoder { name: "release", check: signed::release, samples: signed::releases },
    Decoder { name: "release_payload", check: signed::release_payload, samples: signed::release_payloads },
    Decoder { name: "head", check: signed::head, samples: signed::heads },
    Decoder { name: "head_payload", check: signed::head_payload, samples: signed::head_payloads },
    Decoder { name: "key_statement", check: signed::key_statement, samples: signed::key_statements },
    Decoder { name: "key_statement_payload", check: signed::key_payload, samples: signed::key_payloads },
    Decoder { name: "archive", check: archive::raw, samples: archive::archives },
    Decoder { name: "archive_tar", check: archive::compressed_tar, samples: archive::tars },
    Decoder { name: "query", check: query, samples: queries },
    Decoder { name: "central_index", check: central::index, samples: central::indexes },
    Decoder { name: "location", check: central::location, samples: central::locations },
    Decoder { name: "manifest", check: manifest, samples: manifests },
    Decoder { name: "lock_file", check: lock::lock_file, samples: lock::lock_files },
    Decoder { name: "safe_text", check: safe_text, samples: texts },
    Decoder { name: "ids", check: ids, samples: id_texts },
    Decoder { name: "identity_key", check: identity_key, samples: key_files },
];

/// The first byte chooses between the two file names. What is read survives a way through JSON, as it takes to a
/// dashboard that is attached to a node.
fn manifest(bytes: &[u8]) {
    let Some((choice, text)) = bytes.split_first() else { return };
    let names = super::manifest::MANIFEST_NAMES;
    let dir = scratch();
    fs::write(dir.path().join(names[usize::from(*choice) % names.len()]), text).expect("write");
    let (manifest, findings) = match Manifest::read(dir.path()) {
        Ok(read) => read,
        Err(error) => return shown(error),
    };
    let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
    for finding in &findings {
        assert!(finding.line.is_none_or(|line| (1..=lines).contains(&(line as usize))), "{finding:?}");
        assert!(!finding.code.is_empty() && !finding.message.is_empty());
    }
    let json = serde_json::to_vec(&manifest).expect("JSON");
    assert_eq!(serde_json::from_slice::<Manifest>(&json).expect("the same JSON"), manifest);
}

/// Never wider than asked, nothing in it that a terminal obeys, and the same when it is cleaned again. The first byte is
/// the width.
fn safe_text(bytes: &[u8]) {
    let Some((limit, raw)) = bytes.split_first() else { return };
    let (limit, raw) = (usize::from(*limit), String::from_utf8_lossy(raw));
    let text = SafeText::capped(&raw, limit);
    assert!(unicode_width::UnicodeWidthStr::width(text.as_str()) <= limit);
    assert_eq!(SafeText::capped(&text, limit), text);
    let short = SafeText::capped_bytes(&raw, limit);
    assert!(short.len() <= limit);
    for text in [text, short] {
        assert!(
            !text.chars().any(|c| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'))
        );
    }
}

/// Bounded, whatever is typed; what goes to other nodes keeps within its limit and asks for nothing that is this node's.
fn query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let query = Query::parse(&text);
    assert!(query.words.len() <= MAX_WORDS && query.filters.tags.len() <= MAX_TAGS);
    assert!(query.filters.min_reputation.is_none_or(|share| (0.0..=1.0).contains(&share)));
    query.faults.iter().for_each(shown);
    let sent = query.for_others(100);
    assert!(sent.len() <= 100);
    let asked = Query::parse(&sent);
    assert!(asked.filters.installed.is_none() && asked.filters.min_reputation.is_none() && asked.faults.is_empty());
    let answered = query.from_other();
    assert!(answered.filters.installed.is_none() && answered.filters.min_reputation.is_none() && !answered.facets);
}

/// An id has one spelling.
fn ids(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    one_spelling::<PackageName>(&text);
    one_spelling::<PackageId>(&text);
    one_spelling::<ReleaseId>(&text);
    one_spelling::<PublisherKey>(&text);
}

fn one_spelling<T>(text: &str)
where
    T: std::str::FromStr<Err = super::MarketError> + ToString + serde::de::DeserializeOwned + PartialEq,
{
    match text.parse::<T>() {
        Ok(id) => {
            assert_eq!(id.to_string(), text);
            let json = serde_json::to_string(text).expect("JSON");
            assert!(serde_json::from_str::<T>(&json).is_ok_and(|read| read == id));
        }
        Err(error) => shown(error),
    }
}

/// A key file is read whole or refused, and never replaced.
fn identity_key(bytes: &[u8]) {
    let dir = scratch();
    let file = dir.path().join("identity.key");
    fs::write(&file, bytes).expect("write");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("chmod");
    match Identity::load_or_create(&file) {
        Ok(identity) => assert_eq!(identity.to_protobuf(), bytes),
        Err(error) => shown(error),
    }
    assert_eq!(fs::read(&file).expect("read"), bytes);
}

fn manifests() -> Vec<Vec<u8>> {
    let gpack = "\0[gpack]\nid = \"io.ggen.hello\"\nname = \"Hello World\"\nversion = \"1.2\"\ntags = { list = [\"a\"] }\n\
                 [dependencies]\nbase = \"^1.0\"\nserde = { version = \"1\", features = [\"derive\"] }\n";
    let package = "\u{1}[package]\nname = \"hello\"\nversion = \"1.0.0\"\ndescription = \"x\"\nauthors = [\"A <a@b.c>\"]\n\
                   keywords = [\"k\"]\nlicense = \"MIT\"\nrepository = \"https://example.org\"\n\
                   [dependencies]\nother = { version = \">=1, <2\", path = \"../other\" }\n[files]\n\"gone.txt\" = \"x\"\n";
    [gpack, package].map(|text| text.as_bytes().to_vec()).to_vec()
}

fn texts() -> Vec<Vec<u8>> {
    [
        "\u{8}a\u{1b}[31mb\u{202e}c\u{200d}d",
        "\u{5}日本語e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
        "\u{10}a\nb\tc\u{2028}d",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

fn queries() -> Vec<Vec<u8>> {
    [
        "graph-tools rdf",
        "web category:\"data science\" tag:x tag:y licence:MIT sort:newest yanked:yes",
        "installed:maybe min-reputation:0.5 publisher:12D3KooW sort:best \"no end",
        "installed:\u{1b}[2J\u{202e}x",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

fn id_texts() -> Vec<Vec<u8>> {
    let key = identity(7).public().to_string();
    ["hello-pack.x_1", &PackageId([0xab; 32]).to_string(), &key].map(|text| text.as_bytes().to_vec()).to_vec()
}

fn key_files() -> Vec<Vec<u8>> {
    vec![identity(7).to_protobuf(), identity(8).to_protobuf()]
}

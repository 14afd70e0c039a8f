use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::market::search::Query;
use crate::market::testing::name;

/// One of each shape, made like the real ones.
const LISTED: &str = r#"{"version": "1.0.0", "registry_url": "https://example.org/repo", "package_count": 2, "packages": [
  {"name": "graph-tools", "version": "1.2.0", "category": "data", "description": "Tools for graphs", "tags": ["graph", "rdf"],
   "keywords": ["sparql"], "author": null, "license": "MIT", "downloads": 0, "production_ready": false,
   "dependencies": ["base-pack", "other-pack@^1.2"], "path": "marketplace/packages/graph-tools",
   "download_url": "https://example.org/repo/archive/main.zip",
   "checksum": "becfae4c580cbf26cc871a44925b584f6c8ded54d6627c89c965d12b906ff186"},
  {"name": "web-pack", "version": "0.3", "description": "Graph of the web", "path": "marketplace/packages/web-pack"}],
  "search_index": {"graph": ["graph-tools"]}, "o_crates": [{"name": "ignored"}]}"#;
const BARE: &str = r#"[{"id": "Next.js Ontology-Driven CRUD", "name": "Next.js Ontology-Driven CRUD", "version": "1.0.0",
   "path": "packages/io.ggen.nextjs.ontology-crud", "description": "d", "author": "ggen", "license": "MIT", "category": "web"},
  {"id": "web-pack", "name": "web-pack", "version": "1.0.0", "path": "packages/web-pack", "description": "x", "license": "MIT"}]"#;
const BY_ID: &str = r#"{"updated": "2026-01-01T00:00:00Z", "packs": {"io.ggen.rust.cli": {"id": "io.ggen.rust.cli", "name": "Rust CLI",
   "description": "d", "latest_version": "0.2.0", "category": "rust", "author": "team", "tags": ["rust"], "keywords": ["clap"],
   "versions": {"0.1.0": {"git_url": "https://example.org/r.git", "git_rev": "11ea", "sha256": "58db"}, "0.2.0": {}}}}}"#;

fn read(text: &str) -> Index {
    Index::from_bytes(text.as_bytes()).expect("an index")
}

fn one(entry: Value) -> Index {
    read(&json!([entry]).to_string())
}

#[test]
fn a_list_below_packages() {
    let index = read(LISTED);
    assert_eq!((index.packages.len(), index.skipped), (2, 0));
    let [graph, web] = index.packages.as_slice() else { panic!("two packages") };
    assert_eq!((graph.name.as_str(), graph.version.to_string()), ("graph-tools", "1.2.0".into()));
    let download = graph.download.as_ref().expect("download");
    assert_eq!(download.url.to_string(), "https://example.org/repo/archive/main.zip");
    assert_eq!(download.path, "marketplace/packages/graph-tools");
    assert_eq!(graph.checksum.expect("checksum")[..2], [0xbe, 0xcf]);
    assert_eq!(graph.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(), ["graph", "rdf"]);
    let needs: Vec<_> = graph.dependencies.iter().map(|one| format!("{} {}", one.name, one.requirement)).collect();
    assert_eq!(needs, ["base-pack *", "other-pack ^1.2"]);
    assert_eq!(web.version.to_string(), "0.3.0");
    assert!(web.download.as_ref().expect_err("none").contains("no archive"));
}

#[test]
fn a_bare_list() {
    let index = read(BARE);
    assert_eq!((index.packages.len(), index.skipped), (2, 0));
    let crud = &index.packages[0];
    assert_eq!(
        (crud.name.as_str(), crud.title.as_str()),
        ("io.ggen.nextjs.ontology-crud", "Next.js Ontology-Driven CRUD")
    );
}

#[test]
fn a_table_by_id() {
    let index = read(BY_ID);
    let versions: Vec<_> =
        index.versions(&name("io.ggen.rust.cli")).iter().map(|one| one.version.to_string()).collect();
    assert_eq!(versions, ["0.2.0", "0.1.0"]);
    assert_eq!(index.packages[0].title.as_str(), "Rust CLI");
}

#[test]
fn irregular_fields_are_read_as_far_as_they_can() {
    let index = one(json!({
        "name": "a", "version": 2, "author": [{"name": "Ann", "email": "x"}, "Bob"], "tags": {"tags": ["x", 3]}, "keywords": "k, l",
        "description": [[[]], {"x": [1]}], "dependencies": {"b": "^2", "c": {"version": "1"}, "Not A Name": "1"}, "checksum": 7,
        "download_url": ["x"], "path": null, "unknown": {"deep": [{}]},
    }));
    assert_eq!(index.skipped, 0, "{:?}", index.named);
    let package = &index.packages[0];
    assert_eq!(package.version.to_string(), "2.0.0");
    assert_eq!(package.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(), ["x", "3"]);
    assert_eq!(package.keywords.len(), 2);
    assert_eq!(package.dependencies.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!((package.author.as_str(), package.description.as_str(), package.checksum), ("Ann, Bob", "", None));
}

#[test]
fn what_is_not_taken_is_counted_with_its_reason() {
    let index = read(
        &json!({"packages": [
            {"name": "a", "version": "1.0.0"}, {"name": "a", "version": "1.0.0"}, {"name": "b"}, {"name": "c", "version": "one"},
            {"name": "No Name", "version": "1.0.0"}, 7, [], {},
        ]})
        .to_string(),
    );
    assert_eq!((index.packages.len(), index.skipped), (1, 7));
    let reasons: Vec<_> = index.named.iter().map(|skipped| format!("{}: {}", skipped.what, skipped.why)).collect();
    assert_eq!(
        reasons,
        [
            "a: 1.0.0 is there twice",
            "b: '' is no version",
            "c: 'one' is no version",
            "No Name: neither id, name nor path is a package name",
            "entry 6: it is no table",
            "entry 7: it is no table",
            "entry 8: neither id, name nor path is a package name",
        ]
    );
}

#[test]
fn what_is_no_index_is_refused() {
    for text in ["", "7", "\"x\"", "{}", "{\"packages\": 7}", "[", "[]x", "{\"packs\": [", "null", "\u{feff}[]"] {
        let error = Index::from_bytes(text.as_bytes()).expect_err(text);
        assert!(error.to_string().starts_with("no central index") && error.hint().is_some(), "{text}: {error}");
    }
    assert!(Index::from_bytes(b"[\xff]").is_err());
    assert_eq!(read("[]"), Index::default());
}

#[test]
fn hostile_texts_and_places_do_no_harm() {
    let package = one(json!({
        "name": "a", "version": "1.0.0", "description": "x\u{1b}[2J\u{202e}y", "title": "t".repeat(10_000),
        "download_url": "https://example.org/x.zip", "path": "../../etc", "tags": vec!["t"; 1000],
    }))
    .packages
    .remove(0);
    assert_eq!(package.description.as_str(), "x[2Jy");
    assert!(package.title.len() <= 256 && package.tags.len() <= 32);
    assert!(package.download.expect_err("path").contains("path"));
    for url in ["ftp://example.org/x", "javascript:alert(1)", "/etc/passwd", "https://u:p@example.org/x.zip"] {
        let package =
            one(json!({"name": "a", "version": "1.0.0", "download_url": url, "path": "a"})).packages.remove(0);
        assert!(package.download.is_err(), "{url}");
    }
    assert!(one(json!({"name": "../a", "path": "x/..", "version": "1.0.0"})).packages.is_empty());
    // Deeper than the stack would bear.
    let deep = format!("[{{\"name\": \"a\", \"version\": \"1.0.0\", \"x\": {}", "[".repeat(1 << 20));
    assert!(Index::from_bytes(deep.as_bytes()).is_err());
    let deep = format!("{{\"packages\": {}", "{\"tags\":".repeat(1 << 18));
    assert!(Index::from_bytes(deep.as_bytes()).is_err());
}

#[test]
fn sizes_are_bounded() {
    let endless = std::io::Read::chain(&b"["[..], std::io::repeat(b' '));
    let error = Index::from_reader(endless).expect_err("endless");
    assert!(error.to_string().contains("larger than 64 MiB"), "{error}");
    let many: Vec<_> = (0..MAX_PACKAGES + 5).map(|i| json!({"id": format!("p{i}"), "version": "1.0.0"})).collect();
    let index = read(&Value::Array(many).to_string());
    assert_eq!((index.packages.len(), index.skipped), (MAX_PACKAGES, 5));
    assert!(index.named[0].why.contains("more than"));
}

#[test]
fn packages_are_found_by_the_rules_of_the_catalogue() {
    let index = read(LISTED);
    let found = |query: &str| {
        let mut hits = index.search(&Query::parse(query));
        hits.sort_by(|a, b| b.1.total_cmp(&a.1));
        hits.iter().map(|(hit, _)| hit.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found("graph"), ["graph-tools", "web-pack"]);
    assert_eq!(found("WEB gr"), ["web-pack"]);
    assert_eq!(found("gra web"), Vec::<String>::new());
    assert_eq!(found("spar"), ["graph-tools"]);
    assert_eq!(found("category:DATA"), ["graph-tools"]);
    assert_eq!(found("graph tag:rdf licence:mit"), ["graph-tools"]);
    assert_eq!(found("graph tag:other"), Vec::<String>::new());
    assert_eq!(found("graph publisher:12D3KooW"), Vec::<String>::new());
    assert_eq!((found(""), found("nothing")), (vec![], vec![]));
    let versions: Vec<_> =
        read(BY_ID).search(&Query::parse("rust")).iter().map(|hit| hit.0.version.to_string()).collect();
    assert_eq!(versions, ["0.2.0"], "only the newest version");
}

/// The index files of the real registry: all entries are taken.
#[test]
fn the_real_indexes_are_read_whole() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/ggen-data");
    if !data.exists() {
        println!("skipped: {} is not there", data.display());
        return;
    }
    for (file, count) in
        [("marketplace/registry/index.json", 77), ("marketplace/index.json", 76), ("docs/registry/index.json", 2)]
    {
        let index = Index::from_reader(std::fs::File::open(data.join(file)).expect("open")).expect("an index");
        println!("{file}: {} taken, {} skipped", index.packages.len(), index.skipped);
        assert_eq!((index.packages.len(), index.skipped), (count, 0), "{file}: {:?}", index.named);
    }
}

/// Of the packages whose files are all in the data, those whose checksum in the index is that of their files.
#[test]
fn checksums_of_the_real_registry_are_reproduced() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/ggen-data");
    if !data.exists() {
        println!("skipped: {} is not there", data.display());
        return;
    }
    let file = std::fs::File::open(data.join("marketplace/registry/index.json")).expect("open");
    let index = Index::from_reader(file).expect("an index");
    let mut matching = Vec::new();
    for package in &index.packages {
        let folder = package.download.as_ref().expect("download").path.rsplit('/').next().expect("folder").to_owned();
        let dir = data.join("packages").join(folder);
        if dir.is_dir() && check(&dir, package.checksum.expect("checksum")).expect("check") == Checked::Matches {
            matching.push(package.name.as_str());
        }
    }
    println!("{} match: {matching:?}", matching.len());
    for name in [
        "ehr-integration",
        "ieee-paper-template",
        "java26-core",
        "knowledge-graph-cli",
        "laboratory-information-system",
        "pharmacy-management",
        "schema-forge-cli",
        "sector-rust-microservice-8020",
        "semantic-cli",
    ] {
        assert!(matching.contains(&name), "{name}");
    }
}

/// A sample with some bytes changed, taken out or put in.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4u8);
    (prop::sample::select(vec![LISTED, BARE, BY_ID]), prop::collection::vec(change, 0..12)).prop_map(
        |(text, changes)| {
            let mut bytes = text.as_bytes().to_vec();
            for (at, byte, what) in changes {
                let at = at.index(bytes.len().max(1));
                match what {
                    0 if at < bytes.len() => bytes[at] = byte,
                    1 if at < bytes.len() => drop(bytes.remove(at)),
                    2 => bytes.insert(at.min(bytes.len()), byte),
                    _ => bytes.truncate(bytes.len() - bytes.len() / 16),
                }
            }
            bytes
        },
    )
}

/// Any JSON, with the keys that matter.
fn any_json() -> impl Strategy<Value = Value> {
    let keys = [
        "id",
        "name",
        "version",
        "latest_version",
        "versions",
        "packages",
        "packs",
        "tags",
        "dependencies",
        "author",
        "path",
        "download_url",
        "checksum",
        "description",
    ];
    let texts =
        ["a", "web-pack", "1.0.0", "v2", "x y", "https://example.org/x.zip", "../x", "packages/a", "\u{202e}x", ""];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(texts.to_vec()).prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        let key = prop::sample::select(keys.to_vec()).prop_map(String::from);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(key, inner, 0..8).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn check_bounds(index: &Index) {
    assert!(
        index.packages.len() <= MAX_PACKAGES
            && index.named.len() as u64 <= index.skipped
            && index.named.len() <= MAX_NAMED
    );
    for package in &index.packages {
        PackageName::new(package.name.as_str()).expect("a package name");
        assert!(package.description.len() <= 1024 && package.tags.len() <= 32 && package.dependencies.len() <= 64);
        if let Ok(download) = &package.download {
            assert!(download.path.is_empty() || crate::market::archive::path_fault(&download.path).is_none());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn broken_indexes_never_panic(bytes in mutated()) {
        if let Ok(index) = Index::from_bytes(&bytes) {
            check_bounds(&index);
        }
    }

    #[test]
    fn no_entry_of_a_list_is_dropped_uncounted(list in prop::collection::vec(any_json(), 0..6)) {
        let versions = |entry: &Value| match entry.get("versions") {
            Some(Value::Object(table)) if !table.is_empty() => table.len() as u64,
            Some(Value::Array(_) | Value::Object(_)) => 0,
            _ => 1,
        };
        let (least, text) = (list.iter().filter(|entry| versions(entry) == 1).count() as u64, Value::Array(list).to_string());
        let index = Index::from_bytes(text.as_bytes()).expect("JSON of a known shape");
        check_bounds(&index);
        prop_assert!(index.packages.len() as u64 + index.skipped >= least);
        prop_assert_eq!(Index::from_reader(text.as_bytes()).expect("as a stream"), index);
    }

    #[test]
    fn tables_never_panic(value in any_json()) {
        if let Ok(index) = Index::from_bytes(value.to_string().as_bytes()) {
            check_bounds(&index);
        }
    }
}

use tempfile::TempDir;

use super::*;
use crate::market::Severity;
use crate::market::archive::Allowed;
use crate::market::check::check;
use crate::market::testing::{name, write_tree};

fn directory(files: &[(&str, &str)]) -> (TempDir, std::path::PathBuf) {
    let above = tempfile::tempdir().expect("temp dir");
    let dir = above.path().join("My Great_CLI");
    std::fs::create_dir(&dir).expect("directory");
    write_tree(&dir, files);
    (above, dir)
}

const FILES: [(&str, &str); 7] = [
    ("README.md", "# The Great CLI\n\nMakes \"CLIs\" \\ from ontologies.\n"),
    ("LICENSE-MIT", include_str!("../../../../LICENSE-MIT")),
    ("LICENSE-APACHE", include_str!("../../../../LICENSE-APACHE")),
    (".git/config", "[remote \"origin\"]\n\turl = https://me:secret@host.org/me/cli.git\n"),
    ("templates/main.rs.tera", "x"),
    ("ontology/cli.ttl", "x"),
    ("queries/all.rq", "x"),
];

#[test]
fn what_the_files_tell_is_filled_in() {
    let (_above, dir) = directory(&FILES);
    let draft = Draft::of(&dir, None).expect("draft");
    assert_eq!((draft.id.as_str(), draft.title.as_str()), ("my-great-cli", "The Great CLI"));
    assert_eq!(draft.description.as_str(), "Makes \"CLIs\" \\ from ontologies.");
    assert_eq!(draft.licence.as_str(), "MIT OR Apache-2.0");
    assert_eq!(draft.repository.as_str(), "https://host.org/me/cli");
    assert_eq!(draft.category.as_str(), "templates");
    assert_eq!(draft.tags, ["cli".into(), "rust".into(), "rdf".into(), "sparql".into()]);
    assert_eq!(
        (draft.templates, draft.ontology),
        (vec!["templates/**/*.tera".into()], vec!["ontology/cli.ttl".into()])
    );
}

#[test]
fn the_text_reads_back_as_what_was_drafted_without_findings() {
    let (_above, dir) = directory(&FILES);
    let draft = Draft::of(&dir, None).expect("draft");
    std::fs::write(dir.join("gpack.toml"), draft.to_toml()).expect("write");
    let checked = check(&dir, &std::env::temp_dir(), &Allowed::default()).expect("check");
    let codes: Vec<_> = checked.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["pack-toml-missing"]);
    let manifest = checked.manifest.expect("manifest");
    assert_eq!((manifest.name, manifest.title, manifest.version), (draft.id, draft.title, draft.version));
    assert_eq!((manifest.description, manifest.licence), (draft.description, draft.licence));
    assert_eq!((manifest.repository, manifest.category, manifest.tags), (draft.repository, draft.category, draft.tags));
}

#[test]
fn what_cannot_be_told_is_left_in_comments_and_is_no_error() {
    let (_above, dir) = directory(&[]);
    let text = Draft::of(&dir, Some(name("named"))).expect("draft").to_toml();
    assert!(text.contains("# description = ") && text.contains("# license = "), "{text}");
    std::fs::write(dir.join("gpack.toml"), text).expect("write");
    let checked = check(&dir, &std::env::temp_dir(), &Allowed::default()).expect("check");
    assert_eq!(checked.count(Severity::Error), 0, "{:?}", checked.findings);
    assert_eq!(checked.manifest.map(|manifest| manifest.title.to_string()).as_deref(), Some("Named"));
}

#[test]
fn a_link_is_not_read() {
    let (above, dir) = directory(&[]);
    write_tree(above.path(), &[("secret", "# Secret\n\nDo not tell.\n")]);
    std::os::unix::fs::symlink("../secret", dir.join("README.md")).expect("link");
    let draft = Draft::of(&dir, None).expect("draft");
    assert_eq!((draft.title.as_str(), draft.description.as_str()), ("My Great Cli", ""));
}

#[test]
fn without_a_usable_directory_name_one_is_asked_for() {
    let above = tempfile::tempdir().expect("temp dir");
    let dir = above.path().join("日本");
    std::fs::create_dir(&dir).expect("directory");
    let error = Draft::of(&dir, None).expect_err("no name");
    assert!(error.hint().is_some_and(|hint| hint.contains("--name")), "{error}");
}

#[test]
fn the_pack_toml_has_what_the_engine_requires() {
    let (_above, dir) = directory(&FILES);
    std::fs::write(dir.join("gpack.toml"), Draft::of(&dir, None).expect("draft").to_toml() + "\"a.b\" = \"^1.0\"\n")
        .expect("write");
    // The dependency stands below [ontology] there; what counts is that the manifest is read.
    let (manifest, _) = Manifest::read(&dir).expect("manifest");
    let text = pack_toml(&manifest);
    let parsed: toml::Table = text.parse().expect("TOML");
    let pack = parsed["pack"].as_table().expect("[pack]");
    assert_eq!(pack["id"].as_str(), Some("my-great-cli"));
    assert_eq!(pack["packages"].as_array().map(Vec::len), Some(1));
    for key in ["name", "version", "description", "category", "dependencies"] {
        assert!(pack.contains_key(key), "{key}");
    }
}

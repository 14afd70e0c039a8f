//! The flat `<name>.toml` that ggen reads an installed package's description from.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use toml_edit::{Array, DocumentMut, Item, Table, value};

use crate::market::{Manifest, Release, SafeText, VerifiedRelease};

/// What our descriptions begin with, to know them from those of others.
const MARK: &str =
    "# Written by ggen-p2p-tui, which installed this package. It replaces and removes only what it has installed.";

/// `[pack]` with id, name, version, description, category, packages, author, repository, license, dependencies. What is
/// not signed (title and author) comes from the unpacked manifest, where it can be read and is this package's.
pub(super) fn text(release: &VerifiedRelease, unpacked: &Path) -> String {
    let release = release.release();
    let manifest = Manifest::read(unpacked).ok().map(|(manifest, _)| manifest).filter(|m| m.name == release.name);
    let mut pack = Table::new();
    let mut set = |key: &str, text: &str| pack.insert(key, value(text));
    set("id", release.name.as_str());
    set("name", manifest.as_ref().map_or(release.name.as_str(), |manifest| &manifest.title));
    set("version", &release.version.to_string());
    set("description", &release.description);
    set("category", &release.category);
    set("author", &author(release, manifest.as_ref()));
    set("repository", &release.repository);
    set("license", &release.licence);
    pack.insert("packages", value(Array::from_iter([release.name.as_str()])));
    pack.insert("dependencies", value(dependencies(release)));
    let mut document = DocumentMut::new();
    document.insert("pack", Item::Table(pack));
    format!("{MARK}\n{document}")
}

/// Whether `flat` is a description that [`text`] has written.
pub(super) fn is_ours(flat: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(flat).and_then(|file| file.take(MARK.len() as u64).read_to_end(&mut start));
    read.is_ok() && start == MARK.as_bytes()
}

/// The authors that the manifest names, else the key that signed.
fn author(release: &Release, manifest: Option<&Manifest>) -> String {
    let authors = manifest.map(|manifest| manifest.authors.as_slice()).unwrap_or_default();
    match authors {
        [] => release.publisher.to_string(),
        _ => authors.iter().map(SafeText::as_str).collect::<Vec<_>>().join(", "),
    }
}

/// `{ pack_id, version, optional }` for each.
fn dependencies(release: &Release) -> Array {
    let entry = |dependency: &crate::market::Dependency| {
        let mut table = toml_edit::InlineTable::new();
        table.insert("pack_id", dependency.name.as_str().into());
        table.insert("version", dependency.requirement.to_string().into());
        table.insert("optional", false.into());
        table
    };
    release.dependencies.iter().map(entry).collect()
}

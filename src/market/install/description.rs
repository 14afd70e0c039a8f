//! The flat `<name>.toml` that ggen reads an installed package's description from.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use semver::Version;
use toml_edit::{Array, DocumentMut, Item, Table, value};

use crate::market::central::CentralPackage;
use crate::market::{Dependency, Manifest, PackageName, Release, SafeText};

/// What our descriptions begin with, to know them from those of others.
const MARK: &str =
    "# Written by ggen-p2p-tui, which installed this package. It replaces and removes only what it has installed.";

/// What is described, from whom it came.
struct Described<'a> {
    name: &'a PackageName,
    title: String,
    version: &'a Version,
    description: &'a SafeText,
    category: &'a SafeText,
    author: String,
    repository: &'a SafeText,
    licence: &'a SafeText,
    dependencies: &'a [Dependency],
}

/// The description of a signed release. What is not signed (title and author) comes from the unpacked manifest, where it
/// can be read and is this package's.
pub(super) fn of_release(release: &Release, unpacked: &Path) -> String {
    let manifest = Manifest::read(unpacked).ok().map(|(manifest, _)| manifest).filter(|m| m.name == release.name);
    text(&Described {
        name: &release.name,
        title: manifest.as_ref().map_or_else(|| release.name.to_string(), |manifest| manifest.title.to_string()),
        version: &release.version,
        description: &release.description,
        category: &release.category,
        author: author(release, manifest.as_ref()),
        repository: &release.repository,
        licence: &release.licence,
        dependencies: &release.dependencies,
    })
}

/// The description of what nobody signed: what the central index says.
pub(super) fn of_entry(package: &CentralPackage) -> String {
    let title = if package.title.is_empty() { package.name.to_string() } else { package.title.to_string() };
    text(&Described {
        name: &package.name,
        title,
        version: &package.version,
        description: &package.description,
        category: &package.category,
        author: package.author.to_string(),
        repository: &package.repository,
        licence: &package.licence,
        dependencies: &package.dependencies,
    })
}

/// `[pack]` with id, name, version, description, category, packages, author, repository, license, dependencies.
fn text(described: &Described<'_>) -> String {
    let mut pack = Table::new();
    let mut set = |key: &str, text: &str| pack.insert(key, value(text));
    set("id", described.name.as_str());
    set("name", &described.title);
    set("version", &described.version.to_string());
    set("description", described.description);
    set("category", described.category);
    set("author", &described.author);
    set("repository", described.repository);
    set("license", described.licence);
    pack.insert("packages", value(Array::from_iter([described.name.as_str()])));
    pack.insert("dependencies", value(dependencies(described.dependencies)));
    let mut document = DocumentMut::new();
    document.insert("pack", Item::Table(pack));
    format!("{MARK}\n{document}")
}

/// Whether `flat` is a description that this module has written.
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
fn dependencies(dependencies: &[Dependency]) -> Array {
    let entry = |dependency: &Dependency| {
        let mut table = toml_edit::InlineTable::new();
        table.insert("pack_id", dependency.name.as_str().into());
        table.insert("version", dependency.requirement.to_string().into());
        table.insert("optional", false.into());
        table
    };
    dependencies.iter().map(entry).collect()
}

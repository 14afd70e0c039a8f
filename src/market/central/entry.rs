//! From what a file says of an entry to a package.

use std::collections::HashSet;

use semver::{Version, VersionReq};

use super::{CentralPackage, Download, Index, Location, MAX_NAMED, MAX_PACKAGES, Skipped};
use crate::market::archive::path_fault;
use crate::market::{Dependency, PackageName, SafeText};

/// Bytes of the texts of a package, as in a signed release.
const MAX_DESCRIPTION: usize = 1024;
const MAX_SHORT: usize = 64;
const MAX_MIDDLE: usize = 256;
/// Bytes of the longest version.
const MAX_VERSION: usize = 64;
/// Tags, and keywords, of a package.
const MAX_TAGS: usize = 32;

/// An entry as it is written; empty is missing.
#[derive(Clone, Debug, Default)]
pub(super) struct Raw {
    pub id: String,
    pub name: String,
    pub title: String,
    pub version: String,
    pub latest_version: String,
    pub versions: Vec<String>,
    pub description: String,
    pub category: String,
    pub tags: Vec<String>,
    pub keywords: Vec<String>,
    pub author: String,
    pub licence: String,
    pub repository: String,
    pub dependencies: Vec<(String, String)>,
    pub path: String,
    pub download_url: String,
    pub checksum: String,
}

/// An index being read.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub index: Index,
    seen: HashSet<(PackageName, Version)>,
    /// Entries so far.
    entries: u64,
}

impl Builder {
    pub fn has_room(&self) -> bool {
        self.index.packages.len() < MAX_PACKAGES
    }

    /// Counts an entry for which there is no room.
    pub fn take_no_more(&mut self) {
        self.entries += 1;
        self.skip(&format!("entry {}", self.entries), &format!("the index has more than {MAX_PACKAGES} packages"));
    }

    /// Takes the next entry, or counts why not. `key` is what it is listed under, in a table.
    pub fn take(&mut self, raw: Option<Raw>, key: Option<&str>) {
        self.entries += 1;
        let place = format!("entry {}", self.entries);
        let Some(mut raw) = raw else { return self.skip(&place, "it is no table") };
        if raw.id.is_empty() {
            raw.id = key.unwrap_or_default().to_owned();
        }
        let shown = [&raw.id, &raw.name, &raw.path].into_iter().find(|text| !text.is_empty()).cloned().unwrap_or(place);
        let Some(name) = name(&raw) else { return self.skip(&shown, "neither id, name nor path is a package name") };
        for written in versions_of(&raw) {
            match version(&written) {
                Some(version) => self.add(package(&raw, name.clone(), version)),
                None => self.skip(&shown, &format!("'{}' is no version", SafeText::capped(&written, 40))),
            }
        }
    }

    /// The first one of a name and version counts.
    fn add(&mut self, package: CentralPackage) {
        if !self.seen.insert((package.name.clone(), package.version.clone())) {
            self.skip(package.name.as_str(), &format!("{} is there twice", package.version));
        } else if self.has_room() {
            self.index.packages.push(package);
        } else {
            self.skip(package.name.as_str(), &format!("the index has more than {MAX_PACKAGES} packages"));
        }
    }

    fn skip(&mut self, what: &str, why: &str) {
        let index = &mut self.index;
        index.skipped += 1;
        if index.named.len() < MAX_NAMED {
            index.named.push(Skipped { what: SafeText::capped(what, 80), why: SafeText::new(why) });
        }
    }
}

/// The id where it can be a name, else the name, else the folder it lies in: `Next.js CRUD` lies in `nextjs-crud`.
fn name(raw: &Raw) -> Option<PackageName> {
    let folder = raw.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    [raw.id.trim(), raw.name.trim(), folder].into_iter().find_map(|text| PackageName::new(text).ok())
}

fn versions_of(raw: &Raw) -> Vec<String> {
    match (raw.versions.is_empty(), raw.version.is_empty()) {
        (false, _) => raw.versions.clone(),
        (true, false) => vec![raw.version.clone()],
        (true, true) => vec![raw.latest_version.clone()],
    }
}

/// Versions may be incomplete, as in manifests.
fn version(written: &str) -> Option<Version> {
    let bare = written.trim();
    let bare = bare.strip_prefix('v').unwrap_or(bare);
    if bare.len() > MAX_VERSION {
        return None;
    }
    [bare.to_owned(), format!("{bare}.0"), format!("{bare}.0.0")].iter().find_map(|text| text.parse().ok())
}

fn package(raw: &Raw, name: PackageName, version: Version) -> CentralPackage {
    let title = [&raw.title, &raw.name].into_iter().find(|text| !text.trim().is_empty());
    let title = title.map_or(SafeText::new(name.as_str()), |title| SafeText::capped_bytes(title, MAX_MIDDLE));
    CentralPackage {
        title,
        version,
        description: SafeText::capped_bytes(&raw.description, MAX_DESCRIPTION),
        category: SafeText::capped_bytes(&raw.category, MAX_SHORT),
        tags: texts(&raw.tags),
        keywords: texts(&raw.keywords),
        author: SafeText::capped_bytes(&raw.author, MAX_MIDDLE),
        licence: SafeText::capped_bytes(&raw.licence, MAX_MIDDLE),
        repository: SafeText::capped_bytes(&raw.repository, MAX_MIDDLE),
        dependencies: dependencies(raw, &name),
        download: download(raw).map_err(SafeText::new),
        checksum: checksum(&raw.checksum),
        name,
    }
}

fn texts(raw: &[String]) -> Vec<SafeText> {
    let texts = raw.iter().map(|text| SafeText::capped_bytes(text.trim(), MAX_SHORT));
    texts.filter(|text| !text.is_empty()).take(MAX_TAGS).collect()
}

/// Names of packages, as in `dependencies = ["name", "name@^1"]`; what is none is no dependency on a package.
fn dependencies(raw: &Raw, own: &PackageName) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    for (text, requirement) in &raw.dependencies {
        let (name, behind) = text.split_once('@').unwrap_or((text, ""));
        let Ok(name) = PackageName::new(name.trim()) else { continue };
        let written = [behind.trim(), requirement.trim()].into_iter().find(|text| !text.is_empty());
        let requirement = match written {
            None | Some("latest") => VersionReq::STAR,
            Some(text) => text.parse().unwrap_or(VersionReq::STAR),
        };
        if name != *own && !found.iter().any(|known| known.name == name) {
            found.push(Dependency { name, requirement, publisher: None });
        }
    }
    found
}

fn download(raw: &Raw) -> Result<Download, &'static str> {
    if raw.download_url.is_empty() {
        return Err("the index names no archive to download");
    }
    let url = Location::url(raw.download_url.trim())
        .ok_or("the index names an archive that is no http, https or file URL")?;
    let path = raw.path.trim();
    let path = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
    if !path.is_empty() && path != "." && path_fault(path).is_some() {
        return Err("the index names a path that no package can lie in");
    }
    Ok(Download { url, path: if path == "." { String::new() } else { path.to_owned() } })
}

/// 64 hex digits, with or without `sha256:` or `sha256-` before them.
fn checksum(text: &str) -> Option<[u8; 32]> {
    let digits = text.trim();
    let digits = digits.strip_prefix("sha256").map_or(digits, |rest| rest.trim_start_matches([':', '-']));
    digits.to_ascii_lowercase().parse::<crate::market::PackageId>().ok().map(|id| id.0)
}

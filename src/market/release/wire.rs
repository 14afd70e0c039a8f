//! The bytes of a release: CBOR (RFC 8949) in its deterministic encoding (section 4.2.1), checked by encoding what was
//! decoded again and comparing.
//!
//! The payload is a map of definite length with unsigned integer keys in ascending order. Optional entries are left out
//! when they have no value; every other entry is present, also when empty.
//!
//! | key | type | content | limit |
//! | --- | --- | --- | --- |
//! | 0 | uint | format version, 1 | |
//! | 1 | text | network name | 1 to 64 printable ASCII characters |
//! | 2 | bytes(32) | publisher: Ed25519 public key | |
//! | 3 | text | package name | 1 to 64 characters, see [`PackageName`] |
//! | 4 | text | version, semver 2.0.0 | 64 bytes |
//! | 5 | bytes(32) | package id: SHA-256 of the archive | |
//! | 6 | uint | archive size in bytes | 1 to 512 MiB |
//! | 7 | bytes(32) | Merkle root of the archive | |
//! | 8 | text | description | 1024 bytes |
//! | 9 | text | category | 64 bytes |
//! | 10 | array of text | tags | 32 of 64 bytes |
//! | 11 | array of text | keywords | 32 of 64 bytes |
//! | 12 | text | licence (SPDX expression) | 128 bytes |
//! | 13 | text | repository URL | 256 bytes |
//! | 14 | array of map | dependencies: {0: name (text), 1: requirement (text), 2: publisher (bytes(32), optional)} | 64; requirement 128 bytes |
//! | 15 | uint | number of files | 1 to 10,000 |
//! | 16 | uint | sequence number within (publisher, name), from 1 | 2^53 - 1 |
//! | 17 | bytes(32), optional | id of the release before; absent exactly when the sequence number is 1 | |
//! | 18 | uint | published at, Unix seconds | |
//! | 19 | uint | expires at, Unix seconds | 2^53 - 1 |
//! | 20 | text, optional | on a yank: why the version is withdrawn | 1 to 256 bytes |

use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};

use super::{MAX_ENVELOPE, Release, refused};
use crate::market::envelope::{self, OVERHEAD, to_vec};
use crate::market::{Dependency, MarketError, PackageId, PackageName, PublisherKey, ReleaseId, SafeText};

/// The format this program writes and reads.
const FORMAT: u8 = 1;

const MAX_VERSION: usize = 64;
pub(in crate::market) const MAX_DESCRIPTION: usize = 1024;
const MAX_LABEL: usize = 64;
const MAX_LABELS: usize = 32;
pub(in crate::market) const MAX_LICENCE: usize = 128;
pub(in crate::market) const MAX_REPOSITORY: usize = 256;
const MAX_DEPENDENCIES: usize = 64;
const MAX_REQUIREMENT: usize = 128;
const MAX_REASON: usize = 256;

#[derive(Encode, Decode)]
#[cbor(map)]
struct Payload<'a> {
    #[n(0)]
    format: u8,
    #[b(1)]
    network: &'a str,
    #[n(2)]
    publisher: ByteArray<32>,
    #[b(3)]
    name: &'a str,
    #[b(4)]
    version: &'a str,
    #[n(5)]
    package_id: ByteArray<32>,
    #[n(6)]
    size: u64,
    #[n(7)]
    merkle_root: ByteArray<32>,
    #[b(8)]
    description: &'a str,
    #[b(9)]
    category: &'a str,
    #[b(10)]
    tags: Vec<&'a str>,
    #[b(11)]
    keywords: Vec<&'a str>,
    #[b(12)]
    licence: &'a str,
    #[b(13)]
    repository: &'a str,
    #[b(14)]
    dependencies: Vec<WireDependency<'a>>,
    #[n(15)]
    file_count: u32,
    #[n(16)]
    sequence: u64,
    #[n(17)]
    previous: Option<ByteArray<32>>,
    #[n(18)]
    published_at: u64,
    #[n(19)]
    expires_at: u64,
    #[b(20)]
    yank_reason: Option<&'a str>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct WireDependency<'a> {
    #[b(0)]
    name: &'a str,
    #[b(1)]
    requirement: &'a str,
    #[n(2)]
    publisher: Option<ByteArray<32>>,
}

/// The payload of `release`, its descriptive text shortened until an envelope holds it.
pub(super) fn encode_fitting(mut release: Release) -> Result<Vec<u8>, MarketError> {
    shorten_fields(&mut release);
    loop {
        let payload = encode(&release);
        let Some(excess) = (payload.len() + OVERHEAD).checked_sub(MAX_ENVELOPE + 1) else {
            return Ok(payload);
        };
        if !shed(&mut release, excess + 1) {
            return Err(MarketError::Refused {
                message: format!("the release is {} bytes over the limit of {MAX_ENVELOPE}", excess + 1),
                hint: format!("reduce its {} dependencies", release.dependencies.len()),
            });
        }
    }
}

/// Makes descriptive text about `excess` bytes shorter: the description first, then keywords, then tags.
fn shed(release: &mut Release, excess: usize) -> bool {
    if !release.description.is_empty() {
        let keep = release.description.len().saturating_sub(excess);
        release.description = SafeText::capped_bytes(&release.description, keep);
        return true;
    }
    release.keywords.pop().or_else(|| release.tags.pop()).is_some()
}

fn shorten_fields(release: &mut Release) {
    let shorten = |text: &mut SafeText, bytes| *text = SafeText::capped_bytes(text, bytes);
    shorten(&mut release.description, MAX_DESCRIPTION);
    shorten(&mut release.category, MAX_LABEL);
    shorten(&mut release.licence, MAX_LICENCE);
    shorten(&mut release.repository, MAX_REPOSITORY);
    for labels in [&mut release.tags, &mut release.keywords] {
        labels.truncate(MAX_LABELS);
        labels.iter_mut().for_each(|label| shorten(label, MAX_LABEL));
    }
    if let Some(reason) = &mut release.yank_reason {
        shorten(reason, MAX_REASON);
    }
}

pub(super) fn encode(release: &Release) -> Vec<u8> {
    let version = release.version.to_string();
    let requirements: Vec<String> = release.dependencies.iter().map(|d| d.requirement.to_string()).collect();
    let dependencies = release.dependencies.iter().zip(&requirements).map(|(dependency, requirement)| WireDependency {
        name: dependency.name.as_str(),
        requirement,
        publisher: dependency.publisher.map(|key| key.0.into()),
    });
    to_vec(&Payload {
        format: FORMAT,
        network: &release.network,
        publisher: release.publisher.0.into(),
        name: release.name.as_str(),
        version: &version,
        package_id: release.package_id.0.into(),
        size: release.size,
        merkle_root: release.merkle_root.into(),
        description: &release.description,
        category: &release.category,
        tags: release.tags.iter().map(SafeText::as_str).collect(),
        keywords: release.keywords.iter().map(SafeText::as_str).collect(),
        licence: &release.licence,
        repository: &release.repository,
        dependencies: dependencies.collect(),
        file_count: release.file_count,
        sequence: release.sequence,
        previous: release.previous.map(|id| id.0.into()),
        published_at: release.published_at,
        expires_at: release.expires_at,
        yank_reason: release.yank_reason.as_deref(),
    })
}

/// Reads a payload. Its text is cleaned on the way in; limits of numbers are [`super::check`]'s.
pub(super) fn decode(bytes: &[u8]) -> Result<Release, MarketError> {
    let format =
        envelope::format_version(bytes).ok_or_else(|| refused("its payload does not begin with a format version"))?;
    if format != FORMAT {
        return Err(refused(format!(
            "its format version is {format}, this program reads {FORMAT}; is there a newer one?"
        )));
    }
    let payload: Payload<'_> =
        minicbor::decode(bytes).map_err(|error| refused(format!("malformed payload: {error}")))?;
    if to_vec(&payload) != bytes {
        return Err(refused("its payload is not in the one deterministic encoding"));
    }
    release_of(&payload)
}

fn release_of(payload: &Payload<'_>) -> Result<Release, MarketError> {
    Ok(Release {
        network: payload.network.to_owned(),
        publisher: PublisherKey(*payload.publisher),
        name: name(payload.name)?,
        version: version(payload.version)?,
        package_id: PackageId(*payload.package_id),
        size: payload.size,
        merkle_root: *payload.merkle_root,
        description: text("description", payload.description, MAX_DESCRIPTION)?,
        category: text("category", payload.category, MAX_LABEL)?,
        tags: labels("tags", &payload.tags)?,
        keywords: labels("keywords", &payload.keywords)?,
        licence: text("licence", payload.licence, MAX_LICENCE)?,
        repository: text("repository", payload.repository, MAX_REPOSITORY)?,
        dependencies: dependencies(&payload.dependencies)?,
        file_count: payload.file_count,
        sequence: payload.sequence,
        previous: payload.previous.as_ref().map(|id| ReleaseId(**id)),
        published_at: payload.published_at,
        expires_at: payload.expires_at,
        yank_reason: payload.yank_reason.map(|reason| text("yank reason", reason, MAX_REASON)).transpose()?,
    })
}

fn text(field: &str, raw: &str, limit: usize) -> Result<SafeText, MarketError> {
    bounded(field, raw.len(), limit)?;
    Ok(SafeText::new(raw))
}

fn labels(field: &str, raw: &[&str]) -> Result<Vec<SafeText>, MarketError> {
    bounded(field, raw.len(), MAX_LABELS)?;
    raw.iter().map(|label| text(field, label, MAX_LABEL)).collect()
}

fn bounded(field: &str, length: usize, limit: usize) -> Result<(), MarketError> {
    if length <= limit { Ok(()) } else { Err(refused(format!("its {field} has a length of {length}, over {limit}"))) }
}

fn name(raw: &str) -> Result<PackageName, MarketError> {
    PackageName::new(raw).map_err(|error| refused(error.to_string()))
}

fn version(raw: &str) -> Result<semver::Version, MarketError> {
    bounded("version", raw.len(), MAX_VERSION)?;
    raw.parse().map_err(|error| refused(format!("its version is not semver: {error}")))
}

fn dependencies(raw: &[WireDependency<'_>]) -> Result<Vec<Dependency>, MarketError> {
    bounded("list of dependencies", raw.len(), MAX_DEPENDENCIES)?;
    raw.iter().map(dependency).collect()
}

fn dependency(raw: &WireDependency<'_>) -> Result<Dependency, MarketError> {
    bounded("dependency requirement", raw.requirement.len(), MAX_REQUIREMENT)?;
    let requirement = raw.requirement.parse();
    Ok(Dependency {
        name: name(raw.name)?,
        requirement: requirement
            .map_err(|error| refused(format!("a dependency's requirement is not semver: {error}")))?,
        publisher: raw.publisher.as_ref().map(|key| PublisherKey(**key)),
    })
}

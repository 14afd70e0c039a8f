//! The bytes of a head: CBOR (RFC 8949) in its deterministic encoding (section 4.2.1), checked by encoding what was
//! decoded again and comparing.
//!
//! | key | type | content | limit |
//! | --- | --- | --- | --- |
//! | 0 | uint | format version, 1 | |
//! | 1 | text | network name | 1 to 64 printable ASCII characters |
//! | 2 | bytes(32) | publisher: Ed25519 public key | |
//! | 3 | text | package name | see [`PackageName`] |
//! | 4 | uint | sequence number of the last release | at most `signed at` |
//! | 5 | bytes(32) | id of the last release | |
//! | 6 | array of array | versions, highest first: [version (text), release id (bytes(32)), package id (bytes(32)), withdrawn (bool)] | 1 to 128 |
//! | 7 | uint | how many versions there are, listed or not | |
//! | 8 | uint | signed at, Unix seconds | |
//! | 9 | uint | expires at, Unix seconds | 90 days after |

use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};

use super::{Head, HeadVersion, MAX_HEAD, refused};
use crate::market::envelope::{self, OVERHEAD, to_vec};
use crate::market::{MarketError, PackageId, PackageName, PublisherKey, ReleaseId};

/// The format this program writes and reads.
const FORMAT: u8 = 1;

/// Versions listed at most.
const MAX_VERSIONS: usize = 128;

const MAX_VERSION: usize = 64;

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
    #[n(4)]
    sequence: u64,
    #[n(5)]
    last: ByteArray<32>,
    #[b(6)]
    versions: Vec<WireVersion<'a>>,
    #[n(7)]
    total: u64,
    #[n(8)]
    signed_at: u64,
    #[n(9)]
    expires_at: u64,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct WireVersion<'a> {
    #[b(0)]
    version: &'a str,
    #[n(1)]
    release: ByteArray<32>,
    #[n(2)]
    package: ByteArray<32>,
    #[n(3)]
    yanked: bool,
}

/// The payload of `head`, its lowest versions left out until an envelope holds it.
pub(super) fn encode_fitting(mut head: Head) -> Vec<u8> {
    head.versions.truncate(MAX_VERSIONS);
    loop {
        let payload = encode(&head);
        if payload.len() + OVERHEAD <= MAX_HEAD || head.versions.pop().is_none() {
            return payload;
        }
    }
}

pub(super) fn encode(head: &Head) -> Vec<u8> {
    let texts: Vec<String> = head.versions.iter().map(|listed| listed.version.to_string()).collect();
    let versions = head.versions.iter().zip(&texts).map(|(listed, version)| WireVersion {
        version,
        release: listed.release.0.into(),
        package: listed.package.0.into(),
        yanked: listed.yanked,
    });
    to_vec(&Payload {
        format: FORMAT,
        network: &head.network,
        publisher: head.publisher.0.into(),
        name: head.name.as_str(),
        sequence: head.sequence,
        last: head.last.0.into(),
        versions: versions.collect(),
        total: head.total,
        signed_at: head.signed_at,
        expires_at: head.expires_at,
    })
}

/// Reads a payload; limits of numbers are [`super::check`]'s.
pub(super) fn decode(bytes: &[u8]) -> Result<Head, MarketError> {
    match envelope::format_version(bytes) {
        Some(FORMAT) => {}
        Some(other) => return Err(refused(format!("its format version is {other}, this program reads {FORMAT}"))),
        None => return Err(refused("its payload does not begin with a format version")),
    }
    let payload: Payload<'_> =
        minicbor::decode(bytes).map_err(|error| refused(format!("malformed payload: {error}")))?;
    if to_vec(&payload) != bytes {
        return Err(refused("its payload is not in the one deterministic encoding"));
    }
    if payload.versions.len() > MAX_VERSIONS {
        return Err(refused(format!("it lists {} versions, over {MAX_VERSIONS}", payload.versions.len())));
    }
    Ok(Head {
        network: payload.network.to_owned(),
        publisher: PublisherKey(*payload.publisher),
        name: PackageName::new(payload.name).map_err(|error| refused(error.to_string()))?,
        sequence: payload.sequence,
        last: ReleaseId(*payload.last),
        versions: payload.versions.iter().map(version).collect::<Result<_, _>>()?,
        total: payload.total,
        signed_at: payload.signed_at,
        expires_at: payload.expires_at,
    })
}

fn version(raw: &WireVersion<'_>) -> Result<HeadVersion, MarketError> {
    if raw.version.len() > MAX_VERSION {
        return Err(refused(format!("one of its versions has {} bytes, over {MAX_VERSION}", raw.version.len())));
    }
    Ok(HeadVersion {
        version: raw.version.parse().map_err(|error| refused(format!("one of its versions is not semver: {error}")))?,
        release: ReleaseId(*raw.release),
        package: PackageId(*raw.package),
        yanked: raw.yanked,
    })
}

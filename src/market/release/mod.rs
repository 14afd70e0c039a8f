//! What a publisher signs, its envelope, and the one way to trust it.
//!
//! An envelope is a CBOR array of three byte strings, `[payload, public key (32), signature (64)]`, at most
//! [`MAX_ENVELOPE`] bytes. The signature is Ed25519 (RFC 8032) over [`SIGNING_DOMAIN`] followed by the payload bytes as
//! they are in the envelope. The payload's layout is described in the module `wire`. The release id is the SHA-256 of the
//! payload. `vector.txt` beside this file is a complete example.

mod check;
mod wire;

#[cfg(test)]
mod tests;

use ed25519_dalek::{Signature, VerifyingKey};
use semver::Version;
use sha2::{Digest, Sha256};

use super::{Dependency, Identity, MarketError, PackageId, PackageName, PublisherKey, ReleaseId, SafeText};

/// An envelope's size limit in bytes.
pub const MAX_ENVELOPE: usize = 4096;

/// What stands before the payload in the signed message, so that a signature made for one purpose is none for another.
pub const SIGNING_DOMAIN: &[u8] = b"ggen-release-v1\0";

/// Seconds a release is valid for, unless its publisher says otherwise: 365 days.
pub const DEFAULT_VALIDITY: u64 = 365 * 24 * 60 * 60;

/// Seconds that a publisher's clock may be ahead of ours.
pub const MAX_CLOCK_SKEW: u64 = 10 * 60;

/// The content of a release. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    pub network: String,
    pub publisher: PublisherKey,
    pub name: PackageName,
    pub version: Version,
    pub package_id: PackageId,
    /// Archive bytes.
    pub size: u64,
    pub merkle_root: [u8; 32],
    pub description: SafeText,
    pub category: SafeText,
    pub tags: Vec<SafeText>,
    pub keywords: Vec<SafeText>,
    pub licence: SafeText,
    pub repository: SafeText,
    pub dependencies: Vec<Dependency>,
    pub file_count: u32,
    /// Counts up from 1 within (publisher, name).
    pub sequence: u64,
    pub previous: Option<ReleaseId>,
    pub published_at: u64,
    pub expires_at: u64,
    /// Set on a yank: why the version is withdrawn.
    pub yank_reason: Option<SafeText>,
}

/// {payload, public key, signature} as it travels. Nothing in it is to be believed before [`SignedRelease::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRelease {
    pub payload: Vec<u8>,
    pub public_key: [u8; 32],
    pub signature: [u8; 64],
}

/// A release whose signature, name, network and limits were checked. Made only by `verify` and `sign`.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedRelease {
    release: Release,
    id: ReleaseId,
    envelope: SignedRelease,
}

impl Release {
    /// Signs this release. Fails when it would be over [`MAX_ENVELOPE`] bytes, or the key is not its publisher's.
    ///
    /// Descriptive text (description, category, tags, keywords, licence, repository, yank reason) is shortened to its
    /// limits, then as far as the envelope's size asks for; what the result holds is what was signed.
    pub fn sign(self, identity: &Identity) -> Result<VerifiedRelease, MarketError> {
        if identity.public() != self.publisher {
            return Err(MarketError::Invalid(format!(
                "cannot sign a release of publisher {} with the key of {}",
                self.publisher,
                identity.public()
            )));
        }
        let payload = wire::encode_fitting(self)?;
        let release = decode_checked(&payload)?;
        let signature = identity.sign(&signed_message(&payload));
        let envelope = SignedRelease { public_key: release.publisher.0, payload, signature };
        Ok(VerifiedRelease { release, id: id_of(&envelope.payload), envelope })
    }
}

impl SignedRelease {
    /// The envelope as it travels; the layout is in the module's documentation.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::encode_envelope(self)
    }

    /// Size-checked before anything is allocated; trailing bytes refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MarketError> {
        if bytes.len() > MAX_ENVELOPE {
            return Err(refused(format!("the envelope has {} bytes, the limit is {MAX_ENVELOPE}", bytes.len())));
        }
        wire::decode_envelope(bytes)
    }

    /// The one way in from gossip, sync, DHT, remote search and disk. `now` in Unix seconds.
    pub fn verify(self, network: &str, now: u64) -> Result<VerifiedRelease, MarketError> {
        if self.payload.len() > MAX_ENVELOPE {
            return Err(refused(format!("the payload is over {MAX_ENVELOPE} bytes")));
        }
        let key =
            VerifyingKey::from_bytes(&self.public_key).map_err(|_| refused("the public key is no curve point"))?;
        key.verify_strict(&signed_message(&self.payload), &Signature::from_bytes(&self.signature))
            .map_err(|_| refused("the signature does not fit"))?;
        let verified = Self::into_checked(self)?;
        check::network_and_time(&verified.release, network, now)?;
        Ok(verified)
    }

    /// All checks but signature, network and time.
    fn into_checked(self) -> Result<VerifiedRelease, MarketError> {
        let release = decode_checked(&self.payload)?;
        if release.publisher.0 != self.public_key {
            return Err(refused("it names another publisher than the key that signed it"));
        }
        Ok(VerifiedRelease { release, id: id_of(&self.payload), envelope: self })
    }
}

impl VerifiedRelease {
    /// From a row of this node's own database, where only verified releases go in: the signature is not checked again,
    /// but the payload is decoded under the same rules and must have the id it is stored under.
    pub(super) fn from_store(envelope: &[u8], id: ReleaseId) -> Result<Self, MarketError> {
        let stored = SignedRelease::from_bytes(envelope)?.into_checked()?;
        if stored.id == id {
            Ok(stored)
        } else {
            Err(refused(format!("stored under id {id}, but its id is {}", stored.id)))
        }
    }

    pub fn release(&self) -> &Release {
        &self.release
    }

    pub fn id(&self) -> ReleaseId {
        self.id
    }

    pub fn envelope(&self) -> &SignedRelease {
        &self.envelope
    }
}

fn decode_checked(payload: &[u8]) -> Result<Release, MarketError> {
    let release = wire::decode(payload)?;
    check::fields(&release)?;
    Ok(release)
}

fn signed_message(payload: &[u8]) -> Vec<u8> {
    [SIGNING_DOMAIN, payload].concat()
}

fn id_of(payload: &[u8]) -> ReleaseId {
    ReleaseId(Sha256::digest(payload).into())
}

fn refused(reason: impl Into<String>) -> MarketError {
    MarketError::Release(reason.into())
}

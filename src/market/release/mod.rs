//! What a publisher signs, its envelope, and the one way to trust it.
//!
//! It travels in an [`Envelope`] of at most [`MAX_ENVELOPE`] bytes, signed under [`SIGNING_DOMAIN`]. The payload's layout is
//! described in the module `wire`. The release id is the SHA-256 of the payload.

pub(super) mod check;
mod wire;

#[cfg(test)]
mod tests;

use std::ops::{Deref, DerefMut};

use semver::Version;
use sha2::{Digest, Sha256};

use super::envelope::Envelope;
use super::{Dependency, Identity, MarketError, PackageId, PackageName, PublisherKey, ReleaseId, SafeText};

pub(in crate::market) use wire::{MAX_DESCRIPTION, MAX_LICENCE, MAX_REPOSITORY};

/// An envelope's size limit in bytes.
pub const MAX_ENVELOPE: usize = 4096;

/// What stands before the payload in the signed message, so that a signature made for one purpose is none for another.
pub const SIGNING_DOMAIN: &[u8] = b"ggen-release-v1\0";

/// Seconds a release is valid for, unless its publisher says otherwise: 365 days.
pub const DEFAULT_VALIDITY: u64 = 365 * 24 * 60 * 60;

/// Seconds a release may be valid for at most: two years. What lasts for ever could be replayed for ever.
pub const MAX_VALIDITY: u64 = 2 * DEFAULT_VALIDITY;

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

/// A release as it travels. Nothing in it is to be believed before [`SignedRelease::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRelease(pub Envelope);

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
        let envelope = SignedRelease(Envelope::sign(payload, identity, SIGNING_DOMAIN));
        Ok(VerifiedRelease { release, id: id_of(&envelope.payload), envelope })
    }
}

#[cfg(test)]
impl Release {
    /// Signs it whatever it says, as an attacker who has the key would.
    pub(crate) fn sign_unchecked(&self, identity: &Identity) -> Vec<u8> {
        Envelope::sign(wire::encode(self), identity, SIGNING_DOMAIN).to_bytes()
    }
}

impl SignedRelease {
    /// Size-checked before anything is allocated; trailing bytes refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MarketError> {
        Envelope::from_bytes(bytes, MAX_ENVELOPE).map(Self).map_err(refused)
    }

    /// Whether its key signed it as a release: an honest node may pass on what this one refuses (its clock, network or
    /// version differs), but never a wrong signature.
    pub fn signature_fits(&self) -> bool {
        self.check_signature(SIGNING_DOMAIN).is_ok()
    }

    /// What the id is of a payload that may not be readable.
    pub fn id(&self) -> ReleaseId {
        id_of(&self.payload)
    }

    /// The one way in from gossip, sync, DHT, remote search and disk. `now` in Unix seconds.
    pub fn verify(self, network: &str, now: u64) -> Result<VerifiedRelease, MarketError> {
        if self.payload.len() > MAX_ENVELOPE {
            return Err(refused(format!("the payload is over {MAX_ENVELOPE} bytes")));
        }
        self.check_signature(SIGNING_DOMAIN).map_err(refused)?;
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

impl Deref for SignedRelease {
    type Target = Envelope;
    fn deref(&self) -> &Envelope {
        &self.0
    }
}

impl DerefMut for SignedRelease {
    fn deref_mut(&mut self) -> &mut Envelope {
        &mut self.0
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

    /// Whether the signature still fits: a row of the database may have been tampered with.
    pub(super) fn signature_holds(&self) -> bool {
        self.envelope.signature_fits()
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

fn id_of(payload: &[u8]) -> ReleaseId {
    ReleaseId(Sha256::digest(payload).into())
}

fn refused(reason: impl Into<String>) -> MarketError {
    MarketError::Release(reason.into())
}

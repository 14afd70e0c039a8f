//! The head of a package: its publisher's signed, expiring list of the versions there are.
//!
//! A release says that a version exists; only a head says that there is no newer one, so that a peer that holds something
//! back (freeze, rollback, mix-and-match) is noticed. It travels in an [`Envelope`] of at most [`MAX_HEAD`] bytes, signed
//! under [`HEAD_DOMAIN`]; the payload's layout is described in the module `wire`.
//! See TUF's snapshot and timestamp roles: <https://theupdateframework.github.io/specification/latest/>.

mod check;
mod wire;

#[cfg(test)]
mod tests;

use semver::Version;

use super::envelope::Envelope;
use super::{Identity, MarketError, PackageId, PackageName, PublisherKey, ReleaseId, VerifiedRelease};

/// A head's size limit in bytes, envelope included: what a DHT record may have.
pub const MAX_HEAD: usize = 8192;

/// What stands before the payload in the signed message.
pub const HEAD_DOMAIN: &[u8] = b"ggen-head-v1\0";

/// Seconds a head is valid for, unless its publisher says otherwise: 30 days. A peer can hide a newer version no longer.
pub const HEAD_VALIDITY: u64 = 30 * 24 * 60 * 60;

/// Seconds a head may be valid for at most: 90 days.
pub const MAX_HEAD_VALIDITY: u64 = 3 * HEAD_VALIDITY;

/// The content of a head. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub network: String,
    pub publisher: PublisherKey,
    pub name: PackageName,
    /// That of the package's last release.
    pub sequence: u64,
    /// The last release.
    pub last: ReleaseId,
    /// Highest first; of very many, the highest.
    pub versions: Vec<HeadVersion>,
    /// How many versions there are, listed or not.
    pub total: u64,
    pub signed_at: u64,
    pub expires_at: u64,
}

/// The last word on one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadVersion {
    pub version: Version,
    pub release: ReleaseId,
    pub package: PackageId,
    /// Whether that release withdraws the version.
    pub yanked: bool,
}

/// A head as it travels. Nothing in it is to be believed before [`SignedHead::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead(pub Envelope);

/// A head whose signature, network, time and limits were checked. Made only by `verify` and `sign`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedHead {
    head: Head,
    envelope: Envelope,
}

impl Head {
    /// The head of a package whose last release of each version is in `versions` (all of one publisher and name), signed
    /// at `now`. `None` when there is none.
    pub fn of(versions: &[VerifiedRelease], now: u64) -> Option<Self> {
        let last = versions.iter().max_by_key(|release| release.release().sequence)?;
        let signed = last.release();
        let mut listed: Vec<_> = versions.iter().map(HeadVersion::of).collect();
        listed.sort_by(|a, b| b.version.cmp(&a.version));
        Some(Self {
            network: signed.network.clone(),
            publisher: signed.publisher,
            name: signed.name.clone(),
            sequence: signed.sequence,
            last: last.id(),
            total: listed.len() as u64,
            versions: listed,
            // A publisher whose clock went back still signs what holds together.
            signed_at: now.max(signed.published_at),
            expires_at: now.max(signed.published_at).saturating_add(HEAD_VALIDITY),
        })
    }

    /// Signs this head; the lowest versions are left out as far as [`MAX_HEAD`] asks for.
    ///
    /// # Errors
    /// The key is not the publisher's, or the content breaks a rule.
    pub fn sign(self, identity: &Identity) -> Result<VerifiedHead, MarketError> {
        if identity.public() != self.publisher {
            return Err(MarketError::Invalid(format!(
                "cannot sign a head of publisher {} with the key of {}",
                self.publisher,
                identity.public()
            )));
        }
        let payload = wire::encode_fitting(self);
        let head = decode_checked(&payload)?;
        Ok(VerifiedHead { head, envelope: Envelope::sign(payload, identity, HEAD_DOMAIN) })
    }

    /// What it says of `version`.
    pub fn find(&self, version: &Version) -> Option<&HeadVersion> {
        self.versions.iter().find(|listed| listed.version == *version)
    }

    /// Whether every version is listed.
    pub fn is_complete(&self) -> bool {
        self.versions.len() as u64 == self.total
    }

    /// Whether both say the same of the package, whenever they were signed.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let Self { network, publisher, name, sequence, last, versions, total, signed_at: _, expires_at: _ } = self;
        (network, publisher, name) == (&other.network, &other.publisher, &other.name)
            && (sequence, last, versions, total) == (&other.sequence, &other.last, &other.versions, &other.total)
    }
}

#[cfg(test)]
impl Head {
    /// Signs it whatever it says, as an attacker who has the key would.
    pub(crate) fn sign_unchecked(self, identity: &Identity) -> Vec<u8> {
        Envelope::sign(wire::encode_fitting(self), identity, HEAD_DOMAIN).to_bytes()
    }
}

impl HeadVersion {
    fn of(release: &VerifiedRelease) -> Self {
        let signed = release.release();
        Self {
            version: signed.version.clone(),
            release: release.id(),
            package: signed.package_id,
            yanked: signed.yank_reason.is_some(),
        }
    }
}

impl SignedHead {
    /// The envelope as it travels.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// Size-checked before anything is allocated; trailing bytes refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MarketError> {
        Envelope::from_bytes(bytes, MAX_HEAD).map(Self).map_err(refused)
    }

    /// The one way in from DHT, peers and disk. `now` in Unix seconds.
    pub fn verify(self, network: &str, now: u64) -> Result<VerifiedHead, MarketError> {
        self.0.check_signature(HEAD_DOMAIN).map_err(refused)?;
        let verified = self.into_checked()?;
        check::network_and_time(&verified.head, network, now)?;
        Ok(verified)
    }

    /// What it says, believed or not.
    pub fn claims(&self) -> Result<Head, MarketError> {
        decode_checked(&self.0.payload)
    }

    /// Whether its key signed it as a head, whatever else is wrong with it.
    pub fn signature_fits(&self) -> bool {
        self.0.check_signature(HEAD_DOMAIN).is_ok()
    }

    fn into_checked(self) -> Result<VerifiedHead, MarketError> {
        let head = decode_checked(&self.0.payload)?;
        if head.publisher.0 != self.0.public_key {
            return Err(refused("it names another publisher than the key that signed it"));
        }
        Ok(VerifiedHead { head, envelope: self.0 })
    }
}

impl VerifiedHead {
    /// From a row of this node's own database: it was in time when it came, and may have expired since.
    pub(super) fn from_store(envelope: &[u8]) -> Result<Self, MarketError> {
        let signed = SignedHead::from_bytes(envelope)?;
        signed.0.check_signature(HEAD_DOMAIN).map_err(refused)?;
        signed.into_checked()
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The envelope as it travels.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.envelope.to_bytes()
    }
}

/// Reads a payload and checks all that does not depend on network and time.
pub(super) fn decode_checked(payload: &[u8]) -> Result<Head, MarketError> {
    let head = wire::decode(payload)?;
    check::fields(&head)?;
    Ok(head)
}

fn refused(reason: impl Into<String>) -> MarketError {
    MarketError::Head(reason.into())
}

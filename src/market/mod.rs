//! The domain: manifests, archives, releases and their signatures, the catalogue. No network, no screen.

pub mod archive;
pub mod central;
pub mod check;
#[cfg(any(test, fuzzing))]
pub mod decoders;
pub mod envelope;
pub mod error;
mod files;
pub mod head;
pub mod ids;
pub mod install;
pub mod key;
pub mod keys;
pub mod lock;
pub mod manifest;
pub mod merkle;
pub mod parallel;
pub mod release;
pub mod resolve;
pub mod search;
pub mod store;
#[cfg(any(test, fuzzing))]
pub(crate) mod testing;
pub mod text;
pub mod trust;
#[cfg(test)]
mod vectors;
pub mod when;

pub use envelope::Envelope;
pub use error::{MarketError, NotNow};
pub use head::{Head, SignedHead, VerifiedHead};
pub use ids::{PackageId, PackageName, PublisherKey, ReleaseId};
pub use key::Identity;
pub use keys::{KeyStatement, SignedKeyStatement, VerifiedKeyStatement};
pub use manifest::{Dependency, Finding, Manifest, Severity};
pub use release::{Release, SignedRelease, VerifiedRelease};
pub use store::{Db, Store};
pub use text::SafeText;

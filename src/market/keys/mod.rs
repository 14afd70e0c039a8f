//! What a key says of itself: that another one takes its place (rotation), or that it is no longer to be trusted
//! (revocation).
//!
//! A statement is a CBOR array of four byte strings, `[payload, public key (32), signature (64), countersignature (64, or
//! none)]`, at most [`MAX_STATEMENT`] bytes. The key it is about signs it under [`KEY_DOMAIN`]; a rotation is also signed by
//! the new key, under [`ACCEPT_DOMAIN`], which proves that there is somebody who has it and takes over. It never expires.
//! The payload's layout is described in the module `wire`.

mod files;
mod wire;

#[cfg(test)]
mod tests;

use sha2::{Digest, Sha256};

use super::envelope::{self, check_signature};
use super::release::MAX_CLOCK_SKEW;
use super::release::check::{MAX_NUMBER, is_network_name};
use super::{Identity, MarketError, PublisherKey, ReleaseId, SafeText};

pub use files::{KeyFile, complete, key_files, prepare_next, replace};

/// A statement's size limit in bytes.
pub const MAX_STATEMENT: usize = 1024;

/// What stands before the payload in the message that the key signs.
pub const KEY_DOMAIN: &[u8] = b"ggen-key-v1\0";

/// What stands before the payload in the message that the succeeding key signs.
pub const ACCEPT_DOMAIN: &[u8] = b"ggen-key-accept-v1\0";

/// Bytes of the longest reason.
pub const MAX_REASON: usize = 256;

/// What one key says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStatement {
    pub network: String,
    /// The key that speaks.
    pub key: PublisherKey,
    /// Unix seconds.
    pub signed_at: u64,
    pub word: KeyWord,
}

/// See [`KeyStatement`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyWord {
    /// From now on, `successor` publishes in this key's place.
    Rotation { successor: PublisherKey },
    /// From now on, nothing new of this key is to be believed. `successor` repeats the one it had named before: whoever
    /// stole a key can name one too, so that a rotation is believed after a revocation only when that repeats it.
    Revocation { successor: Option<PublisherKey>, reason: SafeText },
}

/// A statement as it travels. Nothing in it is to be believed before [`SignedKeyStatement::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedKeyStatement {
    pub payload: Vec<u8>,
    pub public_key: [u8; 32],
    pub signature: [u8; 64],
    /// By the succeeding key; on rotations.
    pub countersignature: Option<[u8; 64]>,
}

/// A statement whose signatures, network, time and limits were checked. Made only by `verify` and by signing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedKeyStatement {
    statement: KeyStatement,
    envelope: SignedKeyStatement,
}

impl KeyStatement {
    /// `old` names `new` in its place.
    pub fn rotate(
        network: &str,
        old: &Identity,
        new: &Identity,
        now: u64,
    ) -> Result<VerifiedKeyStatement, MarketError> {
        let word = KeyWord::Rotation { successor: new.public() };
        Self { network: network.to_owned(), key: old.public(), signed_at: now, word }.sign(old, Some(new))
    }

    /// `identity` withdraws itself, for `reason`; `successor` is whom it had named before, if anyone.
    pub fn revoke(
        network: &str,
        identity: &Identity,
        successor: Option<PublisherKey>,
        reason: &str,
        now: u64,
    ) -> Result<VerifiedKeyStatement, MarketError> {
        let reason = SafeText::capped_bytes(reason.trim(), MAX_REASON);
        let word = KeyWord::Revocation { successor, reason };
        Self { network: network.to_owned(), key: identity.public(), signed_at: now, word }.sign(identity, None)
    }

    fn sign(self, identity: &Identity, successor: Option<&Identity>) -> Result<VerifiedKeyStatement, MarketError> {
        let payload = wire::encode(&self);
        let statement = decode_checked(&payload)?;
        let signed = |by: &Identity, domain| by.sign(&envelope::signed_message(domain, &payload));
        let signature = signed(identity, KEY_DOMAIN);
        let countersignature = successor.map(|successor| signed(successor, ACCEPT_DOMAIN));
        let envelope = SignedKeyStatement { public_key: identity.public().0, signature, countersignature, payload };
        Ok(VerifiedKeyStatement { statement, envelope })
    }

    /// Whom it names.
    pub fn successor(&self) -> Option<PublisherKey> {
        match &self.word {
            KeyWord::Rotation { successor } => Some(*successor),
            KeyWord::Revocation { successor, .. } => *successor,
        }
    }
}

impl SignedKeyStatement {
    /// As it travels; the layout is in the module's documentation.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::encode_envelope(self)
    }

    /// Size-checked before anything is allocated; trailing bytes refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MarketError> {
        wire::decode_envelope(bytes)
    }

    /// Whether `bytes` are meant as a statement: releases and heads are arrays of three.
    pub fn is_meant(bytes: &[u8]) -> bool {
        bytes.first() == Some(&wire::ARRAY_OF_FOUR)
    }

    /// The one way in from gossip, sync and disk. `now` in Unix seconds.
    pub fn verify(self, network: &str, now: u64) -> Result<VerifiedKeyStatement, MarketError> {
        self.check_signature()?;
        let verified = self.into_checked()?;
        let statement = &verified.statement;
        if statement.network != network {
            let theirs = SafeText::capped(&statement.network, 64);
            return Err(refused(format!("it belongs to the network '{theirs}', this node to '{network}'")));
        }
        if statement.signed_at > now.saturating_add(MAX_CLOCK_SKEW) {
            return Err(refused(format!(
                "it claims to be signed in the future, at {} (Unix time; now {now})",
                statement.signed_at
            )));
        }
        Ok(verified)
    }

    /// Whether the key signed it as a statement, whatever else is wrong with it.
    pub fn signature_fits(&self) -> bool {
        self.check_signature().is_ok()
    }

    /// SHA-256 of the payload, as for releases.
    pub fn id(&self) -> ReleaseId {
        ReleaseId(Sha256::digest(&self.payload).into())
    }

    fn check_signature(&self) -> Result<(), MarketError> {
        check_signature(PublisherKey(self.public_key), KEY_DOMAIN, &self.payload, &self.signature).map_err(refused)
    }

    /// All checks but the signature of the key itself, network and time.
    fn into_checked(self) -> Result<VerifiedKeyStatement, MarketError> {
        let statement = decode_checked(&self.payload)?;
        if statement.key.0 != self.public_key {
            return Err(refused("it is about another key than the one that signed it"));
        }
        match (&statement.word, &self.countersignature) {
            (KeyWord::Rotation { successor }, Some(signature)) => {
                check_signature(*successor, ACCEPT_DOMAIN, &self.payload, signature)
                    .map_err(|_| refused("the key it names has not signed it too"))?;
            }
            (KeyWord::Rotation { .. }, None) => return Err(refused("the key it names has not signed it too")),
            (KeyWord::Revocation { .. }, Some(_)) => return Err(refused("a revocation is signed by its key alone")),
            (KeyWord::Revocation { .. }, None) => {}
        }
        Ok(VerifiedKeyStatement { statement, envelope: self })
    }
}

impl VerifiedKeyStatement {
    /// From a row of this node's own database.
    pub(super) fn from_store(envelope: &[u8]) -> Result<Self, MarketError> {
        let signed = SignedKeyStatement::from_bytes(envelope)?;
        signed.check_signature()?;
        signed.into_checked()
    }

    pub fn statement(&self) -> &KeyStatement {
        &self.statement
    }

    /// SHA-256 of the payload, as for releases.
    pub fn id(&self) -> ReleaseId {
        self.envelope.id()
    }

    pub fn envelope(&self) -> &SignedKeyStatement {
        &self.envelope
    }
}

fn decode_checked(payload: &[u8]) -> Result<KeyStatement, MarketError> {
    let statement = wire::decode(payload)?;
    if !is_network_name(&statement.network) {
        return Err(refused("its network name is not 1 to 64 printable ASCII characters"));
    }
    if !(1..=MAX_NUMBER).contains(&statement.signed_at) {
        return Err(refused(format!("its time is {}", statement.signed_at)));
    }
    if statement.successor() == Some(statement.key) {
        return Err(refused("it names its own key as successor"));
    }
    match &statement.word {
        KeyWord::Revocation { reason, .. } if reason.trim().is_empty() => {
            Err(refused("it withdraws a key without saying why"))
        }
        _ => Ok(statement),
    }
}

fn refused(reason: impl Into<String>) -> MarketError {
    MarketError::KeyStatement(reason.into())
}

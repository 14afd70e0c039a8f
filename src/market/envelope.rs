//! Signed bytes as they travel: what releases and heads have in common.
//!
//! An envelope is a CBOR array of three byte strings, `[payload, public key (32), signature (64)]`. The signature is
//! Ed25519 (RFC 8032) over a domain tag, which says what kind of thing is signed, followed by the payload bytes.

use ed25519_dalek::{Signature, VerifyingKey};
use minicbor::bytes::{ByteArray, ByteSlice};
use minicbor::{Decode, Encode};

use super::{Identity, PublisherKey};

/// {payload, public key, signature}. Nothing in it is to be believed before the signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub payload: Vec<u8>,
    pub public_key: [u8; 32],
    pub signature: [u8; 64],
}

/// Bytes around a payload of 256 to 65,535 bytes: array head (1), payload head (3), key (2 + 32), signature (2 + 64).
pub(super) const OVERHEAD: usize = 104;

#[derive(Encode, Decode)]
#[cbor(array)]
struct Wire<'a> {
    #[b(0)]
    payload: &'a ByteSlice,
    #[n(1)]
    public_key: ByteArray<32>,
    #[n(2)]
    signature: ByteArray<64>,
}

impl Envelope {
    /// Signs `payload` for the purpose that `domain` names.
    pub(super) fn sign(payload: Vec<u8>, identity: &Identity, domain: &[u8]) -> Self {
        let signature = identity.sign(&signed_message(domain, &payload));
        Self { payload, public_key: identity.public().0, signature }
    }

    /// The envelope as it travels.
    pub fn to_bytes(&self) -> Vec<u8> {
        to_vec(&Wire {
            payload: self.payload.as_slice().into(),
            public_key: self.public_key.into(),
            signature: self.signature.into(),
        })
    }

    /// Size-checked before anything is allocated; trailing bytes and other encodings refused. The error is the reason.
    pub(super) fn from_bytes(bytes: &[u8], limit: usize) -> Result<Self, String> {
        within(bytes, limit)?;
        let wire: Wire<'_> = minicbor::decode(bytes).map_err(|error| format!("malformed envelope: {error}"))?;
        if to_vec(&wire) != bytes {
            return Err("its envelope has trailing bytes or is not in the one deterministic encoding".into());
        }
        Ok(Self { payload: wire.payload.to_vec(), public_key: *wire.public_key, signature: *wire.signature })
    }

    /// Whether the key it names signed it for the purpose that `domain` names. The error is the reason.
    pub(super) fn check_signature(&self, domain: &[u8]) -> Result<(), &'static str> {
        check_signature(PublisherKey(self.public_key), domain, &self.payload, &self.signature)
    }
}

/// Refuses what is longer than `limit` bytes.
pub(super) fn within(bytes: &[u8], limit: usize) -> Result<(), String> {
    match bytes.len() {
        length if length > limit => Err(format!("the envelope has {length} bytes, the limit is {limit}")),
        _ => Ok(()),
    }
}

/// Strict verification: canonical, no small-order key, so that every node comes to the same answer.
pub(super) fn check_signature(
    key: PublisherKey,
    domain: &[u8],
    payload: &[u8],
    signature: &[u8; 64],
) -> Result<(), &'static str> {
    let key = VerifyingKey::from_bytes(&key.0).map_err(|_| "the public key is no curve point")?;
    key.verify_strict(&signed_message(domain, payload), &Signature::from_bytes(signature))
        .map_err(|_| "the signature does not fit")
}

pub(super) fn signed_message(domain: &[u8], payload: &[u8]) -> Vec<u8> {
    [domain, payload].concat()
}

/// The format version of a payload: a map whose first entry has key 0. It stands first so that it can be read whatever
/// follows.
pub(super) fn format_version(payload: &[u8]) -> Option<u8> {
    let mut decoder = minicbor::Decoder::new(payload);
    decoder.map().ok()?;
    (decoder.u8().ok()? == 0).then(|| decoder.u8().ok())?
}

/// `value` in CBOR.
pub(super) fn to_vec<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    match minicbor::encode(value, &mut out) {
        Ok(()) => out,
        Err(error) => unreachable!("writing to a Vec does not fail: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn the_limit_itself_is_within() {
        assert!(within(&[0; 10], 10).is_ok());
        assert!(within(&[0; 11], 10).expect_err("too long").contains("11 bytes, the limit is 10"));
    }
}

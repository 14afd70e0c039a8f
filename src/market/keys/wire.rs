//! The bytes of a key statement: CBOR (RFC 8949) in its deterministic encoding (section 4.2.1), checked by encoding what was
//! decoded again and comparing.
//!
//! | key | type | content | limit |
//! | --- | --- | --- | --- |
//! | 0 | uint | format version, 1 | |
//! | 1 | text | network name | 1 to 64 printable ASCII characters |
//! | 2 | bytes(32) | the key that speaks | |
//! | 3 | uint | 1: rotation, 2: revocation | |
//! | 4 | uint | signed at, Unix seconds | 2^53 - 1 |
//! | 5 | bytes(32), optional | the succeeding key; always on a rotation | |
//! | 6 | text, on a revocation | why | 1 to 256 bytes |

use minicbor::bytes::{ByteArray, ByteSlice};
use minicbor::{Decode, Encode};

use super::{KeyStatement, KeyWord, MAX_REASON, MAX_STATEMENT, SignedKeyStatement, refused};
use crate::market::envelope::{self, to_vec};
use crate::market::{MarketError, PublisherKey, SafeText};

/// The first byte of a statement's envelope.
pub(super) const ARRAY_OF_FOUR: u8 = 0x84;

/// The format this program writes and reads.
const FORMAT: u8 = 1;

const ROTATION: u8 = 1;
const REVOCATION: u8 = 2;

#[derive(Encode, Decode)]
#[cbor(map)]
struct Payload<'a> {
    #[n(0)]
    format: u8,
    #[b(1)]
    network: &'a str,
    #[n(2)]
    key: ByteArray<32>,
    #[n(3)]
    kind: u8,
    #[n(4)]
    signed_at: u64,
    #[n(5)]
    successor: Option<ByteArray<32>>,
    #[b(6)]
    reason: Option<&'a str>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct Wire<'a> {
    #[b(0)]
    payload: &'a ByteSlice,
    #[n(1)]
    public_key: ByteArray<32>,
    #[n(2)]
    signature: ByteArray<64>,
    #[b(3)]
    countersignature: &'a ByteSlice,
}

pub(super) fn encode(statement: &KeyStatement) -> Vec<u8> {
    let (kind, reason) = match &statement.word {
        KeyWord::Rotation { .. } => (ROTATION, None),
        KeyWord::Revocation { reason, .. } => (REVOCATION, Some(reason.as_str())),
    };
    to_vec(&Payload {
        format: FORMAT,
        network: &statement.network,
        key: statement.key.0.into(),
        kind,
        signed_at: statement.signed_at,
        successor: statement.successor().map(|key| key.0.into()),
        reason,
    })
}

/// Reads a payload; its text is cleaned on the way in.
pub(super) fn decode(bytes: &[u8]) -> Result<KeyStatement, MarketError> {
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
    Ok(KeyStatement {
        network: payload.network.to_owned(),
        key: PublisherKey(*payload.key),
        signed_at: payload.signed_at,
        word: word(&payload)?,
    })
}

fn word(payload: &Payload<'_>) -> Result<KeyWord, MarketError> {
    let successor = payload.successor.as_ref().map(|key| PublisherKey(**key));
    match (payload.kind, successor, payload.reason) {
        (ROTATION, Some(successor), None) => Ok(KeyWord::Rotation { successor }),
        (REVOCATION, successor, Some(reason)) if reason.len() <= MAX_REASON => {
            Ok(KeyWord::Revocation { successor, reason: SafeText::new(reason) })
        }
        (REVOCATION, _, Some(reason)) => {
            Err(refused(format!("its reason has {} bytes, over {MAX_REASON}", reason.len())))
        }
        (ROTATION, ..) => Err(refused("a rotation names its successor and nothing else")),
        (REVOCATION, ..) => Err(refused("it withdraws a key without saying why")),
        (kind, ..) => Err(refused(format!("its kind is {kind}, this program reads 1 and 2"))),
    }
}

pub(super) fn encode_envelope(envelope: &SignedKeyStatement) -> Vec<u8> {
    to_vec(&Wire {
        payload: envelope.payload.as_slice().into(),
        public_key: envelope.public_key.into(),
        signature: envelope.signature.into(),
        countersignature: envelope.countersignature.as_ref().map_or(&[][..], |signature| signature).into(),
    })
}

pub(super) fn decode_envelope(bytes: &[u8]) -> Result<SignedKeyStatement, MarketError> {
    envelope::within(bytes, MAX_STATEMENT).map_err(refused)?;
    let wire: Wire<'_> = minicbor::decode(bytes).map_err(|error| refused(format!("malformed envelope: {error}")))?;
    if to_vec(&wire) != bytes {
        return Err(refused("its envelope has trailing bytes or is not in the one deterministic encoding"));
    }
    let countersignature = match wire.countersignature.len() {
        0 => None,
        _ => Some(wire.countersignature[..].try_into().map_err(|_| refused("its second signature has not 64 bytes"))?),
    };
    Ok(SignedKeyStatement {
        payload: wire.payload.to_vec(),
        public_key: *wire.public_key,
        signature: *wire.signature,
        countersignature,
    })
}

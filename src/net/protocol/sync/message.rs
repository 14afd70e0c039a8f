//! The messages of `/ggen/sync/1.0.0`.
//!
//! The initiator opens a stream and sends requests; each gets one answer. First, range-based set reconciliation
//! (negentropy protocol version 1 over (`published_at`, release id), frames of at most 32 KiB) with [`Message::Reconcile`]
//! both ways until the initiator has nothing more to say; then it fetches what it lacks ([`Message::Fetch`], answered by
//! [`Message::Envelopes`]) and gives what the other lacks ([`Message::Envelopes`], answered by [`Message::Taken`]).
//! What is reconciled are releases and key statements; an envelope says which it is. [`Message::Have`] may be asked at any
//! point, answered by [`Message::Holdings`], and [`Message::AskHeads`], answered by [`Message::Heads`], and
//! [`Message::AskExtent`], answered by [`Message::Extent`]. The initiator closes when it is done.

use minicbor::{Decode, Encode};

use crate::market::release::MAX_ENVELOPE;

use super::super::codec::CodecError;

/// Bytes a negentropy message is kept within (it may overshoot a little: [`MAX_MESSAGE`] leaves room).
pub const NEGENTROPY_FRAME: u64 = 32 * 1024;
/// Most envelopes in one message.
pub const MAX_BATCH: usize = 64;
/// Most ids of each kind in one [`Message::Have`].
pub const MAX_HAVE: usize = 64;
/// Most packages in one [`Message::AskHeads`].
pub const MAX_HEADS: usize = 16;
/// Bytes of the longest message: a full batch.
pub const MAX_MESSAGE: usize = MAX_BATCH * (MAX_ENVELOPE + 8) + 64;

/// One message, either way.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Message {
    /// `[0, negentropy message (bytes)]`
    #[n(0)]
    Reconcile(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// `[1, release ids (bytes, 32 for each, at most 64)]`
    #[n(1)]
    Fetch(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// `[2, [envelope (bytes), …]]`: at most 64. In answer to a fetch, what was asked for and is still there.
    #[n(2)]
    Envelopes(#[n(0)] Vec<Envelope>),
    /// `[3, release ids (bytes), package ids (bytes)]`: at most 64 of each.
    #[n(3)]
    Have(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>, #[cbor(n(1), with = "minicbor::bytes")] Vec<u8>),
    /// `[4, releases (bitmap), packages (bitmap)]`: which releases are in the catalogue and which bytes are held, in the
    /// order asked; bit `i % 8`, lowest first, of byte `i / 8`.
    #[n(4)]
    Holdings(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>, #[cbor(n(1), with = "minicbor::bytes")] Vec<u8>),
    /// `[5, new (uint)]`: how many of the envelopes were new to the receiver.
    #[n(5)]
    Taken(#[n(0)] u32),
    /// `[6]`: too many syncs at the moment.
    #[n(6)]
    Busy,
    /// `[7, [[publisher (bytes, 32), name (text)], …]]`: what are the heads of these? At most 16.
    #[n(7)]
    AskHeads(#[n(0)] Vec<Package>),
    /// `[8, [head (bytes), …]]`: those that are known, at most 16.
    #[n(8)]
    Heads(#[n(0)] Vec<Envelope>),
    /// `[9]`: how much is in your catalogue?
    #[n(9)]
    AskExtent,
    /// `[10, releases (uint), since (uint)]`: how many releases there are, and since when (Unix seconds) all that came were kept;
    /// 0: always.
    #[n(10)]
    Extent(#[n(0)] u64, #[n(1)] u64),
}

/// Whose package, and its name.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Package {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub publisher: [u8; 32],
    #[n(1)]
    pub name: String,
}

/// The envelope of a release, a key statement or a head as bytes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Envelope(#[cbor(n(0), with = "minicbor::bytes")] pub Vec<u8>);

impl Message {
    /// The envelopes of this message when there are at most [`MAX_BATCH`].
    pub fn bounded(envelopes: Vec<Envelope>) -> Result<Vec<Envelope>, CodecError> {
        match envelopes.len() {
            count if count > MAX_BATCH => Err(CodecError::TooMany { what: "envelopes", count, limit: MAX_BATCH }),
            _ => Ok(envelopes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::protocol::codec;
    use proptest::prelude::*;

    #[test]
    fn the_wire_form_is_as_documented() {
        assert_eq!(codec::encode(&Message::Reconcile(vec![0x61])), [0x82, 0, 0x41, 0x61]);
        let batch = Message::Envelopes(vec![Envelope(vec![1]), Envelope(vec![])]);
        assert_eq!(codec::encode(&batch), [0x82, 2, 0x82, 0x41, 1, 0x40]);
        assert_eq!(codec::encode(&Message::Holdings(vec![1], vec![])), [0x83, 4, 0x41, 1, 0x40]);
        assert_eq!(codec::encode(&Message::Busy), [0x81, 6]);
        let package = Package { publisher: [1; 32], name: "a".into() };
        let asked = codec::encode(&Message::AskHeads(vec![package]));
        assert_eq!(asked[..6], [0x82, 7, 0x81, 0x82, 0x58, 32]);
        assert_eq!(asked[38..], [0x61, b'a']);
        assert_eq!(codec::encode(&Message::AskExtent), [0x81, 9]);
        assert_eq!(codec::encode(&Message::Extent(20, 0)), [0x83, 10, 20, 0]);
        assert_eq!(codec::encode(&Message::Heads(vec![Envelope(vec![1])])), [0x82, 8, 0x81, 0x41, 1]);
    }

    #[test]
    fn a_full_batch_fits_the_limit() {
        let full = Message::Envelopes(vec![Envelope(vec![0; MAX_ENVELOPE]); MAX_BATCH]);
        assert!(codec::encode(&full).len() <= MAX_MESSAGE);
        assert!(Message::bounded(vec![Envelope(vec![]); MAX_BATCH + 1]).is_err());
        let heads = Message::Heads(vec![Envelope(vec![0; crate::market::head::MAX_HEAD]); MAX_HEADS]);
        assert!(codec::encode(&heads).len() <= MAX_MESSAGE);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = codec::decode::<Message>(&bytes);
        }

        #[test]
        fn batches_come_back(batch in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..20)) {
            let message = Message::Envelopes(batch.into_iter().map(Envelope).collect());
            prop_assert_eq!(codec::decode::<Message>(&codec::encode(&message)).unwrap(), message);
        }
    }
}

//! The messages of `/ggen/search/1.0.0`.
//!
//! The asker opens a stream and sends one [`Query`]; the answerer sends up to `limit` [`Reply::Found`], best first, then
//! [`Reply::End`] (or only [`Reply::Busy`]) and closes.

use minicbor::{Decode, Encode};

use crate::market::release::MAX_ENVELOPE;

/// Bytes of the longest query text.
pub const MAX_QUERY: usize = 256;
/// Most results of one answer.
pub const MAX_RESULTS: u32 = 50;
/// Bytes of the longest query message.
pub const MAX_REQUEST: usize = MAX_QUERY + 16;
/// Bytes of the longest reply message.
pub const MAX_REPLY: usize = MAX_ENVELOPE + 16;

/// `[text (text, at most 256 bytes), limit (uint, 1 to 50)]`: what is looked for, in the syntax of the local search.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Query {
    #[n(0)]
    pub text: String,
    #[n(1)]
    pub limit: u32,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Reply {
    /// `[0, envelope (bytes), have (bool)]`: a release, and whether the answerer holds its bytes.
    #[n(0)]
    Found(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>, #[n(1)] bool),
    /// `[1]`: no more.
    #[n(1)]
    End,
    /// `[2]`: this peer asked too often.
    #[n(2)]
    Busy,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::protocol::codec;
    use proptest::prelude::*;

    #[test]
    fn the_wire_form_is_as_documented() {
        let query = Query { text: "web".into(), limit: 20 };
        assert_eq!(codec::encode(&query), [0x82, 0x63, b'w', b'e', b'b', 20]);
        assert_eq!(codec::encode(&Reply::Found(vec![1], true)), [0x83, 0, 0x41, 1, 0xf5]);
        assert_eq!(codec::encode(&Reply::End), [0x81, 1]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = codec::decode::<Query>(&bytes);
            let _ = codec::decode::<Reply>(&bytes);
        }

        #[test]
        fn queries_come_back(text in ".{0,64}", limit in any::<u32>()) {
            let query = Query { text, limit };
            prop_assert_eq!(codec::decode::<Query>(&codec::encode(&query)).unwrap(), query);
        }
    }
}

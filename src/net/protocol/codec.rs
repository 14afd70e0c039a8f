//! What the messages of our protocols have in common: CBOR (RFC 8949), each message an array whose first element is the
//! number of its kind, followed by its fields in order; nothing after it.

use minicbor::{Decode, Encode};

/// Bytes of a SHA-256 id.
pub const ID_LENGTH: usize = 32;

/// A message that is not what the protocol allows.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("malformed message: {0}")]
    Cbor(#[from] minicbor::decode::Error),
    #[error("{0} bytes after the message")]
    Trailing(usize),
    #[error("{what}: {count} where at most {limit} are allowed")]
    TooMany { what: &'static str, count: usize, limit: usize },
    #[error("a list of ids whose length is no multiple of 32")]
    IdList,
}

/// A message as bytes.
pub fn encode<T: Encode<()>>(message: &T) -> Vec<u8> {
    // Writing to a Vec cannot fail.
    minicbor::to_vec(message).unwrap_or_default()
}

/// Reads a message that fills `bytes` exactly.
pub fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, CodecError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let message = decoder.decode()?;
    match bytes.len() - decoder.position() {
        0 => Ok(message),
        rest => Err(CodecError::Trailing(rest)),
    }
}

/// Many ids as one byte string, one after another.
pub fn join_ids<'a>(ids: impl IntoIterator<Item = &'a [u8; ID_LENGTH]>) -> Vec<u8> {
    ids.into_iter().flatten().copied().collect()
}

/// The ids in a byte string made by [`join_ids`], at most `limit`.
pub fn split_ids(bytes: &[u8], limit: usize) -> Result<Vec<[u8; ID_LENGTH]>, CodecError> {
    let (ids, rest) = bytes.as_chunks::<ID_LENGTH>();
    if !rest.is_empty() {
        return Err(CodecError::IdList);
    }
    if ids.len() > limit {
        return Err(CodecError::TooMany { what: "ids", count: ids.len(), limit });
    }
    Ok(ids.to_vec())
}

/// Answers by position: bit `i % 8` (lowest first) of byte `i / 8` says yes to the `i`-th question.
pub fn bitmap(answers: impl IntoIterator<Item = bool>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, yes) in answers.into_iter().enumerate() {
        if index % 8 == 0 {
            bytes.push(0);
        }
        if let Some(last) = bytes.last_mut() {
            *last |= u8::from(yes) << (index % 8);
        }
    }
    bytes
}

/// The `index`-th answer of a [`bitmap`]; what it is too short for is no.
pub fn bit(bitmap: &[u8], index: usize) -> bool {
    bitmap.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists_of_ids_are_bounded_and_whole() {
        assert!(matches!(split_ids(&[0; 33], 5), Err(CodecError::IdList)));
        assert!(matches!(split_ids(&[0; 96], 2), Err(CodecError::TooMany { count: 3, .. })));
        assert_eq!(split_ids(&join_ids([&[1; 32], &[2; 32]]), 2).unwrap(), [[1; 32], [2; 32]]);
    }

    #[test]
    fn trailing_bytes_are_refused() {
        assert!(matches!(decode::<u8>(&[1, 2]), Err(CodecError::Trailing(1))));
    }

    proptest! {
        #[test]
        fn bitmaps_answer_what_was_put_in(answers in proptest::collection::vec(any::<bool>(), 0..100)) {
            let map = bitmap(answers.iter().copied());
            prop_assert_eq!(map.len(), answers.len().div_ceil(8));
            for (index, answer) in answers.iter().enumerate() {
                prop_assert_eq!(bit(&map, index), *answer);
            }
            prop_assert!(!bit(&map, answers.len() + 8));
        }
    }
}

//! Reconciling only what is not older than some time, so that the newest can come first.
//!
//! An initiator that leaves out its older items says so in its first message, by the mode *skip* for all that is before:
//! the responder then says nothing of it either. How messages are written is in negentropy's protocol description, version
//! 1: <https://github.com/hoytech/negentropy>.

/// Bytes of a skipped range behind its time: a bound without an id, mode 0.
const SKIP: [u8; 2] = [0, 0];

/// The first message of an initiator that has only items of `since` (Unix seconds) and later, so that it is about these only.
pub fn only_since(since: u64, first: Vec<u8>) -> Vec<u8> {
    let Some((version, ranges)) = first.split_first().filter(|_| since > 0) else { return first };
    let Some((time, rest)) = read(ranges) else { return first };
    let mut message = vec![*version];
    write(&mut message, since.saturating_add(1));
    message.extend(SKIP);
    // Times are counted from the bound before. One more than the time is written, and 0 for the end of all time.
    write(&mut message, if time == 0 { 0 } else { (time - 1).saturating_sub(since) + 1 });
    message.extend(rest);
    message
}

/// A number in groups of seven bits, the highest first; all but the last have the top bit set. And what is behind it.
fn read(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0u64;
    for (index, byte) in bytes.iter().enumerate() {
        number = number.checked_mul(128)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}

fn write(out: &mut Vec<u8>, number: u64) {
    let groups = (64 - number.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let bits = (number >> (7 * group)) as u8 & 0x7f;
        out.push(if group == 0 { bits } else { bits | 0x80 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn without_a_time_nothing_is_left_out() {
        assert_eq!(only_since(0, vec![0x61, 0, 0, 2, 0]), [0x61, 0, 0, 2, 0]);
    }

    #[test]
    fn the_first_bound_is_counted_from_the_skipped_one() {
        // Skip all before 299, then an empty list up to the end of time.
        assert_eq!(only_since(299, vec![0x61, 0, 0, 2, 0]), [0x61, 0x82, 0x2c, 0, 0, 0, 0, 2, 0]);
        // A fingerprint up to 301, which is 2 later.
        assert_eq!(only_since(299, vec![0x61, 0x82, 0x2e, 0, 1]), [0x61, 0x82, 0x2c, 0, 0, 3, 0, 1]);
    }

    proptest! {
        #[test]
        fn numbers_come_back(number in prop_oneof![0..300u64, any::<u64>()], behind in any::<u8>()) {
            let mut bytes = Vec::new();
            write(&mut bytes, number);
            bytes.push(behind);
            // More than 63 bits are written, and never occur.
            prop_assert!(read(&bytes) == Some((number, &[behind][..])) || number >= 1 << 57);
        }
    }
}

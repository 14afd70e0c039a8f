//! The ids of things: package, release, publisher, name.

use std::fmt;
use std::str::FromStr;

use super::MarketError;

impl PublisherKey {
    /// The key as people compare it; see [`Fingerprint`](super::trust::Fingerprint).
    pub fn fingerprint(&self) -> String {
        super::trust::Fingerprint::of(self).to_string()
    }
}

/// SHA-256 of the package archive. Shown and serialised as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct PackageId(pub [u8; 32]);

/// SHA-256 of a release's signed payload. Shown and serialised as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ReleaseId(pub [u8; 32]);

/// An Ed25519 public key; shown and serialised as the libp2p peer id of that key (base58, `12D3KooW…`), so that a
/// publisher and the node it publishes from carry one name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct PublisherKey(pub [u8; 32]);

/// A package's name: 1 to 64 of `a-z 0-9 . _ -`, beginning and ending with a letter or digit, no `..`, no `.toml` at
/// the end, no name that a file system reserves (`con`, `nul`, …). Safe as a file name and on a terminal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PackageName(String);

/// Characters in the longest package name.
pub const MAX_NAME: usize = 64;

impl PackageName {
    /// Checks `name` against the rules above; the error says which one it breaks.
    pub fn new(name: &str) -> Result<Self, MarketError> {
        match fault(name) {
            None => Ok(Self(name.to_owned())),
            Some(reason) => Err(MarketError::Refused {
                message: format!("{} is no package name: {reason}", quoted(name)),
                hint: format!(
                    "use 1 to {MAX_NAME} of a-z, 0-9, '.', '_', '-', with a letter or digit at both ends, e.g. my-package"
                ),
            }),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fault(name: &str) -> Option<&'static str> {
    let bytes = name.as_bytes();
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if bytes.is_empty() {
        Some("it is empty")
    } else if bytes.len() > MAX_NAME {
        Some("it is longer than 64 characters")
    } else if bytes.iter().any(u8::is_ascii_uppercase) {
        Some("it has capital letters")
    } else if !bytes.iter().all(|&b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b)) {
        Some("it has characters other than a-z, 0-9, '.', '_' and '-'")
    } else if !alphanumeric(bytes.first()) || !alphanumeric(bytes.last()) {
        Some("it does not begin and end with a letter or digit")
    } else if name.contains("..") {
        Some("it has two dots in a row")
    } else if is_reserved_file_name(name) {
        Some("file systems reserve this name")
    } else if name.ends_with(".toml") {
        Some("it ends in .toml, as the descriptions beside installed packages do")
    } else {
        None
    }
}

/// Whether Windows takes a file called `name` for a device (`con`, `nul.txt`, `com1`, …).
pub(crate) fn is_reserved_file_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_lowercase();
    if matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$") {
        return true;
    }
    let digit = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    digit.is_some_and(|d| matches!(d, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"))
}

/// `raw` in quotes, cleaned and short enough for one line of an error message.
fn quoted(raw: &str) -> String {
    format!("'{}'", super::SafeText::capped(raw, 80))
}

/// `bytes` as lower-case hex digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// 64 lower-case hex digits as 32 bytes. Capitals are refused: an id has one spelling.
fn from_hex(digits: &str) -> Option<[u8; 32]> {
    let value = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let mut out = [0; 32];
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.len() != out.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(out)
}

/// What stands before the 32 key bytes in the peer id of an Ed25519 key: identity multihash (0x00) of 36 bytes (0x24),
/// which are the protobuf `PublicKey { type: Ed25519 (08 01), data: 32 bytes (12 20) }`.
const PEER_ID_PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// Characters in the longest base58 form of 38 bytes.
const MAX_PEER_ID: usize = 52;

fn peer_id_of(key: &[u8; 32]) -> String {
    let mut bytes = PEER_ID_PREFIX.to_vec();
    bytes.extend_from_slice(key);
    bs58::encode(bytes).into_string()
}

fn key_of_peer_id(peer_id: &str) -> Option<[u8; 32]> {
    if peer_id.len() > MAX_PEER_ID {
        return None;
    }
    let bytes = bs58::decode(peer_id).into_vec().ok()?;
    bytes.strip_prefix(&PEER_ID_PREFIX)?.try_into().ok()
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&to_hex(&self.0))
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&to_hex(&self.0))
    }
}

impl fmt::Display for PublisherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&peer_id_of(&self.0))
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn invalid(raw: &str, what: &str, form: &str) -> MarketError {
    MarketError::Refused { message: format!("{} is no {what}", quoted(raw)), hint: format!("a {what} is {form}") }
}

impl FromStr for PackageId {
    type Err = MarketError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        from_hex(s).map(Self).ok_or_else(|| invalid(s, "package id", "64 lower-case hex digits"))
    }
}

impl FromStr for ReleaseId {
    type Err = MarketError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        from_hex(s).map(Self).ok_or_else(|| invalid(s, "release id", "64 lower-case hex digits"))
    }
}

impl FromStr for PublisherKey {
    type Err = MarketError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        key_of_peer_id(s)
            .map(Self)
            .ok_or_else(|| invalid(s, "publisher", "the peer id of an Ed25519 key, like 12D3KooW… (52 characters)"))
    }
}

impl FromStr for PackageName {
    type Err = MarketError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::new(s)
    }
}

/// Serde as the text of `Display` and `FromStr`.
macro_rules! serde_as_text {
    ($($id:ty),*) => { $(
        impl serde::Serialize for $id {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $id {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )* };
}
serde_as_text!(PackageId, ReleaseId, PublisherKey, PackageName);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn good_names() {
        for name in ["a", "9", "a.b", "io.ggen.nextjs.ontology-crud", "x_y-z", "console", "com10", &"a".repeat(64)] {
            assert!(PackageName::new(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn bad_names() {
        for name in [
            "",
            "A",
            "a b",
            "-a",
            "a-",
            ".a",
            "a.",
            "a..b",
            "a/b",
            "a\\b",
            "ä",
            "a\u{202e}b",
            "con",
            "nul.txt",
            "com1",
            "a.toml",
            "lpt9.x",
            &"a".repeat(65),
        ] {
            let error = PackageName::new(name).expect_err(name);
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn an_error_never_carries_raw_text() {
        let error = PackageName::new("a\u{1b}[2J\u{202e}b").expect_err("escape");
        assert!(!error.to_string().contains(['\u{1b}', '\u{202e}']), "{error:?}");
    }

    #[test]
    fn hex_ids_have_one_spelling() {
        let id = PackageId([0xab; 32]);
        assert_eq!(id.to_string(), "ab".repeat(32));
        assert_eq!("ab".repeat(32).parse::<PackageId>().expect("hex"), id);
        for bad in ["AB".repeat(32), "ab".repeat(31), "ab".repeat(33), "zz".repeat(32), format!("{}a", "ab".repeat(32))]
        {
            assert!(bad.parse::<PackageId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_publisher_is_the_peer_id_of_its_key() {
        let pair = libp2p::identity::Keypair::ed25519_from_bytes([7; 32]).expect("key");
        let key = pair.public().try_into_ed25519().expect("ed25519").to_bytes();
        let peer_id = pair.public().to_peer_id().to_string();
        assert_eq!(PublisherKey(key).to_string(), peer_id);
        assert_eq!(peer_id.parse::<PublisherKey>().expect("peer id"), PublisherKey(key));
        assert!("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N".parse::<PublisherKey>().is_err());
        assert!("1".repeat(10_000).parse::<PublisherKey>().is_err());
    }

    proptest! {
        #[test]
        fn ids_round_trip(bytes in any::<[u8; 32]>()) {
            prop_assert_eq!(ReleaseId(bytes).to_string().parse::<ReleaseId>().expect("hex"), ReleaseId(bytes));
            let key = PublisherKey(bytes);
            prop_assert_eq!(key.to_string().parse::<PublisherKey>().expect("peer id"), key);
            let json = serde_json::to_string(&key).expect("json");
            prop_assert_eq!(serde_json::from_str::<PublisherKey>(&json).expect("json"), key);
        }

        #[test]
        fn names_never_panic(raw in any::<String>()) {
            if let Ok(name) = PackageName::new(&raw) {
                prop_assert_eq!(name.as_str(), raw);
            }
        }
    }
}

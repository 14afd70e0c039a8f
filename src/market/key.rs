//! The identity of this node and publisher: one Ed25519 key.

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ed25519_dalek::{Signer, SigningKey};

use super::error::{Action, IoContext};
use super::files::{self, Existing};
use super::{MarketError, PublisherKey};

/// The secret key. Never logged, shown or sent: its `Debug` prints the public key only.
#[derive(Clone)]
pub struct Identity {
    signing: SigningKey,
}

/// What stands before the 64 key bytes: protobuf `PrivateKey { type: Ed25519 (08 01), data: 64 bytes (12 40) }`, data being
/// the 32 secret bytes followed by the 32 public ones.
/// <https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md#keys>
const PREFIX: [u8; 4] = [0x08, 0x01, 0x12, 0x40];

/// Bytes of a key file.
const FILE_SIZE: usize = PREFIX.len() + 64;

impl Identity {
    /// A new random key.
    pub fn generate() -> Self {
        let pair = libp2p::identity::ed25519::Keypair::generate();
        let mut bytes = pair.to_bytes();
        let mut secret = [0; 32];
        secret.copy_from_slice(&bytes[..32]);
        bytes.fill(0);
        Self::from_secret(secret)
    }

    /// The key of these 32 secret bytes.
    pub fn from_secret(secret: [u8; 32]) -> Self {
        Self { signing: SigningKey::from_bytes(&secret) }
    }

    /// Reads `file` (libp2p protobuf form), or makes and stores a new key there (0600, parent directory 0700, written
    /// through a temporary file and fsync). Refuses a file that group or others can read, naming the `chmod` that mends it.
    pub fn load_or_create(file: &Path) -> Result<Self, MarketError> {
        match File::open(file) {
            Ok(open) => Self::load(file, open),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::create(file),
            Err(error) => Err(MarketError::io(Action::Read, file, error)),
        }
    }

    fn create(file: &Path) -> Result<Self, MarketError> {
        files::create_dir(&files::parent(file), 0o700)?;
        let identity = Self::generate();
        if files::write_durably(file, &identity.to_protobuf(), 0o600, Existing::Keep)? {
            return Ok(identity);
        }
        // Another process made one in the meantime: that one is this node's identity.
        Self::load(file, File::open(file).at(Action::Read, file)?)
    }

    fn load(file: &Path, open: File) -> Result<Self, MarketError> {
        let about = open.metadata().at(Action::Read, file)?;
        if !about.is_file() {
            return Err(malformed(file, "it is not a regular file"));
        }
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(MarketError::Permission {
                message: format!("the key file {} can be read by others (mode {mode:03o})", file.display()),
                hint: format!("chmod 600 {}", file.display()),
            });
        }
        let mut bytes = Vec::with_capacity(FILE_SIZE + 1);
        open.take(FILE_SIZE as u64 + 1).read_to_end(&mut bytes).at(Action::Read, file)?;
        Self::from_protobuf(&bytes).map_err(|reason| malformed(file, reason))
    }

    fn from_protobuf(bytes: &[u8]) -> Result<Self, &'static str> {
        let bytes: &[u8; FILE_SIZE] = bytes.try_into().map_err(|_| "it is not 68 bytes long")?;
        let pair: &[u8; 64] =
            bytes.strip_prefix(&PREFIX).and_then(|rest| rest.try_into().ok()).ok_or("it is no Ed25519 key")?;
        let signing = SigningKey::from_keypair_bytes(pair).map_err(|_| "its public half belongs to another secret")?;
        Ok(Self { signing })
    }

    pub fn public(&self) -> PublisherKey {
        PublisherKey(self.signing.verifying_key().to_bytes())
    }

    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }

    /// The key in libp2p's protobuf form, for the swarm.
    pub fn to_protobuf(&self) -> Vec<u8> {
        let mut bytes = PREFIX.to_vec();
        bytes.extend_from_slice(&self.signing.to_keypair_bytes());
        bytes
    }
}

/// A damaged key is never replaced: it may be all that is left of a publisher's name.
fn malformed(file: &Path, reason: &str) -> MarketError {
    MarketError::Refused {
        message: format!("{} is no key file in libp2p's protobuf form: {reason}", file.display()),
        hint: format!(
            "restore it from a backup, or move it away to start with a new identity: mv '{0}' '{0}.broken'",
            file.display()
        ),
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.public())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;
    use crate::market::error::MarketErrorKind;

    #[test]
    fn a_new_key_is_stored_privately_and_found_again() {
        let home = tempfile::tempdir().expect("temp dir");
        let file = home.path().join("p2p/identity.key");
        let made = Identity::load_or_create(&file).expect("create");
        let found = Identity::load_or_create(&file).expect("load");
        assert_eq!(made.public(), found.public());
        let mode = |path: &Path| fs::metadata(path).expect("stat").permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(file.parent().expect("parent")), 0o700);
        assert_eq!(fs::read_dir(file.parent().expect("parent")).expect("list").count(), 1);
    }

    #[test]
    fn the_file_is_what_libp2p_reads() {
        let identity = Identity::generate();
        let pair = libp2p::identity::Keypair::from_protobuf_encoding(&identity.to_protobuf()).expect("protobuf");
        assert_eq!(pair.public().to_peer_id().to_string(), identity.public().to_string());
        assert_eq!(pair.to_protobuf_encoding().expect("protobuf"), identity.to_protobuf());
        assert_eq!(pair.sign(b"x").expect("sign"), identity.sign(b"x"));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_remedy() {
        let home = tempfile::tempdir().expect("temp dir");
        let file = home.path().join("identity.key");
        Identity::load_or_create(&file).expect("create");
        fs::set_permissions(&file, Permissions::from_mode(0o640)).expect("chmod");
        let error = Identity::load_or_create(&file).expect_err("readable by group");
        assert_eq!(error.kind(), MarketErrorKind::Permission);
        assert_eq!(error.hint(), Some(format!("chmod 600 {}", file.display())));
    }

    #[test]
    fn a_damaged_file_is_refused_and_left_alone() {
        let home = tempfile::tempdir().expect("temp dir");
        let file = home.path().join("identity.key");
        let good = Identity::generate().to_protobuf();
        let mut other_public = good.clone();
        other_public[67] ^= 1;
        let mut other_type = good.clone();
        other_type[1] = 0;
        for bytes in
            [Vec::new(), vec![0; 68], good[..67].to_vec(), [&good[..], &[0]].concat(), other_public, other_type]
        {
            fs::write(&file, &bytes).expect("write");
            fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("chmod");
            let error = Identity::load_or_create(&file).expect_err("damaged");
            assert_eq!(error.kind(), MarketErrorKind::Invalid);
            assert!(error.to_string().contains("identity.key"));
            assert_eq!(fs::read(&file).expect("read"), bytes);
        }
    }

    #[test]
    fn debug_shows_the_public_key_only() {
        let identity = Identity::from_secret([7; 32]);
        assert_eq!(format!("{identity:?}"), format!("Identity({})", identity.public()));
    }
}

//! Files that must not be published by accident.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Names of files that hold credentials whatever is in them.
const NAMES: [&str; 14] = [
    ".env",
    ".envrc",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".htpasswd",
    ".pgpass",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "identity.key",
    "credentials",
];

/// Endings of example files, which show what a secret file looks like.
const EXAMPLES: [&str; 5] = [".example", ".sample", ".template", ".dist", ".tmpl"];

/// Endings of key stores.
const STORES: [&str; 6] = [".p12", ".pfx", ".jks", ".keystore", ".ppk", ".kdbx"];

/// Endings of files that may hold a private key; their content decides.
const KEYS: [&str; 3] = [".pem", ".key", ".der"];

/// Endings of data files that hold credentials when they are called so.
const DATA: [&str; 6] = [".json", ".toml", ".yaml", ".yml", ".ini", ".txt"];

/// First parts of the names of such data files.
const CREDENTIALS: [&str; 9] = [
    "credential",
    "credentials",
    "secret",
    "secrets",
    "token",
    "access_token",
    "auth_token",
    "api_key",
    "service-account",
];

/// Bytes of a file that are looked at.
const LOOKED_AT: u64 = 16 * 1024;

/// Why the file called `name` at `path` looks like a secret.
pub(super) fn suspicion(name: &str, path: &Path) -> Option<&'static str> {
    let name = name.to_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if ends(&EXAMPLES) {
        return None;
    }
    if NAMES.contains(&name.as_str()) || name.starts_with(".env.") {
        return Some("files of this name hold credentials");
    }
    if ends(&STORES) {
        return Some("it is a key store");
    }
    if is_credential_data(&name) {
        return Some("its name says that it holds credentials");
    }
    (ends(&KEYS) && holds_private_key(path)).then_some("it holds a private key")
}

fn is_credential_data(name: &str) -> bool {
    let stem = DATA.iter().find_map(|ending| name.strip_suffix(ending));
    stem.is_some_and(|stem| CREDENTIALS.contains(&stem))
}

/// PEM, DER (which begins with an ASN.1 sequence) or libp2p's protobuf form. What cannot be read is taken for a key.
fn holds_private_key(path: &Path) -> bool {
    let mut start = Vec::new();
    match File::open(path).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut start)) {
        Err(_) => true,
        Ok(_) => {
            start.windows(11).any(|bytes| bytes == b"PRIVATE KEY")
                || start.starts_with(&[0x30])
                || start.starts_with(&[0x08, 0x01, 0x12, 0x40])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known() {
        let nowhere = Path::new("/nonexistent");
        for name in
            [".env", ".ENV", ".env.production", "id_rsa", "id_ed25519", "store.p12", "credentials.json", "secrets.yaml"]
        {
            assert!(suspicion(name, nowhere).is_some(), "{name}");
        }
        for name in
            [".env.example", "id_rsa.pub", "environment.md", "token-usage.md", "tokenizer.json", "secrets.md", "key.rs"]
        {
            assert_eq!(suspicion(name, nowhere), None, "{name}");
        }
    }

    #[test]
    fn the_content_of_key_files_decides() {
        let dir = tempfile::tempdir().expect("temp dir");
        let suspicion_of = |name: &str, content: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, content).expect("write");
            suspicion(name, &path).is_some()
        };
        assert!(suspicion_of("a.pem", b"-----BEGIN RSA PRIVATE KEY-----\n"));
        assert!(!suspicion_of("b.pem", b"-----BEGIN CERTIFICATE-----\n"));
        assert!(suspicion_of("c.key", &crate::market::Identity::generate().to_protobuf()));
        assert!(suspicion_of("d.key", &[0x30, 0x82, 0x01]));
        assert!(!suspicion_of("e.key", b"C major"));
    }
}

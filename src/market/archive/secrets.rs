//! Files that must not be published by accident.
//!
//! A name is enough where files of that name hold nothing but credentials; where they may be harmless, what is in them
//! decides. A private key is known by how it begins, whatever it is called.

#[cfg(test)]
mod tests;

/// Names of files that hold credentials whatever is in them.
const NAMES: [&str; 26] = [
    ".env",
    ".envrc",
    ".git-credentials",
    ".htpasswd",
    ".pgpass",
    ".my.cnf",
    ".vault-token",
    ".boto",
    ".s3cfg",
    ".dockercfg",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
    "identity.key",
    "credentials",
    "master.key",
    "rclone.conf",
    "kubeconfig",
    "terraform.tfstate",
    "accesstokens.json",
    "msal_token_cache.json",
    "application_default_credentials.json",
    "wp-config.php",
];

/// Files that may hold credentials, and what they hold then. Names may have a directory before them.
const SUSPECTS: [(&str, &[&str]); 9] = [
    (".npmrc", &["_auth", "_password"]),
    (".yarnrc.yml", &["npmauthtoken", "npmauthident"]),
    (".pypirc", &["password"]),
    (".netrc", &["password"]),
    ("_netrc", &["password"]),
    (".docker/config.json", &["\"auth\"", "identitytoken"]),
    (".aws/config", &["aws_secret_access_key", "aws_session_token"]),
    (".kube/config", &["token:", "client-key", "password:"]),
    ("gh/hosts.yml", &["oauth_token"]),
];

/// Endings of example files, which show what a secret file looks like, and of public keys.
const HARMLESS: [&str; 6] = [".example", ".sample", ".template", ".dist", ".tmpl", ".pub"];

/// Endings of key stores.
const STORES: [&str; 7] = [".p12", ".pfx", ".jks", ".keystore", ".ppk", ".kdbx", ".tfvars"];

/// Endings of files that may hold a private key anywhere in them.
const KEYS: [&str; 2] = [".pem", ".key"];

/// Endings of data files that hold credentials when they are called so.
const DATA: [&str; 10] = [".json", ".toml", ".yaml", ".yml", ".ini", ".txt", ".cfg", ".conf", ".properties", ".csv"];

/// Names (with `-` for `_`) of such data files, and of files without an ending.
const CREDENTIALS: [&str; 17] = [
    "credential",
    "credentials",
    "secret",
    "secrets",
    "token",
    "access-token",
    "auth-token",
    "api-token",
    "bearer-token",
    "api-key",
    "apikey",
    "secret-key",
    "private-key",
    "password",
    "passwords",
    "service-account",
    "client-secret",
];

/// Ends of longer names of such data files: `github-access-token.txt`.
const CREDENTIAL_ENDS: [&str; 8] = [
    "-access-token",
    "-auth-token",
    "-api-token",
    "-api-key",
    "-secret-key",
    "-private-key",
    "-credentials",
    "-client-secret",
];

/// What access tokens begin with, and how many letters, digits, `_` and `-` follow at least.
const TOKENS: [(&str, usize); 13] = [
    ("ghp_", 36),
    ("gho_", 36),
    ("ghs_", 36),
    ("ghu_", 36),
    ("github_pat_", 22),
    ("glpat-", 20),
    ("npm_", 36),
    ("pypi-", 40),
    ("hf_", 30),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("sk_live_", 20),
    ("akia", 16),
];

/// How files with a private key begin.
const KEY_STARTS: [&[u8]; 4] = [
    b"PuTTY-User-Key-File-",
    b"AGE-SECRET-KEY-1",
    b"# created: ", // age-keygen's first line; the key is in the third
    b"openssh-key-v1\0",
];

/// Bytes of a file that are looked at.
pub(super) const LOOKED_AT: u64 = 16 * 1024;

/// Why the file at `path` (relative, `/`-separated) that begins with `start` looks like a secret.
pub(super) fn suspicion(path: &str, start: &[u8]) -> Option<&'static str> {
    let path = path.to_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let harmless = ends(&HARMLESS);
    if !harmless && (NAMES.contains(&name) || is_environment(name)) {
        Some("files of this name hold credentials")
    } else if !harmless && ends(&STORES) {
        Some("files with this ending hold keys or credentials")
    } else if !harmless && is_credential_data(name) {
        Some("its name says that it holds credentials")
    } else if holds_token(name) {
        Some("its name has an access token in it")
    } else if !harmless && is_suspect(&path, start) {
        Some("it holds a password or token")
    } else if begins_as_key(start) || ends(&KEYS) && holds(start, b"PRIVATE KEY") {
        Some("it holds a private key")
    } else if ends(&[".json"]) && is_service_account(start) {
        Some("it is the key of a cloud service account")
    } else {
        None
    }
}

/// `.env.production`, `.env-local`, `prod.env`
fn is_environment(name: &str) -> bool {
    [".env.", ".env-", ".env_"].iter().any(|beginning| name.starts_with(beginning)) || name.ends_with(".env")
}

fn is_credential_data(name: &str) -> bool {
    let stem = DATA.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    let stem = stem.trim_start_matches('.').replace('_', "-");
    let is_data = stem.len() < name.len() || !name.contains('.');
    is_data && (CREDENTIALS.contains(&stem.as_str()) || CREDENTIAL_ENDS.iter().any(|end| stem.ends_with(end)))
}

fn holds_token(name: &str) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    TOKENS.iter().any(|(beginning, length)| {
        name.match_indices(beginning).any(|(at, _)| {
            let alone = at == 0 || !name.as_bytes().get(at - 1).is_some_and(u8::is_ascii_alphanumeric);
            let rest = name.as_bytes().get(at + beginning.len()..).unwrap_or_default();
            let run = rest.iter().take_while(|byte| is_part(byte));
            // A word of that length has no digits.
            alone && run.clone().count() >= *length && run.clone().any(u8::is_ascii_digit)
        })
    })
}

fn is_suspect(path: &str, start: &[u8]) -> bool {
    let fits = |name: &str| path == name || path.strip_suffix(name).is_some_and(|before| before.ends_with('/'));
    let Some((_, signs)) = SUSPECTS.iter().find(|(name, _)| fits(name)) else { return false };
    let text = String::from_utf8_lossy(start).to_lowercase();
    signs.iter().any(|sign| text.contains(sign))
}

fn begins_as_key(start: &[u8]) -> bool {
    if is_der_key(start) || is_identity(start) {
        return true;
    }
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let first_line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let pem = first_line.starts_with(b"-----BEGIN ") && holds(first_line, b"PRIVATE KEY");
    let age = KEY_STARTS.iter().any(|key| start.starts_with(key));
    let commented = start.starts_with(b"# created: ");
    pem || age && (!commented || holds(start, b"AGE-SECRET-KEY-1"))
}

/// DER: a sequence that begins with the version and then the algorithm (PKCS#8, RFC 5958), the modulus (PKCS#1, RFC 8017) or the
/// key (SEC 1, RFC 5915).
fn is_der_key(bytes: &[u8]) -> bool {
    let content = match bytes {
        [0x30, 0x82, _, _, content @ ..] | [0x30, 0x81, _, content @ ..] | [0x30, 0..=0x7f, content @ ..] => content,
        _ => return false,
    };
    matches!(content, [2, 1, 0 | 1, 0x30, ..] | [2, 1, 0, 2, ..] | [2, 1, 1, 4, 0x20 | 0x30 | 0x42, ..])
}

/// An Ed25519 key in the protobuf form of libp2p, which is that of this program's own.
fn is_identity(bytes: &[u8]) -> bool {
    matches!(bytes, [8, 1, 0x12, 0x40, key @ ..] if key.len() == 64)
}

fn is_service_account(start: &[u8]) -> bool {
    holds(start, b"\"private_key\"") && holds(start, b"PRIVATE KEY-----")
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

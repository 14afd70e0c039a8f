use super::*;

#[test]
fn names_of_secrets_are_known() {
    for path in [
        ".env",
        ".ENV",
        "deploy/.env.production",
        ".env-local",
        "prod.env",
        "id_rsa",
        "keys/id_ed25519",
        "store.p12",
        "credentials.json",
        "secrets.yaml",
        "api_key",
        "API-KEY.txt",
        "github-access-token.txt",
        ".aws/credentials",
        "terraform.tfstate",
        "prod.tfvars",
        "token.txt",
        "notes-ghp_0123456789abcdefABCDEF0123456789abcdef.md",
        "AKIA0123456789ABCDEF.txt",
        "glpat-x0123456789abcdefghij",
    ] {
        assert!(suspicion(path, b"").is_some(), "{path}");
    }
}

#[test]
fn usual_names_are_fine() {
    for path in [
        ".env.example",
        "prod.env.sample",
        "id_rsa.pub",
        "environment.md",
        "token-usage.md",
        "tokenizer.json",
        "design-tokens.json",
        "secrets.md",
        "key.rs",
        "src/token.rs",
        "templates/secret.rs.tera",
        "secrets.toml.tmpl",
        "npm_packages_that_are_needed_for_development.md",
        "public-key.pem",
        ".npmrc",
        ".netrc",
    ] {
        assert_eq!(suspicion(path, b"plain text"), None, "{path}");
    }
}

#[test]
fn the_content_of_key_files_decides() {
    let suspicious = |path: &str, content: &[u8]| suspicion(path, content).is_some();
    assert!(suspicious("a.pem", b"Bag Attributes\n-----BEGIN RSA PRIVATE KEY-----\n"));
    assert!(!suspicious("b.pem", b"-----BEGIN CERTIFICATE-----\n"));
    assert!(suspicious("c.key", &crate::market::Identity::generate().to_protobuf()));
    assert!(!suspicious("e.key", b"C major"));
}

#[test]
fn private_keys_are_known_by_their_beginning_whatever_they_are_called() {
    for key in [
        &b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl"[..],
        b"\xef\xbb\xbf\n-----BEGIN EC PRIVATE KEY-----\n",
        b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\r\n",
        b"PuTTY-User-Key-File-3: ssh-ed25519\n",
        b"AGE-SECRET-KEY-1QQQ",
        b"# created: 2026-01-01T00:00:00Z\n# public key: age1\nAGE-SECRET-KEY-1QQQ\n",
    ] {
        assert_eq!(suspicion("deploy.bak", key), Some("it holds a private key"), "{}", String::from_utf8_lossy(key));
    }
    let ed25519 = [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20][..], &[7; 32]].concat();
    let rsa_in_pkcs8 = [&[0x30, 0x82, 4, 0xbe, 2, 1, 0, 0x30, 0x0d][..], &[7; 1200]].concat();
    let rsa = [&[0x30, 0x82, 4, 0xa4, 2, 1, 0, 2, 0x82, 1, 1][..], &[7; 1200]].concat();
    let ec = [&[0x30, 0x77, 2, 1, 1, 4, 0x20][..], &[7; 112]].concat();
    let own = crate::market::Identity::generate().to_protobuf();
    for key in [&ed25519[..], &rsa_in_pkcs8, &rsa, &ec, &own] {
        assert_eq!(suspicion("identity.key.1", key), Some("it holds a private key"), "{:?}", &key[..8]);
    }
    // A certificate, an archive of certificates, another message of protobuf, text that begins with a zero.
    let certificate = [&[0x30, 0x82, 3, 0x55, 0x30, 0x82, 2, 0x3d][..], &[7; 850]].concat();
    let store = [&[0x30, 0x82, 9, 0x55, 2, 1, 3, 0x30][..], &[7; 850]].concat();
    let longer = [&own[..], &[1]].concat();
    for harmless in [&certificate[..], &store, &longer, b"0", b"0.2.1"] {
        assert_eq!(suspicion("data.bin", harmless), None, "{harmless:?}");
    }
    for text in [&b"How to use -----BEGIN PRIVATE KEY-----"[..], b"-----BEGIN PUBLIC KEY-----\n", b"# created: today\n"]
    {
        assert_eq!(suspicion("notes.md", text), None, "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn files_of_tools_are_secrets_when_they_hold_credentials() {
    for (path, content) in [
        (".npmrc", "//registry.npmjs.org/:_authToken=npm_x\n"),
        ("web/.npmrc", "_password = x"),
        (".pypirc", "[pypi]\nusername = a\npassword = b\n"),
        (".netrc", "machine example.org login a password b\n"),
        (".docker/config.json", "{\"auths\":{\"x\":{\"auth\":\"YQ==\"}}}"),
        ("home/.kube/config", "users:\n- user:\n    token: abc\n"),
        (".aws/config", "aws_secret_access_key = x\n"),
        ("gcp.json", "{\"type\":\"service_account\",\"private_key\":\"-----BEGIN PRIVATE KEY-----\\nx\"}"),
    ] {
        assert!(suspicion(path, content.as_bytes()).is_some(), "{path}");
    }
    for (path, content) in
        [(".npmrc", "save-exact=true\n"), ("config.json", "{\"auth\":1}"), (".pypirc", "[distutils]\n")]
    {
        assert_eq!(suspicion(path, content.as_bytes()), None, "{path}");
    }
}

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
    assert!(suspicious("d.key", &[0x30, 0x82, 0x01]));
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

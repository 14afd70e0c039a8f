//! The examples in docs/PROTOCOL.md, byte for byte: what clients in other languages are tested with. A change here is a change
//! of the formats. `GGEN_WRITE_VECTORS=1 cargo test --lib vectors` writes them anew.

use std::path::PathBuf;

use super::head::{HEAD_VALIDITY, Head};
use super::ids::to_hex;
use super::release::DEFAULT_VALIDITY;
use super::{
    Dependency, Envelope, Identity, KeyStatement, PackageId, PackageName, PublisherKey, Release, ReleaseId,
    VerifiedKeyStatement, VerifiedRelease,
};

const NOW: u64 = 1_800_000_000;

fn identity() -> Identity {
    Identity::from_secret([7; 32])
}

fn successor() -> Identity {
    Identity::from_secret([8; 32])
}

/// The example of section 3.
fn release() -> VerifiedRelease {
    let release = Release {
        network: "ggen".into(),
        publisher: identity().public(),
        name: PackageName::new("hello-pack").expect("name"),
        version: semver::Version::new(1, 2, 3),
        package_id: PackageId([0x11; 32]),
        size: 4321,
        merkle_root: [0x22; 32],
        description: "Greets the world in RDF.".into(),
        category: "templates".into(),
        tags: vec!["rdf".into(), "demo".into()],
        keywords: vec!["hello".into()],
        licence: "MIT".into(),
        repository: "https://example.org/hello".into(),
        dependencies: vec![Dependency {
            name: PackageName::new("base-pack").expect("name"),
            requirement: "^1.0".parse().expect("requirement"),
            publisher: Some(PublisherKey([0x33; 32])),
        }],
        file_count: 5,
        sequence: 2,
        previous: Some(ReleaseId([0x44; 32])),
        published_at: NOW,
        expires_at: NOW + DEFAULT_VALIDITY,
        yank_reason: None,
    };
    release.sign(&identity()).expect("sign")
}

/// The same version withdrawn, a day later.
fn yank() -> VerifiedRelease {
    let first = release();
    let release = Release {
        sequence: 3,
        previous: Some(first.id()),
        published_at: NOW + 86_400,
        expires_at: NOW + 86_400 + DEFAULT_VALIDITY,
        yank_reason: Some("It greets the wrong world.".into()),
        ..first.release().clone()
    };
    release.sign(&identity()).expect("sign")
}

fn lines(pairs: &[(&str, String)]) -> String {
    pairs.iter().map(|(what, value)| format!("{what}: {value}\n")).collect()
}

fn of_release(signed: &VerifiedRelease) -> Vec<(&'static str, String)> {
    let mut lines = of_envelope(signed.envelope());
    lines.push(("release id", signed.id().to_string()));
    lines
}

fn of_envelope(envelope: &Envelope) -> Vec<(&'static str, String)> {
    vec![
        ("payload", to_hex(&envelope.payload)),
        ("signature", to_hex(&envelope.signature)),
        ("envelope", to_hex(&envelope.to_bytes())),
    ]
}

fn of_statement(signed: &VerifiedKeyStatement) -> String {
    let envelope = signed.envelope();
    let mut pairs = vec![("payload", to_hex(&envelope.payload)), ("signature", to_hex(&envelope.signature))];
    pairs.extend(envelope.countersignature.map(|signature| ("countersignature", to_hex(&signature))));
    pairs.extend([("envelope", to_hex(&envelope.to_bytes())), ("statement id", signed.id().to_string())]);
    lines(&pairs)
}

/// Heading and content of each example.
fn vectors() -> Vec<(&'static str, String)> {
    let key = |identity: &Identity, secret: u8| {
        lines(&[
            ("secret key", to_hex(&[secret; 32])),
            ("public key", to_hex(&identity.public().0)),
            ("publisher", identity.public().to_string()),
            ("identity file", to_hex(&identity.to_protobuf())),
        ])
    };
    let head = Head::of(&[yank()], NOW + 86_400).expect("head");
    assert_eq!(head.expires_at, NOW + 86_400 + HEAD_VALIDITY);
    let dht = ("DHT key", format!("/ggen/head/{}/{}", head.publisher, head.name));
    let head = head.sign(&identity()).expect("sign");
    let mut head = of_envelope(head.envelope());
    head.push(dht);
    let rotation = KeyStatement::rotate("ggen", &identity(), &successor(), NOW + 172_800).expect("sign");
    let named = Some(successor().public());
    let revocation = KeyStatement::revoke("ggen", &identity(), named, "The laptop was stolen.", NOW + 259_200);
    vec![
        ("Test vector: keys", key(&identity(), 7) + "\n" + &key(&successor(), 8)),
        ("Test vector: release", lines(&of_release(&release()))),
        ("Test vector: yank", lines(&of_release(&yank()))),
        ("Test vector: head", lines(&head)),
        ("Test vector: rotation", of_statement(&rotation)),
        ("Test vector: revocation", of_statement(&revocation.expect("sign"))),
    ]
}

/// `page` with the fenced block below the heading replaced.
fn with_block(page: &str, heading: &str, content: &str) -> String {
    let heading = format!("### {heading}\n\n```text\n");
    let (before, rest) = page.split_once(&heading).unwrap_or_else(|| panic!("docs/PROTOCOL.md lacks: {heading}"));
    let (_, after) = rest.split_once("```").expect("the block ends");
    format!("{before}{heading}{content}```{after}")
}

#[test]
fn the_protocol_page_shows_what_this_program_signs() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/PROTOCOL.md");
    let page = std::fs::read_to_string(&file).expect("docs/PROTOCOL.md");
    let wanted = vectors().iter().fold(page.clone(), |page, (heading, content)| with_block(&page, heading, content));
    if std::env::var_os("GGEN_WRITE_VECTORS").is_some() {
        std::fs::write(&file, wanted).expect("write");
        return;
    }
    assert!(page == wanted, "docs/PROTOCOL.md has other bytes; see with GGEN_WRITE_VECTORS=1 and git diff");
}

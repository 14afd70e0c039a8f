//! What publishers sign: releases, heads, statements about keys. Each comes as an envelope from anyone, and as a payload
//! that only its own publisher can have signed, to reach what lies behind the signature.

use crate::decoders::shown;
use crate::market::envelope::{Envelope, signed_message};
use crate::market::head::{HEAD_DOMAIN, Head, SignedHead};
use crate::market::keys::{ACCEPT_DOMAIN, KEY_DOMAIN, KeyStatement, KeyWord, SignedKeyStatement};
use crate::market::release::SIGNING_DOMAIN;
use crate::market::testing::{NOW, identity, release as sample_release, sign};
use crate::market::{Dependency, PackageName, PublisherKey, Release, ReleaseId, SafeText, SignedRelease};

const NETWORK: &str = "ggen";

/// Whose keys sign the samples and payloads: the publisher's and its successor's.
const PUBLISHER: u8 = 7;
const SUCCESSOR: u8 = 8;

/// An envelope has one spelling; what verifies does so again after it travelled.
pub fn release(bytes: &[u8]) {
    match SignedRelease::from_bytes(bytes) {
        Ok(envelope) => {
            assert_eq!(envelope.to_bytes(), bytes);
            verify_release(envelope);
        }
        Err(error) => shown(error),
    }
}

/// The same behind the signature.
pub fn release_payload(payload: &[u8]) {
    verify_release(SignedRelease(Envelope::sign(payload.to_vec(), &identity(PUBLISHER), SIGNING_DOMAIN)));
}

fn verify_release(envelope: SignedRelease) {
    let verified = match envelope.clone().verify(NETWORK, NOW) {
        Ok(verified) => verified,
        Err(error) => return shown(error),
    };
    let release = verified.release();
    assert_eq!(release.publisher.0, envelope.0.public_key);
    assert!(release.network == NETWORK && release.published_at < release.expires_at && release.expires_at > NOW);
    for text in [&release.description, &release.category, &release.licence, &release.repository] {
        assert_eq!(SafeText::new(text), *text);
    }
    let again = SignedRelease::from_bytes(&envelope.to_bytes()).expect("decode again").verify(NETWORK, NOW);
    assert_eq!(again.expect("verify again"), verified);
}

/// As for releases.
pub fn head(bytes: &[u8]) {
    match SignedHead::from_bytes(bytes) {
        Ok(envelope) => {
            assert_eq!(envelope.to_bytes(), bytes);
            verify_head(envelope);
        }
        Err(error) => shown(error),
    }
}

/// As for releases.
pub fn head_payload(payload: &[u8]) {
    verify_head(SignedHead(Envelope::sign(payload.to_vec(), &identity(PUBLISHER), HEAD_DOMAIN)));
}

fn verify_head(envelope: SignedHead) {
    let verified = match envelope.clone().verify(NETWORK, NOW) {
        Ok(verified) => verified,
        Err(error) => return shown(error),
    };
    let head = verified.head();
    assert_eq!(head.publisher.0, envelope.0.public_key);
    assert!(head.network == NETWORK && head.expires_at > NOW);
    assert!(head.versions.is_sorted_by(|a, b| a.version > b.version) && head.versions.len() as u64 <= head.total);
    assert!(head.versions.iter().all(|listed| head.find(&listed.version) == Some(listed)));
    let again = SignedHead::from_bytes(&verified.to_bytes()).expect("decode again").verify(NETWORK, NOW);
    assert_eq!(again.expect("verify again"), verified);
}

/// As for releases.
pub fn key_statement(bytes: &[u8]) {
    match SignedKeyStatement::from_bytes(bytes) {
        Ok(envelope) => {
            assert_eq!(envelope.to_bytes(), bytes);
            assert!(SignedKeyStatement::is_meant(bytes));
            verify_statement(envelope);
        }
        Err(error) => shown(error),
    }
}

/// As for releases, with and without the signature of a successor.
pub fn key_payload(payload: &[u8]) {
    let signed = |by: u8, domain| identity(by).sign(&signed_message(domain, payload));
    for countersignature in [None, Some(signed(SUCCESSOR, ACCEPT_DOMAIN))] {
        verify_statement(SignedKeyStatement {
            payload: payload.to_vec(),
            public_key: identity(PUBLISHER).public().0,
            signature: signed(PUBLISHER, KEY_DOMAIN),
            countersignature,
        });
    }
}

fn verify_statement(envelope: SignedKeyStatement) {
    let verified = match envelope.clone().verify(NETWORK, NOW) {
        Ok(verified) => verified,
        Err(error) => return shown(error),
    };
    let statement = verified.statement();
    assert_eq!(statement.key.0, envelope.public_key);
    assert_ne!(statement.successor(), Some(statement.key));
    let rotates = matches!(statement.word, KeyWord::Rotation { .. });
    assert_eq!(rotates, envelope.countersignature.is_some());
    let again = SignedKeyStatement::from_bytes(&envelope.to_bytes()).expect("decode again").verify(NETWORK, NOW);
    assert_eq!(again.expect("verify again"), verified);
}

fn sample() -> Release {
    let dependency = Dependency {
        name: PackageName::new("base-pack").expect("name"),
        requirement: "^1.0".parse().expect("requirement"),
        publisher: Some(PublisherKey([0x33; 32])),
    };
    Release {
        description: "Greets the world in RDF.".into(),
        tags: vec!["rdf".into(), "größe".into()],
        dependencies: vec![dependency],
        sequence: 2,
        previous: Some(ReleaseId([0x44; 32])),
        ..sample_release(&identity(PUBLISHER), "hello-pack", "1.2.3-rc.1")
    }
}

fn yank() -> Release {
    Release { yank_reason: Some("broken".into()), version: "1.2.2".parse().expect("version"), ..sample() }
}

pub fn releases() -> Vec<Vec<u8>> {
    [sample(), yank()].map(|release| sign(release, &identity(PUBLISHER)).envelope().to_bytes()).to_vec()
}

pub fn release_payloads() -> Vec<Vec<u8>> {
    releases().iter().map(|bytes| SignedRelease::from_bytes(bytes).expect("a sample").0.payload).collect()
}

pub fn heads() -> Vec<Vec<u8>> {
    let versions = [yank(), sample()].map(|release| sign(release, &identity(PUBLISHER)));
    let sign = |head: Option<Head>| head.expect("a head").sign(&identity(PUBLISHER)).expect("sign").to_bytes();
    vec![sign(Head::of(&versions, NOW)), sign(Head::of(&versions[..1], NOW))]
}

pub fn head_payloads() -> Vec<Vec<u8>> {
    heads().iter().map(|bytes| SignedHead::from_bytes(bytes).expect("a sample").0.payload).collect()
}

pub fn key_statements() -> Vec<Vec<u8>> {
    let (old, new) = (identity(PUBLISHER), identity(SUCCESSOR));
    let rotation = KeyStatement::rotate(NETWORK, &old, &new, NOW);
    let revocation = KeyStatement::revoke(NETWORK, &old, Some(new.public()), "stolen", NOW);
    [rotation, revocation].map(|statement| statement.expect("a statement").envelope().to_bytes()).to_vec()
}

pub fn key_payloads() -> Vec<Vec<u8>> {
    key_statements().iter().map(|bytes| SignedKeyStatement::from_bytes(bytes).expect("a sample").payload).collect()
}

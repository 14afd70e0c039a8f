use std::fs;

use proptest::prelude::*;

use super::*;
use crate::market::testing::{NOW, identity};

fn rotation() -> VerifiedKeyStatement {
    KeyStatement::rotate("ggen", &identity(1), &identity(2), NOW).expect("sign")
}

fn revocation() -> VerifiedKeyStatement {
    KeyStatement::revoke("ggen", &identity(1), Some(identity(2).public()), "stolen", NOW).expect("sign")
}

fn reason(result: Result<VerifiedKeyStatement, MarketError>) -> String {
    result.expect_err("should be refused").to_string()
}

/// Signs these payload bytes whatever they are, as both keys.
fn signed(payload: Vec<u8>, countersigned: bool) -> SignedKeyStatement {
    let by = |seed, domain| identity(seed).sign(&envelope::signed_message(domain, &payload));
    SignedKeyStatement {
        public_key: identity(1).public().0,
        signature: by(1, KEY_DOMAIN),
        countersignature: countersigned.then(|| by(2, ACCEPT_DOMAIN)),
        payload,
    }
}

#[test]
fn statements_verify_after_travelling() {
    for made in [rotation(), revocation()] {
        let bytes = made.envelope().to_bytes();
        assert!(SignedKeyStatement::is_meant(&bytes) && bytes.len() <= MAX_STATEMENT);
        let arrived = SignedKeyStatement::from_bytes(&bytes).expect("decode").verify("ggen", NOW).expect("verify");
        assert_eq!(arrived, made);
        let hash: [u8; 32] = Sha256::digest(&made.envelope().payload).into();
        assert_eq!((arrived.id().0, made.envelope().id().0), (hash, hash));
        assert_eq!(VerifiedKeyStatement::from_store(&bytes).expect("stored"), made);
        assert_eq!(made.statement().successor(), Some(identity(2).public()));
    }
    assert!(
        !SignedKeyStatement::is_meant(&[0x83]) && !SignedKeyStatement::is_meant(&[]),
        "releases are arrays of three"
    );
}

#[test]
fn a_changed_byte_anywhere_is_noticed() {
    for made in [rotation(), revocation()] {
        let bytes = made.envelope().to_bytes();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let result = SignedKeyStatement::from_bytes(&changed).and_then(|envelope| envelope.verify("ggen", NOW));
            assert!(result.is_err(), "byte {at}");
            assert!(VerifiedKeyStatement::from_store(&changed).is_err(), "byte {at} on disk");
        }
    }
}

#[test]
fn the_new_key_must_take_over() {
    let payload = rotation().envelope().payload.clone();
    assert!(reason(signed(payload.clone(), false).verify("ggen", NOW)).contains("has not signed it too"));
    let by_another = SignedKeyStatement {
        countersignature: Some(identity(3).sign(&envelope::signed_message(ACCEPT_DOMAIN, &payload))),
        ..signed(payload.clone(), false)
    };
    assert!(reason(by_another.verify("ggen", NOW)).contains("has not signed it too"));
    // Its signature as a statement of its own is none as a successor.
    let own_word = SignedKeyStatement {
        countersignature: Some(identity(2).sign(&envelope::signed_message(KEY_DOMAIN, &payload))),
        ..signed(payload, false)
    };
    assert!(reason(own_word.verify("ggen", NOW)).contains("has not signed it too"));
}

#[test]
fn nobody_speaks_for_another_key() {
    let payload = revocation().envelope().payload.clone();
    let forged = SignedKeyStatement {
        public_key: identity(3).public().0,
        signature: identity(3).sign(&envelope::signed_message(KEY_DOMAIN, &payload)),
        ..signed(payload, false)
    };
    assert!(reason(forged.verify("ggen", NOW)).contains("about another key"));
}

#[test]
fn network_and_time_are_held() {
    let envelope = rotation().envelope().clone();
    assert!(reason(envelope.clone().verify("demo", NOW)).contains("network 'ggen'"));
    assert!(envelope.clone().verify("ggen", NOW - MAX_CLOCK_SKEW).is_ok());
    assert!(reason(envelope.clone().verify("ggen", NOW - MAX_CLOCK_SKEW - 1)).contains("in the future"));
    assert!(envelope.verify("ggen", NOW * 3).is_ok(), "it never expires");
}

#[test]
fn rules_of_content_are_held() {
    let said = |word| KeyStatement { network: "ggen".into(), key: identity(1).public(), signed_at: NOW, word };
    let own = KeyWord::Rotation { successor: identity(1).public() };
    let without_reason = KeyWord::Revocation { successor: None, reason: " ".into() };
    for (statement, why) in [
        (said(own.clone()), "its own key"),
        (said(without_reason), "without saying why"),
        (KeyStatement { signed_at: 0, ..said(own) }, "its time is 0"),
    ] {
        assert!(reason(statement.sign(&identity(1), None)).contains(why), "{why}");
    }
    assert!(
        reason(signed(revocation().envelope().payload.clone(), true).verify("ggen", NOW)).contains("by its key alone")
    );
    assert!(KeyStatement::revoke("ggen", &identity(1), None, "", NOW).is_err());
    let long = KeyStatement::revoke("ggen", &identity(1), None, &"long ".repeat(200), NOW).expect("shortened");
    assert!(long.envelope().to_bytes().len() <= MAX_STATEMENT);
}

#[test]
fn a_reason_keeps_within_its_limit() {
    let said = |bytes| {
        let word = KeyWord::Revocation { successor: None, reason: "x".repeat(bytes).as_str().into() };
        let statement = KeyStatement { network: "ggen".into(), key: identity(1).public(), signed_at: NOW, word };
        signed(wire::encode(&statement), false).verify("ggen", NOW)
    };
    assert!(said(MAX_REASON).is_ok());
    assert!(reason(said(MAX_REASON + 1)).contains("its reason has 257 bytes, over 256"));
}

#[test]
fn oversized_and_trailing_bytes_are_refused() {
    assert!(SignedKeyStatement::from_bytes(&vec![0x84; MAX_STATEMENT + 1]).is_err());
    let mut bytes = rotation().envelope().to_bytes();
    bytes.push(0);
    assert!(SignedKeyStatement::from_bytes(&bytes).is_err());
    let mut payload = rotation().envelope().payload.clone();
    payload.push(0);
    assert!(reason(signed(payload, true).verify("ggen", NOW)).contains("deterministic"));
}

fn home() -> (tempfile::TempDir, std::path::PathBuf, Identity) {
    let dir = tempfile::tempdir().expect("temp dir");
    let file = dir.path().join("identity.key");
    let old = Identity::load_or_create(&file).expect("key");
    (dir, file, old)
}

#[test]
fn a_replaced_key_is_kept_under_a_number() {
    let (dir, file, first) = home();
    let second = prepare_next(&file).expect("next");
    assert_eq!(prepare_next(&file).expect("again").public(), second.public(), "an unfinished one is taken up");
    assert_eq!(replace(&file).expect("replace"), dir.path().join("identity.key.1"));
    let third = prepare_next(&file).expect("next");
    assert_eq!(replace(&file).expect("replace"), dir.path().join("identity.key.2"));
    assert_eq!(Identity::load_or_create(&file).expect("load").public(), third.public());
    let old: Vec<_> = key_files(&file).expect("files").iter().map(|file| file.identity.public()).collect();
    assert_eq!(old, [first.public(), second.public()]);
    assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 3);
}

/// Wherever it is broken off, both keys are there afterwards, and the one in use is the one that the statement names.
#[test]
fn an_interrupted_replacement_is_completed_or_never_happened() {
    let (dir, file, old) = home();
    let new = prepare_next(&file).expect("next");
    let current = complete(&file, old.clone(), |_, _| Ok(false)).expect("complete");
    assert_eq!(current.public(), old.public(), "nothing was said yet");
    // Broken off after the statement, then again after the old key was kept.
    for kept in [false, true] {
        if kept {
            fs::copy(&file, dir.path().join("identity.key.new")).expect("undo");
            fs::write(dir.path().join("identity.key.new"), new.to_protobuf()).expect("undo");
            fs::write(&file, old.to_protobuf()).expect("undo");
        }
        let current = complete(&file, old.clone(), |from, to| Ok((from, to) == (old.public(), new.public())));
        assert_eq!(current.expect("complete").public(), new.public());
        assert_eq!(Identity::load_or_create(&file).expect("load").public(), new.public());
        let kept: Vec<_> = key_files(&file).expect("files").iter().map(|file| file.identity.public()).collect();
        assert_eq!(kept, [old.public()]);
    }
    assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 2);
}

prop_compose! {
    fn any_statement()(
        seeds in (1u8..100, 100u8..200),
        signed_at in 1u64..1 << 53,
        reason in proptest::option::of("[a-zA-Z0-9 äöü]{1,60}"),
        named in any::<bool>(),
    ) -> KeyStatement {
        let (from, to) = (identity(seeds.0).public(), identity(seeds.1).public());
        let word = match reason.map(|reason| format!("because {reason}")) {
            None => KeyWord::Rotation { successor: to },
            Some(reason) => KeyWord::Revocation { successor: named.then_some(to), reason: SafeText::new(&reason) },
        };
        KeyStatement { network: "ggen".into(), key: from, signed_at, word }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn payloads_read_back(statement in any_statement()) {
        prop_assert_eq!(decode_checked(&wire::encode(&statement)).expect("decode"), statement);
    }

    #[test]
    fn any_payload_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_checked(&bytes);
    }

    #[test]
    fn a_mutated_statement_is_refused(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(), revoked in any::<bool>(),
    ) {
        let bytes = if revoked { revocation() } else { rotation() }.envelope().to_bytes();
        let mut changed = bytes.clone();
        let at = at.index(changed.len());
        changed[at] = byte;
        if cut {
            changed.truncate(at);
        }
        let payload = SignedKeyStatement::from_bytes(&changed).map(|envelope| envelope.payload);
        if let Ok(payload) = payload {
            let _ = decode_checked(&payload);
        }
        let read = SignedKeyStatement::from_bytes(&changed).and_then(|envelope| envelope.verify("ggen", NOW));
        prop_assert_eq!(read.is_ok(), changed == bytes);
    }

    #[test]
    fn any_envelope_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(envelope) = SignedKeyStatement::from_bytes(&bytes) {
            prop_assert_eq!(envelope.to_bytes(), bytes);
        }
    }
}

/// Who passes on a statement that is not for this node is no liar.
#[test]
fn a_signature_fits_whatever_else_is_wrong() {
    let foreign = revocation().envelope().clone();
    assert!(foreign.signature_fits() && foreign.clone().verify("demo", NOW).is_err());
    let mut forged = foreign;
    forged.signature[0] ^= 1;
    assert!(!forged.signature_fits());
}

use proptest::prelude::*;

use super::*;
use crate::market::envelope::signed_message;
use crate::market::error::MarketErrorKind;

const NOW: u64 = 1_800_000_000;

fn identity() -> Identity {
    Identity::from_secret([7; 32])
}

fn release() -> Release {
    Release {
        network: "ggen".into(),
        publisher: identity().public(),
        name: PackageName::new("hello-pack").expect("name"),
        version: Version::new(1, 2, 3),
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
    }
}

/// Signs these payload bytes whatever they are.
fn signed(payload: Vec<u8>) -> SignedRelease {
    let signature = identity().sign(&signed_message(SIGNING_DOMAIN, &payload));
    SignedRelease(Envelope { payload, public_key: identity().public().0, signature })
}

fn reason(result: Result<VerifiedRelease, MarketError>) -> String {
    let error = result.expect_err("should be refused");
    assert_eq!(error.kind(), MarketErrorKind::Verification);
    error.to_string()
}

#[test]
fn signed_releases_verify_after_travelling() {
    let signed = release().sign(&identity()).expect("sign");
    let bytes = signed.envelope().to_bytes();
    let arrived = SignedRelease::from_bytes(&bytes).expect("decode").verify("ggen", NOW).expect("verify");
    assert_eq!(arrived, signed);
    assert_eq!(arrived.release(), &release());
    assert_eq!(VerifiedRelease::from_store(&bytes, signed.id()).expect("stored"), signed);
    assert!(VerifiedRelease::from_store(&bytes, ReleaseId([0; 32])).is_err());
}

#[test]
fn a_release_is_known_by_the_hash_of_what_is_signed() {
    let verified = release().sign(&identity()).expect("sign");
    let signed = verified.envelope();
    assert_eq!(signed.id().0, <[u8; 32]>::from(Sha256::digest(&signed.payload)));
    assert_eq!((signed.id(), signed.signature_fits(), verified.signature_holds()), (verified.id(), true, true));
    let mut forged = signed.clone();
    forged.signature[0] ^= 1;
    assert!(!forged.signature_fits() && !VerifiedRelease { envelope: forged, ..verified }.signature_holds());
}

#[test]
fn a_changed_byte_anywhere_is_noticed() {
    let bytes = release().sign(&identity()).expect("sign").envelope().to_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let result = SignedRelease::from_bytes(&changed).and_then(|envelope| envelope.verify("ggen", NOW));
        assert!(result.is_err(), "byte {at}");
    }
}

#[test]
fn another_network_is_refused() {
    let envelope = release().sign(&identity()).expect("sign").envelope().clone();
    assert!(reason(envelope.verify("demo", NOW)).contains("network 'ggen'"));
}

#[test]
fn expiry_and_clock_skew_are_held() {
    let envelope = release().sign(&identity()).expect("sign").envelope().clone();
    assert!(envelope.clone().verify("ggen", NOW - MAX_CLOCK_SKEW).is_ok());
    assert!(reason(envelope.clone().verify("ggen", NOW - MAX_CLOCK_SKEW - 1)).contains("future"));
    assert!(envelope.clone().verify("ggen", NOW + DEFAULT_VALIDITY - 1).is_ok());
    assert!(reason(envelope.verify("ggen", NOW + DEFAULT_VALIDITY)).contains("expired"));
}

#[test]
fn the_key_must_be_the_publishers() {
    let other = Identity::from_secret([8; 32]);
    assert!(release().sign(&other).is_err());
    let payload = release().sign(&identity()).expect("sign").envelope().payload.clone();
    let signature = other.sign(&signed_message(SIGNING_DOMAIN, &payload));
    let envelope = SignedRelease(Envelope { payload, public_key: other.public().0, signature });
    assert!(reason(envelope.verify("ggen", NOW)).contains("another publisher"));
}

#[test]
fn trailing_bytes_are_refused_inside_and_outside() {
    let signed_release = release().sign(&identity()).expect("sign");
    let mut bytes = signed_release.envelope().to_bytes();
    bytes.push(0);
    assert!(SignedRelease::from_bytes(&bytes).is_err());
    let mut payload = signed_release.envelope().payload.clone();
    payload.push(0);
    assert!(reason(signed(payload).verify("ggen", NOW)).contains("deterministic"));
}

#[test]
fn other_encodings_of_the_same_content_are_refused() {
    let payload = release().sign(&identity()).expect("sign").envelope().payload.clone();
    assert_eq!(&payload[..3], [0xb4, 0x00, 0x01], "map of 20, key 0, format 1");
    let long_format = [&payload[..2], &[0x18, 0x01], &payload[3..]].concat();
    assert!(reason(signed(long_format).verify("ggen", NOW)).contains("deterministic"));
    let indefinite = [&[0xbf], &payload[1..], &[0xff]].concat();
    assert!(signed(indefinite).verify("ggen", NOW).is_err());
    let unknown_key = [&[0xb5], &payload[1..], &[0x18, 0x63, 0x00]].concat();
    assert!(signed(unknown_key).verify("ggen", NOW).is_err());
}

#[test]
fn another_format_version_is_named() {
    let mut payload = release().sign(&identity()).expect("sign").envelope().payload.clone();
    payload[2] = 2;
    assert!(reason(signed(payload).verify("ggen", NOW)).contains("format version is 2"));
}

#[test]
fn rules_of_the_fields_are_held() {
    let refused = |change: fn(&mut Release)| {
        let mut release = release();
        change(&mut release);
        assert!(release.sign(&identity()).is_err());
    };
    refused(|r| r.network = String::new());
    refused(|r| r.network = "a b".into());
    refused(|r| r.size = 0);
    refused(|r| r.size = u64::MAX);
    refused(|r| r.file_count = 0);
    refused(|r| r.file_count = 10_001);
    refused(|r| r.sequence = 0);
    refused(|r| r.sequence = 1);
    refused(|r| r.previous = None);
    refused(|r| r.expires_at = r.published_at);
    refused(|r| r.expires_at = r.published_at + MAX_VALIDITY + 1);
    refused(|r| r.expires_at = u64::MAX);
    refused(|r| r.yank_reason = Some(" ".into()));
    refused(|r| r.dependencies = vec![r.dependencies[0].clone(); 65]);
    // 2^53 - 1: what a double holds exactly.
    let last = 9_007_199_254_740_991;
    let until = |expires_at| Release { published_at: expires_at - 1, expires_at, ..release() }.sign(&identity());
    assert!(until(last).is_ok() && until(last + 1).is_err());
}

#[test]
fn long_text_is_shortened_until_it_fits() {
    let mut long = release();
    long.description = SafeText::new(&"日本語 ".repeat(400));
    long.category = "c".repeat(100).as_str().into();
    long.tags = (0..50).map(|i| SafeText::new(&format!("tag-{i:-<100}"))).collect();
    long.keywords = (0..50).map(|i| SafeText::new(&format!("keyword-{i:-<100}"))).collect();
    long.repository = SafeText::new(&"r".repeat(500));
    let signed = long.sign(&identity()).expect("shortened, not refused");
    let bytes = signed.envelope().to_bytes();
    assert!(bytes.len() <= MAX_ENVELOPE, "{}", bytes.len());
    let release = signed.release();
    assert!(release.category.ends_with('…') && release.category.len() <= 64);
    assert_eq!(release.tags.len(), 32);
    assert!(SignedRelease::from_bytes(&bytes).expect("decode").verify("ggen", NOW).is_ok());
}

#[test]
fn a_description_is_shortened_by_what_is_too_much_and_labels_only_after_it() {
    let labels = |what: &str| (0..28).map(|i| SafeText::new(&format!("{what}-{i:-<56}"))).collect();
    let of_length = |length| {
        let description = "d".repeat(length).as_str().into();
        Release { description, tags: labels("t"), keywords: labels("k"), ..release() }
    };
    let room = MAX_ENVELOPE - of_length(300).sign(&identity()).expect("sign").envelope().to_bytes().len();
    for over in [0, 1, 2, 3, 50] {
        let signed = of_length(300 + room + over).sign(&identity()).expect("sign");
        let (release, bytes) = (signed.release(), signed.envelope().to_bytes().len());
        assert_eq!((release.tags.len(), release.keywords.len()), (28, 28));
        let least = if over == 0 { MAX_ENVELOPE } else { MAX_ENVELOPE - 4 };
        assert!((least..=MAX_ENVELOPE).contains(&bytes), "{bytes} bytes with {over} too many");
        assert_eq!(release.description.ends_with('…'), over > 0, "{over} bytes too long");
    }
}

#[test]
fn a_long_description_alone_keeps_the_labels() {
    let mut long = release();
    long.description = SafeText::new(&"日".repeat(256));
    let signed = long.sign(&identity()).expect("sign");
    assert_eq!(signed.release().tags.len(), 2);
    assert!(signed.release().description.len() > 700);
}

#[test]
fn too_many_long_dependencies_are_refused_with_a_count() {
    let mut heavy = release();
    let name = |i: usize| PackageName::new(&format!("dependency-{i:0>50}")).expect("name");
    heavy.dependencies = (0..60).map(|i| Dependency { name: name(i), ..heavy.dependencies[0].clone() }).collect();
    let error = heavy.sign(&identity()).expect_err("too large");
    assert_eq!(error.kind(), MarketErrorKind::Invalid);
    assert!(error.hint().is_some_and(|hint| hint.contains("60 dependencies")));
}

#[test]
fn oversized_envelopes_are_refused_before_decoding() {
    assert!(SignedRelease::from_bytes(&vec![0x83; MAX_ENVELOPE + 1]).is_err());
    let too_long = format!("the payload is over {MAX_ENVELOPE} bytes");
    let said = |bytes| reason(signed(vec![0xff; bytes]).verify("ggen", NOW));
    assert!(!said(MAX_ENVELOPE).contains(&too_long));
    for bytes in [MAX_ENVELOPE + 1, MAX_ENVELOPE + 2] {
        assert!(said(bytes).contains(&too_long), "{bytes} bytes");
    }
}

fn any_text(chars: usize) -> impl Strategy<Value = SafeText> {
    proptest::collection::vec(any::<char>(), 0..chars).prop_map(|c| SafeText::new(&c.into_iter().collect::<String>()))
}

prop_compose! {
    fn any_release()(
        description in any_text(40),
        category in any_text(8),
        tags in proptest::collection::vec(any_text(8), 0..6),
        numbers in (1u64..1 << 29, 1u32..10_000, 2u64..1 << 30, NOW - DEFAULT_VALIDITY + 1..NOW),
        version in (any::<u64>(), any::<u64>(), "[a-z][a-z0-9]{0,8}"),
        yanked in any::<bool>(),
    ) -> Release {
        let (size, file_count, sequence, published_at) = numbers;
        let (major, minor, pre) = version;
        let mut version = Version::new(major, minor, 0);
        version.pre = semver::Prerelease::new(&pre).expect("pre-release");
        let yank_reason = yanked.then(|| SafeText::new("broken"));
        Release { description, category, tags, size, file_count, sequence, published_at, version, yank_reason, ..release() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn payloads_read_back(release in any_release()) {
        prop_assert_eq!(decode_checked(&wire::encode(&release)).expect("decode"), release);
    }

    #[test]
    fn any_payload_is_survived_and_what_is_read_writes_back(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(release) = decode_checked(&bytes) {
            prop_assert_eq!(wire::encode(&release), bytes);
        }
    }

    #[test]
    fn any_envelope_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(envelope) = SignedRelease::from_bytes(&bytes) {
            prop_assert_eq!(envelope.to_bytes(), bytes);
        }
    }

    #[test]
    fn a_mutated_payload_is_survived(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(), grow in any::<bool>(),
    ) {
        let mut payload = wire::encode(&release());
        let at = at.index(payload.len());
        payload[at] = byte;
        if cut {
            payload.truncate(at);
        }
        if grow {
            payload.insert(at, byte);
        }
        let _ = decode_checked(&payload);
    }
}

proptest! {
    #[test]
    fn what_is_signed_is_what_is_read(release in any_release()) {
        let signed = release.clone().sign(&identity()).expect("sign");
        prop_assert_eq!(signed.release(), &release);
        let bytes = signed.envelope().to_bytes();
        let read = SignedRelease::from_bytes(&bytes).expect("decode").verify("ggen", NOW).expect("verify");
        prop_assert_eq!(read, signed);
    }

    #[test]
    fn decoding_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = SignedRelease::from_bytes(&bytes);
        prop_assert!(signed(bytes).verify("ggen", NOW).is_err());
    }

    #[test]
    fn a_mutated_payload_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut payload = release().sign(&identity()).expect("sign").envelope().payload.clone();
        let at = at.index(payload.len());
        payload[at] = byte;
        if cut {
            payload.truncate(at);
        }
        let _ = signed(payload).verify("ggen", NOW);
    }
}

#[test]
fn texts_and_lists_keep_their_limits() {
    let text = |length: usize| SafeText::from("x".repeat(length));
    let dependency = |length: usize| Dependency {
        requirement: format!("=1.0.0-{}", "a".repeat(length - 7)).parse().expect("requirement"),
        ..release().dependencies[0].clone()
    };
    let longer = |by: usize| {
        [
            Release { category: text(64 + by), ..release() },
            Release { licence: text(128 + by), ..release() },
            Release { repository: text(256 + by), ..release() },
            Release { tags: vec!["x".into(); 32 + by], ..release() },
            Release { keywords: vec![text(64 + by)], ..release() },
            Release { version: format!("1.0.0-{}", "a".repeat(58 + by)).parse().expect("version"), ..release() },
            Release { dependencies: vec![dependency(128 + by)], ..release() },
            Release { yank_reason: Some(text(256 + by)), ..release() },
        ]
    };
    for (fits, over) in longer(0).iter().zip(&longer(1)) {
        assert!(signed(wire::encode(fits)).verify("ggen", NOW).is_ok(), "{fits:?}");
        assert!(signed(wire::encode(over)).verify("ggen", NOW).is_err(), "{over:?}");
    }
}

use proptest::prelude::*;

use super::*;
use crate::market::envelope::signed_message;
use crate::market::error::MarketErrorKind;
use crate::market::release::{DEFAULT_VALIDITY, MAX_CLOCK_SKEW, MAX_VALIDITY};
use crate::market::testing::{NOW, at_sequence, identity, release, sign};

fn chain(versions: &[&str]) -> Vec<VerifiedRelease> {
    let one = |(index, version): (usize, &&str)| {
        sign(at_sequence(release(&identity(1), "tool", version), index as u64 + 1), &identity(1))
    };
    versions.iter().enumerate().map(one).collect()
}

fn head() -> Head {
    Head::of(&chain(&["1.0.0", "2.0.0-beta.1", "1.0.1"]), NOW).expect("head")
}

/// Signs these payload bytes whatever they are.
fn signed(payload: Vec<u8>) -> SignedHead {
    SignedHead(Envelope::sign(payload, &identity(1), HEAD_DOMAIN))
}

fn reason(result: Result<VerifiedHead, MarketError>) -> String {
    let error = result.expect_err("should be refused");
    assert_eq!(error.kind(), MarketErrorKind::Verification);
    error.to_string()
}

#[test]
fn heads_verify_after_travelling() {
    let made = head().sign(&identity(1)).expect("sign");
    let arrived = SignedHead::from_bytes(&made.to_bytes()).expect("decode");
    assert_eq!(arrived.to_bytes(), made.to_bytes());
    let arrived = arrived.verify("ggen", NOW).expect("verify");
    assert_eq!(arrived, made);
    assert_eq!(arrived.head(), &head());
    let listed: Vec<_> = arrived.head().versions.iter().map(|listed| listed.version.to_string()).collect();
    assert_eq!(listed, ["2.0.0-beta.1", "1.0.1", "1.0.0"]);
    assert_eq!(VerifiedHead::from_store(&made.to_bytes()).expect("stored"), made);
}

#[test]
fn a_changed_byte_anywhere_is_noticed() {
    let bytes = head().sign(&identity(1)).expect("sign").to_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(SignedHead::from_bytes(&changed).and_then(|head| head.verify("ggen", NOW)).is_err(), "byte {at}");
        assert!(VerifiedHead::from_store(&changed).is_err(), "byte {at} on disk");
    }
}

#[test]
fn heads_agree_that_say_the_same_of_the_package_whenever_they_were_signed() {
    let one = head();
    assert!(one.agrees_with(&Head { signed_at: NOW + 1, expires_at: NOW + HEAD_VALIDITY + 1, ..head() }));
    let others = [
        Head { network: "demo".into(), ..head() },
        Head { publisher: identity(2).public(), ..head() },
        Head { sequence: one.sequence + 1, ..head() },
        Head { last: ReleaseId([9; 32]), ..head() },
        Head { versions: one.versions[1..].to_vec(), ..head() },
        Head { total: one.total + 1, ..head() },
    ];
    for other in others {
        assert!(!one.agrees_with(&other), "{other:?}");
    }
}

#[test]
fn a_signature_fits_whatever_else_is_wrong() {
    let mut nonsense = signed(b"no head".to_vec());
    assert!(nonsense.signature_fits());
    nonsense.0.signature[0] ^= 1;
    assert!(!nonsense.signature_fits());
}

#[test]
fn network_and_time_are_held() {
    let envelope = SignedHead(head().sign(&identity(1)).expect("sign").envelope);
    assert!(reason(envelope.clone().verify("demo", NOW)).contains("network 'ggen'"));
    assert!(reason(envelope.clone().verify("ggen", NOW + HEAD_VALIDITY)).contains("it expired"));
    assert!(envelope.clone().verify("ggen", NOW + HEAD_VALIDITY - 1).is_ok());
    assert!(reason(envelope.verify("ggen", NOW - MAX_CLOCK_SKEW - 1)).contains("in the future"));
}

#[test]
fn a_release_signature_is_none_for_a_head() {
    let payload = head().sign(&identity(1)).expect("sign").envelope.payload;
    let signature = identity(1).sign(&signed_message(crate::market::release::SIGNING_DOMAIN, &payload));
    let envelope = Envelope { payload, public_key: identity(1).public().0, signature };
    assert!(reason(SignedHead(envelope).verify("ggen", NOW)).contains("signature does not fit"));
}

#[test]
fn only_the_publisher_signs_its_heads() {
    assert!(head().sign(&identity(2)).is_err());
    let payload = head().sign(&identity(1)).expect("sign").envelope.payload;
    let forged = SignedHead(Envelope::sign(payload, &identity(2), HEAD_DOMAIN));
    assert!(reason(forged.verify("ggen", NOW)).contains("another publisher"));
}

#[test]
fn rules_of_content_are_held() {
    let broken: [(Head, &str); 9] = [
        (Head { versions: vec![], total: 0, ..head() }, "lists no version"),
        (Head { total: 2, ..head() }, "lists 3 of 2 versions"),
        (Head { total: 4, ..head() }, "lists 3 of 4 versions, made by 3 releases"),
        (Head { sequence: 0, ..head() }, "sequence number 0"),
        (Head { sequence: NOW + 1, ..head() }, "sequence number"),
        (Head { last: ReleaseId([7; 32]), ..head() }, "not its last release"),
        (Head { expires_at: NOW, ..head() }, "before it was signed"),
        (Head { expires_at: NOW + MAX_HEAD_VALIDITY + 1, ..head() }, "it is valid for"),
        (Head { versions: head().versions.into_iter().rev().collect(), ..head() }, "highest first"),
    ];
    for (head, why) in broken {
        let said = reason(head.sign(&identity(1)));
        assert!(said.contains(why), "{said}, wanted {why}");
    }
}

#[test]
fn very_many_versions_are_cut_to_the_highest_and_counted() {
    let versions: Vec<String> = (0..300).map(|n| format!("1.{n}.0-alpha.beta.gamma.{n}")).collect();
    let all: Vec<&str> = versions.iter().map(String::as_str).collect();
    let made = Head::of(&chain(&all), NOW).expect("head").sign(&identity(1)).expect("sign");
    assert!(made.to_bytes().len() <= MAX_HEAD);
    let head = made.head();
    assert!(head.versions.len() > 60 && !head.is_complete(), "{}", head.versions.len());
    assert_eq!((head.total, head.versions[0].version.to_string().as_str()), (300, "1.299.0-alpha.beta.gamma.299"));
    assert!(SignedHead::from_bytes(&made.to_bytes()).expect("decode").verify("ggen", NOW).is_ok());
}

#[test]
fn oversized_and_trailing_bytes_are_refused() {
    assert!(SignedHead::from_bytes(&vec![0x83; MAX_HEAD + 1]).is_err());
    let mut bytes = head().sign(&identity(1)).expect("sign").to_bytes();
    bytes.push(0);
    assert!(SignedHead::from_bytes(&bytes).is_err());
    let mut payload = head().sign(&identity(1)).expect("sign").envelope.payload;
    payload.push(0);
    assert!(reason(signed(payload).verify("ggen", NOW)).contains("deterministic"));
}

prop_compose! {
    fn any_head()(
        versions in proptest::collection::btree_map((0u64..50, any::<u64>()), (any::<[u8; 32]>(), any::<bool>()), 1..20),
        more in (0u64..1000, 0u64..1000),
        last in any::<[u8; 32]>(),
        times in (NOW - 1_000_000..NOW, 1..MAX_HEAD_VALIDITY),
    ) -> Head {
        let listed = |((major, minor), (id, yanked)): ((u64, u64), ([u8; 32], bool))| HeadVersion {
            version: Version::new(major, minor, 0),
            release: ReleaseId(id),
            package: PackageId(id),
            yanked,
        };
        let versions: Vec<_> = versions.into_iter().rev().map(listed).collect();
        let total = versions.len() as u64 + more.0;
        let last = if more.0 == 0 { versions[0].release } else { ReleaseId(last) };
        let (signed_at, validity) = times;
        Head { versions, total, sequence: total + more.1, last, signed_at, expires_at: signed_at + validity, ..head() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn payloads_read_back(head in any_head()) {
        let payload = wire::encode_fitting(head.clone());
        prop_assert_eq!(decode_checked(&payload).expect("decode"), head);
    }

    #[test]
    fn any_payload_is_survived_and_what_is_read_writes_back(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(head) = decode_checked(&bytes) {
            prop_assert_eq!(wire::encode_fitting(head), bytes);
        }
    }

    #[test]
    fn a_mutated_payload_is_refused_or_means_what_it_says(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(), grow in any::<bool>(),
    ) {
        let mut payload = wire::encode_fitting(head());
        let at = at.index(payload.len());
        payload[at] = byte;
        if cut {
            payload.truncate(at);
        }
        if grow {
            payload.insert(at, byte);
        }
        if let Ok(head) = decode_checked(&payload) {
            prop_assert_eq!(wire::encode_fitting(head), payload);
        }
    }

    #[test]
    fn any_envelope_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(envelope) = SignedHead::from_bytes(&bytes) {
            prop_assert_eq!(envelope.to_bytes(), bytes);
        }
    }
}

/// Other programs rely on them: docs/PROTOCOL.md has the same figures.
#[test]
fn the_spans_are_those_of_the_protocol() {
    assert_eq!((HEAD_VALIDITY, MAX_HEAD_VALIDITY), (2_592_000, 7_776_000));
    assert_eq!((DEFAULT_VALIDITY, MAX_VALIDITY, MAX_CLOCK_SKEW), (31_536_000, 63_072_000, 600));
}

#[test]
fn a_version_is_found_in_the_list_and_another_is_not() {
    let head = Head::of(&chain(&["1.0.0", "2.0.0"]), NOW).expect("head");
    let listed = |version: &str| head.find(&version.parse().expect("version"));
    assert_eq!(listed("1.0.0").map(|found| found.version.to_string()), Some("1.0.0".into()));
    assert_eq!(listed("1.0.1"), None);
}

#[test]
fn limits_of_the_list_are_exact() {
    let first = &head().versions[0];
    let read = |versions| wire::decode(&wire::encode(&Head { versions, ..head() }));
    let many = |count| read(vec![first.clone(); count]);
    assert!(many(128).is_ok() && many(129).is_err());
    let long = |bytes| {
        let version = format!("1.0.0-{:a<1$}", "", bytes - "1.0.0-".len()).parse().expect("version");
        read(vec![HeadVersion { version, ..first.clone() }])
    };
    assert!(long(64).is_ok() && long(65).is_err());
}

#[test]
fn limits_are_exact() {
    let keeps = |head: &Head| check::fields(head).is_ok();
    let from_to = |signed_at, expires_at| Head { signed_at, expires_at, ..head() };
    assert!(keeps(&from_to(NOW, NOW + MAX_HEAD_VALIDITY)) && !keeps(&from_to(NOW, NOW + MAX_HEAD_VALIDITY + 1)));
    let last = crate::market::release::check::MAX_NUMBER;
    assert!(keeps(&from_to(last - 1, last)) && !keeps(&from_to(last, last + 1)));
    assert!(!keeps(&Head { network: "two words".into(), ..head() }));
    let [first, second, ..] = &head().versions[..] else { panic!("three versions") };
    let twice = vec![first.clone(), first.clone(), second.clone()];
    assert!(!keeps(&Head { versions: twice, ..head() }), "each version once");
    let ahead = |seconds| check::network_and_time(&from_to(NOW + seconds, NOW + HEAD_VALIDITY), "ggen", NOW);
    assert!(ahead(MAX_CLOCK_SKEW).is_ok() && ahead(MAX_CLOCK_SKEW + 1).is_err());
}

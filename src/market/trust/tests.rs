//! Each step and each of its outcomes.

use super::*;
use crate::config::Home;
use crate::market::store::{Installed, PinOrigin};
use crate::market::testing::{NOW, at_sequence, identity, installed, name, note_install, release, sign};
use crate::market::when::day;
use crate::market::{Head, KeyStatement, Release, ReleaseId, SafeText};

const DAY: u64 = 24 * 60 * 60;

/// A store, and who judges by it.
struct Bench {
    _dir: tempfile::TempDir,
    db: Db,
    ground: Ground,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("temp dir");
        let db = Db::open(&Home::new(dir.path().join("home"))).expect("open");
        let ground = Ground { network: "ggen".into(), now: NOW + 10 * DAY, ..Ground::default() };
        Self { _dir: dir, db, ground }
    }

    /// A release of `who` that this node saw at `seen`.
    fn seen(&mut self, release: Release, who: u8, seen: u64) -> VerifiedRelease {
        let signed = sign(release, &identity(who));
        self.db.accept(&signed, seen).expect("accept");
        signed
    }

    fn simple(&mut self, who: u8, name: &str) -> VerifiedRelease {
        self.seen(release(&identity(who), name, "1.0.0"), who, NOW)
    }

    fn install(&mut self, release: &VerifiedRelease) {
        let entry = Installed { installed_at: NOW + DAY, ..installed(release.release()) };
        note_install(&mut self.db, &entry);
    }

    fn assess(&mut self, release: &VerifiedRelease) -> Assessment {
        assess(&mut self.db, release, &self.ground).expect("assess")
    }

    fn step(&mut self, release: &VerifiedRelease, code: Code) -> (Outcome, String, String) {
        let assessment = self.assess(release);
        let step = assessment.step(code).expect("step");
        (step.outcome, step.text.to_string(), step.hint.to_string())
    }
}

fn print_of(who: u8) -> String {
    Fingerprint::of(&identity(who).public()).to_string()
}

#[test]
fn every_step_is_there_once_and_in_order() {
    let mut bench = Bench::new();
    let signed = bench.simple(1, "knowledge");
    let codes: Vec<_> = bench.assess(&signed).steps.iter().map(|step| step.code).collect();
    use Code::*;
    assert_eq!(
        codes,
        [
            Signature, Network, Validity, Content, Publisher, SameName, Revocation, Yank, Head, Chain, FirstSeen,
            LookAlike, Claims
        ]
    );
}

#[test]
fn what_is_good_passes_with_its_key_and_fingerprint() {
    let mut bench = Bench::new();
    let signed = bench.simple(1, "knowledge");
    let assessment = bench.assess(&signed);
    assert_eq!(assessment.verdict(), Outcome::Note);
    assert!(assessment.refusal("knowledge 1.0.0").is_none());
    let (outcome, text, _) = bench.step(&signed, Code::Signature);
    assert_eq!(outcome, Outcome::Pass);
    assert!(text.contains(&print_of(1)) && text.contains(&identity(1).public().to_string()), "{text}");
    let (_, text, _) = bench.step(&signed, Code::Content);
    assert!(text.contains(&signed.release().package_id.to_string()), "{text}");
    let (outcome, text, _) = bench.step(&signed, Code::Claims);
    assert_eq!(
        (outcome, text.as_str()),
        (Outcome::Note, "claimed by the publisher, not checked: licence MIT, no repository")
    );
}

/// What lies in the database is not believed for lying there.
#[test]
fn a_signature_that_was_changed_on_disk_blocks() {
    let mut bench = Bench::new();
    let signed = bench.simple(1, "knowledge");
    let mut forged = signed.envelope().clone();
    forged.signature[3] ^= 1;
    let forged = VerifiedRelease::from_store(&forged.to_bytes(), signed.id()).expect("the store does not check it");
    let (outcome, text, _) = bench.step(&forged, Code::Signature);
    assert_eq!(outcome, Outcome::Block, "{text}");
    assert!(matches!(bench.assess(&forged).refusal("x"), Some(MarketError::Untrusted { .. })));
}

#[test]
fn network_and_time_block_when_they_are_wrong() {
    let mut bench = Bench::new();
    let signed = bench.simple(1, "knowledge");
    assert_eq!(bench.step(&signed, Code::Network).0, Outcome::Pass);
    bench.ground.network = "other".into();
    assert_eq!(bench.step(&signed, Code::Network).0, Outcome::Block);
    bench.ground.network = "ggen".into();
    let end = signed.release().expires_at;
    let cases = [
        (NOW, Outcome::Pass, "valid until"),
        (end - DAY, Outcome::Note, "expires soon, in 1d"),
        (end, Outcome::Block, "it expired on"),
        (NOW - DAY, Outcome::Block, "to come"),
    ];
    for (now, outcome, part) in cases {
        bench.ground.now = now;
        let (found, text, _) = bench.step(&signed, Code::Validity);
        assert_eq!(found, outcome, "{text}");
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_first_key_is_noted_a_pinned_one_passes_and_the_own_one_too() {
    let mut bench = Bench::new();
    let signed = bench.simple(1, "knowledge");
    let (outcome, text, hint) = bench.step(&signed, Code::Publisher);
    assert_eq!(outcome, Outcome::Note);
    assert!(text.contains(&print_of(1)) && hint.contains("compare"), "{text} {hint}");
    bench.install(&signed);
    let (outcome, text, _) = bench.step(&signed, Code::Publisher);
    assert_eq!(outcome, Outcome::Pass);
    assert!(text.contains(&format!("since {}, by its first install", day(NOW + DAY))), "{text}");
    let other = bench.simple(2, "elsewhere");
    bench.ground.own = Some(identity(2).public());
    assert_eq!(bench.step(&other, Code::Publisher).0, Outcome::Pass);
    let rival = bench.simple(3, "elsewhere");
    bench.install(&rival);
    assert_eq!(bench.step(&other, Code::Publisher).0, Outcome::Block, "the pin holds against one's own key too");
}

#[test]
fn a_changed_key_blocks_with_both_fingerprints_and_the_command_until_it_is_accepted() {
    let mut bench = Bench::new();
    let first = bench.simple(1, "knowledge");
    bench.install(&first);
    let second = bench.seen(release(&identity(2), "knowledge", "2.0.0"), 2, NOW + 2 * DAY);
    let (outcome, text, hint) = bench.step(&second, Code::Publisher);
    assert_eq!(outcome, Outcome::Block);
    for part in [print_of(1), print_of(2), day(NOW + DAY), day(NOW + 2 * DAY)] {
        assert!(text.contains(&part), "{part} in {text}");
    }
    let command = format!("install knowledge@=2.0.0 --accept-key {}", identity(2).public());
    assert!(hint.contains(&command), "{hint}");
    let refusal = bench.assess(&second).refusal("knowledge 2.0.0").expect("refused");
    assert_eq!(refusal.kind(), crate::market::error::MarketErrorKind::Verification);
    assert!(refusal.to_string().starts_with("knowledge 2.0.0: the key changed") && refusal.hint().is_some());

    bench.ground.accepted = Some(identity(3).public());
    assert_eq!(bench.step(&second, Code::Publisher).0, Outcome::Block, "another key was accepted");
    bench.ground.accepted = Some(identity(2).public());
    let (outcome, text, _) = bench.step(&second, Code::Publisher);
    assert_eq!(outcome, Outcome::Warn);
    assert!(text.contains(&print_of(1)) && text.contains(&print_of(2)), "{text}");
}

#[test]
fn an_accepted_key_says_since_when() {
    let mut bench = Bench::new();
    let first = bench.simple(1, "knowledge");
    bench.install(&first);
    let second = bench.seen(release(&identity(2), "knowledge", "2.0.0"), 2, NOW);
    let pin = Pin {
        name: name("knowledge"),
        publisher: identity(2).public(),
        since: NOW + 3 * DAY,
        origin: PinOrigin::Accepted,
    };
    bench.db.pin(&pin).expect("pin");
    let (outcome, text, _) = bench.step(&second, Code::Publisher);
    assert_eq!(outcome, Outcome::Pass);
    assert!(text.contains("when you accepted it"), "{text}");
    assert_eq!(bench.step(&first, Code::Publisher).0, Outcome::Block);
}

#[test]
fn others_who_use_the_name_are_told_of() {
    let mut bench = Bench::new();
    let first = bench.simple(1, "knowledge");
    assert_eq!(bench.step(&first, Code::SameName).0, Outcome::Pass);
    for who in 2..=6 {
        bench.seen(release(&identity(who), "knowledge", "1.0.0"), who, NOW + u64::from(who) * DAY);
    }
    let (outcome, text, hint) = bench.step(&first, Code::SameName);
    assert_eq!(outcome, Outcome::Warn);
    assert!(text.contains(&format!("{} since {}", print_of(2), day(NOW + 2 * DAY))), "{text}");
    assert!(text.ends_with("and 2 more") && hint.contains(&identity(1).public().to_string()), "{text} {hint}");
    bench.install(&first);
    assert_eq!(bench.step(&first, Code::SameName).0, Outcome::Note);
    bench.ground.own = Some(identity(2).public());
    assert!(bench.step(&first, Code::SameName).1.contains("(you)"));
}

#[test]
fn a_withdrawn_version_blocks_with_the_reason_until_it_is_renewed() {
    let mut bench = Bench::new();
    let first = bench.simple(1, "knowledge");
    assert_eq!(bench.step(&first, Code::Yank).0, Outcome::Pass);
    let yank = Release {
        yank_reason: Some(SafeText::new("leaks a token")),
        ..at_sequence(release(&identity(1), "knowledge", "1.0.0"), 2)
    };
    let yank = bench.seen(yank, 1, NOW);
    for withdrawn in [&first, &yank] {
        let (outcome, text, _) = bench.step(withdrawn, Code::Yank);
        assert_eq!((outcome, text.as_str()), (Outcome::Block, "its publisher withdrew it: leaks a token"));
    }
    assert!(matches!(bench.assess(&first).refusal("x"), Some(MarketError::NotFound { .. })));
    bench.seen(at_sequence(release(&identity(1), "knowledge", "1.0.0"), 3), 1, NOW);
    assert_eq!(bench.step(&first, Code::Yank).0, Outcome::Pass);
}

#[test]
fn gaps_in_the_chain_are_noted() {
    let mut bench = Bench::new();
    let first = bench.simple(1, "knowledge");
    let (outcome, text, _) = bench.step(&first, Code::Chain);
    assert_eq!(outcome, Outcome::Pass);
    assert!(text.contains("release 1") && text.contains("the last that is known"), "{text}");
    let next = Release { sequence: 2, previous: Some(first.id()), ..release(&identity(1), "knowledge", "1.1.0") };
    let next = bench.seen(next, 1, NOW);
    let (outcome, text, _) = bench.step(&next, Code::Chain);
    assert!(outcome == Outcome::Pass && text.contains("the one it names"), "{text}");
    assert!(bench.step(&first, Code::Chain).1.contains("one came after it"));
    let far =
        Release { sequence: 9, previous: Some(ReleaseId([7; 32])), ..release(&identity(1), "knowledge", "2.0.0") };
    let far = bench.seen(far, 1, NOW);
    let (outcome, text, _) = bench.step(&far, Code::Chain);
    assert!(outcome == Outcome::Note && text.contains("not known here"), "{text}");
}

/// A publisher dates its release as it likes: what counts is when it came here.
#[test]
fn a_backdated_release_cools_down_all_the_same() {
    let mut bench = Bench::new();
    bench.ground.cooldown = DAY;
    let seen = bench.ground.now - DAY / 4;
    let signed = bench.seen(release(&identity(1), "knowledge", "1.0.0"), 1, seen);
    assert!(bench.ground.now - signed.release().published_at > 9 * DAY, "signed long ago");
    let (outcome, text, hint) = bench.step(&signed, Code::FirstSeen);
    assert_eq!(outcome, Outcome::Block);
    let when = crate::market::when::time(seen + DAY);
    assert!(text.contains("in 18h") && text.contains(&when), "{text}");
    assert!(hint.contains("security.install_cooldown"));
    assert!(matches!(bench.assess(&signed).refusal("x"), Some(MarketError::Refused { .. })));

    // To come again is not to be new: neither older nor younger.
    bench.db.accept(&signed, bench.ground.now).expect("accept");
    assert_eq!(bench.step(&signed, Code::FirstSeen).1, text);
    bench.ground.now = seen + DAY - 1;
    assert_eq!(bench.step(&signed, Code::FirstSeen).0, Outcome::Block);
    bench.ground.now = seen + DAY;
    assert_eq!(bench.step(&signed, Code::FirstSeen).0, Outcome::Pass);
}

#[test]
fn own_and_installed_packages_need_not_cool_down_and_unknown_ones_do() {
    let mut bench = Bench::new();
    bench.ground.cooldown = 100 * DAY;
    let signed = bench.simple(1, "knowledge");
    assert_eq!(bench.step(&signed, Code::FirstSeen).0, Outcome::Block);
    bench.install(&signed);
    let (outcome, text, _) = bench.step(&signed, Code::FirstSeen);
    assert!(outcome == Outcome::Pass && text.contains("installed already"), "{text}");
    let own = bench.simple(2, "elsewhere");
    bench.ground.own = Some(identity(2).public());
    assert_eq!(bench.step(&own, Code::FirstSeen).0, Outcome::Pass);
    let unseen = sign(release(&identity(3), "another", "1.0.0"), &identity(3));
    let (outcome, text, _) = bench.step(&unseen, Code::FirstSeen);
    assert!(outcome == Outcome::Block && text.contains("just now"), "{text}");
}

#[test]
fn names_like_those_of_the_user_warn() {
    let mut bench = Bench::new();
    let mine = bench.simple(1, "knowledge-graph-cli");
    bench.install(&mine);
    let squat = bench.simple(2, "knowledge_graph-cIi".to_lowercase().as_str());
    let (outcome, text, hint) = bench.step(&squat, Code::LookAlike);
    assert_eq!(outcome, Outcome::Warn, "{text}");
    assert!(text.contains("looks like 'knowledge-graph-cli' (installed here, by another key)"), "{text}");
    assert!(hint.contains("knowledge-graph-cli"));
    let same_key = bench.simple(1, "knowledge-graph-cli-js");
    assert_eq!(bench.step(&same_key, Code::LookAlike).0, Outcome::Pass);
    let other = bench.simple(2, "weather-report");
    assert_eq!(bench.step(&other, Code::LookAlike).0, Outcome::Pass);
    // What was taken before is known.
    bench.install(&squat);
    assert_eq!(bench.step(&squat, Code::LookAlike).0, Outcome::Pass);

    let mut bench = Bench::new();
    bench.simple(1, "my-own-package");
    bench.ground.own = Some(identity(1).public());
    let squat = bench.simple(2, "my-own-pakcage");
    assert!(bench.step(&squat, Code::LookAlike).1.contains("'my-own-package' (published by you)"));
}

#[test]
fn names_like_well_known_ones_warn_and_like_older_ones_are_noted() {
    let mut bench = Bench::new();
    for version in 0..5 {
        let one = release(&identity(1), "knowledge", &format!("1.{version}.0"));
        bench.seen(at_sequence(one, version + 1), 1, NOW + 5 * DAY);
    }
    // Known better counts, whichever came first here: a node that is new sees all at once.
    let squat = bench.simple(2, "knowlegde");
    let (outcome, text, _) = bench.step(&squat, Code::LookAlike);
    assert_eq!(outcome, Outcome::Warn);
    assert!(text.contains("one slip away from 'knowledge' (known better: 5 releases by another key)"), "{text}");
    let known = bench.db.versions(&name("knowledge"), None).expect("versions");
    let (outcome, text, _) = bench.step(&known[0], Code::LookAlike);
    assert_eq!(outcome, Outcome::Note, "not the other way round: {text}");

    let older = bench.simple(3, "weather-report");
    let later = bench.seen(release(&identity(4), "weather.report", "1.0.0"), 4, NOW + DAY);
    assert_eq!(bench.step(&later, Code::LookAlike).0, Outcome::Note);
    assert_eq!(bench.step(&older, Code::LookAlike).0, Outcome::Pass);
}

#[test]
fn a_key_that_the_pinned_one_named_in_its_place_is_taken_and_noted() {
    let mut bench = Bench::new();
    let first = bench.simple(1, "knowledge");
    bench.install(&first);
    let second = bench.seen(release(&identity(2), "knowledge", "2.0.0"), 2, NOW);
    assert_eq!(bench.step(&second, Code::Publisher).0, Outcome::Block);
    assert!(bench.assess(&second).key_change.is_some());
    let rotation = KeyStatement::rotate("ggen", &identity(1), &identity(2), NOW).expect("sign");
    bench.db.accept_key_statement(&rotation, NOW).expect("accept");
    let (outcome, text, _) = bench.step(&second, Code::Publisher);
    assert_eq!(outcome, Outcome::Note);
    assert!(
        text.contains("signed its name over") && text.contains(&print_of(1)) && text.contains(&print_of(2)),
        "{text}"
    );
    assert!(bench.assess(&second).key_change.is_none());
    let (outcome, text, _) = bench.step(&first, Code::Revocation);
    assert!(outcome == Outcome::Note && text.contains(&print_of(2)), "{text}");
    settle(&mut bench.db, &name("knowledge"), identity(2).public(), NOW + DAY).expect("settle");
    let pin = bench.db.pin_of(&name("knowledge")).expect("pin").expect("pinned");
    assert_eq!((pin.publisher, pin.since, pin.origin), (identity(2).public(), NOW + DAY, PinOrigin::Rotated));
    assert!(bench.step(&second, Code::Publisher).1.contains("when the key before signed it over"));
}

#[test]
fn what_was_installed_by_the_pinned_key_changes_no_pin_and_another_key_is_noted_as_accepted() {
    let mut bench = Bench::new();
    let first = bench.simple(1, "knowledge");
    bench.install(&first);
    let before = bench.db.pins().expect("pins");
    settle(&mut bench.db, &name("knowledge"), identity(1).public(), NOW + 2 * DAY).expect("settle");
    assert_eq!(bench.db.pins().expect("pins"), before);
    settle(&mut bench.db, &name("knowledge"), identity(2).public(), NOW + 2 * DAY).expect("settle");
    assert_eq!(bench.db.pins().expect("pins")[0].origin, PinOrigin::Accepted);
}

#[test]
fn a_revoked_key_blocks_with_the_reason() {
    let mut bench = Bench::new();
    let signed = bench.simple(1, "knowledge");
    bench.install(&signed);
    assert_eq!(bench.step(&signed, Code::Revocation).0, Outcome::Pass);
    let revoked = KeyStatement::revoke("ggen", &identity(1), None, "the laptop was stolen", NOW).expect("sign");
    bench.db.accept_key_statement(&revoked, NOW).expect("accept");
    let (outcome, text, hint) = bench.step(&signed, Code::Revocation);
    assert_eq!(outcome, Outcome::Block);
    assert!(text.contains("the laptop was stolen") && text.contains(&day(NOW)) && !hint.is_empty(), "{text}");
}

#[test]
fn the_head_tells_what_is_newer_held_back_or_not_known() {
    let mut bench = Bench::new();
    let first = bench.simple(1, "knowledge");
    let (outcome, text, _) = bench.step(&first, Code::Head);
    assert!(outcome == Outcome::Note && text.contains("cannot be told"), "{text}");

    let chained = |version: &str, sequence, previous: &VerifiedRelease| {
        let next = Release { sequence, previous: Some(previous.id()), ..release(&identity(1), "knowledge", version) };
        sign(next, &identity(1))
    };
    let second = chained("2.0.0", 2, &first);
    let head_of =
        |versions: &[VerifiedRelease], at| Head::of(versions, at).expect("head").sign(&identity(1)).expect("sign");
    bench.db.accept_head(&head_of(std::slice::from_ref(&first), NOW)).expect("accept");
    assert_eq!(bench.step(&first, Code::Head).0, Outcome::Pass);

    bench.db.accept_head(&head_of(&[first.clone(), second.clone()], NOW + DAY)).expect("accept");
    let (outcome, text, hint) = bench.step(&first, Code::Head);
    assert_eq!(outcome, Outcome::Warn);
    assert!(text.contains("2.0.0, which this node has not seen") && hint.contains("other peers"), "{text}");

    bench.db.accept(&second, NOW).expect("accept");
    let (outcome, text, _) = bench.step(&first, Code::Head);
    assert!(outcome == Outcome::Note && text.contains("a newer one: 2.0.0"), "{text}");
    assert_eq!(bench.step(&second, Code::Head).0, Outcome::Pass);

    bench.ground.now = NOW + 60 * DAY;
    let (outcome, text, _) = bench.step(&second, Code::Head);
    assert!(outcome == Outcome::Note && text.contains("expired on"), "{text}");
}

#[test]
fn a_publisher_whose_heads_contradict_each_other_is_warned_of() {
    let mut bench = Bench::new();
    let first = bench.simple(1, "knowledge");
    let head = Head::of(std::slice::from_ref(&first), NOW).expect("head");
    let mut other = head.clone();
    other.versions[0].package.0 = [9; 32];
    other.signed_at += DAY;
    for head in [head, other] {
        bench.db.accept_head(&head.sign(&identity(1)).expect("sign")).expect("accept");
    }
    let (outcome, text, hint) = bench.step(&first, Code::Head);
    assert_eq!(outcome, Outcome::Warn, "{text}");
    assert!(text.contains("contradicts another one that it signed") && hint.contains("two hands"), "{text}");
    assert!(bench.assess(&first).refusal("knowledge 1.0.0").is_none(), "a warning stops no install");
}

/// That a version was withdrawn can be known before the reason is.
#[test]
fn a_version_that_the_head_says_is_withdrawn_blocks() {
    let mut bench = Bench::new();
    let first = bench.simple(1, "knowledge");
    let yank = Release {
        sequence: 2,
        previous: Some(first.id()),
        yank_reason: Some(SafeText::new("broken")),
        ..release(&identity(1), "knowledge", "1.0.0")
    };
    let yank = sign(yank, &identity(1));
    let head = Head::of(&[yank], NOW).expect("head").sign(&identity(1)).expect("sign");
    bench.db.accept_head(&head).expect("accept");
    let (outcome, text, _) = bench.step(&first, Code::Head);
    assert!(outcome == Outcome::Block && text.contains("withdrawn"), "{text}");
}

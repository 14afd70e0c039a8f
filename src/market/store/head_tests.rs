//! Which heads are believed, and what they show.

use super::*;
use crate::config::Home;
use crate::market::head::{HEAD_VALIDITY, HeadVersion};
use crate::market::testing::{NOW, at_sequence, identity, name, release, sign};
use crate::market::{Head, KeyStatement, Release, ReleaseId, VerifiedHead};

const DAY: u64 = 24 * 60 * 60;

fn open() -> (tempfile::TempDir, Db) {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = Db::open(&Home::new(dir.path())).expect("open");
    (dir, db)
}

/// Three versions of `tool`, one after another.
fn chain() -> Vec<VerifiedRelease> {
    let version =
        |version: &str, sequence| sign(at_sequence(release(&identity(1), "tool", version), sequence), &identity(1));
    vec![version("1.0.0", 1), version("1.1.0", 2), version("2.0.0", 3)]
}

fn accept(db: &mut Db, releases: &[VerifiedRelease]) {
    for accepted in db.accept_all(releases, NOW).expect("accept") {
        assert_eq!(accepted, Accepted::New);
    }
}

fn head_of(releases: &[VerifiedRelease], now: u64) -> Head {
    Head::of(releases, now).expect("head")
}

fn signed(head: Head) -> VerifiedHead {
    head.sign(&identity(1)).expect("sign")
}

fn fault(db: &mut Db, head: Head) -> String {
    match db.accept_head(&signed(head)).expect("accept") {
        HeadAccepted::Refused(fault) => fault.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

fn heads(db: &Db) -> u32 {
    db.conn.query_row("SELECT count(*) FROM heads", [], |row| row.get(0)).expect("count")
}

fn standing(db: &mut Db, now: u64) -> HeadStanding {
    db.head_standing(identity(1).public(), &name("tool"), now).expect("standing").expect("a head")
}

#[test]
fn a_head_shows_the_versions_that_are_held_back() {
    let (_dir, mut db) = open();
    let chain = chain();
    accept(&mut db, &chain[..1]);
    assert_eq!(db.head_standing(identity(1).public(), &name("tool"), NOW).expect("standing"), None);
    let head = signed(head_of(&chain, NOW));
    assert_eq!(db.accept_head(&head).expect("accept"), HeadAccepted::New);
    assert_eq!(db.accept_head(&head).expect("accept"), HeadAccepted::Known);
    let unseen: Vec<_> = standing(&mut db, NOW).unseen.iter().map(|listed| listed.version.to_string()).collect();
    assert_eq!(unseen, ["2.0.0", "1.1.0"]);
    accept(&mut db, &chain[1..]);
    let now_known = standing(&mut db, NOW);
    assert!(now_known.unseen.is_empty() && !now_known.expired && !now_known.equivocated);
    assert_eq!((now_known.newest, now_known.total, now_known.sequence), (Some("2.0.0".parse().unwrap()), 3, 3));
    assert_eq!(db.head(identity(1).public(), &name("tool")).expect("head"), Some(head));
}

#[test]
fn a_head_of_nothing_known_is_not_kept() {
    let (_dir, mut db) = open();
    assert!(fault(&mut db, head_of(&chain(), NOW)).contains("no release of the package is known"));
    assert_eq!(heads(&db), 0);
}

#[test]
fn rollback_behind_the_catalogue_or_behind_the_last_head_is_refused() {
    let (_dir, mut db) = open();
    let chain = chain();
    accept(&mut db, &chain[..2]);
    assert_eq!(
        fault(&mut db, head_of(&chain[..1], NOW + 5)),
        "rollback: it has sequence number 1, and 2 was seen already"
    );
    assert_eq!(db.accept_head(&signed(head_of(&chain, NOW + 5))).expect("accept"), HeadAccepted::New);
    // The catalogue has not seen the third release yet; the older head is refused all the same.
    assert_eq!(fault(&mut db, head_of(&chain[..2], NOW)), "rollback: it has sequence number 2, and 3 was seen already");
}

#[test]
fn a_frozen_head_expires_and_shows_it() {
    let (_dir, mut db) = open();
    let chain = chain();
    accept(&mut db, &chain);
    db.accept_head(&signed(head_of(&chain, NOW))).expect("accept");
    assert!(!standing(&mut db, NOW + HEAD_VALIDITY - 1).expired);
    assert!(standing(&mut db, NOW + HEAD_VALIDITY).expired);
    // Its publisher signs it anew; the older one brings nothing back.
    assert_eq!(db.accept_head(&signed(head_of(&chain, NOW + DAY))).expect("accept"), HeadAccepted::New);
    assert_eq!(db.accept_head(&signed(head_of(&chain, NOW))).expect("accept"), HeadAccepted::Known);
    assert!(!standing(&mut db, NOW + HEAD_VALIDITY).expired);
}

#[test]
fn fast_forward_does_not_silence_a_package() {
    let (_dir, mut db) = open();
    let chain = chain();
    accept(&mut db, &chain);
    db.accept_head(&signed(head_of(&chain, NOW))).expect("accept");
    let far = Head { sequence: NOW + 5, last: ReleaseId([8; 32]), total: 9, ..head_of(&chain, NOW + 5) };
    let beyond_time = Head { sequence: NOW + 6, ..far.clone() };
    assert!(beyond_time.sign(&identity(1)).expect_err("no such number").to_string().contains("its sequence number"));
    assert_eq!(db.accept_head(&signed(far.clone())).expect("accept"), HeadAccepted::New);
    // What its publisher signs later is taken, and the far one cannot come back.
    assert_eq!(db.accept_head(&signed(head_of(&chain, NOW + DAY))).expect("accept"), HeadAccepted::New);
    assert_eq!(standing(&mut db, NOW + DAY).sequence, 3);
    assert_eq!(fault(&mut db, far), format!("rollback: it has sequence number {}, and 3 was seen already", NOW + 5));
    let next = at_sequence(release(&identity(1), "tool", "2.1.0"), 4);
    accept(&mut db, &[sign(next, &identity(1))]);
}

#[test]
fn two_heads_with_one_number_show_a_publisher_that_contradicts_itself() {
    let (_dir, mut db) = open();
    let chain = chain();
    accept(&mut db, &chain[..1]);
    db.accept_head(&signed(head_of(&chain, NOW))).expect("accept");
    let mut other = head_of(&chain, NOW + 5);
    other.versions[0].yanked = true;
    assert!(
        fault(&mut db, other)
            .starts_with("equivocation: its publisher signed two different heads with sequence number 3")
    );
    assert!(standing(&mut db, NOW).equivocated);
    assert_eq!(standing(&mut db, NOW).newest, Some("2.0.0".parse().unwrap()), "the first one stays");
}

#[test]
fn heads_that_do_not_go_with_the_releases_are_refused() {
    let (_dir, mut db) = open();
    let chain = chain();
    let yank = Release { yank_reason: Some("broken".into()), ..chain[0].release().clone() };
    let yank = sign(at_sequence(yank, 4), &identity(1));
    let foreign = sign(release(&identity(1), "other", "1.0.0"), &identity(1));
    accept(&mut db, &chain);
    accept(&mut db, &[yank.clone(), foreign.clone()]);
    let honest = head_of(&[yank.clone(), chain[1].clone(), chain[2].clone()], NOW);
    let with = |change: &dyn Fn(&mut Head)| {
        let mut head = honest.clone();
        change(&mut head);
        head
    };
    let at = |head: &mut Head, version: &str| -> usize {
        head.versions.iter().position(|listed| listed.version.to_string() == version).expect("listed")
    };
    let refused = [
        (with(&|head| head.last = chain[2].id()), "its last release is tool 2.0.0 with sequence number 3"),
        (with(&|head| (head.last, head.total) = (foreign.id(), 4)), "its last release is other 1.0.0"),
        (
            with(&|head| {
                head.last = ReleaseId([8; 32]);
                head.versions[0].release = ReleaseId([8; 32]);
            }),
            "another release than its last one has the sequence number 4",
        ),
        (
            with(&|head| head.versions[0].release = foreign.id()),
            "the release it lists for 2.0.0 is another one: other 1.0.0",
        ),
        (with(&|head| head.versions[0].package.0 = [9; 32]), "the release it lists for 2.0.0 is another one"),
        (
            with(&|head| {
                head.versions.remove(0);
                head.total = 2;
            }),
            "it leaves out version 2.0.0, which is known here",
        ),
        (
            with(&|head| {
                head.sequence = 5;
                head.last = ReleaseId([8; 32]);
                head.total = 4;
                let at = at(head, "1.0.0");
                head.versions[at] = HeadVersion { release: chain[0].id(), yanked: false, ..head.versions[at].clone() };
            }),
            "it goes behind the last word on version 1.0.0",
        ),
        (
            with(&|head| {
                head.sequence = 5;
                head.last = ReleaseId([8; 32]);
                head.versions[0] = HeadVersion {
                    release: head.last,
                    package: crate::market::PackageId([9; 32]),
                    ..head.versions[0].clone()
                };
            }),
            "it lists version 2.0.0 with other bytes than its release",
        ),
    ];
    for (head, why) in refused {
        let said = fault(&mut db, head);
        assert!(said.starts_with("mix-and-match") && said.contains(why), "{said}\nwanted: {why}");
    }
    assert_eq!(db.accept_head(&signed(honest)).expect("accept"), HeadAccepted::New);
}

#[test]
fn heads_of_a_revoked_key_are_refused() {
    let (_dir, mut db) = open();
    let chain = chain();
    accept(&mut db, &chain);
    let revocation = KeyStatement::revoke("ggen", &identity(1), None, "stolen", NOW).expect("sign");
    db.accept_key_statement(&revocation, NOW).expect("accept");
    assert_eq!(fault(&mut db, head_of(&chain, NOW)), "its publisher's key was revoked");
}

#[test]
fn a_publisher_learns_which_heads_to_sign() {
    let (_dir, mut db) = open();
    let chain = chain();
    accept(&mut db, &chain[..2]);
    let due = |db: &mut Db, until| db.heads_due(identity(1).public(), until).expect("due");
    assert_eq!(due(&mut db, NOW), [name("tool")], "there is none");
    db.accept_head(&signed(head_of(&chain[..2], NOW))).expect("accept");
    assert_eq!(due(&mut db, NOW + DAY), []);
    assert_eq!(due(&mut db, NOW + HEAD_VALIDITY), [name("tool")], "it expires");
    accept(&mut db, &chain[2..]);
    assert_eq!(due(&mut db, NOW), [name("tool")], "there is a newer release");
    assert_eq!(due(&mut db, NOW + DAY).len(), 1);
    assert_eq!(db.heads_due(identity(2).public(), u64::MAX).expect("due"), []);
}

#[test]
fn the_head_goes_with_the_last_release_of_a_package() {
    let (_dir, mut db) = open();
    let chain = chain();
    accept(&mut db, &chain);
    db.accept_head(&signed(head_of(&chain, NOW))).expect("accept");
    assert_eq!(db.drop_expired(NOW * 2, identity(9).public()).expect("drop"), 3);
    assert_eq!(heads(&db), 0);
}

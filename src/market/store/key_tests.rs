//! What rotations and revocations do to the catalogue.

use super::*;
use crate::config::Home;
use crate::market::testing::{NOW, at_sequence, identity, name, release, sign};
use crate::market::{Identity, KeyStatement, PublisherKey, Release, VerifiedKeyStatement};

fn open() -> (tempfile::TempDir, Db) {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = Db::open(&Home::new(dir.path())).expect("open");
    (dir, db)
}

fn key(seed: u8) -> PublisherKey {
    identity(seed).public()
}

fn rotation(from: u8, to: u8, at: u64) -> VerifiedKeyStatement {
    KeyStatement::rotate("ggen", &identity(from), &identity(to), at).expect("sign")
}

fn revocation(of: u8, successor: Option<u8>, at: u64) -> VerifiedKeyStatement {
    KeyStatement::revoke("ggen", &identity(of), successor.map(key), "stolen", at).expect("sign")
}

fn accept(db: &mut Db, statement: &VerifiedKeyStatement) -> KeyAccepted {
    db.accept_key_statement(statement, NOW).expect("accept")
}

fn successor(db: &mut Db, of: u8) -> Option<PublisherKey> {
    db.successor(key(of)).expect("successor")
}

fn published(by: u8, version: &str, sequence: u64, at: u64) -> VerifiedRelease {
    let unsigned = Release { published_at: at, ..at_sequence(release(&identity(by), "tool", version), sequence) };
    sign(unsigned, &identity(by))
}

#[test]
fn rotations_are_followed_to_the_last_key() {
    let (_dir, mut db) = open();
    assert_eq!(successor(&mut db, 1), None);
    // Whichever comes first.
    assert_eq!(accept(&mut db, &rotation(2, 3, NOW)), KeyAccepted::New);
    assert_eq!(accept(&mut db, &rotation(1, 2, NOW)), KeyAccepted::New);
    assert_eq!(accept(&mut db, &rotation(1, 2, NOW)), KeyAccepted::Known);
    assert_eq!(
        (successor(&mut db, 1), successor(&mut db, 2), successor(&mut db, 3)),
        (Some(key(3)), Some(key(3)), None)
    );
}

#[test]
fn a_key_with_two_successors_has_none() {
    let (_dir, mut db) = open();
    accept(&mut db, &rotation(1, 2, NOW));
    assert_eq!(accept(&mut db, &rotation(1, 3, NOW)), KeyAccepted::New);
    assert_eq!(successor(&mut db, 1), None);
    assert_eq!(accept(&mut db, &rotation(1, 4, NOW)), KeyAccepted::Refused(KeyFault::TooMany));
    assert_eq!(db.key_statements(key(1)).expect("statements").len(), 2);
}

#[test]
fn a_circle_of_rotations_is_not_followed() {
    let (_dir, mut db) = open();
    for (from, to) in [(1, 2), (2, 3), (3, 1)] {
        accept(&mut db, &rotation(from, to, NOW));
    }
    assert_eq!((successor(&mut db, 1), successor(&mut db, 2)), (None, None));
}

#[test]
fn a_long_chain_is_followed_so_far_only() {
    let (_dir, mut db) = open();
    for from in 1..40 {
        accept(&mut db, &rotation(from, from + 1, NOW));
    }
    assert_eq!(successor(&mut db, 1), None);
    assert_eq!(successor(&mut db, 30), Some(key(40)));
}

#[test]
fn said_twice_every_node_keeps_the_same() {
    let (early, late) = (rotation(1, 2, NOW), rotation(1, 2, NOW + 5));
    let mut kept = Vec::new();
    for order in [[&early, &late], [&late, &early]] {
        let (_dir, mut db) = open();
        for statement in order {
            accept(&mut db, statement);
        }
        kept.push(db.sync_items().expect("items"));
    }
    assert_eq!(kept[0], kept[1]);
    assert_eq!(kept[0], [(NOW, early.id())]);
}

#[test]
fn nothing_new_of_a_revoked_key_is_taken_and_what_was_there_stays() {
    let (_dir, mut db) = open();
    let (before, after) = (published(1, "1.0.0", 1, NOW), published(1, "1.1.0", 2, NOW - 500));
    db.accept(&before, NOW).expect("accept");
    assert_eq!(db.revocation(key(1)).expect("revocation"), None);
    accept(&mut db, &revocation(1, None, NOW));
    let revoked = db.revocation(key(1)).expect("revocation").expect("revoked");
    assert_eq!((revoked.reason.as_str(), revoked.signed_at, revoked.first_seen), ("stolen", NOW, NOW));
    assert_eq!(db.accept(&after, NOW).expect("accept"), Accepted::Retired);
    assert_eq!(db.accept(&before, NOW).expect("accept"), Accepted::Known);
    assert_eq!(db.versions(&name("tool"), None).expect("versions").len(), 1);
    // It is not passed on: no other node would take it.
    let items = db.sync_items().expect("items");
    assert_eq!(items, [(NOW, revocation(1, None, NOW).id())]);
}

#[test]
fn a_replaced_key_may_withdraw_but_not_publish() {
    let (_dir, mut db) = open();
    let (before, late) = (published(1, "1.0.0", 1, NOW - 10), published(1, "1.1.0", 2, NOW + 10));
    accept(&mut db, &rotation(1, 2, NOW));
    assert_eq!(db.accept(&before, NOW).expect("accept"), Accepted::New, "history still arrives");
    assert_eq!(db.accept(&late, NOW).expect("accept"), Accepted::Retired);
    let yank = Release { yank_reason: Some("broken".into()), ..published(1, "1.0.0", 2, NOW + 10).release().clone() };
    let yank = sign(yank, &identity(1));
    assert_eq!(db.accept(&yank, NOW).expect("accept"), Accepted::New);
    assert_eq!(db.sync_items().expect("items").len(), 3);
    assert_eq!(db.accept(&published(2, "1.1.0", 1, NOW + 10), NOW).expect("accept"), Accepted::New);
}

#[test]
fn after_a_revocation_a_successor_counts_only_when_it_is_repeated() {
    let (_dir, mut db) = open();
    accept(&mut db, &rotation(1, 2, NOW));
    accept(&mut db, &revocation(1, None, NOW));
    assert_eq!(successor(&mut db, 1), None, "a thief could have named it");
    let (_dir, mut db) = open();
    accept(&mut db, &rotation(1, 2, NOW));
    accept(&mut db, &revocation(1, Some(2), NOW));
    assert_eq!(successor(&mut db, 1), Some(key(2)));
    let (_dir, mut db) = open();
    accept(&mut db, &revocation(1, Some(2), NOW));
    assert_eq!(successor(&mut db, 1), None, "the second key has not agreed");
}

#[test]
fn strangers_cannot_fill_the_store_with_statements() {
    let (_dir, mut db) = open();
    db.accept(&published(1, "1.0.0", 1, NOW), NOW).expect("accept");
    // The rows alone count; signing so many would take long.
    db.conn
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16384)
             INSERT INTO key_statements SELECT randomblob(32), randomblob(32), 2, x'', i, i, x'00' FROM n",
        )
        .expect("fill");
    assert_eq!(accept(&mut db, &revocation(7, None, NOW)), KeyAccepted::Refused(KeyFault::Stranger));
    assert_eq!(accept(&mut db, &rotation(1, 8, NOW)), KeyAccepted::New);
    assert_eq!(accept(&mut db, &rotation(8, 9, NOW)), KeyAccepted::New, "named by a known one");
}

#[test]
fn statements_survive_a_restart_and_are_found_by_id() {
    let dir = tempfile::tempdir().expect("temp dir");
    let home = Home::new(dir.path());
    let statement = rotation(1, 2, NOW);
    accept(&mut Db::open(&home).expect("open"), &statement);
    let mut db = Db::open(&home).expect("reopen");
    assert_eq!(db.key_statement(statement.id()).expect("read"), Some(statement));
    assert_eq!(db.successor(Identity::from_secret([1; 32]).public()).expect("successor"), Some(key(2)));
}

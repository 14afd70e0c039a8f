//! What is found damaged is put right, or goes.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::market::head::Head;
use crate::market::merkle::BlobHasher;
use crate::market::testing::{NOW, at_sequence, identity, installed, name, note_install, release, search, sign};
use crate::market::{Release, ReleaseId};

fn open() -> (TempDir, Db) {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut db = Db::open(&Home::new(dir.path().join("home"))).expect("open");
    for sequence in 1..=2 {
        let version = format!("1.{sequence}.0");
        let first = release(&identity(1), "hello", &version);
        db.accept(&sign(at_sequence(first, sequence), &identity(1)), NOW).expect("accept");
    }
    db.accept(&sign(release(&identity(2), "other", "1.0.0"), &identity(2)), NOW).expect("accept");
    let versions = db.versions(&name("hello"), None).expect("versions");
    let head = Head::of(&versions, NOW).expect("a head").sign(&identity(1)).expect("sign");
    db.accept_head(&head).expect("accept");
    (dir, db)
}

fn newest(db: &mut Db, query: &str) -> Vec<String> {
    let found = search(db, query, 10);
    found.iter().map(|hit| hit.release.release().version.to_string()).collect()
}

#[test]
fn every_column_is_written_anew_from_the_envelope() {
    for wrong in [
        "package = 2",
        "package = 9",
        "version = '1.3.0'",
        "version = 'x'",
        "sequence = 9",
        "yank = 1",
        "package_id = zeroblob(32)",
        "published_at = 1",
        "expires_at = 1",
        "id = zeroblob(32)",
        "id = x'01'",
    ] {
        let (_dir, mut db) = open();
        let before = db.recent(10).expect("recent");
        db.conn.execute(&format!("UPDATE releases SET {wrong} WHERE version = '1.2.0'"), []).expect("damage");
        assert!(db.mend().expect("mend") > 0, "{wrong}");
        assert_eq!(db.mend().expect("again"), 0, "{wrong}");
        assert_eq!(db.recent(10).expect("recent"), before, "{wrong}");
        assert_eq!(newest(&mut db, "hello"), ["1.2.0"], "{wrong}");
        assert_eq!(db.counts().expect("counts").packages, 2, "{wrong}");
    }
}

#[test]
fn what_nobody_signed_goes() {
    let (_dir, mut db) = open();
    let damage = "UPDATE releases SET envelope = CAST(substr(envelope, 1, length(envelope) - 1) || x'00' AS BLOB) WHERE version = '1.2.0'";
    db.conn.execute(damage, []).expect("damage");
    assert!(db.mend().expect("mend") > 0);
    assert_eq!(newest(&mut db, "hello"), ["1.1.0"]);
    assert_eq!(db.mend().expect("again"), 0);
}

#[test]
fn the_index_is_made_anew_where_it_differs() {
    for wrong in [
        "UPDATE packages SET newest = (SELECT newest FROM packages WHERE name = 'other') WHERE name = 'hello'",
        "UPDATE packages SET newest = NULL WHERE name = 'hello'",
        "UPDATE packages SET name = 'hellp' WHERE name = 'hello'",
        "UPDATE packages SET publisher = x'00' WHERE name = 'hello'",
        "DELETE FROM packages WHERE name = 'hello'",
        "DELETE FROM search_docs WHERE name = 'hello'",
        "UPDATE search_docs SET release = 1 WHERE name = 'hello'",
        "UPDATE packages SET doc = NULL WHERE name = 'hello'",
        "UPDATE totals SET packages = 7",
        "DELETE FROM totals",
    ] {
        let (_dir, mut db) = open();
        db.conn.execute(wrong, []).expect("damage");
        assert!(db.mend().expect("mend") > 0, "{wrong}");
        assert_eq!(newest(&mut db, "hello"), ["1.2.0"], "{wrong}");
        assert_eq!((db.mend().expect("again"), db.counts().expect("counts").packages), (0, 2), "{wrong}");
    }
}

#[test]
fn heads_are_compared_with_what_was_signed() {
    let (_dir, mut db) = open();
    let head = |db: &mut Db| db.head(identity(1).public(), &name("hello")).expect("head");
    let before = head(&mut db).expect("there is one");
    for wrong in ["sequence = 7", "expires_at = 1", "name = 'hellp'"] {
        db.conn.execute(&format!("UPDATE heads SET {wrong}"), []).expect("damage");
        assert_eq!(db.mend().expect("mend"), 1, "{wrong}");
        assert_eq!(head(&mut db).as_ref(), Some(&before), "{wrong}");
    }
    db.conn.execute("UPDATE heads SET envelope = x'00'", []).expect("damage");
    assert_eq!((db.mend().expect("mend"), head(&mut db)), (1, None));
}

#[tokio::test]
async fn the_thread_puts_right_what_a_job_came_upon() {
    let (dir, db) = open();
    db.conn.execute("UPDATE releases SET version = 'x' WHERE version = '1.2.0'", []).expect("damage");
    db.conn.execute("UPDATE packages SET newest = NULL", []).expect("damage");
    drop(db);
    // Opening puts a small catalogue right itself: damaged while it is open.
    let store = Store::open(&Home::new(dir.path().join("home"))).expect("open");
    let damaged = store.run(|db| {
        db.conn.execute("UPDATE releases SET id = x'01' WHERE sequence = 2", [])?;
        db.recent(10)
    });
    let error = damaged.await.expect_err("damaged");
    assert!(error.to_string().contains("damaged") && error.hint().is_some(), "{error}");
    assert_eq!(store.run(|db| db.recent(10)).await.expect("put right").len(), 3);
}

#[test]
fn notes_that_cannot_be_are_put_right_from_the_catalogue_or_go() {
    let (_dir, mut db) = open();
    let known = db.versions(&name("hello"), None).expect("versions")[0].release().clone();
    let entry = installed(&known);
    for (wrong, mended) in [
        ("UPDATE installs SET version = '9.9.9'", 1),
        ("UPDATE installs SET version = 'x'", 1),
        ("UPDATE installs SET publisher = x'00'", 1),
        ("UPDATE pins SET origin = 'x'", 1),
        ("UPDATE pins SET publisher = x'00'", 1),
        ("UPDATE peers SET addrs = 'x'", 1),
        ("UPDATE peers SET conduct = 'x'", 1),
        ("UPDATE peers SET conduct = '{\"good\":null}'", 1),
        ("UPDATE installs SET installed_at = 1", 0),
    ] {
        note_install(&mut db, &entry);
        db.save_peer(&PeerRecord { peer_id: "p".into(), ..PeerRecord::default() }).expect("peer");
        db.conn.execute(wrong, []).expect("damage");
        assert_eq!(db.mend().expect("mend"), mended, "{wrong}");
        let installed = db.installed().expect("installed");
        assert_eq!((&installed[0].version, installed[0].publisher), (&entry.version, entry.publisher), "{wrong}");
        db.pinned(&entry.name).expect("pin");
        db.peers().expect("peers");
    }
}

/// Stores a blob of these bytes with a release of it.
fn stored(db: &mut Db, seed: u8, of: &str, version: &str, sequence: u64, bytes: &[u8]) -> PackageId {
    let mut hasher = BlobHasher::default();
    hasher.update(bytes);
    let digest = hasher.finish();
    let id = PackageId(digest.sha256);
    let mut file = tempfile::NamedTempFile::new_in(db.incoming_dir()).expect("temp file");
    std::io::Write::write_all(&mut file, bytes).expect("write");
    db.store_blob(file, BlobInfo { package_id: id, size: digest.size, leaves: digest.leaves }).expect("store");
    let signed = Release { package_id: id, ..at_sequence(release(&identity(seed), of, version), sequence) };
    db.accept(&sign(signed, &identity(seed)), NOW).expect("accept");
    id
}

#[test]
fn a_torn_blob_goes_into_quarantine_and_a_wrong_row_is_put_right() {
    let (dir, mut db) = open();
    let home = Home::new(dir.path().join("home"));
    let [short, torn, noted, lost] = [1, 2, 3, 4].map(|n| stored(&mut db, 3, &format!("p{n}"), "1.0.0", 1, &[n; 999]));
    let path = |db: &Db, id| db.blob_path(id);
    fs::write(path(&db, short), [1; 998]).expect("cut short");
    fs::write(path(&db, torn), [9; 999]).expect("torn");
    db.conn.execute("UPDATE blobs SET size = 998 WHERE package_id = ?1", [noted.0]).expect("damage");
    db.conn.execute("DELETE FROM blobs WHERE package_id = ?1", [lost.0]).expect("damage");
    drop(db);
    let mut db = Db::open(&home).expect("open");
    assert!(db.blob(short).expect("blob").is_none() && !path(&db, short).exists());
    assert_eq!(db.repairs().len(), 1, "{:?}", db.repairs());
    for id in [noted, lost] {
        assert_eq!(db.blob(id).expect("blob").expect("held").size, 999);
    }
    // Of the right size, so that only reading it shows.
    assert!(db.blob(torn).expect("blob").is_some() && !db.is_vetted(torn));
    let found = digest(&path(&db, torn)).expect("read");
    assert_eq!(db.judge_blob(torn, found).expect("judge"), Condition::Torn);
    assert!(db.blob(torn).expect("blob").is_none());
    let quarantine = crate::market::testing::tree(&home.root().join("p2p-cache/quarantine"));
    assert_eq!(quarantine.len(), 2, "{quarantine:?}");
}

#[test]
fn the_cache_keeps_to_its_quota_and_never_gives_up_what_is_bound() {
    let (_dir, mut db) = open();
    let own = stored(&mut db, 1, "own", "1.0.0", 1, &[1; 1000]);
    let installed_id = stored(&mut db, 2, "installed", "1.0.0", 1, &[2; 1000]);
    let old = stored(&mut db, 2, "many", "1.0.0", 1, &[3; 1000]);
    let new = stored(&mut db, 2, "many", "1.1.0", 2, &[4; 1000]);
    let unused = stored(&mut db, 2, "unused", "1.0.0", 1, &[5; 1000]);
    let used = stored(&mut db, 2, "used", "1.0.0", 1, &[6; 1000]);
    let bound = Release { package_id: installed_id, ..release(&identity(2), "installed", "1.0.0") };
    note_install(&mut db, &installed(&bound));
    let set = "UPDATE blobs SET used_at = ?2 WHERE package_id = ?1";
    for (id, at) in [(own, 1), (installed_id, 2), (unused, 3), (new, 4), (used, 5)] {
        db.conn.execute(set, rusqlite::params![id.0, at]).expect("set");
    }
    let rules = |quota| CacheRules { quota, keep_versions: 1, own: vec![identity(1).public()] };
    assert_eq!(db.cache_use(&rules(0)).expect("use"), CacheUse { used: 6000, bound: 2000 });
    // Beyond keep_versions: goes though there is room.
    let collected = db.collect_garbage(&rules(10_000), 0).expect("collect");
    assert_eq!((collected.removed, collected.freed), (vec![old], 1000));
    db.touch_blob(unused).expect("touch");
    // Room for one more: the least recently used goes, which is no longer the one just touched.
    let collected = db.collect_garbage(&rules(5000), 1000).expect("collect");
    assert_eq!(collected.removed, [new]);
    assert!(!db.blob_path(new).exists());
    let collected = db.collect_garbage(&rules(10), 0).expect("collect");
    assert_eq!((collected.removed.len(), collected.now), (2, CacheUse { used: 2000, bound: 2000 }));
    assert_eq!(db.blob_ids().expect("ids").len(), 2);
}

#[test]
fn a_release_seen_at_an_impossible_time_counts_as_seen_now() {
    let (_dir, mut db) = open();
    let id: ReleaseId = db.recent(1).expect("recent")[0].id();
    db.conn.execute("UPDATE releases SET first_seen = 1 << 60", []).expect("damage");
    db.mend().expect("mend");
    assert!(db.first_seen(id).expect("read").is_some_and(|seen| seen < 1 << 40));
}

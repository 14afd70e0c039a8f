//! Notes of installs: those of older programs, and damaged ones.

use std::fs;

use rusqlite::Connection;
use tempfile::TempDir;

use super::publish_tests::prepare;
use super::*;
use crate::market::install::{self, Basis, Contents, Inventory, ProblemKind, Purpose};
use crate::market::testing::{NOW, identity, installed, name, note_install, release, write_tree};

/// A home in which `app`, which needs `lib`, is published and installed.
fn with_app() -> (TempDir, Home, Installed) {
    let (dir, source) = (tempfile::tempdir().expect("temp dir"), tempfile::tempdir().expect("temp dir"));
    let home = Home::new(dir.path().join("home"));
    let manifest = "[package]\nname = \"app\"\nversion = \"1.0.0\"\ndependencies = [\"lib@^1.0\"]\n";
    write_tree(source.path(), &[("package.toml", manifest), ("a.txt", "text")]);
    let store = Store::open(&home).expect("open");
    let signed = store.run_blocking(move |db| {
        let (packed, signed) = prepare(source.path(), &db.incoming_dir(), 1);
        db.store_published(packed, &signed, NOW)?;
        Ok((db.blob_path(signed.release().package_id), signed))
    });
    let (path, signed) = signed.expect("publish");
    let contents = Contents::Archive { path: &path, release: &signed };
    let placed = install::put(&store, &contents, Purpose::asked(None), &home.packs_dir(), NOW).expect("put");
    futures::executor::block_on(store.close());
    assert_eq!(placed.entry.dependencies.len(), 1);
    (dir, home, placed.entry)
}

#[test]
fn installs_of_an_older_program_keep_what_can_be_known_of_them() {
    let (_dir, home, entry) = with_app();
    let conn = Connection::open(home.database_file()).expect("open");
    conn.execute_batch(super::intake_tests::VERSION_8).expect("the older releases");
    for column in ["reason", "requirement", "source", "dependencies", "inventory"] {
        conn.execute_batch(&format!("ALTER TABLE installs DROP COLUMN {column}")).expect(column);
    }
    // What this migration and those behind it brought.
    for table in ["install_intents", "removal_intents", "installed_files", "central_copies"] {
        conn.execute_batch(&format!("DROP TABLE {table}")).expect(table);
    }
    conn.execute_batch(
        "DROP INDEX releases_by_time; DROP INDEX key_statements_by_time; ALTER TABLE releases DROP COLUMN retired;
         CREATE INDEX releases_by_time ON releases (published_at, id);",
    )
    .expect("the index of before");
    conn.pragma_update(None, "user_version", 5).expect("pragma");
    drop(conn);
    let store = Store::open(&home).expect("open");
    let (noted, repairs) = store.run_blocking(|db| Ok((db.installed()?, db.repairs().to_vec()))).expect("read");
    assert_eq!((noted, repairs), (vec![entry.clone()], Vec::new()));
    // There is no inventory, but the archive.
    let packs = home.packs_dir();
    let said = install::verify(&store, &packs, &entry.name).expect("verify");
    assert!(said.is_sound() && said.basis == Basis::Archive, "{said:?}");
    fs::write(packs.join("app/a.txt"), "texd").expect("damage");
    let said = install::verify(&store, &packs, &entry.name).expect("verify");
    assert_eq!((said.problems.len(), said.problems[0].kind), (1, ProblemKind::Changed));
    assert!(!install::is_intact(&store, &packs, &entry).expect("verify"));
    store.run_blocking(move |db| db.remove_blob(entry.package_id)).expect("remove");
    assert_eq!(install::verify(&store, &packs, &name("app")).expect("verify").basis, Basis::Unknown);
}

#[test]
fn damaged_notes_of_installs_are_put_right_or_go() {
    let (_dir, home, entry) = with_app();
    let mut db = Db::open(&home).expect("open");
    let conn = |db: &Db, sql: &str| db.conn.execute(sql, []).expect("damage");
    for (wrong, mended, left) in [
        ("UPDATE installs SET reason = 'bsked'", 1, Some(entry.clone())),
        ("UPDATE installs SET requirement = '^x'", 1, Some(entry.clone())),
        ("UPDATE installs SET dependencies = '['", 1, Some(entry.clone())),
        ("UPDATE installs SET name = 'APP'", 4, None),
    ] {
        assert_eq!(conn(&db, wrong), 1, "{wrong}");
        assert_eq!(db.mend().expect("mend"), mended, "{wrong}");
        assert_eq!(db.installed().expect("installed"), left.into_iter().collect::<Vec<_>>(), "{wrong}");
    }
    assert_eq!(conn(&db, "DELETE FROM installed_files"), 0, "files of nobody are gone");
    // Intents that cannot be are none.
    let other = installed(&release(&identity(2), "other", "1.0.0"));
    db.intend_install(&other, &Inventory::default()).expect("intent");
    conn(&db, "UPDATE install_intents SET version = 'x'");
    conn(&db, "INSERT INTO removal_intents VALUES ('..')");
    assert_eq!(db.mend().expect("mend"), 2);
    assert_eq!(db.install_intents().expect("intents"), []);
    assert_eq!(db.removal_intents().expect("intents"), []);
}

#[test]
fn what_is_asked_for_later_is_noted() {
    let (_dir, home, entry) = with_app();
    let mut db = Db::open(&home).expect("open");
    note_install(&mut db, &Installed { reason: Reason::Needed, ..entry.clone() });
    let requirement: semver::VersionReq = "^1".parse().expect("requirement");
    assert!(db.note_asked(&entry.name, Some(&requirement)).expect("note"));
    assert!(!db.note_asked(&name("nothing"), None).expect("note"));
    let noted = db.installed_as(&entry.name).expect("read").expect("installed");
    assert_eq!((noted.reason, noted.requirement), (Reason::Asked, Some(requirement)));
}

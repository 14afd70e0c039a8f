use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::config::Home;
use crate::market::head::Head;
use crate::market::store::PeerRecord;
use crate::market::testing::{NOW, at_sequence, identity, installed, name, note_install, release, search, sign};
use crate::market::{Db, Release, SafeText};

const PACKAGES: usize = 60;

/// A closed database with releases, a pin, an install and a peer.
fn filled() -> (TempDir, Home, PathBuf) {
    let dir = tempfile::tempdir().expect("temp dir");
    let home = Home::new(dir.path().join("home"));
    let mut db = Db::open(&home).expect("open");
    fill(&mut db);
    drop(db);
    let file = home.database_file();
    (dir, home, file)
}

fn fill(db: &mut Db) {
    let text = "a description of some length, so that a few of them fill a page ".repeat(3);
    for number in 0..PACKAGES {
        for sequence in 1..=2 {
            let first = release(&identity(1), &format!("package-{number}"), &format!("1.{sequence}.0"));
            let release = Release { description: SafeText::new(&text), ..at_sequence(first, sequence) };
            db.accept(&sign(release, &identity(1)), NOW + number as u64).expect("accept");
        }
    }
    let versions = db.versions(&name("package-1"), None).expect("versions");
    let head = Head::of(&versions, NOW).expect("a head").sign(&identity(1)).expect("sign");
    db.accept_head(&head).expect("head");
    note_install(db, &installed(&release(&identity(1), "package-1", "1.0.0")));
    let peer = PeerRecord { peer_id: "peer".into(), failures: 9, banned_until: u64::MAX, ..PeerRecord::default() };
    db.save_peer(&peer).expect("peer");
}

fn asides(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.p2p_dir()).expect("list").map(|entry| entry.expect("entry").path());
    let mut asides: Vec<_> = entries.filter(|path| path.to_string_lossy().contains(".damaged-")).collect();
    asides.sort();
    asides
}

fn overwrite(file: &Path, from: usize, bytes: &[u8]) {
    let mut content = fs::read(file).expect("read");
    content[from..from + bytes.len()].copy_from_slice(bytes);
    fs::write(file, content).expect("write");
}

#[test]
fn everything_is_taken_over_from_a_file_whose_header_is_gone() {
    let (_dir, home, file) = filled();
    overwrite(&file, 0, &[0; 100]);
    let mut db = Db::open(&home).expect("opens all the same");
    assert!(db.repairs()[0].contains("nothing was lost"), "{:?}", db.repairs());
    assert_eq!(db.counts().expect("counts").releases, 2 * PACKAGES as u64);
    assert_eq!(db.counts().expect("counts").packages, PACKAGES as u64);
    let found = search(&mut db, "package-7", 1).pop().expect("found");
    assert_eq!((found.release.release().version.to_string().as_str(), found.first_seen), ("1.2.0", NOW + 7));
    assert!(db.head(identity(1).public(), &name("package-1")).expect("head").is_some());
    assert_eq!(db.installed().expect("installed").len(), 1);
    assert_eq!(db.pinned(&name("package-1")).expect("pin"), Some(identity(1).public()));
    assert_eq!(db.peers().expect("peers")[0].banned_until, u64::MAX);
    assert_eq!(asides(&home).len(), 1);
}

#[test]
fn releases_are_found_where_no_table_leads_to_them() {
    let (_dir, home, file) = filled();
    let root: u32 = {
        let conn = Connection::open(&file).expect("open");
        conn.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'releases'", [], |row| row.get(0))
            .expect("root")
    };
    overwrite(&file, (root as usize - 1) * 4096, &[0xaa; 4096]);
    let mut db = Db::open(&home).expect("opens all the same");
    assert_eq!(db.counts().expect("counts").releases, 2 * PACKAGES as u64);
    assert!(!db.repairs()[0].contains("nothing was lost"), "{:?}", db.repairs());
}

#[test]
fn what_is_only_in_the_log_is_taken_over_too() {
    let dir = tempfile::tempdir().expect("temp dir");
    let (home, crashed) = (Home::new(dir.path().join("home")), Home::new(dir.path().join("crashed")));
    let mut db = Db::open(&home).expect("open");
    fill(&mut db);
    fs::create_dir_all(crashed.p2p_dir()).expect("directory");
    for end in ["", "-wal"] {
        fs::copy(beside(&home.database_file(), end), beside(&crashed.database_file(), end)).expect("copy");
    }
    drop(db);
    overwrite(&crashed.database_file(), 0, &[0; 16]);
    let mut db = Db::open(&crashed).expect("opens all the same");
    assert_eq!(db.counts().expect("counts").releases, 2 * PACKAGES as u64);
    assert_eq!(db.installed().expect("installed").len(), 1);
}

#[test]
fn a_crash_in_the_middle_of_a_rescue_is_made_good() {
    let (_dir, home, file) = filled();
    let fresh = beside(&file, ".new");
    // The new one was not finished.
    fs::write(&fresh, b"half").expect("write");
    assert_eq!(Db::open(&home).expect("open").counts().expect("counts").releases, 2 * PACKAGES as u64);
    assert!(!fresh.exists());
    // It was, and the damaged one had gone.
    fs::rename(&file, &fresh).expect("rename");
    fs::write(beside(&file, "-wal"), b"of the damaged one").expect("write");
    assert_eq!(Db::open(&home).expect("open").counts().expect("counts").releases, 2 * PACKAGES as u64);
    assert!(!fresh.exists() && asides(&home).len() == 1);
}

#[test]
fn only_the_last_damaged_files_are_kept() {
    let (_dir, home, file) = filled();
    for _ in 0..4 {
        overwrite(&file, 0, &[0; 16]);
        Db::open(&home).expect("open");
    }
    assert_eq!(asides(&home).len(), KEPT);
}

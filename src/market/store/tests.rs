use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::config::Home;
use crate::market::error::MarketErrorKind;
use crate::market::merkle::{BlobHasher, leaf_count};
use crate::market::testing::{NOW, at_sequence, identity, installed, name, note_install, release, search, sign};
use crate::market::{Release, ReleaseId};

fn open() -> (TempDir, Db) {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = Db::open(&Home::new(dir.path().join("home"))).expect("open");
    (dir, db)
}

fn reopen(dir: &TempDir) -> Db {
    Db::open(&Home::new(dir.path().join("home"))).expect("reopen")
}

fn add(db: &mut Db, release: Release, seed: u8) -> VerifiedRelease {
    let signed = sign(release, &identity(seed));
    assert_eq!(db.accept(&signed, NOW).expect("accept"), Accepted::New);
    signed
}

fn found(db: &mut Db, query: &str) -> Vec<String> {
    let found = search(db, query, 50);
    found.iter().map(|f| format!("{} {}", f.release.release().name, f.release.release().version)).collect()
}

#[test]
fn accepting_is_idempotent_and_survives_reopening() {
    let (dir, mut db) = open();
    let signed = add(&mut db, release(&identity(1), "hello", "1.0.0"), 1);
    assert_eq!(db.accept(&signed, NOW + 5).expect("again"), Accepted::Known);
    drop(db);
    let mut db = reopen(&dir);
    assert_eq!(db.release(signed.id()).expect("read"), Some(signed.clone()));
    assert_eq!(db.release(ReleaseId([0; 32])).expect("read"), None);
    assert_eq!(db.first_seen(signed.id()).expect("read"), Some(NOW));
    assert_eq!(db.recent(10).expect("recent"), vec![signed.clone()]);
    assert_eq!(db.sync_items().expect("items"), vec![(NOW, signed.id())]);
    assert_eq!(db.last_of(identity(1).public(), &name("hello")).expect("last"), Some((1, signed.id())));
    assert_eq!(db.counts().expect("counts"), Counts { packages: 1, releases: 1, ..Counts::default() });
}

#[test]
fn contradictions_are_kept_out() {
    let (_dir, mut db) = open();
    let first = release(&identity(1), "hello", "1.0.0");
    add(&mut db, first.clone(), 1);
    let same_sequence = release(&identity(1), "hello", "2.0.0");
    let changed_content = Release { package_id: PackageId([5; 32]), ..at_sequence(first.clone(), 2) };
    for rival in [same_sequence, changed_content] {
        let rival = sign(rival, &identity(1));
        assert_eq!(db.accept(&rival, NOW).expect("accept"), Accepted::Conflict);
        assert_eq!(db.release(rival.id()).expect("read"), None);
    }
    let renewed = sign(at_sequence(first, 2), &identity(1));
    let of_another_publisher = sign(release(&identity(2), "hello", "1.0.0"), &identity(2));
    let accepted = db.accept_all(&[renewed.clone(), of_another_publisher, renewed], NOW).expect("accept");
    assert_eq!(accepted, [Accepted::New, Accepted::New, Accepted::Known]);
    assert_eq!(db.counts().expect("counts").packages, 2);
}

#[test]
fn versions_come_highest_first_whatever_the_order_of_arrival() {
    let (_dir, mut db) = open();
    for (sequence, version) in [(2, "1.10.0"), (1, "1.9.0"), (4, "2.0.0-rc.1"), (3, "0.1.0")] {
        add(&mut db, at_sequence(release(&identity(1), "hello", version), sequence), 1);
    }
    let versions = db.versions(&name("hello"), None).expect("versions");
    let versions: Vec<_> = versions.iter().map(|v| v.release().version.to_string()).collect();
    assert_eq!(versions, ["2.0.0-rc.1", "1.10.0", "1.9.0", "0.1.0"]);
    assert_eq!(found(&mut db, "hello"), ["hello 1.10.0"], "no pre-release while there is another");
    assert_eq!(db.versions(&name("hello"), Some(identity(2).public())).expect("versions"), []);
}

#[test]
fn a_yank_withdraws_its_version_and_can_be_taken_back() {
    let (_dir, mut db) = open();
    let old = release(&identity(1), "hello", "1.0.0");
    let new = at_sequence(release(&identity(1), "hello", "1.1.0"), 2);
    let yank = Release { yank_reason: Some("broken".into()), ..at_sequence(new.clone(), 3) };
    add(&mut db, old, 1);
    add(&mut db, new.clone(), 1);
    add(&mut db, yank, 1);
    assert_eq!(found(&mut db, "hello"), ["hello 1.0.0"]);
    let versions = db.versions(&name("hello"), None).expect("versions");
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[0].release().yank_reason.as_deref(), Some("broken"));
    assert_eq!(versions[1].release().yank_reason, None);
    add(&mut db, at_sequence(new, 4), 1);
    assert_eq!(found(&mut db, "hello"), ["hello 1.1.0"]);
}

#[test]
fn a_yank_that_arrives_first_holds() {
    let (_dir, mut db) = open();
    let first = release(&identity(1), "hello", "1.0.0");
    add(&mut db, Release { yank_reason: Some("broken".into()), ..at_sequence(first.clone(), 2) }, 1);
    assert_eq!(found(&mut db, "hello"), Vec::<String>::new());
    add(&mut db, first, 1);
    assert_eq!(found(&mut db, "hello"), Vec::<String>::new());
    assert_eq!(found(&mut db, ""), Vec::<String>::new());
}

#[test]
fn search_ranks_exact_name_then_prefix_then_text() {
    let (_dir, mut db) = open();
    let with =
        |name, description: &str| Release { description: description.into(), ..release(&identity(1), name, "1.0.0") };
    add(&mut db, with("toolbox", "knowledge knowledge knowledge"), 1);
    add(&mut db, with("knowledge-graph-cli", "graphs"), 1);
    add(&mut db, with("knowledge", "short"), 1);
    add(&mut db, Release { tags: vec!["knowledge".into()], ..with("tagged", "") }, 1);
    let order = found(&mut db, "knowledge");
    assert_eq!(order[..2], ["knowledge 1.0.0", "knowledge-graph-cli 1.0.0"]);
    assert_eq!(order.len(), 4);
    let scores: Vec<f64> = search(&mut db, "knowledge", 50).iter().map(|f| f.score).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
}

#[test]
fn search_requires_all_words_and_completes_the_last() {
    let (_dir, mut db) = open();
    let described = |name, text: &str| Release { description: text.into(), ..release(&identity(1), name, "1.0.0") };
    add(&mut db, described("rest-api", "A REST server für Größe"), 1);
    add(&mut db, described("graph-api", "A graph server"), 1);
    assert_eq!(found(&mut db, "server gra"), ["graph-api 1.0.0"]);
    assert_eq!(found(&mut db, "SERVER re"), ["rest-api 1.0.0"]);
    assert_eq!(found(&mut db, "rest-a"), ["rest-api 1.0.0"]);
    assert_eq!(found(&mut db, "große"), ["rest-api 1.0.0"], "accents do not matter");
    assert_eq!(found(&mut db, "fur grosse"), Vec::<String>::new());
    assert_eq!(found(&mut db, "fur groß"), ["rest-api 1.0.0"]);
    assert_eq!(found(&mut db, "gra server"), Vec::<String>::new(), "only the last word is a prefix");
    assert_eq!(found(&mut db, "!!!"), Vec::<String>::new());
    assert_eq!(found(&mut db, " ").len(), 2);
}

#[test]
fn search_says_what_this_node_has() {
    let (_dir, mut db) = open();
    let mut file = tempfile::NamedTempFile::new_in(db.incoming_dir()).expect("temp file");
    let blob = blob_of(&mut file, b"archive");
    let signed = add(&mut db, Release { package_id: blob.package_id, ..release(&identity(1), "hello", "2.0.0") }, 1);
    assert!(!search(&mut db, "hello", 1)[0].have_blob);
    db.store_blob(file, blob).expect("store");
    let entry = Installed { version: "1.0.0".parse().expect("version"), ..installed(signed.release()) };
    note_install(&mut db, &entry);
    let found = search(&mut db, "hello", 1);
    assert!(found[0].have_blob);
    assert_eq!(found[0].installed, Some(entry.version));
    assert_eq!(found[0].first_seen, NOW);
}

#[test]
fn expired_releases_go_but_own_ones_stay() {
    let (_dir, mut db) = open();
    add(&mut db, Release { expires_at: NOW + 10, ..release(&identity(1), "short", "1.0.0") }, 1);
    let next = at_sequence(release(&identity(1), "both", "2.0.0"), 2);
    add(&mut db, release(&identity(1), "both", "1.0.0"), 1);
    add(&mut db, Release { expires_at: NOW + 10, ..next }, 1);
    add(&mut db, Release { expires_at: NOW + 10, ..release(&identity(2), "mine", "1.0.0") }, 2);
    assert_eq!(db.drop_expired(NOW + 10, identity(2).public()).expect("drop"), 2);
    assert_eq!(found(&mut db, "short"), Vec::<String>::new());
    assert_eq!(found(&mut db, "both"), ["both 1.0.0"]);
    assert_eq!(found(&mut db, "mine"), ["mine 1.0.0"]);
    assert_eq!(db.counts().expect("counts").packages, 2);
}

fn blob_of(file: &mut tempfile::NamedTempFile, bytes: &[u8]) -> BlobInfo {
    file.write_all(bytes).expect("write");
    let mut hasher = BlobHasher::default();
    hasher.update(bytes);
    let digest = hasher.finish();
    BlobInfo { package_id: PackageId(digest.sha256), size: digest.size, leaves: digest.leaves }
}

#[test]
fn blobs_are_kept_across_reopening_and_removed() {
    let (dir, mut db) = open();
    let mut file = tempfile::NamedTempFile::new_in(db.incoming_dir()).expect("temp file");
    let blob = blob_of(&mut file, &vec![3; 300_000]);
    assert_eq!(blob.leaves.len() as u64, leaf_count(300_000));
    db.store_blob(file, blob.clone()).expect("store");
    drop(db);
    let mut db = reopen(&dir);
    assert_eq!(db.blob(blob.package_id).expect("blob"), Some(blob.clone()));
    assert_eq!(db.blob_ids().expect("ids"), [blob.package_id]);
    let path = db.blob_path(blob.package_id);
    assert!(path.ends_with(format!("{:.2}/{0}", blob.package_id)));
    assert_eq!(fs::metadata(&path).expect("stat").permissions().mode() & 0o077, 0);
    assert_eq!(db.counts().expect("counts").blob_bytes, 300_000);
    db.remove_blob(blob.package_id).expect("remove");
    db.remove_blob(blob.package_id).expect("remove again");
    assert!(!path.exists());
    assert_eq!(db.blob(blob.package_id).expect("blob"), None);
}

#[test]
fn a_blob_whose_file_was_deleted_is_forgotten() {
    let (dir, mut db) = open();
    let mut file = tempfile::NamedTempFile::new_in(db.incoming_dir()).expect("temp file");
    let blob = blob_of(&mut file, b"x");
    db.store_blob(file, blob.clone()).expect("store");
    fs::remove_file(db.blob_path(blob.package_id)).expect("remove");
    drop(db);
    assert_eq!(reopen(&dir).blob_ids().expect("ids"), []);
}

#[test]
fn files_without_a_row_are_removed_by_whoever_opens_the_store_alone() {
    let (dir, db) = open();
    let folder = db.blob_path(PackageId([0xab; 32])).parent().expect("folder").to_path_buf();
    fs::create_dir_all(&folder).expect("folder");
    // Blobs without a row, and what a crash left of a download.
    let leftovers = [folder.join("x"), folder.join("ab".repeat(32)), db.incoming_dir().join("x")];
    for leftover in &leftovers {
        fs::write(leftover, b"x").expect("write");
    }
    // Somebody else has it open: it may be theirs.
    drop(reopen(&dir));
    assert!(leftovers.iter().all(|leftover| leftover.exists()));
    drop(db);
    reopen(&dir);
    assert!(!leftovers.iter().any(|leftover| leftover.exists()));
}

#[test]
fn a_blob_of_another_size_is_refused() {
    let (_dir, mut db) = open();
    let mut file = tempfile::NamedTempFile::new_in(db.incoming_dir()).expect("temp file");
    let blob = BlobInfo { size: 2, ..blob_of(&mut file, b"x") };
    let error = db.store_blob(file, blob).expect_err("wrong size");
    assert_eq!(error.kind(), MarketErrorKind::Verification);
    assert_eq!(db.blob_ids().expect("ids"), []);
}

#[test]
fn installs_pin_the_first_key() {
    let (_dir, mut db) = open();
    let first = sign(release(&identity(1), "hello", "1.0.0"), &identity(1));
    let other = sign(release(&identity(2), "hello", "3.0.0"), &identity(2));
    let hello = name("hello");
    assert_eq!(db.pinned(&hello).expect("pin"), None);
    note_install(&mut db, &installed(first.release()));
    assert_eq!(db.pin_of(&hello).expect("pin").map(|pin| pin.origin), Some(PinOrigin::Installed));
    note_install(&mut db, &installed(other.release()));
    assert_eq!(db.installed().expect("list"), [installed(other.release())]);
    // Whether it may was asked before.
    assert_eq!(db.pinned(&hello).expect("pin"), Some(identity(2).public()));
    note_install(&mut db, &installed(first.release()));
    db.intend_removal(&hello).expect("intent");
    db.conclude_removal(&hello).expect("forget");
    assert_eq!((db.installed().expect("list"), db.removal_intents().expect("intents")), (Vec::new(), Vec::new()));
    assert_eq!(db.pinned(&hello).expect("pin"), Some(identity(1).public()));
    let since = installed(first.release()).installed_at;
    let (publisher, name) = (identity(1).public(), hello.clone());
    assert_eq!(db.pins().expect("pins"), [Pin { name, publisher, since, origin: PinOrigin::Accepted }]);
    let accepted =
        Pin { name: hello.clone(), publisher: identity(2).public(), since: since + 1, origin: PinOrigin::Accepted };
    db.pin(&accepted).expect("pin");
    assert_eq!(db.pin_of(&hello).expect("pin"), Some(accepted));
    assert!(db.unpin(&hello).expect("unpin") && !db.unpin(&hello).expect("unpin"));
    assert_eq!(db.pins().expect("pins"), []);
}

#[test]
fn peers_round_trip_and_are_bounded() {
    let (_dir, mut db) = open();
    let banned = PeerRecord {
        peer_id: "banned".into(),
        addrs: vec!["/ip4/127.0.0.1/tcp/1".into(); 9],
        agent: "agent".into(),
        successes: 3,
        failures: 4,
        last_seen: 1,
        banned_until: u64::MAX,
        ban_reason: "bad leaf".into(),
        proven: true,
        conduct: PeerConduct {
            good: 2.5,
            failed: PeerFailures { lies: 1, ..PeerFailures::default() },
            latency_ms: Some(0.25),
            network: "2001:db8::".parse().ok(),
            history: vec![PeerEvent { at: 7, times: 2, text: "- lied".into() }],
            ..PeerConduct::default()
        },
    };
    db.save_peer(&banned).expect("save");
    let proven = PeerRecord { peer_id: "proven".into(), proven: true, last_seen: 2, ..PeerRecord::default() };
    db.save_peer(&proven).expect("save");
    let kept = PeerRecord { addrs: banned.addrs[..8].to_vec(), ..banned.clone() };
    assert_eq!(db.peers().expect("peers"), [proven, kept]);
    for i in 0..MAX_PEERS as u64 {
        db.save_peer(&PeerRecord { peer_id: format!("p{i}"), last_seen: 10 + i, ..PeerRecord::default() })
            .expect("save");
    }
    let peers = db.peers().expect("peers");
    assert_eq!(peers.len(), MAX_PEERS);
    assert_eq!(peers[0].peer_id, format!("p{}", MAX_PEERS - 1));
    assert!(peers.iter().any(|peer| peer.peer_id == "banned"));
    assert!(peers.iter().any(|peer| peer.peer_id == "proven"));
    assert!(!peers.iter().any(|peer| peer.peer_id == "p0"));
    for i in 0..MAX_PEERS as u64 {
        let liar = PeerRecord {
            peer_id: format!("liar{i}"),
            last_seen: 5000 + i,
            banned_until: 9000,
            ..PeerRecord::default()
        };
        db.save_peer(&liar).expect("save");
    }
    let peers = db.peers().expect("peers");
    assert_eq!(peers.iter().filter(|peer| peer.banned_until == 0).count(), MAX_PEERS / 2);
    assert!(peers.iter().any(|peer| peer.peer_id == "banned"));
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let (dir, db) = open();
    db.conn.pragma_update(None, "user_version", 99).expect("pragma");
    drop(db);
    let error = Db::open(&Home::new(dir.path().join("home"))).err().expect("newer");
    assert!(error.to_string().contains("market.db") && error.to_string().contains("99"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("newer")));
}

#[test]
fn a_file_that_is_no_database_is_put_aside() {
    let dir = tempfile::tempdir().expect("temp dir");
    let home = Home::new(dir.path().join("home"));
    fs::create_dir_all(home.p2p_dir()).expect("directory");
    fs::write(home.database_file(), vec![b'x'; 8192]).expect("write");
    let mut db = Db::open(&home).expect("a new one");
    assert_eq!(db.counts().expect("counts"), Counts::default());
    let said = db.repairs()[0].clone();
    let aside = said.rsplit(' ').next().expect("a path");
    assert_eq!(fs::read(aside).expect("read"), vec![b'x'; 8192], "{said}");
    let mode = fs::metadata(home.p2p_dir()).expect("stat").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn the_thread_answers_outlives_a_panic_and_serves_clones() {
    let dir = tempfile::tempdir().expect("temp dir");
    let store = Store::open(&Home::new(dir.path())).expect("open");
    let panicked = store.run(|_| -> Result<(), _> { panic!("on purpose") }).await;
    assert!(panicked.is_err());
    let signed = sign(release(&identity(1), "hello", "1.0.0"), &identity(1));
    let clone = store.clone();
    drop(store);
    assert_eq!(clone.run(move |db| db.accept(&signed, NOW)).await.expect("run"), Accepted::New);
    let counts = tokio::task::spawn_blocking(move || clone.run_blocking(Db::counts)).await.expect("join");
    assert_eq!(counts.expect("counts").releases, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_query_is_an_error(query in "\\PC{0,20}|[\"*^:()+{}a -]{0,20}|(AND|OR|NOT|NEAR| |a){0,8}") {
        let (_dir, mut db) = open();
        add(&mut db, release(&identity(1), "a", "1.0.0"), 1);
        search(&mut db, &query, 5);
    }
}

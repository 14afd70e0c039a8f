//! A batch comes to the same as its releases one by one, and an older database to the same as one that was filled anew.

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::market::search::{Nobody, Query};
use crate::market::testing::{NOW, at_sequence, identity, release, sign};
use crate::market::{KeyStatement, Release};

fn open() -> (TempDir, Db) {
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("temp dir");
    let db = Db::open(&Home::new(dir.path().join("home"))).expect("open");
    (dir, db)
}

const VERSIONS: [&str; 5] = ["0.1.0", "1.0.0", "1.1.0", "2.0.0-rc.1", "2.0.0"];

/// One of a few packages, in one of a few versions, at one of a few places of its chain.
fn some_release() -> impl Strategy<Value = VerifiedRelease> {
    let one = (1..3u8, 0..3usize, 0..VERSIONS.len(), 1..9u64, prop::bool::weighted(0.2), prop::bool::weighted(0.1));
    one.prop_map(|(who, name, version, sequence, yank, other)| {
        let name = ["graph", "graph-tools", "m0del"][name];
        let plain = at_sequence(release(&identity(who), name, VERSIONS[version]), sequence);
        let text = format!("version {version} tells of {}", if other { "something else" } else { "graphs" });
        sign(
            Release {
                description: text.as_str().into(),
                tags: vec![format!("tag {version}").as_str().into()],
                package_id: PackageId([version as u8 + 100 * u8::from(other); 32]),
                yank_reason: yank.then(|| "broken".into()),
                published_at: NOW + sequence,
                ..plain
            },
            &identity(who),
        )
    })
}

/// Everything that taking releases in writes, as text. Rows of the search without their keys, in their order.
fn content(db: &Db) -> Vec<String> {
    let rows = |sql: &str| {
        let mut query = db.conn.prepare(sql).expect("a statement");
        let columns = query.column_count();
        let rows = query.query_map([], |row| {
            let values = (0..columns).map(|at| Ok(format!("{:?}", row.get_ref(at)?)));
            Ok(values.collect::<Result<Vec<_>, rusqlite::Error>>()?.join(" | "))
        });
        rows.expect("rows").collect::<Result<Vec<_>, _>>().expect("rows")
    };
    let mut content = rows("SELECT * FROM releases ORDER BY key");
    content.extend(rows("SELECT key, publisher, name, newest, fold FROM packages ORDER BY key"));
    content.extend(rows("SELECT * FROM totals"));
    content.extend(rows(
        "SELECT p.key, d.package, d.release, d.published_at, d.yanked, d.name, d.words
         FROM search_docs d LEFT JOIN packages p ON p.doc = d.key ORDER BY d.key",
    ));
    content
}

fn answers(db: &mut Db) -> Vec<String> {
    let mut answers = Vec::new();
    for text in ["", "graph", "tells", "mod", "version 2", "something", "gra tag", "tag:\"tag 1\""] {
        let answer = db.search(&Query { facets: true, ..Query::parse(text) }.limit(50), &Nobody).expect("an answer");
        let hits: Vec<_> = answer.hits.iter().map(|hit| hit.release.id().to_string()).collect();
        let facets = answer.facets.expect("they were asked for");
        let facets = [facets.categories, facets.licences, facets.tags, facets.publishers].map(|mut values| {
            // Those of one count stand in the order in which they were first seen.
            values.sort_by_key(|facet| facet.value.to_string());
            values
        });
        answers.push(format!("{text}: {} {hits:?} {facets:?}", answer.total));
    }
    answers
}

fn is_sound(db: &mut Db) {
    assert_eq!(db.mend().expect("mend"), 0, "{:?}", db.repairs());
    assert!(scan::is_sound(&db.conn).expect("readable"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_comes_to_the_same_as_its_releases_one_by_one(
        releases in proptest::collection::vec(some_release(), 1..40),
        cuts in proptest::collection::vec(1..20usize, 1..4),
        revoked in prop::option::weighted(0.3, 0..40usize),
    ) {
        let ((_one, mut single), (_all, mut batched)) = (open(), open());
        let mut rest = releases.as_slice();
        for cut in cuts.into_iter().chain([releases.len()]) {
            let (batch, behind) = rest.split_at(cut.min(rest.len()));
            let one_by_one = batch.iter().map(|release| single.accept(release, NOW).expect("accept"));
            let one_by_one: Vec<_> = one_by_one.collect();
            prop_assert_eq!(batched.accept_all(batch, NOW).expect("accept"), one_by_one);
            prop_assert_eq!(content(&batched), content(&single));
            if revoked.is_some_and(|at| at < releases.len() - behind.len()) {
                let revocation = KeyStatement::revoke("ggen", &identity(1), None, "lost", NOW).expect("sign");
                for db in [&mut single, &mut batched] {
                    db.accept_key_statement(&revocation, NOW).expect("accept");
                }
            }
            rest = behind;
        }
        prop_assert_eq!(answers(&mut batched), answers(&mut single));
        is_sound(&mut single);
        is_sound(&mut batched);
    }
}

/// What schema 9 and those behind it brought, taken back.
pub(super) const VERSION_8: &str = "
    PRAGMA foreign_keys = OFF;
    CREATE TABLE old_releases (
        key INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, publisher BLOB NOT NULL, name TEXT NOT NULL,
        version TEXT NOT NULL, sequence INTEGER NOT NULL, yank INTEGER NOT NULL, package_id BLOB NOT NULL,
        published_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, first_seen INTEGER NOT NULL, envelope BLOB NOT NULL,
        retired INTEGER NOT NULL DEFAULT 0, UNIQUE (publisher, name, sequence)
    ) STRICT;
    INSERT INTO old_releases SELECT r.key, id, publisher, name, version, sequence, yank, package_id, published_at,
        expires_at, first_seen, envelope, retired FROM releases r JOIN packages p ON p.key = r.package;
    DROP TABLE releases;
    ALTER TABLE old_releases RENAME TO releases;
    CREATE INDEX releases_by_version ON releases (name, publisher, version);
    CREATE INDEX releases_by_time ON releases (published_at, id) WHERE retired = 0;
    CREATE INDEX releases_by_expiry ON releases (expires_at);
    CREATE INDEX releases_by_package ON releases (package_id);
    CREATE INDEX packages_by_newest ON packages (newest);
    DROP INDEX packages_by_publisher;
    DROP TABLE totals;
    ALTER TABLE peers DROP COLUMN conduct;
    ALTER TABLE peers DROP COLUMN proven;
    PRAGMA user_version = 8;
";

#[test]
fn a_database_whose_releases_named_their_packages_in_full_is_brought_up_to_date() {
    let (dir, mut db) = open();
    let versions = |name: &'static str| {
        (1..6u64).map(move |sequence| {
            let plain = at_sequence(release(&identity(1), name, VERSIONS[sequence as usize - 1]), sequence);
            sign(Release { package_id: PackageId([sequence as u8; 32]), ..plain }, &identity(1))
        })
    };
    let releases: Vec<_> = versions("graph").chain(versions("graph-tools")).collect();
    db.accept_all(&releases, NOW).expect("accept");
    let (before, found) = (content(&db), answers(&mut db));
    db.conn.execute_batch(VERSION_8).expect("the older tables");
    drop(db);
    let mut db = Db::open(&Home::new(dir.path().join("home"))).expect("brought up to date");
    assert_eq!(db.repairs(), &[] as &[String]);
    assert_eq!((content(&db), answers(&mut db)), (before, found));
    let free: u32 = db.conn.pragma_query_value(None, "freelist_count", |row| row.get(0)).expect("a number");
    assert_eq!(free, 0, "what the older table took is given back");
    is_sound(&mut db);
    assert_eq!(db.accept_all(&releases, NOW).expect("accept"), vec![Accepted::Known; releases.len()]);
}

#[test]
fn a_yank_and_taking_it_back_do_not_change_when_a_version_was_first_seen() {
    let (_dir, mut db) = open();
    let of = |sequence, yank: bool| {
        let yank_reason = yank.then(|| "broken".into());
        let plain = at_sequence(release(&identity(1), "graph", "1.0.0"), sequence);
        sign(Release { yank_reason, published_at: NOW + sequence, ..plain }, &identity(1))
    };
    let words = [of(1, false), of(2, true), of(3, false)];
    for (later, word) in words.iter().enumerate() {
        assert_eq!(db.accept(word, NOW + 10 * later as u64).expect("accept"), Accepted::New);
        assert_eq!(db.first_seen(word.id()).expect("read"), Some(NOW));
    }
    // Other bytes under its number were not seen before.
    let other = Release { package_id: PackageId([7; 32]), ..of(4, true).release().clone() };
    let other = sign(other, &identity(1));
    db.accept(&other, NOW + 50).expect("accept");
    assert_eq!(db.first_seen(other.id()).expect("read"), Some(NOW + 50));
}

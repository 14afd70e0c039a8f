//! A catalogue with a limit keeps the newest.

use std::collections::HashSet;

use rusqlite::params;

use super::catalogue::forget;
use super::convert::{self, to_u64};
use super::{Accepted, Db};
use crate::market::{MarketError, PublisherKey, ReleaseId, VerifiedRelease};

/// The oldest releases that may go: not the user's own (?2), nor what is installed.
const OLDEST: &str =
    "SELECT r.key, r.package, r.published_at, r.id FROM releases r JOIN packages p ON p.key = r.package
    WHERE r.retired = 0 AND p.publisher <> ?2
      AND NOT EXISTS (SELECT 1 FROM installs i WHERE i.name = p.name AND i.package_id = r.package_id)
    ORDER BY r.published_at, r.id LIMIT ?1";

/// A release that may make room.
struct Oldest {
    key: i64,
    package: i64,
    published_at: u64,
    id: ReleaseId,
}

impl Db {
    /// Takes releases in, as [`Db::accept_all`] does, into a catalogue of at most `limit` with the releases of `own`. Where it
    /// is full, the oldest make room; a release that is itself among the oldest is not kept, and becomes `None`.
    pub fn accept_newest(
        &mut self,
        releases: &[VerifiedRelease],
        now: u64,
        limit: u64,
        own: PublisherKey,
    ) -> Result<Vec<Option<Accepted>>, MarketError> {
        let horizon = self.horizon(limit, own)?;
        let is_kept = |release: &&VerifiedRelease| release.release().published_at >= horizon;
        let kept: Vec<_> = releases.iter().filter(is_kept).cloned().collect();
        let mut accepted = self.accept_all(&kept, now)?.into_iter();
        let gone = self.shrink(limit, own)?;
        let answers = releases.iter().map(|release| {
            let became = if is_kept(&release) { accepted.next() } else { None };
            became.filter(|_| !gone.contains(&release.id()))
        });
        Ok(answers.collect())
    }

    /// How many more releases a catalogue of `limit` has room for.
    pub fn room(&mut self, limit: u64) -> Result<u64, MarketError> {
        Ok(limit.saturating_sub(self.counts()?.releases))
    }

    /// Since when (Unix seconds) a catalogue of `limit` that is full has everything it was given; 0: always.
    pub fn horizon(&mut self, limit: u64, own: PublisherKey) -> Result<u64, MarketError> {
        if self.room(limit)? > 0 {
            return Ok(0);
        }
        Ok(self.oldest(1, own)?.first().map_or(0, |oldest| oldest.published_at))
    }

    fn oldest(&self, count: usize, own: PublisherKey) -> Result<Vec<Oldest>, MarketError> {
        let mut query = self.conn.prepare_cached(OLDEST)?;
        let rows = query.query_map(params![convert::limit(count), own.0], |row| {
            let (key, package) = (row.get(0)?, row.get(1)?);
            Ok(Oldest { key, package, published_at: to_u64(row.get(2)?), id: ReleaseId(row.get(3)?) })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Takes out the oldest of what is over `limit`, at most `most` of them, for a limit that was lowered. Returns how many went.
    pub fn trim(&mut self, limit: u64, own: PublisherKey, most: u64) -> Result<usize, MarketError> {
        Ok(self.shrink_by(limit, own, most)?.len())
    }

    /// Takes out the oldest of what is over `limit`.
    fn shrink(&mut self, limit: u64, own: PublisherKey) -> Result<HashSet<ReleaseId>, MarketError> {
        self.shrink_by(limit, own, u64::MAX)
    }

    fn shrink_by(&mut self, limit: u64, own: PublisherKey, most: u64) -> Result<HashSet<ReleaseId>, MarketError> {
        let over = self.counts()?.releases.saturating_sub(limit).min(most);
        if over == 0 {
            return Ok(HashSet::new());
        }
        let oldest = self.oldest(usize::try_from(over).unwrap_or(usize::MAX), own)?;
        let tx = self.conn.transaction()?;
        forget(&tx, &oldest.iter().map(|old| (old.key, old.package)).collect::<Vec<_>>())?;
        tx.commit()?;
        Ok(oldest.into_iter().map(|old| old.id).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Home;
    use crate::market::Release;
    use crate::market::testing::{NOW, identity, release, sign};

    const OWN: u8 = 9;

    fn published(key: u8, name: &str, at: u64) -> VerifiedRelease {
        sign(Release { published_at: at, ..release(&identity(key), name, "1.0.0") }, &identity(key))
    }

    fn own() -> PublisherKey {
        identity(OWN).public()
    }

    fn open() -> (tempfile::TempDir, Db) {
        let dir = tempfile::tempdir().expect("temp dir");
        let db = Db::open(&Home::new(dir.path().join("home"))).expect("open");
        (dir, db)
    }

    fn names(db: &mut Db) -> Vec<String> {
        db.recent(100).expect("recent").iter().map(|one| one.release().name.to_string()).collect()
    }

    #[test]
    fn newer_releases_take_the_place_of_the_oldest_and_older_ones_do_not() {
        let (_dir, mut db) = open();
        let first: Vec<_> = (0..4).map(|day| published(1, &format!("day-{day}"), NOW - 1000 + day * 10)).collect();
        assert!(db.accept_newest(&first, NOW, 4, own()).expect("accept").iter().all(|one| *one == Some(Accepted::New)));
        assert_eq!((db.room(4).expect("room"), db.horizon(4, own()).expect("horizon")), (0, NOW - 1000));
        assert_eq!(db.horizon(5, own()).expect("horizon"), 0);
        let (between, newest, oldest) =
            (published(2, "between", NOW - 985), published(2, "newest", NOW - 1), published(2, "oldest", NOW - 2000));
        let batch = [oldest, newest, first[3].clone(), between];
        let accepted = db.accept_newest(&batch, NOW, 4, own()).expect("accept");
        assert_eq!(accepted, [None, Some(Accepted::New), Some(Accepted::Known), Some(Accepted::New)]);
        assert_eq!(names(&mut db), ["newest", "day-3", "day-2", "between"]);
        assert_eq!(db.horizon(4, own()).expect("horizon"), NOW - 985);
    }

    #[test]
    fn with_room_for_some_the_newest_come_in() {
        let (_dir, mut db) = open();
        let batch: Vec<_> = (0..6).map(|day| published(1, &format!("day-{day}"), NOW - 1000 + day * 10)).collect();
        let accepted = db.accept_newest(&batch, NOW, 4, own()).expect("accept");
        assert_eq!(accepted.iter().filter(|one| one.is_none()).count(), 2);
        assert_eq!(names(&mut db), ["day-5", "day-4", "day-3", "day-2"]);
    }

    #[test]
    fn a_lower_limit_is_kept_to_step_by_step() {
        let (_dir, mut db) = open();
        let many: Vec<_> = (0..6).map(|day| published(1, &format!("day-{day}"), NOW - 1000 + day * 10)).collect();
        db.accept_all(&many, NOW).expect("accept");
        db.accept(&published(OWN, "own", NOW - 3000), NOW).expect("accept");
        let mut steps = || db.trim(3, own(), 3).expect("trim");
        assert_eq!([steps(), steps(), steps()], [3, 1, 0]);
        assert_eq!(names(&mut db), ["day-5", "day-4", "own"]);
    }

    #[test]
    fn the_users_own_releases_never_make_room() {
        let (_dir, mut db) = open();
        for at in [NOW - 3000, NOW - 2900] {
            db.accept(&published(OWN, &format!("own-{at}"), at), NOW).expect("accept");
        }
        let newer = [published(1, "newer", NOW - 10)];
        assert_eq!(db.accept_newest(&newer, NOW, 2, own()).expect("accept"), [None]);
        assert_eq!(db.counts().expect("counts").releases, 2);
    }
}

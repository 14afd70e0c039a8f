//! Merging the full-text index into one segment while nobody wants the database: searches look into each segment.

use std::time::Duration;

use super::{Accepted, Db};
use crate::market::MarketError;

/// How long the database has had nothing to do before a merge begins.
const LEISURE: Duration = Duration::from_secs(1);

/// Between two steps, so that whoever wants the database has its turn.
const PAUSE: Duration = Duration::from_millis(10);

/// Pages that one step writes: a few milliseconds.
const STEP: i64 = 16;

/// A merge writes the whole index anew: at least one page in so many has to be outside the largest segment.
const WORTHWHILE_PART: i64 = 8;

/// With fewer pages outside, there is nothing to be gained.
const WORTHWHILE_PAGES: i64 = 64;

/// How the full-text index is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Words {
    /// Nothing came since it was looked at.
    #[default]
    Settled,
    Changed,
    Merging,
}

impl Db {
    /// Notes what was taken in.
    pub(super) fn words_changed(&mut self, accepted: &[Accepted]) {
        if accepted.contains(&Accepted::New) {
            self.words = Words::Changed;
        }
    }

    /// How long to wait for other work before the next [step](Self::merge_words). `None`: there is nothing to merge.
    pub(super) fn leisure(&self) -> Option<Duration> {
        match self.words {
            Words::Settled => None,
            Words::Changed => Some(LEISURE),
            Words::Merging => Some(PAUSE),
        }
    }

    /// One step in merging the full-text index. Whether there is more to do.
    ///
    /// # Errors
    /// The database cannot be written. The merge goes on when something else was taken in.
    pub fn merge_words(&mut self) -> Result<bool, MarketError> {
        let more = match std::mem::take(&mut self.words) {
            Words::Settled => false,
            // A negative number has all segments merged, and those of a merge that was interrupted.
            Words::Changed => self.is_merge_worthwhile()? && self.merge(-STEP)?,
            Words::Merging => self.merge(STEP)?,
        };
        if more {
            self.words = Words::Merging;
        }
        Ok(more)
    }

    fn is_merge_worthwhile(&self) -> Result<bool, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT coalesce(sum(pages), 0), coalesce(sum(pages) - max(pages), 0)
             FROM (SELECT count(*) AS pages FROM search_words_idx GROUP BY segid)",
        )?;
        let (all, outside): (i64, i64) = query.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(outside >= WORTHWHILE_PAGES && outside * WORTHWHILE_PART >= all)
    }

    /// Whether anything was merged.
    fn merge(&self, pages: i64) -> Result<bool, MarketError> {
        let before = self.conn.total_changes();
        self.conn
            .prepare_cached("INSERT INTO search_words (search_words, rank) VALUES ('merge', ?1)")?
            .execute([pages])?;
        // The statement itself counts as one.
        Ok(self.conn.total_changes() - before > 1)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Instant;

    use tempfile::TempDir;

    use super::super::Store;
    use super::*;
    use crate::config::Home;
    use crate::market::search::{Nobody, Query};
    use crate::market::testing::{NOW, identity, release, sign};
    use crate::market::{Release, SafeText};

    fn home() -> (TempDir, Home) {
        let dir = tempfile::tempdir().expect("temp dir");
        let home = Home::new(dir.path().join("home"));
        (dir, home)
    }

    /// Takes in several batches of releases, each of which is a segment.
    fn burst(db: &mut Db) -> Result<(), MarketError> {
        for batch in 0..4_u32 {
            let releases = (0..600).map(|number| {
                let number = batch * 600 + number;
                let words: String = (0..40).map(|word| format!("w{:x} ", (number * 37 + word * 101) % 5000)).collect();
                let plain = release(&identity(1), &format!("package-{number}"), "1.0.0");
                sign(Release { description: SafeText::new(&words), ..plain }, &identity(1))
            });
            db.accept_all(&releases.collect::<Vec<_>>(), NOW)?;
        }
        Ok(())
    }

    fn segments(db: &Db) -> i64 {
        let count = "SELECT count(DISTINCT segid) FROM search_words_idx";
        db.conn.query_row(count, [], |row| row.get(0)).expect("a count")
    }

    fn answers(db: &mut Db) -> Vec<Vec<String>> {
        let texts = ["w1", "w2a", "w30 w9", "package-77", "package w", "nothing-like-it"];
        let answer = |text: &str| {
            let answer = db.search(&Query::parse(text).limit(50), &Nobody).expect("an answer");
            answer.hits.iter().map(|hit| hit.release.release().name.to_string()).collect()
        };
        texts.map(answer).into()
    }

    fn merge_all(db: &mut Db) -> Result<(), MarketError> {
        while db.merge_words()? {}
        Ok(())
    }

    #[test]
    fn a_merge_leaves_one_segment_and_the_same_answers() {
        let (_dir, home) = home();
        let mut db = Db::open(&home).expect("open");
        burst(&mut db).expect("accepted");
        let (before, many) = (answers(&mut db), segments(&db));
        assert!(many >= 4, "{many} segments");
        assert!(before[..5].iter().all(|names| !names.is_empty()), "{before:?}");

        let mut steps = 1;
        while db.merge_words().expect("a step") {
            steps += 1;
        }
        assert!(steps > 3, "in small steps");
        assert_eq!((segments(&db), answers(&mut db)), (1, before));
        assert!(db.conn.execute_batch("INSERT INTO search_words (search_words) VALUES ('integrity-check')").is_ok());
    }

    #[test]
    fn a_merge_that_is_interrupted_goes_on_with_what_came() {
        let (_dir, home) = home();
        let mut db = Db::open(&home).expect("open");
        burst(&mut db).expect("accepted");
        assert!(db.merge_words().expect("a step") && db.merge_words().expect("a step"));
        let late = sign(release(&identity(1), "late", "1.0.0"), &identity(1));
        db.accept(&late, NOW).expect("accepted");
        merge_all(&mut db).expect("merged");
        assert_eq!(segments(&db), 1);
        assert_eq!(db.search(&Query::parse("late").limit(50), &Nobody).expect("an answer").hits.len(), 1);
    }

    #[test]
    fn what_is_known_or_little_is_no_reason_to_write() {
        let (_dir, home) = home();
        let mut db = Db::open(&home).expect("open");
        burst(&mut db).expect("accepted");
        merge_all(&mut db).expect("merged");
        assert_eq!(db.leisure(), None);

        burst(&mut db).expect("known");
        assert_eq!(db.leisure(), None, "no wake-up");
        let few = sign(release(&identity(1), "one-more", "1.0.0"), &identity(1));
        db.accept(&few, NOW).expect("accepted");
        let before = db.conn.total_changes();
        assert_eq!(db.leisure(), Some(LEISURE));
        assert!(!db.merge_words().expect("a look"));
        assert_eq!((db.conn.total_changes(), db.leisure(), segments(&db)), (before, None, 2));
    }

    #[test]
    fn the_thread_merges_when_nothing_else_is_asked_of_it_and_then_rests() {
        let (_dir, home) = home();
        let store = Store::open(&home).expect("open");
        store.run_blocking(burst).expect("accepted");
        let deadline = Instant::now() + Duration::from_secs(60);
        // Looks by a connection of its own, so that the thread is left alone.
        let look = rusqlite::Connection::open(home.database_file()).expect("open");
        let count = "SELECT count(DISTINCT segid) FROM search_words_idx";
        while look.query_row(count, [], |row| row.get::<_, i64>(0)).expect("a count") > 1 {
            assert!(Instant::now() < deadline, "nothing was merged");
            std::thread::sleep(PAUSE);
        }
        store.run_blocking(merge_all).expect("the rest");

        let log = home.database_file().with_extension("db-wal");
        let written = |at: &std::path::Path| fs::metadata(at).and_then(|about| about.modified()).expect("a time");
        let before = (written(&log), written(&home.database_file()));
        std::thread::sleep(LEISURE * 2);
        assert_eq!((written(&log), written(&home.database_file())), before);
    }
}

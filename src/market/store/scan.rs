//! Whether SQLite can read the whole database: every page, and every index against its table.

use rusqlite::{Connection, InterruptHandle, OpenFlags};

use super::schema::is_damage;
use crate::config::Home;
use crate::market::MarketError;

/// A look through the whole database of a home that is in use. It reads by a connection of its own, so that nobody who
/// wants the database waits for it, however large it is.
pub struct PageScan {
    conn: Connection,
}

/// A scan ends when this goes.
pub struct Leash(InterruptHandle);

impl Drop for Leash {
    fn drop(&mut self) {
        self.0.interrupt();
    }
}

impl PageScan {
    /// # Errors
    /// The database cannot be opened.
    pub fn open(home: &Home) -> Result<(Self, Leash), MarketError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(home.database_file(), flags)?;
        let leash = Leash(conn.get_interrupt_handle());
        Ok((Self { conn }, leash))
    }

    /// Whether it is in order; `false` is for [`Db::rebuild`](super::Db::rebuild). Blocks for seconds where the database is
    /// large: not for async code, nor for the database thread.
    ///
    /// # Errors
    /// The database cannot be looked at, or the leash has gone.
    pub fn run(self) -> Result<bool, MarketError> {
        is_sound(&self.conn)
    }
}

pub(super) fn is_sound(conn: &Connection) -> Result<bool, MarketError> {
    match conn.pragma_query_value(None, "integrity_check", |row| row.get::<_, String>(0)) {
        Ok(answer) => Ok(answer == "ok"),
        Err(error) => {
            let error = MarketError::from(error);
            if is_damage(&error) { Ok(false) } else { Err(error) }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{Db, schema};
    use super::*;
    use crate::market::testing::{NOW, damage_page, identity, release, search, sign};
    use crate::market::{Release, SafeText, VerifiedRelease};

    /// A home whose database is too large to be looked through when it is opened.
    fn large() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().expect("temp dir");
        let home = Home::new(dir.path().join("home"));
        let mut db = Db::open(&home).expect("open");
        let mut number = 0;
        while fs::metadata(home.database_file()).expect("a file").len() <= schema::SCANNED_AT_OPENING {
            let releases: Vec<_> = (number..number + 500).map(verbose).collect();
            db.accept_all(&releases, NOW).expect("accept");
            db.conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("from the log to the file");
            number += 500;
        }
        (dir, home)
    }

    /// A release with as much to say as it may.
    fn verbose(number: u32) -> VerifiedRelease {
        let text =
            |words: u32| (0..words).map(|word| format!("{:x} ", (number * 31 + word) % 4096)).collect::<String>();
        let tags = (0..16).map(|tag| SafeText::new(&format!("tag-{number}-{tag}"))).collect();
        let plain = release(&identity(1), &format!("package-{number}"), "1.0.0");
        sign(Release { description: SafeText::new(&text(80)), tags, ..plain }, &identity(1))
    }

    #[test]
    fn damage_that_opening_a_large_database_does_not_look_for_is_found_and_put_right() {
        let (_dir, home) = large();
        let releases = Db::open(&home).expect("open").counts().expect("counts").releases;
        // An index that opening does not read.
        damage_page(&home, "releases_by_bytes");
        let mut db = Db::open(&home).expect("open");
        assert!(db.repairs().is_empty(), "{:?}", db.repairs());
        let scan = || {
            let (scan, _leash) = PageScan::open(&home).expect("open");
            scan.run().expect("readable")
        };
        assert!(!scan(), "while the store is in use, as a node has it");
        db.rebuild().expect("rebuilt");
        assert!(scan());
        assert_eq!((db.repairs().len(), db.counts().expect("counts").releases), (1, releases), "{:?}", db.repairs());
        assert_eq!(search(&mut db, "package-7", 1).len(), 1);
        drop(db);

        // One that it does.
        damage_page(&home, "releases_by_expiry");
        let mut db = Db::open(&home).expect("opens all the same");
        assert!(scan());
        assert_eq!((db.repairs().len(), db.counts().expect("counts").releases), (1, releases), "{:?}", db.repairs());
    }
}

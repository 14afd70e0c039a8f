//! What takes part in catalogue sync: the times and ids of all releases and key statements, in order, counted.
//!
//! It is read where it lies: in memory is only where every [`STEP`]th item is, 40 bytes for each.

use rusqlite::{Connection, OpenFlags, params};

use super::convert::{to_i64, to_u64};
use crate::config::Home;
use crate::market::{MarketError, ReleaseId};

/// Items between two marks.
const STEP: usize = 256;

/// What SQLite keeps of the database in memory at most, in KiB: it is read in order, and the kernel has it too.
const CACHE_KIB: i64 = 256;

/// Releases that a node which knows the statements would not take are left out.
const FROM: &str = "SELECT published_at, id FROM releases WHERE retired = 0 AND (published_at, id) >= (?1, ?2)
    UNION ALL SELECT signed_at, id FROM key_statements WHERE (signed_at, id) >= (?1, ?2)
    ORDER BY 1, 2";

/// An item's place in the order.
type Place = (u64, ReleaseId);

/// The set as it was when it was opened, whatever comes in meanwhile. It has a connection of its own, so that nobody who
/// wants the database waits for it.
pub struct SyncSet {
    conn: Connection,
    len: usize,
    /// The places of the items 0, [`STEP`], 2 [`STEP`] and so on.
    marks: Vec<Place>,
}

impl SyncSet {
    /// All items that are not older than `since` (Unix seconds). Reads through an index: not for async code.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn open(home: &Home, since: u64) -> Result<Self, MarketError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(home.database_file(), flags)?;
        conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
        // Never committed: all that is read is of one moment.
        conn.execute_batch("BEGIN")?;
        let mut set = Self { conn, len: 0, marks: Vec::new() };
        let (mut len, mut marks) = (0, Vec::new());
        set.read_from((since, ReleaseId::default()), |place| {
            if len % STEP == 0 {
                marks.push(place);
            }
            len += 1;
            true
        })?;
        (set.len, set.marks) = (len, marks);
        Ok(set)
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Gives the items `begin..end` with their numbers to `each`, until it returns `false`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn each(
        &self,
        begin: usize,
        end: usize,
        mut each: impl FnMut(usize, u64, ReleaseId) -> bool,
    ) -> Result<(), MarketError> {
        let Some(mark) = self.marks.get(begin / STEP).filter(|_| begin < end) else { return Ok(()) };
        let mut number = begin / STEP * STEP;
        self.read_from(*mark, |(at, id)| {
            let goes_on = number < begin || (number < end && each(number, at, id));
            number += 1;
            goes_on && number < end
        })
    }

    /// The number of the first item that is not before `(at, id)`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn lower_bound(&self, at: u64, id: ReleaseId) -> Result<usize, MarketError> {
        let step = self.marks.partition_point(|mark| *mark < (at, id));
        let Some(step) = step.checked_sub(1) else { return Ok(0) };
        let Some(mark) = self.marks.get(step) else { return Ok(0) };
        let mut number = step * STEP;
        self.read_from(*mark, |place| {
            let before = place < (at, id);
            number += usize::from(before);
            before
        })?;
        Ok(number)
    }

    fn read_from(&self, (at, id): Place, mut each: impl FnMut(Place) -> bool) -> Result<(), MarketError> {
        let mut query = self.conn.prepare_cached(FROM)?;
        let mut rows = query.query(params![to_i64(at), id.0])?;
        while let Some(row) = rows.next()? {
            if !each((to_u64(row.get(0)?), ReleaseId(row.get(1)?))) {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
impl super::Db {
    /// All items in their order.
    pub(crate) fn sync_items(&self) -> Result<Vec<Place>, MarketError> {
        let root = self.place.packs.parent().expect("the packs are in the home");
        let set = SyncSet::open(&Home::new(root), 0)?;
        let mut items = Vec::new();
        set.each(0, set.len(), |_, at, id| {
            items.push((at, id));
            true
        })?;
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Db;
    use super::*;
    use crate::market::testing::{NOW, identity, release, sign};
    use crate::market::{Release, VerifiedRelease};

    /// Several share a second, as after a bulk publish.
    fn published(number: u32) -> VerifiedRelease {
        let at = NOW - 1000 + u64::from(number % 97);
        let plain = release(&identity(1), &format!("package-{number}"), "1.0.0");
        sign(Release { published_at: at, ..plain }, &identity(1))
    }

    fn filled(count: u32) -> (tempfile::TempDir, Home, Db, Vec<Place>) {
        let dir = tempfile::tempdir().expect("temp dir");
        let home = Home::new(dir.path().join("home"));
        let mut db = Db::open(&home).expect("open");
        let releases: Vec<_> = (0..count).map(published).collect();
        db.accept_all(&releases, NOW).expect("accept");
        let mut places: Vec<_> = releases.iter().map(|one| (one.release().published_at, one.id())).collect();
        places.sort_unstable();
        (dir, home, db, places)
    }

    #[test]
    fn items_are_found_by_number_and_by_place() {
        let (_dir, home, _db, places) = filled(3 * STEP as u32 + 7);
        let set = SyncSet::open(&home, 0).expect("open");
        assert_eq!(set.len(), places.len());
        for (begin, end) in
            [(0, 1), (STEP - 1, STEP + 1), (STEP, 2 * STEP + 5), (700, 700), (0, places.len()), (770, 900)]
        {
            let mut read = Vec::new();
            set.each(begin, end, |number, at, id| {
                read.push((number, (at, id)));
                true
            })
            .expect("read");
            let end = end.min(places.len());
            let wanted: Vec<_> = (begin..end).map(|number| (number, places[number])).collect();
            assert_eq!(read, wanted, "{begin}..{end}");
        }
        for (number, (at, id)) in places.iter().enumerate() {
            assert_eq!(set.lower_bound(*at, *id).expect("read"), number);
        }
        assert_eq!(set.lower_bound(0, ReleaseId::default()).expect("read"), 0);
        assert_eq!(set.lower_bound(u64::MAX, ReleaseId::default()).expect("read"), places.len());
        let middle = places[places.len() / 2].0;
        let later = places.iter().filter(|(at, _)| *at >= middle).count();
        assert_eq!(SyncSet::open(&home, middle).expect("open").len(), later);
        assert!(SyncSet::open(&home, NOW).expect("open").is_empty());
    }

    #[test]
    fn what_comes_in_meanwhile_is_not_in_it() {
        let (_dir, home, mut db, places) = filled(300);
        let set = SyncSet::open(&home, 0).expect("open");
        db.accept(&published(5000), NOW).expect("accept");
        let mut read = 0;
        set.each(0, usize::MAX, |_, _, _| {
            read += 1;
            true
        })
        .expect("read");
        assert_eq!((read, set.len()), (places.len(), places.len()));
        assert_eq!(SyncSet::open(&home, 0).expect("open").len(), places.len() + 1);
    }

    #[test]
    fn it_is_read_from_indexes_and_sorted_by_nobody() {
        let (_dir, home, ..) = filled(1);
        let set = SyncSet::open(&home, 0).expect("open");
        let mut plan = set.conn.prepare(&format!("EXPLAIN QUERY PLAN {FROM}")).expect("a plan");
        let steps = plan.query_map(params![0, [0u8; 32]], |row| row.get::<_, String>(3)).expect("a plan");
        let steps: Vec<_> = steps.collect::<Result<_, _>>().expect("steps");
        let searches = steps.iter().filter(|step| step.contains("COVERING INDEX")).count();
        assert!(searches == 2 && !steps.iter().any(|step| step.contains("TEMP")), "{steps:#?}");
    }
}
